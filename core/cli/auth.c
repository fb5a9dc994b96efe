/* auth.c - `busbar auth CONNECTION [--no-wait | --status | --revoke]` */
#include "cli/cli.h"

#include <stdio.h>
#include <time.h>

#define ASK_EVERY_MS 500u

static void print_line(const char *name, bb_str text) {
    if (text.len == 0)
        return;
    printf("%-10s", name);
    print_text(stdout, text);
    putchar('\n');
}

static void print_state(const json_value *state) {
    static const struct {
        const char *name, *member;
    } lines[] = {{"scheme", "scheme"},      {"state", "state"},  {"obtained", "obtained_at"},
                 {"expires", "expires_at"}, {"scope", "scope"},  {"error", "last_error"},
                 {"retry", "retry_at"},     {"advice", "advice"}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        print_line(lines[i].name, json_string(json_get(state, str_from(lines[i].member))));
}

/* One request to .../auth. EXIT_OK: *out has the answer. */
static int ask(session *s, const options *o, const char *method, const char *path, reply *out) {
    int code;
    if (!session_send(s, method, path, STR(""), out, &code))
        return code;
    return reply_check(o, out);
}

static int show(session *s, const options *o, const char *method, const char *path) {
    reply r = {0};
    int code = ask(s, o, method, path, &r);
    if (code == EXIT_OK) {
        if (!wants_text(o))
            print_json(o, r.json);
        else if (json_getl(r.json, "state") != NULL)
            print_state(r.json);
        else
            print_line("revoked", json_string(json_getl(r.json, "detail")));
        const json_value *revoked = json_getl(r.json, "revoked");
        code = revoked == NULL || json_bool(revoked, false) ? EXIT_OK : EXIT_FAILED;
    }
    reply_free(&r);
    return code;
}

/* --- waiting for the consent ------------------------------------------------------------------------- */

static void print_what_to_do(const json_value *begun, FILE *to) {
    bb_str code = json_string(json_getl(begun, "user_code")),
           complete = json_string(json_getl(begun, "complete_url"));
    fputs("Open this in a browser and give consent:\n\n  ", to);
    print_text(to, complete.len > 0 ? complete : json_string(json_getl(begun, "url")));
    fputs("\n\n", to);
    if (code.len > 0) {
        fputs(complete.len > 0 ? "The code there is " : "and enter the code ", to);
        print_text(to, code);
        fputs("\n\n", to);
    }
}

static uint64_t seconds_to_wait(const options *o, const json_value *begun) {
    uint64_t ms = 0, seconds = 600;
    if (o->timeout != NULL && str_to_duration_ms(str_from(o->timeout), &ms))
        return ms / 1000;
    json_to_u64(json_getl(begun, "expires_in"), &seconds);
    return seconds;
}

/* Whether the consent is no longer waited for. */
static bool is_settled(const json_value *state, bb_str id) {
    const json_value *consent = json_getl(state, "consent");
    return !str_eq(json_string(json_getl(consent, "id")), id) ||
           !str_eq(json_string(json_getl(consent, "status")), STR("pending"));
}

static int tell_outcome(const options *o, const json_value *state, bb_str id) {
    const json_value *consent = json_getl(state, "consent");
    bool ours = str_eq(json_string(json_getl(consent, "id")), id);
    bool ok = ours && str_eq(json_string(json_getl(consent, "status")), STR("done"));
    bb_str error = json_string(json_getl(consent, "error"));
    if (!wants_text(o))
        print_json(o, state);
    else if (ok)
        print_state(state);
    if (ok)
        return EXIT_OK;
    fputs("busbar: no consent: ", stderr);
    print_text(stderr, !ours ? STR("another was begun, or the tokens were revoked") : error);
    fputc('\n', stderr);
    return EXIT_FAILED;
}

static int wait_for(session *s, const options *o, const char *path, const json_value *begun) {
    const struct timespec pause = {0, ASK_EVERY_MS * 1000000};
    bb_str id = json_string(json_getl(begun, "id"));
    for (uint64_t left = seconds_to_wait(o, begun) * 1000 / ASK_EVERY_MS; left > 0; left--) {
        reply r = {0};
        nanosleep(&pause, NULL);
        int code = ask(s, o, "GET", path, &r);
        bool settled = code != EXIT_OK || is_settled(r.json, id);
        if (code == EXIT_OK && settled)
            code = tell_outcome(o, r.json, id);
        reply_free(&r);
        if (settled)
            return code;
    }
    complain("nobody gave consent in time; the page can still be opened while it is good");
    return EXIT_TIMEOUT;
}

static int begin(session *s, const options *o, const char *path) {
    reply r = {0};
    int code = ask(s, o, "POST", path, &r);
    if (code == EXIT_OK) {
        bool pending = str_eq(json_string(json_getl(r.json, "state")), STR("pending"));
        if (pending && (wants_text(o) || !o->no_wait))
            print_what_to_do(r.json, wants_text(o) ? stdout : stderr);
        fflush(stdout);
        if (!pending)
            code = show(s, o, "GET", path);
        else if (!o->no_wait)
            code = wait_for(s, o, path, r.json);
        else if (!wants_text(o))
            print_json(o, r.json);
    }
    reply_free(&r);
    return code;
}

int command_auth(const options *o) {
    if (o->word_count != 1 || o->no_wait + o->status + o->revoke > 1) {
        complain("auth needs the name of a connection, and at most one of --no-wait, --status and --revoke");
        return EXIT_USAGE;
    }
    if (o->offline && !o->status) {
        complain("auth needs a hub that serves: tokens got --offline would be lost");
        return EXIT_USAGE;
    }
    int code;
    session *s = session_open(o, &code);
    if (s == NULL)
        return code;
    arena *a = arena_new(0);
    bb_str path = arena_printf(a, "/connections/%s/auth", encoded(a, o->words[0]));
    if (o->status || o->revoke)
        code = show(s, o, o->revoke ? "DELETE" : "GET", path.ptr);
    else
        code = begin(s, o, path.ptr);
    arena_free(a);
    session_close(s);
    return code;
}
