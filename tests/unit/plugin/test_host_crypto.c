/* The crypto extension: published vectors, limits of buffers, strictness, many threads. */
#include "plugin/host_crypto.h"

#include "base/str.h"
#include "unit.h"

#include <pthread.h>
#include <stdio.h>

static void expect_hex(const uint8_t *bytes, size_t n, const char *wanted) {
    char text[2 * BB_HASH_MAX + 1];
    size_t len = host_crypto.hex_encode(str_of(bytes, n), text, sizeof text - 1);
    ck_assert_uint_ne(len, SIZE_MAX);
    text[len] = '\0';
    ck_assert_str_eq(text, wanted);
}

static void expect_digest(bb_hash hash, bb_str data, const char *wanted) {
    uint8_t out[BB_HASH_MAX];
    expect_hex(out, host_crypto.digest(hash, data, out), wanted);
}

static void expect_hmac(bb_hash hash, bb_str key, bb_str data, const char *wanted) {
    uint8_t out[BB_HASH_MAX];
    expect_hex(out, host_crypto.hmac(hash, key, data, out), wanted);
}

/* FIPS 180-4's examples. */
START_TEST(digests) {
    expect_digest(BB_SHA1, STR("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect_digest(BB_SHA256, STR("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_digest(
        BB_SHA512, STR("abc"),
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
        "454d4423643ce80e2a9ac94fa54ca49f");
    expect_digest(BB_SHA256, (bb_str){NULL, 0},
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(unknown_hashes) {
    uint8_t out[BB_HASH_MAX];
    static const bb_hash none[] = {0, 4, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(host_crypto.digest(none[i], STR("x"), out), 0);
        ck_assert_uint_eq(host_crypto.hmac(none[i], STR("k"), STR("x"), out), 0);
    }
}
END_TEST

/* RFC 4231 test cases 1 to 4, 6 and 7; RFC 2202 for SHA-1. */
START_TEST(hmacs) {
    static char bytes[131], twenty[20], fifty[50], counting[25];
    memset(bytes, 0xaa, sizeof bytes);
    memset(twenty, 0x0b, sizeof twenty);
    for (int i = 0; i < 25; i++)
        counting[i] = (char)(i + 1);
    expect_hmac(BB_SHA256, str_of(twenty, 20), STR("Hi There"),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    expect_hmac(BB_SHA512, str_of(twenty, 20), STR("Hi There"),
                "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3"
                "f4e4be9d914e"
                "eb61f1702e696c203a126854");
    expect_hmac(BB_SHA1, str_of(twenty, 20), STR("Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00");
    expect_hmac(BB_SHA256, STR("Jefe"), STR("what do ya want for nothing?"),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    expect_hmac(BB_SHA1, STR("Jefe"), STR("what do ya want for nothing?"),
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    memset(fifty, (char)0xdd, sizeof fifty);
    expect_hmac(BB_SHA256, str_of(bytes, 20), str_of(fifty, 50),
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    memset(fifty, (char)0xcd, sizeof fifty);
    expect_hmac(BB_SHA256, str_of(counting, 25), str_of(fifty, 50),
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    expect_hmac(BB_SHA256, str_of(bytes, 131), STR("Test Using Larger Than Block-Size Key - Hash Key First"),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    expect_hmac(BB_SHA512, str_of(bytes, 131),
                STR("This is a test using a larger than block-size key and a larger than block-size data. "
                    "The key needs "
                    "to be hashed before being used by the HMAC algorithm."),
                "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4"
                "de15134676fb"
                "6de0446065c97440fa8c6a58");
    expect_hmac(BB_SHA256, (bb_str){NULL, 0}, (bb_str){NULL, 0},
                "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
END_TEST

/* RFC 4648 section 10. */
START_TEST(encodings_of_the_rfc) {
    static const struct {
        const char *bytes, *base64, *url, *hex;
    } rows[] = {{"", "", "", ""},
                {"f", "Zg==", "Zg", "66"},
                {"fo", "Zm8=", "Zm8", "666f"},
                {"foo", "Zm9v", "Zm9v", "666f6f"},
                {"foob", "Zm9vYg==", "Zm9vYg", "666f6f62"},
                {"fooba", "Zm9vYmE=", "Zm9vYmE", "666f6f6261"},
                {"foobar", "Zm9vYmFy", "Zm9vYmFy", "666f6f626172"},
                {"\xfb\xff\xfe", "+//+", "-__-", "fbfffe"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bb_str bytes = str_from(rows[i].bytes);
        const char *wanted[] = {rows[i].base64, rows[i].url, rows[i].hex};
        size_t (*const encode[])(bb_str, char *, size_t) = {
            host_crypto.base64_encode, host_crypto.base64url_encode, host_crypto.hex_encode};
        size_t (*const decode[])(bb_str, uint8_t *, size_t) = {
            host_crypto.base64_decode, host_crypto.base64url_decode, host_crypto.hex_decode};
        for (size_t k = 0; k < 3; k++) {
            char text[16];
            uint8_t back[16];
            size_t n = encode[k](bytes, text, strlen(wanted[k]));
            ck_assert(str_eq(str_of(text, n), str_from(wanted[k])));
            if (n > 0)
                ck_assert_uint_eq(encode[k](bytes, text, n - 1), SIZE_MAX);
            ck_assert_uint_eq(decode[k](str_from(wanted[k]), back, bytes.len), bytes.len);
            ck_assert(str_eq(str_of(back, bytes.len), bytes));
            if (bytes.len > 0)
                ck_assert_uint_eq(decode[k](str_from(wanted[k]), back, bytes.len - 1), SIZE_MAX);
        }
    }
}
END_TEST

START_TEST(texts_of_another_encoding) {
    static const char *const base64[] = {
        "Z",     "Zg",     "Zg=",      "Zg===", "=",     "====",       "Zh==",     "Zm9=", "Z-_v",
        "Zm 9v", "Zm9v\n", "Zg==Zg==", "Z=g=",  "Zm9v=", "\xc3\xa9==", "Zm9v====", "Zg=a"};
    static const char *const url[] = {"Z", "Zg=", "Zh", "Zm9", "+//+", "Zm9v=", "Zg===", "Zm9v==", "Zm.v"};
    static const char *const hex[] = {"6", "6g", "0x66", " 66 ", "66 6", "\xc3\xa9"};
    uint8_t out[64];
    for (size_t i = 0; i < sizeof base64 / sizeof base64[0]; i++)
        ck_assert_msg(host_crypto.base64_decode(str_from(base64[i]), out, 64) == SIZE_MAX, "%s", base64[i]);
    for (size_t i = 0; i < sizeof url / sizeof url[0]; i++)
        ck_assert_msg(host_crypto.base64url_decode(str_from(url[i]), out, 64) == SIZE_MAX, "%s", url[i]);
    for (size_t i = 0; i < sizeof hex / sizeof hex[0]; i++)
        ck_assert_msg(host_crypto.hex_decode(str_from(hex[i]), out, 64) == SIZE_MAX, "%s", hex[i]);
    ck_assert_uint_eq(host_crypto.base64_decode(STR("Zg\0="), out, 64), SIZE_MAX);
    ck_assert_uint_eq(host_crypto.base64url_decode(STR("Zg=="), out, 64), 1); /* padding may be there */
    ck_assert_uint_eq(host_crypto.hex_decode(STR("aBcD"), out, 64), 2);
    ck_assert(out[0] == 0xab && out[1] == 0xcd);
}
END_TEST

START_TEST(all_bytes_come_back) {
    uint8_t bytes[256], back[256];
    char text[600];
    for (size_t i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    for (size_t n = 0; n <= 256; n++) {
        bb_str from = str_of(bytes + 256 - n, n);
        size_t len = host_crypto.base64_encode(from, text, sizeof text);
        ck_assert_uint_eq(len, (n + 2) / 3 * 4);
        ck_assert_uint_eq(host_crypto.base64_decode(str_of(text, len), back, n), n);
        ck_assert(str_eq(str_of(back, n), from));
        len = host_crypto.base64url_encode(from, text, sizeof text);
        ck_assert_uint_eq(host_crypto.base64url_decode(str_of(text, len), back, n), n);
        ck_assert(str_eq(str_of(back, n), from));
    }
}
END_TEST

START_TEST(equality) {
    ck_assert_int_eq(host_crypto.equal(STR("secret"), STR("secret")), 1);
    ck_assert_int_eq(host_crypto.equal(STR("secret"), STR("secreT")), 0);
    ck_assert_int_eq(host_crypto.equal(STR("Secret"), STR("secret")), 0);
    ck_assert_int_eq(host_crypto.equal(STR("secret"), STR("secre")), 0);
    ck_assert_int_eq(host_crypto.equal(STR("a\0b"), STR("a\0c")), 0);
    ck_assert_int_eq(host_crypto.equal(STR(""), (bb_str){NULL, 0}), 1);
    ck_assert_int_eq(host_crypto.equal((bb_str){NULL, 0}, STR("x")), 0);
}
END_TEST

START_TEST(random_bytes) {
    static uint8_t large[3 << 20], zero[64], a[64], b[64];
    ck_assert_int_eq(host_crypto.random(a, sizeof a), BB_OK);
    ck_assert_int_eq(host_crypto.random(b, sizeof b), BB_OK);
    ck_assert_int_ne(memcmp(a, b, sizeof a), 0);
    ck_assert_int_ne(memcmp(a, zero, sizeof a), 0);
    ck_assert_int_eq(host_crypto.random(a, 0), BB_OK);
    ck_assert_int_eq(host_crypto.random(large, sizeof large), BB_OK); /* more than one request's worth */
    ck_assert_int_ne(memcmp(large + sizeof large - 64, zero, 64), 0);
}
END_TEST

static void *many_times(void *arg) {
    (void)arg;
    uint8_t out[BB_HASH_MAX];
    char text[BB_HASH_MAX * 2];
    for (int i = 0; i < 2000; i++) {
        size_t n = host_crypto.hmac(BB_SHA256, STR("Jefe"), STR("what do ya want for nothing?"), out);
        n = host_crypto.hex_encode(str_of(out, n), text, sizeof text);
        if (!str_eq(str_of(text, n),
                    STR("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")) ||
            host_crypto.digest(BB_SHA512, STR("abc"), out) != 64)
            return (void *)many_times;
    }
    return NULL;
}

START_TEST(many_threads) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, many_times, NULL), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
        ck_assert_ptr_null(failed);
    }
}
END_TEST

START_TEST(the_table_is_whole) {
    ck_assert_uint_eq(host_crypto.size, sizeof(bb_crypto_api));
    ck_assert(host_crypto.digest && host_crypto.hmac && host_crypto.hex_encode && host_crypto.hex_decode &&
              host_crypto.base64_encode && host_crypto.base64_decode && host_crypto.base64url_encode &&
              host_crypto.base64url_decode && host_crypto.random && host_crypto.equal);
}
END_TEST

UNIT_MAIN(unit_test(digests), unit_test(unknown_hashes), unit_test(hmacs), unit_test(encodings_of_the_rfc),
          unit_test(texts_of_another_encoding), unit_test(all_bytes_come_back), unit_test(equality),
          unit_test(random_bytes), unit_test(many_threads), unit_test(the_table_is_whole))
