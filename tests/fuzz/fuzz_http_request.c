/* The request parser and the chunked coding on any bytes. Checked: no slice leaves the input, a request that
 * is taken keeps the parser's promises, and bytes cut in pieces (the memory moving each time) give what they
 * give as a whole. The first byte chooses the pieces' size. */
#undef NDEBUG /* the assertions are the test, whatever the build */
#include "http/request_chunked.h"
#include "http/request_parser.h"

#include <assert.h>
#include <stdlib.h>

#define MAX_FIELDS 12
#define MAX_HEAD 400
#define MAX_BODY 300
#define MAX_TRAILER 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct outcome {
    request_parser p;
    http_header fields[MAX_FIELDS];
    parse_result result;
} outcome;

static void parse_pieces(outcome *o, const char *data, size_t size, size_t step) {
    request_parser_init(&o->p, o->fields, MAX_FIELDS, MAX_HEAD);
    o->result = PARSE_MORE;
    char *last = NULL;
    for (size_t n = 0; n < size && o->result == PARSE_MORE;) {
        n = size - n < step ? size : n + step;
        char *moved = malloc(n); /* of just this size: a read beyond is seen */
        memcpy(moved, data, n);
        if (last != NULL)
            request_parser_rebase(&o->p, last, moved);
        free(last);
        last = moved;
        o->result = request_parser_feed(&o->p, moved, n);
    }
    if (last != NULL)
        request_parser_rebase(&o->p, last, data);
    free(last);
}

static void check_within(bb_str s, const char *data, size_t size) {
    if (s.len == 0 || (s.len == 1 && s.ptr[0] == '/'))
        return; /* absent, or the constant path */
    assert(s.ptr >= data && s.len <= size && s.ptr + s.len <= data + size);
}

static void check_clean(bb_str s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        assert(c == '\t' || (c >= ' ' && c != 0x7f));
    }
}

static void check_promises(const outcome *o, const char *data, size_t size) {
    const request_parser *p = &o->p;
    assert(p->line <= size && p->line <= MAX_HEAD && p->field_count <= MAX_FIELDS);
    assert(memcmp(data + p->line - 4, "\r\n\r\n", 4) == 0);
    assert(p->method.len > 0 && p->target.len > 0 && p->path.len > 0 && p->path.ptr[0] == '/');
    assert(!(p->chunked && p->has_length));
    assert(p->minor == 0 || p->hosts == 1);
    check_within(p->method, data, size);
    check_within(p->target, data, size);
    check_within(p->path, data, size);
    check_within(p->query, data, size);
    for (uint32_t i = 0; i < p->field_count; i++) {
        assert(o->fields[i].name.len > 0);
        check_within(o->fields[i].name, data, size);
        check_within(o->fields[i].value, data, size);
        check_clean(o->fields[i].value);
    }
}

static void check_same(const outcome *a, const outcome *b) {
    assert(a->result == b->result && a->p.refusal == b->p.refusal && a->p.detail == b->p.detail);
    assert(a->p.field_count == b->p.field_count);
    if (a->result != PARSE_DONE)
        return;
    assert(a->p.line == b->p.line && a->p.keep_alive == b->p.keep_alive);
    assert(a->p.chunked == b->p.chunked && a->p.content_length == b->p.content_length);
    assert(str_eq(a->p.path, b->p.path) && str_eq(a->p.query, b->p.query));
    for (uint32_t i = 0; i < a->p.field_count; i++) {
        assert(str_eq(a->fields[i].name, b->fields[i].name));
        assert(str_eq(a->fields[i].value, b->fields[i].value));
    }
}

typedef struct decoded {
    request_chunked d;
    parse_result result;
    size_t len, consumed;
    char *body;
} decoded;

static void decode_pieces(decoded *o, const char *data, size_t size, size_t step) {
    request_chunked_init(&o->d, MAX_BODY, MAX_TRAILER);
    o->result = PARSE_MORE;
    o->len = o->consumed = 0;
    o->body = malloc(size + 1);
    for (size_t given = 0; given < size && o->result == PARSE_MORE;) {
        size_t n = size - given < step ? size - given : step;
        memcpy(o->body + o->len, data + given, n);
        size_t raw = o->len, out = o->len;
        o->result = request_chunked_feed(&o->d, o->body, &raw, o->len + n, &out);
        assert(out <= raw && out <= MAX_BODY);
        o->consumed = given + (raw - o->len);
        given += n;
        o->len = out;
    }
}

static void fuzz_chunked(const char *data, size_t size, size_t step) {
    decoded whole, pieces;
    decode_pieces(&whole, data, size, size + 1);
    decode_pieces(&pieces, data, size, step);
    assert(whole.result == pieces.result && whole.d.refusal == pieces.d.refusal);
    assert(whole.len == pieces.len && whole.consumed == pieces.consumed);
    assert(memcmp(whole.body, pieces.body, whole.len) == 0);
    if (whole.result == PARSE_DONE)
        assert(whole.d.total == whole.len);
    free(whole.body);
    free(pieces.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size == 0)
        return 0;
    size_t step = bytes[0] % 32 + 1;
    char *data = malloc(size);
    memcpy(data, bytes + 1, --size);
    outcome whole, pieces;
    parse_pieces(&whole, data, size, size + 1);
    parse_pieces(&pieces, data, size, step);
    check_same(&whole, &pieces);
    if (whole.result == PARSE_DONE) {
        check_promises(&whole, data, size);
        if (whole.p.chunked)
            fuzz_chunked(data + whole.p.line, size - whole.p.line, step);
    }
    fuzz_chunked(data, size, step);
    free(data);
    return 0;
}
