/* pool.c - a pool's life, its line of waiting jobs, and when another session is opened. */
#include "session/internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define STUCK_MS 2000u
#define BACKOFF_FIRST_MS 100u
#define BACKOFF_MOST_MS 10000u
#define BACKOFF_WAIT_MS 1000u /* a call waits for the end of a pause up to this; else it is told at once */

session_policy session_policy_of(const bb_session_extension *x) {
    return (session_policy){.sessions = x->sessions != 0 ? x->sessions : 4,
                            .waiting = 1000,
                            .wait_ms = 30000,
                            .idle_ms = x->idle_ms != 0 ? x->idle_ms : 60000,
                            .lifetime_ms = x->lifetime_ms,
                            .health_ms = x->health_ms != 0 ? x->health_ms : 5000,
                            .open_ms = 10000};
}

/* --- threads ------------------------------------------------------------------------------------------ */

bool session_thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg) {
    sigset_t others, before;
    sigfillset(&others);
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&others, faults[i]);
    pthread_sigmask(SIG_SETMASK, &others, &before);
    bool ok = pthread_create(thread, NULL, run, arg) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok)
        pthread_setname_np(*thread, name);
    return ok;
}

void session_cond_init(pthread_cond_t *c) {
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}

void session_cond_wait_until(pthread_cond_t *c, pthread_mutex_t *lock, uint64_t at_ns) {
    if (at_ns == SESSION_NEVER) {
        pthread_cond_wait(c, lock);
        return;
    }
    struct timespec at = {.tv_sec = (time_t)(at_ns / 1000000000u), .tv_nsec = (long)(at_ns % 1000000000u)};
    pthread_cond_timedwait(c, lock, &at);
}

void pool_lock(session_pool *p) {
    pthread_mutex_lock(&p->lock);
}

void pool_unlock(session_pool *p) {
    session_job *list = p->telling;
    p->telling = NULL;
    pthread_mutex_unlock(&p->lock);
    for (session_job *job = list, *next; job != NULL; job = next) {
        next = job->next;
        job->done(job);
    }
}

void pool_tell(session_pool *p) {
    while (p->telling != NULL) {
        pool_unlock(p);
        pool_lock(p);
    }
}

/* --- the line ----------------------------------------------------------------------------------------- */

session_job *pool_take(session_pool *p) {
    session_job *job = p->first;
    if (job == NULL)
        return NULL;
    p->first = job->next;
    if (p->first == NULL)
        p->last = &p->first;
    p->waiting--;
    job->next = NULL;
    job->queued = false;
    return job;
}

void pool_put_back(session_pool *p, session_job *job) {
    job->next = p->first;
    if (p->first == NULL)
        p->last = &job->next;
    p->first = job;
    p->waiting++;
    job->queued = true;
}

static void append(session_pool *p, session_job *job) {
    job->next = NULL;
    *p->last = job;
    p->last = &job->next;
    p->waiting++;
    job->queued = true;
}

void pool_drop_ended(session_pool *p, session_job *job) {
    session_job **at = &p->first;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    if (*at == NULL)
        p->last = at;
    p->waiting--;
    job->queued = false;
}

/* Ends a job that is in line: it is run by nobody. */
void pool_refuse(session_pool *p, session_job *job, session_end how, uint64_t now_ns) {
    pool_drop_ended(p, job);
    p->counts.refused++;
    job_end(p, job, how, now_ns);
    session_job_unref(job); /* the line's */
}

/* --- when a session is opened -------------------------------------------------------------------------- */

typedef struct tally {
    unsigned free;   /* idle, not called yet */
    unsigned coming; /* opening, or called: each will take a job from the line */
    unsigned busy;   /* will be free some day */
    unsigned going;  /* closing */
    unsigned stuck;
} tally;

static tally count(const session_pool *p) {
    tally t = {0};
    for (const session *s = p->sessions; s != NULL; s = s->next) {
        if (s->state == ENDED)
            continue;
        if (s->stuck)
            t.stuck++;
        else if (s->state == IDLE)
            t.free += !s->called, t.coming += s->called;
        else if (s->state == OPENING)
            t.coming++;
        else if (s->state == CLOSING)
            t.going++;
        else
            t.busy++;
    }
    return t;
}

