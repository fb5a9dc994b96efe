/* Webhook schemes: what is refused of a declaration, and what they are given to verify with. */
#include <busbar/webhook.h> /* first: Check has a macro `fail` */

#include "plugin/host_webhook.h"

#include "plugin/host.h"

#include "unit.h"

#include <stdio.h>

static bb_step never(bb_call *call, const bb_webhook_request *request) {
    (void)call, (void)request;
    return BB_FAIL;
}

static const bb_auth_field secret = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_SECRET, .name = "secret",
                                     .description = "the endpoint's"};
static const bb_auth_field *const fields[] = {&secret, NULL};
static const bb_auth_field *const twice[] = {&secret, &secret, NULL};
static bb_webhook_scheme scheme;
static const bb_webhook_scheme *list[40];
static bb_webhook_extension extension;

static const void *get_extension(const char *id) {
    return strcmp(id, BB_EXT_WEBHOOK) == 0 ? &extension : NULL;
}

static void begin(void) {
    scheme = (bb_webhook_scheme){BB_SIZE(bb_webhook_scheme), .id = "parcel", .summary = "Parcels",
                                 .fields = fields, .verify = never};
    memset(list, 0, sizeof list);
    list[0] = &scheme;
    extension = (bb_webhook_extension){BB_SIZE(bb_webhook_extension), .schemes = list};
}

static const char *refused(void) {
    static err e;
    const bb_webhook_extension *out;
    bb_entry entry = {.get_extension = get_extension};
    plugin_module m = {.entry = &entry};
    e = (err){""};
    ck_assert(host_webhook_admit(&m, &out, &e) == (out != NULL));
    return e.text;
}

START_TEST(declarations_are_checked) {
    begin();
    ck_assert_str_eq(refused(), "");
    scheme.size = 8;
    ck_assert_ptr_nonnull(strstr(refused(), "size is 8, smaller than"));
    begin();
    scheme.id = "Parcel";
    ck_assert_ptr_nonnull(strstr(refused(), "has the id \"Parcel\""));
    scheme.id = NULL;
    ck_assert_ptr_nonnull(strstr(refused(), "has the id \"\""));
    begin();
    scheme.summary = "two\nlines";
    ck_assert_ptr_nonnull(strstr(refused(), "no summary of one line"));
    begin();
    scheme.verify = NULL;
    ck_assert_ptr_nonnull(strstr(refused(), "has no verify"));
    begin();
    scheme.fields = twice;
    ck_assert_ptr_nonnull(strstr(refused(), "webhook scheme \"parcel\" has two fields named \"secret\""));
    begin();
    list[1] = &scheme;
    ck_assert_ptr_nonnull(strstr(refused(), "declared twice"));
    begin();
    list[0] = NULL;
    ck_assert_ptr_nonnull(strstr(refused(), "no schemes"));
    begin();
    extension.size = 4;
    ck_assert_ptr_nonnull(strstr(refused(), "busbar.webhook/1"));
    begin();
    static bb_webhook_scheme many[20];
    static char ids[20][4];
    for (int i = 0; i < 20; i++) {
        snprintf(ids[i], sizeof ids[i], "s%d", i);
        many[i] = scheme;
        many[i].id = ids[i];
        list[i] = &many[i];
    }
    ck_assert_ptr_nonnull(strstr(refused(), "more than 16"));
    bb_entry entry = {.get_extension = NULL};
    plugin_module none = {.entry = &entry};
    const bb_webhook_extension *out = &extension;
    ck_assert(host_webhook_admit(&none, &out, NULL) && out == NULL);
}
END_TEST

/* RFC 8032 section 7.1, test 2. */
START_TEST(ed25519) {
    static const char key[] = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    static const char sig[] = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                              "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
    const bb_crypto_api *crypto = host_get()->crypto;
    uint8_t k[32], s[64];
    ck_assert(BB_HAS(crypto, ed25519_verify));
    ck_assert_uint_eq(crypto->hex_decode(str_from(key), k, sizeof k), 32);
    ck_assert_uint_eq(crypto->hex_decode(str_from(sig), s, sizeof s), 64);
    bb_str key_bytes = str_of((char *)k, 32), sig_bytes = str_of((char *)s, 64), data = str_of("\x72", 1);
    ck_assert_int_eq(crypto->ed25519_verify(key_bytes, data, sig_bytes), 1);
    ck_assert_int_eq(crypto->ed25519_verify(key_bytes, STR("s"), sig_bytes), 0);
    ck_assert_int_eq(crypto->ed25519_verify(str_of((char *)k, 31), data, sig_bytes), 0);
    ck_assert_int_eq(crypto->ed25519_verify(key_bytes, data, str_of((char *)s, 63)), 0);
    s[3] ^= 1;
    ck_assert_int_eq(crypto->ed25519_verify(key_bytes, data, sig_bytes), 0);
    memset(k, 0, sizeof k);
    ck_assert_int_eq(crypto->ed25519_verify(key_bytes, data, sig_bytes), 0);
}
END_TEST

START_TEST(header_fields_in_any_case) {
    bb_str lines[] = {STR("x-sig: one"), STR("X-Signature:  two"), STR("X-Signature: three"),
                      STR("X-Empty:")};
    bb_webhook_request r = {.size = sizeof r, .header_count = 4, .headers = lines};
    ck_assert(str_eq(bb_webhook_header(&r, "X-SIG"), STR("one")));
    ck_assert(str_eq(bb_webhook_header(&r, "x-signature"), STR("two")));
    ck_assert_uint_eq(bb_webhook_header(&r, "X-Empty").len, 0);
    ck_assert_ptr_null(bb_webhook_header(&r, "X-Si").ptr);
    ck_assert_ptr_null(bb_webhook_header(&r, "X-Signature-2").ptr);
}
END_TEST

UNIT_MAIN(declarations_are_checked, ed25519, header_fields_in_any_case)
