#include "http/guard.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <strings.h>

/* --- ranges ----------------------------------------------------------------------------------------- */

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96, RFC 4291 section 2.5.5.2 */
static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};    /* 64:ff9b::/96, RFC 6052 section 2.1 */

static bool in_range(const uint8_t address[16], const uint8_t prefix[16], unsigned bits) {
    unsigned bytes = bits / 8, rest = bits % 8;
    return memcmp(address, prefix, bytes) == 0 &&
           (rest == 0 || ((address[bytes] ^ prefix[bytes]) >> (8 - rest)) == 0);
}

static bool have(const http_ranges *r, const uint8_t address[16]) {
    for (size_t i = 0; i < r->count; i++)
        if (in_range(address, r->items[i].address, r->items[i].bits))
            return true;
    return false;
}

/* IPv4 as ::ffff:a.b.c.d. False: neither IPv4 nor IPv6. */
static bool from_text(bb_str text, uint8_t out[16], bool *v4) {
    char copy[INET6_ADDRSTRLEN];
    const char *zone = text.len > 0 ? memchr(text.ptr, '%', text.len) : NULL;
    size_t len = zone != NULL ? (size_t)(zone - text.ptr) : text.len;
    if (len == 0 || len >= sizeof copy)
        return false;
    memcpy(copy, text.ptr, len);
    copy[len] = '\0';
    memcpy(out, mapped, sizeof mapped);
    *v4 = inet_pton(AF_INET, copy, out + 12) == 1;
    return *v4 || inet_pton(AF_INET6, copy, out) == 1;
}

