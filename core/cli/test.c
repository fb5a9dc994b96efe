/* test.c - `busbar test CONNECTION` */
#include "cli/cli.h"

#include <stdio.h>

static void print_checks(const json_value *checks) {
    for (json_iter it = json_iterate(checks); json_next(&it);) {
        bool ok = json_bool(json_getl(it.value, "ok"), false);
        bb_str advice = json_string(json_getl(it.value, "advice"));
        printf("%-7s %.*s: %.*s\n", ok ? "ok" : "FAILED", STR_FMT(json_string(json_getl(it.value, "name"))),
               STR_FMT(json_string(json_getl(it.value, "detail"))));
        if (!ok && advice.len > 0)
            printf("        %.*s\n", STR_FMT(advice));
    }
}

int command_test(const options *o) {
    if (o->word_count != 1) {
        complain("test needs the name of a connection");
        return EXIT_USAGE;
    }
    int code;
    session *s = session_open(o, &code);
    if (s == NULL)
        return code;
    arena *a = arena_new(0);
    reply r = {0};
    bb_str path = arena_printf(a, "/connections/%s/test", encoded(a, o->words[0]));
    if (session_send(s, "POST", path.ptr, STR(""), &r, &code) && (code = reply_check(o, &r)) == EXIT_OK) {
        if (wants_text(o))
            print_checks(json_getl(r.json, "checks"));
        else
            print_json(o, r.json);
        code = json_bool(json_getl(r.json, "ok"), false) ? EXIT_OK : EXIT_FAILED;
    }
    reply_free(&r);
    arena_free(a);
    session_close(s);
    return code;
}
