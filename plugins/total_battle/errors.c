/* errors.c - what the game server says went wrong: {"error": {"code", "message", "field"}}. */
#include "total_battle.h"

/* Where a code says more than its status. */
static const struct {
    const char *code;
    bb_code means;
} known[] = {
    {"invalid_key", BB_E_UPSTREAM_AUTH},
    {"invalid_token", BB_E_UPSTREAM_AUTH},
    {"token_expired", BB_E_UPSTREAM_AUTH},
    {"signature_mismatch", BB_E_UPSTREAM_AUTH},
    {"challenge_expired", BB_E_UPSTREAM_UNAVAILABLE}, /* another login gets another challenge */
    {"cursor_expired", BB_E_UPSTREAM_REJECTED},
    {"maintenance", BB_E_UPSTREAM_UNAVAILABLE},
};

static bb_code code_of(bb_call *call, bb_str code) {
    bb_code by_status = bb_code_from_http(bb_status(call));
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (bb_str_eq(code, known[i].code))
            return known[i].means;
    return by_status != BB_OK ? by_status : BB_E_UPSTREAM_INVALID;
}

/* "might_min" as the JSON Pointer "/might_min"; absent where it names no parameter. */
static bb_str pointer_of(bb_str field, char *out, size_t cap) {
    bb_str pointer = {NULL, 0};
    if (field.len == 0 || field.len + 1 > cap || memchr(field.ptr, '/', field.len) != NULL ||
        memchr(field.ptr, '~', field.len) != NULL)
        return pointer;
    out[0] = '/';
    memcpy(out + 1, field.ptr, field.len);
    pointer.ptr = out;
    pointer.len = field.len + 1;
    return pointer;
}

bb_step tb_fail(bb_call *call) {
    const bb_json *error = bb_get(call, bb_response(call), "error");
    bb_str code = bb_text(call, bb_get(call, error, "code"));
    char pointer[128];
    bb_error e;
    memset(&e, 0, sizeof e);
    e.size = (uint32_t)sizeof e;
    e.code = code_of(call, code);
    e.message = bb_text(call, bb_get(call, error, "message"));
    e.upstream_code = code;
    e.pointer = pointer_of(bb_text(call, bb_get(call, error, "field")), pointer, sizeof pointer);
    if (code.len == 0 && bb_status(call) == 404)
        return bb_fail(call, BB_E_UPSTREAM_NOT_FOUND,
                       "there is no game server's API at base_url: it answers 404 without its error code");
    if (e.message.len == 0)
        return bb_fail_http(call, code, bb_s(NULL));
    call->host->call->fail(call, &e);
    return BB_FAIL;
}
