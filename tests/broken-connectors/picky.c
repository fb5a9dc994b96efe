/* Takes no input but its own, which no schema tells. */
#define EXAMPLES "[]"
#define IN_START                                   \
    if (!bb_str_eq(bb_in_text(call, "id"), "a-1")) \
        return bb_fail_input(call, "/id", "\"a-1\" is the only one");
#include "sound.h"
