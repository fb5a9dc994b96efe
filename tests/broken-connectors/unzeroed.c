/* Memory is always zeroed. */
#define IN_START                                           \
    char *text = call->host->call->alloc(call, 64);        \
    if (text == NULL)                                      \
        return bb_fail(call, BB_E_NO_MEMORY, "no memory"); \
    if (text[0] != 0)                                      \
        *(volatile int *)8 = 1;
#include "sound.h"
