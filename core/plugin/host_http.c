/* host_http.c - extension "busbar.http/1": a step's request, put together in the call's memory. */
#include "plugin/call.h"

#include "plugin/origin.h"
#include "plugin/url.h"

/* A session operation has no request to describe, and no answer to read. */
static bool has_http(bb_call *call) {
    plugin_call *c = plugin_call_of(call);
    if (c->session != NULL)
        plugin_misuse(c, BB_E_PLUGIN,
                      "a session operation used a function of bb_http_api: it makes no HTTP request");
    return c->session == NULL;
}

static plugin_request *begun(bb_call *call, const char *what) {
    plugin_call *c = plugin_call_of(call);
    if (!c->request.begun && has_http(call))
        plugin_misuse(c, BB_E_PLUGIN, "the connector called %s before it began a request", what);
    return c->request.begun ? &c->request : NULL;
}

/* --- method, URL, query ------------------------------------------------------------------------- */

static void begin(bb_call *call, bb_str method, bb_str url) {
    plugin_call *c = plugin_call_of(call);
    plugin_request *r = &c->request;
    if (!has_http(call))
        return;
    buf_clear(&r->url);
    buf_clear(&r->form);
    r->header_count = 0;
    r->body_kind = PLUGIN_BODY_NONE;
    r->has_content = r->to_output = r->is_part = r->skips_line = r->bare = false;
    r->repeatable = PLUGIN_REPEAT_UNSAID;
    r->after_ms = 0;
    r->route = r->scope = (bb_str){NULL, 0};
    r->begun = true;
    if (!url_token_ok(method) || method.len > 32)
        plugin_misuse(c, BB_E_INVALID_INPUT, "\"%.*s\" is not an HTTP method", STR_FMT(method));
    r->method = arena_copy(c->memory, method);
    if (r->method.ptr == NULL)
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the request");
    bool whole = str_starts(url, STR("http://")) || str_starts(url, STR("https://"));
    r->foreign = whole && !url_same_origin(url, c->base_url) && !plugin_origins_have(c->origins, url);
    if (!whole) {
        if (c->base_url.len == 0)
            plugin_misuse(c, BB_E_CONFIG,
                          "the connection has no base_url, and the request names only a path");
        if (url.len > 0 && url.ptr[0] != '/')
            plugin_misuse(c, BB_E_INVALID_INPUT, "a path begins with \"/\"");
        if (url_has_dot_segments(url))
            plugin_misuse(c, BB_E_INVALID_INPUT, "a path must not have \".\" or \"..\" as a segment");
        buf_str_add(&r->url, c->base_url);
    }
    if (!url_append(&r->url, url))
        plugin_misuse(c, BB_E_INVALID_INPUT,
                      "the path has a blank, a control character or a \"#\": percent-encode it");
}

static void segment(bb_call *call, bb_str text) {
    plugin_request *r = begun(call, "segment");
    if (r == NULL)
        return;
    if (text.len == 0 || str_eq(text, STR(".")) || str_eq(text, STR("..")))
        plugin_misuse(plugin_call_of(call), BB_E_INVALID_INPUT,
                      "an id in the path is empty, \".\" or \"..\"");
    buf_char(&r->url, '/');
    url_encode(&r->url, text);
}

static void query(bb_call *call, bb_str name, bb_str value) {
    plugin_request *r = begun(call, "query");
    if (r == NULL)
        return;
    bool more = r->url.len > 0 && memchr(r->url.ptr, '?', r->url.len) != NULL; /* empty: out of memory */
    buf_char(&r->url, more ? '&' : '?');
    url_encode(&r->url, name);
    buf_char(&r->url, '=');
    url_encode(&r->url, value);
}

/* --- nested values as names in brackets ----------------------------------------------------------- */

typedef void (*put_pair)(bb_call *call, bb_str name, bb_str value);

