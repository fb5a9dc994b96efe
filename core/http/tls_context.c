/* tls_context.c - certificate, key and trusted signers from their files, and how TLS is spoken. */
#include "http/tls.h"

#include "base/file.h"
#include "http/tls_link.h"
#include "http/tls_tickets.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES (4u << 20) /* most of a file: a bundle of all public roots has a quarter of a MiB */
#define CLIENT_CHAIN_BYTES (32u << 10)

/* Forward secrecy and authenticated encryption only (RFC 9325 section 4.2); TLS 1.3 has no others. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"

struct tls_context {
    SSL_CTX *ssl;
    tls_tickets *tickets;
    atomic_uint refs;
    int64_t not_after;
    bool asks;
};

/* --- errors ------------------------------------------------------------------------------------------- */

static const char *library_reason(void) {
    const char *text = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return text != NULL ? text : "the file is damaged";
}

/* The last "PEM: no start line" is how a list of certificates ends. */
static bool at_end_of_list(void) {
    unsigned long last = ERR_peek_last_error();
    bool end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    if (end)
        ERR_clear_error();
    return end;
}

/* Nobody is there to be asked. */
static int no_passphrase(char *to, int size, int writing, void *asked) {
    (void)to, (void)size, (void)writing;
    *(bool *)asked = true;
    return -1;
}

/* --- certificates --------------------------------------------------------------------------------------
 */

typedef bool (*take_certificate)(SSL_CTX *ssl, X509 *x, size_t index);

/* The context keeps a reference of its own to each. */
static bool take_own(SSL_CTX *ssl, X509 *x, size_t index) {
    return index == 0 ? SSL_CTX_use_certificate(ssl, x) == 1 : SSL_CTX_add1_chain_cert(ssl, x) == 1;
}

static bool take_signer(SSL_CTX *ssl, X509 *x, size_t index) {
    (void)index;
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), x) == 1 && SSL_CTX_add_client_CA(ssl, x) == 1;
}

static bool read_certificates(SSL_CTX *ssl, const char *key, const char *path, take_certificate take,
                              err *e) {
    buf text;
    buf_init(&text);
    if (!file_read(path, FILE_BYTES, &text, NULL, e)) {
        buf_free(&text);
        return err_prefix(e, "%s: ", key);
    }
    BIO *in = BIO_new_mem_buf(text.ptr != NULL ? text.ptr : "", (int)text.len);
    size_t n = 0;
    bool ok = in != NULL, asked = false;
    ERR_clear_error();
    for (X509 *x; ok && (x = PEM_read_bio_X509(in, NULL, no_passphrase, &asked)) != NULL; n++) {
        ok = take(ssl, x, n);
        X509_free(x);
    }
    bool whole = at_end_of_list() || ERR_peek_error() == 0;
    if (!ok || !whole)
        ok = err_set(e, "%s: %s: certificate %zu cannot be used: %s", key, path, ok ? n + 1 : n,
                     library_reason());
    else if (n == 0)
        ok = err_set(e, "%s: %s holds no certificate: it is a PEM file, -----BEGIN CERTIFICATE-----", key,
                     path);
    BIO_free(in);
    buf_free(&text);
    return ok;
}

/* --- the key ------------------------------------------------------------------------------------------- */

/* Into memory that is taken once: growing would leave pieces of the key behind. One byte more shows a file
 * that has become longer meanwhile. */
static bool read_all(int fd, size_t size, buf *out) {
    ssize_t n = 1;
    if (size > FILE_BYTES || !buf_reserve(out, size + 1))
        return false;
    while (n > 0 && out->len <= size) {
        n = read(fd, out->ptr + out->len, size + 1 - out->len);
        out->len += n > 0 ? (size_t)n : 0;
    }
    return n == 0;
}

static bool read_secret(const char *path, buf *out, err *e) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_set(e, "tls_key: %s cannot be read: %s", path, strerror(errno));
    bool ok;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        ok = err_set(e, "tls_key: %s is no regular file", path);
    else if ((st.st_mode & 077) != 0)
        ok = err_set(e, "tls_key: %s: others can read or write the key (mode %03o): chmod 600 it", path,
                     (unsigned)st.st_mode & 0777);
    else
        ok = read_all(fd, (size_t)st.st_size, out) ||
             err_set(e, "tls_key: %s cannot be read, has just been changed, or is too large for a key", path);
    close(fd);
    return ok;
}

