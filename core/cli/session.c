/* session.c - talking to a hub over HTTP: one that runs, or with --offline one within this process. */
#include "cli/session_internal.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- where, and with which key ---------------------------------------------------------------------- */

/* A key goes into a header field: visible characters only, up to the first line's end. */
static char *usable_key(const char *text, const char *source, int *exit_code) {
    size_t n = strcspn(text, "\r\n");
    bool ok = n > 0 && n < KEY_MAX;
    for (size_t i = 0; i < n; i++)
        ok = ok && text[i] > ' ' && text[i] < 127;
    if (!ok) {
        complain("%s holds no key: one line of visible ASCII characters, at most %d, is expected", source,
                 KEY_MAX - 1);
        *exit_code = EXIT_DENIED;
    }
    return ok ? strndup(text, n) : NULL;
}

static char *read_key(const options *o, int *exit_code) {
    char path[4096], text[KEY_MAX];
    const char *named = o->key != NULL ? o->key : o->key_file == NULL ? getenv("BUSBAR_KEY") : NULL;
    if (named != NULL && named[0] != '\0')
        return usable_key(named, o->key != NULL ? "--key" : "BUSBAR_KEY", exit_code);
    if (o->key_file != NULL)
        snprintf(path, sizeof path, "%s", o->key_file);
    else
        snprintf(path, sizeof path, "%s/admin.key", o->state != NULL ? o->state : "var");
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        complain("no key: %s: %s; give --key-file, --state or BUSBAR_KEY", path, strerror(errno));
        *exit_code = EXIT_DENIED;
        return NULL;
    }
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    char *key = usable_key(text, path, exit_code);
    explicit_bzero(text, sizeof text);
    return key;
}

static void *run_hub(void *arg) {
    hub_run(arg);
    return NULL;
}

static bool start_own(session *s, const options *o) {
    hub_options h = {.conf_dir = o->conf, .state_dir = o->state, .plugins_dir = o->plugins, .offline = true};
    err e = {""};
    log_set_level(LOG_LEVEL_WARN);
    s->own = hub_start(&h, &e);
    if (s->own == NULL) {
        complain("%s", e.text);
        return false;
    }
    if (pthread_create(&s->thread, NULL, run_hub, s->own) != 0) {
        complain("a thread cannot be started");
        hub_free(s->own);
        s->own = NULL;
        return false;
    }
    s->url = strdup(hub_url(s->own));
    s->key = strdup(hub_key(s->own));
    return true;
}

static bool find_hub(session *s, const options *o, int *exit_code) {
    const char *url = o->url != NULL ? o->url : getenv("BUSBAR_URL");
    s->url = strdup(url != NULL && url[0] != '\0' ? url : "http://127.0.0.1:8420");
    size_t n = strlen(s->url);
    while (n > 0 && s->url[n - 1] == '/')
        s->url[--n] = '\0';
    const char *ca = o->cacert != NULL ? o->cacert : getenv("BUSBAR_CACERT");
    s->cacert = ca != NULL && ca[0] != '\0' ? ca : NULL;
    s->key = read_key(o, exit_code);
    return s->key != NULL;
}

session *session_open(const options *o, int *exit_code) {
    session *s = calloc(1, sizeof *s);
    uint64_t ms = 0;
    *exit_code = EXIT_FAILED;
    if (s == NULL)
        return NULL;
    if (o->timeout != NULL && !str_to_duration_ms(str_from(o->timeout), &ms)) {
        complain("--timeout %s: a duration is expected, as 500ms, 5s or 2m", o->timeout);
        *exit_code = EXIT_USAGE;
        free(s);
        return NULL;
    }
    s->timeout_s = (long)(ms / 1000) + ANSWER_TIMEOUT_S;
    if (o->offline ? !start_own(s, o) : !find_hub(s, o, exit_code)) {
        session_close(s);
        return NULL;
    }
    s->curl = curl_easy_init();
    return s;
}

void session_quiet(session *s) {
    s->quiet = true;
}

void session_close(session *s) {
    watch_free(s);
    if (s->curl != NULL) /* first: an idle connection would hold up the hub's end */
        curl_easy_cleanup(s->curl);
    if (s->own != NULL) {
        hub_stop(s->own);
        pthread_join(s->thread, NULL);
        hub_free(s->own);
    }
    if (s->key != NULL)
        explicit_bzero(s->key, strlen(s->key));
    free(s->url);
    free(s->key);
    free(s);
}