static void flatten(bb_call *call, bb_str name, const json_value *v, put_pair put) {
    arena *a = plugin_call_of(call)->memory;
    if (!json_is(v, JSON_ARRAY) && !json_is(v, JSON_OBJECT)) {
        bb_str text = json_is(v, JSON_STRING) ? json_string(v)
                      : json_is(v, JSON_NULL) ? STR("")
                                              : json_raw(v);
        put(call, name, text);
        return;
    }
    for (json_iter it = json_iterate(v); json_next(&it);) {
        bb_str inner = json_is(v, JSON_OBJECT) ? arena_printf(a, "%.*s[%.*s]", STR_FMT(name), STR_FMT(it.key))
                                               : arena_printf(a, "%.*s[%u]", STR_FMT(name), it.index);
        if (inner.ptr == NULL)
            plugin_misuse(plugin_call_of(call), BB_E_NO_MEMORY, "no memory for the request's parameters");
        flatten(call, inner, it.value, put);
    }
}

static void flatten_members(bb_call *call, bb_str prefix, const json_value *v, put_pair put) {
    if (prefix.len > 0) {
        flatten(call, prefix, v, put);
        return;
    }
    for (json_iter it = json_iterate(v); json_next(&it);)
        flatten(call, it.key, it.value, put);
}

static void query_json(bb_call *call, bb_str prefix, const bb_json *value) {
    if (begun(call, "query_json") != NULL && value != NULL)
        flatten_members(call, prefix, (const json_value *)value, query);
}

/* --- header fields -------------------------------------------------------------------------------- */

static void header(bb_call *call, bb_str name, bb_str value) {
    plugin_call *c = plugin_call_of(call);
    plugin_request *r = begun(call, "header");
    if (r == NULL)
        return;
    if (!url_token_ok(name) || !url_header_value_ok(value)) {
        plugin_misuse(c, BB_E_INVALID_INPUT, "header field \"%.*s\" has a name or value that cannot be sent",
                      STR_FMT(name));
        return;
    }
    if (r->header_count == r->header_cap) {
        size_t cap = r->header_cap == 0 ? 8 : r->header_cap * 2;
        bb_str *headers = arena_grow(c->memory, r->headers, r->header_cap * sizeof *headers,
                                     cap * sizeof *headers);
        if (headers == NULL) {
            plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the request's header");
            return;
        }
        r->headers = headers;
        r->header_cap = cap;
    }
    /* libcurl wants "Name;" for a field without a value. */
    bb_str line = value.len > 0 ? arena_printf(c->memory, "%.*s: %.*s", STR_FMT(name), STR_FMT(value))
                                : arena_printf(c->memory, "%.*s;", STR_FMT(name));
    if (line.ptr == NULL)
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the request's header");
    else
        r->headers[r->header_count++] = line;
}

/* --- body ----------------------------------------------------------------------------------------- */

static bool take_body(bb_call *call, const char *what, int kind) {
    plugin_request *r = begun(call, what);
    if (r == NULL)
        return false;
    if (r->body_kind != PLUGIN_BODY_NONE && (int)r->body_kind != kind) {
        plugin_misuse(plugin_call_of(call), BB_E_PLUGIN, "the connector gave the request two bodies");
        return false;
    }
    return true;
}

static void body(bb_call *call, bb_str content_type, bb_str bytes) {
    plugin_call *c = plugin_call_of(call);
    if (!take_body(call, "body", PLUGIN_BODY_NONE))
        return;
    c->request.body_kind = PLUGIN_BODY_BYTES;
    c->request.body = arena_copy(c->memory, bytes);
    if (c->request.body.ptr == NULL)
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the request's body");
    if (content_type.len > 0)
        header(call, STR("Content-Type"), content_type);
}

static void body_json(bb_call *call, const bb_json *value) {
    plugin_call *c = plugin_call_of(call);
    if (!take_body(call, "body_json", PLUGIN_BODY_NONE))
        return;
    c->request.body_kind = PLUGIN_BODY_BYTES;
    c->request.body = value != NULL ? json_raw((const json_value *)value)
                                    : STR("null"); /* lives as long as the call */
    header(call, STR("Content-Type"), STR("application/json"));
}

static void form(bb_call *call, bb_str name, bb_str value) {
    if (!take_body(call, "form", PLUGIN_BODY_FORM))
        return;
    plugin_request *r = &plugin_call_of(call)->request;
    if (r->body_kind == PLUGIN_BODY_NONE)
        header(call, STR("Content-Type"), STR("application/x-www-form-urlencoded"));
    r->body_kind = PLUGIN_BODY_FORM;
    if (r->form.len > 0)
        buf_char(&r->form, '&');
    url_encode(&r->form, name);
    buf_char(&r->form, '=');
    url_encode(&r->form, value);
}

