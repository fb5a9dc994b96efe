/* guard.h - which addresses a request may reach whose URL was given by somebody else (a subscription's, say):
 * by it nobody is to get at what only this machine, or its network, can reach.
 *
 * The address is looked at where it is used: libcurl's socket is not opened for one that is refused, and a
 * request does not go out on a connection to one. So no second lookup of a name can give another answer, and
 * it does not matter how the address was written.
 *
 * Refused is whatever is not a public unicast address: by IANA's registries of special-purpose addresses (RFC
 * 6890), and by the IPv4 address that an IPv6 one carries (mapped, NAT64). Ways to tunnel IPv4 that are out
 * of use are refused as such (compatible, 6to4, Teredo, ISATAP). An address of this machine, though public,
 * is refused too: its firewall takes us for a friend. */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include "base/arena.h"
#include "base/err.h"

#include <stdatomic.h>
#include <sys/socket.h>

/* A range of addresses, as "10.1.0.0/16", "fd00::/8". IPv4 ones are kept as ::ffff:0:0/96. */
typedef struct http_range {
    uint8_t address[16];
    uint8_t bits; /* of 128 */
} http_range;

typedef struct http_ranges {
    const http_range *items;
    size_t count;
} http_ranges;

typedef struct http_guard {
    http_ranges deny;  /* in any case: public addresses of one's own network, say */
    http_ranges allow; /* in spite of what they are */
    bool plain;        /* http:// too, not https:// alone */
    /* What is in force instead, and stays as long as this does; NULL: these are. Set once, or again, by any
     * thread: who has been given this is bound by the other at once. */
    _Atomic(const struct http_guard *) replaced_by;
} http_guard;

/* "127.0.0.0/8, ::1, 10.0.0.0/8": ranges or single addresses, with commas or blanks between. Bits behind the
 * prefix must be zero. In `a`. [any-thread] */
bool http_ranges_read(arena *a, bb_str text, http_ranges *out, err *e);
/* Whether one of them has this address, given as text (a zone behind "%" is passed over). [any-thread] */
bool http_ranges_have(const http_ranges *r, const char *address);

/* Whether a socket may be connected there. NULL: it may; else what it is, "a private address". Families other
 * than IPv4 and IPv6 are refused. */
const char *http_guard_refuses(const http_guard *g, const struct sockaddr *address);
/* The same of a connection that stands, by the addresses of both its ends as text. */
const char *http_guard_refuses_connection(const http_guard *g, const char *address, const char *own);

/* The same of the URL's scheme, which rules that came later may not have. */
const char *http_guard_refuses_scheme(const http_guard *g, const char *url);

/* What can be said of a URL before any name is looked up: https (or http where plain), a host, no user
 * information, no fragment, no blanks, and where the host is an address in whatever notation, one that is
 * allowed. False: *e says what to write instead. */
bool http_guard_url(const http_guard *g, const char *url, err *e);

#endif
