/* Secrets as admins paste them, and answers as receivers give them. The input: secrets, a header field of the
 * destination's own, and an answer, each ended by a NUL. */
#include "webhook/post_internal.h"

#include "json/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds)
        abort();
}

static void sign(bb_str secrets) {
    err e = {""};
    buf out = {0};
    signing_keys *k = signing_keys_read(secrets, &e);
    must((k == NULL) == (e.text[0] != '\0'));
    if (k == NULL)
        return;
    must(signing_standard(k, STR("id.1.{}"), &out) && out.len > 40);
    buf_clear(&out);
    signing_legacy(k, STR("{}"), &out);
    signing_keys_free(k);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bb_str rest = str_of(data, size), secrets = {NULL, 0}, field = {NULL, 0};
    err e;
    str_split(&rest, '\0', &secrets);
    str_split(&rest, '\0', &field);
    sign(secrets);
    post_destination to = {.headers = &field, .header_count = post_header_check(field, &e)};
    buf text = {0};
    post_text_add(&text, rest, &to);
    must(text.len <= POST_TEXT_MAX && json_utf8_valid(buf_str(&text)));
    for (size_t i = 0; i < text.len; i++)
        must((unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != 0x7f);
    buf_free(&text);
    return 0;
}
