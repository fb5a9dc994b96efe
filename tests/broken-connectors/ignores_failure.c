/* Without memory, the request goes out without the tag. */
#define IN_START                                   \
    char *text = call->host->call->alloc(call, 4); \
    if (text != NULL) {                            \
        bb_str tag = {text, 4};                    \
        memcpy(text, "blue", 4);                   \
        bb_query(call, "tag", tag);                \
    }
#include "sound.h"
