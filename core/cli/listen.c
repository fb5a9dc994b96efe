/* listen.c - `busbar listen URL`: what comes in, posted to a server on one's own machine while it is being
 * written. */
#include "base/clock.h"
#include "cli/events.h"
#include "plugin/host_crypto.h"

#include <curl/curl.h>
#include <stdio.h>

#define TIMEOUT_MS 30000L

typedef struct listener {
    CURL *curl;
    const char *url;
} listener;

static size_t drop(char *bytes, size_t size, size_t n, void *ctx) {
    (void)bytes, (void)ctx;
    return size * n;
}

/* The payload as it came; false: no memory, or it cannot be read. */
static bool payload_of(arena *a, const json_value *event, bb_str *out) {
    const json_value *payload = json_getl(event, "payload");
    bb_str base64 = json_string(json_getl(event, "payload_base64"));
    *out = json_raw(payload);
    if (payload != NULL)
        return true;
    uint8_t *bytes = arena_alloc(a, base64.len + 1);
    size_t n = bytes != NULL ? host_crypto.base64_decode(base64, bytes, base64.len) : SIZE_MAX;
    *out = str_of(bytes, n);
    return n != SIZE_MAX;
}

/* An empty value is said by ";" (CURLOPT_HTTPHEADER): behind ":" it takes a field of libcurl's own away. */
static struct curl_slist *add_field(arena *a, struct curl_slist *list, bb_str name, bb_str value) {
    bb_str line = value.len > 0 ? arena_printf(a, "%.*s: %.*s", STR_FMT(name), STR_FMT(value))
                                : arena_printf(a, "%.*s;", STR_FMT(name));
    struct curl_slist *longer = line.ptr != NULL ? curl_slist_append(list, line.ptr) : NULL;
    return longer != NULL ? longer : list;
}

/* What was said of that connection, or is said of the payload anyhow. */
static bool is_of_connection(bb_str name) {
    static const char *const names[] = {
        "Content-Type", "Content-Encoding", "Content-Length", "Connection", "Keep-Alive", "Transfer-Encoding",
        "TE",           "Trailer",          "Upgrade",        "Expect",     "Host",       "Accept-Encoding"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq_nocase(name, str_from(names[i])))
            return true;
    return false;
}

static bool is_among(const json_value *fields, bb_str name) {
    for (json_iter it = json_iterate(fields); json_next(&it);)
        if (str_eq_nocase(it.key, name))
            return true;
    return false;
}

/* Those that the endpoint keeps, and who it is. The sender's own Webhook-Id goes before the hub's: it is
 * signed. */
static struct curl_slist *fields_of(arena *a, const json_value *event) {
    const json_value *attributes = json_getl(event, "attributes"), *kept = json_getl(attributes, "headers");
    bb_str type = json_string(json_getl(event, "content_type")),
           coding = json_string(json_getl(attributes, "content_encoding"));
    struct curl_slist *list = curl_slist_append(NULL,
                                                "Expect:"); /* servers that know it not are waited for */
    list = type.len > 0 ? add_field(a, list, STR("Content-Type"), type)
                        : curl_slist_append(list, "Content-Type:");
    if (coding.len > 0)
        list = add_field(a, list, STR("Content-Encoding"), coding);
    if (!is_among(kept, STR("Webhook-Id")))
        list = add_field(a, list, STR("Webhook-Id"), json_string(json_getl(event, "id")));
    list = add_field(a, list, STR("Busbar-Source"), json_string(json_getl(event, "source")));
    list = add_field(a, list, STR("Busbar-Type"), json_string(json_getl(event, "type")));
    for (json_iter it = json_iterate(kept); json_next(&it);)
        if (!is_of_connection(it.key))
            list = add_field(a, list, it.key, json_string(it.value));
    return list;
}

static void tell(const json_value *event, const char *what) {
    print_text(stdout, json_string(json_getl(event, "id")));
    fputs("  ", stdout);
    print_text(stdout, json_string(json_getl(event, "source")));
    fputs("  ", stdout);
    print_text(stdout, json_string(json_getl(event, "type")));
    printf("  %s\n", what);
    fflush(stdout);
}