static bool from_sockaddr(const struct sockaddr *address, uint8_t out[16]) {
    memcpy(out, mapped, sizeof mapped);
    if (address->sa_family == AF_INET)
        memcpy(out + 12, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    else if (address->sa_family == AF_INET6)
        memcpy(out, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    else
        return false;
    return true;
}

static bool read_range(bb_str text, http_range *out, err *e) {
    bb_str rest = text, address;
    uint64_t bits = 128;
    bool v4 = false;
    if (!str_split(&rest, '/', &address) || !from_text(address, out->address, &v4) ||
        memchr(text.ptr, '%', text.len) != NULL)
        return err_set(e,
                       "\"%.*s\" is no address and no range of addresses, as 10.0.0.0/8 or fd00::/8 would be",
                       STR_FMT(text));
    if (address.len < text.len && (!str_to_u64(rest, &bits) || bits > (v4 ? 32 : 128)))
        return err_set(e, "\"%.*s\": behind the \"/\" is how many bits of the address count, 0 to %d",
                       STR_FMT(text), v4 ? 32 : 128);
    if (v4 && address.len < text.len)
        bits += 96;
    for (unsigned i = (unsigned)bits; i < 128; i++)
        if ((out->address[i / 8] >> (7 - i % 8) & 1) != 0)
            return err_set(e, "\"%.*s\" has bits set behind its prefix: is the prefix too short?",
                           STR_FMT(text));
    out->bits = (uint8_t)bits;
    return true;
}

bool http_ranges_read(arena *a, bb_str text, http_ranges *out, err *e) {
    http_range *items = arena_zalloc(a, (text.len / 2 + 1) * sizeof *items); /* "::" is the shortest */
    size_t n = 0;
    *out = (http_ranges){.items = items};
    if (items == NULL)
        return err_set(e, "no memory");
    for (size_t i = 0; i < text.len;) {
        size_t from = i;
        while (i < text.len && text.ptr[i] != ',' && text.ptr[i] != ' ' && text.ptr[i] != '\t' &&
               text.ptr[i] != '\n')
            i++;
        if (i > from && !read_range(str_of(text.ptr + from, i - from), &items[n++], e))
            return false;
        i += i < text.len;
    }
    out->count = n;
    return true;
}

bool http_ranges_have(const http_ranges *r, const char *address) {
    uint8_t bytes[16];
    bool v4;
    return from_text(str_from(address), bytes, &v4) && have(r, bytes);
}

/* --- what is not public ------------------------------------------------------------------------------ */

typedef struct special {
    uint8_t prefix[8];
    uint8_t bits;
    const char *what;
} special;

/* IANA's IPv4 Special-Purpose Address Registry, and what is no unicast. */
static const special special4[] = {
    {{0}, 8, "an address of \"this network\""},
    {{10}, 8, "a private address"},
    {{100, 64}, 10, "an address of a provider's own network (CGNAT)"},
    {{127}, 8, "a loopback address"},
    {{169, 254}, 16, "a link-local address, as clouds serve metadata at"},
    {{172, 16}, 12, "a private address"},
    {{192, 0, 0}, 24, "an address for protocols' own use"},
    {{192, 0, 2}, 24, "an address for documentation"},
    {{192, 88, 99}, 24, "a 6to4 relay"},
    {{192, 168}, 16, "a private address"},
    {{198, 18}, 15, "an address for benchmarks"},
    {{198, 51, 100}, 24, "an address for documentation"},
    {{203, 0, 113}, 24, "an address for documentation"},
    {{168, 63, 129, 16}, 32, "an address that a cloud's machines reach their platform at"},
    {{224}, 4, "a multicast address"},
    {{255, 255, 255, 255}, 32, "the broadcast address"},
    {{240}, 4, "a reserved address"},
};

/* Of IPv6, within 2000::/3, which alone is global unicast; and by name what lies outside. */
static const special special6[] = {
    {{0x00, 0x64, 0xff, 0x9b, 0, 1}, 48, "a NAT64 address of a network's own"},
    {{0x01, 0x00}, 64, "an address to be discarded"},
    {{0x20, 0x01, 0, 0}, 32, "a Teredo address"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "an address for documentation"},
    {{0x20, 0x01}, 23, "an address for protocols' own use"},
    {{0x20, 0x02}, 16, "a 6to4 address"},
    {{0x3f, 0xfe}, 16, "an address of the former 6bone"},
    {{0x3f, 0xff}, 20, "an address for documentation"},
    {{0x5f, 0x00}, 16, "a segment identifier"},
    {{0xfc}, 7, "a private (unique local) address"},
    {{0xfe, 0x80}, 10, "a link-local address"},
    {{0xfe, 0xc0}, 10, "a site-local address"},
    {{0xff}, 8, "a multicast address"},
};

static const char *find(const special *list, size_t n, const uint8_t *address) {
    for (size_t i = 0; i < n; i++) {
        uint8_t prefix[16] = {0};
        memcpy(prefix, list[i].prefix, sizeof list[i].prefix);
        if (in_range(address, prefix, list[i].bits))
            return list[i].what;
    }
    return NULL;
}

static const char *what_is4(const uint8_t address[4]) {
    return find(special4, sizeof special4 / sizeof special4[0], address);
}

/* ISATAP (RFC 5214 section 6.1): the interface identifier [02]00:5efe and an IPv4 address. */
static bool is_isatap(const uint8_t a[16]) {
    return (a[8] & 0xfc) == 0 && a[9] == 0 && a[10] == 0x5e && a[11] == 0xfe;
}

static const char *what_is(const uint8_t a[16]) {
    static const uint8_t zero[16] = {0};
    if (memcmp(a, mapped, sizeof mapped) == 0 || memcmp(a, nat64, sizeof nat64) == 0)
        return what_is4(a + 12);
    if (memcmp(a, zero, 16) == 0)
        return "the unspecified address";
    if (memcmp(a, zero, 15) == 0 && a[15] == 1)
        return "the loopback address";
    if (memcmp(a, zero, 12) == 0)
        return "an IPv4-compatible address";
    const char *what = find(special6, sizeof special6 / sizeof special6[0], a);
    if (what == NULL && (a[0] & 0xe0) != 0x20)
        what = "a reserved address";
    return what == NULL && is_isatap(a) ? "an ISATAP address" : what;
}

static const char *refuses(const http_guard *g, const uint8_t address[16]) {
    uint8_t carried[16];
    memcpy(carried, mapped, sizeof mapped);
    memcpy(carried + 12, address + 12, 4);
    if (have(&g->deny, address) || (memcmp(address, nat64, sizeof nat64) == 0 && have(&g->deny, carried)))
        return "an address that the hub's configuration denies";
    return have(&g->allow, address) ? NULL : what_is(address);
}

static const http_guard *in_force(const http_guard *g) {
    for (const http_guard *next;
         (next = atomic_load_explicit(&g->replaced_by, memory_order_acquire)) != NULL;)
        g = next;
    return g;
}

const char *http_guard_refuses(const http_guard *g, const struct sockaddr *address) {
    uint8_t bytes[16];
    g = in_force(g);
    return from_sockaddr(address, bytes) ? refuses(g, bytes) : "no address of the Internet";
}

const char *http_guard_refuses_connection(const http_guard *g, const char *address, const char *own) {
    uint8_t bytes[16];
    bool v4;
    if (!from_text(str_from(address), bytes, &v4))
        return "no address of the Internet";
    g = in_force(g);
    const char *what = refuses(g, bytes);
    if (what == NULL && strcmp(address, own) == 0 && !have(&g->allow, bytes))
        what = "an address of this machine";
    return what;
}

const char *http_guard_refuses_scheme(const http_guard *g, const char *url) {
    return in_force(g)->plain || strncasecmp(url, "http:", 5) != 0 ? NULL : "spoken to without TLS";
}

/* --- URLs -------------------------------------------------------------------------------------------- */

/* The host as libcurl would use it: "0x7f.1" has become "127.0.0.1", and IPv6 addresses stand in brackets. */
static bool check_host(const http_guard *g, const char *host, err *e) {
    char text[INET6_ADDRSTRLEN + 32];
    size_t len = strlen(host);
    bool bracketed = len > 2 && host[0] == '[' && host[len - 1] == ']';
    bb_str name = bracketed ? str_of(host + 1, len - 2) : str_of(host, len);
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    const char *what = NULL;
    if (str_eq_nocase(name, STR("localhost")) ||
        (name.len > 10 && str_eq_nocase(str_of(name.ptr + name.len - 10, 10), STR(".localhost")))) {
        uint8_t loopback[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
        static const uint8_t loopback6[16] = {[15] = 1};
        what = refuses(g, loopback);
        if (what != NULL && refuses(g, loopback6) == NULL)
            what = NULL;
    } else if (name.len < sizeof text) {
        struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found = NULL;
        str_put(text, sizeof text, name);
        if (getaddrinfo(text, NULL, &hints, &found) == 0) {
            what = http_guard_refuses(g, found->ai_addr);
            freeaddrinfo(found);
        }
    }
    return what == NULL ||
           err_set(e,
                   "%.*s is %s, and nothing is sent there: give a public address, or have the "
                   "admin allow this one ([webhooks] allow in busbar.conf)",
                   STR_FMT(name), what);
}

static bool is_ascii(const char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

static bool check_parts(const http_guard *g, CURLU *u, err *e) {
    char *scheme = NULL, *host = NULL, *part = NULL;
    bool ok = false;
    if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK || host[0] == '\0')
        err_set(e, "it is not a whole URL, as https://example.com/path");
    else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
        err_set(e, "it begins with %.20s://, but must with https://", scheme);
    else if (strcmp(scheme, "http") == 0 && !g->plain)
        err_set(e, "it must begin with https://: http:// is only sent to where busbar.conf says "
                   "[webhooks] plain_http = yes");
    else if (curl_url_get(u, CURLUPART_USER, &part, 0) == CURLUE_OK ||
             curl_url_get(u, CURLUPART_PASSWORD, &part, 0) == CURLUE_OK)
        err_set(e, "it has a user or a password in it: give credentials as a header");
    else if (curl_url_get(u, CURLUPART_FRAGMENT, &part, 0) == CURLUE_OK)
        err_set(e, "it has a fragment (\"#\"), which is never sent");
    else if (curl_url_get(u, CURLUPART_PORT, &part, 0) == CURLUE_OK && strcmp(part, "0") == 0)
        err_set(e, "its port is 0, at which nobody can be reached");
    else if (!is_ascii(host))
        err_set(e, "its host has letters beyond ASCII: write it in the form that DNS knows, as xn--...");
    else
        ok = check_host(g, host, e);
    curl_free(scheme);
    curl_free(host);
    curl_free(part);
    return ok;
}

bool http_guard_url(const http_guard *g, const char *url, err *e) {
    for (const unsigned char *p = (const unsigned char *)url; *p != '\0'; p++)
        if (*p <= 0x20 || *p == 0x7f || *p == '\\')
            return err_set(e, "it has a blank, a \"\\\" or a control character in it");
    const char *colon = strchr(url, ':');
    if (colon == NULL || strncmp(colon, "://", 3) != 0 || colon[3] == '/') /* libcurl takes one to three */
        return err_set(e, "it is not a whole URL, as https://example.com/path");
    g = in_force(g);
    if (strlen(url) > 8000)
        return err_set(e, "it is longer than 8000 bytes");
    CURLU *u = curl_url();
    if (u == NULL)
        return err_set(e, "no memory");
    CURLUcode code = curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    bool ok = code == CURLUE_OK ? check_parts(g, u, e)
                                : err_set(e, "it is no URL: %s", curl_url_strerror(code));
    curl_url_cleanup(u);
    return ok;
}
