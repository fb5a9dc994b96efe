/* The guard of addresses: every notation of every address that nobody outside is to reach. */
#include <busbar/busbar.h>

#include "http/guard.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

static const char *refusal(const http_guard *g, const char *text) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found = NULL;
    ck_assert_msg(getaddrinfo(text, NULL, &hints, &found) == 0, "%s is no address", text);
    const char *what = http_guard_refuses(g, found->ai_addr);
    freeaddrinfo(found);
    return what;
}

/* The first and last address of each range, and its neighbours, which are public. */
START_TEST(special_addresses_are_refused) {
    static const char *const refused[] = {
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
        "100.100.100.200", "127.0.0.0", "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254",
        "169.254.170.2", "169.254.255.255", "168.63.129.16", "172.16.0.0", "172.31.255.255", "192.0.0.0",
        "192.0.0.192", "192.0.0.255", "192.0.2.0", "192.0.2.255", "192.88.99.0", "192.88.99.255",
        "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.0", "198.51.100.255",
        "203.0.113.0", "203.0.113.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.254",
        "255.255.255.255",
        /* as inet_aton takes them */
        "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "017700000001",
        "0x7f.1", "0", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376",
        /* IPv6 of its own */
        "::", "::1", "0:0:0:0:0:0:0:1", "100::1", "100:0:0:1::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254",
        "fdff:ffff::1", "fe80::1", "fe80::a9fe:a9fe", "febf:ffff::1", "fec0::1", "feff:ffff::1", "ff00::1",
        "ff02::1", "ffff::1", "2001:db8::1", "2001:db8:ffff::1", "3fff::1", "3fff:fff:ffff::1", "2001:2::1",
        "2001:10::1", "2001:1ff::1", "3ffe::1", "5f00::1", "4000::1", "6000::1", "8000::1", "c000::1", "1::1",
        "64:ff9c::808:808",
        /* IPv4 within IPv6 */
        "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0",
        "::127.0.0.1", "::7f00:1", "::8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8", "64:ff9b:1:ffff::1",
        "2002:7f00:1::", "2002:7f00:1::1", "2002:a00:1::1", "2002:808:808::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001::1", "2a00:1450::5efe:10.0.0.1",
        "2a00:1450::200:5efe:10.0.0.1", "2a00:1450::5efe:8.8.8.8"};
    static const char *const passed[] = {"1.0.0.0",
                                         "8.8.8.8",
                                         "9.255.255.255",
                                         "11.0.0.0",
                                         "100.63.255.255",
                                         "100.128.0.0",
                                         "126.255.255.255",
                                         "128.0.0.0",
                                         "169.253.255.255",
                                         "169.255.0.0",
                                         "168.63.129.15",
                                         "168.63.129.17",
                                         "172.15.255.255",
                                         "172.32.0.0",
                                         "191.255.255.255",
                                         "192.0.1.0",
                                         "192.0.3.0",
                                         "192.88.98.255",
                                         "192.88.100.0",
                                         "192.167.255.255",
                                         "192.169.0.0",
                                         "198.17.255.255",
                                         "198.20.0.0",
                                         "198.51.99.255",
                                         "198.51.101.0",
                                         "203.0.112.255",
                                         "203.0.114.0",
                                         "223.255.255.255",
                                         "2000::1",
                                         "2001:200::1",
                                         "2001:db7:ffff::1",
                                         "2001:db9::1",
                                         "2003::1",
                                         "2606:4700:4700::1111",
                                         "2a00:1450:4001::200e",
                                         "3ffd::1",
                                         "3fff:1000::1",
                                         "::ffff:8.8.8.8",
                                         "64:ff9b::8.8.8.8",
                                         "2a00:1450::1:5efe:a00:1"};
    const http_guard guard = {0};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        ck_assert_msg(refusal(&guard, refused[i]) != NULL, "%s passes", refused[i]);
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        const char *what = refusal(&guard, passed[i]);
        ck_assert_msg(what == NULL, "%s is refused as %s", passed[i], what);
    }
}
END_TEST

START_TEST(other_families_are_refused) {
    const http_guard guard = {0};
    struct sockaddr local = {.sa_family = AF_UNIX};
    ck_assert_ptr_nonnull(http_guard_refuses(&guard, &local));
}
END_TEST

static http_ranges ranges(arena *a, const char *text) {
    http_ranges out;
    err e = {""};
    ck_assert_msg(http_ranges_read(a, str_from(text), &out, &e), "%s: %s", text, e.text);
    return out;
}

