#include "plugin/signature.h"

#include "base/clock.h"
#include "plugin/host_crypto.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

/* --- reading the text ------------------------------------------------------------------------------- */

/* The value of the next line, which must have this name. Absent: it has another, or does not end. */
static bb_str line(bb_str *rest, const char *name) {
    size_t n = strlen(name);
    const char *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
    if (end == NULL || (size_t)(end - rest->ptr) < n + 2 || memcmp(rest->ptr, name, n) != 0 ||
        memcmp(rest->ptr + n, ": ", 2) != 0)
        return (bb_str){NULL, 0};
    bb_str value = str_of(rest->ptr + n + 2, (size_t)(end - rest->ptr) - n - 2);
    *rest = str_of(end + 1, rest->len - (size_t)(end + 1 - rest->ptr));
    return value;
}

static bool take_hex(bb_str value, size_t digits, char *out) {
    for (size_t i = 0; i < value.len; i++)
        if (str_hex_digit(value.ptr[i]) < 0 || (value.ptr[i] >= 'A' && value.ptr[i] <= 'F'))
            return false;
    str_put(out, digits + 1, value);
    return value.len == digits;
}

static bool take_id(bb_str value, char out[65]) {
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool letter = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
        if (!letter && (i == 0 || (!digit && c != '_')))
            return false;
    }
    str_put(out, 65, value);
    return value.len >= 1 && value.len <= 64;
}

/* As signature_make writes it: no other notation of the same moment. */
static bool take_time(bb_str value, uint64_t *out) {
    char text[CLOCK_RFC3339_SIZE];
    if (value.len != sizeof text - 1 || !clock_from_rfc3339(value, out))
        return false;
    clock_rfc3339(*out, text);
    return str_eq(value, str_from(text));
}

/* As signature_make writes it: no zero before it. */
static bool take_size(bb_str value, uint64_t *out) {
    return str_to_u64(value, out) && value.len > 0 && value.ptr[0] != '0';
}

static bool take_bytes(bb_str value, uint8_t out[64]) {
    uint8_t raw[66]; /* 88 characters are 66 bytes at most */
    unsigned char again[89];
    if (value.len != 88 || EVP_DecodeBlock(raw, (const unsigned char *)value.ptr, 88) != 66)
        return false;
    memcpy(out, raw, 64);
    return EVP_EncodeBlock(again, out, 64) == 88 && memcmp(again, value.ptr, 88) == 0;
}

static bool take_lines(bb_str text, signature *s, const char **what) {
    bb_str rest = text;
    *what = "its version is not 1";
    if (!str_eq(line(&rest, "busbar-signature"), STR("1")))
        return false;
    *what = "its key is no id";
    if (!take_hex(line(&rest, "key"), 16, s->key))
        return false;
    *what = "its plugin is no id";
    if (!take_id(line(&rest, "plugin"), s->plugin))
        return false;
    *what = "its sha256 is no hash";
    if (!take_hex(line(&rest, "sha256"), 64, s->sha256))
        return false;
    *what = "its size is no number";
    if (!take_size(line(&rest, "size"), &s->size))
        return false;
    *what = "its signed-at is no time";
    if (!take_time(line(&rest, "signed-at"), &s->at_ms))
        return false;
    s->covered = str_of(text.ptr, text.len - rest.len);
    *what = "its last line is no signature";
    if (!take_bytes(line(&rest, "signature"), s->bytes))
        return false;
    *what = "something follows its last line";
    return rest.len == 0;
}

bool signature_read(bb_str text, signature *out, err *e) {
    const char *what = "it is too long";
    *out = (signature){.size = 0};
    return (text.len <= SIGNATURE_TEXT_MAX && take_lines(text, out, &what)) ||
           err_set(e, "it is no signature as `busbar plugin sign` makes them: %s", what);
}

/* --- keys --------------------------------------------------------------------------------------------- */

/* OpenSSL would ask on the terminal. */
static int give_passphrase(char *out, int size, int writing, void *ctx) {
    (void)writing;
    const bb_str *passphrase = ctx;
    if (passphrase->len == 0 || size < 0 || passphrase->len > (size_t)size)
        return -1;
    memcpy(out, passphrase->ptr, passphrase->len);
    return (int)passphrase->len;
}

static BIO *bio_of(bb_str text) {
    return text.len > 0 && text.len <= 65536 ? BIO_new_mem_buf(text.ptr, (int)text.len) : NULL;
}

static bool name_key(EVP_PKEY *key, signature_key *out) {
    unsigned char *der = NULL;
    uint8_t hash[BB_HASH_MAX];
    size_t n = sizeof out->bytes;
    int size = i2d_PUBKEY(key, &der);
    bool ok = size > 0 && EVP_PKEY_get_raw_public_key(key, out->bytes, &n) == 1 && n == 32 &&
              host_crypto.digest(BB_SHA256, str_of(der, (size_t)size), hash) == 32 &&
              host_crypto.hex_encode(str_of(hash, 8), out->id, 16) == 16;
    out->id[ok ? 16 : 0] = '\0';
    OPENSSL_free(der);
    return ok;
}

