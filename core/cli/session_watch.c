/* session_watch.c - how far a call is that this session has asked for and waits for: asked of the hub beside
 * it, from within the transfer's own progress callback, which libcurl runs about once a second. */
#include "cli/session_internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define FIRST_LOOK_MS 900u /* a call that is over before has nothing to show */
#define LOOK_MS 400u
#define LOOK_TIMEOUT_MS 2000L /* the call itself stands still meanwhile */

struct watch {
    CURL *curl;     /* of its own */
    char label[40]; /* the call's */
    uint64_t next_ms;
    bool off; /* the hub, or the key, does not tell */
    bool shown;
};

static uint64_t now_ms(void) {
    return clock_ns() / 1000000u;
}

void session_watch(session *s) {
    uint64_t random[2];
    if (s->watch != NULL || !isatty(STDERR_FILENO) ||
        getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return;
    s->watch = calloc(1, sizeof *s->watch);
    if (s->watch == NULL)
        return;
    s->watch->curl = curl_easy_init();
    s->watch->off = s->watch->curl == NULL;
    snprintf(s->watch->label, sizeof s->watch->label, "cli-%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
}

struct curl_slist *watch_header(const session *s, struct curl_slist *headers) {
    char line[64];
    if (s->watch == NULL)
        return headers;
    s->watch->next_ms = now_ms() + FIRST_LOOK_MS;
    s->watch->shown = false;
    snprintf(line, sizeof line, "Busbar-Call: %s", s->watch->label);
    return curl_slist_append(headers, line);
}

static uint64_t number(const json_value *v) {
    uint64_t n;
    return v != NULL && str_to_u64(json_raw(v), &n) ? n : UINT64_MAX;
}

/* The one call of that label, if the connector has said anything. */
static bool show(bb_str body, arena *a) {
    const json_value *list = json_getl(json_read(a, body, NULL, NULL), "executions");
    for (json_iter it = json_iterate(list); json_next(&it);) {
        const json_value *p = json_getl(it.value, "progress");
        if (p == NULL)
            continue;
        progress_show_count(number(json_getl(p, "done")), number(json_getl(p, "total")),
                            json_string(json_getl(p, "unit")), json_string(json_getl(p, "stage")));
        return true;
    }
    return false;
}

static bool ask(const session *s, arena *a) {
    watch *w = s->watch;
    buf answer;
    long status = 0;
    buf_init(&answer);
    bb_str url = arena_printf(a, "%s/api/v1/executions?status=running&call=%s", s->url, w->label);
    struct curl_slist *headers = session_prepare(s, w->curl, url.ptr);
    curl_easy_setopt(w->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(w->curl, CURLOPT_WRITEFUNCTION, session_take_body);
    curl_easy_setopt(w->curl, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(w->curl, CURLOPT_TIMEOUT_MS, LOOK_TIMEOUT_MS);
    w->off = curl_easy_perform(w->curl) != CURLE_OK;
    curl_easy_getinfo(w->curl, CURLINFO_RESPONSE_CODE, &status);
    w->off = w->off || status != 200;
    bool shown = !w->off && show(buf_str(&answer), a);
    curl_slist_free_all(headers);
    buf_free(&answer);
    return shown;
}

bool watch_look(session *s) {
    watch *w = s->watch;
    if (w == NULL || w->off || now_ms() < w->next_ms)
        return w != NULL && w->shown;
    arena *a = arena_new(0);
    if (a != NULL)
        w->shown = ask(s, a) || w->shown;
    arena_free(a);
    w->next_ms = now_ms() + LOOK_MS;
    return w->shown;
}

void watch_end(session *s) {
    if (s->watch != NULL && s->watch->shown)
        progress_end();
}

void watch_free(session *s) {
    if (s->watch == NULL)
        return;
    curl_easy_cleanup(s->watch->curl);
    free(s->watch);
    s->watch = NULL;
}
