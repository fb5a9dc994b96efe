/* thread.c - a session's thread: opens it, runs jobs on it one after the other, closes it. */
#include "session/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "plugin/mark.h"

#include <stdlib.h>

/* --- around the connector's functions ---------------------------------------------------------------------
 */

/* In: with the lock; what follows runs without it. */
static void go_in(session *me, session_state state, uint64_t deadline_ns) {
    uint64_t now = clock_ns();
    me->state = state;
    me->since_ns = now;
    me->over_ns = deadline_ns;
    me->interrupt_ns = 0;
    atomic_store_explicit(&me->s.deadline_ns, deadline_ns == SESSION_NEVER ? 0 : deadline_ns,
                          memory_order_relaxed);
    atomic_store_explicit(&me->s.cancelled, me->pool->retiring, memory_order_relaxed);
    keeper_want(me->pool, deadline_ns);
    pool_unlock(me->pool);
}

static void come_out(session *me) {
    pool_lock(me->pool);
    while (me->interrupting)
        pthread_cond_wait(&me->wake, &me->pool->lock);
    me->over_ns = SESSION_NEVER;
    if (me->stuck && me->state == me->stuck_in)
        log_info("connector %s, connection %s: the session that was stuck has come back after %llu s",
                 me->pool->setup.module->desc->id, me->s.abi.connection,
                 (unsigned long long)((clock_ns() - me->since_ns) / 1000000000u));
}

static uint64_t open_deadline(const session *me) {
    return clock_ns() + me->pool->setup.policy.open_ms * SESSION_MS;
}

static bool open_it(session *me) {
    session_pool *p = me->pool;
    go_in(me, OPENING, open_deadline(me));
    me->opened = plugin_session_open(&me->s);
    come_out(me);
    if (!me->opened) {
        pool_not_opened(p, &me->s.error, clock_ns());
        return false;
    }
    pool_opened(p);
    me->opened_ns = me->since_ns = clock_ns();
    return !me->stuck;
}

static void close_it(session *me) {
    go_in(me, CLOSING, open_deadline(me));
    plugin_session_close(&me->s);
    come_out(me);
}

/* --- jobs
 * --------------------------------------------------------------------------------------------------- */

static uint64_t worn_out_ns(const session *me) {
    uint64_t ms = me->pool->setup.policy.lifetime_ms;
    return ms != 0 ? me->opened_ns + ms * SESSION_MS : SESSION_NEVER;
}

/* Waits for a job. False: the session's time is over. */
static bool next_job(session *me) {
    session_pool *p = me->pool;
    me->state = IDLE;
    pool_tell(p);
    for (;;) {
        uint64_t now = clock_ns(), worn_out = worn_out_ns(me);
        uint64_t until = least(me->since_ns + p->setup.policy.idle_ms * SESSION_MS, worn_out);
        if (p->retiring || now >= worn_out)
            return false;
        me->job = pool_take(p);
        me->called = false;
        if (me->job != NULL)
            return true;
        if (now >= until)
            return false;
        session_cond_wait_until(&me->wake, &p->lock, until);
    }
}

static bool wants_check(const session *me) {
    uint64_t idle_ns = clock_ns() - me->since_ns;
    return me->s.ext->check != NULL &&
           (me->doubted || idle_ns >= me->pool->setup.policy.health_ms * SESSION_MS);
}

/* Of a pool that ends, the line is not served any more: another session would only open and close. */
static void put_back(session_pool *p, session_job *job) {
    pool_put_back(p, job);
    if (p->retiring)
        pool_refuse(p, job, SESSION_RETIRED, clock_ns());
}

/* False: the session is not good, and the job is in line again. */
static bool check_it(session *me) {
    session_pool *p = me->pool;
    session_job *job = me->job;
    if (!wants_check(me))
        return true;
    go_in(me, CHECKING, least(open_deadline(me), job->call.deadline_ns));
    bool good = plugin_session_check(&me->s);
    come_out(me);
    me->doubted = false;
    if (good && !me->stuck)
        return true;
    p->counts.checks_failed++;
    me->job = NULL;
    if (job->told)
        session_job_unref(job);
    else
        put_back(p, job);
    return false;
}

static void run_it(session *me) {
    session_pool *p = me->pool;
    session_job *job = me->job;
    job->begun = true;
    go_in(me, RUNNING, job->call.deadline_ns);
    plugin_outcome outcome = plugin_session_run(&me->s, &job->call, job->op->session);
    come_out(me);
    me->job = NULL;
    if (!job->told) {
        job->outcome = outcome;
        job->broken = me->s.broken;
        job->acted = !me->s.broken || me->s.acted;
        job_end(p, job, SESSION_RAN, clock_ns());
    }
    session_job_unref(job);
    me->since_ns = clock_ns();
}

/* False: the session is not to be used again. */
static bool serve(session *me) {
    if (!check_it(me))
        return false;
    if (me->job->told) { /* while it was checked */
        session_job_unref(me->job);
        me->job = NULL;
        return true;
    }
    me->s.broken = me->s.acted = false;
    run_it(me);
    return !me->s.broken && !me->stuck;
}

/* --- the thread
 * --------------------------------------------------------------------------------------------- */

static void *run(void *arg) {
    session *me = arg;
    session_pool *p = me->pool;
    mark_may_block();
    pool_lock(p);
    bool good = open_it(me);
    while (good && next_job(me))
        good = serve(me);
    if (me->opened)
        close_it(me);
    me->state = ENDED;
    if (!me->opened)
        pool_refuse_unopened(p, clock_ns());
    pool_feed(p, clock_ns());
    pthread_cond_signal(&p->keep);
    pool_unlock(p);
    return NULL;
}

static session *session_new(session_pool *p) {
    session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->pool = p;
    s->over_ns = SESSION_NEVER;
    session_cond_init(&s->wake);
    plugin_session_init(&s->s, p->setup.module, p->setup.connection, p->setup.instance);
    s->s.credentials = p->setup.credentials;
    s->s.credential_count = p->setup.credential_count;
    return s;
}

bool session_start(session_pool *p, uint64_t now_ns) {
    session *s = session_new(p);
    if (s == NULL)
        return false;
    s->state = OPENING;
    s->since_ns = now_ns;
    if (!session_thread_start(&s->thread, "session", run, s)) { /* it waits for the lock, which we hold */
        pthread_cond_destroy(&s->wake);
        free(s);
        log_error("connector %s, connection %s: no thread for a session", p->setup.module->desc->id,
                  p->setup.connection->id);
        return false;
    }
    s->next = p->sessions;
    p->sessions = s;
    return true;
}
