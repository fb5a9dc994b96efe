/* webhooks.h - what the files of this connector share: the schemes, and what several of them do alike. */
#ifndef WEBHOOKS_WEBHOOKS_H
#define WEBHOOKS_WEBHOOKS_H

#include <busbar/busbar.h>
#include <busbar/form.h>
#include <busbar/webhook.h>

/* One file each. */
extern const bb_webhook_scheme github, gitlab, hubspot, jira, meta, shopify, twilio, x;

/* A secret that must be given: the one field of most schemes. */
#define WEBHOOKS_SECRET(name_, description_)                                                 \
    {                                                                                        \
        BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET, .name = (name_), \
                                .description = (description_)                                \
    }

/* --- common.c ------------------------------------------------------------------------------------------- */

/* Whether `header` is "sha256=" and the HMAC-SHA256 of the data, in hexadecimal or (`base64`) base64. */
int webhooks_sha256_fits(bb_call *call, const char *key, bb_str data, bb_str header, int base64);

/* How a sample ends: `body`, and the header field with "sha256=" and its HMAC-SHA256 under the field `key`.
 */
bb_step webhooks_sign_sha256(bb_call *call, const char *key, bb_str body, const char *header, int base64);

/* The sample's own payload, or a JSON object of these pairs (bb_webhook_object). */
bb_str webhooks_sample_body(bb_call *call, const bb_webhook_sample *sample, const bb_str *pairs,
                            size_t count);

/* What lies behind a beginning of the text; absent: it does not begin so. */
bb_str webhooks_after(bb_str text, const char *begin);

int webhooks_is_form(const bb_webhook_request *request);

/* The fields of a form as a JSON object of strings; absent: it is not UTF-8, or no memory. */
bb_str webhooks_form_json(bb_call *call, bb_str form);

/* "a" + "." + "b"; the other where one is empty. */
bb_str webhooks_dotted(bb_call *call, bb_str a, bb_str b);

#endif
