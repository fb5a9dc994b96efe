/* Room isolate: connectors that run in processes of their own. It includes plugin, json and base; registry,
 * pipeline and hub include it. It knows no connection but by what it is given, and opens no file of a
 * connector: the process does. */

/* isolate.h - one connection's connector in a process of its own (`isolation = process`).
 *
 * Each such connection has a process of this same program that loads the connector, creates its instance and
 * runs its steps: by the same functions that run them within the hub. What passes is bytes: input and
 * answers one way; requests, outputs and errors the other. Requests are sent by the hub, which puts the
 * credentials in: the process never sees them. Whatever the process says is checked as what a connector says
 * is checked within the hub, by the same functions.
 *
 * A supervisor's thread starts the processes, waits for their ends and starts them again; every event loop
 * has a socket of its own to each, so that no call crosses a thread. What a loop has to say goes out in one
 * write a round, and the process answers all that it has read in one write. */
#ifndef ISOLATE_ISOLATE_H
#define ISOLATE_ISOLATE_H

#include "base/err.h"
#include "base/loop.h"
#include "session/session.h"

typedef struct isolates isolates; /* all of a hub */
typedef struct isolated isolated; /* one connection's; counted */

/* What conf.d says in [isolation]. */
typedef struct isolate_limits {
    uint64_t memory;          /* bytes of address space; 0: no limit */
    uint64_t step_timeout_ms; /* without a sign of life while a step is awaited, and it is killed */
    uint32_t restarts;        /* more ends than this within the window: it is not started again */
    uint64_t window_ms;
} isolate_limits;

#define ISOLATE_MEMORY ((uint64_t)512 << 20)
#define ISOLATE_STEP_TIMEOUT_MS 1000u
#define ISOLATE_RESTARTS 5u
#define ISOLATE_RESTARTS_MAX 10000u
#define ISOLATE_WINDOW_MS 60000u

typedef struct isolate_what {
    bb_str connection, plugin, version;
    bb_str settings, base_url; /* settings: a JSON text */
    const char *path;          /* of the staged copy */
    const char *sha256;
    isolate_limits limits;
    /* Of a connector with session operations, which need files and sockets: a wider confinement, and what it
     * logs in with. NULL: it has none, and sees no credential. */
    const session_policy *sessions;
    const str_pair *credentials;
    size_t credential_count;
} isolate_what;

/* A build whose process ended again and again: the main thread puts it in quarantine. */
typedef struct isolate_loop_of_ends {
    char sha256[65], plugin[65], version[33];
    char reason[512];
} isolate_loop_of_ends;

/* `program`: started as `PROGRAM worker N`. `wake` is called on the supervisor's thread when there is
 * something for isolates_looping. NULL: *e. [main] */
isolates *isolates_new(const char *program, unsigned loops, void (*wake)(void *ctx), void *ctx, err *e);
/* Ends all processes, and the thread. After isolate_release of all, and isolate_loop_close on all loops. */
void isolates_free(isolates *all);
/* False: no more. [main] */
bool isolates_looping(isolates *all, isolate_loop_of_ends *out);
/* Processes, their ends, memory and CPU time, in the text format of metrics. [any-thread] */
void isolates_render(isolates *all, buf *out);

/* Starts a process; isolate_await then tells whether the connector accepted its settings. NULL: no memory.
 * [main] */
isolated *isolate_begin(isolates *all, const isolate_what *what);
/* Waits until it is ready, refused, or ended. False: *e, and it is to be released. */
bool isolate_await(isolated *i, unsigned timeout_ms, err *e);
/* Ends it, in its own time but soon: no call of it is under way. [main] */
void isolate_release(isolated *i);
/* It ended again and again and is off; after that was lifted it is started anew. [main] */
bool isolate_is_off(isolated *i);
void isolate_revive(isolated *i);

/* --- calls: [loop] ---------------------------------------------------------------------------------- */

typedef struct isolate_call isolate_call;

typedef enum {
    ISOLATE_STEPPED, /* the step ended: see `outcome`, and the plugin_call */
    ISOLATE_CRASHED, /* the process ended while it had the call: `detail` says how */
    ISOLATE_OFF      /* it is not running and will not be soon, or has no room: `detail` says why */
} isolate_result;

/* Called on the loop, never from within isolate_start and isolate_resume. `detail` lives until it returns. */
typedef void (*isolate_done)(void *ctx, isolate_result result, plugin_outcome outcome, bb_str detail);

/* A call's place here: zeroed before its first use, and then by isolate_leave. */
struct isolate_call {
    isolated *of; /* NULL: nothing is under way */
    loop *on;
    struct isolate_link *link;
    plugin_call *steps;
    session_job *job; /* of a session operation; else NULL */
    isolate_done done;
    void *ctx;
    uint32_t slot, turn, op;
    bool instance; /* of a webhook: see isolate_verify */
    bool waits;    /* for the process to be there */
    bool working;  /* a step has been asked for, and no answer is here */
    bool stale;    /* and that answer is of no interest: the next one is */
    uint64_t since_ms;
    uint64_t retry_ms; /* of ISOLATE_CRASHED and _OFF: when it is worth trying again; 0: unknown */
    isolate_call *next, **back;
};

/* Runs operation number `op` of the connector: c->abi's input and cursor, base_url and deadline are set.
 * `done` fills in c->request, output or error. False: no memory. */
bool isolate_start(isolated *i, loop *l, isolate_call *r, plugin_call *c, uint32_t op, isolate_done done,
                   void *ctx);
/* Runs a session operation: `done` is told once `job`, which was not submitted, is filled in as its pool
 * would fill it in. */
bool isolate_run(isolated *i, loop *l, isolate_call *r, session_job *job, uint32_t op, isolate_done done,
                 void *ctx);
/* Runs `verify` of the connector's webhook scheme number `scheme` on c->webhook: its request, and c->abi's
 * input, are set; where its sample is, `sign`. `instance`: it is of an endpoint of this connection, whose
 * instance and settings it sees. `done` finds c->webhook filled in, or c->error. */
bool isolate_verify(isolated *i, loop *l, isolate_call *r, plugin_call *c, uint32_t scheme, bool instance,
                    isolate_done done, void *ctx);
/* Runs its `resume` on c->answer, which may go as soon as this returns. False: the process that began the
 * call has ended; *e says how. */
bool isolate_resume(isolate_call *r, err *e);
/* Has the connector say what the service is to be told where a call is given up that isolate_start began:
 * c->request is filled in, after plugin_abandon_begin. `done` takes the place of the one before. False:
 * nobody can be asked. */
bool isolate_abandon(isolate_call *r, bb_code why, isolate_done done, void *ctx);
/* The call is over, whatever it was at: `done` is not called any more. */
void isolate_leave(isolate_call *r);
/* The loop lets go of the connection: it will start no call of it any more. */
void isolate_loop_close(isolated *i, loop *l);

/* The child's side: `busbar worker N`. Gives an exit code. */
int isolate_child_main(const char *loops);

#endif
