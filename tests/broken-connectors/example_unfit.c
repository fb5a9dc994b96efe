/* The example is older than the schema. */
#define EXAMPLES "[{\"summary\":\"one\",\"input\":{\"ident\":\"a\"}}]"
#include "sound.h"
