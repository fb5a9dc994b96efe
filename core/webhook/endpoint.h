/* endpoint.h - an endpoint: NAME.hook.conf, and what a service may post to /hooks/NAME.
 *
 * Immutable once read, but for its state, which it shares with the endpoint that it replaces. */
#ifndef WEBHOOK_ENDPOINT_H
#define WEBHOOK_ENDPOINT_H

#include "http/guard.h"
#include "limit/gcra.h"
#include "webhook/set.h"
#include "json/schema.h"

#include <busbar/webhook.h>

#define ENDPOINT_SECRETS_MAX 8 /* values of one field that are tried */
#define ENDPOINT_SENDERS 4096  /* places for rates of single addresses, shared where two meet in one */

/* What came of a request: for the counters, and the metrics' names. */
typedef enum {
    INGRESS_STORED,    /* events, on disk */
    INGRESS_REPEATED,  /* all of them were there already */
    INGRESS_IGNORED,   /* of types that the endpoint does not take */
    INGRESS_ANSWERED,  /* a handshake */
    INGRESS_REFUSED,   /* signature missing or wrong: 401 */
    INGRESS_STALE,     /* signed too long ago, or in the future: 401 */
    INGRESS_FOREIGN,   /* the address is not on the list: 403 */
    INGRESS_LIMITED,   /* 429 */
    INGRESS_TOO_LARGE, /* 413 */
    INGRESS_INVALID,   /* verified, but cannot be read, or does not fit the schema: 422 */
    INGRESS_METHOD,    /* 405 */
    INGRESS_PAUSED,    /* 503 */
    INGRESS_UNREADY,   /* nothing can be verified: no secret (401), no connector (503) */
    INGRESS_DEFECT,    /* the connector's: 502 */
    INGRESS_UNSTORED,  /* the store cannot take it now: 503 */
    INGRESS_OUTCOMES
} ingress_outcome;
const char *ingress_outcome_name(ingress_outcome o);

/* What outlives a change of the file. Counted; its numbers by all loops. */
typedef struct endpoint_state {
    _Atomic(unsigned) refs;
    _Atomic(uint64_t) outcomes[INGRESS_OUTCOMES];     /* requests */
    _Atomic(uint64_t) events, bytes;                  /* stored */
    _Atomic(uint64_t) last_event_ms, last_refusal_ms; /* wall clock; 0: never */
    _Atomic(int) last_refusal;                        /* an ingress_outcome */
    gcra rate;
    gcra told;               /* refusals in the log */
    _Atomic(gcra *) senders; /* ENDPOINT_SENDERS; NULL until an endpoint limits them */
    uint64_t secret[2];      /* of the hash that finds a sender's place */
} endpoint_state;

/* Where an event's id and type stand, for schemes of the hub's own: a header field's name, or a JSON Pointer
 * into the body. Absent: nowhere. */
typedef struct endpoint {
    webhook_item item;       /* first */
    bb_str name;             /* for people */
    bool paused, unverified; /* unverified: `verify = none` */
    /* the scheme: of the hub's own, else of a connector, found anew for each request */
    const bb_webhook_scheme *own;      /* NULL: the connector's */
    bb_str scheme, plugin, connection; /* ids; connection absent: none */
    const char *unready;               /* why nothing can be verified; NULL: it can */
    const char *note;                  /* what else the admin will hardly have meant; NULL: nothing */
    /* The scheme's fields, filled in: an object for each value that a secret has. Wiped. */
    const json_value *fields[ENDPOINT_SECRETS_MAX];
    bb_str field_texts[ENDPOINT_SECRETS_MAX];
    size_t field_count;
    const bb_str *secrets; /* names of the fields that are */
    size_t secret_count;
    uint64_t tolerance_ms;         /* between signature and receipt; 0: any */
    uint64_t dedup_ms;             /* 0: repeats are taken again */
    uint64_t max_body;             /* bytes */
    http_ranges allow;             /* senders; none: everybody */
    http_ranges proxies;           /* whose X-Forwarded-For counts */
    gcra_policy rate, sender_rate; /* interval 0: none */
    patterns types;                /* that are taken; others are acknowledged and dropped */
    const bb_str *headers;         /* names of fields that are kept with the event */
    size_t header_count;
    schema *payload; /* NULL: anything */
    endpoint_state *state;
} endpoint;

static inline const endpoint *endpoint_of(const webhook_item *item) {
    return (const endpoint *)item;
}

/* Why it takes nothing as it is configured; NULL: it does. Static. [any-thread] */
const char *endpoint_unready(const endpoint *p);

/* The endpoint of that id; NULL: none that is in force. */
const endpoint *endpoint_find(const webhook_set *s, bb_str id);

/* endpoint_fields.c: which scheme it is, and what the admin has filled in. False: *e. */
bool endpoint_read_scheme(const webhook_reading *r, const conf_file *f, arena *a, endpoint *out, err *e);
/* Whether the value of that key is a secret. */
bool endpoint_is_secret(const endpoint *p, bb_str section, bb_str key);
/* The scheme as it is now; NULL: its connector is not there, or is not to be called from here. `module` (may
 * be NULL) gets the connector's, NULL of the hub's own. */
const bb_webhook_scheme *endpoint_scheme(const endpoint *p, const snapshot *s,
                                         const struct plugin_module **module);

/* scheme.c: schemes of the hub's own; ends with NULL. */
extern const bb_webhook_scheme *const own_schemes[];
const bb_webhook_scheme *own_scheme_find(bb_str id);

/* All endpoints' numbers, for /metrics. */
void endpoints_render(const webhook_set *s, buf *out);

endpoint_state *endpoint_state_ref(endpoint_state *s);
void endpoint_state_unref(endpoint_state *s);

#endif
