/* ls.c - `busbar ls [plugins|connections|operations] [NAME]` */
#include "cli/cli.h"
#include "cli/table.h"

#include <stdio.h>

#define COLUMNS_MAX 8

typedef struct listing {
    const char *path, *member;
    const char *columns[COLUMNS_MAX]; /* members, as headings too; ends with NULL */
} listing;

static const listing plugins = {
    "/plugins",
    "plugins",
    {"id", "version", "status", "signer", "pinned", "quarantine", "operations", "summary"}};
static const listing connections = {
    "/connections", "connections", {"id", "plugin", "status", "calls", "name"}};
static const listing operations = {NULL, "operations", {"id", "safe", "paginated", "summary", NULL}};

static bb_str cell(const json_value *row, const char *column) {
    const json_value *v = json_get(row, str_from(column));
    if (json_is(v, JSON_BOOL))
        return json_bool(v, false) ? STR("yes") : STR("");
    if (json_is(v, JSON_OBJECT)) /* of quarantine */
        return json_string(json_getl(v, "action"));
    return json_is(v, JSON_STRING) ? json_string(v) : json_raw(v);
}

static void print_table(const listing *l, const json_value *rows) {
    table t = {.headings = {NULL}};
    bb_str cells[COLUMNS_MAX];
    memcpy(t.headings, l->columns, sizeof l->columns);
    for (json_iter it = json_iterate(rows); json_next(&it);) {
        for (size_t c = 0; c < COLUMNS_MAX && l->columns[c] != NULL; c++)
            cells[c] = cell(it.value, l->columns[c]);
        table_add(&t, cells, json_string(json_getl(it.value, "error")));
    }
    table_flush(&t);
}

static int list(const options *o, session *s, const listing *l, const char *path) {
    reply r = {0};
    int code = EXIT_FAILED;
    if (session_send(s, "GET", path, STR(""), &r, &code) && (code = reply_check(o, &r)) == EXIT_OK) {
        const json_value *rows = json_get(r.json, str_from(l->member));
        if (wants_text(o))
            print_table(l, rows);
        else
            print_lines(rows);
        fflush(stdout);
    }
    reply_free(&r);
    return code;
}

static const listing *listing_of(const char *word) {
    return word == NULL || strcmp(word, "connections") == 0 ? &connections
           : strcmp(word, "plugins") == 0                   ? &plugins
           : strcmp(word, "operations") == 0                ? &operations
                                                            : NULL;
}

/* Operations of a connection, or of a connector. */
static int list_operations(const options *o, session *s, const char *name) {
    arena *a = arena_new(0);
    reply r = {0};
    int code = EXIT_FAILED;
    bb_str path = arena_printf(a, "/connections/%s/operations", encoded(a, name));
    if (session_send(s, "GET", path.ptr, STR(""), &r, &code)) {
        if (r.status == 404)
            path = arena_printf(a, "/plugins/%s", encoded(a, name));
        code = list(o, s, &operations, path.ptr);
    }
    reply_free(&r);
    arena_free(a);
    return code;
}

int command_ls(const options *o) {
    const char *what = o->word_count > 0 ? o->words[0] : NULL;
    const listing *l = listing_of(what);
    bool named = l == &operations;
    if (l == NULL || o->word_count > (named ? 2u : 1u) || (named && o->word_count < 2)) {
        complain(named ? "ls operations needs the name of a connection or connector"
                       : "ls takes plugins, connections, or operations NAME");
        return EXIT_USAGE;
    }
    int code;
    session *s = session_open(o, &code);
    if (s == NULL)
        return code;
    code = named ? list_operations(o, s, o->words[1]) : list(o, s, l, l->path);
    session_close(s);
    return code;
}
