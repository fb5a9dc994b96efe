/* URLs, header fields and bodies as a connector may put them together, through SigV4 and OAuth 1. The input:
 * a URL, a header field and a body, each ended by a NUL. */
#include "auth/oauth1.h"
#include "auth/sigv4.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const sigv4_credentials services[2] = {
    {.access_key = {"AK", 2},
     .secret_key = {"SK", 2},
     .session_token = {"T", 1},
     .region = {"r", 1},
     .service = {"s", 1},
     .double_encode = true,
     .normalize_path = true},
    {.access_key = {"AK", 2},
     .secret_key = {"SK", 2},
     .region = {"r", 1},
     .service = {"s3", 2},
     .content_sha256 = true},
};

static bb_str part(bb_str *rest) {
    bb_str piece = {NULL, 0};
    str_split(rest, '\0', &piece);
    return piece;
}

/* Signed twice, the same request gives the same: nothing is read that was not given. */
static void check_same(const sign_addition *a, const sign_addition *b) {
    if (a->header_count != b->header_count)
        abort();
    for (size_t i = 0; i < a->header_count; i++)
        if (!str_eq(a->headers[i], b->headers[i]) || a->headers[i].ptr[a->headers[i].len] != '\0')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    arena *a = arena_new(1 << 26);
    bb_str rest = str_of(data, size), headers[2];
    sign_request r = {.method = STR("POST"), .url = part(&rest), .headers = headers, .header_count = 2};
    headers[0] = part(&rest);
    headers[1] = STR("Content-Type: application/x-www-form-urlencoded");
    r.body = rest;
    sign_addition first, again;
    for (int i = 0; i < 2; i++)
        if (sigv4_sign(a, &services[i], &r, &first) && sigv4_sign(a, &services[i], &r, &again))
            check_same(&first, &again);
    oauth1_credentials c = {
        .consumer_key = STR("k"), .consumer_secret = STR("s"), .method = STR("HMAC-SHA1")};
    if (oauth1_sign(a, &c, &r, &first) && oauth1_sign(a, &c, &r, &again))
        check_same(&first, &again);
    arena_free(a);
    return 0;
}
