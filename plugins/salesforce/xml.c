/* xml.c - the reader of xml.h. https://www.w3.org/TR/xml/ */
#include "xml.h"

static xml_event bad(xml_reader *r, const char *why) {
    r->wrong = why;
    return XML_BAD;
}

static int starts(const xml_reader *r, const char *what) {
    size_t n = strlen(what);
    return r->document.len - r->at >= n && memcmp(r->document.ptr + r->at, what, n) == 0;
}

/* Moves behind the next `what`. 0: there is none. */
static int skip_past(xml_reader *r, const char *what) {
    size_t n = strlen(what);
    for (; r->document.len - r->at >= n; r->at++) {
        if (!starts(r, what))
            continue;
        r->at += n;
        return 1;
    }
    return 0;
}

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(xml_reader *r) {
    while (r->at < r->document.len && is_blank(r->document.ptr[r->at]))
        r->at++;
}

static char here(const xml_reader *r) {
    return r->at < r->document.len ? r->document.ptr[r->at] : '\0';
}

/* --- names -------------------------------------------------------------------------------------------- */

/* Bytes beyond ASCII pass: whether they are letters is nobody's concern here. */
static int in_name(char c) {
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == ':' || (unsigned char)c >= 0x80;
}

static bb_str read_name(xml_reader *r) {
    bb_str name = {r->document.ptr + r->at, 0};
    while (r->at < r->document.len && in_name(r->document.ptr[r->at]))
        r->at++;
    name.len = (size_t)(r->document.ptr + r->at - name.ptr);
    return name;
}

static bb_str without_prefix(bb_str name) {
    const char *colon = name.len > 0 ? (const char *)memchr(name.ptr, ':', name.len) : NULL;
    if (colon != NULL) {
        name.len -= (size_t)(colon + 1 - name.ptr);
        name.ptr = colon + 1;
    }
    return name;
}

/* --- text --------------------------------------------------------------------------------------------- */

/* Char of XML 1.0, section 2.2. */
static int is_char(uint32_t c) {
    return c == 0x9 || c == 0xa || c == 0xd || (c >= 0x20 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd) ||
           (c >= 0x10000 && c <= 0x10ffff);
}

static void put_utf8(xml_reader *r, uint32_t c) {
    if (c < 0x80) {
        *r->to++ = (char)c;
    } else if (c < 0x800) {
        *r->to++ = (char)(0xc0 | (c >> 6));
        *r->to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *r->to++ = (char)(0xe0 | (c >> 12));
        *r->to++ = (char)(0x80 | ((c >> 6) & 0x3f));
        *r->to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *r->to++ = (char)(0xf0 | (c >> 18));
        *r->to++ = (char)(0x80 | ((c >> 12) & 0x3f));
        *r->to++ = (char)(0x80 | ((c >> 6) & 0x3f));
        *r->to++ = (char)(0x80 | (c & 0x3f));
    }
}

static int digit_of(char c, int hex) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return hex && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "&#233;", "&#xe9;": never fewer bytes than what they stand for. */
static int read_number(xml_reader *r) {
    int hex = r->at + 2 < r->document.len && r->document.ptr[r->at + 2] == 'x', d;
    uint32_t c = 0;
    size_t digits = 0;
    for (r->at += hex ? 3 : 2; (d = digit_of(here(r), hex)) >= 0 && digits < 8; r->at++, digits++)
        c = c * (hex ? 16 : 10) + (uint32_t)d;
    if (digits == 0 || here(r) != ';' || !is_char(c))
        return 0;
    r->at++;
    put_utf8(r, c);
    return 1;
}

static int read_entity(xml_reader *r) {
    static const struct {
        const char *name;
        char means;
    } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    if (starts(r, "&#"))
        return read_number(r);
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        if (!starts(r, entities[i].name))
            continue;
        *r->to++ = entities[i].means;
        r->at += strlen(entities[i].name);
        return 1;
    }
    return 0;
}

/* Line ends are LF, section 2.11. 0: a control character. */
static int put_byte(xml_reader *r, char c) {
    if (c == '\r' && r->at + 1 < r->document.len && r->document.ptr[r->at + 1] == '\n')
        return 1;
    *r->to++ = c == '\r' ? '\n' : c;
    return (unsigned char)c >= 0x20 || is_blank(c);
}

static xml_event read_text(xml_reader *r) {
    r->text.ptr = r->to;
    while (r->at < r->document.len && here(r) != '<') {
        if (here(r) == '&') {
            if (!read_entity(r))
                return bad(r, "an entity that is not one of the five, or no character");
            continue;
        }
        if (!put_byte(r, here(r)))
            return bad(r, "a control character");
        r->at++;
    }
    r->text.len = (size_t)(r->to - r->text.ptr);
    return XML_TEXT;
}

static xml_event read_cdata(xml_reader *r) {
    r->text.ptr = r->to;
    for (r->at += 9; r->at < r->document.len && !starts(r, "]]>"); r->at++)
        if (!put_byte(r, here(r)))
            return bad(r, "a control character");
    r->text.len = (size_t)(r->to - r->text.ptr);
    r->at += 3;
    return r->at <= r->document.len ? XML_TEXT : bad(r, "it ends within CDATA");
}

/* --- tags --------------------------------------------------------------------------------------------- */

