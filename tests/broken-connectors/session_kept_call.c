/* Keeps the call, and uses it when the session is closed. */
static struct bb_call *kept;
#define IN_RUN kept = call;
#define IN_CLOSE      \
    if (kept != NULL) \
        kept->host->call->alloc(kept, 1);
#include "session.h"
