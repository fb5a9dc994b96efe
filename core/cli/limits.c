/* limits.c - `busbar limits [CONNECTION] [--reset-breaker]` */
#include "cli/table.h"

#include <stdio.h>

static uint64_t number(const json_value *v, const char *name) {
    uint64_t n = 0;
    json_to_u64(json_get(v, str_from(name)), &n);
    return n;
}

#define N(v, name) (unsigned long long)number(v, name)

/* "open, 12 s" */
static bb_str breaker_of(arena *a, const json_value *c) {
    const json_value *breaker = json_getl(c, "breaker");
    bb_str state = json_string(json_getl(breaker, "state"));
    uint64_t ms = number(breaker, "retry_after_ms");
    return ms == 0 ? state
                   : arena_printf(a, "%.*s, %llu s", STR_FMT(state), (unsigned long long)(ms + 999) / 1000);
}

/* "90 of 100 in 1 s" */
static bb_str rate_of(arena *a, const json_value *c) {
    const json_value *rate = json_getl(c, "rate");
    return rate == NULL ? STR("-")
                        : arena_printf(a, "%llu of %llu, %llu in %llu s", N(rate, "left"), N(rate, "burst"),
                                       N(rate, "limit"), N(rate, "period_s"));
}

static bb_str places_of(arena *a, const json_value *c) {
    const json_value *places = json_getl(c, "concurrency");
    return places == NULL ? STR("-")
           : number(places, "waiting") == 0
               ? arena_printf(a, "%llu of %llu", N(places, "used"), N(places, "limit"))
               : arena_printf(a, "%llu of %llu, %llu wait", N(places, "used"), N(places, "limit"),
                              N(places, "waiting"));
}

static bb_str quota_of(arena *a, const json_value *c) {
    buf text;
    buf_init(&text);
    for (json_iter it = json_iterate(json_getl(c, "quota")); json_next(&it);)
        buf_printf(&text, "%s%llu of %llu a %.*s", text.len > 0 ? ", " : "", N(it.value, "used"),
                   N(it.value, "limit"), STR_FMT(it.key));
    bb_str out = text.len > 0 ? arena_copy(a, buf_str(&text)) : STR("-");
    buf_free(&text);
    return out;
}

/* "0 left for 3 s (+2): POST /x of 7", of the route that binds longest, with two more. */
static bb_str route_of(arena *a, const json_value *routes) {
    const json_value *worst = NULL;
    uint64_t longest = 0;
    for (json_iter it = json_iterate(routes); json_next(&it);) {
        uint64_t pause = number(it.value, "pause_ms"), reset = number(it.value, "reset_ms");
        uint64_t binds = pause > 0 || number(it.value, "left") > 0 ? pause : reset;
        if (worst == NULL || binds > longest)
            worst = it.value;
        longest = binds > longest ? binds : longest;
    }
    uint64_t pause = number(worst, "pause_ms"), ms = pause > 0 ? pause : number(worst, "reset_ms");
    bb_str name = json_string(json_getl(worst, "route"));
    bb_str what = pause > 0 ? STR("wait") : arena_printf(a, "%llu left for", N(worst, "left"));
    bb_str more = json_count(routes) > 1 ? arena_printf(a, " (+%u)", json_count(routes) - 1) : STR("");
    return arena_printf(a, "%.*s %llu s%.*s: %.*s", STR_FMT(what), (unsigned long long)(ms + 999) / 1000,
                        STR_FMT(more), STR_FMT(name));
}

/* What the service's own header fields told last. */
static bb_str service_of(arena *a, const json_value *c) {
    const json_value *told = json_getl(c, "service_says"), *routes = json_getl(told, "routes");
    uint64_t pause = number(told, "pause_ms");
    return told == NULL ? STR("")
           : pause > 0  ? arena_printf(a, "wait %llu s", (unsigned long long)(pause + 999) / 1000)
           : json_count(routes) > 0
               ? route_of(a, routes)
               : arena_printf(a, "%llu left for %llu s", N(told, "left"),
                              (unsigned long long)(number(told, "reset_ms") + 999) / 1000);
}

static bool is_asked_for(const options *o, const json_value *c) {
    return o->word_count == 0 || str_eq(json_string(json_getl(c, "id")), str_from(o->words[0]));
}

static void print_limits(const options *o, const json_value *r) {
    table t = {
        .headings = {"connection", "breaker", "rate left", "places used", "quota used", "the service says"}};
    arena *a = arena_new(0);
    for (json_iter it = json_iterate(json_getl(r, "connections")); json_next(&it);) {
        if (!is_asked_for(o, it.value))
            continue;
        if (!wants_text(o)) {
            printf("%.*s\n", STR_FMT(json_raw(it.value)));
            continue;
        }
        bb_str cells[] = {json_string(json_getl(it.value, "id")),
                          breaker_of(a, it.value),
                          rate_of(a, it.value),
                          places_of(a, it.value),
                          quota_of(a, it.value),
                          service_of(a, it.value)};
        table_add(&t, cells, STR(""));
    }
    if (wants_text(o))
        table_flush(&t);
    arena_free(a);
}

static void print_reset(const options *o, const json_value *r) {
    if (wants_text(o))
        printf("connection %s: the circuit breaker is closed\n", o->words[0]);
    else
        print_json(o, r);
}

/* That there is such a connection the hub says best: an empty table would be no answer. */
static int show(const options *o, arena *a) {
    int code = EXIT_OK;
    reply r = {0};
    session *s = session_open(o, &code);
    if (s == NULL)
        return code;
    bool ok = true;
    if (o->word_count == 1) {
        const char *path = arena_printf(a, "/connections/%s", encoded(a, o->words[0])).ptr;
        ok = session_send(s, "GET", path, STR(""), &r, &code) && (code = reply_check(o, &r)) == EXIT_OK;
        reply_free(&r);
    }
    if (ok && session_send(s, "GET", "/limits", STR(""), &r, &code) && (code = reply_check(o, &r)) == EXIT_OK)
        print_limits(o, r.json);
    reply_free(&r);
    session_close(s);
    return code;
}

int command_limits(const options *o) {
    if (o->from_stdin || o->word_count > 1 || (o->reset_breaker && o->word_count == 0)) {
        complain("limits takes the name of a connection, or none; --reset-breaker needs one");
        return EXIT_USAGE;
    }
    arena *a = arena_new(0);
    int code = EXIT_FAILED;
    if (a != NULL && o->reset_breaker) {
        bb_str path = arena_printf(a, "/connections/%s/breaker/reset", encoded(a, o->words[0]));
        code = session_ask(o, "POST", path.ptr, STR(""), print_reset);
    } else if (a != NULL) {
        code = show(o, a);
    }
    arena_free(a);
    return code;
}
