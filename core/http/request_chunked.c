#include "http/request_chunked.h"

/* Extensions of a whole body: nobody uses them, and without a limit one byte of body could cost any number on
 * the wire. */
#define MAX_EXTENSION_BYTES 4096
#define MAX_SIZE_DIGITS 16

enum {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* at the begin of a line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
    ENDED
};

void request_chunked_init(request_chunked *d, uint64_t max_body, uint32_t max_trailer_bytes) {
    *d = (request_chunked){.state = SIZE, .max_total = max_body, .max_trailer_bytes = max_trailer_bytes};
}

static bool refuse(request_chunked *d, http_refusal refusal, const char *detail) {
    d->refusal = refusal;
    d->detail = detail;
    return false;
}

static bool bad(request_chunked *d, const char *detail) {
    return refuse(d, REFUSE_BAD_REQUEST, detail);
}

static bool is_field_char(unsigned char c) {
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

static bool on_size(request_chunked *d, unsigned char c) {
    int digit = str_hex_digit(c);
    if (digit >= 0) {
        if (d->digits == MAX_SIZE_DIGITS)
            return bad(d, "a chunk size of more than 16 digits");
        d->digits++;
        d->left = d->left << 4 | (unsigned)digit;
        return true;
    }
    if (d->digits == 0 || (c != ';' && c != '\r'))
        return bad(d, "a chunk size that is not a hexadecimal number");
    d->state = c == ';' ? EXTENSION : SIZE_LF;
    return true;
}

static bool on_extension(request_chunked *d, unsigned char c) {
    if (c == '\r') {
        d->state = SIZE_LF;
        return true;
    }
    if (!is_field_char(c))
        return bad(d, "a control character in a chunk extension");
    if (++d->extension_bytes > MAX_EXTENSION_BYTES)
        return bad(d, "chunk extensions of more than 4096 bytes");
    return true;
}

static bool on_size_end(request_chunked *d) {
    d->digits = 0;
    if (d->left == 0) {
        d->state = TRAILER;
        return true;
    }
    if (d->left > d->max_total - d->total)
        return refuse(d, REFUSE_BODY_SIZE, NULL);
    d->total += d->left;
    d->state = DATA;
    return true;
}

/* A trailer field is checked as a header field is, then forgotten. */
static bool on_trailer(request_chunked *d, unsigned char c) {
    if (++d->trailer_bytes > d->max_trailer_bytes)
        return refuse(d, REFUSE_HEADER_SIZE, "the trailer fields are over this server's limit");
    if (d->state == TRAILER && c == '\r') {
        d->state = LAST_LF;
    } else if (d->state == TRAILER_VALUE) {
        if (c == '\r')
            d->state = TRAILER_LF;
        else if (!is_field_char(c))
            return bad(d, "a control character in a trailer field");
    } else if (d->state == TRAILER_NAME && c == ':') {
        d->state = TRAILER_VALUE;
    } else if (request_is_token_char(c)) {
        d->state = TRAILER_NAME;
    } else {
        return bad(d, "a trailer line that is not a name, a colon right behind it and a value");
    }
    return true;
}

static bool expect(request_chunked *d, unsigned char c, char wanted, int next) {
    if (c != (unsigned char)wanted)
        return bad(d, "a chunk or its size does not end with CR LF");
    d->state = (uint8_t)next;
    return true;
}

static bool on_byte(request_chunked *d, unsigned char c) {
    switch (d->state) {
    case SIZE: return on_size(d, c);
    case EXTENSION: return on_extension(d, c);
    case SIZE_LF: return expect(d, c, '\n', DATA) && on_size_end(d);
    case DATA_CR: return expect(d, c, '\r', DATA_LF);
    case DATA_LF: return expect(d, c, '\n', SIZE);
    case TRAILER_LF: return expect(d, c, '\n', TRAILER);
    case LAST_LF: return expect(d, c, '\n', ENDED);
    default: return on_trailer(d, c);
    }
}

parse_result request_chunked_feed(request_chunked *d, char *data, size_t *raw, size_t raw_end, size_t *out) {
    while (*raw < raw_end && d->state != ENDED) {
        if (d->state == DATA) {
            size_t n = raw_end - *raw;
            if (n > d->left)
                n = (size_t)d->left;
            memmove(data + *out, data + *raw, n);
            *out += n;
            *raw += n;
            d->left -= n;
            if (d->left == 0)
                d->state = DATA_CR;
        } else if (!on_byte(d, (unsigned char)data[(*raw)++])) {
            return PARSE_REFUSED;
        }
    }
    return d->state == ENDED ? PARSE_DONE : PARSE_MORE;
}
