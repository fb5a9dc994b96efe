/* executions.c - `busbar executions [ID]`: the calls of late. */
#include "cli/table.h"

#include <stdio.h>

/* What a failure's detail says is no cell: it would be cut off where it matters. */
static void print_table(const json_value *executions) {
    table t = {.headings = {"id", "started", "connection", "operation", "tries", "ms", "outcome"}};
    arena *a = arena_new(0);
    for (json_iter it = json_iterate(executions); a != NULL && json_next(&it);) {
        const json_value *e = it.value;
        bb_str cells[] = {
            json_string(json_getl(e, "id")),         to_second(a, json_string(json_getl(e, "started_at"))),
            json_string(json_getl(e, "connection")), json_string(json_getl(e, "operation")),
            json_raw(json_getl(e, "attempts")),      json_raw(json_getl(e, "duration_ms")),
            json_string(json_getl(e, "code"))};
        table_add(&t, cells, json_string(json_getl(e, "detail")));
    }
    table_flush(&t);
    arena_free(a);
}

/* "450 of 1000 records, InProgress", or the bytes that have passed. */
static bb_str progress_of(arena *a, const json_value *e) {
    const json_value *p = json_getl(e, "progress"), *content = json_getl(e, "content");
    bool bytes = p == NULL && content != NULL;
    const json_value *from = bytes ? content : p, *done = json_getl(from, "done"),
                     *total = json_getl(from, "total");
    bb_str unit = bytes ? STR("bytes") : json_string(json_getl(p, "unit")),
           state = json_string(json_getl(p, "stage"));
    if (done == NULL)
        return state;
    return arena_printf(a, "%.*s%s%.*s%s%.*s%s%.*s", STR_FMT(json_raw(done)), total != NULL ? " of " : "",
                        STR_FMT(json_raw(total)), unit.len > 0 ? " " : "", STR_FMT(unit),
                        state.len > 0 ? ", " : "", STR_FMT(state));
}

static void print_running(const json_value *executions) {
    table t = {.headings = {"id", "started", "connection", "operation", "tries", "ms", "progress"}};
    arena *a = arena_new(0);
    for (json_iter it = json_iterate(executions); a != NULL && json_next(&it);) {
        const json_value *e = it.value;
        bb_str cells[] = {json_string(json_getl(e, "id")),
                          to_second(a, json_string(json_getl(e, "started_at"))),
                          json_string(json_getl(e, "connection")),
                          json_string(json_getl(e, "operation")),
                          json_raw(json_getl(e, "attempts")),
                          json_raw(json_getl(e, "duration_ms")),
                          progress_of(a, e)};
        table_add(&t, cells, STR(""));
    }
    table_flush(&t);
    arena_free(a);
}

static void print_list(const options *o, const json_value *r) {
    const json_value *executions = json_getl(r, "executions");
    bb_str next = json_string(json_getl(r, "next"));
    if (!wants_text(o)) {
        print_lines(executions);
        return;
    }
    if (o->running)
        print_running(executions);
    else
        print_table(executions);
    if (next.len > 0)
        printf("there are older ones: --before %.*s\n", STR_FMT(next));
}

static int list(const options *o) {
    query q = {.begun = false};
    char limit[24];
    buf_init(&q.text);
    buf_lit(&q.text, "/executions");
    query_add(&q, "connection", o->connection);
    query_add(&q, "operation", o->operation);
    query_add(&q, "status", o->running ? "running" : o->failed ? "failed" : NULL);
    query_add(&q, "since", o->since);
    query_add(&q, "until", o->until);
    query_add(&q, "before", o->before);
    snprintf(limit, sizeof limit, "%llu", (unsigned long long)o->limit);
    query_add(&q, "limit", o->limit > 0 ? limit : NULL);
    int code = session_ask(o, "GET", buf_cstr(&q.text), STR(""), print_list);
    buf_free(&q.text);
    return code;
}

static bool has_filter(const options *o) {
    return o->connection != NULL || o->operation != NULL || o->since != NULL || o->until != NULL ||
           o->before != NULL || o->failed || o->running || o->limit > 0;
}

int command_executions(const options *o) {
    if (o->word_count > 1 || o->from_stdin || (o->word_count == 1 && has_filter(o))) {
        complain("executions takes options, or the id of one execution alone");
        return EXIT_USAGE;
    }
    if (o->running && (o->failed || o->since != NULL || o->until != NULL || o->before != NULL)) {
        complain(
            "executions --running lists what runs now: of a connection, of an operation, at most --limit");
        return EXIT_USAGE;
    }
    if (o->word_count == 0)
        return list(o);
    arena *a = arena_new(0);
    bb_str path = arena_printf(a, "/executions/%s", encoded(a, o->words[0]));
    int code = session_ask(o, "GET", path.ptr, STR(""), print_json);
    arena_free(a);
    return code;
}
