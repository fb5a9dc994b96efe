/* ingress_verify.c - the scheme's `verify` on a request, with each value of the secret until one fits; then
 * the window of time. */
#include "webhook/ingress_internal.h"

#include "plugin/host.h"
#include "plugin/host_crypto.h"

/* --- the request, as a scheme sees it --------------------------------------------------------------- */

/* "Name: value" as it was sent, where both are slices of one buffer. */
static bb_str line_of(arena *a, const http_header *h) {
    uintptr_t end = (uintptr_t)h->name.ptr + h->name.len, value = (uintptr_t)h->value.ptr;
    if (value > end && value - end < 64 && h->name.ptr[h->name.len] == ':')
        return str_of(h->name.ptr, (size_t)(value - end) + h->name.len + h->value.len);
    return arena_printf(a, "%.*s: %.*s", STR_FMT(h->name), STR_FMT(h->value));
}

/* Whole, as the sender knows it: behind a proxy the hub's own address is another. */
static bb_str url_of(ingress *in) {
    const char *known = in->l->hub->public_url;
    if (known != NULL)
        return arena_printf(in->a, "%s%.*s", known, STR_FMT(in->r->target));
    bool trusted = in->to->proxies.count > 0 && ingress_in_ranges(&in->to->proxies, in->r->peer);
    bb_str proto = trusted ? http_request_header(in->r, STR("X-Forwarded-Proto")) : STR("");
    bb_str host = trusted ? http_request_header(in->r, STR("X-Forwarded-Host")) : STR("");
    if (host.len == 0)
        host = http_request_header(in->r, STR("Host"));
    return arena_printf(in->a, "%s://%.*s%.*s", str_eq(proto, STR("https")) ? "https" : "http", STR_FMT(host),
                        STR_FMT(in->r->target));
}

static bool describe(ingress *in) {
    const http_request *r = in->r;
    bb_str *lines = arena_alloc(in->a, (r->header_count + 1) * sizeof *lines);
    if (lines == NULL)
        return false;
    for (size_t i = 0; i < r->header_count; i++)
        lines[i] = line_of(in->a, &r->headers[i]);
    in->request = (bb_webhook_request){.size = sizeof in->request,
                                       .header_count = (uint32_t)r->header_count,
                                       .method = r->method,
                                       .url = url_of(in),
                                       .query = r->query,
                                       .headers = lines,
                                       .body = r->body,
                                       .peer = in->sender,
                                       .now_ms = in->now_ms};
    return in->request.url.ptr != NULL;
}

/* --- the scheme --------------------------------------------------------------------------------------- */

typedef struct verifier {
    const bb_webhook_scheme *scheme;
    const plugin_module *module; /* NULL: a scheme of the hub's own */
    const connection *conn;      /* NULL: the endpoint belongs to none */
} verifier;

/* One call under one value of the secret. */
static plugin_outcome try(ingress *in, const verifier *v, const json_value *fields) {
    plugin_call *c = &in->l->verifying;
    plugin_call_reset(c);
    c->memory = in->a;
    c->webhook = &in->said;
    c->plugin_id = v->module != NULL ? v->module->desc->id : "busbar";
    c->connection_id = v->conn != NULL ? v->conn->id.ptr : NULL;
    c->execution_id = "webhook";
    c->build = v->module != NULL ? v->module->build : NULL;
    c->abi = (bb_call){.size = sizeof c->abi,
                       .host = host_get(),
                       .instance = v->conn != NULL ? v->conn->instance.ptr : NULL,
                       .input = (const bb_json *)fields};
    in->said = (plugin_webhook){.scheme = v->scheme,
                                .settings = v->conn != NULL ? v->conn->instance.settings : NULL,
                                .request = &in->request,
                                .raw = v->module == NULL};
    return plugin_verify(c);
}

static bool refuse_failed(ingress *in) {
    const plugin_error *error = &in->l->verifying.error;
    ingress_refusal why = {.outcome = INGRESS_REFUSED,
                           .problem = PROBLEM_UNAUTHORIZED,
                           .text = "the request is not one that the endpoint's secret vouches for",
                           .reason = error->message};
    if (error->code == BB_E_INVALID_INPUT || error->code == BB_E_LIMIT)
        why = (ingress_refusal){.outcome = INGRESS_INVALID,
                                .problem = PROBLEM_INVALID_INPUT,
                                .text = "the request is the service's, but cannot be read",
                                .reason = error->message};
    else if (error->code == BB_E_NO_MEMORY)
        why = (ingress_refusal){.outcome = INGRESS_UNSTORED,
                                .problem = PROBLEM_OVERLOADED,
                                .text = "there is no memory for this now",
                                .reason = error->message,
                                .retry_s = 10};
    else if (error->code != BB_E_UPSTREAM_AUTH)
        why = (ingress_refusal){.outcome = INGRESS_DEFECT,
                                .problem = PROBLEM_CONNECTOR_DEFECT,
                                .text = "the request cannot be verified: the connector fails",
                                .reason = error->message};
    ingress_refuse(in, &why);
    return false;
}

static bool refuse_unready(ingress *in, const char *text) {
    const ingress_refusal why = {
        .outcome = INGRESS_UNREADY, .problem = PROBLEM_CONNECTION_REFUSED, .text = text, .retry_s = 60};
    ingress_refuse(in, &why);
    return false;
}

/* What was signed too long ago may be a copy that somebody sends again. */
static bool in_time(ingress *in) {
    uint64_t tolerance = in->to->tolerance_ms;
    int64_t at = in->said.signed_at_ms, now = (int64_t)in->now_ms;
    if (!in->said.is_signed || tolerance == 0)
        return true;
    bool old = at < now && (uint64_t)now - (uint64_t)at > tolerance;
    bool early = at > now && (uint64_t)at - (uint64_t)now > tolerance;
    if (!old && !early)
        return true;
    const ingress_refusal why = {.outcome = INGRESS_STALE,
                                 .problem = PROBLEM_UNAUTHORIZED,
                                 .text = old ? "the request was signed too long ago"
                                             : "the request was signed in the future"};
    ingress_refuse(in, &why);
    return false;
}

static bool find(ingress *in, verifier *v) {
    const snapshot *s = in->l->worker->snapshot;
    v->scheme = endpoint_scheme(in->to, s, &v->module);
    if (v->scheme == NULL)
        return refuse_unready(in, "the endpoint's connector is not there");
    if (v->module != NULL && v->module->declared)
        return refuse_unready(in, "the endpoint's connector runs in a process of its own");
    const snapshot_entry *entry = v->module != NULL && in->to->connection.ptr != NULL
                                      ? snapshot_find(s, in->to->connection)
                                      : NULL;
    v->conn = entry != NULL ? entry->conn : NULL;
    return true;
}

bool ingress_verify(ingress *in) {
    verifier v = {0};
    if (!find(in, &v))
        return false;
    if (!describe(in))
        return refuse_unready(in, "there is no memory for this now");
    plugin_outcome outcome = PLUGIN_FAILED;
    for (size_t i = 0; i < in->to->field_count; i++) {
        outcome = try(in, &v, in->to->fields[i]);
        if (outcome != PLUGIN_FAILED || in->l->verifying.error.code != BB_E_UPSTREAM_AUTH)
            break;
    }
    return outcome == PLUGIN_FAILED ? refuse_failed(in) : in_time(in);
}
