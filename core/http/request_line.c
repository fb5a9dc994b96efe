/* The request line (RFC 9112 section 3): method, target in its four forms, version. */
#include "http/request_parser.h"

/* No blank, no control character, nothing beyond ASCII and no fragment: what a URI may not hold and what
 * proxies are known to read differently. */
static bool target_is_clean(bb_str target) {
    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '#')
            return false;
    }
    return target.len > 0;
}

static bool take_word(bb_str *rest, bb_str *word) {
    const char *blank = memchr(rest->ptr, ' ', rest->len);
    if (blank == NULL)
        return false;
    *word = str_of(rest->ptr, (size_t)(blank - rest->ptr));
    *rest = str_of(blank + 1, rest->len - word->len - 1);
    return true;
}

static void split_query(request_parser *p, bb_str path) {
    const char *mark = path.len > 0 ? memchr(path.ptr, '?', path.len) : NULL;
    p->query = (bb_str){NULL, 0};
    if (mark != NULL) {
        p->query = str_of(mark + 1, path.len - (size_t)(mark - path.ptr) - 1);
        path.len = (size_t)(mark - path.ptr);
    }
    p->path = path.len > 0 ? path : STR("/");
}

/* "http://host:port/path?query": RFC 9112 section 3.2.2. User information is an error (RFC 9110
 * section 4.2.4). */
static parse_result absolute_form(request_parser *p) {
    bb_str rest = p->target;
    static const bb_str schemes[] = {{"http://", 7}, {"https://", 8}};
    size_t skip = 0;
    for (size_t i = 0; i < 2; i++)
        if (rest.len >= schemes[i].len && str_eq_nocase(str_of(rest.ptr, schemes[i].len), schemes[i]))
            skip = schemes[i].len;
    if (skip == 0)
        return request_refuse(p, REFUSE_BAD_REQUEST, "the request target is no path and no http URI");
    rest = str_of(rest.ptr + skip, rest.len - skip);
    size_t n = 0;
    while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?')
        n++;
    if (n == 0 || memchr(rest.ptr, '@', n) != NULL)
        return request_refuse(p, REFUSE_BAD_REQUEST, "the request target's host is missing or not valid");
    split_query(p, str_of(rest.ptr + n, rest.len - n));
    return PARSE_DONE;
}

static parse_result parse_target(request_parser *p) {
    if (!target_is_clean(p->target))
        return request_refuse(p, REFUSE_BAD_REQUEST,
                              "the request target has characters that must be percent-encoded");
    if (str_eq(p->method, STR("CONNECT")))
        return request_refuse(p, REFUSE_NOT_IMPLEMENTED, "this server is no proxy: CONNECT is not offered");
    if (p->target.ptr[0] == '/') {
        split_query(p, p->target);
        return PARSE_DONE;
    }
    if (str_eq(p->target, STR("*")) && str_eq(p->method, STR("OPTIONS"))) {
        split_query(p, STR("/"));
        return PARSE_DONE;
    }
    return absolute_form(p);
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static parse_result parse_version(request_parser *p, bb_str version) {
    if (version.len != 8 || memcmp(version.ptr, "HTTP/", 5) != 0 || !is_digit(version.ptr[5]) ||
        version.ptr[6] != '.' || !is_digit(version.ptr[7]))
        return request_refuse(p, REFUSE_BAD_REQUEST, "the request line does not end with HTTP/1.1");
    if (version.ptr[5] != '1')
        return request_refuse(p, REFUSE_VERSION, NULL);
    p->minor = version.ptr[7] > '0'; /* a later minor version is spoken to as 1.1 (RFC 9110 section 2.5) */
    return PARSE_DONE;
}

parse_result request_line_parse(request_parser *p, bb_str line) {
    bb_str rest = line;
    if (!take_word(&rest, &p->method) || p->method.len == 0 || !take_word(&rest, &p->target))
        return request_refuse(p, REFUSE_BAD_REQUEST, "the request line is not METHOD TARGET HTTP/1.1");
    for (size_t i = 0; i < p->method.len; i++)
        if (!request_is_token_char((unsigned char)p->method.ptr[i]))
            return request_refuse(p, REFUSE_BAD_REQUEST, "the request's method is not a token");
    if (parse_version(p, rest) == PARSE_REFUSED)
        return PARSE_REFUSED;
    return parse_target(p);
}
