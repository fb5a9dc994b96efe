#include "http/server_refusal.h"

#include "http/server.h"

#include <stdatomic.h>
#include <stdio.h>

static const struct {
    unsigned status;
    const char *name, *title, *detail;
} refusals[] = {
    [REFUSE_NONE] = {500, "internal", "Internal Server Error", "the request could not be handled"},
    [REFUSE_BAD_REQUEST] = {400, "bad-request", "Bad Request", "the request is not valid HTTP/1.1"},
    [REFUSE_TIMEOUT] = {408, "request-timeout", "Request Timeout", "the request did not arrive in time"},
    [REFUSE_BODY_SIZE] = {413, "body-too-large", "Content Too Large", "the body is over this server's limit"},
    [REFUSE_URI_SIZE] = {414, "uri-too-long", "URI Too Long", "the request line is over this server's limit"},
    [REFUSE_EXPECTATION] = {417, "expectation-failed", "Expectation Failed",
                            "only the expectation 100-continue is known"},
    [REFUSE_HEADER_SIZE] = {431, "header-too-large", "Request Header Fields Too Large",
                            "the header fields are over this server's limit"},
    [REFUSE_NOT_IMPLEMENTED] = {501, "not-implemented", "Not Implemented",
                                "the request needs what this server does not offer"},
    [REFUSE_CONNECTIONS] = {503, "too-many-connections", "Service Unavailable",
                            "this server holds as many connections as it may; try again later"},
    [REFUSE_MEMORY] = {503, "overloaded", "Service Unavailable",
                       "this server has no memory left for the request; try again later"},
    [REFUSE_VERSION] = {505, "version-not-supported", "HTTP Version Not Supported",
                        "this server speaks HTTP/1.1 and HTTP/1.0"},
    [REFUSE_TLS] = {400, "tls", "Bad Request", "this port speaks TLS: the URL begins with https://"},
};

static _Atomic(uint64_t) counts[sizeof refusals / sizeof refusals[0]];

void refusal_count(http_refusal r) {
    atomic_fetch_add_explicit(&counts[r], 1, memory_order_relaxed);
}

bool http_server_refused(unsigned index, const char **reason, unsigned *status, uint64_t *count) {
    if (index + 1 >= sizeof refusals / sizeof refusals[0])
        return false;
    *reason = refusals[index + 1].name;
    *status = refusals[index + 1].status;
    *count = atomic_load_explicit(&counts[index + 1], memory_order_relaxed);
    return true;
}

unsigned refusal_status(http_refusal r) {
    return refusals[r].status;
}

size_t refusal_body(http_refusal r, const char *detail, char *out, size_t size) {
    int n = snprintf(out, size,
                     "{\"type\":\"urn:busbar:problem:%s\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\"}",
                     refusals[r].name, refusals[r].title, refusals[r].status,
                     detail != NULL ? detail : refusals[r].detail);
    if (n < 0)
        return 0;
    return (size_t)n < size ? (size_t)n : size - 1;
}
