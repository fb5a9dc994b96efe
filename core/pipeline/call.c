#include "pipeline/call_internal.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>

/* --- call objects, used again ------------------------------------------------------------------------------
 */

#define IDLE_CALLS_MAX 256u
#define CALL_MEMORY_LIMIT (64u << 20)
#define KEEP_BUFFER_MAX (256u << 10) /* larger ones are not kept for the next call */

static void call_object_closed(uv_handle_t *timer) {
    call *c = timer->data;
    plugin_call_free(&c->steps);
    arena_free(c->memory);
    arena_free(c->page_memory);
    buf_free(&c->answer_body);
    buf_free(&c->items);
    free(c);
}

void call_object_free(call *c) {
    uv_close((uv_handle_t *)&c->timer, call_object_closed);
}

static call *object_new(worker *w) {
    call *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->memory = arena_new(CALL_MEMORY_LIMIT);
    if (c->memory == NULL) {
        free(c);
        return NULL;
    }
    plugin_call_init(&c->steps);
    uv_timer_init(loop_uv(w->loop), &c->timer);
    c->timer.data = c;
    c->worker = w;
    return c;
}

static call *take_object(worker *w) {
    call *c = w->idle;
    if (c == NULL)
        return object_new(w);
    w->idle = c->next;
    w->idle_count--;
    return c;
}

void call_drop_kept(call *c) {
    for (kept_body *k = c->kept; k != NULL; k = k->next)
        buf_free(&k->bytes);
    c->kept = NULL;
}

static void trim(buf *b) {
    if (b->cap > KEEP_BUFFER_MAX)
        buf_free(b);
    buf_clear(b);
}

static void give_back_object(call *c) {
    worker *w = c->worker;
    call_drop_kept(c);
    plugin_call_reset(&c->steps);
    trim(&c->answer_body);
    trim(&c->items);
    trim(&c->steps.request.url);
    trim(&c->steps.request.form);
    arena_reset(c->memory);
    arena_free(c->page_memory);
    c->page_memory = NULL;
    if (w->closing || w->idle_count >= IDLE_CALLS_MAX) {
        call_object_free(c);
        return;
    }
    c->next = w->idle;
    w->idle = c;
    w->idle_count++;
}

/* --- a call's life ---------------------------------------------------------------------------------------
 */

static void new_id(call *c) {
    uint8_t random[16];
    uint64_t a = worker_random(c->worker), b = worker_random(c->worker);
    memcpy(random, &a, 8);
    memcpy(random + 8, &b, 8);
    execution_id(c->started_ms, random, c->id);
}

static void clear(call *c) {
    c->next = c->previous = NULL;
    c->ended = c->freed = c->waiting = c->repeatable = false;
    c->input = NULL;
    c->transfer = NULL;
    c->fields = NULL;
    c->attempt = c->attempts = c->requests = c->pages = 0;
    c->item_count = 0;
    c->result = (call_result){0};
}

static uint64_t timeout_of(const call_request *r) {
    uint64_t ms = r->timeout_ms != 0             ? r->timeout_ms
                  : r->conn->timeout_ms != 0     ? r->conn->timeout_ms
                  : r->op->desc->timeout_ms != 0 ? r->op->desc->timeout_ms
                                                 : CALL_DEFAULT_TIMEOUT_MS;
    return ms < CALL_MAX_TIMEOUT_MS ? ms : CALL_MAX_TIMEOUT_MS;
}

static void link_active(worker *w, call *c) {
    c->next = w->active;
    if (w->active != NULL)
        w->active->previous = c;
    w->active = c;
}

static void unlink_active(worker *w, call *c) {
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        w->active = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
}

bool call_begin(worker *w, const call_request *request, call_begun begun, call_done done, void *ctx) {
    assert(loop_is_current(w->loop));
    call *c = take_object(w);
    if (c == NULL)
        return false;
    clear(c);
    if (request->all && (c->page_memory = arena_new(CALL_MEMORY_LIMIT)) == NULL) {
        give_back_object(c);
        return false;
    }
    c->request = *request;
    c->conn = request->conn;
    c->op = request->op;
    c->done = done;
    c->ctx = ctx;
    c->started_ns = clock_ns();
    c->started_ms = clock_wall_ms();
    c->deadline_ns = c->started_ns + timeout_of(request) * 1000000u;
    new_id(c);
    connection_enter(c->conn, w->number);
    link_active(w, c);
    metrics_call_begin(c->op->stats, w->number);
    if (begun != NULL)
        begun(c, ctx);
    if (c->ended) /* its client had gone already; the object itself stays until the loop's next round */
        return true;
    call_run(c);
    return true;
}

void call_end(call *c) {
    assert(!c->ended);
    c->ended = true;
    c->ended_ns = clock_ns();
    call_record(c);
    unlink_active(c->worker, c);
    c->done(c, &c->result, c->ctx);
}

void call_cancel(call *c) {
    if (c->ended)
        return;
    atomic_store_explicit(&c->steps.cancelled, 1, memory_order_relaxed);
    if (c->transfer != NULL)
        http_transfer_cancel(c->transfer);
    c->transfer = NULL;
    uv_timer_stop(&c->timer);
    call_fail(c, PROBLEM_CANCELLED, STR("the call was cancelled before an answer came"));
    call_end(c);
}

void call_free(call *c) {
    worker *w = c->worker;
    connection *conn = c->conn;
    assert(c->ended && !c->freed);
    c->freed = true;
    give_back_object(c);
    worker_leave(w, conn);
}

uint64_t call_left_ms(const call *c) {
    uint64_t now = clock_ns();
    return c->deadline_ns > now ? (c->deadline_ns - now + 999999u) / 1000000u : 0;
}

const connection *call_connection(const call *c) {
    return c->conn;
}

arena *call_memory(call *c) {
    return c->memory;
}