/* --- requests --------------------------------------------------------------------------------------- */

size_t session_take_body(char *bytes, size_t size, size_t n, void *ctx) {
    buf *body = ctx;
    buf_add(body, bytes, size * n);
    return body->failed ? 0 : size * n;
}

int session_explain(const session *s, CURLcode code) {
    if (code == CURLE_OPERATION_TIMEDOUT) {
        if (!s->quiet)
            complain("the hub at %s did not answer in time", s->url);
        return EXIT_TIMEOUT;
    }
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
        complain("\"%s\" is not the URL of a hub", s->url);
        return EXIT_USAGE;
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
        complain("the hub at %s cannot be trusted (%s); its certificate's signers are in the file that "
                 "--cacert or "
                 "BUSBAR_CACERT names",
                 s->url, curl_easy_strerror(code));
        return EXIT_UNREACHABLE;
    }
    if (!s->quiet)
        complain("no hub answers at %s (%s); start one with `busbar serve`, or name it with --url", s->url,
                 curl_easy_strerror(code));
    return EXIT_UNREACHABLE;
}

struct curl_slist *session_prepare(const session *s, CURL *curl, const char *url) {
    char header[sizeof "Authorization: Bearer " + KEY_MAX];
    struct curl_slist *headers = NULL;
    snprintf(header, sizeof header, "Authorization: Bearer %s", s->key);
    headers = curl_slist_append(headers, header);
    explicit_bzero(header, sizeof header);
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    if (s->cacert != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, s->cacert);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    return headers;
}

static int on_progress(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up) {
    (void)down_all, (void)down, (void)up_all, (void)up;
    watch_look(ctx);
    return 0;
}

static CURLcode perform(session *s, const char *method, const char *url, bb_str body, buf *answer,
                        long *status) {
    struct curl_slist *headers = session_prepare(s, s->curl, url);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    headers = watch_header(s, headers);
    curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(s->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, session_take_body);
    curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(s->curl, CURLOPT_TIMEOUT, s->timeout_s);
    curl_easy_setopt(s->curl, CURLOPT_NOPROGRESS, s->watch == NULL ? 1L : 0L);
    curl_easy_setopt(s->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(s->curl, CURLOPT_XFERINFODATA, s);
    if (strcmp(method, "GET") != 0) {
        curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, body.ptr != NULL ? body.ptr : "");
        curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    }
    CURLcode code = curl_easy_perform(s->curl);
    watch_end(s);
    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, status);
    curl_slist_free_all(headers);
    return code;
}

bool session_send(session *s, const char *method, const char *path, bb_str body, reply *out, int *exit_code) {
    buf answer;
    buf_init(&answer);
    *out = (reply){.memory = arena_new(0)};
    if (s->curl == NULL || out->memory == NULL) {
        *exit_code = EXIT_FAILED;
        return false;
    }
    bb_str url = arena_printf(out->memory, "%s/api/v1%s", s->url, path);
    CURLcode code = perform(s, method, url.ptr, body, &answer, &out->status);
    out->body = arena_copy(out->memory, buf_str(&answer));
    buf_wipe(&answer); /* it may hold a key or a secret */
    if (code != CURLE_OK) {
        *exit_code = session_explain(s, code);
        return false;
    }
    out->json = json_read(out->memory, out->body, NULL, NULL);
    if (out->json == NULL) {
        if (!s->quiet)
            complain("what answers at %s is no hub: its answer is not JSON", s->url);
        *exit_code = EXIT_UNREACHABLE;
    }
    return out->json != NULL;
}

void reply_free(reply *r) {
    arena_free(r->memory);
    r->memory = NULL;
}

void reply_wipe(reply *r) {
    if (r->body.ptr != NULL)
        str_wipe(r->body);
    reply_free(r);
}

int session_ask(const options *o, const char *method, const char *path, bb_str body,
                void (*print)(const options *o, const json_value *r)) {
    int code;
    reply r = {0};
    session *s = session_open(o, &code);
    if (s == NULL)
        return code;
    if (session_send(s, method, path, body, &r, &code) && (code = reply_check(o, &r)) == EXIT_OK)
        print(o, r.json);
    fflush(stdout);
    reply_wipe(&r);
    session_close(s);
    return code;
}

/* --- problems --------------------------------------------------------------------------------------- */

