/* host_auth.c - extension "busbar.auth/1": what the steps of a connector's auth scheme can ask for, and how
 * they end. */
#include "plugin/host_auth.h"

#include "plugin/mark.h"
#include "plugin/url.h"

#define TOKEN_MAX_BYTES 65536u
#define TARGET_MAX_BYTES 8192u

static plugin_auth *auth_of(bb_call *call, const char *what, bool signing) {
    plugin_call *c = plugin_call_of(call);
    if (c->auth != NULL && c->auth->signing == signing)
        return c->auth;
    plugin_misuse(c, BB_E_PLUGIN, "the connector called %s outside %s", what,
                  signing ? "an auth scheme's sign" : "an auth scheme's start and resume");
    return NULL;
}

static const bb_json *settings(bb_call *call) {
    const plugin_auth *p = plugin_call_of(call)->auth;
    if (p == NULL)
        plugin_misuse(plugin_call_of(call), BB_E_PLUGIN,
                      "the connector asked for an auth scheme's settings outside its steps");
    return p != NULL ? (const bb_json *)p->settings : NULL;
}

/* --- acquiring ------------------------------------------------------------------------------------------ */

static void done_token(bb_call *call, bb_str token, int64_t expires_in_s) {
    plugin_call *c = plugin_call_of(call);
    plugin_auth *p = auth_of(call, "done_token", false);
    if (p == NULL)
        return;
    if (token.len == 0 || token.len > TOKEN_MAX_BYTES || !url_header_value_ok(token)) {
        plugin_misuse(c, BB_E_UPSTREAM_INVALID,
                      "the token is empty, has control characters or is over 64 KiB: the service's answer is "
                      "not what the connector's auth scheme takes it for");
        return;
    }
    p->token = arena_copy(c->memory, token);
    p->expires_in_s = expires_in_s > 0 ? expires_in_s : 0;
    if (p->token.ptr == NULL)
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the token");
    c->output_kind = PLUGIN_OUT_TEXT; /* so that BB_DONE is the end, and nothing reads it as JSON */
}

static plugin_outcome acquired(plugin_call *c, plugin_outcome outcome) {
    if (outcome != PLUGIN_DONE || c->auth->token.ptr != NULL)
        return outcome;
    plugin_misuse(c, BB_E_PLUGIN, "the connector's auth scheme says it is done, but gave no token");
    return PLUGIN_FAILED;
}

static bb_operation steps_of(const plugin_call *c) {
    return (bb_operation){BB_SIZE(bb_operation), .id = c->auth->scheme->id, .start = c->auth->scheme->start,
                          .resume = c->auth->scheme->resume};
}

plugin_outcome plugin_acquire_start(plugin_call *c) {
    bb_operation steps = steps_of(c);
    c->auth->signing = false;
    c->auth->token = (bb_str){NULL, 0};
    return acquired(c, plugin_start(c, &steps));
}

plugin_outcome plugin_acquire_resume(plugin_call *c) {
    bb_operation steps = steps_of(c);
    return acquired(c, plugin_resume(c, &steps));
}

/* --- signing -------------------------------------------------------------------------------------------- */

static bb_str token(bb_call *call) {
    const plugin_auth *p = auth_of(call, "token", true);
    return p != NULL ? p->token : (bb_str){NULL, 0};
}

static bool is_declared(const bb_custom_auth *scheme, bb_str name) {
    static const char *const usual[] = {"Authorization", NULL};
    const char *const *names = scheme->headers != NULL ? scheme->headers : usual;
    for (; *names != NULL; names++)
        if (str_eq_nocase(str_from(*names), name))
            return true;
    return false;
}

