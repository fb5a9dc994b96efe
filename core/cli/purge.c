/* purge.c - `busbar purge CONNECTION [OPERATION-PATTERN]` */
#include "cli/table.h"

#include <stdio.h>

static void print_purged(const options *o, const json_value *r) {
    if (!wants_text(o)) {
        print_json(o, r);
        return;
    }
    bb_str n = json_raw(json_getl(r, "purged"));
    printf("%.*s answer%s dropped from the cache\n", STR_FMT(n), str_eq(n, STR("1")) ? "" : "s");
}

int command_purge(const options *o) {
    if (o->from_stdin || o->word_count > 2 || o->all != (o->word_count == 0)) {
        complain("purge needs the name of a connection, with or without a pattern of operations, or --all");
        return EXIT_USAGE;
    }
    arena *a = arena_new(0);
    query q = {.begun = false};
    buf_init(&q.text);
    if (o->all)
        buf_lit(&q.text, "/cache");
    else
        buf_printf(&q.text, "/connections/%s/cache", encoded(a, o->words[0]));
    query_add(&q, "operation", o->word_count == 2 ? o->words[1] : NULL);
    int code = session_ask(o, "DELETE", buf_cstr(&q.text), STR(""), print_purged);
    buf_free(&q.text);
    arena_free(a);
    return code;
}
