/* credentials.c - stages auth and sign: credentials are got, perhaps after waiting for a token, and the
 * request gets its header fields, credentials last: nothing changes it after.
 *
 * Only a request to the origin of the connection's base_url, or of a setting that the connector marks as
 * another host of its service (plugin/origin.h), gets credentials: a connector, or a caller of a free-form
 * one, can never send them elsewhere. */
#include "pipeline/call_internal.h"

#include "base/clock.h"

static bool names_field(bb_str line, const char *name) {
    size_t len = strlen(name);
    return line.len > len && line.ptr[len] == ':' && str_eq_nocase(str_of(line.ptr, len), str_from(name));
}

static bool is_idempotent_method(bb_str method) {
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", NULL};
    for (const char *const *m = methods; *m != NULL; m++)
        if (str_eq(method, str_from(*m)))
            return true;
    return false;
}

bool call_op_repeatable(const plugin_op *op) {
    return (op->desc->flags & (BB_OP_SAFE | BB_OP_IDEMPOTENT)) != 0 || op->desc->idempotency_header != NULL;
}

static bool wants_idempotency_key(const call *c) {
    return c->op->desc->idempotency_header != NULL && !is_idempotent_method(c->steps.request.method);
}

static bool is_repeatable(const call *c) {
    const plugin_request *r = &c->steps.request;
    if (r->repeatable != PLUGIN_REPEAT_UNSAID)
        return r->repeatable == PLUGIN_REPEAT_YES;
    return is_idempotent_method(r->method) || call_op_repeatable(c->op);
}

/* --- auth ------------------------------------------------------------------------------------------------
 */

static stage_result fail_ticket(call *c) {
    auth_ticket *t = &c->ticket;
    call_fail(c, t->problem != PROBLEM_NONE ? t->problem : PROBLEM_CREDENTIALS_UNAVAILABLE, t->detail);
    c->result.retryable = t->retryable;
    return STAGE_END;
}

static void on_ticket(auth_ticket *t, void *ctx) {
    call *c = ctx;
    call_wait_over(c);
    if (t->state == AUTH_READY) {
        call_go_on(c);
        return;
    }
    fail_ticket(c);
    call_end(c);
}

stage_result stage_ticket(call *c) {
    auth_ticket *t = &c->ticket;
    if (plugin_request_unsigned(&c->steps.request))
        return STAGE_NEXT;
    t->auth = &c->conn->auth;
    t->loop = &c->worker->auth_loop;
    t->memory = c->memory;
    t->deadline_ns = c->deadline_ns;
    t->woken = on_ticket;
    t->ctx = c;
    switch (auth_ticket_get(t)) {
    case AUTH_READY: return STAGE_NEXT;
    case AUTH_WAIT: call_wait(c, call_left_ms(c), NULL); return STAGE_WAIT;
    default: return fail_ticket(c);
    }
}

/* --- sign ------------------------------------------------------------------------------------------------
 */

/* The connector's fields, but for those that the credentials set. */
static size_t copy_fields(const call *c, bb_str *out) {
    static const char *const none[] = {NULL};
    const plugin_request *r = &c->steps.request;
    const char *const *own = plugin_request_unsigned(r) ? none : auth_ticket_fields(&c->conn->auth);
    size_t n = 0;
    for (size_t i = 0; i < r->header_count; i++) {
        const char *const *name = own;
        while (*name != NULL && !names_field(r->headers[i], *name))
            name++;
        if (*name == NULL)
            out[n++] = r->headers[i];
    }
    return n;
}

static bool add_query(call *c, bb_str query) {
    buf *url = &c->steps.request.url;
    if (query.len == 0)
        return true;
    buf_char(url, memchr(url->ptr, '?', url->len) != NULL ? '&' : '?');
    buf_str_add(url, query);
    return !url->failed;
}

/* What credentials ask for in place of the URL's path, or of its origin. The URL itself stays what is told of
 * the request. */
