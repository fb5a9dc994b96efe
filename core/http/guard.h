/* guard.h - which addresses a request may reach whose URL was given by somebody else (a subscription's, say):
 * by it nobody is to get at what only this machine, or its network, can reach.
 *
 * The address is looked at where it is used: libcurl's socket is not opened for one that is refused, and a
 * request does not go out on a connection to one. So no second lookup of a name can give another answer, and
 * it does not matter how the address was written.
 *
 * Refused is whatever is not a public unicast address: by the registries of special-purpose addresses (RFC
 * 6890, as IANA keeps them), and IPv6 addresses by the IPv4 address that they carry (mapped, compatible,
 * translated, 6to4, Teredo, ISATAP). Allowed ranges come first. */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include "base/arena.h"
#include "base/err.h"

#include <sys/socket.h>

/* A range of addresses, as "10.1.0.0/16", "fd00::/8". IPv4 ones are kept as ::ffff:0:0/96. */
typedef struct http_range {
    uint8_t address[16];
    uint8_t bits; /* of 128 */
} http_range;

typedef struct http_guard {
    const http_range *allow; /* in spite of what they are */
    size_t allow_count;
    bool plain; /* http:// too, not https:// alone */
} http_guard;

/* "127.0.0.0/8, ::1, 10.0.0.0/8": ranges or single addresses, with commas or blanks between. Bits behind the
 * prefix must be zero. In `a`. */
bool http_guard_read(arena *a, bb_str text, http_guard *out, err *e);

/* Whether a socket may be connected there. NULL: it may; else what it is, "a private address". Families other
 * than IPv4 and IPv6 are refused. */
const char *http_guard_refuses(const http_guard *g, const struct sockaddr *address);
/* The same of an address as text, "203.0.113.7" or "2001:db8::1" (a zone behind "%" is passed over). */
const char *http_guard_refuses_text(const http_guard *g, const char *address);

/* What can be said of a URL before any name is looked up: https (or http where plain), a host, no user
 * information, no fragment, no blanks, and where the host is an address in whatever notation, one that is
 * allowed. False: *e says what to write instead. */
bool http_guard_url(const http_guard *g, const char *url, err *e);

#endif
