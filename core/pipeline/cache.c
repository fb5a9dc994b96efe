/* cache.c - stage: an answer that is there already; or one call to get it, for all who ask at once. */
#include "pipeline/call_internal.h"

#include "auth/session.h"
#include "base/clock.h"
#include "pipeline/cache_key.h"
#include "pipeline/freshness.h"

#include <stdlib.h>

static uint64_t now_ms(const call *c) {
    return c->started_wall_ns / 1000000u;
}

static bool may_cache(const call *c) {
    const cache_policy *p = &c->conn->policies.cache;
    if (c->request.content != NULL || c->op->content != 0)
        return false;
    return (p->on || c->conn->policies.fallback.stale_ms > 0) && (c->op->desc->flags & BB_OP_SAFE) != 0 &&
           patterns_fit(&p->operations, c->op->id);
}

static bool make_key(call *c) {
    cache_key_parts parts = {.connection = c->conn->id,
                             .fingerprint = str_of(c->conn->fingerprint, 64),
                             .code = str_from(c->conn->module->sha256),
                             .account = auth_session_epoch(&c->conn->auth),
                             .operation = c->op->id,
                             .cursor = c->request.cursor,
                             .all = c->request.all,
                             .max_items = c->request.max_items,
                             .input = c->input};
    if (!cache_key_make(&c->key, c->memory, &parts))
        return false;
    c->key_hash = cache_hash(c->worker->cache, buf_str(&c->key));
    return true;
}

void call_use_entry(call *c, cache_use how) {
    const cache_entry *e = c->entry;
    c->result.problem = PROBLEM_NONE;
    c->result.data = e->data;
    c->result.paginated = e->paginated;
    c->result.next_cursor = e->next_cursor;
    c->result.truncated = e->truncated;
    c->result.cache = how;
    c->result.age_ms = now_ms(c) > e->stored_ms ? now_ms(c) - e->stored_ms : 0;
}

/* --- getting it ------------------------------------------------------------------------------------------
 */

static void on_flight(flight_end how, cache_entry *entry, cache_failure *failure, cache_flight *flight,
                      void *ctx) {
    call *c = ctx;
    c->cache_wait = NULL;
    call_wait_over(c);
    switch (how) {
    case FLIGHT_FILLED:
        cache_entry_drop(c->entry);
        c->entry = entry;
        call_use_entry(c, CACHE_SHARED);
        call_end(c);
        return;
    case FLIGHT_FAILED:
        c->failure = failure;
        c->result.problem = failure->problem;
        c->result.retryable = failure->retryable;
        c->result.detail = failure->detail;
        c->result.upstream_status = failure->upstream_status;
        c->result.upstream_code = failure->upstream_code;
        c->result.retry_after_ms = failure->retry_after_ms;
        c->result.cache = CACHE_SHARED;
        call_end(c);
        return;
    case FLIGHT_LEAD: c->flight = flight; break;
    case FLIGHT_ALONE: break;
    }
    call_go_on(c);
}

/* One asks, the others wait for its answer. */
static stage_result join(call *c) {
    if (c->flight != NULL) /* begun to lead it */
        return STAGE_NEXT;
    if (cache_join(c->worker->cache, buf_str(&c->key), c->key_hash, c->worker->loop, on_flight, c, &c->flight,
                   &c->cache_wait))
        return STAGE_NEXT;
    if (c->cache_wait == NULL)
        return STAGE_NEXT; /* no memory to wait with */
    call_wait(c, call_left_ms(c), NULL);
    return STAGE_WAIT;
}

/* --- refreshing in the background --------------------------------------------------------------------------
 */

typedef struct refresh {
    call_request request;
    char texts[];
} refresh;

static void on_refreshed(call *c, const call_result *result, void *ctx) {
    (void)result;
    call_free(c);
    free(ctx);
}

static void begin_refresh(call *c, cache_flight *flight) {
    bb_str input = c->request.input, cursor = c->request.cursor;
    refresh *r = malloc(sizeof *r + input.len + cursor.len);
    if (r != NULL) {
        if (input.len > 0)
            memcpy(r->texts, input.ptr, input.len);
        if (cursor.len > 0)
            memcpy(r->texts + input.len, cursor.ptr, cursor.len);
        r->request = (call_request){.conn = c->conn,
                                    .op = c->op,
                                    .input = str_of(r->texts, input.len),
                                    .all = c->request.all,
                                    .max_items = c->request.max_items,
                                    .is_fallback = true,
                                    .flight = flight};
        if (cursor.len > 0)
            r->request.cursor = str_of(r->texts + input.len, cursor.len);
        if (call_begin(c->worker, &r->request, NULL, on_refreshed, r))
            return;
    }
    free(r);
    cache_flight_end(c->worker->cache, flight, FLIGHT_ALONE, NULL, NULL);
}

