/* The master key: where it comes from, its forms, and what is said where it is wrong. */
#include "fixture.h"

static const char hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F",
                  base64[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
static uint8_t key[KEY_BYTES];

static void fill_key(void) {
    for (size_t i = 0; i < KEY_BYTES; i++)
        key[i] = (uint8_t)i;
}

START_TEST(a_master_key_has_three_forms) {
    uint8_t out[KEY_BYTES];
    char text[128];
    fill_key();
    const bb_str good[] = {str_from(hex), str_from(base64), str_of(base64, 43), str_of(key, KEY_BYTES)};
    for (size_t i = 0; i < 4; i++) {
        memset(out, 0xff, sizeof out);
        ck_assert(master_from_text(good[i], out));
        ck_assert_mem_eq(out, key, KEY_BYTES);
    }
    snprintf(text, sizeof text, "%s\r\n", hex);
    ck_assert(master_from_text(str_from(text), out));
    const char *const bad[] = {"",
                               "\n",
                               "0001",
                               "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                               "!AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                               "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh==",
                               "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!master_from_text(str_from(bad[i]), out), "%s", bad[i]);
}
END_TEST

static void refused(vault *f, const char *file, const char *text) {
    err e = {""};
    ck_assert(!vault_try(f, file, &e));
    ck_assert_msg(strstr(e.text, text) != NULL, "\"%s\" is not in: %s", text, e.text);
    ck_assert(strstr(e.text, "00010203") == NULL && strstr(e.text, "AAECAw") == NULL);
}

START_TEST(the_first_start_makes_a_key_that_only_the_owner_reads) {
    vault f;
    struct stat st;
    uint8_t out[KEY_BYTES];
    err e = {""};
    vault_open(&f);
    ck_assert_int_eq(stat(f.master, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(st.st_size, 65);
    ck_assert(master_read_file(f.master, 077, out, &e));
    ck_assert(secrets_master_is_own(f.v));
    ck_assert_str_eq(secrets_master_place(f.v), f.master);
    vault_set(&f, "a", "1");
    vault_stop(&f);
    chmod(f.master, 0640);
    refused(&f, NULL, "chmod 600");
    chmod(f.master, 0600);
    vault_start(&f);
    vault_expect(&f, "a", "1");
    vault_close(&f);
}
END_TEST

START_TEST(a_wrong_or_missing_key_is_refused_and_nothing_is_made_anew) {
    vault f;
    char away[140];
    vault_open(&f);
    vault_set(&f, "a", "1");
    vault_stop(&f);
    snprintf(away, sizeof away, "%s.away", f.master);
    ck_assert_int_eq(rename(f.master, away), 0);
    refused(&f, NULL, "is missing");
    ck_assert_int_ne(access(f.master, F_OK), 0);
    write_file(f.master, hex, 64, 0600);
    refused(&f, NULL, "does not open this store's data keys");
    ck_assert_int_eq(rename(away, f.master), 0);
    vault_start(&f);
    vault_expect(&f, "a", "1");
    vault_close(&f);
}
END_TEST

START_TEST(the_key_comes_from_file_environment_or_credential) {
    vault f;
    char file[140], credential[140];
    err e = {""};
    fill_key();
    vault_make(&f);
    snprintf(file, sizeof file, "%s/my.key", f.folder);
    snprintf(credential, sizeof credential, "%s/busbar-master-key", f.folder);
    refused(&f, file, "cannot be read");
    write_file(file, "short", 5, 0600);
    refused(&f, file, "holds no master key");
    write_file(file, key, KEY_BYTES, 0644);
    refused(&f, file, "chmod 600");
    chmod(file, 0600);
    ck_assert_msg(vault_try(&f, file, &e), "%s", e.text);
    vault_set(&f, "a", "1");
    vault_stop(&f);

    setenv("BUSBAR_MASTER_KEY", "nonsense", 1);
    refused(&f, NULL, "$BUSBAR_MASTER_KEY");
    setenv("BUSBAR_MASTER_KEY", hex, 1);
    vault_start(&f);
    vault_expect(&f, "a", "1");
    ck_assert_str_eq(secrets_master_place(f.v), "$BUSBAR_MASTER_KEY");
    vault_stop(&f);
    unsetenv("BUSBAR_MASTER_KEY");

    write_file(credential, base64, 44, 0440); /* the group's bits: of systemd's access list */
    setenv("CREDENTIALS_DIRECTORY", f.folder, 1);
    vault_start(&f);
    vault_expect(&f, "a", "1");
    ck_assert_str_eq(secrets_master_place(f.v), credential);
    ck_assert_int_ne(access(f.master, F_OK), 0);
    vault_stop(&f);
    unsetenv("CREDENTIALS_DIRECTORY");
    refused(&f, f.folder, "no regular file");
    vault_close(&f);
}
END_TEST

START_TEST(reading_only_makes_nothing) {
    vault f;
    err e = {""};
    bb_str value;
    vault_make(&f);
    secrets_options o = {.state_dir = f.folder, .read_only = true};
    f.v = secrets_open(NULL, &o, &e);
    ck_assert_msg(f.v != NULL, "%s", e.text);
    ck_assert_int_ne(access(f.master, F_OK), 0);
    ck_assert_int_eq(secrets_set(f.v, STR("a"), STR("x"), NULL, &e), STORE_READ_ONLY);
    ck_assert_int_eq(secrets_get(f.v, f.a, STR("a"), &value, &e), STORE_NOT_FOUND);
    ck_assert_int_ne(secrets_rotate_begin(f.v, NULL, &e), STORE_OK);
    ck_assert_ptr_null(secrets_seal(f.v, f.a, STR("n"), STR("x")).ptr);
    vault_stop(&f);

    vault_start(&f);
    vault_set(&f, "a", "1");
    vault_stop(&f);
    f.s = store_open_read_only(f.path, &e);
    f.v = secrets_open(f.s, &o, &e);
    ck_assert_msg(f.v != NULL, "%s", e.text);
    vault_expect(&f, "a", "1");
    vault_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(a_master_key_has_three_forms),
          unit_test(the_first_start_makes_a_key_that_only_the_owner_reads),
          unit_test(a_wrong_or_missing_key_is_refused_and_nothing_is_made_anew),
          unit_test(the_key_comes_from_file_environment_or_credential), unit_test(reading_only_makes_nothing))
