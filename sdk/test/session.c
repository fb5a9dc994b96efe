/* session.c - the one session that session operations run on. */
#include "internal.h"

#include "base/clock.h"

#include <pthread.h>
#include <time.h>

#define OPEN_MS 10000u /* the hub's default */
#define INTERRUPT_AGAIN_MS 5

/* --- open, check, close ----------------------------------------------------------------------------------
 */

static void set_time(bb_test *t, uint64_t ms) {
    plugin_session *s = &t->session.s;
    atomic_store(&s->deadline_ns, clock_ns() + ms * 1000000u);
    atomic_store(&s->cancelled, 0);
}

/* What the connector said of open, as the call's error. */
static bool open_(bb_test *t, plugin_call *c) {
    session_state *x = &t->session;
    plugin_session_init(&x->s, t->module, &t->instance.abi, t->instance.ptr);
    x->s.credentials = x->credentials;
    x->s.credential_count = x->credential_count;
    set_time(t, OPEN_MS);
    x->idle = false;
    x->open = plugin_session_open(&x->s);
    if (!x->open)
        c->error = x->s.error; /* its texts stay with the session, until the next opening */
    return x->open;
}

void test_session_close(bb_test *t) {
    if (!t->session.open)
        return;
    set_time(t, OPEN_MS);
    plugin_session_close(&t->session.s);
    t->session.open = false;
}

static bool ready(bb_test *t, plugin_call *c) {
    session_state *x = &t->session;
    if (x->open && x->idle) {
        set_time(t, OPEN_MS);
        if (!plugin_session_check(&x->s))
            test_session_close(t);
        x->idle = false;
    }
    return x->open || open_(t, c);
}

/* --- interrupt -------------------------------------------------------------------------------------------
 */

typedef struct interrupter {
    bb_test *t;
    plugin_call *call;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool over; /* run has come back */
} interrupter;

static bool is_over_within(interrupter *i, uint64_t ms) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    uint64_t ns = (uint64_t)at.tv_nsec + ms * 1000000u;
    at.tv_sec += (time_t)(ns / 1000000000u);
    at.tv_nsec = (long)(ns % 1000000000u);
    while (!i->over && pthread_cond_timedwait(&i->ended, &i->lock, &at) == 0)
        ;
    return i->over;
}

/* With the lock held while it interrupts: run may have come back, but nothing goes on before. */
static void *interrupt_thread(void *arg) {
    interrupter *i = arg;
    plugin_session *s = &i->t->session.s;
    pthread_mutex_lock(&i->lock);
    uint64_t wait_ms = i->t->session.interrupt_ms;
    while (!is_over_within(i, wait_ms)) {
        atomic_store(&i->call->cancelled, 1);
        atomic_store(&s->cancelled, 1);
        if (s->ext->interrupt != NULL)
            plugin_session_interrupt(s);
        wait_ms = INTERRUPT_AGAIN_MS;
    }
    pthread_mutex_unlock(&i->lock);
    return NULL;
}

static void begin_interrupt(interrupter *i) {
    pthread_mutex_init(&i->lock, NULL);
    pthread_cond_init(&i->ended, NULL);
    if (pthread_create(&i->thread, NULL, interrupt_thread, i) != 0)
        test_have(NULL);
}

static void end_interrupt(interrupter *i) {
    pthread_mutex_lock(&i->lock);
    i->over = true;
    pthread_cond_signal(&i->ended);
    pthread_mutex_unlock(&i->lock);
    pthread_join(i->thread, NULL);
    pthread_cond_destroy(&i->ended);
    pthread_mutex_destroy(&i->lock);
}

/* --- run ---------------------------------------------------------------------------------------------------
 */

static plugin_outcome run(bb_test *t, plugin_call *c, const plugin_op *op) {
    session_state *x = &t->session;
    interrupter i = {.t = t, .call = c};
    atomic_store(&x->s.deadline_ns, c->deadline_ns);
    atomic_store(&x->s.cancelled, atomic_load(&c->cancelled));
    x->s.broken = x->s.acted = false;
    if (x->interrupts)
        begin_interrupt(&i);
    test_gate_arm(t->fail_allocation, &t->allocations);
    plugin_outcome outcome = plugin_session_run(&x->s, c, op->session);
    test_gate_rest();
    if (x->interrupts)
        end_interrupt(&i);
    if (x->s.broken)
        test_session_close(t);
    return outcome;
}

plugin_outcome test_session_run(bb_test *t, plugin_call *c, const plugin_op *op) {
    return ready(t, c) ? run(t, c, op) : PLUGIN_FAILED;
}

/* --- for tests ---------------------------------------------------------------------------------------------
 */

int bb_test_credentials(bb_test *t, const char *fields) {
    bb_str text = arena_copy(t->memory, str_from(fields));
    const json_value *given = json_read(t->memory, text, NULL, NULL);
    if (!json_is(given, JSON_OBJECT))
        return err_set(&t->problem, "the credentials are not a JSON object");
    str_pair *list = test_have(arena_zalloc(t->memory, (json_count(given) + 1) * sizeof *list));
    size_t n = 0;
    for (json_iter it = json_iterate(given); json_next(&it); n++) {
        if (!json_is(it.value, JSON_STRING))
            return err_set(&t->problem, "the credential \"%.*s\" is not a string", STR_FMT(it.key));
        list[n] = (str_pair){arena_copy(t->memory, it.key), arena_copy(t->memory, json_string(it.value))};
    }
    t->session.credentials = list;
    t->session.credential_count = n;
    return 1;
}

int bb_test_session_open(const bb_test *t) {
    return t->session.open;
}

void bb_test_session_idle(bb_test *t) {
    t->session.idle = true;
}

void bb_test_session_close(bb_test *t) {
    test_session_close(t);
}

void bb_test_interrupt(bb_test *t, uint64_t after_ms) {
    t->session.interrupts = true;
    t->session.interrupt_ms = after_ms;
}