/* Nobody refreshes it yet: then we do, while this caller goes with what there is. */
static void refresh_behind(call *c) {
    cache_flight *flight;
    cache_wait *wait;
    if (cache_join(c->worker->cache, buf_str(&c->key), c->key_hash, c->worker->loop, on_flight, c, &flight,
                   &wait))
        begin_refresh(c, flight);
    else if (wait != NULL)
        cache_wait_cancel(c->worker->cache, wait);
}

/* --- the stage -------------------------------------------------------------------------------------------
 */

/* Whether the caller takes an entry of this age. */
static bool wanted(const call *c) {
    const cache_wish *wish = &c->request.cache;
    uint64_t age = now_ms(c) > c->entry->stored_ms ? now_ms(c) - c->entry->stored_ms : 0;
    return !wish->has_max_age || age <= wish->max_age_ms;
}

static bool serve(call *c) {
    const cache_policy *p = &c->conn->policies.cache;
    if (c->entry == NULL || c->request.flight != NULL || !p->on || !wanted(c))
        return false;
    if (now_ms(c) < c->entry->fresh_until_ms) {
        call_use_entry(c, CACHE_HIT);
        return true;
    }
    if (c->entry->strict || now_ms(c) - c->entry->fresh_until_ms >= p->stale_revalidate_ms)
        return false;
    refresh_behind(c);
    call_use_entry(c, CACHE_STALE);
    return true;
}

stage_result stage_cache(call *c) {
    if (c->worker->cache == NULL || !may_cache(c)) {
        if (c->request.cache.only_if_cached)
            return call_fail(c, PROBLEM_NOT_CACHED, STR("this operation of this connection is not cached"));
        return STAGE_NEXT;
    }
    if (!make_key(c))
        return STAGE_NEXT;
    c->purges = cache_purges(c->worker->cache);
    c->result.cache = c->request.cache.no_cache || c->request.cache.no_store ? CACHE_BYPASS : CACHE_MISS;
    c->keyed = !c->request.cache.no_store;
    if (c->result.cache == CACHE_BYPASS)
        return STAGE_NEXT;
    c->entry = cache_find(c->worker->cache, buf_str(&c->key), c->key_hash);
    if (serve(c))
        return STAGE_END;
    if (c->request.cache.only_if_cached)
        return call_fail(c, PROBLEM_NOT_CACHED, STR("the cache has no fresh answer to this"));
    return join(c);
}

/* --- the answer ------------------------------------------------------------------------------------------
 */

/* Of an answer made of several, the shortest life and the strictest word count. */
static void heed_control(call *c, const http_answer *answer) {
    freshness f;
    freshness_of(answer->headers, answer->header_count, &f);
    bool varies = str_eq(call_answer_field(answer, STR("Vary")), STR("*")); /* fits no other request */
    c->fresh_forbidden = c->fresh_forbidden || f.no_store || varies;
    c->stale_forbidden = c->stale_forbidden || f.no_cache || f.must_revalidate;
    if (f.no_cache || (f.has_max_age && (!c->has_told_age || f.max_age_ms < c->told_age_ms))) {
        c->told_age_ms = f.no_cache ? 0 : f.max_age_ms;
        c->has_told_age = true;
    }
}

void call_cache_answer(call *c, const http_answer *answer) {
    if (c->conn->policies.cache.respect)
        heed_control(c, answer);
    c->etag = c->modified = (bb_str){NULL, 0};
    if (c->requests != 1) /* an answer made of several cannot be revalidated by one request */
        return;
    c->etag = arena_copy(c->memory, call_answer_field(answer, STR("ETag")));
    c->modified = arena_copy(c->memory, call_answer_field(answer, STR("Last-Modified")));
}

static uint64_t lifetime(const call *c) {
    uint64_t ttl = c->conn->policies.cache.ttl_ms;
    return c->has_told_age && c->told_age_ms < ttl ? c->told_age_ms : ttl;
}

/* What is put in for this call's answer, on the terms that came with it; counted. */
static cache_entry *put_entry(call *c, const cache_entry *like) {
    uint64_t now = clock_wall_ms();
    if (cache_purges(c->worker->cache) != c->purges)
        return NULL;
    cache_fill fill = {.key = buf_str(&c->key),
                       .connection = c->conn->id,
                       .operation = c->op->id,
                       .hash = c->key_hash,
                       .like = {.data = like->data,
                                .next_cursor = like->next_cursor,
                                .etag = c->etag,
                                .modified = c->modified,
                                .paginated = like->paginated,
                                .truncated = like->truncated,
                                .strict = c->stale_forbidden,
                                .stored_ms = now,
                                .fresh_until_ms = now + lifetime(c)}};
    return cache_put(c->worker->cache, &fill);
}

