/* scheme_sample.c - requests as the senders of the hub's own schemes make them: to test an endpoint. */
#include "webhook/scheme.h"

#include "base/arena.h"
#include "plugin/call.h"

bool scheme_sample_add(bb_call *call, scheme_sample *out, const char *format, ...) {
    buf text;
    va_list args;
    buf_init(&text);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    bb_str line = text.failed || out->request.header_count == SCHEME_SAMPLE_HEADERS
                      ? (bb_str){NULL, 0}
                      : arena_copy(plugin_call_of(call)->memory, buf_str(&text));
    buf_wipe(&text);
    if (line.ptr == NULL)
        return false;
    out->lines[out->request.header_count++] = line;
    out->request.headers = out->lines;
    return true;
}

static bool basic(bb_call *call, scheme_sample *out) {
    bb_str user = scheme_field(call, "username"), password = scheme_field(call, "password");
    size_t n = user.len + 1 + password.len, cap = (n + 2) / 3 * 4 + 1;
    char *text = call->host->call->alloc(call, n + cap);
    if (text == NULL)
        return false;
    snprintf(text, n + 1, "%.*s:%.*s", STR_FMT(user), STR_FMT(password));
    size_t digits = call->host->crypto->base64_encode((bb_str){text, n}, text + n, cap);
    return digits != SIZE_MAX &&
           scheme_sample_add(call, out, "Authorization: Basic %.*s", (int)digits, text + n);
}

bool scheme_sample_sign(bb_call *call, const bb_webhook_scheme *scheme, scheme_sample *out) {
    bb_str secret = scheme_field(call, "secret"), header = scheme_field(call, "header");
    if (scheme == &scheme_standard)
        return scheme_standard_sample(call, out);
    if (scheme == &scheme_hmac)
        return scheme_hmac_sample(call, out);
    if (scheme == &scheme_basic)
        return basic(call, out);
    if (scheme == &scheme_bearer)
        return scheme_sample_add(call, out, "Authorization: Bearer %.*s", STR_FMT(secret));
    if (scheme == &scheme_token)
        return scheme_sample_add(call, out, "%.*s: %.*s", STR_FMT(header), STR_FMT(secret));
    return scheme == &scheme_none;
}
