/* tls_link.c - OpenSSL between two runs of bytes: a BIO of our own reads from the one and adds to the other,
 * so that nothing is copied that need not be. */
#include "http/tls_link.h"

#include "base/clock.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

struct tls_link {
    SSL *ssl;
    tls_context *context; /* lives as long: the library calls for its tickets' keys */
    buf *out;
    bb_str in;  /* not read yet */
    char *kept; /* where `in` points to memory of ours, of this size */
    size_t kept_size;
    http_certificate *certificate;
    tls_context *judge; /* the context whose signers were asked last */
    const char *reason;
    bool failed, vouched; /* vouched: they know the certificate */
};

/* --- the BIO ---------------------------------------------------------------------------------------------
 */

static int take(BIO *b, char *to, size_t cap, size_t *n) {
    tls_link *t = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    *n = cap < t->in.len ? cap : t->in.len;
    if (*n == 0) {
        BIO_set_retry_read(b);
        return 0;
    }
    memcpy(to, t->in.ptr, *n);
    t->in = str_of(t->in.ptr + *n, t->in.len - *n);
    return 1;
}

static int put(BIO *b, const char *bytes, size_t len, size_t *n) {
    tls_link *t = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    buf_add(t->out, bytes, len);
    *n = t->out->failed ? 0 : len;
    return !t->out->failed;
}

static long control(BIO *b, int command, long number, void *pointer) {
    (void)b, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH; /* there is nothing to flush: that has been done */
}

static int begin(BIO *b) {
    BIO_set_init(b, 1);
    return 1;
}

static BIO_METHOD *method;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_method(void) {
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bytes");
    if (m != NULL && BIO_meth_set_read_ex(m, take) && BIO_meth_set_write_ex(m, put) &&
        BIO_meth_set_ctrl(m, control) && BIO_meth_set_create(m, begin))
        method = m; /* the process's, to its end */
    else
        BIO_meth_free(m);
}

/* --- a link ------------------------------------------------------------------------------------------------
 */

tls_link *tls_link_new(tls_context *c, buf *out) {
    pthread_once(&once, make_method);
    tls_link *t = calloc(1, sizeof *t);
    BIO *bytes = method != NULL ? BIO_new(method) : NULL;
    if (t != NULL && bytes != NULL)
        t->ssl = SSL_new(tls_context_ssl(c));
    if (t == NULL || t->ssl == NULL) {
        BIO_free(bytes);
        free(t);
        ERR_clear_error();
        return NULL;
    }
    t->context = tls_context_ref(c);
    t->out = out;
    BIO_set_data(bytes, t);
    SSL_set_bio(t->ssl, bytes, bytes); /* owns it */
    SSL_set_accept_state(t->ssl);
    return t;
}

void tls_link_free(tls_link *t) {
    if (t == NULL)
        return;
    SSL_free(t->ssl);
    tls_context_unref(t->context);
    tls_context_unref(t->judge);
    http_certificate_unref(t->certificate);
    free(t->kept);
    free(t);
}

static void forget_kept(tls_link *t) {
    free(t->kept);
    t->kept = NULL;
    t->kept_size = 0;
}

void tls_link_give(tls_link *t, bb_str bytes) {
    forget_kept(t);
    t->in = bytes;
}

bool tls_link_keep(tls_link *t) {
    if (t->in.len == 0) {
        forget_kept(t);
        return true;
    }
    if (t->kept != NULL)
        return true;
    t->kept = malloc(t->in.len);
    if (t->kept == NULL) {
        t->in.len = 0;
        return false;
    }
    memcpy(t->kept, t->in.ptr, t->in.len);
    t->in.ptr = t->kept;
    t->kept_size = t->in.len;
    return true;
}

size_t tls_link_kept(const tls_link *t) {
    return t->kept_size;
}

bool tls_link_pending(const tls_link *t) {
    return t->in.len > 0 || SSL_pending(t->ssl) > 0;
}

bool tls_link_ready(const tls_link *t) {
    return SSL_is_init_finished(t->ssl);
}

/* --- what comes of a function of the library
 * ----------------------------------------------------------------
 */

