#include "plugin/url.h"

static bool unreserved(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void encode_byte(buf *out, unsigned char c) {
    static const char hex[] = "0123456789ABCDEF";
    char text[3] = {'%', hex[c >> 4], hex[c & 15]};
    buf_add(out, text, 3);
}

void url_encode(buf *out, bb_str text) {
    for (size_t i = 0; i < text.len; i++) {
        size_t run = i;
        while (run < text.len && unreserved((unsigned char)text.ptr[run]))
            run++;
        buf_add(out, text.ptr + i, run - i);
        if (run < text.len)
            encode_byte(out, (unsigned char)text.ptr[run]);
        i = run;
    }
}

bool url_append(buf *out, bb_str url) {
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];
        if (c <= 0x20 || c == 0x7f || c == '#')
            return false;
        if (c < 0x80 && c != '\\') /* a "/" to some: never sent as it is */
            buf_char(out, (char)c);
        else
            encode_byte(out, c);
    }
    return true;
}

/* A segment with %2e read as ".". */
static bool is_dots(bb_str segment) {
    size_t dots = 0;
    for (size_t i = 0; i < segment.len; dots++) {
        if (segment.ptr[i] == '.')
            i++;
        else if (segment.len - i >= 3 && str_eq_nocase(str_of(segment.ptr + i, 3), STR("%2e")))
            i += 3;
        else
            return false;
    }
    return dots == 1 || dots == 2;
}

bool url_has_dot_segments(bb_str path) {
    bb_str rest = path, before_query, segment;
    if (!str_split(&rest, '?', &before_query))
        return false;
    while (str_split(&before_query, '/', &segment))
        if (is_dots(segment))
            return true;
    return false;
}

typedef struct origin {
    bool https;
    bb_str host, port;
} origin;

/* Of a name, an address or a port. Whatever else stands in an authority may be read otherwise by libcurl, for
 * which what is before an "@" is a user's name, also behind a "\\". */
static bool is_authority(bb_str text) {
    for (size_t i = 0; i < text.len; i++)
        if (!unreserved((unsigned char)text.ptr[i]) && strchr(":[]", text.ptr[i]) == NULL)
            return false;
    return text.len > 0;
}

/* Cuts a URL into its origin; *rest gets what follows the authority. */
static bool origin_of(bb_str url, origin *out, bb_str *rest) {
    out->https = str_starts(url, STR("https://"));
    if (!out->https && !str_starts(url, STR("http://")))
        return false;
    size_t skip = out->https ? 8 : 7, end = skip;
    while (end < url.len && url.ptr[end] != '/' && url.ptr[end] != '?' && url.ptr[end] != '#')
        end++;
    bb_str authority = str_of(url.ptr + skip, end - skip);
    *rest = str_of(url.ptr + end, url.len - end);
    if (!is_authority(authority))
        return false;
    size_t host = authority.len;
    for (size_t i = authority.len; i-- > 0 && authority.ptr[i] != ']';)
        if (authority.ptr[i] == ':')
            host = i;
    out->host = str_of(authority.ptr, host);
    out->port = host + 1 < authority.len ? str_of(authority.ptr + host + 1, authority.len - host - 1)
                                         : (out->https ? STR("443") : STR("80"));
    return out->host.len > 0;
}

bool url_same_origin(bb_str a, bb_str b) {
    origin x, y;
    bb_str rest;
    return origin_of(a, &x, &rest) && origin_of(b, &y, &rest) && x.https == y.https &&
           str_eq_nocase(x.host, y.host) && str_eq(x.port, y.port);
}

bool url_token_ok(bb_str s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.ptr[i];
        bool ok = (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') ||
                  (ch != 0 && strchr("!#$%&'*+-.^_`|~", ch) != NULL);
        if (!ok)
            return false;
    }
    return s.len > 0;
}

bool url_header_value_ok(bb_str value) {
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

bool url_check_base(bb_str url, err *e) {
    origin o;
    bb_str rest;
    uint64_t port;
    if (!origin_of(url, &o, &rest))
        return err_set(e, "must be a URL as https://api.example.com, without user name and password");
    if (!str_to_u64(o.port, &port) || port == 0 || port > 65535)
        return err_set(e, "has a port that is not a number from 1 to 65535");
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];
        if (c <= 0x20 || c >= 0x7f || c == '?' || c == '#' || c == '\\')
            return err_set(e, "must not have a query, a fragment, a blank or a character outside ASCII");
    }
    return true;
}
