/* threads.c - host functions only where their tag allows them, and steps of one instance on several threads.
 */
#include "check/drive.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 4u
#define ROUNDS 50u

typedef struct crew {
    const specimen *s;
    const sample *x;
    const answer *good;
    bb_str expected; /* the trace of a run alone */
    _Atomic unsigned differing;
} crew;

static void *work(void *arg) {
    crew *c = arg;
    one_of_many();
    for (unsigned i = 0; i < ROUNDS; i++) {
        run_end end;
        run_call(c->s, c->x, &(script){c->good, c->good, 0}, &(run_options){.max_steps = 4}, &end);
        if (!str_eq(buf_str(&end.trace), c->expected))
            atomic_fetch_add(&c->differing, 1);
        run_free(&end);
    }
    return NULL;
}

static void run_crew(const specimen *s, const sample *x) {
    pthread_t threads[THREADS];
    run_end alone;
    crew c = {.s = s, .x = x, .good = x->good};
    at("%s", sample_name(x));
    run_call(s, x, &(script){c.good, c.good, 0}, &(run_options){.max_steps = 4}, &alone);
    c.expected = buf_str(&alone.trace);
    at("%s, on %u threads at once", sample_name(x), THREADS);
    unsigned n = 0;
    enter("a step, on one of several threads,", INIT_LIMIT_MS);
    while (n < THREADS && pthread_create(&threads[n], NULL, work, &c) == 0)
        n++;
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    leave();
    if (atomic_load(&c.differing) > 0)
        wrong("steps that run at the same time disturb each other: %u of %u came to something else; what "
              "instance points to "
              "is read-only after create, and there are no static variables that steps write",
              atomic_load(&c.differing), n * ROUNDS);
    run_free(&alone);
}

void check_threads(trial *t) {
    size_t count = 0;
    specimen s;
    if (!trial_load(t))
        return;
    poison_loud(true);
    at("create");
    if (!trial_instance(t, &s))
        return;
    sample *samples = samples_of(t, &count);
    for (size_t i = 0; i < count; i++) {
        run_end end;
        const answer *bad = bad_answers(t, &samples[i]);
        at("%s", sample_name(&samples[i]));
        run_call(&s, &samples[i], &(script){bad, bad, 0}, &(run_options){.max_steps = 4}, &end);
        run_free(&end);
        run_crew(&s, &samples[i]);
    }
    at("destroy");
    specimen_destroy(&s);
}
