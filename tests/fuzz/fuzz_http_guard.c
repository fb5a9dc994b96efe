/* Ranges, addresses and URLs as people and attackers write them. The input: ranges, an address and a URL,
 * each ended by a NUL. A URL whose host is an address passes only where a socket might be opened to it. */
#include "http/guard.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *part(arena *a, bb_str *rest) {
    bb_str piece = {NULL, 0};
    str_split(rest, '\0', &piece);
    return arena_strdup(a, piece);
}

/* IPv4, and the same within IPv6, are judged alike. */
static void check_mapped(const http_guard *g, const char *address) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr.s6_addr = {[10] = 0xff, [11] = 0xff}};
    if (inet_pton(AF_INET, address, &v4.sin_addr) != 1)
        return;
    memcpy(v6.sin6_addr.s6_addr + 12, &v4.sin_addr, 4);
    if ((http_guard_refuses(g, (struct sockaddr *)&v4) == NULL) !=
        (http_guard_refuses(g, (struct sockaddr *)&v6) == NULL))
        abort();
}

static void check_accepted(const http_guard *g, const char *url) {
    CURLU *u = curl_url();
    char *host = NULL;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        abort();
    size_t len = strlen(host);
    if (len > 2 && host[0] == '[')
        host[len - 1] = '\0';
    if (getaddrinfo(host[0] == '[' ? host + 1 : host, NULL, &hints, &found) == 0) {
        if (http_guard_refuses(g, found->ai_addr) != NULL)
            abort();
        freeaddrinfo(found);
    }
    curl_free(host);
    curl_url_cleanup(u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    arena *a = arena_new(0);
    bb_str rest = str_of(data, size);
    http_guard g = {.plain = size % 2 == 0};
    err e = {""};
    const char *allow = part(a, &rest), *address = part(a, &rest), *url = part(a, &rest);
    if (!http_ranges_read(a, str_from(allow), &g.allow, &e)) {
        if (e.text[0] == '\0')
            abort();
        g.allow = (http_ranges){0};
    }
    check_mapped(&g, address);
    http_guard_refuses_connection(&g, address, address);
    e.text[0] = '\0';
    if (http_guard_url(&g, url, &e))
        check_accepted(&g, url);
    else if (e.text[0] == '\0')
        abort();
    arena_free(a);
    return 0;
}
