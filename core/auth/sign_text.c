#include "auth/sign_text.h"

#include "plugin/host_crypto.h"
#include "plugin/url.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* --- the URL ---------------------------------------------------------------------------------------- */

/* Cuts the scheme's own port, as the Host field is sent without it. */
static bb_str without_own_port(bb_str authority, bool https) {
    bb_str own = https ? STR(":443") : STR(":80");
    if (str_ends(authority, own))
        authority.len -= own.len;
    else if (str_ends(authority, STR(":")))
        authority.len--;
    return authority;
}

bool sign_url_read(bb_str url, sign_url *out) {
    *out = (sign_url){.path = STR("/")};
    bool http = url.len > 7 && str_eq_nocase(str_of(url.ptr, 7), STR("http://"));
    out->https = url.len > 8 && str_eq_nocase(str_of(url.ptr, 8), STR("https://"));
    if ((!http && !out->https) || memchr(url.ptr, '#', url.len) != NULL)
        return false;
    size_t start = out->https ? 8 : 7, end = start;
    while (end < url.len && url.ptr[end] != '/' && url.ptr[end] != '?' && url.ptr[end] != '\\')
        end++;
    bb_str authority = str_of(url.ptr + start, end - start);
    if (authority.len == 0 || memchr(authority.ptr, '@', authority.len) != NULL)
        return false;
    out->host = without_own_port(authority, out->https);
    bb_str rest = str_of(url.ptr + end, url.len - end);
    const char *mark = rest.len > 0 ? memchr(rest.ptr, '?', rest.len) : NULL;
    size_t path = mark != NULL ? (size_t)(mark - rest.ptr) : rest.len;
    if (path > 0) {
        out->path = str_of(rest.ptr, path);
        out->target = rest;
    }
    if (mark != NULL)
        out->query = str_of(mark + 1, rest.len - path - 1);
    return out->host.len > 0;
}

bb_str sign_target(arena *a, const sign_url *u) {
    if (u->target.ptr != NULL)
        return u->target;
    buf out;
    buf_init(&out);
    buf_lit(&out, "/");
    if (u->query.ptr != NULL) {
        buf_char(&out, '?');
        buf_str_add(&out, u->query);
    }
    return sign_copy(a, &out);
}

/* --- parameters ------------------------------------------------------------------------------------- */

static bool append(arena *a, sign_params *p, bb_str name, bb_str value) {
    if (name.ptr == NULL || value.ptr == NULL)
        return false;
    if (p->count == p->cap) {
        size_t cap = p->cap == 0 ? 16 : p->cap * 2;
        str_pair *items = arena_grow(a, p->items, p->cap * sizeof *items, cap * sizeof *items);
        if (items == NULL)
            return false;
        p->items = items;
        p->cap = cap;
    }
    p->items[p->count++] = (str_pair){name, value};
    return true;
}

bool sign_params_add(arena *a, sign_params *p, bb_str name, bb_str value) {
    return append(a, p, sign_encode(a, name), sign_encode(a, value));
}

/* Decodes a piece of a form and encodes it in the canonical way. */
static bb_str recode(arena *a, bb_str text) {
    buf out;
    buf_init(&out);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.ptr[i];
        if (byte == '+')
            byte = ' ';
        else if (byte == '%' && text.len - i >= 3 &&
                 host_crypto.hex_decode(str_of(text.ptr + i + 1, 2), &byte, 1) == 1)
            i += 2;
        url_encode(&out, str_of(&byte, 1));
    }
    return sign_copy(a, &out);
}

bool sign_params_read(arena *a, sign_params *p, bb_str form) {
    bb_str piece;
    while (form.len > 0 && str_split(&form, '&', &piece)) {
        if (piece.len == 0)
            continue;
        const char *equals = memchr(piece.ptr, '=', piece.len);
        size_t name = equals != NULL ? (size_t)(equals - piece.ptr) : piece.len;
        bb_str value = equals != NULL ? str_of(equals + 1, piece.len - name - 1) : STR("");
        if (!append(a, p, recode(a, str_of(piece.ptr, name)), recode(a, value)))
            return false;
    }
    return true;
}

static int compare(bb_str a, bb_str b) {
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.ptr, b.ptr, shorter) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_pairs(const void *left, const void *right) {
    const str_pair *a = left, *b = right;
    int order = compare(a->name, b->name);
    return order != 0 ? order : compare(a->value, b->value);
}

void sign_params_sort(sign_params *p) {
    if (p->count > 1)
        qsort(p->items, p->count, sizeof *p->items, compare_pairs);
}

void sign_params_write(const sign_params *p, buf *out) {
    for (size_t i = 0; i < p->count; i++) {
        if (i > 0)
            buf_char(out, '&');
        buf_str_add(out, p->items[i].name);
        buf_char(out, '=');
        buf_str_add(out, p->items[i].value);
    }
}

/* --- bytes as text ---------------------------------------------------------------------------------- */

bb_str sign_copy(arena *a, buf *b) {
    bb_str copy = {NULL, 0};
    if (!b->failed)
        copy = arena_copy(a, b->ptr != NULL ? buf_str(b) : STR(""));
    if (b->ptr != NULL)
        OPENSSL_cleanse(b->ptr, b->len); /* secrets pass through here too */
    buf_free(b);
    return copy;
}

bb_str sign_encode(arena *a, bb_str bytes) {
    buf out;
    buf_init(&out);
    url_encode(&out, bytes);
    return sign_copy(a, &out);
}

/* `cap`: characters that the text takes at most. */
static bb_str as_text(arena *a, bb_str bytes, size_t cap, size_t (*encode)(bb_str, char *, size_t)) {
    char *text = arena_alloc(a, cap + 1);
    size_t n = text != NULL ? encode(bytes, text, cap) : SIZE_MAX;
    if (n == SIZE_MAX)
        return (bb_str){NULL, 0};
    text[n] = '\0';
    return str_of(text, n);
}

bb_str sign_hex(arena *a, bb_str bytes) {
    return as_text(a, bytes, bytes.len * 2, host_crypto.hex_encode);
}
bb_str sign_base64(arena *a, bb_str bytes) {
    return as_text(a, bytes, (bytes.len + 2) / 3 * 4, host_crypto.base64_encode);
}
bb_str sign_base64url(arena *a, bb_str bytes) {
    return as_text(a, bytes, (bytes.len + 2) / 3 * 4, host_crypto.base64url_encode);
}

/* --- header fields ---------------------------------------------------------------------------------- */

bool sign_header_split(bb_str line, bb_str *name, bb_str *value) {
    const char *colon = line.len > 0 ? memchr(line.ptr, ':', line.len) : NULL;
    if (colon == NULL || colon == line.ptr)
        return false;
    size_t n = (size_t)(colon - line.ptr);
    *name = str_of(line.ptr, n);
    *value = str_trim(str_of(colon + 1, line.len - n - 1));
    return true;
}

bb_str sign_header_find(const sign_request *r, bb_str name) {
    bb_str found, value;
    for (size_t i = 0; i < r->header_count; i++)
        if (sign_header_split(r->headers[i], &found, &value) && str_eq_nocase(found, name))
            return value;
    return (bb_str){NULL, 0};
}

bool sign_header_add(sign_addition *out, bb_str line) {
    if (line.ptr == NULL || out->header_count == SIGN_HEADERS_MAX)
        return false;
    out->headers[out->header_count++] = line;
    return true;
}
