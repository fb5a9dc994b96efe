/* reader.c - a JSON text to nodes: one pass, no recursion, bounded by depth and bytes. */
#include "json/json.h"
#include "json/names.h"
#include "json/scan.h"

#define DEPTH_MAX 1024u
#define DEFAULT_DEPTH 256u
#define DEFAULT_BYTES ((size_t)64 << 20)
#define BYTES_MAX ((size_t)UINT32_MAX - 1)

typedef struct reader {
    const char *at, *end, *begin;
    json_value *nodes;
    size_t count, cap;
    arena *memory;
    uint32_t max_depth, depth;
    bool unique_keys;
    const char *reason; /* of a failure, at `at` */
    bool limit;
    struct {
        uint32_t node, members;
    } open[DEPTH_MAX]; /* the containers around this place */
} reader;

static bool fail(reader *r, const char *reason) {
    r->reason = reason;
    return false;
}

static bool over(reader *r, const char *reason) {
    r->limit = true;
    return fail(r, reason);
}

/* --- nodes ---------------------------------------------------------------------------------------------- */

static bool grow(reader *r) {
    size_t cap = r->cap * 2;
    json_value *nodes = arena_grow(r->memory, r->nodes, r->cap * sizeof *nodes, cap * sizeof *nodes);
    if (nodes == NULL)
        return over(r, "no memory");
    r->nodes = nodes;
    r->cap = cap;
    return true;
}

static inline json_value *add(reader *r, json_type type, const char *text, size_t len) {
    if (r->count == r->cap && !grow(r))
        return NULL;
    json_value *v = &r->nodes[r->count++];
    *v = (json_value){
        .type = (uint8_t)type, .count = (uint32_t)len, .text = text, .span = 1, .raw_len = (uint32_t)len};
    return v;
}

static inline void skip_blanks(reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

/* --- strings -------------------------------------------------------------------------------------------- */

static int hex4(const char *p, const char *end) {
    int n = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        n = n << 4 | digit;
    }
    return n;
}

static char *put_utf8(char *out, unsigned c) {
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 63));
        *out++ = (char)(0x80 | (c & 63));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 63));
        *out++ = (char)(0x80 | (c >> 6 & 63));
        *out++ = (char)(0x80 | (c & 63));
    }
    return out;
}

