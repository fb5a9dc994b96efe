/* transfer.c - `busbar transfer FROM TO ...` */
#include "cli/cli.h"

#include <stdio.h>
#include <time.h>

/* CONNECTION/OPERATION, or /a/path of the hub's. False: said why. */
static bool put_end(json_writer *w, const char *word, const char *input, arena *a) {
    const char *slash = strchr(word, '/');
    bb_str text = str_from(input != NULL ? input : "{}");
    err e = {""};
    json_object(w);
    if (word[0] == '/') {
        json_member_string(w, STR("file"), str_from(word));
        json_object_end(w);
        return input == NULL ||
               (complain("transfer: %s is a file of the hub's and takes no input", word), false);
    }
    if (slash == NULL || slash[1] == '\0') {
        complain(
            "transfer: \"%s\": CONNECTION/OPERATION is expected, or a path of the hub's that begins with /",
            word);
        return false;
    }
    if (text.len > 0 && text.ptr[0] == '@' && !read_whole_file(a, text.ptr + 1, &text, &e)) {
        complain("%s", e.text);
        return false;
    }
    if (!json_is(json_read(a, text, NULL, NULL), JSON_OBJECT)) {
        complain("transfer: the input of %s is no JSON object", word);
        return false;
    }
    json_member_string(w, STR("connection"), str_of(word, (size_t)(slash - word)));
    json_member_string(w, STR("operation"), str_from(slash + 1));
    json_keyl(w, "input");
    json_put_raw(w, text);
    json_object_end(w);
    return true;
}

static bool make_body(const options *o, arena *a, buf *out) {
    json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_keyl(&w, "from");
    if (!put_end(&w, o->words[0], o->from, a))
        return false;
    json_keyl(&w, "to");
    if (!put_end(&w, o->words[1], o->to, a))
        return false;
    json_object_end(&w);
    return !out->failed;
}

static uint64_t number(const json_value *v) {
    uint64_t n = 0;
    return v != NULL && str_to_u64(json_raw(v), &n) ? n : 0;
}

static int finish(const options *o, const json_value *t) {
    const json_value *failed = json_getl(t, "problem");
    progress_end();
    print_json(o, t);
    if (str_eq(json_string(json_getl(t, "status")), STR("succeeded")))
        return EXIT_OK;
    fputs("busbar: ", stderr);
    print_text(stderr,
               failed != NULL ? json_string(json_getl(failed, "title")) : STR("The transfer was cancelled"));
    if (failed != NULL) {
        fputs(": ", stderr);
        print_text(stderr, json_string(json_getl(failed, "detail")));
    }
    fputc('\n', stderr);
    return EXIT_FAILED;
}

/* Asks until it has ended. Whoever stops waiting does not stop it. */
static int watch(session *s, const options *o, arena *a, bb_str id) {
    bb_str path = arena_printf(a, "/transfers/%s", encoded(a, arena_strdup(a, id)));
    for (;;) {
        reply r = {0};
        int code;
        if (!session_send(s, "GET", path.ptr, STR(""), &r, &code)) {
            reply_free(&r);
            return code;
        }
        code = reply_check(o, &r);
        const json_value *content = json_getl(r.json, "content");
        bool runs = code == EXIT_OK && str_eq(json_string(json_getl(r.json, "status")), STR("running"));
        if (runs)
            progress_show(number(json_getl(content, "done")), number(json_getl(content, "total")));
        else if (code == EXIT_OK)
            code = finish(o, r.json);
        reply_free(&r);
        if (!runs)
            return code;
        const struct timespec pause = {.tv_nsec = 200000000};
        nanosleep(&pause, NULL);
    }
}

static int begin(const options *o) {
    int code = EXIT_USAGE;
    arena *a = arena_new(0);
    buf body;
    reply r = {0};
    buf_init(&body);
    session *s = make_body(o, a, &body) ? session_open(o, &code) : NULL;
    if (s != NULL && session_send(s, "POST", "/transfers", buf_str(&body), &r, &code) &&
        (code = reply_check(o, &r)) == EXIT_OK) {
        if (o->no_wait)
            print_json(o, r.json);
        else
            code = watch(s, o, a, json_string(json_getl(r.json, "id")));
    }
    reply_free(&r);
    if (s != NULL)
        session_close(s);
    buf_free(&body);
    arena_free(a);
    return code;
}

static int with_id(const options *o, const char *method) {
    arena *a = arena_new(0);
    bb_str path = arena_printf(a, "/transfers/%s", encoded(a, o->words[1]));
    int code = session_ask(o, method, path.ptr, STR(""), print_json);
    arena_free(a);
    return code;
}

int command_transfer(const options *o) {
    const char *first = o->word_count > 0 ? o->words[0] : "";
    if (strcmp(first, "ls") == 0 && o->word_count == 1)
        return session_ask(o, "GET", "/transfers", STR(""), print_json);
    if (strcmp(first, "show") == 0 && o->word_count == 2)
        return with_id(o, "GET");
    if (strcmp(first, "cancel") == 0 && o->word_count == 2)
        return with_id(o, "DELETE");
    if (o->word_count == 2)
        return begin(o);
    complain(
        "transfer: FROM and TO are expected, as CONNECTION/OPERATION or a path of the hub's; or ls, show "
        "ID, cancel ID");
    return EXIT_USAGE;
}
