/* client_failure.c - what libcurl's result codes mean for a call: was there an answer, and may the request
 * have been seen? */
#include "http/client_internal.h"

#include <stdio.h>

void client_refused(http_transfer *t, const char *address, const char *what) {
    t->guarded = true;
    snprintf(t->failure, sizeof t->failure, "%s is %s", address, what);
}

/* An address that was let pass, and failed, is what a person wants to know of. */
static bool was_refused(const http_transfer *t, CURLcode code) {
    return t->guarded && (code == CURLE_ABORTED_BY_CALLBACK || (code == CURLE_COULDNT_CONNECT && !t->opened));
}

static http_failure failure_of(const http_transfer *t, CURLcode code) {
    if (t->too_large)
        return HTTP_FAIL_TOO_LARGE;
    if (t->no_memory)
        return HTTP_FAIL_OTHER;
    if (was_refused(t, code))
        return HTTP_FAIL_REFUSED;
    if (t->failure[0] != '\0' && !t->guarded)
        return HTTP_FAIL_FLOW;
    switch (code) {
    case CURLE_OK: return HTTP_FAIL_NONE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED: return HTTP_FAIL_CONNECT;
    case CURLE_OPERATION_TIMEDOUT: return HTTP_FAIL_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_INITFAILED: return HTTP_FAIL_TLS;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND: /* a kept-alive connection turned out dead, and the body cannot be had twice
                                  */
    case CURLE_ABORTED_BY_CALLBACK: return HTTP_FAIL_EMPTY; /* see on_start */
    case CURLE_RECV_ERROR: return t->header_count > 0 ? HTTP_FAIL_TRUNCATED : HTTP_FAIL_EMPTY;
    case CURLE_PARTIAL_FILE: return HTTP_FAIL_TRUNCATED;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* an answer without a status line is taken for HTTP/0.9 */
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return HTTP_FAIL_GARBAGE;
    default: return HTTP_FAIL_OTHER;
    }
}

void client_failure(const http_transfer *t, CURLcode code, http_answer *out) {
    long sent = 0;
    curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
    out->failure = failure_of(t, code);
    out->sent = sent > 0;
    if (out->failure == HTTP_FAIL_NONE)
        return;
    const char *text = t->detail[0] != '\0' ? t->detail : curl_easy_strerror(code);
    if (t->too_large)
        text = "the answer is larger than max_response allows";
    else if (t->failure[0] != '\0' && (!t->guarded || out->failure == HTTP_FAIL_REFUSED))
        text = t->failure;
    else if (t->no_memory)
        text = "no memory for the answer";
    else if (code == CURLE_OUT_OF_MEMORY) /* what libcurl says of a line of a header that is too long, too */
        text = "no memory for the answer, or a header field of over 100 KB in it";
    else if (code == CURLE_ABORTED_BY_CALLBACK)
        text = "the connection was closed before an answer came";
    snprintf(out->detail, sizeof out->detail, "%.*s", (int)sizeof out->detail - 1, text);
}
