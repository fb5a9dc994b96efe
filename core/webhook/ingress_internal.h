/* ingress_internal.h - what the parts of ingress share. */
#ifndef WEBHOOK_INGRESS_INTERNAL_H
#define WEBHOOK_INGRESS_INTERNAL_H

#include "base/problem.h"
#include "plugin/host_webhook.h"
#include "webhook/endpoint.h"
#include "webhook/ingress.h"

/* One request, in the exchange's memory. */
typedef struct ingress {
    webhook_loop *l;
    http_exchange *x;
    const http_request *r;
    arena *a;
    const endpoint *to; /* counted */
    bb_str sender;      /* address of the client: of a trusted proxy's, as that says */
    uint64_t now_ms;    /* wall clock */
    bb_webhook_request request;
    plugin_webhook said; /* by the scheme: events, an answer */
    event_new *events;
    size_t event_count;
    bool test;      /* somebody with a key tries the endpoint: it is told what came of it, and not counted */
    bool is_signed; /* of a test: the request was verified */
    const char *note; /* of a test: why it was not; NULL: nothing to say */
    bool cloudevents; /* it holds some */
    bb_str scheme_id; /* of CloudEvents: the id that the scheme has read; absent: none */
} ingress;

/* How a request ends that brings no event. */
typedef struct ingress_refusal {
    ingress_outcome outcome;
    problem problem;  /* whose name and title are told */
    unsigned status;  /* 0: the problem's */
    const char *text; /* for the sender */
    bb_str reason;    /* for the log and the admin; absent: as `text` */
    uint64_t retry_s; /* Retry-After; 0: none */
} ingress_refusal;

/* ingress_reply.c: these end the exchange, count, and let go of the endpoint. */
void ingress_refuse(ingress *in, const ingress_refusal *why);
void ingress_succeed(ingress *in, ingress_outcome outcome);
void ingress_options(ingress *in);
/* Of an endpoint that is not there; `known`: its file is, but refused. */
void ingress_unknown(http_exchange *x, bool known);

/* ingress_test.c: `why` NULL: it went well. */
void ingress_tell_test(ingress *in, ingress_outcome outcome, const ingress_refusal *why);

/* ingress.c: stores in->events. */
void ingress_put(ingress *in);
/* Of a request that is vouched for, or a question for consent: else anybody could have the endpoint's rate
 * used up. False: it is refused. */
bool ingress_within_rate(ingress *in);
/* What the endpoint takes, as Allow has it (RFC 9110 section 10.2.1). */
bb_str ingress_methods(const ingress *in);

/* ingress_sender.c */
bb_str ingress_sender(const endpoint *to, const http_request *r);
bool ingress_in_ranges(const http_ranges *ranges, bb_str address);
/* 0: it may; else the seconds to wait. */
uint64_t ingress_sender_limited(const endpoint *to, bb_str sender, uint64_t now_ns);
uint64_t ingress_limited(const endpoint *to, uint64_t now_ns);

/* Has the endpoint's scheme, a connector's that can, make a request of it, here or in the connector's
 * process; `done` finds it in in->said.made, or is told why not. */
typedef void (*ingress_signed)(ingress *in, bool ok, bb_str why);
void ingress_sign(ingress *in, const bb_webhook_sample *sample, ingress_signed done);
/* The URL of a request, whole, as the sender knows it. Absent: no memory. */
bb_str ingress_url(ingress *in, const http_request *r);

/* ingress_verify.c: has the request verified, now or in the connector's process; then goes on, or refuses. */
void ingress_verify(ingress *in);

/* ingress_events.c: fills in in->events. False: it has been refused, or answered. */
bool ingress_make_events(ingress *in);

#endif
