/* schema_uri.c - as much of RFC 3986 as references between schemas need. */
#include "json/schema_internal.h"

typedef struct uri {
    bb_str scheme, authority, path, query;
    bool has_authority, has_query;
} uri;

void uri_cut_fragment(bb_str text, bb_str *without, bb_str *fragment) {
    const char *hash = text.len > 0 ? memchr(text.ptr, '#', text.len) : NULL;
    size_t n = hash != NULL ? (size_t)(hash - text.ptr) : text.len;
    *without = str_of(text.ptr, n);
    *fragment = hash != NULL ? str_of(hash + 1, text.len - n - 1) : (bb_str){NULL, 0};
}

static uri split(bb_str text) {
    uri u = {0};
    size_t i = 0;
    while (i < text.len && strchr(":/?#", text.ptr[i]) == NULL)
        i++;
    if (i > 0 && i < text.len && text.ptr[i] == ':') {
        u.scheme = str_of(text.ptr, i);
        text = str_of(text.ptr + i + 1, text.len - i - 1);
    }
    if (str_starts(text, STR("//"))) {
        size_t end = 2;
        while (end < text.len && text.ptr[end] != '/' && text.ptr[end] != '?')
            end++;
        u.authority = str_of(text.ptr + 2, end - 2);
        u.has_authority = true;
        text = str_of(text.ptr + end, text.len - end);
    }
    const char *mark = text.len > 0 ? memchr(text.ptr, '?', text.len) : NULL;
    u.has_query = mark != NULL;
    u.path = str_of(text.ptr, mark != NULL ? (size_t)(mark - text.ptr) : text.len);
    if (u.has_query)
        u.query = str_of(mark + 1, text.len - u.path.len - 1);
    return u;
}

/* Section 5.2.4 */
static void add_without_dots(buf *out, bb_str path) {
    bool absolute = path.len > 0 && path.ptr[0] == '/';
    bb_str rest = absolute ? str_of(path.ptr + 1, path.len - 1) : path, part;
    if (absolute)
        buf_char(out, '/');
    size_t floor = out->len;
    while (str_split(&rest, '/', &part)) {
        bool last = rest.ptr == NULL;
        if (str_eq(part, STR("."))) {
            continue;
        } else if (str_eq(part, STR(".."))) {
            if (out->len > floor)
                out->len--; /* the slash behind the segment to go */
            while (out->len > floor && out->ptr[out->len - 1] != '/')
                out->len--;
        } else {
            buf_str_add(out, part);
            if (!last)
                buf_char(out, '/');
        }
    }
}

static void put_together(buf *out, const uri *u, bb_str directory, bb_str path) {
    if (u->scheme.len > 0) {
        buf_str_add(out, u->scheme);
        buf_char(out, ':');
    }
    if (u->has_authority) {
        buf_lit(out, "//");
        buf_str_add(out, u->authority);
    }
    if (u->scheme.len > 0 && !u->has_authority && directory.len == 0 &&
        (path.len == 0 || path.ptr[0] != '/')) {
        buf_str_add(out, path); /* urn:...: opaque */
    } else {
        buf joined;
        buf_init(&joined);
        buf_str_add(&joined, directory);
        buf_str_add(&joined, path);
        add_without_dots(out, buf_str(&joined));
        buf_free(&joined);
    }
    if (u->has_query) {
        buf_char(out, '?');
        buf_str_add(out, u->query);
    }
}

static void resolve(buf *out, bb_str base_text, bb_str reference) {
    uri r = split(reference), base = split(base_text);
    bb_str directory = {NULL, 0};
    if (r.scheme.len > 0 || base_text.len == 0) {
        put_together(out, &r, directory, r.path);
        return;
    }
    r.scheme = base.scheme;
    if (!r.has_authority) {
        r.authority = base.authority;
        r.has_authority = base.has_authority;
        if (r.path.len == 0) {
            r.path = base.path;
            if (!r.has_query) {
                r.query = base.query;
                r.has_query = base.has_query;
            }
        } else if (r.path.ptr[0] != '/') {
            const char *slash = base.path.len > 0 ? memrchr(base.path.ptr, '/', base.path.len) : NULL;
            directory = slash != NULL ? str_of(base.path.ptr, (size_t)(slash - base.path.ptr) + 1)
                                      : (r.has_authority ? STR("/") : directory);
        }
    }
    put_together(out, &r, directory, r.path);
}

bb_str uri_resolve(arena *a, bb_str base, bb_str reference) {
    bb_str without, fragment, base_without, unused;
    uri_cut_fragment(reference, &without, &fragment);
    uri_cut_fragment(base, &base_without, &unused);
    buf out;
    buf_init(&out);
    if (without.len == 0)
        buf_str_add(&out, base_without);
    else
        resolve(&out, base_without, without);
    if (fragment.len > 0) {
        buf_char(&out, '#');
        buf_str_add(&out, fragment);
    }
    bb_str text = arena_copy(a, buf_str(&out));
    buf_free(&out);
    return text;
}

bb_str uri_decode(arena *a, bb_str text) {
    char *out = arena_alloc(a, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; out != NULL && i < text.len; i++) {
        int high = text.ptr[i] == '%' && i + 2 < text.len ? str_hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? str_hex_digit(text.ptr[i + 2]) : -1;
        out[n++] = low >= 0 ? (char)(high << 4 | low) : text.ptr[i];
        i += low >= 0 ? 2 : 0;
    }
    return str_of(out, n);
}
