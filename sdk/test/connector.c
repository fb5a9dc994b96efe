/* connector.c - the connector under test, and the one connection of it. */
#include "internal.h"

#include "base/log.h"
#include "plugin/host.h"
#include "plugin/url.h"

#include <stdio.h>
#include <stdlib.h>

/* --- the connector ------------------------------------------------------------------------------------- */

static bb_test *begin(void) {
    bb_test *t = test_have(calloc(1, sizeof *t));
    t->memory = test_have(arena_new(0));
    t->call_memory = test_have(arena_new((size_t)64 << 20)); /* the hub's limit of a call */
    host_init("1.0.0");
    ((bb_host *)(uintptr_t)host_get())->name = "busbar-mock"; /* host.c's own object is not const */
    log_set_level(LOG_LEVEL_WARN);
    test_clock_begin();
    return t;
}

bb_test *bb_test_new(const bb_entry *entry) {
    bb_test *t = begin();
    plugin_module *m = test_have(calloc(1, sizeof *m));
    m->memory = test_have(arena_new(0));
    m->refs = 1;
    bool described = entry != NULL && entry->plugin != NULL && entry->plugin->id != NULL;
    if (entry != NULL && module_admit(m, entry, str_from(described ? entry->plugin->id : ""), &t->problem))
        t->module = m;
    else
        module_unref(m);
    if (entry == NULL)
        err_set(&t->problem, "there is no busbar_entry");
    return t;
}

bb_test *bb_test_load(const char *path) {
    static const char no_hash[65]; /* the hub's, of its staged copy */
    bb_test *t = begin();
    /* The dynamic linker looks for a name without a slash elsewhere. */
    bb_str named = arena_printf(t->memory, "%s%s", strchr(path, '/') != NULL ? "" : "./", path);
    t->module = module_load(test_have((char *)(uintptr_t)named.ptr), no_hash, path, module_id_of(path),
                            &t->problem);
    return t;
}

/* --- the connection ------------------------------------------------------------------------------------ */

static bool has_defaults(const json_value *declared, const json_value *settings) {
    for (json_iter it = json_iterate(json_getl(declared, "properties")); json_next(&it);)
        if (json_getl(it.value, "default") != NULL && json_get(settings, it.key) == NULL)
            return true;
    return false;
}

static bb_str with_defaults(bb_test *t, const json_value *settings) {
    const json_value *declared = t->module->settings_schema_json;
    if (!has_defaults(declared, settings))
        return json_raw(settings);
    buf text;
    json_writer w;
    buf_init(&text);
    json_writer_init(&w, &text);
    json_object(&w);
    for (json_iter it = json_iterate(settings); json_next(&it);) {
        json_key(&w, it.key);
        json_put_value(&w, it.value);
    }
    for (json_iter it = json_iterate(json_getl(declared, "properties")); json_next(&it);) {
        if (json_get(settings, it.key) == NULL && json_getl(it.value, "default") != NULL) {
            json_key(&w, it.key);
            json_put_value(&w, json_getl(it.value, "default"));
        }
    }
    json_object_end(&w);
    bb_str whole = arena_copy(t->memory, buf_str(&text));
    buf_free(&text);
    return whole;
}

static bool check_settings(bb_test *t, bb_str text) {
    schema_issues issues = {0};
    const json_value *settings = json_read(t->memory, text, NULL, NULL);
    if (schema_validate(t->module->settings, settings, t->memory, &issues))
        return true;
    if (issues.count == 0)
        return err_set(&t->problem, "the settings do not fit the settings schema");
    return err_set(&t->problem, "the settings do not fit the settings schema: %.*s %.*s",
                   STR_FMT(issues.items[0].pointer), STR_FMT(issues.items[0].message));
}

static bool check_base_url(bb_test *t, bb_str settings) {
    bb_str url = json_string(json_getl(json_read(t->memory, settings, NULL, NULL), "base_url"));
    err e;
    if (url.len > 0 && !url_check_base(url, &e))
        return err_set(&t->problem, "base_url %s", e.text);
    while (str_ends(url, STR("/")))
        url.len--;
    t->base_url = url;
    return true;
}

static bool check_origins(bb_test *t, bb_str settings) {
    bb_str wrong;
    err e = {""};
    return plugin_origins_read(t->memory, t->module->settings_schema_json,
                               json_read(t->memory, settings, NULL, NULL), &t->origins, &wrong, &e) ||
           err_set(&t->problem, "%.*s %s", STR_FMT(wrong), e.text);
}

static void disconnect(bb_test *t) {
    test_session_close(t);
    if (t->connected && !instance_destroy(&t->instance)) /* which has said how much */
        bb_test_check(t, 0, "all memory of the connection was given back", "destroy", 0);
    t->connected = false;
    t->base_url = (bb_str){NULL, 0};
    t->origins = (plugin_origins){NULL, 0};
    t->auth = (scheme_state){0};
}

int bb_test_connect(bb_test *t, const char *settings) {
    json_error e;
    if (t->module == NULL)
        return 0;
    disconnect(t);
    t->problem = (err){""};
    bb_str text = arena_copy(t->memory, str_from(settings != NULL ? settings : "{}"));
    const json_value *given = json_read(t->memory, text, NULL, &e);
    if (!json_is(given, JSON_OBJECT))
        return err_set(&t->problem, "the settings are not a JSON object");
    text = with_defaults(t, given);
    t->connected = check_settings(t, text) && check_base_url(t, text) && check_origins(t, text) &&
                   instance_create(&t->instance, t->module, STR("test"), text, &t->problem);
    return t->connected;
}

const char *bb_test_problem(const bb_test *t) {
    return t->problem.text;
}

/* --- the end ---------------------------------------------------------------------------------------------
 */

static void free_all(bb_test *t) {
    disconnect(t);
    module_unref(t->module);
    test_drop_bodies(t, NULL);
    free(t->script);
    free(t->seen);
    free(t->secrets);
    free(t->said);
    arena_free(t->call_memory);
    arena_free(t->memory);
    free(t);
}

int bb_test_end(bb_test *t) {
    if (t->script_at < t->script_count)
        bb_test_check(t, 0, "the whole script was used", "bb_test_end", 0);
    if (t->checks == 0)
        fputs("busbar-sdk-test: nothing was checked\n", stderr);
    disconnect(t);
    bool good = t->checks > 0 && t->failed_checks == 0;
    printf("%zu checks, %zu failed\n", t->checks, t->failed_checks);
    free_all(t);
    return good ? 0 : 1;
}

int bb_test_check(bb_test *t, int holds, const char *condition, const char *file, int line) {
    const bb_test_result *r = &t->result;
    t->checks++;
    if (holds)
        return 1;
    t->failed_checks++;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    if (t->problem.text[0] != '\0')
        fprintf(stderr, "    the connection: %s\n", t->problem.text);
    if (r->size != 0 && r->code == BB_OK)
        fprintf(stderr, "    the last call gave: %s\n", r->output);
    else if (r->size != 0)
        fprintf(stderr, "    the last call failed with code %d: %s%s%s\n", (int)r->code, r->pointer,
                r->pointer[0] != '\0' ? ": " : "", r->message);
    if (t->script_at < t->script_count)
        fprintf(stderr, "    exchanges left in the script: %zu\n", t->script_count - t->script_at);
    return 0;
}