static bool read_key(SSL_CTX *ssl, const tls_files *files, err *e) {
    buf text;
    bool asked = false;
    buf_init(&text);
    if (!read_secret(files->key, &text, e)) {
        buf_wipe(&text);
        return false;
    }
    BIO *in = BIO_new_mem_buf(text.ptr != NULL ? text.ptr : "", (int)text.len);
    ERR_clear_error();
    EVP_PKEY *key = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, &asked) : NULL;
    BIO_free(in);
    buf_wipe(&text);
    if (key == NULL && asked)
        return err_set(e,
                       "tls_key: %s is protected by a passphrase, which nobody is there to type: "
                       "openssl pkey -in %s -out NEW writes it without one",
                       files->key, files->key);
    if (key == NULL)
        return err_set(e, "tls_key: %s holds no private key: it is a PEM file, -----BEGIN PRIVATE KEY-----",
                       files->key);
    bool ok = SSL_CTX_use_PrivateKey(ssl, key) == 1 && SSL_CTX_check_private_key(ssl) == 1;
    EVP_PKEY_free(key);
    return ok || err_set(e, "tls_key: %s is not the key of the first certificate in %s: %s", files->key,
                         files->certificate, library_reason());
}

/* --- the context ------------------------------------------------------------------------------------------
 */

/* RFC 7301 section 3.2: where the client names protocols and ours is not among them, the handshake ends. */
static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *n, const unsigned char *in,
                           unsigned int len, void *unused) {
    (void)ssl, (void)unused;
    static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
    unsigned char *found;
    if (SSL_select_next_proto(&found, n, ours, sizeof ours - 1, in, len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = found;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_up(SSL_CTX *ssl) {
    static const unsigned char name[] = "busbar"; /* of what tickets are for: one context, one hub */
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* Between requests nothing is held, and a write may be of bytes that lie elsewhere by now. */
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF); /* tickets: nothing to keep, nothing to lock */
    SSL_CTX_set_num_tickets(ssl, 1);
    SSL_CTX_set_timeout(ssl, TLS_TICKETS_S); /* of one ticket; in TLS 1.3 each use gives another */
    SSL_CTX_set_alpn_select_cb(ssl, select_protocol, NULL);
    SSL_CTX_set_max_cert_list(ssl, CLIENT_CHAIN_BYTES);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ssl, CIPHERS) == 1 &&
           SSL_CTX_set_session_id_context(ssl, name, sizeof name - 1) == 1;
}

/* What stands in the file is trusted, be it a root, one below a root, or a client's own certificate. No
 * tickets: one for the other a client could go on for ever by what it proved once, without its key. */
static bool ask_clients(SSL_CTX *ssl, const tls_files *files, err *e) {
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET); /* of TLS 1.2 */
    SSL_CTX_set_num_tickets(ssl, 0);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | (files->client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       NULL);
    X509_STORE_set_flags(SSL_CTX_get_cert_store(ssl), X509_V_FLAG_PARTIAL_CHAIN);
    return read_certificates(ssl, "tls_client_ca", files->client_ca, take_signer, e);
}

static int64_t end_of(const X509 *x) {
    struct tm t;
    return x != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(x), &t) == 1 ? (int64_t)timegm(&t) : 0;
}

tls_context *tls_context_new(const tls_files *files, err *e) {
    tls_context *c = calloc(1, sizeof *c);
    SSL_CTX *ssl = c != NULL ? SSL_CTX_new(TLS_server_method()) : NULL;
    tls_tickets *tickets = ssl != NULL ? tls_tickets_new(ssl) : NULL;
    bool ok = tickets != NULL && set_up(ssl);
    if (!ok)
        err_set(e, "TLS cannot be set up: %s", c == NULL ? "no memory" : library_reason());
    ok = ok && read_certificates(ssl, "tls_certificate", files->certificate, take_own, e) &&
         read_key(ssl, files, e) && (files->client_ca == NULL || ask_clients(ssl, files, e));
    if (!ok) {
        SSL_CTX_free(ssl);
        tls_tickets_free(tickets);
        free(c);
        return NULL;
    }
    c->ssl = ssl;
    c->tickets = tickets;
    atomic_init(&c->refs, 1);
    c->not_after = end_of(SSL_CTX_get0_certificate(ssl));
    c->asks = files->client_ca != NULL;
    return c;
}

tls_context *tls_context_ref(tls_context *c) {
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void tls_context_unref(tls_context *c) {
    if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1)
        return;
    SSL_CTX_free(c->ssl);
    tls_tickets_free(c->tickets);
    free(c);
}

int64_t tls_context_not_after(const tls_context *c) {
    return c->not_after;
}

bool tls_context_asks(const tls_context *c) {
    return c->asks;
}

SSL_CTX *tls_context_ssl(const tls_context *c) {
    return c->ssl;
}
