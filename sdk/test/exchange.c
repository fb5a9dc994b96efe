/* exchange.c - a request and its answer: from the script, or from a transport. */
#include "internal.h"

#include "base/clock.h"

#include <stdlib.h>

#define REQUESTS_MAX 1000u /* as the hub has it */

/* --- the request, as a test sees it ------------------------------------------------------------------ */

outgoing test_outgoing(const plugin_call *c) {
    const plugin_request *r = &c->request;
    return (outgoing){.method = r->method,
                      .url = buf_str(&r->url),
                      .headers = r->headers,
                      .header_count = r->header_count,
                      .body = r->body_kind != PLUGIN_BODY_NONE ? r->body : STR(""),
                      .foreign = plugin_request_unsigned(r)};
}

/* libcurl's "Name;" for a field without a value becomes "Name: ". */
static const char *header_line(arena *a, bb_str line) {
    bool bare = line.len > 0 && line.ptr[line.len - 1] == ';' && memchr(line.ptr, ':', line.len) == NULL;
    return bare ? test_have((char *)(uintptr_t)arena_printf(a, "%.*s: ", (int)line.len - 1, line.ptr).ptr)
                : test_line(a, line);
}

static seen *note(bb_test *t, const outgoing *o) {
    arena *a = t->memory;
    seen *s = test_have(arena_zalloc(a, sizeof *s));
    const char **headers = test_have(arena_zalloc(a, (o->header_count + 1) * sizeof *headers));
    for (size_t i = 0; i < o->header_count; i++)
        headers[i] = header_line(a, o->headers[i]);
    s->request = (bb_test_request){.size = sizeof s->request,
                                   .foreign = o->foreign,
                                   .method = test_line(a, o->method),
                                   .url = test_line(a, o->url),
                                   .headers = headers,
                                   .body = test_line(a, o->body),
                                   .body_len = o->body.len};
    t->seen = test_room(t->seen, t->seen_count, &t->seen_cap, sizeof *t->seen);
    t->seen[t->seen_count++] = s;
    t->result.requests++;
    return s;
}

/* --- the answer ------------------------------------------------------------------------------------- */

static bool mismatch(bb_test *t, const bb_test_request *request, bb_str what) {
    bb_str text = arena_printf(t->call_memory, "request %u, %s %s: %.*s", t->result.requests, request->method,
                               request->url, STR_FMT(what));
    test_fail(t, BB_E_PLUGIN, "%s", text.ptr);
    t->result.mismatch = t->result.message;
    return false;
}

static bool from_script(bb_test *t, const bb_test_request *request, bb_test_exchange *x) {
    bb_str what;
    if (t->script_at == t->script_count)
        return mismatch(t, request, STR("the script has no further exchange"));
    *x = t->script[t->script_at++];
    return test_fits(t, x, request, &what) || mismatch(t, request, what);
}

static bool from_service(bb_test *t, const bb_test_request *request, bb_test_exchange *x) {
    *x = (bb_test_exchange){.size = sizeof *x};
    if (t->live(t->live_ctx, request, x) == 0) {
        test_fail(t, BB_E_UPSTREAM_UNAVAILABLE, "%s %s: there was no answer", request->method, request->url);
        return false;
    }
    x->status = x->status != 0 ? x->status : 200;
    x->answer_len = x->answer_len > 0 || x->answer == NULL ? x->answer_len : strlen(x->answer);
    return true;
}

static void keep(bb_test *t, seen *s, const bb_test_exchange *x) {
    s->status = x->status;
    s->answer_headers = test_lines(t->memory, x->answer_headers);
    s->answer = arena_copy(t->memory, str_of(x->answer, x->answer_len));
}

static bb_str hold_body(bb_test *t, bb_str text) {
    held_body *b = test_have(malloc(sizeof *b + text.len + 1));
    if (text.len > 0)
        memcpy(b->bytes, text.ptr, text.len);
    b->next = t->bodies;
    t->bodies = b;
    return str_of(b->bytes, text.len);
}

void test_drop_bodies(bb_test *t, const held_body *last) {
    while (t->bodies != last) {
        held_body *b = t->bodies;
        t->bodies = b->next;
        free(b);
    }
}

static void give(bb_test *t, plugin_call *c, const seen *s) {
    size_t n = 0;
    while (s->answer_headers[n] != NULL)
        n++;
    str_pair *headers = test_have(arena_alloc(t->call_memory, (n + 1) * sizeof *headers));
    for (size_t i = 0; i < n; i++) {
        headers[i].value = str_from(s->answer_headers[i]);
        str_split(&headers[i].value, ':', &headers[i].name);
        headers[i].value = str_trim(headers[i].value);
    }
    c->answer = (plugin_answer){
        .status = s->status, .headers = headers, .header_count = n, .body = hold_body(t, s->answer)};
    t->result.upstream_status = s->status;
}

bool test_exchange(bb_test *t, const outgoing *request, plugin_call *c) {
    if (t->result.requests >= REQUESTS_MAX) {
        test_fail(t, BB_E_PLUGIN, "the connector made 1000 requests in one call without an end");
        return false;
    }
    bool scripted = t->live == NULL || t->script_at < t->script_count;
    seen *s = note(t, request);
    bb_test_exchange x;
    if (!(scripted ? from_script : from_service)(t, &s->request, &x))
        return false;
    keep(t, s, &x);
    test_clock_advance(x.takes_ms);
    if (c->deadline_ns != 0 && clock_ns() >= c->deadline_ns) {
        test_fail(t, BB_E_DEADLINE, "the call's time was over before the service answered");
        return false;
    }
    give(t, c, s);
    return true;
}

/* --- looking back ------------------------------------------------------------------------------------- */

const bb_test_request *bb_test_request_at(const bb_test *t, size_t index) {
    size_t at = t->call_begin + index;
    return at < t->seen_count ? &t->seen[at]->request : NULL;
}

const char *bb_test_header(const bb_test *t, size_t index, const char *name) {
    const bb_test_request *r = bb_test_request_at(t, index);
    for (const char *const *h = r != NULL ? r->headers : NULL; h != NULL && *h != NULL; h++) {
        bb_str value = str_from(*h), there;
        if (str_split(&value, ':', &there) && str_eq_nocase(there, str_from(name)))
            return str_trim(value).len > 0 ? str_trim(value).ptr : "";
    }
    return "";
}
