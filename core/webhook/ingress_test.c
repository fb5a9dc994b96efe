/* ingress_test.c - an endpoint tried by somebody with a key. */
#include "webhook/scheme.h"

#include "base/clock.h"
#include "plugin/host.h"
#include "plugin/url.h"
#include "webhook/event_id.h"
#include "webhook/ingress_internal.h"

/* --- what came of it ------------------------------------------------------------------------------------ */

static void write_events(json_writer *w, const ingress *in) {
    json_keyl(w, "events");
    json_array(w);
    for (size_t i = 0; i < in->event_count; i++) {
        json_object(w);
        if (in->events[i].id.len > 0) /* of a repeat whose event is not kept any more it is empty */
            json_member_string(w, STR("id"), in->events[i].id);
        if (in->events[i].type.len > 0)
            json_member_string(w, STR("type"), in->events[i].type);
        json_keyl(w, "targets");
        json_array(w);
        for (size_t t = 0; t < in->events[i].target_count; t++)
            json_put_string_lossy(w, in->events[i].targets[t].target);
        json_array_end(w);
        json_object_end(w);
    }
    json_array_end(w);
}

void ingress_tell_test(ingress *in, ingress_outcome outcome, const ingress_refusal *why) {
    unsigned status = in->said.status != 0 ? (unsigned)in->said.status : 200;
    buf body;
    buf_init(&body);
    json_writer w;
    json_writer_init(&w, &body);
    if (why != NULL)
        status = why->status != 0 ? why->status : problem_of(why->problem)->status;
    json_object(&w);
    json_member_string(&w, STR("outcome"), str_from(ingress_outcome_name(outcome)));
    json_member_u64(&w, STR("status"), status);
    bool fits = outcome != INGRESS_REFUSED && outcome != INGRESS_UNREADY && outcome != INGRESS_DEFECT;
    json_member_bool(&w, STR("signed"), in->is_signed && fits);
    if (in->note != NULL)
        json_member_string(&w, STR("note"), str_from(in->note));
    if (why != NULL)
        json_member_string(&w, STR("reason"), why->reason.ptr != NULL ? why->reason : str_from(why->text));
    else
        write_events(&w, in);
    json_object_end(&w);
    bb_str part = buf_str(&body);
    http_response response = {
        .status = 200, .content_type = STR("application/json"), .body = &part, .body_parts = 1};
    webhook_item *item = (webhook_item *)(uintptr_t)&in->to->item;
    http_respond(in->x, &response);
    buf_free(&body);
    webhook_item_unref(item);
}

/* --- the request ------------------------------------------------------------------------------------------
 */

static void refuse(ingress *in, const char *text) {
    bool unready = text == endpoint_unready(in->to);
    const ingress_refusal why = {.outcome = unready ? INGRESS_UNREADY : INGRESS_INVALID,
                                 .problem = unready ? PROBLEM_UNAUTHORIZED : PROBLEM_INVALID_INPUT,
                                 .text = text};
    ingress_refuse(in, &why);
}

/* As a sender is, who is to come again. */
static void refuse_gone(ingress *in) {
    const ingress_refusal why = {.outcome = INGRESS_UNREADY,
                                 .problem = PROBLEM_CONNECTION_REFUSED,
                                 .text = "the endpoint's connector is not there"};
    ingress_refuse(in, &why);
}

/* --- what is asked for ------------------------------------------------------------------------------------
 */

/* Members of a request that the caller has captured, and of a sample: of one kind or the other. */
static const char *const of_request[] = {"method", "query", "headers", "body", NULL};
static const char *const of_sample[] = {"id", "type", "payload", NULL};

static bool has_one(const char *const *names, const json_value *root) {
    for (; *names != NULL; names++)
        if (json_get(root, str_from(*names)) != NULL)
            return true;
    return false;
}

static bool is_known(const char *const *names, bb_str name) {
    for (; *names != NULL; names++)
        if (str_eq(name, str_from(*names)))
            return true;
    return false;
}

/* A header field as it could have come: else it says nothing of one that has. */
static bool are_fields(const json_value *fields) {
    for (json_iter it = json_iterate(fields); json_next(&it);) {
        bb_str value = json_string(it.value);
        if (!json_is(it.value, JSON_STRING) || !url_token_ok(it.key))
            return false;
        for (size_t i = 0; i < value.len; i++)
            if (value.ptr[i] == '\r' || value.ptr[i] == '\n' || value.ptr[i] == '\0')
                return false;
    }
    return json_is(fields, JSON_OBJECT);
}

