/* Cannot go on by what it saved itself. */
#define READ_SAVED(json, saved) 0
#define IN_START                                                                   \
    if (saved != NULL)                                                             \
        return bb_fail(call, BB_E_UNSUPPORTED, "the upload cannot go on: at %lld", \
                       (long long)(at + (call->host->json->count(saved) > 9)));
#include "files.h"
