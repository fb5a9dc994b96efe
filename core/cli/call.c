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

static void add_query(arena *a, bb_str *path, const char *name, const char *value) {
    if (value != NULL)
        *path = arena_printf(a, "%s%c%s=%s", path->ptr, strchr(path->ptr, '?') != NULL ? '&' : '?', name,
                             encoded(a, value));
}

static const char *path_of(const options *o, arena *a) {
    bb_str path = arena_printf(a, "/connections/%s/operations/%s", encoded(a, o->words[0]),
                               encoded(a, o->words[1]));
    add_query(a, &path, "cursor", o->cursor);
    add_query(a, &path, "timeout", o->timeout);
    add_query(a, &path, "all", o->all ? "true" : NULL);
    if (o->max_items > 0)
        add_query(a, &path, "max_items", arena_printf(a, "%llu", (unsigned long long)o->max_items).ptr);
    add_query(a, &path, "from_file", o->from_file);
    add_query(a, &path, "to_file", o->to_file);
    return path.ptr;
}

/* With a file in the body the input goes into the query, and the file's name with it. */
static const char *upload_path(const options *o, arena *a, bb_str input) {
    bb_str path = str_from(path_of(o, a));
    const char *slash = strrchr(o->upload, '/');
    add_query(a, &path, "input", input.len > 0 ? arena_strdup(a, input) : "{}");
    if (strcmp(o->upload, "-") != 0)
        add_query(a, &path, "name", slash != NULL ? slash + 1 : o->upload);
    return path.ptr;
}

static bool send_call(session *s, const options *o, arena *a, bb_str input, reply *r, int *code) {
    if (o->upload == NULL && o->download == NULL)
        return session_send(s, "POST", path_of(o, a), input, r, code);
    const files_sent files = {.upload = o->upload, .download = o->download, .body = input};
    return session_send_files(s, o->upload != NULL ? upload_path(o, a, input) : path_of(o, a), &files, r,
                              code);
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
        session_watch(s);
        reply r = {0};
        if (send_call(s, o, a, input, &r, &code)) {
            code = reply_check(o, &r);
            if (code == EXIT_OK && r.json != NULL)
                print_answer(o, &r);
        }
        reply_free(&r);
        session_close(s);
    }
    arena_free(a);
    return code;
}
