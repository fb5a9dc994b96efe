/* host.h - the poisoned host: it does what the hub's does, looks at where each function is called from, and
 * fails where it is told to. */
#ifndef CHECK_HOST_H
#define CHECK_HOST_H

#include "check/guard.h"
#include "plugin/call.h"
#include "plugin/host_auth.h"
#include "plugin/host_session.h"

typedef enum {
    PHASE_NONE, /* none of the connector's functions has been called, on this thread */
    PHASE_SELF_TEST,
    PHASE_CREATE,
    PHASE_DESTROY,
    PHASE_START,
    PHASE_RESUME,
    PHASE_SIGN,
    PHASE_VERIFY,
    PHASE_SIGN_SAMPLE,
    PHASE_OPEN, /* of sessions, as are: */
    PHASE_CHECK,
    PHASE_RUN,
    PHASE_CLOSE,
    PHASE_INTERRUPT,
    PHASE_ABANDON
} check_phase;

/* A call under trial. */
typedef struct driven {
    plugin_call c;          /* first: the connector's bb_call pointer is a driven pointer */
    plugin_auth auth;       /* of the steps of an auth scheme */
    plugin_content content; /* of an operation that takes or gives files */
    guarded *pieces;
    const void *given; /* the answer whose body is in `body` */
    bb_str body;
    size_t taken; /* bytes given by alloc */
    unsigned piece_count;
    unsigned host_calls;  /* of functions that can fail, so far */
    unsigned fail_at;     /* this one fails, from 1; 0: none */
    const char *failed;   /* which that was; NULL: it was not reached */
    uint64_t random;      /* state of host->crypto->random: the same for each run */
    bb_json_writer *dead; /* a writer that was made to fail */
} driven;

void poison_init(uint64_t seed);
const bb_host *poison_host(void);
/* What is under way on this thread. */
void poison_phase(check_phase phase);
void poison_step(check_phase phase, driven *d);
/* Whether misplaced calls are said (of the check that looks for them) or only kept from doing harm. */
void poison_loud(bool loud);
/* host->reject has been called in this create, for this connection; NULL: none, and its text. */
void poison_connection(const bb_connection *connection);
const char *poison_rejection(void);

#endif