static bool take_place(call *c, bb_str target, bb_str origin) {
    bb_str url = buf_str(&c->steps.request.url);
    if (target.len == 0 && origin.len == 0)
        return true;
    size_t n = str_starts(url, STR("https://")) ? 8 : 7;
    while (n < url.len && strchr("/?", url.ptr[n]) == NULL)
        n++;
    if (origin.len == 0)
        origin = str_of(url.ptr, n);
    if (target.len == 0)
        target = str_of(url.ptr + n, url.len - n);
    c->secret_url = arena_printf(c->steps.memory, "%.*s%.*s", STR_FMT(origin), STR_FMT(target));
    return c->secret_url.ptr != NULL;
}

static bb_str idempotency_field(call *c) {
    const char *name = c->op->desc->idempotency_header;
    arena *a = c->steps.memory;
    if (c->request.idempotency.len > 0)
        return arena_printf(a, "%s: %.*s-%u", name, STR_FMT(c->request.idempotency), c->keyed_requests);
    return arena_printf(a, "%s: busbar-%s-%u", name, c->id, c->keyed_requests);
}

/* Asks whether what is cached still holds (RFC 9110 section 13). */
static size_t add_conditions(call *c, bb_str *fields, size_t n) {
    if (c->entry == NULL || c->requests != 1 || !str_eq(c->steps.request.method, STR("GET")))
        return n;
    if (c->entry->etag.len > 0)
        fields[n] = arena_printf(c->steps.memory, "If-None-Match: %.*s", STR_FMT(c->entry->etag));
    else if (c->entry->modified.len > 0)
        fields[n] = arena_printf(c->steps.memory, "If-Modified-Since: %.*s", STR_FMT(c->entry->modified));
    else
        return n;
    return n + (fields[n].ptr != NULL);
}

static bool sign(call *c, bb_str *fields, size_t *n, err *e) {
    plugin_request *r = &c->steps.request;
    sign_request view = {.method = r->method,
                         .url = buf_str(&r->url),
                         .headers = fields,
                         .header_count = *n,
                         .body = r->body_kind != PLUGIN_BODY_NONE ? r->body : STR(""),
                         .streamed = r->has_content,
                         .now_ms = clock_wall_ms()};
    uint64_t a = worker_random(c->worker), b = worker_random(c->worker);
    memcpy(view.random, &a, 8);
    memcpy(view.random + 8, &b, 8);
    sign_addition added = {.header_count = 0};
    if (!auth_ticket_sign(&c->ticket, &view, &added, e))
        return false;
    for (size_t i = 0; i < added.header_count; i++)
        fields[(*n)++] = added.headers[i];
    return (add_query(c, added.query) && take_place(c, added.target, added.origin)) ||
           err_set(e, "no memory for the request");
}

/* Each attempt is signed anew: the URL is the connector's again. */
static void restore_url(call *c) {
    if (c->attempt == 0)
        c->url_len = c->steps.request.url.len;
    c->steps.request.url.len = c->url_len;
    c->secret_url = (bb_str){NULL, 0};
}

stage_result stage_sign(call *c) {
    const plugin_request *r = &c->steps.request;
    bb_str *fields = arena_alloc(c->steps.memory, (r->header_count + 8 + SIGN_HEADERS_MAX) * sizeof *fields);
    err e = {""};
    if (fields == NULL)
        return call_fail(c, PROBLEM_OVERLOADED, STR("no memory for the request"));
    restore_url(c);
    size_t n = copy_fields(c, fields);
    fields[n++] = STR("User-Agent: Busbar");
    if (wants_idempotency_key(c)) {
        fields[n] = idempotency_field(c);
        n += fields[n].ptr != NULL;
    }
    n = add_conditions(c, fields, n);
    if (c->traced) {
        fields[n] = call_traceparent(c);
        n += fields[n].ptr != NULL;
    }
    if (c->traced && c->request.trace.state.len > 0) {
        fields[n] = arena_printf(c->steps.memory, "tracestate: %.*s", STR_FMT(c->request.trace.state));
        n += fields[n].ptr != NULL;
    }
    if (c->content != NULL)
        n += content_fields(c, fields + n);
    if (!plugin_request_unsigned(r) && !sign(c, fields, &n, &e))
        return call_fail(c, PROBLEM_CREDENTIALS_UNAVAILABLE, str_from(e.text));
    c->repeatable = is_repeatable(c);
    c->send = (http_send){.headers = fields, .header_count = n};
    return STAGE_NEXT;
}
