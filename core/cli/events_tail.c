/* events_tail.c - `busbar events tail`: events as they come in.
 *
 * The hub is asked again and again for the newest, page by page back to the one that was seen last; and when
 * it does not answer, as while it is started anew, until it does. */
#include "base/clock.h"
#include "cli/events.h"

#include <stdio.h>
#include <time.h>

#define PAUSE_MS 500u
#define AWAY_MS 10000u /* between two looks, at most, for a hub that does not answer */
#define PAGE 100       /* the first: most often little is new */
#define LATER_PAGE 1000
#define LOT 1000 /* events that are parsed and printed at once */
#define BACK_MS \
    60000u /* how far the list is read beyond the last one's time: loops stamp before they store */

typedef struct tail {
    const options *o;
    session *s;
    events_take take; /* NULL: events are printed */
    void *ctx;
    table table;
    bool begun; /* the hub has answered once */
    bool away;  /* it does not any more, which has been told */
    unsigned pause_ms;
    char last[64];    /* id of the newest that was seen; "": none */
    uint64_t last_ms; /* its time */
    uint64_t left;    /* events still to be printed; UINT64_MAX: without end */
} tail;

/* What came since, the newest first, as JSON's text. */
typedef struct news {
    bb_str *events;
    size_t count, cap;
    arena *memory;
} news;

static bool add(news *n, const json_value *event) {
    if (n->count == n->cap) {
        size_t cap = n->cap == 0 ? 128 : n->cap * 2;
        n->events = arena_grow(n->memory, n->events, n->cap * sizeof(bb_str), cap * sizeof(bb_str));
        n->cap = cap;
    }
    bb_str text = arena_copy(n->memory, json_raw(event));
    if (n->events != NULL && text.ptr != NULL)
        n->events[n->count++] = text;
    return n->events != NULL && text.ptr != NULL;
}

static bool is_seen(const tail *t, const json_value *event) {
    uint64_t at = 0;
    clock_from_rfc3339(json_string(json_getl(event, "at")), &at);
    return str_eq(json_string(json_getl(event, "id")), str_from(t->last)) ||
           (t->last_ms > 0 && at + BACK_MS < t->last_ms);
}

static const char *path_of(const tail *t, query *q, const char *before, unsigned limit) {
    buf_init(&q->text);
    buf_lit(&q->text, "/events");
    query_add(q, "type", t->o->type);
    query_add(q, "source", t->o->source);
    query_add(q, "since", t->last[0] == '\0' ? t->o->since : NULL);
    query_add(q, "before", before[0] != '\0' ? before : NULL);
    buf_printf(&q->text, "%climit=%u", q->begun ? '&' : '?', limit);
    return buf_cstr(&q->text);
}

/* The rows of a page. `next`: where the list goes on; "" where this reached what was seen, or the end. */
static int add_page(const tail *t, news *n, const json_value *page, char next[32]) {
    str_put(next, 32, json_raw(json_getl(page, "next")));
    for (json_iter it = json_iterate(json_getl(page, "events")); json_next(&it);) {
        if (is_seen(t, it.value)) {
            next[0] = '\0';
            break;
        }
        if (!add(n, it.value))
            return EXIT_FAILED;
    }
    return EXIT_OK;
}

/* As reply_check; but of a hub that is about to end or to begin, or has much to do: EXIT_UNREACHABLE, and
 * nothing is told. */
static int check_again(const options *o, const reply *r) {
    bool passes = r->status == 429 || (r->status >= 502 && r->status <= 504);
    return passes ? EXIT_UNREACHABLE : reply_check(o, r);
}

static int read_page(tail *t, news *n, char next[32], unsigned limit) {
    query q = {.begun = false};
    reply r = {0};
    int code;
    if (session_send(t->s, "GET", path_of(t, &q, next, limit), STR(""), &r, &code))
        code = t->begun ? check_again(t->o, &r) : reply_check(t->o, &r);
    if (code == EXIT_OK)
        code = add_page(t, n, r.json, next);
    if (code == EXIT_OK && !t->begun)
        session_quiet(t->s);
    t->begun = t->begun || code == EXIT_OK;
    buf_free(&q.text);
    reply_free(&r);
    return code;
}

static int read_news(tail *t, news *n) {
    char next[32] = "";
    int code = read_page(t, n, next, PAGE);
    while (code == EXIT_OK && next[0] != '\0')
        code = read_page(t, n, next, LATER_PAGE);
    return code;
}

