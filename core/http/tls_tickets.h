/* tls_tickets.h - the keys that session tickets are made with (RFC 5077; RFC 8446 section 4.6.1): changed
 * every hour, and good for one more. Whoever learns one reads no more of what was recorded in TLS 1.2 than
 * that. Where clients are asked for certificates there are no tickets. */
#ifndef HTTP_TLS_TICKETS_H
#define HTTP_TLS_TICKETS_H

#include <stdbool.h>

#define TLS_TICKETS_S 3600

struct ssl_ctx_st;
typedef struct tls_tickets tls_tickets;

/* Has `ssl` make its tickets with these, which live as long as it. NULL: no memory. */
tls_tickets *tls_tickets_new(struct ssl_ctx_st *ssl);
void tls_tickets_free(tls_tickets *t); /* NULL is fine. After the context, and all that was made of it */

#endif
