/* Listening sockets: addresses understood and refused, one hub a port, one socket a loop. */
#include "http/server.h"
#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void refuses(bb_str address, const char *says) {
    int fds[2];
    err e = {0};
    ck_assert_uint_eq(http_bind(address, fds, 2, &e), 0);
    ck_assert_msg(strstr(e.text, says) != NULL, "%s", e.text);
}

static void check_socket(int fd, int family, uint16_t port) {
    struct sockaddr_storage a;
    socklen_t size = sizeof a;
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    ck_assert_int_eq(a.ss_family, family);
    ck_assert_uint_eq(ntohs(((struct sockaddr_in *)&a)->sin_port), port); /* at the same place in IPv6 */
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

static void binds(bb_str address, int family) {
    int fds[3];
    err e = {0};
    uint16_t port = http_bind(address, fds, 3, &e);
    ck_assert_msg(port != 0, "%s", e.text);
    for (int i = 0; i < 3; i++) {
        check_socket(fds[i], family, port);
        ck_assert_int_eq(listen(fds[i], 8), 0);
    }
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

static bool has_ipv6(void) {
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

START_TEST(addresses_are_bound) {
    binds(STR("127.0.0.1:0"), AF_INET);
    binds(STR("localhost:0"), AF_INET);
    if (has_ipv6())
        binds(STR("[::1]:0"), AF_INET6);
    else
        printf("SKIP addresses_are_bound/ipv6: this machine has no ::1\n");
}
END_TEST

START_TEST(what_is_no_address_is_refused) {
    static const char *const bad[] = {
        "",        ":8420",           "127.0.0.1",       "127.0.0.1:", "127.0.0.1:x",
        "1.2.3:x", "127.0.0.1:65536", "127.0.0.1:-1",    "::1:80",     "[::1]",
        "[]:80",   "example.com:80",  "127.0.0.1:080808"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuses(str_from(bad[i]), "127.0.0.1:8420");
    refuses(STR("192.0.2.1:0"), "no interface"); /* TEST-NET-1: nobody's */
}
END_TEST

START_TEST(a_second_hub_is_told) {
    int fds[2];
    err e = {0};
    uint16_t port = http_bind(STR("127.0.0.1:0"), fds, 2, &e);
    ck_assert_uint_ne(port, 0);
    char address[32], says[160];
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    snprintf(says, sizeof says, "%s is in use by another program; stop it or choose another port (--listen;",
             address);
    refuses(str_from(address), says);
    close(fds[0]);
    close(fds[1]);
    ck_assert_uint_eq(http_bind(str_from(address), fds, 2, &e), port);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* Each connection lands at one of the sockets, and over many connections at all of them. */
START_TEST(brothers_share_the_port) {
    int fds[2], clients[64];
    err e = {0};
    uint16_t port = http_bind(STR("127.0.0.1:0"), fds, 2, &e);
    ck_assert_uint_ne(port, 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(listen(fds[i], 64), 0);
        ck_assert_int_eq(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
    }
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < 64; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(clients[i], (struct sockaddr *)&to, sizeof to), 0);
    }
    int seen[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        for (int fd; (fd = accept(fds[i], NULL, NULL)) >= 0; seen[i]++)
            close(fd);
    ck_assert_int_eq(seen[0] + seen[1], 64);
    ck_assert_int_gt(seen[0], 0);
    ck_assert_int_gt(seen[1], 0);
    for (int i = 0; i < 64; i++)
        close(clients[i]);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

UNIT_MAIN(unit_test(addresses_are_bound), unit_test(what_is_no_address_is_refused),
          unit_test(a_second_hub_is_told), unit_test(brothers_share_the_port))
