/* hook.h - a webhook scheme for sound.h: BODY is what `verify` does once the header is there, with its hex
 * digits in `hex`. */
#ifndef HOOK_H
#define HOOK_H

#include <busbar/busbar.h>
#include <busbar/webhook.h>

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    bb_str hex = bb_webhook_header(request, "X-Thing-Signature");
    if (hex.len == 0)
        return bb_webhook_refuse(call, "X-Thing-Signature is missing");
    VERIFY
    bb_webhook_event(call, bb_s("1"), bb_s("thing"), bb_s("{}"));
    return BB_DONE;
}

static const bb_auth_field secret = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET,
                                     .name = "secret", .description = "the endpoint's"};
static const bb_auth_field *const fields[] = {&secret, NULL};
static const bb_webhook_scheme hook = {BB_SIZE(bb_webhook_scheme), .id = "hook", .summary = "Things",
                                       .fields = fields, .verify = verify};
static const bb_webhook_scheme *const hooks[] = {&hook, NULL};
static const bb_webhook_extension webhooks = {BB_SIZE(bb_webhook_extension), .schemes = hooks};
static const bb_extension extensions[] = {{BB_EXT_WEBHOOK, &webhooks}, {NULL, NULL}};
#define EXTENSIONS extensions

#endif
