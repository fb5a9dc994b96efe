/* fake.h - a connector whose sessions do what a test says, and a pool of them. */
#ifndef FAKE_H
#define FAKE_H

#include <busbar/busbar.h>

#include "base/clock.h"
#include "session/internal.h"
#include "unit.h"

#include <semaphore.h>
#include <time.h>

#define ROUNDS 20000 /* of waiting for what must come: 1 ms each */

/* What `create` gave: shared by all sessions. */
typedef struct fake {
    _Atomic(int) wrong; /* Check asserts on one thread only */
    _Atomic(int) opens, closes, checks, interrupts, runs, running, most, told, tells, heard;
    _Atomic(int) refuse_open, refuse_check, break_session, acted, hang, deaf, deaf_check, use_http;
    sem_t go; /* lets a deaf run, or check, go on */
    plugin_module module;
    plugin_op op;
    bb_connection connection;
    session_pool *pool;
    _Atomic(int) gone;
} fake;

static inline fake *fake_of(bb_session *s) {
    return s->instance;
}

static bb_code fake_open(bb_session *s) {
    fake *f = fake_of(s);
    f->opens++;
    if (f->refuse_open)
        return bb_session_fail(s, BB_E_UPSTREAM_UNAVAILABLE, "nobody answers");
    f->wrong += !bb_str_eq(bb_session_credential(s, "username"), "reader");
    f->wrong += bb_session_credential(s, "token").ptr != NULL;
    s->handle = f;
    return BB_OK;
}

static bb_code fake_check(bb_session *s) {
    fake_of(s)->checks++;
    if (fake_of(s)->deaf_check)
        sem_wait(&fake_of(s)->go);
    return fake_of(s)->refuse_check-- > 0 ? BB_E_UPSTREAM : BB_OK;
}

static void fake_close(bb_session *s) {
    fake_of(s)->wrong += s->handle != fake_of(s);
    fake_of(s)->closes++;
}

static void fake_interrupt(bb_session *s) {
    fake_of(s)->interrupts++;
}

static void nap(void) {
    nanosleep(&(struct timespec){0, 1000000}, NULL);
}

/* Hangs as long as the test wants it to: until it is cancelled, or, deaf, until `go`. */
static void hang(fake *f, bb_call *call) {
    while (f->hang && !f->deaf && !call->host->call->cancelled(call))
        nap();
    if (f->deaf)
        sem_wait(&f->go);
}

static bb_step fake_run(bb_call *call, bb_session *s) {
    fake *f = fake_of(s);
    int now = ++f->running, most = f->most;
    while (now > most && !atomic_compare_exchange_weak(&f->most, &most, now))
        ;
    f->runs++;
    for (int i = 1; i <= f->tells; i++)
        bb_progress(call, i, f->tells, "rounds", bb_s("on its way"));
    hang(f, call);
    f->running--;
    if (f->use_http)
        bb_request(call, "GET", "/");
    if (f->break_session) {
        bb_session_broken(s, f->acted);
        return bb_fail(call, BB_E_UPSTREAM, "the connection was lost");
    }
    return bb_done_value(call, bb_in(call, "n"));
}

static const bb_session_operation fake_session_op = {BB_SIZE(bb_session_operation), .operation = "op",
                                                     .run = fake_run};
static const bb_session_operation *const fake_ops[] = {&fake_session_op, NULL};
static const bb_session_extension fake_sessions = {BB_SIZE(bb_session_extension), .open = fake_open,
                                                   .check = fake_check,           .close = fake_close,
                                                   .interrupt = fake_interrupt,   .operations = fake_ops};
static const bb_operation fake_desc = {BB_SIZE(bb_operation), .id = "op", .start = bb_session_start};
static const bb_plugin fake_plugin = {BB_SIZE(bb_plugin), .id = "fake"};
static const str_pair fake_credentials[] = {{{"username", 8}, {"reader", 6}}, {{"password", 8}, {"", 0}}};

static session_policy fake_policy(unsigned sessions) {
    session_policy p = session_policy_of(&fake_sessions);
    p.sessions = sessions;
    return p;
}

static void fake_begin(fake *f, session_policy policy, uint64_t stuck_ms) {
    memset(f, 0, sizeof *f);
    sem_init(&f->go, 0, 0);
    f->module = (plugin_module){.desc = &fake_plugin, .sessions = &fake_sessions};
    f->op = (plugin_op){.desc = &fake_desc, .id = STR("op"), .session = &fake_session_op};
    f->connection = (bb_connection){.size = sizeof(bb_connection), .id = "a"};
    session_setup setup = {.module = &f->module,
                           .connection = &f->connection,
                           .instance = f,
                           .credentials = fake_credentials,
                           .credential_count = 2,
                           .policy = policy,
                           .stuck_ms = stuck_ms};
    f->pool = session_pool_new(&setup);
    ck_assert_ptr_nonnull(f->pool);
}

static void on_gone(void *ctx) {
    ((fake *)ctx)->gone++;
}

/* Ends the pool, and finds that every session that was opened has been closed. */
static void fake_end(fake *f) {
    session_pool_retire(f->pool, on_gone, f);
    ck_assert(session_pool_wait(f->pool, 20000));
    session_pool_free(f->pool);
    ck_assert_int_eq(f->gone, 1);
    ck_assert_int_eq(f->wrong, 0);
    sem_destroy(&f->go);
}

static void on_done(session_job *job) {
    fake *f = job->ctx;
    f->told++;
    session_job_unref(job);
}

static session_job *make(fake *f, int n, uint64_t time_ms) {
    char text[32];
    snprintf(text, sizeof text, "{\"n\":%d}", n);
    session_job *job = session_job_new(&f->op, str_from(text), (bb_str){NULL, 0}, "x",
                                       clock_ns() + time_ms * SESSION_MS);
    ck_assert_ptr_nonnull(job);
    job->done = on_done;
    job->ctx = f;
    return job;
}

static session_job *submit(fake *f, int n, uint64_t time_ms) {
    session_job *job = make(f, n, time_ms);
    session_submit(f->pool, job);
    return job;
}

/* Waits, without a bound of time but one of rounds, until it holds. */
#define UNTIL(condition)                                             \
    do {                                                             \
        int rounds_ = 0;                                             \
        while (!(condition)) {                                       \
            ck_assert_msg(rounds_++ < ROUNDS, "never: " #condition); \
            nap();                                                   \
        }                                                            \
    } while (0)

static session_counts counts_of(fake *f) {
    session_counts c;
    session_pool_count(f->pool, &c);
    return c;
}

#endif
