/* Answers: the head made of a response, and how an exchange ends. */
#include "http/server_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FEW_PARTS 16
#define SMALL_HEAD 1024

/* --- the head --------------------------------------------------------------------------------------- */

static const char *server_date(http_server *s) {
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = time(NULL);
    struct tm t;
    if (now != s->date_second && gmtime_r(&now, &t) != NULL) {
        s->date_second = now;
        snprintf(s->date, sizeof s->date, "Date: %s, %02u %s %04u %02u:%02u:%02u GMT\r\n", days[t.tm_wday],
                 (unsigned)t.tm_mday % 100, months[t.tm_mon], (unsigned)(t.tm_year + 1900) % 10000,
                 (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100);
    }
    return s->date;
}
static const char *reason(unsigned status) {
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 424: return "Failed Dependency";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return ""; /* RFC 9112 section 4: the phrase may be absent, the blank before it not */
    }
}

static char *put(char *to, const char *bytes, size_t n) {
    memcpy(to, bytes, n);
    return to + n;
}
#define PUT(to, literal) put((to), "" literal, sizeof(literal) - 1)

static char *put_number(char *to, uint64_t n) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return put(to, digits + at, sizeof digits - at);
}

/* A value from above may come from a service: a line break in it must not become a field of its own. */
static char *put_value(char *to, bb_str value) {
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        *to++ = c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
    }
    return to;
}

static bool is_field_name(bb_str name) {
    for (size_t i = 0; i < name.len; i++)
        if (!request_is_token_char((unsigned char)name.ptr[i]))
            return false;
    return name.len > 0;
}

/* Fields that are the server's own to say. */
static bool is_framing(bb_str name) {
    switch (name.len) {
    case 4: return str_eq_nocase(name, STR("Date"));
    case 10: return str_eq_nocase(name, STR("Connection")) || str_eq_nocase(name, STR("Keep-Alive"));
    case 14: return str_eq_nocase(name, STR("Content-Length"));
    case 17: return str_eq_nocase(name, STR("Transfer-Encoding"));
    default: return false;
    }
}

static size_t head_bound(const http_response *r) {
    size_t n = 256 + r->content_type.len;
    for (size_t i = 0; i < r->header_count; i++)
        n += r->headers[i].name.len + r->headers[i].value.len + 4;
    return n;
}

static bool has_content(unsigned status) {
    return status >= 200 && status != 204 && status != 304;
}

static char *put_fields(char *to, const http_response *r) {
    if (r->content_type.ptr != NULL) {
        to = PUT(to, "Content-Type: ");
        to = put_value(to, r->content_type);
        to = PUT(to, "\r\n");
    }
    for (size_t i = 0; i < r->header_count; i++) {
        const http_header *field = &r->headers[i];
        if (!is_field_name(field->name) || is_framing(field->name))
            continue;
        to = put(to, field->name.ptr, field->name.len);
        to = PUT(to, ": ");
        to = put_value(to, field->value);
        to = PUT(to, "\r\n");
    }
    return to;
}

static size_t put_head(char *to, http_server *s, const http_response *r, uint64_t length, answer_manner m) {
    const char *begin = to, *why = reason(r->status), *date = server_date(s);
    to = PUT(to, "HTTP/1.1 ");
    to = put_number(to, r->status);
    to = PUT(to, " ");
    to = put(to, why, strlen(why));
    to = PUT(to, "\r\n");
    to = put(to, date, strlen(date));
    to = put_fields(to, r);
    if (m.chunked) {
        to = PUT(to, "Transfer-Encoding: chunked\r\n");
    } else if (has_content(r->status) && !m.endless) {
        to = PUT(to, "Content-Length: ");
        to = put_number(to, length);
        to = PUT(to, "\r\n");
    }
    if (!m.keep_alive)
        to = PUT(to, "Connection: close\r\n");
    else if (m.old)
        to = PUT(to, "Connection: keep-alive\r\n");
    to = PUT(to, "\r\n");
    return (size_t)(to - begin);
}

