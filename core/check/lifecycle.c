/* lifecycle.c - create and destroy: in any order that is allowed, and with settings that nobody would write.
 */
#include "check/drive.h"
#include "check/generate.h"
#include "check/world.h"
#include "plugin/url.h"

#include <stdio.h>

#define MANY 8u
#define HOSTILE_ROUNDS 200u

/* One call of each operation, to see that an instance is alive. */
static void use(const char *what, const specimen *s, const sample *samples, size_t count) {
    for (size_t i = 0; i < count; i++) {
        at("%s; %s", what, sample_name(&samples[i]));
        const answer *good = samples[i].good;
        run_end end;
        run_call(s, &samples[i], &(script){good, good, 0}, &(run_options){.max_steps = 3}, &end);
        run_free(&end);
    }
    at("%s", what);
}

typedef struct order {
    const char *what;
    const char *steps; /* "1" creates the first, "!1" destroys it, "*1" uses it */
} order;

static void run_order(trial *t, const order *o, bb_str settings, const sample *samples, size_t count) {
    specimen all[3] = {{0}};
    err refusal = {""};
    at("%s", o->what);
    for (const char *c = o->steps; *c != '\0'; c++) {
        bool destroy = *c == '!', used = *c == '*';
        c += destroy || used;
        specimen *s = &all[*c - '1'];
        char id[16];
        snprintf(id, sizeof id, "check-%c", *c);
        if (destroy)
            specimen_destroy(s);
        else if (used && s->module != NULL)
            use(o->what, s, samples, count);
        else if (!used && !specimen_create(s, t->module, id, settings, &refusal))
            wrong("create refuses settings that it took before: %s", refusal.text);
    }
    for (size_t i = 0; i < 3; i++)
        specimen_destroy(&all[i]);
}

static void run_many(trial *t, bb_str settings, const sample *samples, size_t count) {
    specimen all[MANY] = {{0}};
    err refusal = {""};
    generator g = {.random = t->o->seed};
    static const char what[] = "eight instances, destroyed in a random order";
    at("%s", what);
    for (unsigned i = 0; i < MANY; i++)
        specimen_create(&all[i], t->module, "check", settings, &refusal);
    for (unsigned left = MANY; left > 0; left--) {
        unsigned k = (unsigned)generate_below(&g, left);
        specimen_destroy(&all[k]);
        all[k] = all[left - 1];
        all[left - 1] = (specimen){0};
        if (left > 1)
            use(what, &all[0], samples, count);
    }
}

void check_lifecycle(trial *t) {
    static const order orders[] = {{"create and destroy", "1!1"},
                                   {"create, a call of each operation, destroy", "1*1!1"},
                                   {"two instances at once, the first destroyed first", "12*1*2!1*2!2"},
                                   {"two instances at once, the last destroyed first", "12*2!2*1!1"},
                                   {"created anew after destroy, as a reload does", "1!11*1!1"},
                                   {"the new instance created before the old one is destroyed", "12!1*2!2"}};
    size_t count = 0;
    specimen first;
    if (!trial_load(t))
        return;
    world before;
    world_look(&before);
    if (!trial_instance(t, &first))
        return;
    specimen_destroy(&first);
    bb_str settings = trial_settings(t);
    sample *samples = samples_of(t, &count);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        run_order(t, &orders[i], settings, samples, count);
    run_many(t, settings, samples, count);
    at("%s", "");
    world_compare(&before, "the connector");
}

/* --- settings ------------------------------------------------------------------------------------ */

static bool hub_takes(trial *t, bb_str settings) {
    bb_str url = json_string(json_getl(json_read(t->memory, settings, NULL, NULL), "base_url"));
    return url.len == 0 || url_check_base(url, NULL);
}

void check_settings(trial *t) {
    size_t count = 0, tried = 0, refused = 0;
    char what[200];
    if (!trial_load(t))
        return;
    world before;
    world_look(&before);
    sample *samples = samples_of(t, &count);
    generator g = {
        .module = t->module, .memory = t->memory, .random = t->o->seed + 3, .mode = GENERATE_HOSTILE};
    for (unsigned i = 0; i < HOSTILE_ROUNDS; i++) {
        bb_str settings = generate_valid(&g, t->module->settings_text, t->module->settings, 20);
        specimen s;
        err refusal = {""};
        if (settings.ptr == NULL || !hub_takes(t, settings))
            continue;
        snprintf(what, sizeof what, "settings %.*s%s (number %u of seed %llu)",
                 (int)(settings.len < 110 ? settings.len : 110), settings.ptr,
                 settings.len > 110 ? "..." : "", i, (unsigned long long)t->o->seed);
        at("%s", what);
        tried++;
        if (!specimen_create(&s, t->module, "check", settings, &refusal)) {
            refused++;
            continue;
        }
        use(what, &s, samples, count);
        specimen_destroy(&s);
    }
    at("%s", "");
    note("%zu settings tried, %zu of them refused", tried, refused);
    world_compare(&before, "the connector");
}
