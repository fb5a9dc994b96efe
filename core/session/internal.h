/* internal.h - what the room's files share. Everything of a pool is guarded by its lock unless said
 * otherwise. */
#ifndef SESSION_INTERNAL_H
#define SESSION_INTERNAL_H

#include "session/session.h"

#define SESSION_MS 1000000u
#define SESSION_NEVER UINT64_MAX

static inline uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

typedef enum { OPENING, IDLE, CHECKING, RUNNING, CLOSING, ENDED } session_state;

typedef struct session {
    plugin_session s; /* its thread's, but for what is atomic */
    session_pool *pool;
    struct session *next;
    pthread_t thread;
    pthread_cond_t wake;
    session_state state;
    bool called;       /* idle, and woken to take a job */
    bool opened;       /* `open` came through, `close` is owed */
    bool doubted;      /* interrupted since it was last known good */
    bool interrupting; /* the keeper is in `interrupt` */
    bool stuck;
    session_state stuck_in;
    session_job *job; /* counted */
    uint64_t opened_ns;
    uint64_t since_ns;     /* of the state; of an idle one: since it was last used */
    uint64_t over_ns;      /* when what is under way should have come back; SESSION_NEVER: it has no time */
    uint64_t interrupt_ns; /* when it is interrupted (again) */
} session;

struct session_pool {
    session_setup setup;
    pthread_mutex_t lock;
    pthread_cond_t keep; /* wakes the keeper */
    pthread_cond_t over; /* the keeper has ended */
    pthread_t keeper;
    enum { KEEPER_NONE, KEEPER_RUNS, KEEPER_ENDED } keeper_state;
    uint64_t keeper_wakes_ns;
    session *sessions; /* all that have a thread to be joined */
    session_job *first, **last;
    unsigned waiting;
    session_job *telling; /* ended, not yet told of: by pool_unlock */
    bool retiring;
    void (*gone)(void *ctx);
    void *gone_ctx;
    uint64_t shut_until_ns; /* no session is opened before: the last ones failed */
    unsigned failures;      /* in a row */
    plugin_error why;       /* of the last one; texts in the two below */
    char why_message[1024], why_code[128];
    session_counts counts; /* those since the pool was made */
};

void pool_lock(session_pool *p);
/* Unlocks, and tells of the jobs that have ended meanwhile. */
void pool_unlock(session_pool *p);
void pool_tell(session_pool *p); /* the same, and locks again: before a wait */
/* Sees to it that waiting jobs have sessions coming, as far as there are places; refuses those that never
 * will. */
void pool_feed(session_pool *p, uint64_t now_ns);
session_job *pool_take(session_pool *p);
void pool_put_back(session_pool *p, session_job *job);
/* Takes a job out of the line that nobody waits for any more. */
void pool_drop_ended(session_pool *p, session_job *job);
/* Ends a job that is in line: nobody runs it. */
void pool_refuse(session_pool *p, session_job *job, session_end how, uint64_t now_ns);
/* No session could be opened, and none is there: all who wait are told why. */
void pool_refuse_unopened(session_pool *p, uint64_t now_ns);
void pool_opened(session_pool *p);
void pool_not_opened(session_pool *p, const plugin_error *why, uint64_t now_ns);

/* Ends a job, once; it is told of by pool_unlock. */
void job_end(session_pool *p, session_job *job, session_end how, uint64_t now_ns);

bool session_start(session_pool *p, uint64_t now_ns); /* thread.c: a session with a thread of its own */

/* keeper.c */
bool keeper_start(session_pool *p);
void keeper_want(session_pool *p, uint64_t at_ns); /* to be looked after at that time */
/* What is due: jobs over their time, functions to be interrupted (one is given, with `interrupting` set),
 * stuck ones. Gives when the next thing is. */
uint64_t keeper_attend(session_pool *p, uint64_t now_ns, session **interrupt);

/* A thread that takes none of the process's signals but those of its own faults. */
bool session_thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg);
void session_cond_init(pthread_cond_t *c); /* on CLOCK_MONOTONIC */
void session_cond_wait_until(pthread_cond_t *c, pthread_mutex_t *lock, uint64_t at_ns);

#endif
