/* webhooks_out.c - `busbar webhooks ...`: subscriptions, and deliveries on their way out. */
#include "cli/webhooks.h"

#include "cli/table.h"

#include <stdio.h>

/* --- tables
 * ------------------------------------------------------------------------------------------------- */

static bb_str cell(const json_value *row, const char *column) {
    const json_value *v = json_get(row, str_from(column));
    return json_is(v, JSON_STRING) ? json_string(v) : json_raw(v);
}

static bool is_time(const char *column) {
    return str_ends(str_from(column), STR("_at")) || strcmp(column, "due") == 0;
}

static void print_rows(const options *o, const json_value *rows, const char *const *headings) {
    table t = {.headings = {NULL}};
    bb_str cells[TABLE_COLUMNS];
    arena *a = arena_new(0);
    if (!wants_text(o)) {
        print_lines(rows);
        arena_free(a);
        return;
    }
    for (size_t c = 0; headings[c] != NULL; c++)
        t.headings[c] = headings[c];
    for (json_iter it = json_iterate(rows); a != NULL && json_next(&it);) {
        for (size_t c = 0; headings[c] != NULL; c++) {
            cells[c] = cell(it.value, headings[c]);
            if (is_time(headings[c]))
                cells[c] = to_second(a, cells[c]);
        }
        bb_str note = json_string(json_getl(it.value, "error"));
        table_add(&t, cells, note.ptr != NULL ? note : json_string(json_getl(it.value, "reason")));
    }
    table_flush(&t);
    arena_free(a);
}

static void print_targets(const options *o, const json_value *r) {
    static const char *const headings[] = {"target", "status", "pending", "dead", "done", "oldest_pending_at",
                                           NULL};
    print_rows(o, json_getl(r, "targets"), headings);
}

static void print_deliveries(const options *o, const json_value *r) {
    static const char *const headings[] = {"event", "type", "target", "state", "attempts", "due", NULL};
    print_rows(o, json_getl(r, "deliveries"), headings);
    uint64_t next;
    if (wants_text(o) && json_to_u64(json_getl(r, "next"), &next))
        printf("there are older ones: before=%llu\n", (unsigned long long)next);
}

/* --- subscriptions
 * -------------------------------------------------------------------------------------------- */

static int send_to(const options *o, const char *method, const char *action, bb_str body) {
    arena *a = arena_new(0);
    bb_str path = arena_printf(a, "/webhooks/subscriptions/%s%s", encoded(a, o->words[1]), action);
    int code = session_ask(o, method, path.ptr, body, print_json);
    arena_free(a);
    return code;
}

static int subscribe(const options *o) {
    arena *a = arena_new(0);
    bb_str body;
    int code = webhooks_object(o, a, true, &body)
                   ? session_ask(o, "POST", "/webhooks/subscriptions", body, print_json)
                   : EXIT_USAGE;
    arena_free(a);
    return code;
}

static int change(const options *o) {
    arena *a = arena_new(0);
    bb_str body;
    int code = webhooks_object(o, a, false, &body) ? send_to(o, "PATCH", "", body) : EXIT_USAGE;
    arena_free(a);
    return code;
}

static int unsubscribe(const options *o) {
    return send_to(o, "DELETE", "", STR(""));
}

static int subscription(const options *o) {
    return send_to(o, "GET", "", STR(""));
}

static int rotate(const options *o) {
    return send_to(o, "POST", "/rotate", STR(""));
}

/* Exit code 0 only where the receiver answered well: then it is enabled, or would be. */
static bool well;
static void print_tried(const options *o, const json_value *r) {
    well = json_getl(r, "ok") == NULL || json_bool(json_getl(r, "ok"), false);
    print_json(o, r);
}

static int try_by(const options *o, const char *action) {
    arena *a = arena_new(0);
    bb_str path = arena_printf(a, "/webhooks/subscriptions/%s%s", encoded(a, o->words[1]), action);
    int code = session_ask(o, "POST", path.ptr, STR(""), print_tried);
    arena_free(a);
    return code == EXIT_OK && !well ? EXIT_FAILED : code;
}

static int try_it(const options *o) {
    return try_by(o, "/test");
}

static int enable(const options *o) {
    return try_by(o, "/enable");
}

static bb_str member(arena *a, const char *name, const char *value) {
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    json_object(&w);
    json_member_string(&w, str_from(name), str_from(value));
    json_object_end(&w);
    return json_writer_take(&w, a);
}

static int recover(const options *o) {
    arena *a = arena_new(0);
    int code = send_to(o, "POST", "/recover", member(a, "since", o->words[2]));
    arena_free(a);
    return code;
}

/* --- targets and deliveries
 * ------------------------------------------------------------------------------------- */

static int targets(const options *o) {
    return session_ask(o, "GET", "/webhooks/targets", STR(""), print_targets);
}

static int to_target(const options *o, const char *action) {
    arena *a = arena_new(0);
    bb_str path = arena_printf(a, "/webhooks/targets/%s", action);
    int code = session_ask(o, "POST", path.ptr, member(a, "target", o->words[1]), print_json);
    arena_free(a);
    return code;
}

static int hold(const options *o) {
    return to_target(o, "pause");
}

static int release(const options *o) {
    return to_target(o, "resume");
}

static int disable(const options *o) {
    return to_target(o, "disable");
}

static int list(const options *o) {
    query q = {.begun = false};
    arena *a = arena_new(0);
    buf_init(&q.text);
    buf_lit(&q.text, "/webhooks/deliveries");
    for (size_t i = 1; i < o->word_count; i++) {
        bb_str value = str_from(o->words[i]), name;
        if (!str_split(&value, '=', &name) || value.ptr == NULL) {
            complain("webhooks deliveries: \"%s\" is no NAME=VALUE", o->words[i]);
            arena_free(a);
            buf_free(&q.text);
            return EXIT_USAGE;
        }
        query_add(&q, arena_strdup(a, name), arena_strdup(a, value));
    }
    int code = session_ask(o, "GET", buf_cstr(&q.text), STR(""), print_deliveries);
    buf_free(&q.text);
    arena_free(a);
    return code;
}

static int change_deliveries(const options *o, const char *path) {
    arena *a = arena_new(0);
    err e = {""};
    bb_str body;
    int code = EXIT_USAGE;
    if (args_to_json(a, o->words + 1, o->word_count - 1, &body, &e))
        code = session_ask(o, "POST", path, body, print_json);
    else
        complain("webhooks: %s", e.text);
    arena_free(a);
    return code;
}

static int redrive(const options *o) {
    return change_deliveries(o, "/webhooks/deliveries/redrive");
}

static int purge(const options *o) {
    return change_deliveries(o, "/webhooks/deliveries/purge");
}

const webhooks_action webhooks_out[] = {{"targets", 1, 1, targets},
                                        {"subscribe", 3, 256, subscribe},
                                        {"unsubscribe", 2, 2, unsubscribe},
                                        {"subscription", 2, 2, subscription},
                                        {"change", 3, 256, change},
                                        {"rotate", 2, 2, rotate},
                                        {"try", 2, 2, try_it},
                                        {"enable", 2, 2, enable},
                                        {"recover", 3, 3, recover},
                                        {"hold", 2, 2, hold},
                                        {"release", 2, 2, release},
                                        {"disable", 2, 2, disable},
                                        {"deliveries", 1, 256, list},
                                        {"redrive", 2, 256, redrive},
                                        {"purge", 2, 256, purge},
                                        {NULL, 0, 0, NULL}};
