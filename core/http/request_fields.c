/* The fields that concern the connection and the body's framing: Host, Content-Length, Transfer-Encoding,
 * Connection, Expect. */
#include "http/request_parser.h"

/* The next element of a comma-separated list (RFC 9110 section 5.6.1), empty ones passed over. */
static bool next_element(bb_str *rest, bb_str *element) {
    while (str_split(rest, ',', element)) {
        *element = str_trim(*element);
        if (element->len > 0)
            return true;
    }
    return false;
}

static parse_result note_length(request_parser *p, bb_str value) {
    if (p->has_length)
        return request_refuse(p, REFUSE_BAD_REQUEST, "more than one Content-Length");
    uint64_t n = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return request_refuse(p, REFUSE_BAD_REQUEST, "Content-Length is not a number");
        uint64_t digit = (uint64_t)(value.ptr[i] - '0');
        n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
    }
    if (value.len == 0)
        return request_refuse(p, REFUSE_BAD_REQUEST, "Content-Length is empty");
    p->has_length = true;
    p->content_length = n;
    return PARSE_DONE;
}

/* Several fields are one list (RFC 9110 section 5.3), so what was last in an earlier one is so no more. */
static parse_result note_coding(request_parser *p, bb_str value) {
    bb_str coding;
    p->has_coding = true;
    while (next_element(&value, &coding)) {
        if (p->chunked)
            p->chunked_not_last = true;
        if (str_eq_nocase(coding, STR("chunked")))
            p->chunked = true;
        else
            p->coding_unknown = true;
    }
    return PARSE_DONE;
}

/* What a host and port are made of; whether they are a name that exists is nobody's business here. */
static bool host_is_clean(bb_str host) {
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.ptr[i];
        if (c <= ' ' || c >= 0x7f || memchr("\"#,/<>?@\\^`{|}", c, 14) != NULL)
            return false;
    }
    return true;
}

static parse_result note_host(request_parser *p, bb_str value) {
    if (p->hosts != 0)
        return request_refuse(p, REFUSE_BAD_REQUEST, "more than one Host");
    p->hosts = 1;
    if (!host_is_clean(value))
        return request_refuse(p, REFUSE_BAD_REQUEST, "Host is not a host and port");
    return PARSE_DONE;
}

static parse_result note_connection(request_parser *p, bb_str value) {
    bb_str option;
    while (next_element(&value, &option)) {
        p->says_close |= str_eq_nocase(option, STR("close"));
        p->says_keep_alive |= str_eq_nocase(option, STR("keep-alive"));
    }
    return PARSE_DONE;
}

static parse_result note_expect(request_parser *p, bb_str value) {
    bb_str expectation;
    while (next_element(&value, &expectation)) {
        if (str_eq_nocase(expectation, STR("100-continue")))
            p->expects = true;
        else
            p->expects_unknown = true;
    }
    return PARSE_DONE;
}

parse_result request_field_note(request_parser *p, const http_header *field) {
    switch (field->name.len) { /* so that most fields cost one comparison */
    case 4: return str_eq_nocase(field->name, STR("Host")) ? note_host(p, field->value) : PARSE_DONE;
    case 6: return str_eq_nocase(field->name, STR("Expect")) ? note_expect(p, field->value) : PARSE_DONE;
    case 10:
        return str_eq_nocase(field->name, STR("Connection")) ? note_connection(p, field->value) : PARSE_DONE;
    case 14:
        return str_eq_nocase(field->name, STR("Content-Length")) ? note_length(p, field->value) : PARSE_DONE;
    case 17:
        return str_eq_nocase(field->name, STR("Transfer-Encoding")) ? note_coding(p, field->value)
                                                                    : PARSE_DONE;
    default: return PARSE_DONE;
    }
}

/* RFC 9112 section 6.1 and 6.3: whatever leaves the body's end in doubt is refused, and the connection
 * closed. */
static parse_result check_framing(request_parser *p) {
    if (!p->has_coding)
        return PARSE_DONE;
    if (p->has_length)
        return request_refuse(p, REFUSE_BAD_REQUEST, "both Content-Length and Transfer-Encoding");
    if (p->minor == 0)
        return request_refuse(p, REFUSE_BAD_REQUEST, "Transfer-Encoding in an HTTP/1.0 request");
    if (p->chunked_not_last)
        return request_refuse(p, REFUSE_BAD_REQUEST, "chunked is not the last transfer coding");
    if (p->coding_unknown)
        return request_refuse(p, REFUSE_NOT_IMPLEMENTED,
                              "chunked is the only transfer coding that is offered");
    if (!p->chunked)
        return request_refuse(p, REFUSE_BAD_REQUEST, "Transfer-Encoding is empty");
    return PARSE_DONE;
}

parse_result request_fields_check(request_parser *p) {
    if (p->minor == 1 && p->hosts == 0)
        return request_refuse(p, REFUSE_BAD_REQUEST, "Host is missing");
    if (check_framing(p) == PARSE_REFUSED)
        return PARSE_REFUSED;
    if (p->minor == 1 && p->expects_unknown)
        return request_refuse(p, REFUSE_EXPECTATION, NULL);
    p->expect_continue = p->minor == 1 && p->expects;
    p->keep_alive = !p->says_close && (p->minor == 1 || p->says_keep_alive);
    return PARSE_DONE;
}
