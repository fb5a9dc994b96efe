/* host_webhook_sample.c - extension "busbar.webhook/1": what a webhook scheme's `sign` can say, and how it
 * ends.
 */
#include "plugin/host_webhook.h"
#include "plugin/mark.h"
#include "plugin/url.h"

#define BODY_MAX ((size_t)10 << 20) /* bytes: what an endpoint takes at most, unless it is told otherwise */

static plugin_webhook *webhook_of(bb_call *call, const char *what) {
    plugin_call *c = plugin_call_of(call);
    if (c->webhook != NULL && c->webhook->sample != NULL)
        return c->webhook;
    plugin_misuse(c, BB_E_PLUGIN, "the connector called %s outside a webhook scheme's sign", what);
    return NULL;
}

static bb_str keep(plugin_call *c, bb_str text) {
    bb_str copy = arena_copy(c->memory, text.ptr != NULL ? text : STR(""));
    if (copy.ptr == NULL)
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the sample");
    return copy;
}

void host_webhook_sample_header(bb_call *call, bb_str name, bb_str value) {
    plugin_call *c = plugin_call_of(call);
    plugin_webhook *w = webhook_of(call, "sample_header");
    if (w == NULL)
        return;
    if (w->made->count == PLUGIN_WEBHOOK_MADE_MAX || !url_token_ok(name) || value.ptr == NULL ||
        !url_header_value_ok(value)) {
        plugin_misuse(c, BB_E_PLUGIN,
                      "a sample has at most %u header fields, of proper names, with values without control "
                      "characters",
                      PLUGIN_WEBHOOK_MADE_MAX);
        return;
    }
    bb_str line = arena_printf(c->memory, "%.*s: %.*s", STR_FMT(name), STR_FMT(value));
    if (line.ptr != NULL)
        w->made->headers[w->made->count++] = line;
    else
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the sample");
}

void host_webhook_sample_query(bb_call *call, bb_str query) {
    plugin_webhook *w = webhook_of(call, "sample_query");
    if (w == NULL)
        return;
    for (size_t i = 0; i < query.len; i++)
        if (query.ptr[i] <= ' ' || query.ptr[i] >= 0x7f || query.ptr[i] == '#') {
            plugin_misuse(plugin_call_of(call), BB_E_PLUGIN,
                          "a sample's query has characters that no URL has: encode them");
            return;
        }
    w->made->query = keep(plugin_call_of(call), query);
}

void host_webhook_sample_body(bb_call *call, bb_str body) {
    plugin_webhook *w = webhook_of(call, "sample_body");
    if (w == NULL)
        return;
    if (body.len > BODY_MAX)
        plugin_misuse(plugin_call_of(call), BB_E_LIMIT, "a sample's body is over %zu bytes", BODY_MAX);
    else
        w->made->body = keep(plugin_call_of(call), body);
}

plugin_outcome plugin_sample_signed(plugin_call *c, bb_step step) {
    const plugin_webhook *w = c->webhook;
    if (c->request.begun)
        plugin_misuse(c, BB_E_PLUGIN, "webhook scheme \"%s\" begins a request in sign", w->scheme->id);
    else if (step == BB_FAIL && c->error.code == BB_OK)
        plugin_misuse(c, BB_E_PLUGIN, "webhook scheme \"%s\" failed without saying why", w->scheme->id);
    else if (step != BB_DONE && step != BB_FAIL)
        plugin_misuse(c, BB_E_PLUGIN, "webhook scheme \"%s\": sign ends with BB_DONE or BB_FAIL",
                      w->scheme->id);
    return c->misused || step == BB_FAIL ? PLUGIN_FAILED : PLUGIN_DONE;
}

plugin_outcome plugin_sign_sample(plugin_call *c) {
    plugin_webhook *w = c->webhook;
    *w = (plugin_webhook){.scheme = w->scheme, .settings = w->settings, .sample = w->sample, .made = w->made};
    *w->made = (plugin_made){.count = 0};
    mark *here = mark_enter_step(c->build, c->connection_id, w->scheme->id, "webhook sign");
    bb_step step = w->scheme->sign(&c->abi, w->sample);
    mark_leave(here);
    return plugin_sample_signed(c, step);
}
