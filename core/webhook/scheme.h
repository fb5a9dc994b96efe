/* scheme.h - what the hub's own webhook schemes share. They are written against the SDK, as a connector's
 * are: the hub runs both in the same way. [step] */
#ifndef WEBHOOK_SCHEME_H
#define WEBHOOK_SCHEME_H

#include "base/err.h"
#include "json/json.h"

#include <busbar/busbar.h>
#include <busbar/webhook.h>
#include <stdbool.h>

extern const bb_webhook_scheme scheme_none, scheme_basic, scheme_bearer, scheme_token;
extern const bb_webhook_scheme scheme_hmac, scheme_standard, scheme_mtls;

/* scheme_check's part of mtls: whether the fields can be meant. NULL: yes; else what is wrong, and with which
 * key. */
const char *scheme_mtls_check(const json_value *fields, const char **key);

/* Fields that all have: where the event's id and type stand. "/data/id" is a JSON Pointer into the body, all
 * else a header field's name. */
extern const bb_auth_field scheme_id_from, scheme_type_from;

/* The request as one event: `id` and `type` where the scheme itself knows them, else as the fields say. */
bb_step scheme_take(bb_call *call, const bb_webhook_request *request, bb_str id, bb_str type);

/* A field filled in; absent: it is not. */
static inline bb_str scheme_field(bb_call *call, const char *name) {
    return bb_in_text(call, name);
}
/* The value of a header field named by a field of the scheme; absent where either is missing. */
bb_str scheme_header(const bb_webhook_request *request, bb_str name);

/* When it was signed, "1780000000" or, in milliseconds, "1780000000000": told to the host. 0: it is neither.
 */
int scheme_signed_at(bb_call *call, bb_str text);

/* scheme_check.c: whether the fields, filled in, can fit a request at all. False: *e, which has no secret in
 * it, and *key, whose value it is: a field's, or "scheme". Of a connector's scheme: true. */
bool scheme_check(const bb_webhook_scheme *scheme, const json_value *fields, const char **key, err *e);

/* --- a sample, as its sender would make it ------------------------------------------------------------ */

#define SCHEME_SAMPLE_HEADERS 8

typedef struct scheme_sample {
    bb_str id;                  /* of the event */
    bb_webhook_request request; /* its header fields are filled in */
    bb_str lines[SCHEME_SAMPLE_HEADERS];
} scheme_sample;

/* Signs out->request, whose method, url, body and time are set, with the fields of call->input. All is in the
 * call's memory. False: no memory, or it cannot be signed: the endpoint knows the public key alone. */
bool scheme_sample_sign(bb_call *call, const bb_webhook_scheme *scheme, scheme_sample *out);
/* A header field of it: "Name: value", as printf. */
__attribute__((format(printf, 3, 4))) bool scheme_sample_add(bb_call *call, scheme_sample *out,
                                                             const char *format, ...);
bool scheme_hmac_sample(bb_call *call, scheme_sample *out);
bool scheme_standard_sample(bb_call *call, scheme_sample *out);

#endif