bool signature_key_read(bb_str pem, signature_key *out, err *e) {
    static const bb_str none = {NULL, 0};
    BIO *in = bio_of(pem);
    EVP_PKEY *key = in != NULL ? PEM_read_bio_PUBKEY(in, NULL, give_passphrase, (void *)(uintptr_t)&none)
                               : NULL;
    bool ed25519 = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519,
         ok = ed25519 && name_key(key, out);
    EVP_PKEY_free(key);
    BIO_free(in);
    ERR_clear_error();
    if (!ok && pem.len > 0 && memmem(pem.ptr, pem.len, "PRIVATE KEY", 11) != NULL)
        return err_set(
            e, "it is a private key: here belongs the public one, NAME.pem of `busbar plugin keygen`");
    return ok || err_set(e, key != NULL && !ed25519 ? "it is a key of another kind: Ed25519 is expected"
                                                    : "it is no public key in PEM");
}

bool signature_key_of(const uint8_t bytes[32], signature_key *out) {
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, 32);
    bool ok = key != NULL && name_key(key, out);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

static EVP_PKEY *read_private(bb_str pem, bb_str passphrase, err *e) {
    BIO *in = bio_of(pem);
    EVP_PKEY *key = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, give_passphrase, &passphrase) : NULL;
    bool encrypted = pem.len > 0 && memmem(pem.ptr, pem.len, "ENCRYPTED", 9) != NULL;
    BIO_free(in);
    ERR_clear_error();
    if (key == NULL) {
        err_set(e, "%s",
                !encrypted            ? "it is no private key in PEM"
                : passphrase.len == 0 ? "the key is encrypted: give --passphrase-file or --passphrase-env"
                                      : "the passphrase does not open it");
        return NULL;
    }
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(key);
        return err_set(
                   e, "it is a key of another kind: Ed25519 is expected, as `busbar plugin keygen` makes it"),
               NULL;
    }
    return key;
}

/* What a BIO in memory holds; of the private key it is wiped when freed (BIO_s_secmem would want a secure
 * heap). */
static void take_bio(BIO *from, buf *out) {
    char *bytes = NULL;
    long n = BIO_get_mem_data(from, &bytes);
    if (n > 0 && buf_reserve(out, (size_t)n)) /* once: growing would leave copies behind */
        buf_add(out, bytes, (size_t)n);
    if (n > 0)
        OPENSSL_cleanse(bytes, (size_t)n);
}

bool signature_key_make(bb_str passphrase, buf *private_pem, buf *public_pem, err *e) {
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *secret = BIO_new(BIO_s_mem()), *open = BIO_new(BIO_s_mem());
    const EVP_CIPHER *cipher = passphrase.len > 0 ? EVP_aes_256_cbc() : NULL;
    bool ok = key != NULL && secret != NULL && open != NULL &&
              PEM_write_bio_PKCS8PrivateKey(secret, key, cipher, cipher != NULL ? passphrase.ptr : NULL,
                                            (int)passphrase.len, NULL, NULL) == 1 &&
              PEM_write_bio_PUBKEY(open, key) == 1;
    if (ok) {
        take_bio(secret, private_pem);
        take_bio(open, public_pem);
    }
    BIO_free(secret);
    BIO_free(open);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return (ok && !private_pem->failed && !public_pem->failed) ||
           err_set(e, "a key pair cannot be made: does the system give random bytes?");
}

/* --- signing, verifying ------------------------------------------------------------------------------ */

bool signature_verify(const signature *s, const signature_key *key) {
    EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, sizeof key->bytes);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = public != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public) == 1 &&
              EVP_DigestVerify(ctx, s->bytes, sizeof s->bytes, (const unsigned char *)s->covered.ptr,
                               s->covered.len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(public);
    ERR_clear_error();
    return ok;
}

static bool add_signature(EVP_PKEY *key, buf *out) {
    unsigned char bytes[64], text[89];
    size_t n = sizeof bytes;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = !out->failed && ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestSign(ctx, bytes, &n, (const unsigned char *)out->ptr, out->len) == 1 && n == 64;
    EVP_MD_CTX_free(ctx);
    if (!ok)
        return false;
    EVP_EncodeBlock(text, bytes, 64);
    buf_printf(out, "signature: %s\n", (const char *)text);
    return !out->failed;
}

bool signature_make(const signature *about, bb_str private_pem, bb_str passphrase, buf *out, err *e) {
    char time[CLOCK_RFC3339_SIZE];
    signature_key name;
    EVP_PKEY *key = read_private(private_pem, passphrase, e);
    if (key == NULL)
        return false;
    clock_rfc3339(about->at_ms, time);
    bool ok = name_key(key, &name);
    buf_printf(out, "busbar-signature: 1\nkey: %s\nplugin: %s\nsha256: %s\nsize: %llu\nsigned-at: %s\n",
               name.id, about->plugin, about->sha256, (unsigned long long)about->size, time);
    ok = ok && add_signature(key, out);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok || err_set(e, "the signature cannot be made");
}