START_TEST(ranges_are_read) {
    arena *a = arena_new(0);
    http_ranges r = ranges(a, "127.0.0.0/8, ::1 10.1.2.3\n fd00::/8,,192.168.4.128/25");
    ck_assert_uint_eq(r.count, 5);
    static const char *const in[] = {
        "127.255.0.1", "::1", "10.1.2.3", "fd12::1", "192.168.4.255", "::ffff:127.0.0.9", "fd12::1%eth0"};
    static const char *const out[] = {"128.0.0.1", "::2", "10.1.2.4", "fe00::1", "192.168.4.127", "x", ""};
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
        ck_assert_msg(http_ranges_have(&r, in[i]), "%s", in[i]);
    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++)
        ck_assert_msg(!http_ranges_have(&r, out[i]), "%s", out[i]);
    r = ranges(a, "");
    ck_assert_uint_eq(r.count, 0);
    r = ranges(a, "0.0.0.0/0");
    ck_assert(http_ranges_have(&r, "10.0.0.1") && !http_ranges_have(&r, "fd00::1"));
    r = ranges(a, "::/0");
    ck_assert(http_ranges_have(&r, "fd00::1"));
    arena_free(a);
}
END_TEST

START_TEST(wrong_ranges_are_named) {
    static const char *const wrong[] = {
        "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/-1",    "10.0.0.0/8/8", "10.0.0", "example.com",
        "fd00::/129",  "fd00::1/8",  "/8",        "fe80::%eth0/10", "10.0.0.0/08x", "127.1",  "1:2"};
    arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        http_ranges out;
        err e = {""};
        ck_assert_msg(!http_ranges_read(a, str_from(wrong[i]), &out, &e), "%s is taken", wrong[i]);
        ck_assert_ptr_nonnull(strstr(e.text, wrong[i]));
    }
    arena_free(a);
}
END_TEST

START_TEST(what_is_allowed_passes_and_what_is_denied_does_not) {
    arena *a = arena_new(0);
    const http_guard guard = {.allow = ranges(a, "10.0.0.0/8 fd00::/8"),
                              .deny = ranges(a, "10.66.0.0/16 8.8.8.8 2a00::/16")};
    ck_assert_ptr_null(refusal(&guard, "10.1.0.1"));
    ck_assert_ptr_null(refusal(&guard, "::ffff:10.1.0.1"));
    ck_assert_ptr_null(refusal(&guard, "fd00::1"));
    ck_assert_ptr_nonnull(refusal(&guard, "10.66.0.1"));
    ck_assert_ptr_nonnull(refusal(&guard, "::ffff:10.66.0.1"));
    ck_assert_ptr_nonnull(refusal(&guard, "8.8.8.8"));
    ck_assert_ptr_nonnull(refusal(&guard, "2a00::1"));
    ck_assert_ptr_nonnull(refusal(&guard, "192.168.0.1"));
    ck_assert_ptr_nonnull(
        refusal(&guard, "64:ff9b::10.1.0.1")); /* allowed is the address, not its translation */
    arena_free(a);
}
END_TEST

START_TEST(a_translated_address_is_denied_as_what_it_carries) {
    arena *a = arena_new(0);
    const http_guard guard = {.deny = ranges(a, "8.8.8.0/24")};
    ck_assert_ptr_nonnull(refusal(&guard, "8.8.8.8"));
    ck_assert_ptr_nonnull(refusal(&guard, "64:ff9b::8.8.8.8"));
    ck_assert_ptr_null(refusal(&guard, "64:ff9b::9.9.9.9"));
    arena_free(a);
}
END_TEST

START_TEST(a_connection_is_judged_by_both_its_ends) {
    arena *a = arena_new(0);
    const http_guard strict = {0}, allowing = {.allow = ranges(a, "8.8.8.8")};
    ck_assert_ptr_null(http_guard_refuses_connection(&strict, "8.8.8.8", "9.9.9.9"));
    ck_assert_ptr_nonnull(http_guard_refuses_connection(&strict, "8.8.8.8", "8.8.8.8"));
    ck_assert_ptr_null(http_guard_refuses_connection(&allowing, "8.8.8.8", "8.8.8.8"));
    ck_assert_ptr_nonnull(http_guard_refuses_connection(&strict, "127.0.0.1", "9.9.9.9"));
    ck_assert_ptr_nonnull(http_guard_refuses_connection(&strict, "", ""));
    arena_free(a);
}
END_TEST

