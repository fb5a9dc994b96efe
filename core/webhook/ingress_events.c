/* ingress_events.c - what a scheme has read from a request, as events for the queue. */
#include "webhook/ingress_internal.h"

#include "plugin/host_crypto.h"
#include "webhook/cloudevents.h"
#include "webhook/event_id.h"
#include "webhook/event_type.h"

/* --- what is known beside the payload ----------------------------------------------------------------- */

static void write_headers(json_writer *w, const ingress *in) {
    json_keyl(w, "headers");
    json_object(w);
    for (size_t i = 0; i < in->to->header_count; i++) {
        bb_str value = http_request_header(in->r, in->to->headers[i]);
        if (value.ptr != NULL)
            json_member_string(w, in->to->headers[i], value);
    }
    json_object_end(w);
}

static bb_str attributes_of(const ingress *in, const plugin_event *e, const cloudevent *ce) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    if (e->id.len > 0)
        json_member_string(&w, STR("id"), e->id);
    json_member_string(&w, STR("peer"), in->sender);
    if (in->test)
        json_member_bool(&w, STR("test"), true);
    if (in->said.is_signed && in->said.signed_at_ms > 0)
        json_member_time(&w, STR("signed_at"), (uint64_t)in->said.signed_at_ms);
    bb_str coding = http_request_header(in->r, STR("Content-Encoding"));
    if (coding.len > 0 && !str_eq_nocase(coding, STR("identity"))) /* else nobody could read the payload */
        json_member_string(&w, STR("content_encoding"), coding);
    if (in->to->header_count > 0)
        write_headers(&w, in);
    const json_value *own = ce != NULL ? json_read(in->a, ce->attributes, NULL, NULL) : NULL;
    for (json_iter it = json_iterate(own); json_next(&it);) {
        json_key(&w, it.key);
        json_put_value(&w, it.value);
    }
    json_object_end(&w);
    return json_writer_take(&w, in->a);
}

/* --- by what a repeat is known -------------------------------------------------------------------------- */

/* A service that gives no ids repeats the same bytes. Where a scheme of the hub's own signs no time, nothing
 * tells a repeat from the same thing happening twice: then all are taken. */
static bb_str dedup_of(const ingress *in, const plugin_event *e, size_t n) {
    uint8_t hash[BB_HASH_MAX];
    char hex[2 * BB_HASH_MAX];
    if (in->said.is_known) { /* the same, by a service's own repeat or by whoever has seen it, under any id
                                and type */
        size_t m = host_crypto.hex_encode(str_of(in->said.known, sizeof in->said.known), hex, sizeof hex);
        return arena_printf(in->a, "signed:%.*s/%zu", (int)m, hex, n);
    }
    if (in->scheme_id.len > 0) /* of CloudEvents: the first is known as if it were none */
        return n == 0 ? in->scheme_id : arena_printf(in->a, "%.*s\n%zu", STR_FMT(in->scheme_id), n);
    if (e->id.len > 0)
        return e->id;
    if (in->said.raw && !in->said.is_signed)
        return (bb_str){NULL, 0};
    size_t bytes = host_crypto.digest(BB_SHA256, in->r->body, hash);
    size_t digits = host_crypto.hex_encode(str_of(hash, bytes), hex, sizeof hex);
    if (bytes == 0 || digits == SIZE_MAX)
        return (bb_str){NULL, 0};
    return arena_printf(in->a, "sha256:%.*s/%zu/%lld", (int)digits, hex, n,
                        in->said.raw ? (long long)in->said.signed_at_ms : 0);
}

/* As long as the same signature would be taken again, if the admin's time for repeats is shorter than that.
 */
static uint64_t dedup_for(const ingress *in) {
    uint64_t least = in->to->dedup_ms, tolerance = in->to->tolerance_ms;
    if (least == 0 || tolerance == 0 || !in->said.is_signed)
        return least;
    int64_t until = in->said.signed_at_ms + (int64_t)tolerance - (int64_t)in->now_ms;
    return until > (int64_t)least ? (uint64_t)until : least;
}

