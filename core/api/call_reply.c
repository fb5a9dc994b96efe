#include "api/call_reply.h"

/* --- bodies ----------------------------------------------------------------------------------------------
 */

static void write_page(json_writer *w, const call_result *r) {
    if (!r->paginated)
        return;
    json_keyl(w, "page");
    json_object(w);
    json_keyl(w, "next");
    if (r->next_cursor.len > 0)
        json_put_string_lossy(w, r->next_cursor);
    else
        json_put_null(w);
    if (r->truncated)
        json_member_bool(w, STR("truncated"), true);
    json_object_end(w);
}

/* {"data": OUTPUT, "page": ..., "execution": ...}: the output goes out from where it is, without a copy. */
static void make_data(const call *c, const call_result *r, call_reply *out) {
    json_writer w;
    json_writer_init(&w, &out->tail);
    json_object(&w);
    write_page(&w, r);
    json_keyl(&w, "execution");
    call_write_execution(c, &w);
    json_object_end(&w);
    if (out->tail.len > 0 && !out->tail.failed)
        out->tail.ptr[0] = ','; /* goes on after the data */
    out->status = 200;
    out->content_type = STR("application/json");
    out->parts[0] = STR("{\"data\":");
    out->parts[1] = r->data;
    out->parts[2] = buf_str(&out->tail);
}

static void write_upstream(json_writer *w, const call_result *r) {
    if (r->upstream_status == 0 && r->upstream_code.len == 0)
        return;
    json_keyl(w, "upstream");
    json_object(w);
    if (r->upstream_status != 0)
        json_member_u64(w, STR("status"), r->upstream_status);
    if (r->upstream_code.len > 0)
        json_member_string(w, STR("code"), r->upstream_code);
    json_object_end(w);
}

static void write_issues(json_writer *w, const call_result *r) {
    if (r->issue_count == 0)
        return;
    json_keyl(w, "errors");
    json_array(w);
    for (size_t i = 0; i < r->issue_count; i++) {
        json_object(w);
        json_member_string(w, STR("pointer"), r->issues[i].pointer);
        json_member_string(w, STR("detail"), r->issues[i].detail);
        json_object_end(w);
    }
    json_array_end(w);
}

static void make_problem(const call *c, const call_result *r, call_reply *out) {
    json_writer w;
    json_writer_init(&w, &out->tail);
    reply_problem_head(&w, r->problem, r->detail, r->retryable);
    write_upstream(&w, r);
    write_issues(&w, r);
    json_keyl(&w, "execution");
    call_write_execution(c, &w);
    json_object_end(&w);
    out->status = problem_of(r->problem)->status;
    out->content_type = STR("application/problem+json");
    out->parts[0] = buf_str(&out->tail);
    out->parts[1] = out->parts[2] = STR("");
}

/* --- header fields ---------------------------------------------------------------------------------------
 */

static void add(call_reply *out, bb_str name, bb_str value) {
    if (value.ptr != NULL && out->header_count < CALL_REPLY_HEADERS_MAX)
        out->headers[out->header_count++] = (http_header){name, value};
}

static bb_str number(arena *a, uint64_t n) {
    return arena_printf(a, "%llu", (unsigned long long)n);
}

/* draft-ietf-httpapi-ratelimit-headers-10, and the X- forms that came before it. */
static void add_limits(arena *a, const access_limits *l, call_reply *out) {
    if (l->limited) {
        add(out, STR("RateLimit-Policy"),
            arena_printf(a, "\"key\";q=%llu;w=%llu", (unsigned long long)l->rate,
                         (unsigned long long)l->period_s));
        add(out, STR("RateLimit"),
            arena_printf(a, "\"key\";r=%llu;t=%llu", (unsigned long long)l->left,
                         (unsigned long long)l->reset_s));
        add(out, STR("X-RateLimit-Limit"), number(a, l->rate));
        add(out, STR("X-RateLimit-Remaining"), number(a, l->left));
        add(out, STR("X-RateLimit-Reset"), number(a, l->reset_s));
    }
    if (l->has_quota) {
        const char *name = quota_period_name(l->period);
        uint64_t seconds = l->period == QUOTA_DAY ? 86400 : 2592000;
        add(out, STR("RateLimit-Policy"),
            arena_printf(a, "\"%s\";q=%llu;w=%llu", name, (unsigned long long)l->quota,
                         (unsigned long long)seconds));
        add(out, STR("RateLimit"),
            arena_printf(a, "\"%s\";r=%llu;t=%llu", name, (unsigned long long)l->quota_left,
                         (unsigned long long)l->quota_reset_s));
    }
}

/* RFC 9211 */
static void add_cache(arena *a, const call_result *r, call_reply *out) {
    static const char *const words[] = {"",
                                        "; fwd=request",
                                        "; fwd=miss; stored",
                                        "; hit",
                                        "; hit; detail=stale",
                                        "; hit; fwd=stale; fwd-status=304",
                                        "; fwd=miss; collapsed"};
    if (r->cache == CACHE_UNUSED)
        return;
    add(out, STR("Cache-Status"), arena_printf(a, "busbar%s", words[r->cache]));
    if (r->cache == CACHE_HIT || r->cache == CACHE_STALE)
        add(out, STR("Age"), number(a, r->age_ms / 1000));
}

void call_reply_make(arena *a, const call *c, const call_result *r, call_reply *out) {
    *out = (call_reply){.header_count = 0};
    if (r->problem == PROBLEM_NONE)
        make_data(c, r, out);
    else
        make_problem(c, r, out);
    add_limits(a, &r->limits, out);
    add_cache(a, r, out);
    if (r->retry_after_ms > 0 && r->problem != PROBLEM_NONE)
        add(out, STR("Retry-After"), number(a, (r->retry_after_ms + 999) / 1000));
    out->failed = out->tail.failed;
}

void call_reply_send(http_exchange *x, const call_reply *reply) {
    http_response response = {.status = reply->status,
                              .content_type = reply->content_type,
                              .headers = reply->headers,
                              .header_count = reply->header_count,
                              .body = reply->parts,
                              .body_parts = 3};
    if (reply->failed)
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for the answer"));
    else
        http_respond(x, &response);
}

void call_reply_free(call_reply *reply) {
    buf_free(&reply->tail);
}
