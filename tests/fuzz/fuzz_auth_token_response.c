/* What token endpoints and issuers answer: oauth2_answer_read and oauth2_metadata_read on anything. The first
 * byte chooses the status; tokens that are taken can be sent, lifetimes are bounded. */
#include "auth/oauth2.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sendable(bb_str token) {
    for (size_t i = 0; i < token.len; i++)
        if ((unsigned char)token.ptr[i] < 0x20 || (unsigned char)token.ptr[i] >= 0x7f)
            abort();
}

static void check_answer(arena *a, unsigned status, bb_str body) {
    oauth2_answer out;
    oauth2_answer_read(a, status, body, &out);
    if (out.wrong != NULL || out.error.len > 0) {
        if (out.error.len > 0 && out.access_token.len > 0)
            abort();
        return;
    }
    if (out.access_token.len == 0 || status < 200 || status > 299)
        abort();
    check_sendable(out.access_token);
    check_sendable(out.refresh_token);
    if (out.lifetime_ms > 365ull * 86400000u)
        abort();
}

static void check_metadata(arena *a, bb_str body) {
    oauth2_metadata m;
    const char *wrong = NULL;
    if (!oauth2_metadata_read(a, body, STR("https://as.example"), &m, &wrong)) {
        if (wrong == NULL)
            abort();
        return;
    }
    const bb_str urls[] = {m.token, m.authorize, m.device, m.revoke};
    for (size_t i = 0; i < 4; i++)
        if (urls[i].len > 0 && !str_starts(urls[i], STR("https://")))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const unsigned statuses[] = {200, 201, 302, 400, 401, 429, 500, 503};
    arena *a = arena_new(0);
    if (size > 0) {
        bb_str body = str_of(data + 1, size - 1);
        check_answer(a, statuses[data[0] % 8], body);
        check_metadata(a, body);
        bb_str clean = auth_clean(a, body, 200);
        if (clean.len > 200)
            abort();
        for (size_t i = 0; i < clean.len; i++)
            if ((unsigned char)clean.ptr[i] < 0x20)
                abort();
    }
    arena_free(a);
    return 0;
}
