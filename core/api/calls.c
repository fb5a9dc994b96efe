/* calls.c - calling an operation. */
#include "api/call_reply.h"
#include "api/content_call.h"
#include "api/idempotency.h"
#include "api/routes.h"
#include "pipeline/freshness.h"

static void on_done(call *c, const call_result *r, void *ctx) {
    http_exchange *x = ctx;
    call_reply reply;
    http_exchange_on_gone(x, NULL, NULL);
    call_reply_make(http_exchange_arena(x), c, r, &reply);
    call_reply_send(x, &reply);
    call_reply_free(&reply);
    call_free(c);
}

static void on_gone(http_exchange *x, void *ctx) {
    (void)x;
    call_cancel(ctx); /* ends in on_done, which ends the exchange */
}

/* The client's going away ends the call. */
static void on_begun(call *c, void *ctx) {
    http_exchange_on_gone(ctx, on_gone, c);
}

/* --- what the caller asks for ------------------------------------------------------------------------------
 */

static bool read_flag(http_exchange *x, bb_str name, bool *out) {
    bb_str text;
    *out = false;
    if (!http_exchange_query(x, name, &text))
        return true;
    *out = str_eq(text, STR("true")) || str_eq(text, STR("1"));
    return *out || str_eq(text, STR("false")) || str_eq(text, STR("0"));
}

/* ?wait=: how long to wait for a limit: "no", "yes" (up to the deadline), or a duration. */
static bool read_wait(http_exchange *x, call_request *r) {
    bb_str text;
    if (!http_exchange_query(x, STR("wait"), &text))
        return true;
    r->has_max_wait = true;
    r->max_wait_ms = str_eq(text, STR("yes")) ? UINT64_MAX : 0;
    if (str_eq(text, STR("yes")) || str_eq(text, STR("no")) || str_to_duration_ms(text, &r->max_wait_ms))
        return true;
    reply_problem(x, PROBLEM_BAD_REQUEST, STR("wait is yes, no, or a duration as 500ms, 5s or 2m"));
    return false;
}

/* ?cursor=, ?all=, ?max_items=, ?timeout=, ?wait=; false: the exchange has been answered. */
static bool read_options(http_exchange *x, call_request *r) {
    bb_str text;
    query_text(x, STR("cursor"), &r->cursor);
    if (http_exchange_query(x, STR("timeout"), &text) &&
        (!str_to_duration_ms(text, &r->timeout_ms) || r->timeout_ms == 0)) {
        reply_problem(x, PROBLEM_BAD_REQUEST, STR("timeout is a duration as 500ms, 5s or 2m"));
        return false;
    }
    if (http_exchange_query(x, STR("max_items"), &text) &&
        (!str_to_u64(text, &r->max_items) || r->max_items == 0)) {
        reply_problem(x, PROBLEM_BAD_REQUEST, STR("max_items is a number from 1"));
        return false;
    }
    if (!read_flag(x, STR("all"), &r->all)) {
        reply_problem(x, PROBLEM_BAD_REQUEST, STR("all is true or false"));
        return false;
    }
    bool paginated = (r->op->desc->flags & BB_OP_PAGINATED) != 0;
    if (!paginated && (r->all || r->cursor.len > 0 || r->max_items > 0)) {
        reply_problemf(x, PROBLEM_BAD_REQUEST,
                       "operation %s has no pages: leave out cursor, all and max_items", r->op->desc->id);
        return false;
    }
    r->all = r->all || r->max_items > 0;
    return read_wait(x, r);
}

/* One walk over the fields for all that a call looks at. */
typedef struct call_fields {
    bb_str cache_control, traceparent, tracestate, idempotency_key, label;
    bool two_parents, two_keys;
} call_fields;

/* Fields of a name that is a list are one (RFC 9110 section 5.3). */
static void add_field(http_exchange *x, bb_str *to, bb_str value) {
    *to = to->ptr == NULL ? value
                          : arena_printf(http_exchange_arena(x), "%.*s,%.*s", STR_FMT(*to), STR_FMT(value));
}

