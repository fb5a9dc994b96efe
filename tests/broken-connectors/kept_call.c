/* Keeps the call, and uses it when it has long ended. */
static struct bb_call *kept;
#define IN_START kept = call;
#define IN_DESTROY    \
    if (kept != NULL) \
        kept->host->http->begin(kept, bb_s("GET"), bb_s("/bye"));
#include "sound.h"
