/* sessions.c - sessions opened, used, interrupted and closed, as the hub's pool does it.
 *
 * With settings that lead nowhere no session opens: then opening has to fail with a reason, in time, and
 * leave nothing behind. With those of --settings that lead to a service, the operations are run. */
#include "check/drive.h"
#include "check/world.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define CYCLES 50u
#define WARM_UP 10u
#define TOLERANCE 2048u /* bytes: of the C library's own caches */
#define OPEN_MS 2000u
#define FAULTS_MAX 300u

typedef struct life {
    const specimen *s;
    plugin_session x;
} life;

/* --- open, check, close ------------------------------------------------------------------------------- */

static void begin(life *l, check_phase phase, const char *doing) {
    atomic_store(&l->x.deadline_ns, clock_ns() + OPEN_MS * 1000000u);
    atomic_store(&l->x.cancelled, 0);
    poison_phase(phase);
    enter(doing, INIT_LIMIT_MS);
}

static void end(void) {
    leave();
    poison_phase(PHASE_NONE);
}

static bool open_(life *l, const specimen *s) {
    l->s = s;
    plugin_session_init(&l->x, s->module, &s->abi, s->ptr);
    l->x.abi.host = poison_host();
    begin(l, PHASE_OPEN, "open");
    bool ok = plugin_session_open(&l->x);
    end();
    if (!ok && l->x.message[0] == '\0')
        wrong("open fails with code %d without saying why: return bb_session_fail(session, code, \"reason\")",
              (int)l->x.error.code);
    return ok;
}

static bool check_(life *l) {
    begin(l, PHASE_CHECK, "check");
    bool ok = plugin_session_check(&l->x);
    end();
    return ok;
}

static void close_(life *l) {
    begin(l, PHASE_CLOSE, "close");
    plugin_session_close(&l->x);
    end();
}

/* --- one run ------------------------------------------------------------------------------------------ */

static void run_it(life *l, const sample *x, run_options o, run_end *out) {
    static const script none;
    o.session = &l->x;
    run_call(l->s, x, &none, &o, out);
    judge(out);
}

static void check_output(const sample *x, const run_end *got) {
    schema_issues issues = {0};
    arena *scratch = arena_new(0);
    const json_value *v = json_read(scratch, buf_str(&got->output), NULL, NULL);
    if (v == NULL)
        wrong("its output is not JSON");
    else if (!schema_validate(x->op->output, v, scratch, &issues))
        wrong("its output does not fit the output schema: %.*s %.*s",
              STR_FMT(issues.count > 0 ? issues.items[0].pointer : STR("")),
              STR_FMT(issues.count > 0 ? issues.items[0].message : STR("is not what it describes")));
    arena_free(scratch);
}

/* On a session of its own. */
static void on_fresh(const specimen *s, const sample *x, void (*what)(life *l, const sample *x)) {
    life l;
    if (!open_(&l, s))
        return;
    what(&l, x);
    close_(&l);
}

static void twice(life *l, const sample *x) {
    for (int i = 0; i < 2 && !l->x.broken; i++) {
        run_end got;
        run_it(l, x, (run_options){.fail_at = 0}, &got);
        if (got.outcome == PLUGIN_DONE)
            check_output(x, &got);
        run_free(&got);
    }
    at("%s, and then the session's check", sample_name(x));
    if (!l->x.broken && !check_(l))
        wrong(
            "check refuses a session that has just been used: it says BB_OK as long as the session is good");
}

static void late(life *l, const sample *x) {
    run_end got;
    run_it(l, x, (run_options){.late = true}, &got);
    run_free(&got);
}

/* --- interrupt ---------------------------------------------------------------------------------------- */

typedef struct interrupter {
    life *l;
    pthread_mutex_t lock;
    bool over;
} interrupter;