/* What a 304 does not say holds as it was said with the answer (RFC 9111 section 4.3.4). */
static void renew_terms(call *c, const http_answer *answer) {
    const cache_entry *e = c->entry;
    call_cache_answer(c, answer);
    if (c->conn->policies.cache.respect && call_answer_field(answer, STR("Cache-Control")).len == 0) {
        c->stale_forbidden = e->strict;
        c->has_told_age = true;
        c->told_age_ms = e->fresh_until_ms - e->stored_ms;
    }
    if (c->etag.len == 0)
        c->etag = e->etag;
    if (c->modified.len == 0)
        c->modified = e->modified;
}

bool call_cache_not_modified(call *c, const http_answer *answer) {
    if (c->entry == NULL || c->requests != 1)
        return false;
    renew_terms(c, answer);
    cache_entry *fresh = c->fresh_forbidden ? NULL : put_entry(c, c->entry);
    if (fresh != NULL) {
        cache_entry_drop(c->entry);
        c->entry = fresh;
    }
    call_use_entry(c, CACHE_REVALIDATED);
    return true;
}

static cache_entry *store_result_of(call *c) {
    const call_result *r = &c->result;
    if (!c->keyed || c->fresh_forbidden || r->data.len > c->conn->policies.cache.max_entry ||
        r->fallback != FALLBACK_NONE)
        return NULL;
    cache_entry like = {
        .data = r->data, .next_cursor = r->next_cursor, .paginated = r->paginated, .truncated = r->truncated};
    return put_entry(c, &like);
}

/* A failure that says nothing to those who wait: it comes of this caller's own time, or patience. */
static bool is_own_failure(const call *c) {
    switch (c->result.problem) {
    case PROBLEM_NONE: return false;
    case PROBLEM_CANCELLED:
    case PROBLEM_DEADLINE_EXCEEDED:
    case PROBLEM_RATE_LIMITED: return true;
    case PROBLEM_UPSTREAM_RATE_LIMITED: return c->result.upstream_status == 0;
    default: return call_left_ms(c) == 0;
    }
}

static void end_flight(call *c, cache_entry *entry) {
    const call_result *r = &c->result;
    cache_failure failure = {.problem = r->problem,
                             .retryable = r->retryable,
                             .upstream_status = r->upstream_status,
                             .retry_after_ms = r->retry_after_ms,
                             .detail = r->detail,
                             .upstream_code = r->upstream_code};
    cache_flight *flight = c->flight;
    c->flight = NULL;
    if (is_own_failure(c))
        cache_flight_end(c->worker->cache, flight, FLIGHT_LEAD, NULL, NULL);
    else if (r->problem != PROBLEM_NONE)
        cache_flight_end(c->worker->cache, flight, FLIGHT_FAILED, NULL, &failure);
    else if (entry != NULL)
        cache_flight_end(c->worker->cache, flight, FLIGHT_FILLED, entry, NULL);
    else
        cache_flight_end(c->worker->cache, flight, FLIGHT_ALONE, NULL, NULL);
}

void call_cache_settle(call *c) {
    bool fresh = c->keyed && c->result.problem == PROBLEM_NONE &&
                 (c->result.cache == CACHE_MISS || c->result.cache == CACHE_BYPASS);
    cache_entry *stored = fresh ? store_result_of(c) : NULL;
    if (c->flight != NULL)
        end_flight(c, c->result.cache == CACHE_REVALIDATED ? c->entry : stored);
    cache_entry_drop(stored);
}

bool call_cache_rescue(call *c, uint64_t stale_ms) {
    if (!c->keyed || stale_ms == 0)
        return false;
    if (c->entry == NULL)
        c->entry = cache_find(c->worker->cache, buf_str(&c->key), c->key_hash);
    uint64_t now = clock_wall_ms();
    if (c->entry == NULL)
        return false;
    uint64_t until = c->entry->fresh_until_ms;
    if (now >= until && (c->entry->strict || now - until >= stale_ms))
        return false;
    call_use_entry(c, CACHE_STALE);
    return true;
}

void call_cache_leave(call *c) {
    if (c->cache_wait != NULL)
        cache_wait_cancel(c->worker->cache, c->cache_wait);
    c->cache_wait = NULL;
}
