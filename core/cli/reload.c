/* reload.c - `busbar reload [--dry-run] [--wait]` */
#include "cli/cli.h"

#include <stdio.h>

static void print_items(const char *what, const json_value *items) {
    for (json_iter it = json_iterate(items); json_next(&it);) {
        bb_str change = json_string(json_getl(it.value, "change")),
               error = json_string(json_getl(it.value, "error")),
               note = json_string(json_getl(it.value, "note"));
        printf("  %-10.*s %s %.*s%s\n", STR_FMT(change), what,
               STR_FMT(json_string(json_getl(it.value, "id"))),
               json_bool(json_getl(it.value, "kept"), false) ? " (the one before goes on)" : "");
        if (error.len > 0)
            printf("             %.*s\n", STR_FMT(error));
        if (note.len > 0)
            printf("             %.*s\n", STR_FMT(note));
    }
}

static void print_report(const json_value *r) {
    bool dry = json_bool(json_getl(r, "dry_run"), false),
         committed = json_bool(json_getl(r, "committed"), false);
    bb_str generation = json_raw(json_getl(r, "generation"));
    if (dry)
        printf("a reload now would change configuration %.*s like this:\n", STR_FMT(generation));
    else
        printf("configuration %.*s is in force%s\n", STR_FMT(generation),
               committed ? "" : "; nothing was changed");
    print_items("connector", json_getl(r, "plugins"));
    print_items("connection", json_getl(r, "connections"));
    print_items("webhook", json_getl(r, "webhooks"));
    if (!dry && !json_bool(json_getl(r, "drained"), false))
        printf("calls on what was replaced still run; --wait waits for them\n");
}

int command_reload(const options *o) {
    if (o->word_count != 0) {
        complain("reload takes no arguments, only --dry-run and --wait");
        return EXIT_USAGE;
    }
    int code;
    session *s = session_open(o, &code);
    if (s == NULL)
        return code;
    const char *path = o->dry_run ? "/reload?dry_run=true" : o->wait ? "/reload?wait=true" : "/reload";
    reply r = {0};
    if (session_send(s, "POST", path, STR(""), &r, &code) && (code = reply_check(o, &r)) == EXIT_OK) {
        if (wants_text(o))
            print_report(r.json);
        else
            print_json(o, r.json);
        bool committed = json_bool(json_getl(r.json, "committed"), false) || o->dry_run;
        code = committed && json_count(json_getl(r.json, "errors")) == 0 ? EXIT_OK : EXIT_FAILED;
    }
    reply_free(&r);
    session_close(s);
    return code;
}
