/* credentials.c - stage auth: the request gets its header fields, credentials last.
 *
 * Only a request to the origin of the connection's base_url gets credentials: a connector, or a caller of a
 * free-form one, can never send them elsewhere. */
#include "pipeline/call_internal.h"

static bool names_field(bb_str line, bb_str name) {
    return line.len > name.len && line.ptr[name.len] == ':' &&
           str_eq_nocase(str_of(line.ptr, name.len), name);
}

static bool is_idempotent_method(bb_str method) {
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", NULL};
    for (const char *const *m = methods; *m != NULL; m++)
        if (str_eq(method, str_from(*m)))
            return true;
    return false;
}

static bool wants_idempotency_key(const call *c) {
    return c->op->desc->idempotency_header != NULL && !is_idempotent_method(c->steps.request.method);
}

static bool is_repeatable(const call *c) {
    const plugin_request *r = &c->steps.request;
    if (r->repeatable != PLUGIN_REPEAT_UNSAID)
        return r->repeatable == PLUGIN_REPEAT_YES;
    return is_idempotent_method(r->method) || (c->op->desc->flags & (BB_OP_SAFE | BB_OP_IDEMPOTENT)) != 0 ||
           wants_idempotency_key(c);
}

/* The connector's fields, but for those that credentials would have to share a name with. */
static size_t copy_fields(const call *c, bb_str *out, bool with_auth) {
    const plugin_request *r = &c->steps.request;
    bb_str own = with_auth ? c->conn->auth.header : (bb_str){NULL, 0};
    const char *colon = own.len > 0 ? memchr(own.ptr, ':', own.len) : NULL;
    bb_str name = colon != NULL ? str_of(own.ptr, (size_t)(colon - own.ptr)) : (bb_str){NULL, 0};
    size_t n = 0;
    for (size_t i = 0; i < r->header_count; i++)
        if (name.len == 0 || !names_field(r->headers[i], name))
            out[n++] = r->headers[i];
    return n;
}

static bool add_query(call *c) {
    bb_str query = c->conn->auth.query;
    buf *url = &c->steps.request.url;
    if (query.len == 0)
        return true;
    buf_char(url, memchr(url->ptr, '?', url->len) != NULL ? '&' : '?');
    buf_str_add(url, query);
    return !url->failed;
}

stage_result stage_credentials(call *c) {
    const plugin_request *r = &c->steps.request;
    arena *a = c->steps.memory;
    bool with_auth = !r->foreign;
    bb_str *fields = arena_alloc(a, (r->header_count + 3) * sizeof *fields);
    if (fields == NULL || (with_auth && !add_query(c)))
        return call_fail(c, PROBLEM_OVERLOADED, STR("no memory for the request"));
    size_t n = copy_fields(c, fields, with_auth);
    fields[n++] = STR("User-Agent: Busbar");
    if (wants_idempotency_key(c)) {
        fields[n] = arena_printf(a, "%s: busbar-%s-%u", c->op->desc->idempotency_header, c->id, c->requests);
        n += fields[n].ptr != NULL;
    }
    if (with_auth && c->conn->auth.header.len > 0)
        fields[n++] = c->conn->auth.header;
    c->repeatable = is_repeatable(c);
    c->send = (http_send){.headers = fields, .header_count = n};
    return STAGE_NEXT;
}