/* A \u escape, `at` behind the u; a high surrogate takes the low one with it. NULL: refused. */
static char *decode_unicode(reader *r, char *out) {
    int c = hex4(r->at, r->end);
    if (c < 0)
        return fail(r, "\\u needs four hexadecimal digits"), NULL;
    r->at += 4;
    if (c >= 0xdc00 && c <= 0xdfff)
        return fail(r, "unpaired surrogate"), NULL;
    if (c >= 0xd800 && c <= 0xdbff) {
        int low = r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u' ? hex4(r->at + 2, r->end) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return fail(r, "unpaired surrogate"), NULL;
        r->at += 6;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    return put_utf8(out, (unsigned)c);
}

static char *decode_escape(reader *r, char *out) {
    if (r->at == r->end)
        return fail(r, "unexpected end in a string"), NULL;
    switch (*r->at++) {
    case '"': *out++ = '"'; return out;
    case '\\': *out++ = '\\'; return out;
    case '/': *out++ = '/'; return out;
    case 'b': *out++ = '\b'; return out;
    case 'f': *out++ = '\f'; return out;
    case 'n': *out++ = '\n'; return out;
    case 'r': *out++ = '\r'; return out;
    case 't': *out++ = '\t'; return out;
    case 'u': return decode_unicode(r, out);
    default: r->at--; return fail(r, "unknown escape in a string"), NULL;
    }
}

static bool refuse_byte(reader *r) {
    return fail(r, (unsigned char)*r->at >= 0x80 ? "a string is not UTF-8" : "control character in a string");
}

/* Where the string that begins at `p` ends, for how much its decoded form can take at most. */
static size_t rest_of_string(const char *p, const char *end) {
    const char *q = p;
    while (q < end && *q != '"')
        q += *q == '\\' ? 2 : 1;
    return (size_t)((q < end ? q : end) - p);
}

/* A string with escapes: `at` is at the first one. Before the decoded bytes stands a pointer to the text, for
 * json_raw. */
static bool read_escaped(reader *r, json_value *v, const char *start) {
    size_t plain = (size_t)(r->at - start), rest = rest_of_string(r->at, r->end);
    char *memory = arena_alloc(r->memory, sizeof(char *) + plain + rest + 1);
    if (memory == NULL)
        return over(r, "no memory");
    const char *raw = start - 1;
    memcpy(memory, &raw, sizeof raw);
    char *text = memory + sizeof raw, *out = text + plain;
    memcpy(text, start, plain);
    for (;;) {
        const char *run = r->at;
        const char *stop = scan_string(run, r->end);
        memcpy(out, run, (size_t)(stop - run));
        out += stop - run;
        r->at = stop;
        if (stop == r->end)
            return fail(r, "unexpected end in a string");
        if (*stop == '"')
            break;
        if (*stop != '\\')
            return refuse_byte(r);
        r->at++;
        out = decode_escape(r, out);
        if (out == NULL)
            return false;
    }
    v->text = text;
    v->count = (uint32_t)(out - text);
    v->flags = JSON_F_DECODED;
    return true;
}

/* `at` is at the quote. */
static inline bool read_string(reader *r) {
    const char *start = ++r->at;
    json_value *v = add(r, JSON_STRING, start, 0);
    if (v == NULL)
        return false;
    size_t index = r->count - 1;
    const char *stop = scan_string(start, r->end);
    r->at = stop;
    if (stop == r->end)
        return fail(r, "unexpected end in a string");
    if (*stop == '"') {
        v->count = (uint32_t)(stop - start);
    } else if (*stop != '\\') {
        return refuse_byte(r);
    } else if (!read_escaped(r, v, start)) {
        return false;
    }
    r->at++;
    r->nodes[index].raw_len = (uint32_t)(r->at - (start - 1));
    return true;
}

/* --- numbers and words ------------------------------------------------------------------------------------
 */

static inline bool is_digit(const reader *r) {
    return r->at < r->end && (unsigned char)(*r->at - '0') <= 9;
}

static inline bool read_digits(reader *r) {
    if (!is_digit(r))
        return fail(r, "a digit is missing in a number");
    while (is_digit(r))
        r->at++;
    return true;
}

static inline bool read_number(reader *r) {
    const char *start = r->at;
    bool integer = true;
    if (*r->at == '-')
        r->at++;
    if (r->at < r->end && *r->at == '0')
        r->at++;
    else if (!read_digits(r))
        return false;
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        integer = false;
        if (!read_digits(r))
            return false;
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        integer = false;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
            r->at++;
        if (!read_digits(r))
            return false;
    }
    json_value *v = add(r, JSON_NUMBER, start, (size_t)(r->at - start));
    if (v != NULL && integer)
        v->flags = JSON_F_INTEGER;
    return v != NULL;
}

static bool read_word(reader *r, const char *word, size_t len, json_type type, uint8_t flags) {
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
        return fail(r, "a value was expected");
    json_value *v = add(r, type, r->at, len);
    if (v == NULL)
        return false;
    v->flags = flags;
    r->at += len;
    return true;
}

/* --- containers --------------------------------------------------------------------------------------------
 */

static bool open_container(reader *r, json_type type) {
    if (r->depth == r->max_depth)
        return over(r, "nested too deeply");
    if (add(r, type, r->at, 0) == NULL)
        return false;
    r->open[r->depth].node = (uint32_t)(r->count - 1);
    r->open[r->depth].members = 0;
    r->depth++;
    r->at++;
    return true;
}

static bool check_unique(reader *r, const json_value *object) {
    names sorted;
    if (!names_sort(object, &sorted))
        return over(r, "no memory");
    bool unique = sorted.count == object->count;
    names_free(&sorted);
    return unique || fail(r, "an object has a member twice");
}

static bool close_container(reader *r) {
    json_value *v = &r->nodes[r->open[--r->depth].node];
    r->at++;
    v->count = r->open[r->depth].members;
    v->span = (uint32_t)(&r->nodes[r->count] - v);
    v->raw_len = (uint32_t)(r->at - v->text);
    return !r->unique_keys || v->type != JSON_OBJECT || check_unique(r, v);
}

