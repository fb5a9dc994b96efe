/* aead.c - AES-256-GCM by OpenSSL. */
#include "secret/secret_internal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

bool random_bytes(void *out, size_t len) {
    return RAND_bytes(out, (int)len) == 1;
}

/* Its length goes before the name, so that no two pairs of head and name are alike. */
static bool add_aad(EVP_CIPHER_CTX *c,
                    int (*update)(EVP_CIPHER_CTX *, unsigned char *, int *, const unsigned char *, int),
                    aead_aad aad) {
    const uint8_t len[4] = {(uint8_t)(aad.name.len >> 24), (uint8_t)(aad.name.len >> 16),
                            (uint8_t)(aad.name.len >> 8), (uint8_t)aad.name.len};
    int n;
    return update(c, NULL, &n, (const uint8_t *)aad.head.ptr, (int)aad.head.len) == 1 &&
           update(c, NULL, &n, len, sizeof len) == 1 &&
           (aad.name.len == 0 || update(c, NULL, &n, (const uint8_t *)aad.name.ptr, (int)aad.name.len) == 1);
}

static bool fits(aead_aad aad, bb_str text) {
    return aad.head.len <= 1024 && aad.name.len <= 65536 && text.len <= INT32_MAX / 2;
}

bool aead_seal(const uint8_t key[KEY_BYTES], aead_aad aad, bb_str plain, uint8_t *out) {
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    uint8_t *text = out + NONCE_BYTES;
    int n = 0, rest = 0;
    bool ok = c != NULL && fits(aad, plain) && random_bytes(out, NONCE_BYTES) &&
              EVP_EncryptInit_ex2(c, EVP_aes_256_gcm(), key, out, NULL) == 1 &&
              add_aad(c, EVP_EncryptUpdate, aad) &&
              (plain.len == 0 ||
               EVP_EncryptUpdate(c, text, &n, (const uint8_t *)plain.ptr, (int)plain.len) == 1) &&
              EVP_EncryptFinal_ex(c, text + n, &rest) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, text + plain.len) == 1;
    EVP_CIPHER_CTX_free(c); /* wipes its key */
    return ok;
}

bool aead_open(const uint8_t key[KEY_BYTES], aead_aad aad, bb_str sealed, uint8_t *out) {
    if (sealed.len < NONCE_BYTES + TAG_BYTES || !fits(aad, sealed))
        return false;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    const uint8_t *nonce = (const uint8_t *)sealed.ptr, *text = nonce + NONCE_BYTES;
    size_t len = sealed.len - NONCE_BYTES - TAG_BYTES;
    uint8_t tag[TAG_BYTES];
    int n = 0, rest = 0;
    memcpy(tag, text + len, sizeof tag);
    bool ok = c != NULL && EVP_DecryptInit_ex2(c, EVP_aes_256_gcm(), key, nonce, NULL) == 1 &&
              add_aad(c, EVP_DecryptUpdate, aad) &&
              (len == 0 || EVP_DecryptUpdate(c, out, &n, text, (int)len) == 1) &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
              EVP_DecryptFinal_ex(c, out + n, &rest) == 1;
    EVP_CIPHER_CTX_free(c);
    if (!ok)
        OPENSSL_cleanse(out, len);
    return ok;
}
