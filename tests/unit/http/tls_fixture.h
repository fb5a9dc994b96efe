/* tls_fixture.h - certificates made here, and a client whose bytes the test carries itself.
 *
 * An authority of the test's own signs the server's certificate and the clients'. A `client` is OpenSSL's
 * client side on two memory BIOs: what it has to send is taken from it, what it is to read is put into it. */
#ifndef TLS_FIXTURE_H
#define TLS_FIXTURE_H

#include "base/buf.h"
#include "http/tls_link.h"
#include "unit.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct certified {
    X509 *certificate;
    EVP_PKEY *key;
} certified;

/* --- certificates ----------------------------------------------------------------------------------- */

typedef struct wanted {
    const char *name, *organization; /* subject */
    const char *names;               /* alternative names, as of openssl.cnf; NULL: none */
    bool authority;
    long days; /* until its end; negative: that has been */
} wanted;

static inline void add_extension(X509 *x, X509 *issuer, int nid, const char *value) {
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static inline void add_word(X509_NAME *to, const char *field, const char *text) {
    if (text != NULL)
        ck_assert_int_eq(
            X509_NAME_add_entry_by_txt(to, field, MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0), 1);
}

/* Signed by `by`, or by itself. */
static inline certified certify(const certified *by, wanted w) {
    static long serial = 1;
    certified c = {X509_new(), EVP_EC_gen("P-256")};
    ck_assert(c.certificate != NULL && c.key != NULL);
    X509 *issuer = by != NULL ? by->certificate : c.certificate;
    X509_set_version(c.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c.certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c.certificate), -30 * 86400);
    X509_gmtime_adj(X509_getm_notAfter(c.certificate), (w.days != 0 ? w.days : 30) * 86400);
    X509_set_pubkey(c.certificate, c.key);
    add_word(X509_get_subject_name(c.certificate), "O", w.organization);
    add_word(X509_get_subject_name(c.certificate), "CN", w.name);
    X509_set_issuer_name(c.certificate, X509_get_subject_name(issuer));
    if (w.authority)
        add_extension(c.certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
    if (w.names != NULL)
        add_extension(c.certificate, issuer, NID_subject_alt_name, w.names);
    ck_assert_int_gt(X509_sign(c.certificate, by != NULL ? by->key : c.key, EVP_sha256()), 0);
    return c;
}

static inline void certified_free(certified *c) {
    X509_free(c->certificate);
    EVP_PKEY_free(c->key);
}

/* --- files -------------------------------------------------------------------------------------------- */

typedef struct folder {
    char path[64];
    char certificate[96], key[96], ca[96];
    certified authority, server;
} folder;

static inline void write_certificates(const char *path, const certified *first, const certified *second) {
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(PEM_write_X509(f, first->certificate), 1);
    if (second != NULL)
        ck_assert_int_eq(PEM_write_X509(f, second->certificate), 1);
    fclose(f);
}

static inline void write_key(const char *path, const certified *of, const char *passphrase) {
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(PEM_write_PKCS8PrivateKey(f, of->key, passphrase != NULL ? EVP_aes_128_cbc() : NULL,
                                               NULL, 0, NULL, (void *)(uintptr_t)passphrase),
                     1);
    fclose(f);
}

static inline void write_text(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static inline void folder_make(folder *d) {
    snprintf(d->path, sizeof d->path, "/tmp/busbar-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(d->path));
    snprintf(d->certificate, sizeof d->certificate, "%s/server.pem", d->path);
    snprintf(d->key, sizeof d->key, "%s/server.key", d->path);
    snprintf(d->ca, sizeof d->ca, "%s/ca.pem", d->path);
    d->authority = certify(NULL, (wanted){.name = "Test authority", .authority = true});
    d->server = certify(&d->authority, (wanted){.name = "localhost", .names = "DNS:localhost"});
    write_certificates(d->certificate, &d->server, &d->authority);
    write_certificates(d->ca, &d->authority, NULL);
    write_key(d->key, &d->server, NULL);
}

static inline void folder_remove(folder *d) {
    char path[128];
    static const char *const names[] = {"server.pem", "server.key", "ca.pem", "other"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", d->path, names[i]);
        unlink(path);
    }
    rmdir(d->path);
    certified_free(&d->authority);
    certified_free(&d->server);
}

/* clients: -1 they are not asked, 0 they are, 1 they must have one. */
static inline tls_context *folder_context(const folder *d, int clients) {
    err e = {""};
    const tls_files files = {.certificate = d->certificate,
                             .key = d->key,
                             .client_ca = clients >= 0 ? d->ca : NULL,
                             .client_required = clients > 0};
    tls_context *c = tls_context_new(&files, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    return c;
}

/* --- a client --------------------------------------------------------------------------------------------
 */

typedef struct client {
    SSL_CTX *ctx;
    SSL *ssl;
} client;

/* version: TLS1_3_VERSION, or 0 for any; `shows` NULL: no certificate. */
static inline client client_make(const folder *d, int version, const certified *shows) {
    client c = {.ctx = SSL_CTX_new(TLS_client_method())};
    ck_assert_ptr_nonnull(c.ctx);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(c.ctx), d->authority.certificate);
    SSL_CTX_set_verify(c.ctx, SSL_VERIFY_PEER, NULL);
    if (version != 0) {
        SSL_CTX_set_security_level(c.ctx, 0); /* so that an old version is offered at all */
        ck_assert(SSL_CTX_set_min_proto_version(c.ctx, version) == 1 &&
                  SSL_CTX_set_max_proto_version(c.ctx, version) == 1);
    }
    if (shows != NULL)
        ck_assert(SSL_CTX_use_certificate(c.ctx, shows->certificate) == 1 &&
                  SSL_CTX_use_PrivateKey(c.ctx, shows->key) == 1);
    c.ssl = SSL_new(c.ctx);
    SSL_set_bio(c.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(c.ssl), -1);
    SSL_set_connect_state(c.ssl);
    SSL_set1_host(c.ssl, "localhost");
    return c;
}

static inline void client_free(client *c) {
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    ERR_clear_error();
}

/* What it has to send, taken from it; the BIO's memory, until it is used again. */
static inline bb_str client_says(client *c) {
    char *bytes = NULL;
    long n = BIO_get_mem_data(SSL_get_wbio(c->ssl), &bytes);
    return str_of(bytes, n > 0 ? (size_t)n : 0);
}
static inline void client_said(client *c) {
    (void)BIO_reset(SSL_get_wbio(c->ssl));
}
static inline void client_hears(client *c, bb_str bytes) {
    if (bytes.len > 0)
        ck_assert_int_eq(BIO_write(SSL_get_rbio(c->ssl), bytes.ptr, (int)bytes.len), (int)bytes.len);
}

/* One step of the client's handshake, or of reading; true: it is done. */
static inline bool client_shakes(client *c) {
    ERR_clear_error();
    return SSL_do_handshake(c->ssl) == 1;
}

#endif