/* --- whether it is taken ---------------------------------------------------------------------------------
 */

static bool refuse_invalid(ingress *in, const schema_issues *issues) {
    const schema_issue *first = issues->count > 0 ? &issues->items[0] : NULL;
    bb_str reason = first != NULL
                        ? arena_printf(in->a, "the payload does not fit the endpoint's schema: %.*s %.*s",
                                       STR_FMT(first->pointer), STR_FMT(first->message))
                        : STR("the payload is not JSON");
    const ingress_refusal why = {.outcome = INGRESS_INVALID,
                                 .problem = PROBLEM_INVALID_INPUT,
                                 .text = "the payload does not fit what the endpoint expects",
                                 .reason = reason};
    ingress_refuse(in, &why);
    return false;
}

/* Who is told by the hub that a target was disabled is to believe it. A sample of the hub's own is a test. */
static bool may_be_called(ingress *in, bb_str type) {
    if (!event_type_reserved(type) || (in->test && str_eq(type, STR("busbar.test"))))
        return true;
    const ingress_refusal why = {
        .outcome = INGRESS_INVALID,
        .problem = PROBLEM_INVALID_INPUT,
        .text = "types that begin with \"busbar.\" are the hub's own: an event from outside has another",
    };
    ingress_refuse(in, &why);
    return false;
}

static bool fits_schema(ingress *in, const plugin_event *e) {
    schema_issues issues = {0};
    if (in->to->payload == NULL)
        return true;
    const json_value *root = json_read(in->a, e->payload, NULL, NULL);
    return (root != NULL && schema_validate(in->to->payload, root, in->a, &issues)) ||
           refuse_invalid(in, &issues);
}

static bool no_memory(ingress *in) {
    const ingress_refusal why = {.outcome = INGRESS_UNSTORED,
                                 .problem = PROBLEM_OVERLOADED,
                                 .text = "there is no memory for this now",
                                 .retry_s = 10};
    ingress_refuse(in, &why);
    return false;
}

static bb_str content_type_of(const ingress *in, const cloudevent *ce) {
    return ce != NULL     ? ce->content_type
           : in->said.raw ? http_request_header(in->r, STR("Content-Type"))
                          : STR("application/json");
}

static bool make(ingress *in, const plugin_event *e, const cloudevent *ce, size_t n, bb_str source) {
    event_new *out = &in->events[in->event_count];
    char *id = arena_alloc(in->a, EVENT_ID_SIZE);
    event_target *targets = NULL;
    if (id == NULL)
        return no_memory(in);
    event_id_make(in->l->worker, in->now_ms, id);
    *out = (event_new){.id = str_of(id, EVENT_ID_SIZE),
                       .source = source,
                       .type = e->type,
                       .attributes = attributes_of(in, e, ce),
                       .content_type = content_type_of(in, ce),
                       .payload = e->payload,
                       .dedup = in->to->dedup_ms > 0 ? dedup_of(in, e, n) : (bb_str){NULL, 0},
                       .dedup_ms = dedup_for(in),
                       .at_ms = in->now_ms};
    if (out->attributes.ptr == NULL || !webhook_targets(in->l->set, source, e->type, e->payload, in->now_ms,
                                                        in->a, &targets, &out->target_count))
        return no_memory(in);
    out->targets = targets;
    out->first = in->test ? arena_zalloc(in->a, EVENT_FIRST) : NULL; /* somebody reads it */
    in->event_count++;
    return true;
}

/* --- CloudEvents ------------------------------------------------------------------------------------------
 */

/* A signature seldom covers Content-Type and the fields of the binary mode, which anybody can then put beside
 * a request that he has seen. So an id that the scheme has read stays that of the request, and a type goes
 * before ce-type. Where there is neither, the CloudEvents' own count: source and id together. */