/* --- answers ---------------------------------------------------------------------------------------- */

static bool send_answer(connection *c, const http_response *r, answer_manner m, bool *whole) {
    char small[SMALL_HEAD];
    uv_buf_t few[FEW_PARTS];
    size_t bound = head_bound(r), count = r->body_parts + 1;
    char *head = bound <= sizeof small ? small : malloc(bound);
    uv_buf_t *parts = count <= FEW_PARTS ? few : malloc(count * sizeof *parts);
    bool sent = false;
    if (head != NULL && parts != NULL) {
        uint64_t length = 0;
        for (size_t i = 0; i < r->body_parts; i++) {
            parts[i + 1] = (uv_buf_t){.base = (char *)(uintptr_t)r->body[i].ptr, .len = r->body[i].len};
            length += r->body[i].len;
        }
        parts[0] = (uv_buf_t){.base = head, .len = put_head(head, c->server, r, length, m)};
        if (m.head_only || !has_content(r->status))
            count = 1;
        c->keep_alive = m.keep_alive;
        sent = connection_send(c, parts, (unsigned)count, false, whole);
    }
    if (head != small)
        free(head);
    if (parts != few)
        free(parts);
    return sent;
}

bool answer_send_head(connection *c, const http_response *r, uint64_t length, answer_manner m, bool *whole) {
    char small[SMALL_HEAD];
    size_t bound = head_bound(r);
    char *head = bound <= sizeof small ? small : malloc(bound);
    if (head == NULL)
        return false;
    uv_buf_t part = {.base = head, .len = put_head(head, c->server, r, length, m)};
    c->keep_alive = m.keep_alive;
    bool sent = connection_send(c, &part, 1, true, whole);
    if (head != small)
        free(head);
    return sent;
}

void answer_finish(connection *c, bool sent, bool whole) {
    if (!sent) {
        connection_close(c);
    } else if (whole) {
        connection_answered(c);
    } else {
        c->state = CONNECTION_WRITING;
        c->unwritten = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
        c->deadline = loop_now_ms(c->server->loop) + c->server->limits.write_timeout_ms;
    }
}

void http_respond(http_exchange *x, const http_response *response) {
    connection *c = x->connection;
    http_server *s = x->server;
    if (c == NULL) {
        exchange_release(x);
        server_end_if_empty(s);
        return;
    }
    assert(c->state == CONNECTION_PENDING && c->exchange == x && loop_is_current(s->loop));
    assert(response->status >= 200 && response->status <= 599);
    answer_manner manner = {
        .head_only = str_eq(x->request.method, STR("HEAD")),
        .keep_alive = x->parser.keep_alive && !s->closing,
        .old = x->parser.minor == 0,
    };
    if (c->stream != NULL) {
        manner.keep_alive = manner.keep_alive && !c->stream->receiving && !c->stream->spilled;
        stream_end(c);
    }
    bool whole = false;
    bool sent = send_answer(c, response, manner, &whole);
    c->exchange = NULL;
    exchange_release(x);
    answer_finish(c, sent, whole);
}

void connection_refuse(connection *c, http_refusal refusal, const char *detail) {
    char text[512];
    bb_str body = {text, refusal_body(refusal, detail, text, sizeof text)};
    http_exchange *x = c->exchange;
    refusal_count(refusal);
    http_response response = {
        .status = refusal_status(refusal),
        .content_type = STR("application/problem+json"),
        .body = &body,
        .body_parts = 1,
    };
    answer_manner manner = {.head_only = x != NULL && str_eq(x->parser.method, STR("HEAD"))};
    bool whole = false;
    bool sent = send_answer(c, &response, manner, &whole);
    c->exchange = NULL;
    if (x != NULL)
        exchange_release(x);
    connection_drop_buffer(c);
    answer_finish(c, sent, whole);
}
