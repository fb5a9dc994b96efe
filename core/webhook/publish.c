#include "webhook/publish.h"

#include "base/clock.h"
#include "webhook/cloudevents.h"
#include "webhook/event_id.h"
#include "webhook/event_type.h"

#define ID_MAX 255u

/* One request on its way. */
typedef struct reading {
    webhook_loop *l;
    arena *a;
    const publish_request *request;
    published *out;
    publish_refusal *why;
    bool batch;
} reading;

/* --- refusing ------------------------------------------------------------------------------------------ */

static bool refuse(reading *r, problem p, const char *member) {
    bb_str place = r->batch ? arena_printf(r->a, "/%zu", r->out->count) : STR("");
    r->why->problem = p;
    r->why->pointer = arena_printf(r->a, "%.*s%s", STR_FMT(place), member);
    return false;
}

static bool refuse_member(reading *r, const char *member, const char *text) {
    err_set(&r->why->detail, "%s", text);
    return refuse(r, PROBLEM_INVALID_INPUT, member);
}

static bool no_memory(reading *r) {
    r->why->problem = PROBLEM_OVERLOADED;
    return err_set(&r->why->detail, "no memory for the event");
}

/* --- the type --------------------------------------------------------------------------------------------
 */

static bool fits_schema(reading *r, const event_type *known, const event_new *e) {
    schema_issues *issues = arena_zalloc(r->a, sizeof *issues);
    const json_value *root = json_read(r->a, e->payload, NULL, NULL);
    if (issues == NULL)
        return no_memory(r);
    if (root == NULL)
        return refuse_member(r, "/data", "events of this type have JSON data, by its schema");
    if (schema_validate(known->schema, root, r->a, issues))
        return true;
    r->why->issues = issues;
    err_set(&r->why->detail, "the data does not fit the schema of \"%.*s\"", STR_FMT(known->type));
    return refuse(r, PROBLEM_INVALID_INPUT, "/data");
}

static bool check_type(reading *r, const event_new *e) {
    err why = {""};
    if (!event_type_check(e->type, &why))
        return refuse_member(r, "/type", why.text);
    if (event_type_reserved(e->type))
        return refuse_member(r, "/type", "types that begin with \"busbar.\" are the hub's own");
    const event_type *known = event_type_find(r->l->set, e->type);
    if (known == NULL && r->request->known_only) {
        err_set(&r->why->detail,
                "no event type \"%.*s\" is declared, and this hub takes no others ([webhooks] known_types)",
                STR_FMT(e->type));
        return refuse(r, PROBLEM_INVALID_INPUT, "/type");
    }
    return known == NULL || known->schema == NULL || fits_schema(r, known, e);
}

/* --- one event ---------------------------------------------------------------------------------------------
 */

/* `id` and `scope` are the sender's: together they tell a repeat, of its own events alone. Else one could
 * have another's thrown away, by sending the ids first that these will have. */
static bool add(reading *r, event_new e, bb_str scope, bb_str id) {
    event_target *targets = NULL;
    char *own = arena_alloc(r->a, EVENT_ID_SIZE);
    if (own == NULL)
        return no_memory(r);
    event_id_make(r->l->worker, r->request->now_ms, own);
    e.id = str_of(own, EVENT_ID_SIZE);
    e.source = STR("api");
    e.at_ms = r->request->now_ms;
    e.dedup_ms = r->request->dedup_ms;
    if (id.len > 0)
        e.dedup = arena_printf(r->a, "id:%.*s:%zu:%.*s:%.*s", STR_FMT(r->request->sender), scope.len,
                               STR_FMT(scope), STR_FMT(id));
    else if (r->request->key.len > 0)
        e.dedup = arena_printf(r->a, "key:%.*s:%zu", STR_FMT(r->request->key), r->out->count);
    if (!check_type(r, &e))
        return false;
    e.first = e.dedup.len > 0 ? arena_zalloc(r->a, EVENT_FIRST) : NULL;
    if (e.attributes.ptr == NULL ||
        !webhook_targets(r->l->set, e.source, e.type, e.payload, e.at_ms, r->a, &targets, &e.target_count))
        return no_memory(r);
    e.targets = targets;
    r->out->events[r->out->count++] = e;
    return true;
}

/* {"key": …} before what else is known. */
static bb_str with_sender(reading *r, bb_str attributes) {
    bb_str sender = r->request->sender;
    if (sender.len == 0)
        return attributes;
    bb_str rest = attributes.len > 2 ? str_of(attributes.ptr + 1, attributes.len - 1) : STR("}");
    return arena_printf(r->a, "{\"key\":\"%.*s\"%s%.*s", STR_FMT(sender), attributes.len > 2 ? "," : "",
                        STR_FMT(rest));
}

static bool add_cloudevent(reading *r, const cloudevent *c) {
    return add(r,
               (event_new){.type = c->type,
                           .attributes = with_sender(r, c->attributes),
                           .content_type = c->content_type,
                           .payload = c->payload},
               c->source, c->id);
}

/* --- the hub's own JSON
 * ------------------------------------------------------------------------------------- */

static bool check_members(reading *r, const json_value *object) {
    static const char *const known[] = {"type", "data", "id", "time", "subject", NULL};
    for (json_iter it = json_iterate(object); json_next(&it);) {
        size_t i = 0;
        while (known[i] != NULL && !str_eq(it.key, str_from(known[i])))
            i++;
        if (known[i] != NULL)
            continue;
        const char *near = str_nearest(it.key, known);
        err_set(&r->why->detail, "unknown member \"%.*s\"%s%s%s%s", (int)(it.key.len < 64 ? it.key.len : 64),
                it.key.ptr, near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                near != NULL ? "\"?" : "",
                str_eq(it.key, STR("specversion"))
                    ? ": a CloudEvent is sent as application/cloudevents+json, a batch of them as "
                      "application/cloudevents-batch+json"
                    : "");
        return refuse(r, PROBLEM_INVALID_INPUT, "");
    }
    return true;
}

