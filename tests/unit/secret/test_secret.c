/* Secrets and sealed blobs: what goes in comes out, and nothing that was touched does. */
#include "fixture.h"

#include "json/json.h"

START_TEST(a_secret_is_kept_under_its_name) {
    vault f;
    vault_open(&f);
    err e = {""};
    bb_str value;
    bool created = false;
    ck_assert_int_eq(secrets_set(f.v, STR("shop.token-1"), STR("first"), &created, &e), STORE_OK);
    ck_assert(created);
    ck_assert_int_eq(secrets_set(f.v, STR("shop.token-1"), STR("second"), &created, &e), STORE_OK);
    ck_assert(!created);
    vault_set(&f, "other", "x");
    vault_restart(&f);
    vault_expect(&f, "shop.token-1", "second");
    ck_assert_int_eq(secrets_get(f.v, f.a, STR("none"), &value, &e), STORE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(e.text, "busbar secret set none"));
    ck_assert_int_eq(secrets_remove(f.v, STR("other"), &e), STORE_OK);
    ck_assert_int_eq(secrets_remove(f.v, STR("other"), &e), STORE_NOT_FOUND);
    ck_assert_int_eq(secrets_get(f.v, f.a, STR("other"), &value, &e), STORE_NOT_FOUND);
    vault_close(&f);
}
END_TEST

START_TEST(names_and_values_have_limits) {
    vault f;
    err e = {""};
    char large[SECRETS_VALUE_MAX + 1];
    memset(large, 'x', sizeof large);
    vault_open(&f);
    static const char *const bad[] = {"", "A", "-a", ".a", "a/b", "a b", "a\n", "secret:x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_ne(secrets_set(f.v, str_from(bad[i]), STR("x"), NULL, &e), STORE_OK);
    ck_assert(secrets_name_ok(str_of(large, 64)) && !secrets_name_ok(str_of(large, 65)));
    ck_assert_int_ne(secrets_set(f.v, STR("a"), STR(""), NULL, &e), STORE_OK);
    ck_assert_int_ne(secrets_set(f.v, STR("a"), str_of(large, sizeof large), NULL, &e), STORE_OK);
    ck_assert_int_eq(secrets_set(f.v, STR("a"), str_of(large, sizeof large - 1), NULL, &e), STORE_OK);
    bb_str value;
    ck_assert_int_eq(secrets_get(f.v, f.a, STR("a"), &value, &e), STORE_OK);
    ck_assert_uint_eq(value.len, SECRETS_VALUE_MAX);
    vault_close(&f);
}
END_TEST

START_TEST(a_list_shows_no_value) {
    vault f;
    bb_str text;
    char key[SECRETS_KEY_ID_SIZE];
    vault_open(&f);
    vault_set(&f, "b", "hunter-two");
    vault_set(&f, "a", "hunter-two");
    ck_assert_int_eq(secrets_list(f.v, f.a, &text), STORE_OK);
    ck_assert_ptr_null(memmem(text.ptr, text.len, "hunter", 6));
    const json_value *rows = json_getl(json_read(f.a, text, NULL, NULL), "secrets");
    ck_assert_uint_eq(json_count(rows), 2);
    ck_assert(str_eq(json_string(json_getl(json_at(rows, 0), "name")), STR("a")));
    ck_assert(secrets_key(f.v, key));
    ck_assert(str_eq(json_string(json_getl(json_at(rows, 1), "key")), str_from(key)));
    ck_assert_uint_eq(json_string(json_getl(json_at(rows, 1), "created")).len, 24);
    vault_close(&f);
}
END_TEST

/* --- blobs --------------------------------------------------------------------------------------------- */

START_TEST(a_sealed_blob_opens_under_its_name_alone) {
    vault f;
    err e = {""};
    vault_open(&f);
    bb_str one = secrets_seal(f.v, f.a, STR("oauth2/shop"), STR("token")),
           two = secrets_seal(f.v, f.a, STR("oauth2/shop"), STR("token")),
           none = secrets_seal(f.v, f.a, STR(""), STR(""));
    ck_assert(!str_eq(one, two)); /* a nonce is never used twice */
    ck_assert_ptr_null(memmem(one.ptr, one.len, "token", 5));
    ck_assert(str_eq(secrets_unseal(f.v, f.a, STR("oauth2/shop"), one, &e), STR("token")));
    bb_str empty = secrets_unseal(f.v, f.a, STR(""), none, &e);
    ck_assert(empty.ptr != NULL && empty.len == 0);
    ck_assert_ptr_null(secrets_unseal(f.v, f.a, STR("oauth2/mail"), one, &e).ptr);
    ck_assert_ptr_nonnull(strstr(e.text, "oauth2/mail"));
    ck_assert_ptr_null(secrets_unseal(f.v, f.a, STR(""), one, &e).ptr);
    vault_close(&f);
}
END_TEST

START_TEST(a_blob_with_any_byte_changed_does_not_open) {
    vault f;
    err e = {""};
    vault_open(&f);
    bb_str sealed = secrets_seal(f.v, f.a, STR("n"), STR("some text"));
    char *bytes = arena_strdup(f.a, sealed);
    for (size_t i = 0; i < sealed.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] = (char)(bytes[i] ^ (1u << bit));
            e.text[0] = '\0';
            ck_assert_ptr_null(secrets_unseal(f.v, f.a, STR("n"), str_of(bytes, sealed.len), &e).ptr);
            ck_assert(e.text[0] != '\0' && strstr(e.text, "some text") == NULL);
            bytes[i] = (char)(bytes[i] ^ (1u << bit));
        }
    }
    for (size_t n = 0; n < sealed.len; n++)
        ck_assert_ptr_null(secrets_unseal(f.v, f.a, STR("n"), str_of(bytes, n), &e).ptr);
    ck_assert_ptr_nonnull(secrets_unseal(f.v, f.a, STR("n"), str_of(bytes, sealed.len), &e).ptr);
    vault_close(&f);
}
END_TEST

