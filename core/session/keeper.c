/* keeper.c - a pool's keeper: the thread that ends what is over its time. It runs as long as the pool has
 * sessions or waiting jobs. */
#include "session/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "plugin/mark.h"

#include <stdlib.h>

/* An interrupt may come just before the driver begins what it was meant for, and be lost: it is repeated. */
#define INTERRUPT_AGAIN_MS 100u

/* --- what is due ------------------------------------------------------------------------------------------
 */

static uint64_t attend_line(session_pool *p, uint64_t now_ns) {
    uint64_t next = SESSION_NEVER, wait_ns = p->setup.policy.wait_ms * SESSION_MS;
    for (session_job *job = p->first, *behind; job != NULL; job = behind) {
        behind = job->next;
        if (now_ns >= job->call.deadline_ns)
            pool_refuse(p, job, SESSION_OVER_TIME, now_ns);
        else if (now_ns >= job->submitted_ns + wait_ns)
            pool_refuse(p, job, SESSION_WAITED, now_ns);
        else
            next = least(next, least(job->call.deadline_ns, job->submitted_ns + wait_ns));
    }
    return next;
}

static const char *name_of(const session *s) {
    return s->state == RUNNING && s->job != NULL ? s->job->op->desc->id
           : s->state == OPENING                 ? "open"
           : s->state == CLOSING                 ? "close"
                                                 : "check";
}

static void give_up(session_pool *p, session *s, uint64_t now_ns) {
    s->stuck = true;
    s->stuck_in = s->state;
    p->counts.stuck_ever++;
    log_error(
        "connector %s, connection %s: %s does not come back, %llu s after it was called; its thread is left "
        "alone, its callers have been answered",
        p->setup.module->desc->id, s->s.abi.connection, name_of(s),
        (unsigned long long)((now_ns - s->since_ns) / 1000000000u));
}

/* The job it runs is told, and what runs knows that it is over. */
static void end_time(session_pool *p, session *s, uint64_t now_ns) {
    session_job *job = s->job;
    if (job == NULL)
        return;
    if (now_ns >= job->call.deadline_ns)
        job_end(p, job, SESSION_OVER_TIME, now_ns);
    if (job->told) {
        s->over_ns = least(s->over_ns, job->told_ns);
        atomic_store_explicit(&job->call.cancelled, 1, memory_order_relaxed);
    }
}

static uint64_t attend_session(session_pool *p, session *s, uint64_t now_ns, session **interrupt) {
    end_time(p, s, now_ns);
    if (now_ns < s->over_ns)
        return s->over_ns;
    uint64_t stuck_at = s->over_ns + p->setup.stuck_ms * SESSION_MS;
    bool can_interrupt = s->s.ext->interrupt != NULL && (s->state == RUNNING || s->state == CHECKING);
    s->doubted = true;
    atomic_store_explicit(&s->s.cancelled, 1, memory_order_relaxed);
    if (!s->stuck && now_ns >= stuck_at)
        give_up(p, s, now_ns);
    if (can_interrupt && now_ns >= s->interrupt_ns && *interrupt == NULL) {
        s->interrupting = true;
        s->interrupt_ns = now_ns + INTERRUPT_AGAIN_MS * SESSION_MS;
        *interrupt = s;
    }
    uint64_t next = s->stuck ? SESSION_NEVER : stuck_at;
    return can_interrupt ? least(next, s->interrupt_ns) : next;
}

uint64_t keeper_attend(session_pool *p, uint64_t now_ns, session **interrupt) {
    uint64_t next = attend_line(p, now_ns);
    *interrupt = NULL;
    for (session *s = p->sessions; s != NULL; s = s->next)
        if (s->state != ENDED && s->state != IDLE)
            next = least(next, attend_session(p, s, now_ns, interrupt));
    pool_feed(p, now_ns); /* a stuck one gave its place up, or a pause is over */
    if (p->first != NULL && p->shut_until_ns > now_ns)
        next = least(next, p->shut_until_ns);
    return next;
}

/* --- the thread
 * --------------------------------------------------------------------------------------------- */

static void interrupt_it(session_pool *p, session *s) {
    pool_unlock(p);
    plugin_session_interrupt(&s->s);
    pool_lock(p);
    s->interrupting = false;
    pthread_cond_signal(&s->wake);
}

/* Takes the threads that have come to their end out of the list. */
static void join_ended(session_pool *p) {
    for (session **at = &p->sessions; *at != NULL;) {
        session *s = *at;
        if (s->state != ENDED) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        pthread_join(s->thread, NULL); /* it has let go of the lock: nothing is left for it to do */
        pthread_cond_destroy(&s->wake);
        free(s);
    }
}

static void *run(void *arg) {
    session_pool *p = arg;
    mark_may_block();
    pool_lock(p);
    for (;;) {
        session *interrupt;
        join_ended(p);
        uint64_t next = keeper_attend(p, clock_ns(), &interrupt);
        if (p->sessions == NULL && p->first == NULL && p->telling == NULL)
            break;
        if (interrupt != NULL) {
            interrupt_it(p, interrupt);
            continue;
        }
        if (p->telling != NULL) {
            pool_tell(p);
            continue;
        }
        p->keeper_wakes_ns = next;
        session_cond_wait_until(&p->keep, &p->lock, next);
        p->keeper_wakes_ns = SESSION_NEVER;
    }
    p->keeper_state = KEEPER_ENDED;
    void (*gone)(void *) = p->retiring ? p->gone : NULL;
    void *ctx = p->gone_ctx;
    pthread_cond_broadcast(&p->over);
    pool_unlock(p);
    if (gone != NULL)
        gone(ctx);
    return NULL;
}

bool keeper_start(session_pool *p) {
    if (p->keeper_state == KEEPER_RUNS)
        return true;
    if (p->keeper_state == KEEPER_ENDED)
        pthread_join(p->keeper, NULL);
    p->keeper_state = session_thread_start(&p->keeper, "sessions", run, p) ? KEEPER_RUNS : KEEPER_NONE;
    return p->keeper_state == KEEPER_RUNS;
}

/* Without a change of mind: it looks at everything whenever it wakes. */
void keeper_want(session_pool *p, uint64_t at_ns) {
    if (at_ns < p->keeper_wakes_ns)
        pthread_cond_signal(&p->keep);
}