static call_fields read_fields(http_exchange *x, const http_request *r) {
    call_fields f = {.two_keys = false};
    for (size_t i = 0; i < r->header_count; i++) {
        const http_header *h = &r->headers[i];
        switch (h->name.len) {
        case 10:
            if (str_eq_nocase(h->name, STR("tracestate")))
                add_field(x, &f.tracestate, h->value);
            break;
        case 11:
            if (str_eq_nocase(h->name, STR("traceparent"))) {
                f.two_parents = f.traceparent.ptr != NULL;
                f.traceparent = h->value;
            } else if (str_eq_nocase(h->name, STR("busbar-call"))) {
                f.label = h->value;
            }
            break;
        case 13:
            if (str_eq_nocase(h->name, STR("cache-control")))
                add_field(x, &f.cache_control, h->value);
            break;
        case 15:
            if (str_eq_nocase(h->name, STR("idempotency-key"))) {
                f.two_keys = f.idempotency_key.ptr != NULL;
                f.idempotency_key = h->value;
            }
            break;
        default: break;
        }
    }
    return f;
}

/* False: the exchange has been answered. */
static bool resolve(api *a, http_exchange *x, const route_params *p, call_request *out) {
    bb_str connection_id = p->part[0], operation = p->part[1];
    const snapshot_entry *entry = find_connection(a, x, p->who, connection_id);
    if (entry == NULL)
        return false;
    bool allowed = access_calls(p->who, connection_id, operation) &&
                   patterns_fit(&entry->conn->policies.access, operation);
    if (!allowed) { /* before it is known whether there is such an operation */
        bb_str target = arena_printf(http_exchange_arena(x), "%.*s/%.*s", STR_FMT(connection_id),
                                     STR_FMT(operation));
        audit_denied(a, x, p->who, "call", target, "the key or the connection's [access] does not allow it");
        reply_problem(x, PROBLEM_FORBIDDEN,
                      STR("the key's bindings, or the connection's [access], do not cover this operation"));
        return false;
    }
    out->conn = entry->conn;
    out->who = p->who;
    out->op = find_operation(x, entry->conn->module, operation);
    return out->op != NULL;
}

/* A name of the caller's choice, by which it finds its call while it runs. False: it has been answered. */
static bool take_label(http_exchange *x, bb_str label, call_request *r) {
    bool good = label.len <= CALL_LABEL_MAX;
    for (size_t i = 0; i < label.len && good; i++)
        good = label.ptr[i] > ' ' && label.ptr[i] < 0x7f;
    r->label = label;
    if (!good)
        reply_problem(x, PROBLEM_BAD_REQUEST,
                      STR("Busbar-Call is a name of at most 64 printable characters without spaces"));
    return good;
}

void route_call(api *a, http_exchange *x, const route_params *p) {
    const http_request *r = http_exchange_request(x);
    call_request request = {.input = r->body};
    if (!resolve(a, x, p, &request))
        return;
    if (r->query.len > 0 && !read_options(x, &request))
        return;
    call_fields f = read_fields(x, r);
    if (f.cache_control.len > 0)
        freshness_wish(f.cache_control, &request.cache);
    if (f.traceparent.len > 0 && !f.two_parents) /* two: whose child it is cannot be told */
        trace_read(f.traceparent, f.tracestate, &request.trace);
    if (f.label.len > 0 && !take_label(x, f.label, &request))
        return;
    uint64_t length;
    bool put = str_eq(r->method, STR("PUT"));
    if (request.op->content != 0 || put || http_exchange_streams(x, &length))
        content_call_begin(a, x, &request, f.idempotency_key.ptr != NULL);
    else if (f.two_keys)
        reply_problem(x, PROBLEM_BAD_REQUEST, STR("Idempotency-Key is there twice"));
    else if (f.idempotency_key.ptr != NULL)
        idempotent_call(a, x, p, &request, f.idempotency_key);
    else if (!call_begin(a->worker, &request, on_begun, on_done, x))
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for the call"));
}