/* A slip of the pen is no sample that is stored and delivered. NULL: it can be done. */
static const char *wrong_with(arena *a, const json_value *root) {
    for (json_iter it = json_iterate(root); json_next(&it);) {
        bool headers = str_eq(it.key, STR("headers")), payload = str_eq(it.key, STR("payload"));
        if (!is_known(of_request, it.key) && !is_known(of_sample, it.key))
            return arena_printf(a,
                                "\"%.*s\" is none of \"id\", \"type\", \"payload\" (a sample), and of "
                                "\"headers\", \"body\", \"method\", \"query\" (a captured request)",
                                (int)(it.key.len < 80 ? it.key.len : 80), it.key.ptr)
                .ptr;
        if (headers && !are_fields(it.value))
            return "\"headers\" is an object of names and values: {\"X-Signature\": \"…\"}";
        if (!headers && !payload && !json_is(it.value, JSON_STRING))
            return arena_printf(a, "\"%.*s\" is a string", STR_FMT(it.key)).ptr;
    }
    return has_one(of_request, root) && has_one(of_sample, root)
               ? "\"id\", \"type\" and \"payload\" are of a sample, and \"headers\", \"body\", \"method\" "
                 "and "
                 "\"query\" of a captured request: send one or the other"
               : NULL;
}

/* As the caller gives it. */
static bool given_request(ingress *in, const json_value *root) {
    const json_value *fields = json_getl(root, "headers");
    bb_str method = json_string(json_getl(root, "method"));
    http_request *r = arena_zalloc(in->a, sizeof *r);
    http_header *headers = arena_alloc(in->a, (json_count(fields) + 1) * sizeof *headers);
    if (r == NULL || headers == NULL)
        return false;
    *r = (http_request){.method = method.len > 0 ? method : STR("POST"),
                        .path = arena_printf(in->a, "/hooks/%.*s", STR_FMT(in->to->item.id)),
                        .query = json_string(json_getl(root, "query")),
                        .headers = headers,
                        .body = json_string(json_getl(root, "body")),
                        .peer = in->r->peer};
    r->target = r->query.len > 0 ? arena_printf(in->a, "%.*s?%.*s", STR_FMT(r->path), STR_FMT(r->query))
                                 : r->path;
    for (json_iter it = json_iterate(fields); json_next(&it);)
        headers[r->header_count++] = (http_header){it.key, json_string(it.value)};
    in->r = r;
    return r->path.ptr != NULL && r->target.ptr != NULL;
}

#define ONLY_SENDER "only the sender can sign for this endpoint: what is stored was not verified"

/* --- a sample ---------------------------------------------------------------------------------------------
 */

static bb_str sample_body(ingress *in, const json_value *root, bb_str id, bb_str type) {
    const json_value *payload = json_getl(root, "payload");
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    if (payload != NULL) {
        json_put_value(&w, payload);
        return json_writer_take(&w, in->a);
    }
    json_object(&w);
    json_member_string(&w, STR("id"), id);
    json_member_string(&w, STR("type"), type);
    json_member_time(&w, STR("timestamp"), in->now_ms);
    json_keyl(&w, "data");
    json_object(&w);
    json_member_bool(&w, STR("test"), true);
    json_object_end(&w);
    json_object_end(&w);
    return json_writer_take(&w, in->a);
}

/* "Name: value" as the server gives it. */
static http_header header_of(bb_str line) {
    const char *colon = memchr(line.ptr, ':', line.len);
    size_t n = (size_t)(colon - line.ptr);
    return (http_header){str_of(line.ptr, n), str_trim(str_of(colon + 1, line.len - n - 1))};
}

/* What it comes as, without its header fields; NULL: no memory. */
static http_request *sample_request(ingress *in, bb_str body, bb_str query, size_t header_count) {
    http_request *r = arena_zalloc(in->a, sizeof *r);
    http_header *headers = arena_alloc(in->a, (header_count + 1) * sizeof *headers);
    if (r == NULL || headers == NULL)
        return NULL;
    *r = (http_request){
        .method = STR("POST"), .headers = headers, .query = query, .body = body, .peer = in->r->peer};
    r->path = arena_printf(in->a, "/hooks/%.*s", STR_FMT(in->to->item.id));
    r->target = query.len > 0 ? arena_printf(in->a, "%.*s?%.*s", STR_FMT(r->path), STR_FMT(query)) : r->path;
    return r->path.ptr != NULL && r->target.ptr != NULL ? r : NULL;
}

static void verify_sample(ingress *in, http_request *r, const bb_str *lines, size_t count) {
    http_header *headers = (http_header *)(uintptr_t)r->headers;
    for (; r->header_count < count; r->header_count++)
        headers[r->header_count] = header_of(lines[r->header_count]);
    in->r = r;
    in->is_signed = !in->to->unverified;
    ingress_verify(in);
}

/* By a scheme of the hub's own; false: it cannot be. */
static bool sign_own(ingress *in, bb_str id, bb_str body) {
    plugin_call *c = &in->l->verifying;
    http_request *r = sample_request(in, body, (bb_str){NULL, 0}, SCHEME_SAMPLE_HEADERS);
    bb_str url = r != NULL ? ingress_url(in, r) : (bb_str){NULL, 0};
    scheme_sample s = {
        .id = id,
        .request = {
            .size = sizeof s.request, .method = STR("POST"), .url = url, .body = body, .now_ms = in->now_ms}};
    plugin_call_reset(c);
    c->memory = in->a;
    c->abi = (bb_call){
        .size = sizeof c->abi, .host = host_get(), .input = (const bb_json *)in->to->fields[0]};
    if (url.ptr == NULL || !scheme_sample_sign(&c->abi, in->to->own, &s))
        return false;
    verify_sample(in, r, s.lines, s.request.header_count);
    return true;
}