static const char *reason_of(const tls_link *t) {
    long verified = SSL_get_verify_result(t->ssl);
    if (verified != X509_V_OK)
        return X509_verify_cert_error_string(verified);
    const char *text = ERR_reason_error_string(ERR_peek_error());
    return text != NULL ? text : "the connection is broken";
}

static tls_result result_of(tls_link *t, int returned) {
    int what = SSL_get_error(t->ssl, returned);
    if (what == SSL_ERROR_WANT_READ)
        return TLS_MORE;
    if (what == SSL_ERROR_ZERO_RETURN)
        return TLS_END;
    t->failed = true;
    t->reason = reason_of(t);
    ERR_clear_error();
    return TLS_FAILED;
}

/* The library's errors are the thread's, and must be none before a function is called (SSL_get_error(3)). */
tls_result tls_link_handshake(tls_link *t) {
    if (t->failed)
        return TLS_FAILED;
    ERR_clear_error();
    int returned = SSL_do_handshake(t->ssl);
    return returned == 1 ? TLS_DATA : result_of(t, returned);
}

tls_result tls_link_read(tls_link *t, char *to, size_t cap, size_t *n) {
    *n = 0;
    if (t->failed)
        return TLS_FAILED;
    ERR_clear_error();
    int returned = SSL_read_ex(t->ssl, to, cap, n);
    return returned == 1 ? TLS_DATA : result_of(t, returned);
}

bool tls_link_write(tls_link *t, bb_str data) {
    size_t n = 0;
    if (t->failed)
        return false;
    if (data.len == 0)
        return true;
    ERR_clear_error();
    int returned = SSL_write_ex(t->ssl, data.ptr, data.len, &n);
    if (returned == 1 && n == data.len)
        return true;
    if (result_of(t, returned) != TLS_FAILED) { /* a write that waits for the peer: there is none */
        t->failed = true;
        t->reason = "the connection is broken";
    }
    return false;
}

void tls_link_end(tls_link *t) {
    if (t->failed || !tls_link_ready(t))
        return;
    ERR_clear_error();
    SSL_shutdown(t->ssl);
    ERR_clear_error();
}

const char *tls_link_reason(const tls_link *t) {
    return t->reason != NULL ? t->reason : "";
}

/* --- whom the peer has proved to be -----------------------------------------------------------------------
 */

/* As the library does it in a handshake (SSL_CTX_set_verify(3)), of the chain that was shown in ours. */
static bool is_vouched_for(const tls_link *t, X509 *shown, const tls_context *by) {
    if (!tls_context_asks(by))
        return false;
    SSL_CTX *ssl = tls_context_ssl(by);
    X509_STORE_CTX *v = X509_STORE_CTX_new();
    bool ok = v != NULL && X509_STORE_CTX_init(v, SSL_CTX_get_cert_store(ssl), shown,
                                               SSL_get_peer_cert_chain(t->ssl)) == 1;
    if (ok) {
        X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(v), SSL_CTX_get_security_level(ssl));
        ok = X509_STORE_CTX_set_default(v, "ssl_client") == 1 && X509_verify_cert(v) == 1;
    }
    X509_STORE_CTX_free(v);
    ERR_clear_error();
    return ok;
}

/* The handshake asked the signers of the link's own context. */
static void ask_signers(tls_link *t, X509 *shown, tls_context *now) {
    if (t->judge == now)
        return;
    t->vouched = t->context == now ? SSL_get_verify_result(t->ssl) == X509_V_OK
                                   : is_vouched_for(t, shown, now);
    tls_context_unref(t->judge);
    t->judge = tls_context_ref(now);
}

http_certificate *tls_link_certificate(tls_link *t, tls_context *now) {
    X509 *shown = tls_link_ready(t) ? SSL_get0_peer_certificate(t->ssl) : NULL;
    if (shown == NULL)
        return NULL;
    ask_signers(t, shown, now);
    if (t->vouched && t->certificate == NULL)
        t->certificate = http_certificate_new(shown);
    bool good = t->vouched && t->certificate != NULL &&
                t->certificate->not_after > (int64_t)(clock_wall_ms() / 1000);
    return good ? t->certificate : NULL;
}

bool tls_link_shows(const tls_link *t) {
    return tls_link_ready(t) && SSL_get0_peer_certificate(t->ssl) != NULL;
}
