/* ingress_verify.c - the scheme's `verify` on a request, with each value of the secret until one fits; then
 * the window of time. */
#include "webhook/ingress_internal.h"

#include "plugin/host.h"

/* --- the request, as a scheme sees it --------------------------------------------------------------- */

/* Whether ":" and blanks alone are between the two. A tab may be there, too (RFC 9110 section 5.5), but
 * schemes built with the first SDKs do not know it. */
static bool adjoin(const http_header *h) {
    uintptr_t end = (uintptr_t)h->name.ptr + h->name.len, value = (uintptr_t)h->value.ptr;
    if (value <= end || value - end >= 64 || h->name.ptr[h->name.len] != ':')
        return false;
    for (const char *at = h->name.ptr + h->name.len + 1; at < h->value.ptr; at++)
        if (*at != ' ')
            return false;
    return true;
}

/* "Name: value" as it was sent, where both are slices of one buffer. */
static bb_str line_of(arena *a, const http_header *h) {
    if (adjoin(h))
        return str_of(h->name.ptr, (size_t)(h->value.ptr - h->name.ptr) + h->value.len);
    return arena_printf(a, "%.*s: %.*s", STR_FMT(h->name), STR_FMT(h->value));
}

/* Of a field of a proxy's: where each of several has added its own, the first is nearest to the sender. */
static bb_str forwarded(const http_request *r, bb_str name) {
    bb_str list = http_request_header(r, name), first;
    return str_split(&list, ',', &first) ? str_trim(first) : STR("");
}

/* Whole, as the sender knows it: behind a proxy the hub's own address is another. */
bb_str ingress_url(ingress *in, const http_request *r) {
    const char *known = in->l->hub->public_url;
    if (known != NULL)
        return arena_printf(in->a, "%s%.*s", known, STR_FMT(r->target));
    bool trusted = in->to->proxies.count > 0 && ingress_in_ranges(&in->to->proxies, r->peer);
    bb_str proto = trusted ? forwarded(r, STR("X-Forwarded-Proto")) : STR("");
    bb_str host = trusted ? forwarded(r, STR("X-Forwarded-Host")) : STR("");
    if (host.len == 0)
        host = http_request_header(r, STR("Host"));
    bool tls = proto.len > 0 ? str_eq_nocase(proto, STR("https")) : r->tls;
    const bb_str parts[] = {tls ? STR("https://") : STR("http://"), host, r->target};
    return arena_join(in->a, parts, sizeof parts / sizeof parts[0]);
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
                                       .url = ingress_url(in, r),
                                       .query = r->query,
                                       .headers = lines,
                                       .body = r->body,
                                       .peer = in->sender,
                                       .now_ms = in->now_ms};
    return in->request.url.ptr != NULL;
}

/* --- the scheme --------------------------------------------------------------------------------------- */

/* A request's own way through a connector's process. */
typedef struct remote {
    isolate_call at;
    plugin_call call;
    connection *in_process; /* whose process runs it; held */
    uint32_t number;        /* of the scheme */
    bool instance;
} remote;

typedef struct verifier {
    ingress *in;
    const bb_webhook_scheme *scheme;
    const plugin_module *module; /* NULL: a scheme of the hub's own */
    const connection *conn;      /* NULL: the endpoint belongs to none */
    size_t next;                 /* value of the secret to try */
    remote *remote;              /* NULL: it runs here */
    /* Of a sample that is to be signed; else NULL. */
    const bb_webhook_sample *sample;
    plugin_made *made;
    ingress_signed done;
} verifier;

static plugin_call *call_of(verifier *v) {
    return v->remote != NULL ? &v->remote->call : &v->in->l->verifying;
}

/* For one value of the secret. */
static void prepare(verifier *v, plugin_call *c) {
    ingress *in = v->in;
    plugin_call_reset(c);
    c->memory = in->a;
    c->webhook = &in->said;
    c->plugin_id = v->module != NULL ? v->module->desc->id : "busbar";
    c->connection_id = v->conn != NULL ? v->conn->id.ptr : NULL;
    c->execution_id = "webhook";
    c->build = v->module != NULL ? v->module->build : NULL;
    c->abi = (bb_call){.size = sizeof c->abi,
                       .host = host_get(),
                       .instance = v->conn != NULL && v->remote == NULL ? v->conn->instance.ptr : NULL,
                       .input = (const bb_json *)in->to->fields[v->next++]};
    in->said = (plugin_webhook){.scheme = v->scheme,
                                .settings = v->conn != NULL ? v->conn->instance.settings : NULL,
                                .request = &in->request,
                                .raw = v->module == NULL,
                                .tls = in->r->tls,
                                .certificate = in->r->certificate,
                                .sample = v->sample,
                                .made = v->made};
}

/* --- how it ends ---------------------------------------------------------------------------------------- */

static void refuse_failed(ingress *in, const plugin_error *error) {
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
}

