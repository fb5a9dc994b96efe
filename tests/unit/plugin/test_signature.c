/* Signatures: what was signed is what is verified; nothing of it can be changed, cut or moved. */
#include "plugin/signature.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static buf secret, open_key, text;
static signature_key key;

static signature about(void) {
    signature s = {.size = 1234, .at_ms = 1767225600123};
    strcpy(s.plugin, "shop");
    memset(s.sha256, 'a', 64);
    return s;
}

static void setup(bb_str passphrase) {
    err e = {""};
    signature s = about();
    buf_init(&secret);
    buf_init(&open_key);
    buf_init(&text);
    ck_assert_msg(signature_key_make(passphrase, &secret, &open_key, &e), "%s", e.text);
    ck_assert_msg(signature_key_read(buf_str(&open_key), &key, &e), "%s", e.text);
    ck_assert_msg(signature_make(&s, buf_str(&secret), passphrase, &text, &e), "%s", e.text);
}

static void teardown(void) {
    buf_wipe(&secret);
    buf_free(&open_key);
    buf_free(&text);
}

START_TEST(what_is_signed_is_read_and_holds) {
    signature s;
    err e = {""};
    setup((bb_str){NULL, 0});
    ck_assert_msg(signature_read(buf_str(&text), &s, &e), "%s", e.text);
    ck_assert_str_eq(s.plugin, "shop");
    ck_assert_str_eq(s.key, key.id);
    ck_assert_str_eq(s.sha256, about().sha256);
    ck_assert_uint_eq(s.size, 1234);
    ck_assert_uint_eq(s.at_ms, 1767225600123);
    ck_assert(signature_verify(&s, &key));
    ck_assert(text.len <= SIGNATURE_TEXT_MAX / 2);
    teardown();
}
END_TEST

/* Whatever byte is changed, into whatever: it is refused, or does not verify. */
START_TEST(no_byte_can_be_changed) {
    static const char others[] = "0az9ABZ+/=-: \n\r\0\x80";
    setup((bb_str){NULL, 0});
    for (size_t i = 0; i < text.len; i++) {
        char was = text.ptr[i];
        for (size_t k = 0; k < sizeof others; k++) {
            signature s;
            err e = {""};
            if (others[k] == was)
                continue;
            text.ptr[i] = others[k];
            bool read = signature_read(buf_str(&text), &s, &e);
            ck_assert_msg(!read || strcmp(s.key, key.id) != 0 || !signature_verify(&s, &key),
                          "byte %zu as %d is taken", i, others[k]);
            ck_assert_int_eq(read, e.text[0] == '\0');
        }
        text.ptr[i] = was;
    }
    teardown();
}
END_TEST

START_TEST(nothing_can_be_cut_or_added) {
    signature s;
    setup((bb_str){NULL, 0});
    for (size_t n = 0; n < text.len; n++)
        ck_assert(!signature_read(str_of(text.ptr, n), &s, NULL));
    buf_lit(&text, "\n");
    ck_assert(!signature_read(buf_str(&text), &s, NULL));
    ck_assert(!signature_read((bb_str){NULL, 0}, &s, NULL));
    teardown();
}
END_TEST

START_TEST(another_key_does_not_verify) {
    signature s;
    signature_key other;
    setup((bb_str){NULL, 0});
    ck_assert(signature_read(buf_str(&text), &s, NULL));
    buf second, public_pem;
    buf_init(&second);
    buf_init(&public_pem);
    ck_assert(signature_key_make((bb_str){NULL, 0}, &second, &public_pem, NULL));
    ck_assert(signature_key_read(buf_str(&public_pem), &other, NULL));
    ck_assert_str_ne(other.id, key.id);
    ck_assert(!signature_verify(&s, &other));
    buf_wipe(&second);
    buf_free(&public_pem);
    teardown();
}
END_TEST

START_TEST(a_key_goes_by_its_bytes) {
    signature_key again = {.name = "kept"};
    setup((bb_str){NULL, 0});
    ck_assert(signature_key_of(key.bytes, &again));
    ck_assert_str_eq(again.id, key.id);
    ck_assert_mem_eq(again.bytes, key.bytes, 32);
    ck_assert_str_eq(again.name, "kept");
    teardown();
}
END_TEST

START_TEST(an_encrypted_key_needs_its_passphrase) {
    signature s = about();
    err e = {""};
    setup(STR("correct horse"));
    ck_assert_ptr_nonnull(memmem(secret.ptr, secret.len, "ENCRYPTED", 9));
    buf out;
    buf_init(&out);
    ck_assert(!signature_make(&s, buf_str(&secret), (bb_str){NULL, 0}, &out, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "--passphrase-file"));
    ck_assert(!signature_make(&s, buf_str(&secret), STR("battery"), &out, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "does not open it"));
    ck_assert_ptr_null(strstr(e.text, "battery"));
    ck_assert_uint_eq(out.len, 0);
    buf_free(&out);
    teardown();
}
END_TEST

START_TEST(what_is_no_key_is_refused) {
    err e = {""};
    signature s = about();
    setup((bb_str){NULL, 0});
    ck_assert(!signature_key_read(buf_str(&secret), &key, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "it is a private key"));
    ck_assert(
        !signature_key_read(STR("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), &key, &e));
    ck_assert(!signature_key_read((bb_str){NULL, 0}, &key, &e));
    ck_assert(!signature_make(&s, buf_str(&open_key), (bb_str){NULL, 0}, &text, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "no private key"));
    teardown();
}
END_TEST

UNIT_MAIN(unit_test(what_is_signed_is_read_and_holds), unit_test(no_byte_can_be_changed),
          unit_test(nothing_can_be_cut_or_added), unit_test(another_key_does_not_verify),
          unit_test(a_key_goes_by_its_bytes), unit_test(an_encrypted_key_needs_its_passphrase),
          unit_test(what_is_no_key_is_refused))
