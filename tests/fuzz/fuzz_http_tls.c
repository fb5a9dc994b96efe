/* What comes from strangers before they are known: any bytes as a handshake, in pieces, and any certificate's
 * names. Checked: the end of it is a result, nothing is read beyond what was given, what is to be sent is
 * bounded, and names have no blanks or control characters and are the certificate's own memory. The first
 * byte chooses between the two, and the pieces' size. */
#undef NDEBUG /* the assertions are the test, whatever the build */
#include "http/tls_link.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *count, char ***words);

#define SENT_MAX 16384 /* hello, certificate, alert */

static tls_context *context;

/* A server's certificate of this run's own. */
int LLVMFuzzerInitialize(int *count, char ***words) {
    (void)count, (void)words;
    char certificate[] = "/tmp/fuzz-tls-cert-XXXXXX", key[] = "/tmp/fuzz-tls-key-XXXXXX";
    FILE *c = fdopen(mkstemp(certificate), "w"), *k = fdopen(mkstemp(key), "w");
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, pair);
    assert(X509_sign(x, pair, EVP_sha256()) > 0);
    assert(PEM_write_X509(c, x) == 1 && PEM_write_PrivateKey(k, pair, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(c);
    fclose(k);
    X509_free(x);
    EVP_PKEY_free(pair);
    err e = {""};
    context = tls_context_new(&(tls_files){.certificate = certificate, .key = key, .client_ca = certificate},
                              &e);
    assert(context != NULL);
    unlink(certificate);
    unlink(key);
    return 0;
}

static void shake_hands(const uint8_t *data, size_t size, size_t step) {
    buf out;
    buf_init(&out);
    tls_link *t = tls_link_new(context, &out);
    assert(t != NULL);
    tls_result r = TLS_MORE;
    for (size_t at = 0; at < size && r == TLS_MORE; at += step) {
        size_t n = size - at < step ? size - at : step;
        char *piece = malloc(n); /* of just this size: a read beyond is seen */
        assert(piece != NULL);
        memcpy(piece, data + at, n);
        tls_link_give(t, str_of(piece, n));
        r = tls_link_handshake(t);
        assert(tls_link_keep(t));
        free(piece);
        assert(r != TLS_MORE || !tls_link_pending(t));
    }
    assert(out.len < SENT_MAX);
    assert(r != TLS_FAILED || tls_link_reason(t)[0] != '\0');
    assert(tls_link_certificate(t, context) == NULL);
    tls_link_free(t);
    buf_free(&out);
}

static void read_certificate(const uint8_t *data, size_t size) {
    const unsigned char *at = data;
    X509 *x = d2i_X509(NULL, &at, (long)size);
    http_certificate *c = x != NULL ? http_certificate_new(x) : NULL;
    X509_free(x);
    ERR_clear_error();
    if (c == NULL)
        return;
    assert(c->fingerprint.len == 64);
    for (size_t i = 0; i < c->name_count; i++) {
        assert(c->names[i].value.len > 0);
        for (size_t k = 0; k < c->names[i].value.len; k++)
            assert((unsigned char)c->names[i].value.ptr[k] > ' ' && c->names[i].value.ptr[k] != 127);
    }
    for (size_t i = 0; i < c->subject.len; i++)
        assert((unsigned char)c->subject.ptr[i] >= ' ');
    http_certificate_unref(http_certificate_ref(c));
    http_certificate_unref(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    if (data[0] == 'c')
        read_certificate(data + 1, size - 1);
    else
        shake_hands(data + 1, size - 1, (size_t)data[0] + 1);
    return 0;
}
