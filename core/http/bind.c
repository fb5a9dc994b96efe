/* Sockets to listen on: one for each loop, all on one address, and nobody else's. */
#include "http/server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEYS "--listen; listen and tls_listen in busbar.conf"

typedef struct listen_address {
    struct sockaddr_storage sa;
    socklen_t size;
} listen_address;

static bool malformed(bb_str address, err *e) {
    return err_set(e,
                   "\"%.*s\" is no address to listen on: give a numeric address and a port, such as "
                   "127.0.0.1:8420, [::1]:8420 or localhost:8420",
                   STR_FMT(address));
}

/* "HOST:PORT" into two C strings; brackets around an IPv6 address are taken off. */
static bool split(bb_str address, char host[64], char port[8]) {
    size_t n = address.len;
    while (n > 0 && address.ptr[n - 1] != ':')
        n--;
    if (n < 2)
        return false;
    bb_str name = str_of(address.ptr, n - 1), digits = str_of(address.ptr + n, address.len - n);
    uint64_t number;
    if (!str_to_u64(digits, &number) || number > 65535 || digits.len > 5)
        return false;
    bool bracketed = name.len > 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']';
    if (bracketed)
        name = str_of(name.ptr + 1, name.len - 2);
    else if (memchr(name.ptr, ':', name.len) != NULL)
        return false;
    if (name.len >= 64 || memchr(name.ptr, '\0', name.len) != NULL)
        return false;
    if (!bracketed && str_eq_nocase(name, STR("localhost")))
        name = STR("127.0.0.1");
    snprintf(host, 64, "%.*s", STR_FMT(name));
    snprintf(port, 8, "%u", (unsigned)number);
    return true;
}

static bool resolve(bb_str address, listen_address *out, err *e) {
    char host[64], port[8];
    struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM,
                                            .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    if (!split(address, host, port) || getaddrinfo(host, port, &hints, &found) != 0)
        return malformed(address, e);
    memcpy(&out->sa, found->ai_addr, found->ai_addrlen);
    out->size = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

static uint16_t port_of(const listen_address *a) {
    return ntohs(a->sa.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&a->sa)->sin6_port
                                             : ((const struct sockaddr_in *)&a->sa)->sin_port);
}

static bool refused(bb_str address, int reason, err *e) {
    if (reason == EADDRINUSE)
        return err_set(e, "%.*s is in use by another program; stop it or choose another port (" KEYS ")",
                       STR_FMT(address));
    if (reason == EACCES)
        return err_set(e,
                       "%.*s: ports below 1024 are not allowed to this user; choose a higher port "
                       "(" KEYS ") or grant CAP_NET_BIND_SERVICE",
                       STR_FMT(address));
    if (reason == EADDRNOTAVAIL)
        return err_set(e, "%.*s: no interface of this machine has that address; choose another (" KEYS ")",
                       STR_FMT(address));
    return err_set(e, "cannot listen on %.*s: %s", STR_FMT(address), strerror(reason));
}

static bool set(int fd, int level, int option) {
    int one = 1;
    return setsockopt(fd, level, option, &one, sizeof one) == 0;
}

/* SO_REUSEADDR: a restart does not wait for the old connections' TIME_WAIT. IPV6_V6ONLY: the address means
 * what it says, whatever the machine's default. */
static int open_socket(const listen_address *a) {
    int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (!set(fd, SOL_SOCKET, SO_REUSEADDR) ||
        (a->sa.ss_family == AF_INET6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY))) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The first socket is bound and listens without SO_REUSEPORT, which fails where anybody, another hub too,
 * listens on the port; only then is it opened to its brothers. So there is no moment in which two hubs could
 * share it. */
static int bind_exclusively(listen_address *a) {
    int fd = open_socket(a);
    if (fd < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)&a->sa, a->size) == 0 && listen(fd, SOMAXCONN) == 0 &&
        getsockname(fd, (struct sockaddr *)&a->sa, &a->size) == 0 && set(fd, SOL_SOCKET, SO_REUSEPORT))
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static int bind_brother(const listen_address *a) {
    int fd = open_socket(a);
    if (fd < 0)
        return -1;
    if (set(fd, SOL_SOCKET, SO_REUSEPORT) && bind(fd, (const struct sockaddr *)&a->sa, a->size) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

uint16_t http_bind(bb_str address, int *fds, unsigned count, err *e) {
    listen_address a;
    if (!resolve(address, &a, e))
        return 0;
    for (unsigned i = 0; i < count; i++) {
        fds[i] = i == 0 ? bind_exclusively(&a) : bind_brother(&a);
        if (fds[i] < 0) {
            refused(address, errno, e);
            while (i > 0)
                close(fds[--i]);
            return 0;
        }
    }
    return port_of(&a);
}
