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
    buf_free(&c->key);
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
    c->steps.on_progress = call_progressed;
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
    trim(&c->key);
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

void call_count_memory(call *c, uint64_t bytes) {
    ledger_add(&call_share(c)->call_bytes, bytes - c->counted_bytes);
    c->counted_bytes = bytes;
}

uint64_t call_memory_used(const call *c) {
    return arena_used(c->memory) + (c->page_memory != NULL ? arena_used(c->page_memory) : 0) +
           c->answer_body.len;
}

/* --- a call's life ---------------------------------------------------------------------------------------
 */

static void new_id(call *c) {
    uint8_t random[16];
    uint64_t a = worker_random(c->worker), b = worker_random(c->worker);
    memcpy(random, &a, 8);
    memcpy(random + 8, &b, 8);
    execution_id(c->started_wall_ns / 1000000u, random, c->id);
}

static void clear(call *c) {
    c->next = c->previous = NULL;
    c->ended = c->freed = c->repeatable = c->acted = c->passed = c->has_slot = false;
    c->keyed = c->fresh_forbidden = c->stale_forbidden = c->has_told_age = c->nested_running = c->traced =
        false;
    c->input = c->secrets_of = NULL;
    c->secrets = NULL;
    c->secret_count = 0;
    c->transfer = NULL;
    c->transform = NULL;
    c->slot_wait = NULL;
    c->session_job = NULL;
    c->woken = NULL;
    c->entry = NULL;
    c->flight = NULL;
    c->cache_wait = NULL;
    c->failure = NULL;
    c->nested = NULL;
    c->waits = c->has_progress = c->pending = false;
    c->aftermath = AFTERMATH_NONE;
    c->counted_bytes = 0;
    c->content = NULL;
    c->attempt = c->attempts = c->requests = c->begun_anew = c->pages = 0;
    c->keyed_requests = c->keyed_before = 0;
    c->waited_ms = 0;
    c->changed = false;
    c->item_count = c->request_bytes = c->place_ns = 0;
    c->etag = c->modified = c->refused_path = c->retry_after = (bb_str){NULL, 0};
    memset(&c->ticket, 0, sizeof c->ticket);
    c->isolate.of = NULL;
    c->mapped = (mapped_error){.problem = PROBLEM_NONE};
    c->result = (call_result){.problem = PROBLEM_NONE};
}

uint64_t call_usual_timeout_ms(const call *c) {
    return c->conn->timeout_ms != 0       ? c->conn->timeout_ms
           : c->op->desc->timeout_ms != 0 ? c->op->desc->timeout_ms
                                          : CALL_DEFAULT_TIMEOUT_MS;
}

uint64_t call_allowed_ms(const call *c) {
    uint64_t ms = c->request.timeout_ms != 0 ? c->request.timeout_ms : call_usual_timeout_ms(c);
    return ms < CALL_MAX_TIMEOUT_MS ? ms : CALL_MAX_TIMEOUT_MS;
}

/* With another connection to fall back to, half of the time is kept for that one. */
static void set_times(call *c) {
    uint64_t timeout_ns = call_allowed_ms(c) * 1000000u;
    bool halved = c->conn->policies.fallback.connection.ptr != NULL && !c->request.is_fallback;
    c->started_ns = clock_ns();
    c->started_wall_ns = clock_wall_ns();
    c->last_deadline_ns = c->started_ns + timeout_ns;
    c->deadline_ns = c->started_ns + (halved ? timeout_ns / 2 : timeout_ns);
}

void call_link(call *c) {
    worker *w = c->worker;
    c->previous = NULL;
    c->next = w->active;
    if (w->active != NULL)
        w->active->previous = c;
    w->active = c;
}

void call_unlink(call *c) {
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        c->worker->active = c->next;
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
    c->flight = request->flight; /* from the first moment: it must be ended, however the call ends */
    c->conn = request->conn;
    c->op = request->op;
    c->flight = request->flight;
    c->done = done;
    c->ctx = ctx;
    set_times(c);
    new_id(c);
    call_trace_begin(c);
    connection_enter(c->conn, w->number);
    call_link(c);
    metrics_call_begin(c->op->stats, w->number);
    if (begun != NULL)
        begun(c, ctx);
    if (c->ended) /* its client had gone already; the object itself stays until the loop's next round */
        return true;
    call_run(c);
    return true;
}

/* A failure after which a repeat may do twice what was done once. */
static void tell_unsure(call *c) {
    c->result.unsure = true;
    if (c->result.upstream_status < 400 || c->result.problem == PROBLEM_CANCELLED)
        c->result.retryable = false;
}

void call_end(call *c) {
    assert(!c->ended);
    if (c->aftermath >= AFTERMATH_AWAITED) {
        aftermath_end(c);
        return;
    }
    aftermath_settle(c);
    call_leave_upstream(c, BREAKER_UNKNOWN);
    content_leave(c);
    if (c->acted && c->result.problem != PROBLEM_NONE)
        tell_unsure(c);
    call_cache_settle(c); /* those who wait fall back by themselves */
    if (call_fall_back(c))
        return;
    c->ended = true;
    c->ended_ns = clock_ns();
    call_record(c);
    call_unlink(c);
    c->done(c, &c->result, c->ctx);
}

void call_abandon(call *c) {
    atomic_store_explicit(&c->steps.cancelled, 1, memory_order_relaxed);
    call_wait_over(c);
    if (c->transfer != NULL) {
        c->acted = c->acted || !c->repeatable; /* it may be on its way */
        http_transfer_cancel(c->transfer);
        ledger_take(&call_share(c)->transfers, 1);
    }
    if (call_stop_session(c)) /* its output may be the call's: it stays until the end */
        c->acted = c->acted || !c->repeatable;
    if (!aftermath_due(c) && c->aftermath == AFTERMATH_NONE) /* else it is being asked, or will be */
        isolate_leave(&c->isolate);
    if (c->transform != NULL)
        transform_cancel(c->transform);
    if (c->slot_wait != NULL)
        slots_cancel(c->slot_wait);
    c->transfer = NULL;
    c->transform = NULL;
    c->slot_wait = NULL;
    auth_ticket_cancel(&c->ticket);
    content_leave(c);
    call_cache_leave(c);
    call_leave_rate(c);
    call_leave_upstream(c, BREAKER_UNKNOWN);
}

void call_cancel(call *c) {
    if (c->ended)
        return;
    call_abandon(c);
    if (c->nested_running) {
        c->ended = true; /* its nested call finds it so, and leaves it alone */
        call_cancel(c->nested);
        c->ended = false;
    }
    call_fail(c, PROBLEM_CANCELLED,
              c->acted ? STR("the call was cancelled before an answer came; the service may have acted on it")
                       : STR("the call was cancelled before an answer came"));
    call_end(c);
}

void call_free(call *c) {
    worker *w = c->worker;
    connection *conn = c->conn;
    assert(c->ended && !c->freed);
    c->freed = true;
    call_count_memory(c, 0);
    if (c->nested != NULL)
        call_free(c->nested);
    c->nested = NULL;
    call_leave_session(c);
    cache_entry_drop(c->entry);
    cache_failure_drop(c->failure);
    c->entry = NULL;
    c->failure = NULL;
    if (aftermath_begin(c))
        return;
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

const plugin_op *call_operation(const call *c) {
    return c->op;
}

const char *call_id(const call *c) {
    return c->id;
}

arena *call_memory(call *c) {
    return c->memory;
}