/* Whoever can write the database cannot hand one connection the secret of another. */
START_TEST(a_row_that_was_moved_does_not_open) {
    vault f;
    err e = {""};
    bb_str value;
    store_secret row;
    vault_open(&f);
    vault_set(&f, "a", "of a");
    vault_set(&f, "b", "of b");
    ck_assert_int_eq(store_secret_get(f.s, f.a, STR("a"), &row), STORE_OK);
    ck_assert_int_eq(store_secret_put(f.s, STR("b"), row.sealed, 1, NULL), STORE_OK);
    ck_assert_int_eq(store_token_put_now(f.s, STR("a"), row.sealed, 1), STORE_OK);
    ck_assert_int_eq(secrets_get(f.v, f.a, STR("b"), &value, &e), STORE_FAILED);
    ck_assert_ptr_nonnull(strstr(e.text, "moved"));
    ck_assert_ptr_null(
        secrets_unseal(f.v, f.a, STR("a"), row.sealed, &e).ptr); /* nor as a token of that name */
    vault_expect(&f, "a", "of a");
    vault_close(&f);
}
END_TEST

START_TEST(a_blob_of_another_store_does_not_open) {
    vault f, g;
    err e = {""};
    vault_open(&f);
    bb_str sealed = secrets_seal(f.v, f.a, STR("n"), STR("text"));
    vault_open(&g);
    ck_assert_ptr_null(secrets_unseal(g.v, g.a, STR("n"), sealed, &e).ptr);
    ck_assert_ptr_nonnull(strstr(e.text, "not in the store"));
    vault_close(&g);
    vault_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(a_secret_is_kept_under_its_name), unit_test(names_and_values_have_limits),
          unit_test(a_list_shows_no_value), unit_test(a_sealed_blob_opens_under_its_name_alone),
          unit_test(a_blob_with_any_byte_changed_does_not_open),
          unit_test(a_row_that_was_moved_does_not_open), unit_test(a_blob_of_another_store_does_not_open))