static void form_json(bb_call *call, bb_str prefix, const bb_json *value) {
    if (begun(call, "form_json") != NULL && value != NULL)
        flatten_members(call, prefix, (const json_value *)value, form);
}

static void repeatable(bb_call *call, int32_t yes) {
    plugin_request *r = begun(call, "repeatable");
    if (r != NULL)
        r->repeatable = yes ? PLUGIN_REPEAT_YES : PLUGIN_REPEAT_NO;
}

#define AFTER_MAX_MS 3600000

static void after(bb_call *call, int64_t ms) {
    plugin_call *c = plugin_call_of(call);
    plugin_request *r = begun(call, "after");
    if (r == NULL)
        return;
    if (!c->in_resume)
        plugin_misuse(c, BB_E_PLUGIN, "`start` asked for its request to wait: only `resume` may");
    else if (ms < 0 || ms > AFTER_MAX_MS)
        plugin_misuse(c, BB_E_PLUGIN,
                      "a step asked for its request to wait for less than nothing, or more than an hour");
    else
        r->after_ms = (uint64_t)ms;
}

#define ROUTE_MAX 200 /* bytes, of either */

static void counts_against(bb_call *call, bb_str route, bb_str scope) {
    plugin_call *c = plugin_call_of(call);
    plugin_request *r = begun(call, "counts_against");
    if (r == NULL)
        return;
    if (route.len == 0 || route.len > ROUTE_MAX || scope.len > ROUTE_MAX) {
        plugin_misuse(c, BB_E_PLUGIN,
                      "the name of a route that a request counts against has 1 to %d bytes, and that of a "
                      "scope as many at most",
                      ROUTE_MAX);
        return;
    }
    r->route = arena_copy(c->memory, route);
    r->scope = arena_copy(c->memory, scope);
    if (r->route.ptr == NULL || r->scope.ptr == NULL)
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the request");
}

#define DAY_MS 86400000

static void limit_left(bb_call *call, int64_t left, int64_t for_ms) {
    plugin_call *c = plugin_call_of(call);
    if (!has_http(call))
        return;
    if (!c->in_resume || left < 0 || for_ms < 1 || for_ms > DAY_MS) {
        plugin_misuse(
            c, BB_E_PLUGIN,
            "the connector told of a limit in `start`, or of one below none, or for no time, or more "
            "than a day");
        return;
    }
    c->limit = (plugin_limit){.told = true, .left = (uint64_t)left, .for_ms = (uint64_t)for_ms};
}

/* --- the answer ----------------------------------------------------------------------------------- */

static int32_t status(bb_call *call) {
    return has_http(call) ? plugin_call_of(call)->answer.status : 0;
}

static bb_str response_header(bb_call *call, bb_str name) {
    const plugin_answer *answer = &plugin_call_of(call)->answer;
    return has_http(call) ? str_pair_find(answer->headers, answer->header_count, name) : (bb_str){NULL, 0};
}

static bb_str response_body(bb_call *call) {
    return has_http(call) ? plugin_call_of(call)->answer.body : (bb_str){NULL, 0};
}

static const bb_json *response_json(bb_call *call) {
    plugin_call *c = plugin_call_of(call);
    if (!c->answer.json_tried && has_http(call)) {
        c->answer.json_tried = true;
        json_error error;
        c->answer.json = json_read(c->memory, c->answer.body, NULL, &error);
        if (c->answer.json == NULL && error.limit)
            plugin_misuse(
                c, BB_E_LIMIT,
                "the service's answer takes more memory than one call may have, or is nested too deep");
    }
    return (const bb_json *)c->answer.json;
}

static void without_credentials(bb_call *call) {
    plugin_request *r = begun(call, "without_credentials");
    if (r != NULL)
        r->bare = true;
}

const bb_http_api host_http = {
    .size = sizeof(bb_http_api),
    .begin = begin,
    .segment = segment,
    .query = query,
    .query_json = query_json,
    .header = header,
    .body = body,
    .body_json = body_json,
    .form = form,
    .form_json = form_json,
    .repeatable = repeatable,
    .status = status,
    .response_header = response_header,
    .response_body = response_body,
    .response_json = response_json,
    .after = after,
    .counts_against = counts_against,
    .limit_left = limit_left,
    .without_credentials = without_credentials,
};
