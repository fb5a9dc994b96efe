/* tls.h - what the server needs to speak TLS: certificate, key, and whose client certificates it believes.
 *
 * A context is immutable and counted: connections that have begun with one keep it when a newer one is in
 * force, but what their clients have shown is judged by the newer one's signers. */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "base/err.h"

typedef struct tls_files {
    const char *certificate; /* PEM: the server's own, then those between it and the root */
    const char *key;         /* PEM, readable by nobody else */
    const char *client_ca;   /* PEM: signers of client certificates; NULL: clients are asked for none */
    bool client_required;    /* whoever has none is refused in the handshake */
} tls_files;

typedef struct tls_context tls_context;

/* Reads the files. NULL: *e says which of them and what to do. Not for loops: it reads from the disk. */
tls_context *tls_context_new(const tls_files *files, err *e);
tls_context *tls_context_ref(tls_context *c); /* [any-thread] */
void tls_context_unref(tls_context *c);       /* [any-thread]; NULL is fine */

/* When the server's certificate ends, in seconds since 1970. */
int64_t tls_context_not_after(const tls_context *c);
/* Whether clients are asked for certificates. */
bool tls_context_asks(const tls_context *c);

#endif
