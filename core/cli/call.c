/* call.c - `busbar call CONNECTION OPERATION ...` */
#include "cli/cli.h"

#include <stdio.h>
#include <unistd.h>

static bool read_input(const options *o, arena *a, bb_str *out, err *e) {
    size_t words = o->word_count - 2;
    if ((o->json != NULL) + o->from_stdin + (words > 0) > 1)
        return err_set(e,
                       "give the input once: as key=value words, with --json, or with - for standard input");
    if (o->from_stdin)
        return read_whole_file(a, "-", out, e);
    if (o->json != NULL && o->json[0] == '@')
        return read_whole_file(a, o->json + 1, out, e);
    if (o->json != NULL) {
        *out = str_from(o->json);
        return true;
    }
    return args_to_json(a, o->words + 2, words, out, e);
}

static const char *path_of(const options *o, arena *a) {
    bb_str path = arena_printf(a, "/connections/%s/operations/%s", encoded(a, o->words[0]),
                               encoded(a, o->words[1]));
    char mark = '?';
    if (o->cursor != NULL) {
        path = arena_printf(a, "%s%ccursor=%s", path.ptr, mark, encoded(a, o->cursor));
        mark = '&';
    }
    if (o->timeout != NULL) {
        path = arena_printf(a, "%s%ctimeout=%s", path.ptr, mark, encoded(a, o->timeout));
        mark = '&';
    }
    if (o->all) {
        path = arena_printf(a, "%s%call=true", path.ptr, mark);
        mark = '&';
    }
    if (o->max_items > 0)
        path = arena_printf(a, "%s%cmax_items=%llu", path.ptr, mark, (unsigned long long)o->max_items);
    return path.ptr;
}

/* Quoted for a shell, which takes all between two ' as it is. */
static void print_next(bb_str cursor) {
    fputs("more: --cursor '", stderr);
    for (bb_str part; str_split(&cursor, '\'', &part);) {
        print_text(stderr, part);
        if (cursor.ptr != NULL)
            fputs("'\\''", stderr);
    }
    fputs("'\n", stderr);
}

static void print_answer(const options *o, const reply *r) {
    bb_str next = json_string(json_getl(json_getl(r->json, "page"), "next"));
    print_json(o, o->full ? r->json : json_getl(r->json, "data"));
    if (next.len > 0 && !o->full)
        print_next(next);
}

int command_call(const options *o) {
    if (o->word_count < 2) {
        complain(
            "call needs a connection and an operation: busbar call CONNECTION OPERATION [key=value ...]");
        return EXIT_USAGE;
    }
    arena *a = arena_new(0);
    bb_str input;
    err e = {""};
    if (!read_input(o, a, &input, &e)) {
        complain("%s", e.text);
        arena_free(a);
        return EXIT_USAGE;
    }
    int code;
    session *s = session_open(o, &code);
    if (s != NULL) {
        reply r = {0};
        if (session_send(s, "POST", path_of(o, a), input, &r, &code)) {
            code = reply_check(o, &r);
            if (code == EXIT_OK)
                print_answer(o, &r);
        }
        reply_free(&r);
        session_close(s);
    }
    arena_free(a);
    return code;
}
