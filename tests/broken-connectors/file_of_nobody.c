/* Names an operation that it does not have. */
#define PUT_ID "putt"
#include "files.h"