static bool take_cloudevents(ingress *in, cloudevents_mode mode, const cloudevent *ces, size_t n) {
    plugin_event *events = arena_alloc(in->a, (n + 1) * sizeof *events), was = in->said.events[0];
    if (events == NULL)
        return no_memory(in);
    for (size_t i = 0; i < n; i++)
        events[i] = (plugin_event){
            .id = arena_printf(in->a, "%.*s %.*s", STR_FMT(ces[i].source), STR_FMT(ces[i].id)),
            .type = mode == CLOUDEVENTS_BINARY && was.type.len > 0 ? was.type : ces[i].type,
            .payload = ces[i].payload};
    in->scheme_id = was.id;
    in->said.events = events;
    in->said.event_count = n;
    return true;
}

/* A field of the binary mode is taken at its word where the admin has named one. */
static bool names_field(const ingress *in, const char *key) {
    bb_str from = json_string(json_get(in->to->fields[0], str_from(key)));
    return from.len > 3 && str_eq_nocase(str_of(from.ptr, 3), STR("ce-"));
}

/* A request that one of the hub's own schemes has verified may hold CloudEvents in any mode. An HMAC covers
 * none of the binary mode's fields, which are all that tells such an event from another: then it is for the
 * admin to ask for them. */
static cloudevents_mode mode_of(const ingress *in) {
    cloudevents_mode mode = in->said.raw ? cloudevents_mode_of(in->r->headers, in->r->header_count)
                                         : CLOUDEVENTS_NONE;
    if (mode != CLOUDEVENTS_BINARY || !str_eq(in->to->scheme, STR("hmac")))
        return mode;
    return names_field(in, "id_from") || names_field(in, "type_from") ? mode : CLOUDEVENTS_NONE;
}

static bool read_cloudevents(ingress *in, cloudevent **out) {
    size_t n = 0;
    err e = {""};
    cloudevents_mode mode = mode_of(in);
    *out = NULL;
    in->cloudevents = mode != CLOUDEVENTS_NONE;
    if (mode == CLOUDEVENTS_NONE || in->said.event_count == 0)
        return true;
    if (!cloudevents_read(in->a, mode, in->r->headers, in->r->header_count, in->r->body, out, &n, &e)) {
        const ingress_refusal why = {
            .outcome = INGRESS_INVALID,
            .problem = mode != CLOUDEVENTS_UNKNOWN ? PROBLEM_INVALID_INPUT : PROBLEM_UNSUPPORTED_MEDIA_TYPE,
            .text = mode != CLOUDEVENTS_UNKNOWN ? "the request is no CloudEvent" : CLOUDEVENTS_UNKNOWN_TEXT,
            .reason = arena_copy(in->a, str_from(e.text))};
        ingress_refuse(in, &why);
        return false;
    }
    return take_cloudevents(in, mode, *out, n);
}

bool ingress_make_events(ingress *in) {
    cloudevent *ces;
    if (!read_cloudevents(in, &ces))
        return false;
    const plugin_webhook *said = &in->said;
    const bb_str parts[] = {STR("endpoint/"), in->to->item.id};
    bb_str source = arena_join(in->a, parts, sizeof parts / sizeof parts[0]);
    in->events = arena_alloc(in->a, (said->event_count + 1) * sizeof *in->events);
    if (source.ptr == NULL || in->events == NULL)
        return no_memory(in);
    for (size_t i = 0; i < said->event_count; i++) {
        if (!patterns_fit(&in->to->types, said->events[i].type))
            continue;
        if (!may_be_called(in, said->events[i].type) || !fits_schema(in, &said->events[i]) ||
            !make(in, &said->events[i], ces != NULL ? &ces[i] : NULL, i, source))
            return false;
    }
    if (in->event_count > 0)
        return true;
    ingress_succeed(in, said->event_count > 0 ? INGRESS_IGNORED : INGRESS_ANSWERED);
    return false;
}
