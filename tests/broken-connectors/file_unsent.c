/* Takes a file, and sends none of it. */
#define PUT_RANGE(from, bytes) bb_form(call, "n", bb_s((from) + (bytes) != 0 ? "1" : "0"))
#include "files.h"
