/* host_webhook.c - extension "busbar.webhook/1": what a webhook scheme's `verify` can say, and how it ends.
 */
#include "plugin/host_webhook.h"

#include "plugin/host_crypto.h"
#include "plugin/mark.h"
#include "plugin/url.h"

#define TEXT_MAX 512u /* bytes of an event's id or type: they are keys of the store */

static plugin_webhook *webhook_of(bb_call *call, const char *what) {
    plugin_call *c = plugin_call_of(call);
    if (c->webhook != NULL && c->webhook->sample == NULL)
        return c->webhook;
    plugin_misuse(c, BB_E_PLUGIN, "the connector called %s outside a webhook scheme's verify", what);
    return NULL;
}

static const bb_json *settings(bb_call *call) {
    const plugin_webhook *w = webhook_of(call, "settings");
    return w != NULL ? (const bb_json *)w->settings : NULL;
}

/* --- events --------------------------------------------------------------------------------------------- */

static bool room(plugin_call *c, plugin_webhook *w) {
    if (w->event_count == PLUGIN_WEBHOOK_EVENTS_MAX) {
        plugin_misuse(c, BB_E_LIMIT, "a webhook request has more than %u events", PLUGIN_WEBHOOK_EVENTS_MAX);
        return false;
    }
    if (w->event_count < w->event_cap)
        return true;
    size_t cap = w->event_cap == 0 ? 1 : w->event_cap * 8;
    plugin_event *events = arena_grow(c->memory, w->events, w->event_cap * sizeof *events,
                                      cap * sizeof *events);
    if (events == NULL) {
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the event");
        return false;
    }
    w->events = events;
    w->event_cap = cap;
    return true;
}

/* What comes from outside and is to be a key and a line of a log. */
static bool is_text(plugin_call *c, const char *what, bb_str text) {
    if (text.len <= TEXT_MAX && url_header_value_ok(text) && json_utf8_valid(text))
        return true;
    plugin_misuse(c, BB_E_INVALID_INPUT,
                  "the event's %s is over %u bytes, has control characters or is not UTF-8", what, TEXT_MAX);
    return false;
}

static bb_str payload_of(plugin_call *c, const plugin_webhook *w, bb_str payload) {
    bool given = payload.ptr != NULL;
    json_error error;
    if (!given && w->raw)
        return w->request->body.ptr != NULL ? w->request->body : STR("");
    bb_str copy = given ? arena_copy(c->memory, payload) : w->request->body; /* outlives the call */
    if (copy.ptr != NULL && json_read(c->memory, copy, NULL, &error) != NULL)
        return copy;
    if (given && copy.ptr == NULL)
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the event");
    else if (given)
        plugin_misuse(c, BB_E_PLUGIN, "the connector's event has a payload that is not JSON");
    else
        plugin_misuse(c, BB_E_INVALID_INPUT, "the webhook's body is not JSON");
    return (bb_str){NULL, 0};
}

static bb_str copy_of(plugin_call *c, bb_str text) {
    bb_str copy = text.len > 0 ? arena_copy(c->memory, text) : (bb_str){NULL, 0};
    if (text.len > 0 && copy.ptr == NULL)
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the event");
    return copy;
}

static void event(bb_call *call, bb_str id, bb_str type, bb_str payload) {
    plugin_call *c = plugin_call_of(call);
    plugin_webhook *w = webhook_of(call, "event");
    if (w == NULL || c->misused || !room(c, w) || !is_text(c, "id", id) || !is_text(c, "type", type))
        return;
    plugin_event e = {copy_of(c, id), copy_of(c, type), payload_of(c, w, payload)};
    if (!c->misused)
        w->events[w->event_count++] = e;
}

/* --- the answer ----------------------------------------------------------------------------------------- */

static void answer(bb_call *call, int32_t status, bb_str content_type, bb_str body) {
    plugin_call *c = plugin_call_of(call);
    plugin_webhook *w = webhook_of(call, "answer");
    if (w == NULL)
        return;
    if (status < 200 || status > 299 || !url_header_value_ok(content_type)) {
        plugin_misuse(c, BB_E_PLUGIN,
                      "a webhook scheme answers with a status of 200 to 299 and a content type without "
                      "control characters");
        return;
    }
    w->status = status;
    w->content_type = copy_of(c, content_type);
    w->body = copy_of(c, body);
}

static void signed_at(bb_call *call, int64_t ms) {
    plugin_webhook *w = webhook_of(call, "signed_at");
    if (w == NULL)
        return;
    w->is_signed = true;
    w->signed_at_ms = ms;
}

static void known_by(bb_call *call, bb_str signed_bytes) {
    plugin_webhook *w = webhook_of(call, "known_by");
    uint8_t hash[BB_HASH_MAX];
    if (w == NULL || host_crypto.digest(BB_SHA256, signed_bytes, hash) != sizeof w->known)
        return;
    memcpy(w->known, hash, sizeof w->known);
    w->is_known = true;
}

/* --- running -------------------------------------------------------------------------------------------- */

plugin_outcome plugin_verified(plugin_call *c, bb_step step) {
    const plugin_webhook *w = c->webhook;
    if (c->request.begun)
        plugin_misuse(c, BB_E_PLUGIN, "webhook scheme \"%s\" begins a request in verify", w->scheme->id);
    else if (step == BB_FAIL && c->error.code == BB_OK)
        plugin_misuse(c, BB_E_PLUGIN, "webhook scheme \"%s\" failed without saying why", w->scheme->id);
    else if (step != BB_DONE && step != BB_FAIL)
        plugin_misuse(c, BB_E_PLUGIN, "webhook scheme \"%s\": verify ends with BB_DONE or BB_FAIL",
                      w->scheme->id);
    else if (step == BB_DONE && w->event_count == 0 && w->status == 0)
        plugin_misuse(c, BB_E_PLUGIN,
                      "webhook scheme \"%s\" is done, but gave neither an event nor an answer",
                      w->scheme->id);
    return c->misused || step == BB_FAIL ? PLUGIN_FAILED : PLUGIN_DONE;
}

plugin_outcome plugin_verify(plugin_call *c) {
    plugin_webhook *w = c->webhook;
    *w = (plugin_webhook){.scheme = w->scheme,
                          .settings = w->settings,
                          .request = w->request,
                          .raw = w->raw,
                          .tls = w->tls,
                          .certificate = w->certificate};
    mark *here = mark_enter_step(c->build, c->connection_id, w->scheme->id, "webhook verify");
    bb_step step = w->scheme->verify(&c->abi, w->request);
    mark_leave(here);
    return plugin_verified(c, step);
}

const bb_webhook_api host_webhook = {
    .size = sizeof(bb_webhook_api),
    .settings = settings,
    .event = event,
    .answer = answer,
    .signed_at = signed_at,
    .known_by = known_by,
    .sample_header = host_webhook_sample_header,
    .sample_query = host_webhook_sample_query,
    .sample_body = host_webhook_sample_body,
};
