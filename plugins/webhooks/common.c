/* common.c - what several schemes do alike. */
#include "webhooks.h"

bb_str webhooks_after(bb_str text, const char *begin) {
    size_t n = strlen(begin);
    bb_str rest = {NULL, 0};
    if (text.len < n || memcmp(text.ptr, begin, n) != 0)
        return rest;
    rest.ptr = text.ptr + n;
    rest.len = text.len - n;
    return rest;
}

int webhooks_sha256_fits(bb_call *call, const char *key, bb_str data, bb_str header, int base64) {
    bb_str given = webhooks_after(header, "sha256="), secret = bb_in_text(call, key);
    if (secret.len == 0 || given.len == 0)
        return 0;
    return base64 ? bb_webhook_hmac_is_base64(call, BB_SHA256, secret, data, given)
                  : bb_webhook_hmac_is_hex(call, BB_SHA256, secret, data, given);
}

bb_str webhooks_sample_body(bb_call *call, const bb_webhook_sample *sample, const bb_str *pairs,
                            size_t count) {
    return sample->payload.ptr != NULL ? sample->payload : bb_webhook_object(call, pairs, count);
}

bb_step webhooks_sign_sha256(bb_call *call, const char *key, bb_str body, const char *header, int base64) {
    bb_str signature = bb_webhook_hmac_text(call, BB_SHA256, bb_in_text(call, key), body, "sha256=", base64);
    if (body.ptr == NULL || signature.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the sample");
    bb_webhook_sample_header(call, "Content-Type", bb_s("application/json"));
    bb_webhook_sample_header(call, header, signature);
    bb_webhook_sample_body(call, body);
    return BB_DONE;
}

int webhooks_is_form(const bb_webhook_request *request) {
    return bb_form_is(bb_webhook_header(request, "Content-Type"));
}

bb_str webhooks_form_json(bb_call *call, bb_str form) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    bb_form_fields fields;
    bb_str name, value;
    if (!bb_form_open(call, form, &fields))
        return bb_s(NULL);
    json->begin_object(w);
    while (bb_form_next(&fields, &name, &value)) {
        json->key(w, name);
        json->put_string(w, value);
    }
    json->end_object(w);
    return json->finish(w);
}

bb_str webhooks_dotted(bb_call *call, bb_str a, bb_str b) {
    if (a.len == 0 || b.len == 0)
        return a.len == 0 ? b : a;
    return bb_joined(call, (const bb_str[]){a, bb_s("."), b}, 3);
}