int events_whole(const options *o, session *s, const json_value *listed, reply *r) {
    arena *a = arena_new(0);
    bb_str id = json_string(json_getl(listed, "id"));
    bb_str path = arena_printf(a, "/events/%s", encoded(a, arena_strdup(a, id)));
    int code;
    if (session_send(s, "GET", path.ptr, STR(""), r, &code))
        code = check_again(o, r);
    arena_free(a);
    return code == EXIT_NOT_FOUND ? EVENTS_PASSED : code;
}

/* The event whole, with its payload. */
static int print_whole(tail *t, const json_value *event) {
    reply r = {0};
    int code = events_whole(t->o, t->s, event, &r);
    if (code == EXIT_OK)
        print_json(t->o, json_getl(r.json, "event"));
    reply_free(&r);
    return code;
}

static int print(tail *t, arena *a, const json_value *event) {
    if (t->take != NULL)
        return t->take(t->o, t->s, event, t->ctx);
    if (t->o->full)
        return print_whole(t, event);
    if (wants_text(t->o)) {
        events_add_row(a, &t->table, event);
        return EXIT_OK;
    }
    bb_str line = json_raw(event);
    printf("%.*s\n", STR_FMT(line));
    return EXIT_OK;
}

static void remember(tail *t, const json_value *event) {
    str_put(t->last, sizeof t->last, json_string(json_getl(event, "id")));
    clock_from_rfc3339(json_string(json_getl(event, "at")), &t->last_ms);
}

/* The `count` before `end`, the oldest of them first. Each is remembered once it is printed: where the hub
 * goes away in between, the rest is what the next look finds. */
static int print_lot(tail *t, const news *n, size_t end, size_t count) {
    arena *a = arena_new(0);
    int code = a == NULL ? EXIT_FAILED : EXIT_OK;
    for (size_t i = end; code == EXIT_OK && i > end - count && t->left > 0; i--) {
        const json_value *event = json_read(a, n->events[i - 1], NULL, NULL);
        code = event == NULL ? EXIT_FAILED : print(t, a, event);
        t->left -= t->left != UINT64_MAX && code == EXIT_OK;
        code = code == EVENTS_PASSED ? EXIT_OK : code;
        if (code == EXIT_OK)
            remember(t, event);
    }
    if (t->table.first != NULL)
        table_flush(&t->table);
    arena_free(a);
    return code;
}

static int look(tail *t) {
    news n = {.memory = arena_new(0)};
    int code = n.memory == NULL ? EXIT_FAILED : read_news(t, &n);
    for (size_t end = n.count, count; code == EXIT_OK && end > 0 && t->left > 0; end -= count) {
        count = end < LOT ? end : LOT;
        code = print_lot(t, &n, end, count);
    }
    arena_free(n.memory);
    return code;
}

/* What is there already is not printed: the newest of it is where the tail begins. */
static int look_first(tail *t) {
    news n = {.memory = arena_new(0)};
    char next[32] = "";
    int code = n.memory == NULL ? EXIT_FAILED : read_page(t, &n, next, 1);
    if (n.count > 0)
        remember(t, json_read(n.memory, n.events[0], NULL, NULL));
    arena_free(n.memory);
    return code;
}

/* False: `code` is why it ends. A hub that starts anew is waited for, which is told once. One that never
 * answered is another matter. */
static bool goes_on(tail *t, int code) {
    bool away = t->begun && (code == EXIT_UNREACHABLE || code == EXIT_TIMEOUT);
    if (code != EXIT_OK && !away)
        return false;
    if (away != t->away)
        complain(away ? "the hub does not answer any more: waiting for it" : "the hub answers again");
    t->pause_ms = !away ? PAUSE_MS : t->pause_ms < AWAY_MS / 2 ? t->pause_ms * 2 : AWAY_MS;
    t->away = away;
    return t->left > 0 && fflush(stdout) == 0;
}

int events_tail(const options *o) {
    return events_follow(o, NULL, NULL);
}

int events_follow(const options *o, events_take take, void *ctx) {
    int code;
    tail t = {.o = o,
              .take = take,
              .ctx = ctx,
              .table = EVENTS_TABLE,
              .pause_ms = PAUSE_MS,
              .left = o->limit > 0 ? o->limit : UINT64_MAX};
    t.s = session_open(o, &code);
    if (t.s == NULL)
        return code;
    code = o->since == NULL ? look_first(&t) : look(&t);
    while (goes_on(&t, code)) {
        const struct timespec pause = {t.pause_ms / 1000, (long)(t.pause_ms % 1000) * 1000000L};
        nanosleep(&pause, NULL);
        code = look(&t);
    }
    session_close(t.s);
    return code;
}
