/* signature_read on anything: what it takes is written as `busbar plugin sign` writes it, and a refusal has a
 * reason; and the PEM reader of public keys. */
#include "plugin/signature.h"

#include "base/clock.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_taken(const signature *s, bb_str text) {
    char again[SIGNATURE_TEXT_MAX + 1], time[CLOCK_RFC3339_SIZE];
    clock_rfc3339(s->at_ms, time);
    int n = snprintf(again, sizeof again,
                     "busbar-signature: 1\nkey: %s\nplugin: %s\nsha256: %s\nsize: %llu\nsigned-at: %s\n",
                     s->key, s->plugin, s->sha256, (unsigned long long)s->size, time);
    if (n < 0 || (size_t)n != s->covered.len || memcmp(again, text.ptr, s->covered.len) != 0 ||
        text.len != s->covered.len + strlen("signature: ") + 88 + 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    err e = {""};
    signature s;
    signature_key key = {.name = "k"};
    bb_str text = str_of(data, size);
    bool taken = signature_read(text, &s, &e);
    if (taken != (e.text[0] == '\0'))
        abort();
    if (taken)
        check_taken(&s, text);
    e.text[0] = '\0';
    if (signature_key_read(text, &key, &e) != (e.text[0] == '\0'))
        abort();
    return 0;
}
