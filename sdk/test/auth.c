/* auth.c - the connector's own auth scheme: its fields, its token, its signature. */
#include "internal.h"

#include "base/clock.h"
#include "plugin/host.h"
#include "plugin/url.h"

/* --- configuring -----------------------------------------------------------------------------------------
 */

static const bb_custom_auth *find(const bb_test *t, const char *scheme) {
    const bb_auth_extension *x = t->module != NULL ? t->module->auth : NULL;
    for (size_t i = 0; x != NULL && x->schemes[i] != NULL; i++)
        if (strcmp(x->schemes[i]->id, scheme) == 0)
            return x->schemes[i];
    return NULL;
}

int bb_test_auth(bb_test *t, const char *scheme, const char *fields) {
    t->auth = (scheme_state){0};
    if (scheme == NULL)
        return 1;
    if (!t->connected)
        return err_set(&t->problem, "bb_test_auth comes after bb_test_connect");
    const bb_custom_auth *s = find(t, scheme);
    t->problem = (err){""};
    if (s == NULL)
        return err_set(&t->problem, "the connector has no auth scheme \"%s\" of its own", scheme);
    const json_value *input = test_fields(t, "auth scheme", s->id, s->fields, fields);
    if (input != NULL)
        t->auth = (scheme_state){.scheme = s, .input = input};
    return input != NULL;
}

/* --- acquiring a token -----------------------------------------------------------------------------------
 */

static void prepare(bb_test *t, plugin_call *c, plugin_auth *said, const plugin_call *of) {
    plugin_call_init(c);
    *said = (plugin_auth){.scheme = t->auth.scheme, .settings = t->instance.settings, .token = t->auth.token};
    c->memory = t->call_memory;
    c->auth = said;
    c->base_url = t->base_url;
    c->plugin_id = of->plugin_id;
    c->connection_id = of->connection_id;
    c->execution_id = "-";
    c->deadline_ns = of->deadline_ns;
    uint32_t state_size = t->auth.scheme->state_size;
    c->abi = (bb_call){.size = sizeof c->abi, .host = host_get(), .input = (const bb_json *)t->auth.input};
    if (state_size > 0)
        c->abi.state = test_have(arena_zalloc(t->call_memory, state_size));
}

static bool run_steps(bb_test *t, plugin_call *c) {
    plugin_outcome outcome = test_step(t, c, plugin_acquire_start);
    while (outcome == PLUGIN_SEND) {
        outgoing request = test_outgoing(c);
        if (!test_exchange(t, &request, c))
            return false;
        outcome = test_step(t, c, plugin_acquire_resume);
    }
    if (outcome == PLUGIN_FAILED)
        test_fail_by_steps(t, c);
    return outcome == PLUGIN_DONE;
}

static bool has_token(const scheme_state *s) {
    return s->token.len > 0 && (s->expires_ns == 0 || clock_ns() < s->expires_ns);
}

static bool acquire(bb_test *t, const plugin_call *of) {
    if (t->auth.scheme->start == NULL || has_token(&t->auth))
        return true;
    plugin_call c;
    plugin_auth said;
    prepare(t, &c, &said, of);
    bool ok = run_steps(t, &c);
    if (ok) {
        t->auth.token = str_from(test_line(t->memory, said.token));
        t->auth.expires_ns = said.expires_in_s > 0 ? clock_ns() + (uint64_t)said.expires_in_s * 1000000000u
                                                   : 0;
        bb_test_secret(t, t->auth.token.ptr);
    }
    plugin_call_free(&c);
    return ok;
}

bool test_renews(bb_test *t, int32_t status) {
    const bb_custom_auth *s = t->auth.scheme;
    if (s == NULL || status != 401 || s->start == NULL || (s->flags & BB_AUTH_RENEW) == 0)
        return false;
    t->auth.token = (bb_str){NULL, 0};
    return true;
}

/* --- signing ---------------------------------------------------------------------------------------------
 */

static bool is_set_by(const bb_custom_auth *s, bb_str line) {
    static const char *const usual[] = {"Authorization", NULL};
    bb_str name;
    str_split(&line, ':', &name);
    for (const char *const *h = s->headers != NULL ? s->headers : usual; *h != NULL; h++)
        if (str_eq_nocase(name, str_from(*h)))
            return true;
    return false;
}

/* The request without the fields that the scheme sets, and with room for them. */
static bb_str *own_headers(bb_test *t, outgoing *o) {
    bb_str *headers = test_have(
        arena_alloc(t->call_memory, (o->header_count + PLUGIN_AUTH_HEADERS_MAX + 1) * sizeof *headers));
    size_t n = 0;
    for (size_t i = 0; i < o->header_count; i++)
        if (!is_set_by(t->auth.scheme, o->headers[i]))
            headers[n++] = o->headers[i];
    o->headers = headers;
    o->header_count = n;
    return headers;
}

/* The URL with another path. */
static bb_str with_target(bb_test *t, bb_str url, bb_str target) {
    size_t origin = str_starts(url, STR("https://")) ? 8 : 7;
    while (origin < url.len && strchr("/?", url.ptr[origin]) == NULL)
        origin++;
    return arena_printf(t->call_memory, "%.*s%.*s", (int)origin, url.ptr, STR_FMT(target));
}

static void add(bb_test *t, const plugin_auth *said, outgoing *o, bb_str *headers) {
    for (size_t i = 0; i < said->header_count; i++)
        headers[o->header_count++] = said->headers[i];
    if (said->query.len > 0)
        o->url = arena_printf(t->call_memory, "%.*s%c%.*s", STR_FMT(o->url),
                              memchr(o->url.ptr, '?', o->url.len) != NULL ? '&' : '?', STR_FMT(said->query));
    if (said->target.len > 0)
        o->url = with_target(t, o->url, said->target);
}

static bool run_sign(bb_test *t, const plugin_call *of, outgoing *o, bb_str *headers) {
    plugin_call c;
    plugin_auth said;
    prepare(t, &c, &said, of);
    bb_auth_request request = {.size = sizeof request,
                               .header_count = (uint32_t)o->header_count,
                               .method = o->method,
                               .url = o->url,
                               .headers = headers,
                               .body = o->body,
                               .now_ms = clock_wall_ms()};
    t->auth.nonces++;
    for (size_t i = 0; i < sizeof request.random; i++)
        request.random[i] = (uint8_t)(t->auth.nonces * 16u + i);
    test_gate_arm(t->fail_allocation, &t->allocations);
    bool ok = plugin_sign(&c, &request) == PLUGIN_DONE;
    test_gate_rest();
    if (ok)
        add(t, &said, o, headers);
    else
        test_fail_by_steps(t, &c);
    plugin_call_free(&c);
    return ok;
}

bool test_sign(bb_test *t, const plugin_call *c, outgoing *o) {
    if (t->auth.scheme == NULL || o->foreign)
        return true;
    if (!acquire(t, c))
        return false;
    bb_str *headers = own_headers(t, o);
    if (t->auth.scheme->sign != NULL)
        return run_sign(t, c, o, headers);
    headers[o->header_count++] = arena_printf(t->call_memory, "Authorization: Bearer %.*s",
                                              STR_FMT(t->auth.token));
    return true;
}
