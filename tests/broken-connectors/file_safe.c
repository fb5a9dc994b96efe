/* An upload that says that it only reads. */
#define PUT_OP_FLAGS BB_OP_SAFE
#include "files.h"
