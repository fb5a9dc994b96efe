/* A WWW-Authenticate field from a service that means harm: what is read of it can be answered, in a field
 * that can be sent. */
#include "auth/digest.h"
#include "plugin/url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_field(bb_str line) {
    if (line.ptr[line.len] != '\0' || !url_header_value_ok(line))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    arena *a = arena_new(1 << 24);
    digest_challenge c;
    sign_request r = {
        .method = STR("GET"), .url = STR("https://h.example/x?y=z"), .body = str_of(data, size)};
    sign_addition added;
    if (digest_challenge_read(a, str_of(data, size), &c)) {
        if (!digest_sign(a, &c, STR("user"), STR("password"), 1, &r, &added) || added.header_count != 1)
            abort();
        check_field(added.headers[0]);
    }
    arena_free(a);
    return 0;
}