/* A function that does not come back gives its place up, but not without end: its thread is one all the same.
 */
static bool has_place(const session_pool *p, const tally *t) {
    unsigned most = p->setup.policy.sessions, held = t->free + t->coming + t->busy + t->going;
    return held < most && held + t->stuck < 2 * most;
}

/* The one used last: the others may come to the end of their idle time. */
static session *idle_session(session_pool *p) {
    session *best = NULL;
    for (session *s = p->sessions; s != NULL; s = s->next)
        if (s->state == IDLE && !s->called && !s->stuck && (best == NULL || s->since_ns > best->since_ns))
            best = s;
    return best;
}

static void refuse_unopened(session_pool *p, session_job *job, uint64_t now_ns) {
    arena *a = job->call.memory;
    job->call.error = p->why;
    job->call.error.message = arena_copy(a, p->why.message);
    job->call.error.upstream_code = p->why.upstream_code.len > 0 ? arena_copy(a, p->why.upstream_code)
                                                                 : (bb_str){NULL, 0};
    job->retry_after_ms = p->shut_until_ns > now_ns ? (p->shut_until_ns - now_ns) / SESSION_MS + 1 : 0;
    pool_refuse(p, job, SESSION_NOT_OPENED, now_ns);
}

static bool is_alone(const tally *t) {
    return t->free + t->coming + t->busy + t->going == 0;
}

/* Nothing is there or coming that could serve the line. */
static void refuse_all(session_pool *p, const tally *t, uint64_t now_ns) {
    while (p->first != NULL) {
        if (p->failures > 0 && has_place(p, t))
            refuse_unopened(p, p->first, now_ns);
        else
            pool_refuse(p, p->first, SESSION_NO_PLACE, now_ns);
    }
}

void pool_refuse_unopened(session_pool *p, uint64_t now_ns) {
    tally t = count(p);
    if (is_alone(&t))
        refuse_all(p, &t, now_ns);
}

void pool_feed(session_pool *p, uint64_t now_ns) {
    tally t = count(p);
    while (p->waiting > t.coming) {
        session *idle = t.free > 0 ? idle_session(p) : NULL;
        if (idle != NULL) {
            idle->called = true;
            pthread_cond_signal(&idle->wake);
            t.free--, t.coming++;
        } else if (now_ns >= p->shut_until_ns && has_place(p, &t) && session_start(p, now_ns)) {
            t.coming++;
        } else {
            break;
        }
    }
    bool paused = p->shut_until_ns > now_ns;
    bool briefly = paused && p->shut_until_ns - now_ns <= BACKOFF_WAIT_MS * SESSION_MS && has_place(p, &t);
    if (p->first != NULL && is_alone(&t) && !briefly)
        refuse_all(p, &t, now_ns);
    else if (p->waiting > t.coming && paused)
        keeper_want(p, p->shut_until_ns);
}

/* --- jobs come ------------------------------------------------------------------------------------------ */

static void line_up(session_pool *p, session_job *job, uint64_t now_ns) {
    append(p, job);
    if (!keeper_start(p)) {
        pool_refuse(p, job, SESSION_NO_PLACE, now_ns);
        return;
    }
    pool_feed(p, now_ns);
    if (!job->queued)
        return;
    tally t = count(p);
    if (p->waiting > t.coming && p->waiting - t.coming > p->setup.policy.waiting)
        pool_refuse(p, job, SESSION_LINE_FULL, now_ns);
    else
        keeper_want(p, least(job->call.deadline_ns, now_ns + p->setup.policy.wait_ms * SESSION_MS));
}

void session_submit(session_pool *p, session_job *job) {
    uint64_t now = clock_ns();
    atomic_fetch_add_explicit(&job->refs, 1, memory_order_relaxed); /* the line's, then the session's */
    pool_lock(p);
    job->pool = p;
    job->submitted_ns = now;
    job->call.abi.instance = p->setup.instance;
    job->call.build = p->setup.module->build;
    job->call.plugin_id = p->setup.module->desc->id;
    job->call.connection_id = p->setup.connection->id;
    if (p->retiring) {
        append(p, job);
        pool_refuse(p, job, SESSION_RETIRED, now);
    } else {
        line_up(p, job, now);
    }
    pool_unlock(p);
}

