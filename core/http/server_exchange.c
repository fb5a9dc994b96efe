/* Exchanges: what a handler may ask of a request, and their pool. */
#include "http/server_internal.h"

#include <stdlib.h>

http_exchange *exchange_take(connection *c) {
    http_server *s = c->server;
    http_exchange *x = s->free_exchanges;
    if (x != NULL) {
        s->free_exchanges = x->next;
        s->free_exchange_count--;
    } else {
        x = malloc(sizeof *x + s->limits.max_headers * sizeof x->fields[0]);
        if (x == NULL)
            return NULL;
        x->server = s;
        x->memory = NULL;
    }
    x->connection = c;
    x->next = NULL;
    x->gone = NULL;
    x->orphan = NULL;
    x->certificate = NULL;
    x->held = 0;
    request_parser_init(&x->parser, x->fields, s->limits.max_headers, s->limits.max_header_bytes);
    atomic_fetch_add_explicit(&s->exchanges, 1, memory_order_relaxed);
    return x;
}

void exchange_release(http_exchange *x) {
    http_server *s = x->server;
    server_free_buffer(s, x->orphan, x->orphan_size);
    x->orphan = NULL;
    if (x->certificate != NULL)
        http_certificate_unref(x->certificate);
    s->buffered -= x->held;
    x->held = 0;
    atomic_fetch_sub_explicit(&s->exchanges, 1, memory_order_relaxed);
    if (s->free_exchange_count == SERVER_POOL) {
        arena_free(x->memory);
        free(x);
        return;
    }
    if (x->memory != NULL)
        arena_reset(x->memory);
    x->next = s->free_exchanges;
    s->free_exchanges = x;
    s->free_exchange_count++;
}

const http_request *http_exchange_request(const http_exchange *x) {
    return &x->request;
}

struct arena *http_exchange_arena(http_exchange *x) {
    return x->memory;
}

bool http_exchange_hold(http_exchange *x, uint64_t bytes) {
    http_server *s = x->server;
    if (bytes <= SERVER_BUFFER)
        return true;
    if (bytes > s->limits.max_buffered_bytes || s->buffered > s->limits.max_buffered_bytes - bytes)
        return false;
    s->buffered += bytes;
    x->held += bytes;
    return true;
}

void http_exchange_on_gone(http_exchange *x, void (*gone)(http_exchange *x, void *ctx), void *ctx) {
    x->gone = gone;
    x->gone_ctx = ctx;
    if (x->connection == NULL && gone != NULL) {
        x->gone = NULL;
        gone(x, ctx);
    }
}

bb_str http_request_header(const http_request *r, bb_str name) {
    for (size_t i = 0; i < r->header_count; i++)
        if (r->headers[i].name.len == name.len && str_eq_nocase(r->headers[i].name, name))
            return r->headers[i].value;
    return (bb_str){NULL, 0};
}

/* Decodes "+" and "%41" into memory of the arena; a "%" that begins no such triple stands for itself. */
static bool decode(arena *a, bb_str text, bb_str *out) {
    char *to = arena_alloc(a, text.len + 1);
    if (to == NULL)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int high = c == '%' && text.len - i > 2 ? str_hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? str_hex_digit(text.ptr[i + 2]) : -1;
        if (low >= 0)
            i += 2;
        to[n++] = low >= 0 ? (char)(high << 4 | low) : c == '+' ? ' ' : c;
    }
    to[n] = '\0';
    *out = str_of(to, n);
    return true;
}

static bool is_plain(bb_str text) {
    return text.len == 0 ||
           (memchr(text.ptr, '%', text.len) == NULL && memchr(text.ptr, '+', text.len) == NULL);
}

/* The next part from `rest`: its name, decoded, and its value as it came. False: there is none. */
static bool next_parameter(arena *a, bb_str *rest, bb_str *name, bb_str *value) {
    if (!str_split(rest, '&', name))
        return false;
    const char *sign = name->len > 0 ? memchr(name->ptr, '=', name->len) : NULL;
    *value = STR("");
    if (sign != NULL) {
        *value = str_of(sign + 1, name->len - (size_t)(sign - name->ptr) - 1);
        name->len = (size_t)(sign - name->ptr);
    }
    return is_plain(*name) || decode(a, *name, name);
}

bool http_exchange_query(http_exchange *x, bb_str name, bb_str *value) {
    bb_str rest = x->request.query, key, text;
    while (next_parameter(x->memory, &rest, &key, &text)) {
        if (!str_eq(key, name))
            continue;
        *value = text;
        return is_plain(text) || decode(x->memory, text, value);
    }
    return false;
}

bool http_exchange_query_next(http_exchange *x, bb_str *rest, bb_str *name) {
    bb_str value;
    while (next_parameter(x->memory, rest, name, &value))
        if (name->len > 0)
            return true;
    return false;
}
