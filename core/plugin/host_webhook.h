/* host_webhook.h - extension "busbar.webhook/1": a connector's webhook schemes, checked and their `verify`
 * run. */
#ifndef PLUGIN_HOST_WEBHOOK_H
#define PLUGIN_HOST_WEBHOOK_H

#include "plugin/call.h"
#include "plugin/module.h"

#include <busbar/webhook.h>

#define PLUGIN_WEBHOOK_SCHEMES_MAX 16
#define PLUGIN_WEBHOOK_EVENTS_MAX 1000u
#define PLUGIN_WEBHOOK_KNOWN 32u    /* bytes: SHA-256 */
#define PLUGIN_WEBHOOK_MADE_MAX 16u /* header fields of a sample */

/* One event, in the call's memory. */
typedef struct plugin_event {
    bb_str id;      /* absent: the connector knows none */
    bb_str type;    /* absent: it does not tell */
    bb_str payload; /* a JSON text that has been read, but for `raw` */
} plugin_event;

/* A sample as `sign` has made it, in the call's memory. */
typedef struct plugin_made {
    bb_str headers[PLUGIN_WEBHOOK_MADE_MAX], query, body;
    size_t count;
} plugin_made;

/* What `verify` and `sign` see and say, beside the call: plugin_call.webhook. */
typedef struct plugin_webhook {
    const bb_webhook_scheme *scheme;
    const json_value *settings;
    const bb_webhook_request *request;
    bool raw; /* a scheme of the hub's own: a body that is no JSON is taken as it is */
    bool tls; /* the request came by TLS */
    const struct http_certificate
        *certificate; /* for a scheme of the hub's own: what its sender has proved */
    plugin_event *events;
    size_t event_count, event_cap;
    int32_t status; /* of the answer; 0: none was given */
    bb_str content_type, body;
    bool is_signed;
    int64_t signed_at_ms; /* with is_signed */
    bool is_known;        /* by what is signed, not by ids */
    uint8_t known[PLUGIN_WEBHOOK_KNOWN];
    /* While `sign` runs; else NULL. */
    const bb_webhook_sample *sample;
    plugin_made *made;
} plugin_webhook;

/* Runs `verify` on p->request. PLUGIN_DONE: events, or an answer. PLUGIN_FAILED: c->error; BB_E_UPSTREAM_AUTH
 * means that it is refused, so that another secret may be tried. The caller has set c->webhook and c->abi. */
plugin_outcome plugin_verify(plugin_call *c);

/* The end of it alone, of a `verify` that ran elsewhere: c->webhook is filled in, or c->error. */
plugin_outcome plugin_verified(plugin_call *c, bb_step step);

static inline bool plugin_can_sign(const bb_webhook_scheme *s) {
    return BB_HAS(s, sign) && s->sign != NULL;
}
/* host_webhook_sample.c: runs `sign` of a scheme that has one, on c->webhook->sample. PLUGIN_DONE:
 * headers, made_query and made_body, in the call's memory. */
plugin_outcome plugin_sign_sample(plugin_call *c);
/* The end of it alone, of a `sign` that ran elsewhere. */
plugin_outcome plugin_sample_signed(plugin_call *c, bb_step step);
void host_webhook_sample_header(bb_call *call, bb_str name, bb_str value);
void host_webhook_sample_query(bb_call *call, bb_str query);
void host_webhook_sample_body(bb_call *call, bb_str body);

/* Checks what a connector declares under the extension. True and *out NULL: it has none. False: *e says what
 * is wrong with which scheme. */
bool host_webhook_admit(const plugin_module *m, const bb_webhook_extension **out, err *e);
/* The scheme of that id; NULL: none. */
const bb_webhook_scheme *host_webhook_find(const plugin_module *m, bb_str id);

extern const bb_webhook_api host_webhook;

#endif
