/* What a connection writes: what the socket takes at once goes out without a copy, the rest is kept until it
 * can. */
#include "http/server_internal.h"

#include <stdlib.h>

typedef struct rest { /* of an answer, that the socket did not take */
    uv_write_t request;
    output_after after;
    char bytes[];
} rest;

static void on_written(uv_write_t *request, int status) {
    rest *r = (rest *)request->data;
    connection *c = request->handle->data;
    output_after after = r->after;
    free(r);
    if (c->state == CONNECTION_CLOSED)
        return;
    if (status < 0)
        connection_close(c);
    else if (after == AFTER_ANSWER)
        connection_answered(c);
    else if (after == AFTER_INTERIM && c->stream != NULL)
        stream_written(c);
}

static bool write_rest(connection *c, const uv_buf_t *parts, unsigned count, size_t skip, size_t n,
                       output_after after) {
    rest *r = malloc(sizeof *r + n);
    if (r == NULL)
        return false;
    r->after = after;
    r->request.data = r;
    char *to = r->bytes;
    for (unsigned i = 0; i < count; i++) {
        size_t cut = skip < parts[i].len ? skip : parts[i].len;
        skip -= cut;
        if (parts[i].len > cut)
            memcpy(to, parts[i].base + cut, parts[i].len - cut);
        to += parts[i].len - cut;
    }
    uv_buf_t all = {.base = r->bytes, .len = n}; /* uv_buf_init takes 32 bits of length only */
    if (uv_write(&r->request, (uv_stream_t *)&c->tcp, &all, 1, on_written) == 0)
        return true;
    free(r);
    return false;
}

bool connection_put(connection *c, const uv_buf_t *parts, unsigned count, output_after after, bool *whole) {
    size_t total = 0;
    for (unsigned i = 0; i < count; i++)
        total += parts[i].len;
    int sent = uv_try_write((uv_stream_t *)&c->tcp, parts, count);
    if (sent < 0 && sent != UV_EAGAIN)
        return false;
    size_t out = sent > 0 ? (size_t)sent : 0;
    *whole = out == total;
    return *whole || write_rest(c, parts, count, out, total - out, after);
}

bool connection_send(connection *c, const uv_buf_t *parts, unsigned count, bool interim, bool *whole) {
    if (c->tls != NULL)
        return tls_send(c, parts, count, interim, whole);
    return connection_put(c, parts, count, interim ? AFTER_INTERIM : AFTER_ANSWER, whole);
}