static inline bool read_key(reader *r) {
    skip_blanks(r);
    if (r->at == r->end)
        return fail(r, "unexpected end");
    if (*r->at != '"')
        return fail(r, "a member's name in quotes was expected");
    if (!read_string(r))
        return false;
    skip_blanks(r);
    if (r->at == r->end)
        return fail(r, "unexpected end");
    if (*r->at != ':')
        return fail(r, "\":\" was expected");
    r->at++;
    return true;
}

/* After a value: closes containers and passes commas until a value is due (true, *done false) or the text's
 * value is whole (*done). */
static inline bool after_value(reader *r, bool *done) {
    for (;;) {
        if (r->depth == 0) {
            *done = true;
            return true;
        }
        r->open[r->depth - 1].members++;
        bool object = r->nodes[r->open[r->depth - 1].node].type == JSON_OBJECT;
        skip_blanks(r);
        if (r->at == r->end)
            return fail(r, "unexpected end");
        if (*r->at == ',') {
            r->at++;
            return !object || read_key(r);
        }
        if (*r->at != (object ? '}' : ']'))
            return fail(r, object ? "\",\" or \"}\" was expected" : "\",\" or \"]\" was expected");
        if (!close_container(r))
            return false;
    }
}

/* Begins a container. *empty: it is closed already, and counts as a value. */
static bool begin_container(reader *r, json_type type, bool *empty) {
    *empty = false;
    if (!open_container(r, type))
        return false;
    skip_blanks(r);
    if (r->at < r->end && *r->at == (type == JSON_OBJECT ? '}' : ']')) {
        *empty = true;
        return close_container(r);
    }
    return type == JSON_ARRAY || read_key(r);
}

static inline bool read_value(reader *r, bool *complete) {
    *complete = true;
    skip_blanks(r);
    if (r->at == r->end)
        return fail(r, "unexpected end");
    switch (*r->at) {
    case '"': return read_string(r);
    case '{': return begin_container(r, JSON_OBJECT, complete);
    case '[': return begin_container(r, JSON_ARRAY, complete);
    case 't': return read_word(r, "true", 4, JSON_BOOL, JSON_F_TRUE);
    case 'f': return read_word(r, "false", 5, JSON_BOOL, 0);
    case 'n': return read_word(r, "null", 4, JSON_NULL, 0);
    default: return *r->at == '-' || is_digit(r) ? read_number(r) : fail(r, "a value was expected");
    }
}

static bool read_text(reader *r) {
    bool complete, done = false;
    while (!done)
        if (!read_value(r, &complete) || (complete && !after_value(r, &done)))
            return false;
    skip_blanks(r);
    return r->at == r->end || fail(r, "there is more after the value");
}

static void locate(const reader *r, json_error *e) {
    *e = (json_error){
        .offset = (size_t)(r->at - r->begin), .line = 1, .column = 1, .reason = r->reason, .limit = r->limit};
    for (const char *p = r->begin; p < r->at; p++) {
        e->line += *p == '\n';
        e->column = *p == '\n' ? 1 : e->column + 1;
    }
}

const json_value *json_read(arena *a, bb_str text, const json_limits *limits, json_error *error) {
    json_limits none = {0};
    limits = limits != NULL ? limits : &none;
    size_t max_bytes = limits->max_bytes != 0 ? limits->max_bytes : DEFAULT_BYTES;
    reader r;
    r.begin = r.at = text.ptr != NULL ? text.ptr : "";
    r.end = r.begin + text.len;
    r.memory = a;
    r.count = 0;
    r.depth = 0;
    r.max_depth = limits->max_depth == 0          ? DEFAULT_DEPTH
                  : limits->max_depth < DEPTH_MAX ? limits->max_depth
                                                  : DEPTH_MAX;
    r.unique_keys = limits->reject_duplicate_keys;
    r.reason = NULL;
    r.limit = false;
    r.cap = text.len / 12 + 8; /* about what ordinary documents have */
    bool fits = text.len <= max_bytes && text.len <= BYTES_MAX;
    r.nodes = fits ? arena_alloc(a, r.cap * sizeof *r.nodes) : NULL;
    bool ok = r.nodes != NULL ? read_text(&r) : over(&r, fits ? "no memory" : "the text is too long");
    if (ok)
        return r.nodes;
    if (error != NULL)
        locate(&r, error);
    return NULL;
}
