/* Memory is always there. */
#define IN_START                                    \
    char *text = call->host->call->alloc(call, 64); \
    text[0] = 0;
#include "sound.h"
