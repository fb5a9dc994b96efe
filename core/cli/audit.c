/* audit.c - `busbar audit`: the audit log as a table, or as JSON lines to be kept elsewhere. */
#include "cli/table.h"

#include <stdio.h>

#define PAGE 1000 /* entries a request, with --all */

/* "0123abcd4567 shop": the id is what --actor takes. */
static bb_str actor_of(arena *a, const json_value *entry) {
    bb_str id = json_string(json_getl(entry, "actor")), name = json_string(json_getl(entry, "actor_name"));
    return id.len == 0     ? STR("-")
           : name.len == 0 ? id
                           : arena_printf(a, "%.*s %.*s", STR_FMT(id), STR_FMT(name));
}

static bb_str outcome_of(arena *a, const json_value *entry) {
    bb_str outcome = json_string(json_getl(entry, "outcome"));
    uint64_t count = 1;
    json_to_u64(json_getl(entry, "count"), &count);
    return count == 1 ? outcome : arena_printf(a, "%.*s x%llu", STR_FMT(outcome), (unsigned long long)count);
}

static void print_entries(arena *a, const options *o, table *t, const json_value *entries) {
    if (o->jsonl || !wants_text(o)) {
        print_lines(entries);
        return;
    }
    for (json_iter it = json_iterate(entries); json_next(&it);) {
        const json_value *e = it.value;
        bb_str cells[] = {to_second(a, json_string(json_getl(e, "at"))),
                          outcome_of(a, e),
                          json_string(json_getl(e, "action")),
                          json_string(json_getl(e, "target")),
                          actor_of(a, e),
                          json_string(json_getl(e, "from"))};
        table_add(t, cells, json_string(json_getl(e, "detail")));
    }
    table_flush(t);
}

static void add_filter(const options *o, query *q) {
    query_add(q, "since", o->since);
    query_add(q, "until", o->until);
    query_add(q, "actor", o->actor);
    query_add(q, "action", o->action);
    query_add(q, "target", o->target);
    query_add(q, "outcome", o->outcome);
}

/* One page; *last is where it ends, *count how many there were. */
static int print_page(const options *o, session *s, table *t, const char *path, uint64_t *last,
                      size_t *count) {
    int code;
    reply r = {0};
    if (session_send(s, "GET", path, STR(""), &r, &code) && (code = reply_check(o, &r)) == EXIT_OK) {
        const json_value *entries = json_getl(r.json, "entries");
        *count = json_count(entries);
        json_to_u64(json_getl(r.json, "last"), last);
        print_entries(r.memory, o, t, entries);
    }
    fflush(stdout);
    reply_free(&r);
    return code;
}

/* The oldest first, and each page after the last: entries that come meanwhile are at the end. */
static int print_all(const options *o, session *s, table *t) {
    uint64_t last = 0;
    size_t count = 0;
    int code;
    do {
        char after[24];
        query q = {.begun = false};
        buf_init(&q.text);
        buf_lit(&q.text, "/audit");
        add_filter(o, &q);
        snprintf(after, sizeof after, "%llu", (unsigned long long)last);
        query_add(&q, "order", "oldest");
        query_add(&q, "after", after);
        buf_printf(&q.text, "&limit=%d", PAGE);
        count = 0;
        code = print_page(o, s, t, buf_cstr(&q.text), &last, &count);
        buf_free(&q.text);
    } while (code == EXIT_OK && count > 0);
    return code;
}

static int print_newest(const options *o, session *s, table *t) {
    uint64_t last;
    size_t count;
    query q = {.begun = false};
    buf_init(&q.text);
    buf_lit(&q.text, "/audit");
    add_filter(o, &q);
    if (o->limit > 0) {
        char limit[24];
        snprintf(limit, sizeof limit, "%llu", (unsigned long long)o->limit);
        query_add(&q, "limit", limit);
    }
    int code = print_page(o, s, t, buf_cstr(&q.text), &last, &count);
    buf_free(&q.text);
    return code;
}

int command_audit(const options *o) {
    table t = {.headings = {"at", "outcome", "action", "target", "actor", "from"}};
    if (o->word_count > 0 || o->from_stdin || (o->all && o->limit > 0)) {
        complain(o->all && o->limit > 0 ? "audit: --all and --limit do not go together"
                                        : "audit takes no arguments, only options; `busbar audit --help` "
                                          "lists them");
        return EXIT_USAGE;
    }
    int code;
    session *s = session_open(o, &code);
    if (s == NULL)
        return code;
    code = o->all ? print_all(o, s, &t) : print_newest(o, s, &t);
    session_close(s);
    return code;
}