static void *interrupt_thread(void *arg) {
    interrupter *i = arg;
    bool over = false;
    one_of_many();
    poison_phase(PHASE_INTERRUPT);
    while (!over) {
        pthread_mutex_lock(&i->lock);
        over = i->over;
        if (!over)
            plugin_session_interrupt(&i->l->x);
        pthread_mutex_unlock(&i->lock);
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
    return NULL;
}

/* The hub interrupts only what runs; here the first one may come before it does, which drivers must bear: a
 * run that ends by itself is interrupted too late as well. */
static void interrupted(life *l, const sample *x) {
    interrupter i = {.l = l, .over = false};
    pthread_t thread;
    run_end got;
    if (l->x.ext->interrupt == NULL)
        return;
    pthread_mutex_init(&i.lock, NULL);
    if (pthread_create(&thread, NULL, interrupt_thread, &i) != 0)
        return;
    run_it(l, x, (run_options){.fail_at = 0}, &got);
    pthread_mutex_lock(&i.lock);
    i.over = true;
    pthread_mutex_unlock(&i.lock);
    pthread_join(thread, NULL);
    run_free(&got);
    at("%s, after an interrupt", sample_name(x));
    if (!l->x.broken && check_(l)) {
        run_it(l, x, (run_options){.fail_at = 0}, &got);
        run_free(&got);
    }
}

/* --- faults ------------------------------------------------------------------------------------------- */

/* The nth host function fails: so does the run, or it comes to the same. */
static bool fault_at(const specimen *s, const sample *x, unsigned n) {
    life l;
    run_end got;
    at("%s, host call %u failing", sample_name(x), n);
    if (!open_(&l, s))
        return false;
    run_it(&l, x, (run_options){.fail_at = n}, &got);
    bool reached = got.failed != NULL;
    if (reached && got.outcome == PLUGIN_DONE)
        check_output(x, &got);
    run_free(&got);
    close_(&l);
    return reached;
}

/* --- all ------------------------------------------------------------------------------------------------ */

static void try_sample(const specimen *s, const sample *x) {
    at("%s", sample_name(x));
    on_fresh(s, x, twice);
    at("%s, cancelled and its deadline passed", sample_name(x));
    on_fresh(s, x, late);
    at("%s, interrupted", sample_name(x));
    on_fresh(s, x, interrupted);
    for (unsigned n = 1; n <= FAULTS_MAX && fault_at(s, x, n); n++)
        ;
}

static void compare(const char *what, size_t before, size_t after, size_t tolerance, const char *remedy) {
    if (after > before + tolerance)
        wrong("%zu %s are left behind by %u sessions, %zu a session: %s", after - before, what, CYCLES,
              (after - before) / CYCLES, remedy);
}

static void cycle(const specimen *s, const sample *samples, size_t count) {
    life l;
    if (!open_(&l, s))
        return;
    for (size_t i = 0; i < count && !l.x.broken; i++) {
        run_end got;
        run_it(&l, &samples[i], (run_options){.fail_at = 0}, &got);
        run_free(&got);
    }
    close_(&l);
}

typedef struct batch {
    const specimen *s;
    const sample *samples;
    size_t count;
    unsigned cycles;
} batch;

static void *run_batch(void *arg) {
    const batch *b = arg;
    for (unsigned i = 0; i < b->cycles; i++)
        cycle(b->s, b->samples, b->count);
    return NULL;
}

/* On a thread of its own: what the C library keeps at hand for a thread goes with it, and is no leak. */
static bool on_thread(batch *b) {
    pthread_t thread;
    return pthread_create(&thread, NULL, run_batch, b) == 0 && pthread_join(thread, NULL) == 0;
}

static void cycles(const specimen *s, const sample *samples, size_t count) {
    batch b = {.s = s, .samples = samples, .count = count, .cycles = WARM_UP};
    at("%u sessions", CYCLES);
    if (!on_thread(&b))
        return;
    size_t memory = world_memory(), descriptors = world_descriptors(), threads = world_threads();
    b.cycles = CYCLES;
    if (!on_thread(&b))
        return;
    compare("bytes", memory, world_memory(), TOLERANCE, "free in close what open took");
    compare("descriptors", descriptors, world_descriptors(), 0, "close in close what open opened");
    compare("threads", threads, world_threads(), 0, "join in close what open started");
}

void check_sessions(trial *t) {
    size_t count = 0;
    specimen s;
    life first;
    if (!trial_load(t))
        return;
    if (t->module->sessions == NULL) {
        note("it declares no session operations");
        return;
    }
    if (!trial_instance(t, &s))
        return;
    poison_loud(true);
    at("open");
    bool opens = open_(&first, &s);
    if (opens)
        close_(&first);
    else if (!said_wrong())
        note("no session opens with these settings (%.90s): give others with --settings", first.x.message);
    sample *samples = opens ? session_samples_of(t, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        try_sample(&s, &samples[i]);
    if (!said_wrong())
        cycles(&s, samples, count);
    at("%s", "");
    specimen_destroy(&s);
}
