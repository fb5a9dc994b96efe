/* Neither takes a file nor gives one. */
#define PUT_FLAGS BB_CONTENT_LENGTH
#include "files.h"
