/* post.h - one POST of one event, or of a batch, to a URL that somebody gave us: put together, signed, sent,
 * judged. When, how often and what then is the dispatcher's.
 *
 * The address is guarded (http/guard.h), redirects are never followed, no proxy is used, and the time is one
 * for all: lookup, connect, TLS, answer. Thread: the loop's, but where it says otherwise. */
#ifndef WEBHOOK_POST_H
#define WEBHOOK_POST_H

#include "base/loop.h"
#include "http/client.h"
#include "http/guard.h"
#include "store/events.h"
#include "webhook/signing.h"

/* --- where to ------------------------------------------------------------------------------------------ */

typedef enum {
    POST_PLAIN,             /* the payload as it is, under its own content type; a batch: an array */
    POST_STANDARD,          /* {"type", "timestamp", "data"}, as Standard Webhooks suggests */
    POST_CLOUDEVENTS,       /* structured (application/cloudevents+json); a batch: that mode's own */
    POST_CLOUDEVENTS_BINARY /* the payload as it is, the rest in ce-… fields; a batch: as POST_CLOUDEVENTS */
} post_format;

/* "plain", "standard", "cloudevents", "cloudevents-binary". [any-thread] */
bool post_format_from(bb_str name, post_format *out);

/* Lives as long as any post to it: a subscription has one, never changed. */
typedef struct post_destination {
    const char *url;
    bool url_secret;    /* a part of it is a secret: what receivers say has none of its path and query */
    http_target target; /* by post_target */
    post_format format;
    const signing_keys *keys;  /* NULL: not signed */
    bool standard;             /* Webhook-Signature, where there are keys */
    const char *legacy_header; /* "X-Webhook-Signature": also an HMAC of the body alone; NULL: none */
    const bb_str *headers;     /* "Name: value", NUL-terminated, as post_header_check lets pass */
    size_t header_count;
    uint64_t timeout_ms;
} post_destination;

/* What the admin allows, for all destinations: [webhooks] in busbar.conf. Immutable while in use. */
typedef struct post_rules {
    http_guard guard;
    const char *ca_file; /* NULL: the system's */
} post_rules;

/* Whether something can be sent there at all, told when it is configured. False: *e. [any-thread] */
static inline bool post_url_check(const post_rules *rules, const char *url, err *e) {
    return http_guard_url(&rules->guard, url, e);
}
/* A field that a user may add: a name and a value of RFC 9110, none that is the hub's own (Host,
 * Content-Length, Webhook-Id, ce-…, …). False: *e, which does not hold the value. [any-thread] */
bool post_header_check(bb_str line, err *e);
/* The settings of its connections. [any-thread] */
http_target post_target(const post_rules *rules);

/* --- sending ------------------------------------------------------------------------------------------- */

typedef struct posts posts; /* of one loop: its client, and posts to be used again */
typedef struct post post;

posts *posts_new(loop *l, err *e);
/* What is under way ends: `done` is called with POST_CANCELLED. */
void posts_free(posts *p);

typedef struct post_what {
    const post_destination *to;
    /* As read from the queue, the payload perhaps replaced by a transform's result (content_type then too).
     * `id` and what is of the delivery are not looked at. */
    const delivery *events;
    size_t count;
    bool batch;      /* as a batch even where there is one; more than one always is */
    uint64_t now_ms; /* wall clock: Webhook-Timestamp, and a Retry-After that is a date */
} post_what;

typedef enum {
    POST_OK,        /* an answer of 200 to 299, whatever follows */
    POST_STATUS,    /* another answer; of 300 and above also where its body is cut off */
    POST_REFUSED,   /* the address is not allowed, or the URL cannot be sent to: nothing went out */
    POST_CONNECT,   /* name not found, refused, unreachable */
    POST_TLS,       /* no trust, or no handshake */
    POST_TIMEOUT,   /* no answer, or not all of a 2xx, in time */
    POST_BROKEN,    /* closed without an answer, a 2xx cut off, not HTTP */
    POST_CANCELLED, /* posts_free */
    POST_NO_MEMORY  /* ours: try again soon */
} post_failure;

const char *post_failure_name(post_failure f); /* "ok", "status", "refused", …: for metrics */

#define POST_TEXT_MAX 1024 /* bytes */

typedef struct post_result {
    post_failure failure;
    unsigned status;         /* 0: there was no answer */
    uint64_t retry_after_ms; /* what the answer asks for, in either form; 0: nothing */
    uint64_t duration_ms;
    bb_str text; /* of a failure: what is wrong, and an excerpt of the answer; of POST_OK the excerpt. UTF-8,
                    no control characters, at most POST_TEXT_MAX; until done returns */
} post_result;

typedef void (*post_done)(const post_result *result, void *ctx);
/* Everything in `what` lives until `done`, which is called on the loop, never from within. NULL: no memory.
 */
post *post_begin(posts *p, const post_what *what, post_done done, void *ctx);
/* `done` is not called any more. */
void post_cancel(post *p);

/* Posts since the process began, by what became of them, in the text format of metrics. [any-thread] */
void posts_render(buf *out);

#endif
