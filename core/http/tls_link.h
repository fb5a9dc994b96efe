/* tls_link.h - one connection's TLS (RFC 8446; RFC 5246 for 1.2), on bytes: knows nothing of sockets.
 *
 * Ciphertext is read where the caller has it, as much as is asked for, and the rest is kept only on demand:
 * what a link holds is one record (RFC 8446 section 5.2: 16 KiB and 256 bytes), and nothing between requests.
 * What is to be sent is added to the caller's buffer, which several links may share: it is sent, or taken
 * over, before another link is used.
 *
 * Thread: the loop's. */
#ifndef HTTP_TLS_LINK_H
#define HTTP_TLS_LINK_H

#include "base/buf.h"
#include "http/server.h"
#include "http/tls.h"

typedef struct tls_link tls_link;

typedef enum {
    TLS_DATA,  /* there is some; of a handshake: it is done */
    TLS_MORE,  /* more ciphertext is needed */
    TLS_END,   /* the peer has said that it sends no more (close_notify) */
    TLS_FAILED /* tls_link_reason tells why; the alert, if any, is in the buffer */
} tls_result;

tls_link *tls_link_new(tls_context *c, buf *out); /* NULL: no memory */
void tls_link_free(tls_link *t);                  /* NULL is fine */

/* Ciphertext from the peer; the bytes stay where they are until tls_link_keep, or until tls_link_read says
 * TLS_MORE. All that was given before has been read. */
void tls_link_give(tls_link *t, bb_str bytes);
/* Copies what has not been read yet: the bytes given may go. False: no memory. */
bool tls_link_keep(tls_link *t);
/* How much memory that has taken. */
size_t tls_link_kept(const tls_link *t);
/* Whether something can be read, or might, without more from the peer. */
bool tls_link_pending(const tls_link *t);

tls_result tls_link_handshake(tls_link *t);
bool tls_link_ready(const tls_link *t); /* the handshake is done */
tls_result tls_link_read(tls_link *t, char *to, size_t cap, size_t *n);
/* False: failed, or no memory. */
bool tls_link_write(tls_link *t, bb_str data);
/* close_notify. After a failure, and before the handshake is done, nothing. */
void tls_link_end(tls_link *t);

/* ASCII, for people; static, or the library's. */
const char *tls_link_reason(const tls_link *t);

/* Whom the peer has proved to be; NULL: it has shown no certificate, or one that does not hold any more: it
 * has ended since, or the signers of `now`, the context in force, do not vouch for it. The link's;
 * http_certificate_ref makes it last. */
http_certificate *tls_link_certificate(tls_link *t, tls_context *now);
/* Whether it has shown one at all. */
bool tls_link_shows(const tls_link *t);

/* tls_peer.c. NULL: no memory. */
struct x509_st;
http_certificate *http_certificate_new(struct x509_st *x);
http_certificate *http_certificate_ref(http_certificate *c);
void http_certificate_unref(http_certificate *c); /* NULL is fine */

/* tls_context.c: of tls_link.c alone */
struct ssl_ctx_st *tls_context_ssl(const tls_context *c);

#endif