/* name="value" each, up to the tag's end. 0: something else. */
static int skip_attributes(xml_reader *r) {
    for (skip_blanks(r); in_name(here(r)) && r->at < r->document.len; skip_blanks(r)) {
        char quote;
        read_name(r);
        skip_blanks(r);
        if (here(r) != '=')
            return 0;
        r->at++;
        skip_blanks(r);
        quote = here(r);
        if (quote != '"' && quote != '\'')
            return 0;
        for (r->at++; r->at < r->document.len && here(r) != quote; r->at++)
            if (here(r) == '<')
                return 0;
        if (r->at == r->document.len)
            return 0;
        r->at++;
    }
    return 1;
}

static xml_event read_open(xml_reader *r) {
    bb_str name;
    r->at++;
    name = read_name(r);
    if (name.len == 0 || (r->depth == 0 && r->root_seen))
        return bad(r, name.len == 0 ? "a tag without a name" : "more than one root");
    r->attributes.ptr = r->document.ptr + r->at;
    if (!skip_attributes(r))
        return bad(r, "attributes that are none");
    r->attributes.len = (size_t)(r->document.ptr + r->at - r->attributes.ptr);
    r->empty = here(r) == '/';
    r->at += r->empty != 0;
    if (here(r) != '>')
        return bad(r, "a tag that does not end");
    r->at++;
    if (r->depth == XML_DEPTH)
        return bad(r, "it is nested too deep");
    r->stack[r->depth++] = name;
    r->root_seen = 1;
    r->name = without_prefix(name);
    return XML_OPEN;
}

static xml_event close_top(xml_reader *r) {
    r->empty = 0;
    r->name = without_prefix(r->stack[--r->depth]);
    return XML_CLOSE;
}

static xml_event read_close(xml_reader *r) {
    bb_str name;
    r->at += 2;
    name = read_name(r);
    skip_blanks(r);
    if (here(r) != '>' || r->depth == 0 || name.len != r->stack[r->depth - 1].len ||
        memcmp(name.ptr, r->stack[r->depth - 1].ptr, name.len) != 0)
        return bad(r, "a closing tag that fits no open one");
    r->at++;
    return close_top(r);
}

/* --- the document ------------------------------------------------------------------------------------- */

void xml_begin(xml_reader *r, bb_str document, char *text) {
    memset(r, 0, sizeof *r);
    r->document = document;
    r->to = text;
    if (starts(r, "\xef\xbb\xbf"))
        r->at += 3;
}

/* <?xml version="1.0" encoding="UTF-8"?>, at the very beginning. 0: another encoding, or it does not end. */
static int skip_declaration(xml_reader *r) {
    bb_str encoding;
    r->at += 5;
    r->attributes.ptr = r->document.ptr + r->at;
    if (!skip_attributes(r) || !starts(r, "?>"))
        return 0;
    r->attributes.len = (size_t)(r->document.ptr + r->at - r->attributes.ptr);
    encoding = xml_attribute(r, "encoding");
    r->at += 2;
    return encoding.ptr == NULL ||
           (encoding.len == 5 && (encoding.ptr[0] | 32) == 'u' && (encoding.ptr[1] | 32) == 't' &&
            (encoding.ptr[2] | 32) == 'f' && encoding.ptr[3] == '-' && encoding.ptr[4] == '8');
}

static xml_event next_outside(xml_reader *r) {
    skip_blanks(r);
    if (r->at == r->document.len)
        return r->root_seen ? XML_END : bad(r, "it is empty");
    return here(r) == '<' ? XML_TEXT : bad(r, "text outside of the root");
}

xml_event xml_next(xml_reader *r) {
    if (r->wrong != NULL)
        return XML_BAD;
    if (r->empty)
        return close_top(r);
    if (!r->root_seen && starts(r, "<?xml ") && !skip_declaration(r))
        return bad(r, "its encoding is not UTF-8, or its declaration is none");
    for (;;) {
        xml_event outside = r->depth == 0 ? next_outside(r) : XML_TEXT;
        if (outside != XML_TEXT)
            return outside;
        if (!starts(r, "<!--"))
            break;
        r->at += 4;
        if (!skip_past(r, "-->"))
            return bad(r, "a comment that does not end");
    }
    if (r->at == r->document.len)
        return bad(r, "it ends too early");
    if (here(r) != '<')
        return read_text(r);
    if (starts(r, "<![CDATA[") && r->depth > 0)
        return read_cdata(r);
    if (starts(r, "<!") || starts(r, "<?"))
        return bad(r, "a document type or processing instruction, which are not taken");
    return starts(r, "</") ? read_close(r) : read_open(r);
}

bb_str xml_attribute(const xml_reader *r, const char *name) {
    xml_reader in = {.document = r->attributes};
    for (skip_blanks(&in); in.at < in.document.len; skip_blanks(&in)) {
        bb_str found = read_name(&in), value;
        char quote;
        if (found.len == 0 || !skip_past(&in, "="))
            break;
        skip_blanks(&in);
        quote = here(&in);
        value.ptr = in.document.ptr + ++in.at;
        while (in.at < in.document.len && here(&in) != quote)
            in.at++;
        value.len = (size_t)(in.document.ptr + in.at - value.ptr);
        in.at++;
        if (bb_str_eq(without_prefix(found), name))
            return value;
    }
    return bb_s(NULL);
}