/* A server that does not answer is told of, and no reason to stop: it is being written. */
static void post(listener *l, arena *a, const json_value *event) {
    bb_str payload;
    char what[CURL_ERROR_SIZE + 64], error[CURL_ERROR_SIZE] = "";
    if (!payload_of(a, event, &payload)) {
        tell(event, "cannot be read");
        return;
    }
    struct curl_slist *fields = fields_of(a, event);
    uint64_t began = clock_ns();
    long status = 0;
    curl_easy_reset(l->curl);
    curl_easy_setopt(l->curl, CURLOPT_URL, l->url);
    curl_easy_setopt(l->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(l->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(l->curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    curl_easy_setopt(l->curl, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(l->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)payload.len);
    curl_easy_setopt(l->curl, CURLOPT_POSTFIELDS, payload.len > 0 ? payload.ptr : "");
    curl_easy_setopt(l->curl, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(l->curl, CURLOPT_ERRORBUFFER, error);
    CURLcode code = curl_easy_perform(l->curl);
    curl_easy_getinfo(l->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(fields);
    if (code == CURLE_OK)
        snprintf(what, sizeof what, "%ld in %llu ms", status,
                 (unsigned long long)((clock_ns() - began) / 1000000u));
    else
        snprintf(what, sizeof what, "failed: %s", error[0] != '\0' ? error : curl_easy_strerror(code));
    tell(event, what);
}

static int take(const options *o, session *s, const json_value *event, void *ctx) {
    arena *a = arena_new(0);
    reply r = {0};
    int code;
    if (o->source == NULL && !str_starts(json_string(json_getl(event, "source")), STR("endpoint/"))) {
        arena_free(a);
        return EVENTS_PASSED;
    }
    code = events_whole(o, s, event, &r);
    if (code == EXIT_OK)
        post(ctx, a, json_getl(r.json, "event"));
    reply_free(&r);
    arena_free(a);
    return code;
}

/* A slip of the keys would be waited for without end. What a source is of may be made later: that is told,
 * and no reason to end. */
static int check_source(const options *o) {
    static const char *const kinds[] = {"endpoint/", "subscription/"};
    bb_str source = str_from(o->source);
    int code = EXIT_OK;
    if (source.ptr == NULL || memchr(source.ptr, '*', source.len) != NULL || str_eq(source, STR("api")) ||
        str_eq(source, STR("hub")) || str_starts(source, str_from(kinds[1])))
        return EXIT_OK;
    if (!str_starts(source, str_from(kinds[0]))) {
        complain("--source %s: there is no such source: endpoint/NAME, subscription/NAME, api or hub is one",
                 o->source);
        return EXIT_USAGE;
    }
    bb_str id = str_of(source.ptr + strlen(kinds[0]), source.len - strlen(kinds[0]));
    session *s = o->offline || memchr(id.ptr, '/', id.len) != NULL ? NULL : session_open(o, &code);
    arena *a = arena_new(0);
    reply r = {0};
    if (s != NULL && a != NULL) {
        bb_str path = arena_printf(a, "/webhooks/endpoints/%s", encoded(a, arena_strdup(a, id)));
        code = EXIT_OK;
        if (session_send(s, "GET", path.ptr, STR(""), &r, &code) && r.status == 404)
            complain("there is no endpoint \"%.*s\" (`busbar webhooks ls` lists what there is): waiting for "
                     "events of one",
                     STR_FMT(id));
    }
    reply_free(&r);
    arena_free(a);
    if (s != NULL)
        session_close(s);
    return code;
}

int command_listen(const options *o) {
    if (o->word_count != 1 ||
        (strncmp(o->words[0], "http://", 7) != 0 && strncmp(o->words[0], "https://", 8) != 0)) {
        complain("listen needs the URL that events are posted to, as http://127.0.0.1:3000/webhooks");
        return EXIT_USAGE;
    }
    int code = check_source(o);
    if (code != EXIT_OK)
        return code;
    listener l = {.curl = curl_easy_init(), .url = o->words[0]};
    code = l.curl != NULL ? events_follow(o, take, &l) : EXIT_FAILED;
    curl_easy_cleanup(l.curl);
    return code;
}