static void on_signed(ingress *in, bool ok, bb_str why) {
    const plugin_made *made = in->said.made;
    http_request *r = ok ? sample_request(in, made->body, made->query, made->count) : NULL;
    const ingress_refusal cannot = {.outcome = INGRESS_INVALID,
                                    .problem = PROBLEM_INVALID_INPUT,
                                    .text = "the connector makes no such sample",
                                    .reason = why};
    if (!ok)
        ingress_refuse(in, &cannot);
    else if (r == NULL)
        refuse(in, "no memory");
    else
        verify_sample(in, r, made->headers, made->count);
}

/* By the connector's scheme; false: it cannot, and in->note says why. */
static bool sign_by_connector(ingress *in, bb_str id, bb_str type, bb_str payload) {
    const bb_webhook_scheme *scheme = endpoint_scheme(in->to, in->l->worker->snapshot, NULL);
    bb_webhook_sample *s = arena_zalloc(in->a, sizeof *s);
    const http_request *r = sample_request(in, (bb_str){NULL, 0}, (bb_str){NULL, 0}, 0);
    bb_str url = r != NULL ? ingress_url(in, r) : (bb_str){NULL, 0};
    in->note = !plugin_can_sign(scheme)       ? ONLY_SENDER
               : s == NULL || url.ptr == NULL ? "there was no memory to sign it"
                                              : NULL;
    if (in->note != NULL)
        return false;
    *s = (bb_webhook_sample){
        .size = sizeof *s, .url = url, .id = id, .type = type, .payload = payload, .now_ms = in->now_ms};
    ingress_sign(in, s, on_signed);
    return true;
}

/* The event alone: whoever has a key for this may make it. */
static bool unsigned_sample(ingress *in, bb_str id, bb_str type, bb_str body) {
    plugin_event *e = arena_zalloc(in->a, sizeof *e);
    if (e == NULL)
        return false;
    *e = (plugin_event){.id = id, .type = type, .payload = body};
    in->said = (plugin_webhook){.events = e, .event_count = 1};
    return true;
}

static void run_sample(ingress *in, const json_value *root) {
    char *own_id = arena_alloc(in->a, EVENT_ID_SIZE);
    bb_str id = json_string(json_getl(root, "id")), type = json_string(json_getl(root, "type"));
    if (own_id == NULL)
        return refuse(in, "no memory");
    event_id_make(in->l->worker, in->now_ms, own_id);
    if (id.len == 0)
        id = str_of(own_id, EVENT_ID_SIZE);
    if (type.len == 0)
        type = STR("busbar.test");
    const json_value *payload = json_getl(root, "payload");
    bb_str body = sample_body(in, root, id, type);
    if (body.ptr == NULL)
        return refuse(in, "no memory");
    if (in->to->own != NULL
            ? sign_own(in, id, body)
            : sign_by_connector(in, id, type, payload != NULL ? json_raw(payload) : (bb_str){NULL, 0}))
        return;
    if (in->to->own != NULL)
        in->note = ONLY_SENDER;
    if (!unsigned_sample(in, id, type, body))
        return refuse(in, "no memory");
    if (ingress_make_events(in))
        ingress_put(in);
}

static void run_given(ingress *in, const json_value *root) {
    if (!given_request(in, root))
        return refuse(in, "no memory");
    in->is_signed = !in->to->unverified;
    ingress_verify(in);
}

void ingress_test(webhook_loop *l, http_exchange *x, const endpoint *to) {
    arena *a = http_exchange_arena(x);
    ingress *in = arena_zalloc(a, sizeof *in);
    if (in == NULL) {
        ingress_unknown(x, true);
        return;
    }
    *in = (ingress){.l = l,
                    .x = x,
                    .r = http_exchange_request(x),
                    .a = a,
                    .to = to,
                    .test = true,
                    .now_ms = clock_wall_ms()};
    in->sender = in->r->peer;
    webhook_item_ref((webhook_item *)(uintptr_t)&to->item);
    const json_value *root = in->r->body.len > 0 ? json_read(a, in->r->body, NULL, NULL) : NULL;
    const char *wrong = wrong_with(a, root);
    if (in->r->body.len > 0 && !json_is(root, JSON_OBJECT))
        refuse(in, "the body is an object: {\"id\", \"type\", \"payload\"}, or {\"headers\", \"body\"}");
    else if (endpoint_unready(to) != NULL)
        refuse(in, endpoint_unready(to));
    else if (endpoint_scheme(to, l->worker->snapshot, NULL) == NULL)
        refuse_gone(in);
    else if (wrong != NULL)
        refuse(in, wrong);
    else if (has_one(of_request, root))
        run_given(in, root);
    else
        run_sample(in, root);
}
