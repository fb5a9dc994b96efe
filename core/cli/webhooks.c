/* webhooks.c - `busbar webhooks ...`: endpoints that take webhooks */
#include "cli/webhooks.h"
#include "cli/table.h"

#include <stdio.h>

static const char *const headings[] = {"id", "status", "scheme", "events", "last_event_at", "url", NULL};

static bb_str cell(const json_value *row, const char *column) {
    const json_value *v = json_get(row, str_from(column));
    return json_is(v, JSON_STRING) ? json_string(v) : json_raw(v);
}

static void print_endpoints(const options *o, const json_value *r) {
    const json_value *rows = json_getl(r, "endpoints");
    table t = {.headings = {NULL}};
    bb_str cells[TABLE_COLUMNS];
    if (!wants_text(o)) {
        print_lines(rows);
        return;
    }
    memcpy(t.headings, headings, sizeof headings);
    for (json_iter it = json_iterate(rows); json_next(&it);) {
        for (size_t c = 0; headings[c] != NULL; c++)
            cells[c] = cell(it.value, headings[c]);
        static const char *const notes[] = {"error", "reason", "note"};
        bb_str note = {NULL, 0};
        for (size_t i = 0; note.ptr == NULL && i < sizeof notes / sizeof notes[0]; i++)
            note = json_string(json_get(it.value, str_from(notes[i])));
        table_add(&t, cells, note);
    }
    table_flush(&t);
}

static void print_schemes(const options *o, const json_value *r) {
    const json_value *rows = json_getl(r, "schemes");
    table t = {.headings = {"id", "plugin", "summary", NULL}};
    if (!wants_text(o)) {
        print_lines(rows);
        return;
    }
    for (json_iter it = json_iterate(rows); json_next(&it);) {
        bb_str cells[] = {cell(it.value, "id"), cell(it.value, "plugin"), cell(it.value, "summary")};
        table_add(&t, cells, (bb_str){NULL, 0});
    }
    table_flush(&t);
}

/* --- one endpoint ------------------------------------------------------------------------------------------
 */

static int send_to(const options *o, const char *method, const char *action, bb_str body) {
    arena *a = arena_new(0);
    bb_str path = arena_printf(a, "/webhooks/endpoints/%s%s", encoded(a, o->words[1]), action);
    int code = session_ask(o, method, path.ptr, body, print_json);
    arena_free(a);
    return code;
}

static int list(const options *o) {
    return session_ask(o, "GET", "/webhooks/endpoints", STR(""), print_endpoints);
}

static int schemes(const options *o) {
    return session_ask(o, "GET", "/webhooks/schemes", STR(""), print_schemes);
}

static int show(const options *o) {
    return send_to(o, "GET", "", STR(""));
}

static int pause_it(const options *o) {
    return send_to(o, "POST", "/pause", STR(""));
}

static int resume(const options *o) {
    return send_to(o, "POST", "/resume", STR(""));
}

static int rm(const options *o) {
    return send_to(o, "DELETE", "", STR(""));
}

bool webhooks_object(const options *o, arena *a, bool with_id, bb_str *out) {
    err e = {""};
    bb_str given;
    if (!args_to_json(a, o->words + 2, o->word_count - 2, &given, &e)) {
        complain("webhooks: %s", e.text);
        return false;
    }
    const json_value *root = json_read(a, given, NULL, NULL);
    if (with_id && json_getl(root, "id") != NULL) {
        complain("webhooks: the id is given already, as %s: leave id= out", o->words[1]);
        return false;
    }
    buf text;
    json_writer w;
    buf_init(&text);
    json_writer_init(&w, &text);
    json_object(&w);
    if (with_id)
        json_member_string(&w, STR("id"), str_from(o->words[1]));
    for (json_iter it = json_iterate(root); json_next(&it);) {
        json_key(&w, it.key);
        json_put_value(&w, it.value);
    }
    json_object_end(&w);
    *out = json_writer_take(&w, a);
    return out->ptr != NULL;
}

static int add(const options *o) {
    arena *a = arena_new(0);
    bb_str body;
    int code = webhooks_object(o, a, true, &body)
                   ? session_ask(o, "POST", "/webhooks/endpoints", body, print_json)
                   : EXIT_USAGE;
    arena_free(a);
    return code;
}

/* Exit code 0 only where the event was taken. */
static bool taken;
static void print_tested(const options *o, const json_value *r) {
    taken = str_eq(json_string(json_getl(r, "outcome")), STR("stored"));
    print_json(o, r);
}

static int test(const options *o) {
    arena *a = arena_new(0);
    bb_str body, path = arena_printf(a, "/webhooks/endpoints/%s/test", encoded(a, o->words[1]));
    int code = webhooks_object(o, a, false, &body) ? session_ask(o, "POST", path.ptr, body, print_tested)
                                                   : EXIT_USAGE;
    arena_free(a);
    return code == EXIT_OK && !taken ? EXIT_FAILED : code;
}

static const webhooks_action in[] = {
    {"ls", 1, 1, list},       {"schemes", 1, 1, schemes}, {"show", 2, 2, show},
    {"add", 3, 256, add},     {"test", 2, 256, test},     {"pause", 2, 2, pause_it},
    {"resume", 2, 2, resume}, {"rm", 2, 2, rm},           {NULL, 0, 0, NULL}};

static const webhooks_action *find(const webhooks_action *list, const char *name, size_t words) {
    for (; list->name != NULL; list++)
        if (strcmp(list->name, name) == 0 && words >= list->least && words <= list->most)
            return list;
    return NULL;
}

int command_webhooks(const options *o) {
    const char *name = o->word_count > 0 ? o->words[0] : "ls";
    size_t words = o->word_count > 0 ? o->word_count : 1;
    const webhooks_action *action = find(in, name, words);
    if (action == NULL)
        action = find(webhooks_out, name, words);
    if (action != NULL)
        return action->run(o);
    complain(
        "webhooks takes, of what comes in: ls, schemes, show ID, add ID key=value..., test ID "
        "[key=value...], pause ID, resume ID, rm ID; of what goes out: targets, subscription ID, subscribe "
        "ID key=value..., change ID key=value..., unsubscribe ID, try ID, enable ID, rotate ID, recover ID "
        "SINCE, hold TARGET, release TARGET, disable TARGET, deliveries [key=value...], redrive "
        "key=value..., purge key=value...");
    return EXIT_USAGE;
}
