#include "http/request_parser.h"

#define ONES (UINT64_MAX / 255) /* 0x0101... */

/* RFC 9110 section 5.6.2, a bit a character. */
static const uint64_t token_chars[2] = {
    /* ! # $ % & ' * + - . 0-9 */
    UINT64_C(0x03ff6cfa00000000),
    /* A-Z ^ _ ` a-z | ~ */
    UINT64_C(0x57ffffffc7fffffe),
};

bool request_is_token_char(unsigned char c) {
    return c < 128 && (token_chars[c >> 6] >> (c & 63) & 1) != 0;
}

void request_parser_init(request_parser *p, http_header *fields, uint32_t max_fields, uint32_t max_bytes) {
    *p = (request_parser){.fields = fields, .max_fields = max_fields, .max_bytes = max_bytes};
}

parse_result request_refuse(request_parser *p, http_refusal refusal, const char *detail) {
    p->refusal = refusal;
    p->detail = detail;
    return PARSE_REFUSED;
}

static bool has_control(uint64_t word) {
    uint64_t below_blank = (word - ONES * 0x20) & ~word;
    uint64_t del = word ^ (ONES * 0x7f);
    del = (del - ONES) & ~del;
    return ((below_blank | del) & (ONES * 0x80)) != 0;
}

static bool is_control(unsigned char c) {
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

/* The first control character other than TAB, or `end`: eight bytes at a time. */
static const char *find_control(const char *at, const char *end) {
    for (;;) {
        uint64_t word;
        for (; end - at >= 8; at += 8) {
            memcpy(&word, at, 8);
            if (has_control(word))
                break;
        }
        const char *stop = end - at >= 8 ? at + 8 : end;
        for (; at < stop; at++)
            if (is_control((unsigned char)*at))
                return at;
        if (at == end)
            return end;
    }
}

static parse_result parse_field(request_parser *p, bb_str line) {
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return request_refuse(p, REFUSE_BAD_REQUEST, "a folded header field: fields must be on one line");
    if (p->field_count == p->max_fields)
        return request_refuse(p, REFUSE_HEADER_SIZE, "more header fields than this server takes");
    size_t n = 0;
    while (n < line.len && request_is_token_char((unsigned char)line.ptr[n]))
        n++;
    if (n == 0 || n == line.len || line.ptr[n] != ':')
        return request_refuse(p, REFUSE_BAD_REQUEST,
                              "a header line that is not a name, a colon right behind it and a value");
    http_header *field = &p->fields[p->field_count++];
    field->name = str_of(line.ptr, n);
    field->value = str_trim(str_of(line.ptr + n + 1, line.len - n - 1));
    return request_field_note(p, field);
}

static parse_result parse_line(request_parser *p, bb_str line) {
    if (p->has_line)
        return line.len == 0 ? request_fields_check(p) : parse_field(p, line);
    if (line.len == 0)
        return PARSE_MORE; /* RFC 9112 section 2.2: empty lines before the request are passed over */
    p->has_line = true;
    return request_line_parse(p, line) == PARSE_REFUSED ? PARSE_REFUSED : PARSE_MORE;
}

static parse_result too_long(request_parser *p) {
    return p->has_line ? request_refuse(p, REFUSE_HEADER_SIZE, NULL)
                       : request_refuse(p, REFUSE_URI_SIZE, NULL);
}

parse_result request_parser_feed(request_parser *p, const char *data, size_t len) {
    const char *end = data + (len < p->max_bytes ? len : p->max_bytes);
    for (;;) {
        const char *at = find_control(data + p->scan, end);
        if (at < end && (*at != '\r' || (end - at >= 2 && at[1] != '\n')))
            return request_refuse(p, REFUSE_BAD_REQUEST,
                                  "a control character in the header; lines end with CR LF");
        if (end - at < 2) {
            p->scan = (uint32_t)(at - data);
            return len >= p->max_bytes ? too_long(p) : PARSE_MORE;
        }
        bb_str line = str_of(data + p->line, (size_t)(at - data) - p->line);
        bool last = p->has_line && line.len == 0;
        p->line = p->scan = (uint32_t)(at - data) + 2;
        parse_result result = parse_line(p, line);
        if (result == PARSE_REFUSED || last)
            return result;
    }
}

static void rebase(bb_str *slice, const char *from, uint32_t len, const char *to) {
    uintptr_t offset = (uintptr_t)slice->ptr - (uintptr_t)from;
    if (offset < len) /* else absent, or a constant: the path of an absolute target without one */
        slice->ptr = to + offset;
}

void request_parser_rebase(request_parser *p, const char *from, const char *to) {
    rebase(&p->method, from, p->line, to);
    rebase(&p->target, from, p->line, to);
    rebase(&p->path, from, p->line, to);
    rebase(&p->query, from, p->line, to);
    for (uint32_t i = 0; i < p->field_count; i++) {
        rebase(&p->fields[i].name, from, p->line, to);
        rebase(&p->fields[i].value, from, p->line, to);
    }
}
