/* leaks.c - two hundred lives, and what they leave behind. */
#include "check/drive.h"
#include "check/world.h"

#define LIVES 200u
#define WARM_UP 20u     /* what is allocated once and kept has been by then */
#define TOLERANCE 2048u /* bytes: of the C library's own caches */

static bool live(const plugin_module *m, bb_str settings, const sample *samples, size_t count) {
    specimen s;
    err refusal = {""};
    if (!specimen_create(&s, m, "check", settings, &refusal)) {
        wrong("create refuses settings that it took before: %s", refusal.text);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        run_end end;
        at("%u lives, %s", LIVES, sample_name(&samples[i]));
        run_call(&s, &samples[i], &(script){samples[i].good, samples[i].good, 0},
                 &(run_options){.max_steps = 3}, &end);
        run_free(&end);
    }
    specimen_destroy(&s);
    return true;
}

static void compare(const char *what, size_t before, size_t after, size_t tolerance, const char *remedy) {
    if (after > before + tolerance)
        wrong(
            "%zu %s are left behind by %u lives (create, a call of each operation, destroy), %zu a life: %s",
            after - before, what, LIVES, (after - before) / LIVES, remedy);
}

void check_leaks(trial *t) {
    size_t count = 0;
    specimen first;
    if (!trial_load(t) || !trial_instance(t, &first))
        return;
    specimen_destroy(&first);
    bb_str settings = trial_settings(t);
    sample *samples = samples_of(t, &count);
    at("%u lives", LIVES);
    size_t memory = 0, descriptors = 0, threads = 0;
    for (unsigned i = 0; i < LIVES + WARM_UP; i++) {
        if (i == WARM_UP) {
            memory = world_memory();
            descriptors = world_descriptors();
            threads = world_threads();
        }
        if (!live(t->module, settings, samples, count))
            return;
    }
    at("%s", "");
    compare("bytes", memory, world_memory(), TOLERANCE, "free in destroy what create took");
    compare("descriptors", descriptors, world_descriptors(), 0, "close in destroy what create opened");
    compare("threads", threads, world_threads(), 0, "join in destroy what create started");
}