START_TEST(urls_are_checked_before_they_are_kept) {
    static const char *const wrong[] = {"",
                                        "example.com",
                                        "//example.com/",
                                        "/path",
                                        "https://",
                                        "https:///path",
                                        "https:/example.com/",
                                        "http://example.com/",
                                        "ftp://example.com/",
                                        "file:///etc/passwd",
                                        ("https://b\xc3\xbc"
                                         "cher.example/"),
                                        "https://b%C3%BCcher.example/",
                                        "gopher://example.com/",
                                        "dict://example.com:11211/",
                                        "javascript:alert(1)",
                                        "https://user@example.com/",
                                        "https://user:secret@example.com/",
                                        "https://:secret@example.com/",
                                        "https://example.com/#part",
                                        "https://exa mple.com/",
                                        "https://example.com/a b",
                                        "https://example.com/\n",
                                        "https://example.com/\tx",
                                        " https://example.com/",
                                        "https://example.com\\@127.0.0.1/",
                                        "https://127.0.0.1/",
                                        "https://127.1/",
                                        "https://2130706433/",
                                        "https://0x7f.1/",
                                        "https://0177.0.0.1/",
                                        "https://017700000001/",
                                        "https://[::1]/",
                                        "https://[::ffff:127.0.0.1]/",
                                        "https://[::ffff:7f00:1]:443/",
                                        "https://[fe80::1%25eth0]/",
                                        "https://[64:ff9b::7f00:1]/",
                                        "https://127.0.0.1./",
                                        "https://169.254.169.254/latest/meta-data/",
                                        "https://0/",
                                        "https://0.0.0.0/",
                                        "https://10.1/",
                                        "https://localhost/",
                                        "https://LOCALHOST:8080/",
                                        "https://localhost./",
                                        "https://api.localhost/",
                                        "https://%31%32%37.0.0.1/",
                                        "https://[::]/",
                                        "https://192.168.1.1:22/",
                                        "https://example.com:99999/",
                                        "https://example.com:0/",
                                        "https://example.com:000/",
                                        "https://[::1",
                                        "https://exa<mple.com/"};
    static const char *const right[] = {
        "https://example.com/",           "https://example.com",
        "HTTPS://EXAMPLE.COM/x?y=z",      "https://example.com:8443/a/b?c=%20",
        "https://8.8.8.8/hook",           "https://[2606:4700:4700::1111]/",
        "https://localhost.example.com/", "https://xn--bcher-kva.example/\xc3\xbc"};
    const http_guard guard = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        err e = {""};
        ck_assert_msg(!http_guard_url(&guard, wrong[i], &e), "%s is taken", wrong[i]);
        ck_assert_msg(e.text[0] != '\0', "%s: no word", wrong[i]);
        ck_assert_ptr_null(strstr(e.text, "secret"));
    }
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        err e = {""};
        ck_assert_msg(http_guard_url(&guard, right[i], &e), "%s: %s", right[i], e.text);
    }
}
END_TEST

START_TEST(urls_may_be_plain_or_local_where_the_admin_says_so) {
    arena *a = arena_new(0);
    err e = {""};
    const http_guard guard = {.allow = ranges(a, "127.0.0.0/8"), .plain = true};
    ck_assert_msg(http_guard_url(&guard, "http://127.0.0.1:8080/x", &e), "%s", e.text);
    ck_assert_msg(http_guard_url(&guard, "http://localhost:8080/x", &e), "%s", e.text);
    ck_assert_msg(http_guard_url(&guard, "http://example.com/", &e), "%s", e.text);
    ck_assert(!http_guard_url(&guard, "http://[::1]/", &e));
    ck_assert(!http_guard_url(&guard, "ftp://127.0.0.1/", &e));
    char *text = arena_zalloc(a, 9000);
    memset(text, 'a', 8999);
    memcpy(text, "http://127.0.0.1/", 17);
    ck_assert(!http_guard_url(&guard, text, &e));
    arena_free(a);
}
END_TEST

UNIT_MAIN(unit_test(special_addresses_are_refused), unit_test(other_families_are_refused),
          unit_test(ranges_are_read), unit_test(wrong_ranges_are_named),
          unit_test(what_is_allowed_passes_and_what_is_denied_does_not),
          unit_test(a_translated_address_is_denied_as_what_it_carries),
          unit_test(a_connection_is_judged_by_both_its_ends),
          unit_test(urls_are_checked_before_they_are_kept),
          unit_test(urls_may_be_plain_or_local_where_the_admin_says_so))
