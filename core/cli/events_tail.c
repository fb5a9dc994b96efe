/* events_tail.c - `busbar events tail`: events as they come in.
 *
 * The hub is asked again and again for the newest, page by page back to the one that was seen last. */
#include "base/clock.h"
#include "cli/events.h"

#include <stdio.h>
#include <time.h>

#define PAUSE_MS 500u
#define AWAY_MS 10000u /* between two looks, at most, for a hub that does not answer */
#define PAGE 100
#define BACK_MS \
    60000u /* how far the list is read beyond the last one's time: loops stamp before they store */

typedef struct tail {
    const options *o;
    session *s;
    events_take take; /* NULL: events are printed */
    void *ctx;
    table table;
    char last[64];    /* id of the newest that was seen; "": none */
    uint64_t last_ms; /* its time */
    uint64_t left;    /* events still to be printed; UINT64_MAX: without end */
} tail;

/* What came since, the newest first; the pages stay until all is printed. */
typedef struct news {
    reply pages[64];
    size_t page_count;
    const json_value **events;
    size_t count, cap;
    arena *memory;
} news;

static bool add(news *n, const json_value *event) {
    if (n->count == n->cap) {
        size_t cap = n->cap == 0 ? 128 : n->cap * 2;
        n->events = arena_grow(n->memory, n->events, n->cap * sizeof(void *), cap * sizeof(void *));
        n->cap = cap;
    }
    if (n->events != NULL)
        n->events[n->count++] = event;
    return n->events != NULL;
}

static bool is_seen(const tail *t, const json_value *event) {
    uint64_t at = 0;
    clock_from_rfc3339(json_string(json_getl(event, "at")), &at);
    return str_eq(json_string(json_getl(event, "id")), str_from(t->last)) ||
           (t->last_ms > 0 && at + BACK_MS < t->last_ms);
}

static const char *path_of(const tail *t, query *q, bb_str before) {
    char text[32] = "";
    buf_init(&q->text);
    buf_lit(&q->text, "/events");
    str_put(text, sizeof text, before);
    query_add(q, "type", t->o->type);
    query_add(q, "source", t->o->source);
    query_add(q, "since", t->last[0] == '\0' ? t->o->since : NULL);
    query_add(q, "before", before.len > 0 ? text : NULL);
    buf_printf(&q->text, "%climit=%d", q->begun ? '&' : '?', PAGE);
    return buf_cstr(&q->text);
}

/* One page; *next is absent where it reached what was seen, or the end. */
static int read_page(tail *t, news *n, bb_str *next) {
    int code;
    query q = {.begun = false};
    reply *r = &n->pages[n->page_count++];
    bool sent = session_send(t->s, "GET", path_of(t, &q, *next), STR(""), r, &code);
    buf_free(&q.text);
    if (!sent || (code = events_check(t->o, r)) != EXIT_OK)
        return code;
    const json_value *more = json_getl(r->json, "next");
    *next = more != NULL ? json_raw(more) : (bb_str){NULL, 0};
    for (json_iter it = json_iterate(json_getl(r->json, "events")); json_next(&it);) {
        if (is_seen(t, it.value)) {
            *next = (bb_str){NULL, 0};
            break;
        }
        if (!add(n, it.value))
            return EXIT_FAILED;
    }
    return EXIT_OK;
}

/* The event whole, with its payload. */
static int print_whole(tail *t, const json_value *event) {
    arena *a = arena_new(0);
    reply r = {0};
    int code;
    bb_str id = json_string(json_getl(event, "id"));
    bb_str path = arena_printf(a, "/events/%s", encoded(a, arena_strdup(a, id)));
    if (session_send(t->s, "GET", path.ptr, STR(""), &r, &code) && (code = events_check(t->o, &r)) == EXIT_OK)
        print_json(t->o, json_getl(r.json, "event"));
    reply_free(&r);
    arena_free(a);
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

/* `quiet`: what is there already is not printed. */
static int look(tail *t, bool quiet) {
    news n = {.memory = arena_new(0)};
    bb_str next = {NULL, 0};
    int code;
    do
        code = n.memory == NULL ? EXIT_FAILED : read_page(t, &n, &next);
    while (code == EXIT_OK && next.len > 0 && !quiet && n.page_count < sizeof n.pages / sizeof n.pages[0]);
    size_t at = n.count; /* those behind are done with */
    while (code == EXIT_OK && !quiet && at > 0 && t->left > 0) {
        code = print(t, n.memory, n.events[at - 1]);
        t->left -= t->left != UINT64_MAX && code == EXIT_OK;
        code = code == EVENTS_PASSED ? EXIT_OK : code;
        at -= code == EXIT_OK;
    }
    if (t->table.first != NULL)
        table_flush(&t->table);
    at = code == EXIT_OK && quiet ? 0 : at;
    if (at < n.count)
        remember(t, n.events[at]);
    for (size_t i = 0; i < n.page_count; i++)
        reply_free(&n.pages[i]);
    arena_free(n.memory);
    return code;
}

int events_check(const options *o, const reply *r) {
    return r->status == 503 ? EXIT_UNREACHABLE : reply_check(o, r);
}

/* A hub that starts anew is waited for, which is told once. One that never answered is another matter. */
static int follow(tail *t) {
    bool away = false;
    unsigned pause_ms = PAUSE_MS;
    int code = look(t, t->o->since == NULL);
    if (code == EXIT_OK)
        session_quiet(t->s);
    while (code == EXIT_OK && t->left > 0 && fflush(stdout) == 0) {
        const struct timespec pause = {pause_ms / 1000, (long)(pause_ms % 1000) * 1000000L};
        nanosleep(&pause, NULL);
        code = look(t, false);
        bool gone = code == EXIT_UNREACHABLE || code == EXIT_TIMEOUT;
        if (gone != away && (gone || code == EXIT_OK))
            complain(gone ? "the hub does not answer any more: waiting for it" : "the hub answers again");
        pause_ms = !gone ? PAUSE_MS : pause_ms < AWAY_MS / 2 ? pause_ms * 2 : AWAY_MS;
        away = gone;
        code = gone ? EXIT_OK : code;
    }
    return code;
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
              .left = o->limit > 0 ? o->limit : UINT64_MAX};
    t.s = session_open(o, &code);
    if (t.s == NULL)
        return code;
    code = follow(&t);
    session_close(t.s);
    return code;
}