/* --- life ----------------------------------------------------------------------------------------------- */

session_pool *session_pool_new(const session_setup *setup) {
    session_pool *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->setup = *setup;
    if (p->setup.stuck_ms == 0)
        p->setup.stuck_ms = STUCK_MS;
    p->last = &p->first;
    p->keeper_wakes_ns = SESSION_NEVER;
    pthread_mutex_init(&p->lock, NULL);
    session_cond_init(&p->keep);
    session_cond_init(&p->over);
    return p;
}

void session_pool_retire(session_pool *p, void (*gone)(void *ctx), void *ctx) {
    uint64_t now = clock_ns();
    pool_lock(p);
    p->retiring = true;
    while (p->first != NULL)
        pool_refuse(p, p->first, SESSION_RETIRED, now);
    for (session *s = p->sessions; s != NULL; s = s->next) {
        atomic_store_explicit(&s->s.cancelled, 1, memory_order_relaxed);
        pthread_cond_signal(&s->wake);
    }
    bool runs = p->keeper_state == KEEPER_RUNS;
    p->gone = gone;
    p->gone_ctx = ctx;
    pthread_cond_signal(&p->keep);
    pool_unlock(p);
    if (!runs && gone != NULL)
        gone(ctx);
}

bool session_pool_wait(session_pool *p, uint64_t ms) {
    uint64_t until = clock_ns() + ms * SESSION_MS;
    pool_lock(p);
    while (p->keeper_state == KEEPER_RUNS && clock_ns() < until)
        session_cond_wait_until(&p->over, &p->lock, until);
    bool ended = p->keeper_state != KEEPER_RUNS;
    pool_unlock(p);
    return ended;
}

void session_pool_free(session_pool *p) {
    if (p == NULL)
        return;
    assert(p->keeper_state != KEEPER_RUNS && p->sessions == NULL && p->first == NULL);
    if (p->keeper_state == KEEPER_ENDED)
        pthread_join(p->keeper, NULL);
    pthread_cond_destroy(&p->keep);
    pthread_cond_destroy(&p->over);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

const session_policy *session_pool_policy(const session_pool *p) {
    return &p->setup.policy;
}

void session_pool_count(session_pool *p, session_counts *out) {
    pool_lock(p);
    tally t = count(p);
    *out = p->counts;
    for (const session *s = p->sessions; s != NULL; s = s->next)
        out->opening += !s->stuck && (s->state == OPENING || s->state == CLOSING);
    out->busy = t.busy;
    out->waiting = p->waiting;
    out->stuck = t.stuck;
    for (const session *s = p->sessions; s != NULL; s = s->next)
        out->open += !s->stuck && (s->state == IDLE || s->state == RUNNING || s->state == CHECKING);
    pool_unlock(p);
}

/* --- what opening came to ---------------------------------------------------------------------------------
 */

void pool_opened(session_pool *p) {
    p->failures = 0;
    p->shut_until_ns = 0;
    p->counts.opened++;
}

/* So that a service that is down, or a password that is wrong, is not tried anew by every call that waits. */
void pool_not_opened(session_pool *p, const plugin_error *why, uint64_t now_ns) {
    uint64_t pause = BACKOFF_FIRST_MS;
    for (unsigned i = 0; i < p->failures && pause < BACKOFF_MOST_MS; i++)
        pause *= 2;
    p->failures++;
    p->counts.failed++;
    p->shut_until_ns = now_ns + least(pause, BACKOFF_MOST_MS) * SESSION_MS;
    str_put(p->why_message, sizeof p->why_message, why->message);
    str_put(p->why_code, sizeof p->why_code, why->upstream_code);
    p->why = *why;
    p->why.message = str_from(p->why_message);
    p->why.upstream_code = str_from(p->why_code);
}