static void refuse_unready(ingress *in, const char *text, bb_str reason) {
    const ingress_refusal why = {.outcome = INGRESS_UNREADY,
                                 .problem = PROBLEM_CONNECTION_REFUSED,
                                 .text = text,
                                 .reason = reason,
                                 .retry_s = 60};
    ingress_refuse(in, &why);
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

/* Another value of the secret may fit yet. */
static bool tries_on(const verifier *v, plugin_outcome outcome, const plugin_error *error) {
    return v->sample == NULL && outcome == PLUGIN_FAILED && error->code == BB_E_UPSTREAM_AUTH &&
           v->next < v->in->to->field_count;
}

static void conclude(const verifier *v, plugin_outcome outcome, const plugin_error *error) {
    ingress *in = v->in;
    if (v->sample != NULL)
        v->done(in, outcome == PLUGIN_DONE, error->message);
    else if (outcome == PLUGIN_FAILED)
        refuse_failed(in, error);
    else if (in_time(in) && ingress_within_rate(in) && ingress_make_events(in))
        ingress_put(in);
}

/* --- in the connector's process ------------------------------------------------------------------------- */

static void leave(verifier *v) {
    plugin_call_free(&v->remote->call);
    worker_leave(v->in->l->worker, v->remote->in_process);
}

static void ask(verifier *v);

static void on_verified(void *ctx, isolate_result result, plugin_outcome outcome, bb_str detail) {
    verifier *v = ctx;
    ingress *in = v->in;
    const plugin_error error = v->remote->call.error; /* its texts are in the exchange's memory */
    if (result == ISOLATE_STEPPED && tries_on(v, outcome, &error)) {
        ask(v);
        return;
    }
    bb_str why = detail.ptr != NULL ? arena_copy(in->a, detail) : detail;
    leave(v);
    if (result == ISOLATE_STEPPED)
        conclude(v, outcome, &error);
    else
        refuse_unready(in, "the connector's process cannot verify this now", why);
}

static void ask(verifier *v) {
    remote *r = v->remote;
    prepare(v, &r->call);
    if (isolate_verify(r->in_process->isolated, v->in->l->worker->loop, &r->at, &r->call, r->number,
                       r->instance, on_verified, v))
        return;
    leave(v);
    refuse_unready(v->in, "there is no memory for this now", (bb_str){NULL, 0});
}

/* A connection whose process has the connector's code: the endpoint's own, or any. */
static connection *process_of(const verifier *v) {
    const snapshot *s = v->in->l->worker->snapshot;
    if (v->conn != NULL)
        return v->conn->isolated != NULL ? (connection *)(uintptr_t)v->conn : NULL;
    for (size_t i = 0; v->module != NULL && v->module->declared && i < s->count; i++)
        if (s->entries[i].conn != NULL && s->entries[i].conn->module == v->module &&
            s->entries[i].conn->isolated != NULL)
            return s->entries[i].conn;
    return NULL;
}

static void begin_remote(verifier *v, connection *process) {
    remote *r = arena_zalloc(v->in->a, sizeof *r);
    if (r == NULL) {
        refuse_unready(v->in, "there is no memory for this now", (bb_str){NULL, 0});
        return;
    }
    *r = (remote){.in_process = process, .instance = v->conn != NULL};
    plugin_call_init(&r->call);
    while (v->module->webhooks->schemes[r->number] != v->scheme)
        r->number++;
    connection_enter(process, v->in->l->worker->number);
    v->remote = r;
    ask(v);
}

/* --- here
 * --------------------------------------------------------------------------------------------------- */

static void run_here(verifier *v) {
    plugin_outcome outcome;
    plugin_call *c = call_of(v);
    do {
        prepare(v, c);
        outcome = v->sample != NULL ? plugin_sign_sample(c) : plugin_verify(c);
    } while (tries_on(v, outcome, &c->error));
    host_json_free_writers(c); /* they are in the exchange's memory, which ends with it; the call does not */
    conclude(v, outcome, &c->error);
}

static verifier *verifier_new(ingress *in) {
    const snapshot *s = in->l->worker->snapshot;
    verifier *v = arena_zalloc(in->a, sizeof *v);
    if (v == NULL)
        return NULL;
    v->in = in;
    v->scheme = endpoint_scheme(in->to, s, &v->module);
    const snapshot_entry *entry = v->module != NULL && in->to->connection.ptr != NULL
                                      ? snapshot_find(s, in->to->connection)
                                      : NULL;
    v->conn = entry != NULL ? entry->conn : NULL;
    return v;
}

static void run(verifier *v) {
    ingress *in = v->in;
    connection *process = process_of(v);
    if (v->scheme == NULL)
        refuse_unready(in, "the endpoint's connector is not there", (bb_str){NULL, 0});
    else if (process != NULL)
        begin_remote(v, process);
    else if (v->module != NULL && v->module->declared)
        refuse_unready(in, "the endpoint's connector runs in processes of connections, and there is none",
                       (bb_str){NULL, 0});
    else
        run_here(v);
}

void ingress_verify(ingress *in) {
    verifier *v = verifier_new(in);
    if (v == NULL || !describe(in))
        refuse_unready(in, "there is no memory for this now", (bb_str){NULL, 0});
    else
        run(v);
}

void ingress_sign(ingress *in, const bb_webhook_sample *sample, ingress_signed done) {
    verifier *v = verifier_new(in);
    plugin_made *made = arena_zalloc(in->a, sizeof *made);
    if (v == NULL || made == NULL) {
        refuse_unready(in, "there is no memory for this now", (bb_str){NULL, 0});
        return;
    }
    v->sample = sample;
    v->made = made;
    v->done = done;
    run(v);
}
