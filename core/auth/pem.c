#include "auth/pem.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

/* OpenSSL would ask on the terminal. */
static int no_passphrase(char *out, int size, int writing, void *ctx) {
    (void)out, (void)size, (void)writing, (void)ctx;
    return -1;
}

static bool contains(bb_str text, const char *part) {
    return text.len > 0 && memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static const char *reason(bb_str pem) {
    if (contains(pem, "ENCRYPTED"))
        return "the key is encrypted: remove the passphrase (openssl pkey -in KEY -out PLAIN) and keep the "
               "file, or the secret, readable by the hub alone";
    if (contains(pem, "PUBLIC KEY") || contains(pem, "BEGIN CERTIFICATE"))
        return "this is a public key or a certificate; the private key is needed";
    if (!contains(pem, "-----BEGIN"))
        return "the key is not PEM: it begins with \"-----BEGIN PRIVATE KEY-----\"";
    if (!contains(pem, "\n") && contains(pem, "\\n"))
        return "the key has \\n in place of line breaks: give it as a file or a secret with real ones";
    return "the key cannot be read: it is damaged, or of a kind that is not known";
}

EVP_PKEY *pem_private_key(bb_str pem, err *e) {
    EVP_PKEY *key = NULL;
    BIO *in = pem.len > 0 && pem.len <= INT_MAX ? BIO_new_mem_buf(pem.ptr, (int)pem.len) : NULL;
    if (in != NULL)
        key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
    BIO_free(in);
    ERR_clear_error();
    if (key == NULL)
        err_set(e, "%s", reason(pem));
    return key;
}

static bool begin(EVP_MD_CTX *ctx, EVP_PKEY *key, const char *hash, bool pss) {
    EVP_PKEY_CTX *parameters = NULL;
    if (EVP_DigestSignInit_ex(ctx, &parameters, hash, NULL, NULL, key, NULL) != 1)
        return false;
    return !pss || (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                    EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
}

bb_str pem_sign(arena *a, EVP_PKEY *key, const char *hash, bool pss, bb_str data) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const unsigned char *bytes = (const unsigned char *)(data.len > 0 ? data.ptr : "");
    bb_str signature = {NULL, 0};
    size_t n = 0;
    if (ctx != NULL && begin(ctx, key, hash, pss) && EVP_DigestSign(ctx, NULL, &n, bytes, data.len) == 1) {
        unsigned char *out = arena_alloc(a, n);
        if (out != NULL && EVP_DigestSign(ctx, out, &n, bytes, data.len) == 1)
            signature = str_of(out, n);
    }
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return signature;
}