static bool check_text(reading *r, const json_value *v, const char *member) {
    bb_str text = json_string(v);
    if (v == NULL || json_is(v, JSON_NULL))
        return true;
    bool ok = json_is(v, JSON_STRING) && text.len > 0 && text.len <= ID_MAX;
    for (size_t i = 0; ok && i < text.len; i++)
        ok = (unsigned char)text.ptr[i] >= 0x20 && text.ptr[i] != 0x7f;
    return ok || refuse_member(r, member, "it is a string of 1 to 255 bytes, without control characters");
}

static bb_str attributes_of(reading *r, const json_value *object) {
    static const char *const kept[] = {"id", "time", "subject"};
    buf text = {0};
    json_writer w;
    json_writer_init(&w, &text);
    json_object(&w);
    bool any = false;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        bb_str value = json_string(json_get(object, str_from(kept[i])));
        if (value.len == 0)
            continue;
        if (!any) {
            json_keyl(&w, "cloudevents");
            json_object(&w);
        }
        any = true;
        json_member_string(&w, str_from(kept[i]), value);
    }
    if (any)
        json_object_end(&w);
    json_object_end(&w);
    return json_writer_take(&w, r->a);
}

static bool add_plain(reading *r, const json_value *object) {
    const json_value *time = json_getl(object, "time"), *data = json_getl(object, "data");
    if (!json_is(object, JSON_OBJECT))
        return refuse_member(r, "", "an event is an object: {\"type\", \"data\"}");
    if (!check_members(r, object) || !check_text(r, json_getl(object, "id"), "/id") ||
        !check_text(r, time, "/time") || !check_text(r, json_getl(object, "subject"), "/subject"))
        return false;
    if (json_is(time, JSON_STRING) && !clock_is_rfc3339(json_string(time)))
        return refuse_member(r, "/time", "it is a time of RFC 3339, as 2026-01-31T12:00:00Z");
    bb_str attributes = attributes_of(r, object);
    return add(r,
               (event_new){.type = json_string(json_getl(object, "type")),
                           .attributes = attributes.ptr != NULL ? with_sender(r, attributes) : attributes,
                           .content_type = STR("application/json"),
                           .payload = data != NULL ? json_raw(data) : STR("null")},
               (bb_str){NULL, 0}, json_string(json_getl(object, "id")));
}

/* --- the request
 * ---------------------------------------------------------------------------------------------- */

/* `least`: a batch of CloudEvents may be empty (the JSON format's section 4.3). */
static bool make_room(reading *r, size_t count, size_t least) {
    if (count < least || count > PUBLISH_MAX) {
        err_set(&r->why->detail, "a request has 1 to %u events, this one has %zu", PUBLISH_MAX, count);
        r->why->problem = PROBLEM_INVALID_INPUT;
        return false;
    }
    r->out->events = arena_alloc(r->a, (count + 1) * sizeof *r->out->events);
    return r->out->events != NULL || no_memory(r);
}

/* A CloudEvent in the binary mode has its version, and these. */
static bool lacks_version(const http_request *http) {
    return http_request_header(http, STR("ce-type")).ptr != NULL ||
           http_request_header(http, STR("ce-id")).ptr != NULL ||
           http_request_header(http, STR("ce-source")).ptr != NULL;
}

static bool read_plain(reading *r) {
    json_error where;
    if (lacks_version(r->request->http)) {
        r->why->problem = PROBLEM_INVALID_INPUT;
        return err_set(&r->why->detail,
                       "fields as ce-type are a CloudEvent's: ce-specversion, \"1.0\", is missing");
    }
    const json_value *root = json_read(r->a, r->request->http->body, NULL, &where);
    if (root == NULL) {
        r->why->problem = where.limit ? PROBLEM_INVALID_INPUT : PROBLEM_INVALID_JSON;
        return err_set(&r->why->detail, "the body is %s: %s, line %u, column %u",
                       where.limit ? "more than is taken" : "no JSON", where.reason, where.line,
                       where.column);
    }
    r->batch = json_is(root, JSON_ARRAY);
    if (!make_room(r, r->batch ? json_count(root) : 1, 1))
        return false;
    if (!r->batch)
        return add_plain(r, root);
    for (json_iter it = json_iterate(root); json_next(&it);)
        if (!add_plain(r, it.value))
            return false;
    return true;
}

static bool read_cloudevents(reading *r, cloudevents_mode mode) {
    const http_request *http = r->request->http;
    cloudevent *events = NULL;
    size_t count = 0;
    r->why->problem = mode != CLOUDEVENTS_UNKNOWN ? PROBLEM_INVALID_INPUT : PROBLEM_UNSUPPORTED_MEDIA_TYPE;
    if (!cloudevents_read(r->a, mode, http->headers, http->header_count, http->body, &events, &count,
                          &r->why->detail))
        return false;
    r->batch = mode == CLOUDEVENTS_BATCH;
    if (!make_room(r, count, r->batch ? 0 : 1))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!add_cloudevent(r, &events[i]))
            return false;
    return true;
}

bool publish_read(webhook_loop *l, arena *a, const publish_request *request, published *out,
                  publish_refusal *why) {
    reading r = {.l = l, .a = a, .request = request, .out = out, .why = why};
    cloudevents_mode mode = cloudevents_mode_of(request->http->headers, request->http->header_count);
    *out = (published){0};
    *why = (publish_refusal){0};
    return mode == CLOUDEVENTS_NONE ? read_plain(&r) : read_cloudevents(&r, mode);
}