static void header(bb_call *call, bb_str name, bb_str value) {
    plugin_call *c = plugin_call_of(call);
    plugin_auth *p = auth_of(call, "header", true);
    if (p == NULL)
        return;
    if (!is_declared(p->scheme, name)) {
        plugin_misuse(c, BB_E_PLUGIN,
                      "auth scheme \"%s\" sets the header field \"%.*s\", which it does not declare",
                      p->scheme->id, STR_FMT(name));
        return;
    }
    if (value.len == 0 || !url_header_value_ok(value) || p->header_count == PLUGIN_AUTH_HEADERS_MAX) {
        plugin_misuse(
            c, BB_E_INVALID_INPUT,
            "auth scheme \"%s\": the header field \"%.*s\" is empty, has control characters, or is the "
            "seventh",
            p->scheme->id, STR_FMT(name));
        return;
    }
    buf line;
    buf_init(&line);
    buf_str_add(&line, name);
    buf_lit(&line, ": ");
    buf_str_add(&line, value);
    bb_str copy = line.failed ? (bb_str){NULL, 0} : arena_copy(c->memory, buf_str(&line));
    buf_free(&line);
    if (copy.ptr == NULL)
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the request's header");
    else
        p->headers[p->header_count++] = copy;
}

static void query(bb_call *call, bb_str name, bb_str value) {
    plugin_call *c = plugin_call_of(call);
    plugin_auth *p = auth_of(call, "query", true);
    if (p == NULL)
        return;
    buf text;
    buf_init(&text);
    if (p->query.len > 0) {
        buf_str_add(&text, p->query);
        buf_char(&text, '&');
    }
    url_encode(&text, name);
    buf_char(&text, '=');
    url_encode(&text, value);
    p->query = text.failed ? (bb_str){NULL, 0} : arena_copy(c->memory, buf_str(&text));
    buf_free(&text);
    if (p->query.ptr == NULL)
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the request's query");
}

static void target(bb_call *call, bb_str path) {
    plugin_call *c = plugin_call_of(call);
    plugin_auth *p = auth_of(call, "target", true);
    if (p == NULL)
        return;
    buf text;
    buf_init(&text);
    /* not told: the path is the secret */
    if (path.len == 0 || path.len > TARGET_MAX_BYTES || path.ptr[0] != '/' || url_has_dot_segments(path) ||
        !url_append(&text, path))
        plugin_misuse(
            c, BB_E_CONFIG,
            "auth scheme \"%s\": its path is over 8 KiB, does not begin with \"/\", has \".\" or \"..\" as a "
            "segment, or a blank, a control character or a \"#\"",
            p->scheme->id);
    else
        p->target = text.failed ? (bb_str){NULL, 0} : arena_copy(c->memory, buf_str(&text));
    if (!c->misused && p->target.ptr == NULL)
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the request's path");
    buf_wipe(&text);
}

static plugin_outcome signed_(plugin_call *c, bb_step step) {
    if (c->request.begun)
        plugin_misuse(c, BB_E_PLUGIN, "auth scheme \"%s\" begins a request in sign; that belongs into start",
                      c->auth->scheme->id);
    else if (step == BB_FAIL && c->error.code == BB_OK)
        plugin_misuse(c, BB_E_PLUGIN, "auth scheme \"%s\" failed to sign without saying why",
                      c->auth->scheme->id);
    else if (step != BB_DONE && step != BB_FAIL)
        plugin_misuse(c, BB_E_PLUGIN, "auth scheme \"%s\": sign ends with BB_DONE or BB_FAIL",
                      c->auth->scheme->id);
    return c->misused || step == BB_FAIL ? PLUGIN_FAILED : PLUGIN_DONE;
}

plugin_outcome plugin_sign(plugin_call *c, const bb_auth_request *request) {
    c->auth->signing = true;
    c->auth->header_count = 0;
    c->auth->query = c->auth->target = (bb_str){NULL, 0};
    const bb_custom_auth *scheme = c->auth->scheme;
    mark *here = mark_enter_step(c->build, c->connection_id, scheme->id, "auth sign");
    bb_step step = scheme->sign(&c->abi, request);
    mark_leave(here);
    return signed_(c, step);
}

const bb_auth_api host_auth = {
    .size = sizeof(bb_auth_api),
    .settings = settings,
    .done_token = done_token,
    .token = token,
    .header = header,
    .query = query,
    .target = target,
};