static int exit_code_of(const reply *r) {
    bb_str type = json_string(json_getl(r->json, "type"));
    if (r->status == 401 || r->status == 403)
        return EXIT_DENIED;
    if (str_ends(type, STR(":invalid-input")) || str_ends(type, STR(":invalid-json")) ||
        str_ends(type, STR(":bad-request")) || r->status == 413)
        return EXIT_INVALID_INPUT;
    if (str_ends(type, STR(":connection-not-found")) || str_ends(type, STR(":operation-not-found")) ||
        str_ends(type, STR(":plugin-not-found")) || str_ends(type, STR(":not-found")))
        return EXIT_NOT_FOUND;
    return r->status == 504 ? EXIT_TIMEOUT : EXIT_FAILED;
}

/* Where the hub's advice speaks of its API, people at a command line are told of commands. `command`: of
 * which command the advice is, NULL: of any. */
static bb_str advice_of(const options *o, const reply *r) {
    static const struct {
        const char *command, *type, *advice;
    } advices[] = {
        {NULL, ":unauthorized", "Give a key of the hub: --state DIR, --key-file FILE or BUSBAR_KEY."},
        {NULL, ":forbidden", "`busbar key show self` tells what this key may."},
        {NULL, ":connection-not-found", "`busbar ls connections` lists what there is."},
        {NULL, ":operation-not-found", "`busbar ls operations CONNECTION` lists what there is."},
        {NULL, ":plugin-not-found", "`busbar ls plugins` lists what there is."},
        {"key", ":not-found", "`busbar key ls` lists what there is."},
        {"key", ":invalid-input", "`busbar key --help` says what is expected."},
        {"events", ":not-found", "`busbar events ls` lists what is kept."},
        {"events", ":invalid-input", "`busbar events --help` says what is expected."},
        {"webhooks", ":not-found",
         "`busbar webhooks ls` lists endpoints, `busbar webhooks targets` who gets events."},
        {"webhooks", ":invalid-input", "`busbar webhooks --help` says what is expected."},
        {"executions", ":not-found", "`busbar executions` lists what is remembered."},
        {NULL, ":not-found", "`busbar secret ls` and `busbar ls` list what there is."},
        {NULL, ":invalid-input", "`busbar inspect CONNECTION/OPERATION` says what is expected."},
    };
    bb_str type = json_string(json_getl(r->json, "type"));
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
        if ((advices[i].command == NULL || strcmp(advices[i].command, o->command) == 0) &&
            str_ends(type, str_from(advices[i].type)))
            return str_from(advices[i].advice);
    return json_string(json_getl(r->json, "advice"));
}

static void print_issue(const json_value *issue) {
    bb_str pointer = json_string(json_getl(issue, "pointer"));
    fputs("  ", stderr);
    print_text(stderr, pointer.len > 0 ? pointer : STR("the input"));
    fputs(": ", stderr);
    print_text(stderr, json_string(json_getl(issue, "detail")));
    fputc('\n', stderr);
}

static void print_problem(const options *o, const reply *r) {
    bb_str title = json_string(json_getl(r->json, "title")),
           detail = json_string(json_getl(r->json, "detail")), advice = advice_of(o, r);
    const json_value *upstream = json_getl(r->json, "upstream");
    fputs("busbar: ", stderr);
    print_text(stderr, title.len > 0 ? title : STR("The hub refuses"));
    if (detail.len > 0)
        fputs(": ", stderr);
    print_text(stderr, detail);
    fputc('\n', stderr);
    if (upstream != NULL)
        fprintf(stderr, "  the service said: %.*s\n", STR_FMT(json_raw(upstream)));
    for (json_iter it = json_iterate(json_getl(r->json, "errors")); json_next(&it);)
        print_issue(it.value);
    if (advice.len > 0)
        fprintf(stderr, "  %.*s\n", STR_FMT(advice));
}

int reply_check(const options *o, const reply *r) {
    if (r->status >= 200 && r->status <= 299)
        return EXIT_OK;
    if (o->output == OUTPUT_JSON)
        print_json(o, r->json);
    print_problem(o, r);
    return exit_code_of(r);
}

const char *encoded(arena *a, const char *text) {
    static const char hex[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, strlen(text) * 3 + 1), *at = out;
    for (; out != NULL && *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     strchr("-._~", c) != NULL;
        if (plain) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    if (out != NULL)
        *at = '\0';
    return out;
}
