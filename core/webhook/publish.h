/* publish.h - events that callers of the API send: one or a batch, as the hub's own JSON or as CloudEvents,
 * made into what the queue takes.
 *
 *     {"type": "invoice.paid", "data": {…}, "id": "…", "time": "…", "subject": "…"}
 *
 * An array of such objects is a batch: all of it is taken or nothing. `id` is the sender's: an event of an id
 * that was taken from it lately is a repeat. */
#ifndef WEBHOOK_PUBLISH_H
#define WEBHOOK_PUBLISH_H

#include "base/problem.h"
#include "webhook/webhook.h"

#define PUBLISH_MAX 1000u /* events of one request */

/* What is asked, beside the request. */
typedef struct publish_request {
    const http_request *http;
    bb_str sender;     /* id of the key: kept with the event */
    uint64_t now_ms;   /* wall clock */
    uint64_t dedup_ms; /* for how long ids are remembered */
    /* Of an Idempotency-Key: events without an id of their own are known by it and their place, so that a
     * request whose outcome was lost with the process is put again and doubles nothing. Absent: none. */
    bb_str key;
    bool known_only; /* types that no NAME.event.conf declares are refused */
} publish_request;

/* Why not: a problem with what is wrong, and where in the body. */
typedef struct publish_refusal {
    problem problem;
    err detail;
    bb_str pointer;              /* JSON Pointer; absent: of the whole */
    const schema_issues *issues; /* of a payload that does not fit its type's schema; else NULL */
} publish_refusal;

typedef struct published {
    event_new *events;
    size_t count;
} published;

/* In `a`, which keeps slices of the request. [loop] */
bool publish_read(webhook_loop *l, arena *a, const publish_request *request, published *out,
                  publish_refusal *why);

#endif
