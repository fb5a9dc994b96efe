/* Believes what was saved, whoever saved it: the range may lie beyond the end. */
#define READ_SAVED(json, saved)                                \
    ((json)->to_int64(bb_get(call, (saved), "offset"), &at) || \
     (json)->to_int64(bb_get(call, (saved), "at"), &at))
#include "files.h"
