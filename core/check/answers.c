/* answers.c - what services answer: as they should, and as they do. */
#include "check/drive.h"
#include "check/generate.h"

static const str_pair json_headers[] = {{{"Content-Type", 12}, {"application/json", 16}}};
static const str_pair html_headers[] = {{{"Content-Type", 12}, {"text/html", 9}}};
static const str_pair byte_headers[] = {{{"Content-Type", 12}, {"application/octet-stream", 24}}};
static const str_pair odd_headers[] = {
    {{"Content-Type", 12}, {"application/json; charset=\"", 27}},
    {{"Link", 4}, {"<http://127.0.0.1:9/next>; rel=\"next\", <>; rel=, <", 50}},
    {{"Retry-After", 11}, {"-1", 2}},
    {{"Location", 8}, {"", 0}},
    {{"ETag", 4}, {"W/\"", 3}},
    {{"X-Next", 6}, {"99999999999999999999", 20}},
};
static const str_pair paged_headers[] = {{{"Content-Type", 12}, {"application/json", 16}},
                                         {{"Link", 4}, {"</next?page=2>; rel=\"next\"", 26}}};
#define TOKEN                                                                                          \
    "{\"access_token\":\"t-1\",\"token\":\"t-1\",\"session\":\"t-1\",\"key\":\"t-1\",\"sid\":\"t-1\"," \
    "\"id\":\"t-1\","                                                                                  \
    "\"nonce\":\"n-1\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"status\":\"ok\",\"ok\":true}"
#define HEADERS(list) (list), sizeof(list) / sizeof((list)[0])

/* What logins and token endpoints (RFC 6749 section 5.1) give, under the names that most have for it. */
static const answer token_answer = {
    "200 with a token", 200, HEADERS(json_headers), {TOKEN, sizeof TOKEN - 1}, false};

const answer *good_answer(trial *t, const sample *x) {
    if (x->scheme != NULL)
        return &token_answer;
    answer *a = arena_zalloc(t->memory, sizeof *a);
    generator g = {.module = t->module, .memory = t->memory, .random = t->o->seed + 2, .all = true};
    bb_str body = x->output != NULL ? json_raw(x->output)
                                    : generate_valid(&g, x->op->output_text, x->op->output, 20);
    if (body.ptr == NULL) {
        g.all = false;
        body = generate_valid(&g, x->op->output_text, x->op->output, 30);
    }
    if (a != NULL)
        *a = (answer){x->output != NULL ? "200 with the example's output"
                                        : "200 with what its output schema describes",
                      200, HEADERS(json_headers), body.ptr != NULL ? body : STR("{}"), body.ptr != NULL};
    return a;
}

/* --- the worst ----------------------------------------------------------------------------------- */

#define DEEP 2000u /* levels: over the host's 256 */
#define HUGE_BYTES (1u << 20)
#define MOST 160u

typedef struct list {
    answer *items;
    size_t n;
    arena *memory;
} list;

static void add(list *l, const char *label, int32_t status, const str_pair *headers, size_t count,
                bb_str body) {
    if (l->n < MOST)
        l->items[l->n++] = (answer){label, status, headers, count, body, false};
}

static bb_str repeated(arena *a, bb_str piece, size_t bytes, const char *begin, const char *end) {
    buf out;
    buf_init(&out);
    buf_str_add(&out, str_from(begin));
    while (out.len < bytes)
        buf_str_add(&out, piece);
    buf_str_add(&out, str_from(end));
    bb_str copy = arena_copy(a, buf_str(&out));
    buf_free(&out);
    return copy;
}

/* Made once: a connector may have a thousand operations. */
static struct { bb_str text, objects, deep; } huge;

static void make_huge(arena *a) {
    if (huge.text.ptr != NULL)
        return;
    huge.text = repeated(a, STR("AAAAAAAAAAAAAAAA"), HUGE_BYTES, "\"", "\"");
    huge.objects = repeated(a, STR("{\"id\":1},"), HUGE_BYTES / 4, "[", "{}]");
    huge.deep = repeated(a, STR("["), DEEP, "", "]");
}

static void add_bodies(list *l) {
    make_huge(l->memory);
    static const char *const scalars[] = {"null", "true", "0",      "\"text\"",     "[]",
                                          "{}",   "[[]]", "[null]", "[1,\"2\",{}]", "{\"\":null}"};
    for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++)
        add(l, arena_printf(l->memory, "200 with %s", scalars[i]).ptr, 200, HEADERS(json_headers),
            str_from(scalars[i]));
    add(l, "200 with an empty body", 200, HEADERS(json_headers), (bb_str){NULL, 0});
    add(l, "204 with an empty body", 204, NULL, 0, (bb_str){NULL, 0});
    add(l, "200 without header fields", 200, NULL, 0, STR("{}"));
    add(l, "200 with odd header fields", 200, HEADERS(odd_headers), STR("[]"));
    add(l, "200 with an empty list and a link to the next page", 200, HEADERS(paged_headers), STR("[]"));
    add(l, "200 with a page of HTML", 200, HEADERS(html_headers),
        STR("<!doctype html><title>Maintenance</title>"));
    add(l, "200 with a page of HTML that claims to be JSON", 200, HEADERS(json_headers), STR("<html>"));
    add(l, "200 with bytes that are no text", 200, HEADERS(byte_headers),
        STR("\xff\xfe\0\x80\xc3(\xed\xa0\x80\0"));
    add(l, "200 with JSON that is no UTF-8", 200, HEADERS(json_headers), STR("{\"a\":\"\xff\xc3\"}"));
    add(l, "200 with 1 MB of one text", 200, HEADERS(json_headers), huge.text);
    add(l, "200 with 256 kB of small objects", 200, HEADERS(json_headers), huge.objects);
    add(l, "200 nested 2000 deep", 200, HEADERS(json_headers), huge.deep);
}

/* The good answer cut short, and with each member in turn missing or of another type. */
static void add_damaged(list *l, const answer *good) {
    static const char *const others[] = {"null", "-1", "\"\"", "[]", "{}", "[{}]", "1e400", NULL};
    static const char *const objects[] = {"null", "0", "[]", NULL};
    const json_value *v = json_read(l->memory, good->body, NULL, NULL);
    for (size_t i = 1; i < 4; i++)
        add(l, "200 with a body cut short", 200, HEADERS(json_headers),
            str_of(good->body.ptr, good->body.len * i / 4));
    add(l, "200 with more after the body", 200, HEADERS(json_headers),
        arena_printf(l->memory, "%.*s}", STR_FMT(good->body)));
    for (json_iter it = json_iterate(v); json_next(&it);) {
        bool is_object = !json_is(v, JSON_OBJECT);
        for (const char *const *o = is_object ? objects : others; *o != NULL; o++) {
            bb_str raw = json_raw(it.value);
            bb_str body = arena_printf(
                l->memory, "%.*s%s%.*s", (int)(raw.ptr - good->body.ptr), good->body.ptr, *o,
                (int)(good->body.ptr + good->body.len - raw.ptr - raw.len), raw.ptr + raw.len);
            add(l,
                is_object ? "200 with an item of another type"
                          : arena_printf(l->memory, "200 with \"%.*s\" being %s",
                                         (int)(it.key.len < 60 ? it.key.len : 60), it.key.ptr, *o)
                                .ptr,
                200, HEADERS(json_headers), body);
        }
        if (is_object && it.index > 0)
            break;
    }
}

static void add_failures(list *l) {
    static const int statuses[] = {201, 202, 206, 301, 302, 304, 400, 401, 402, 403, 404, 405, 408, 409, 410,
                                   412, 413, 415, 418, 422, 429, 451, 500, 501, 502, 503, 504, 507, 599};
    static const char *const bodies[] = {
        "",
        "{\"error\":{\"message\":\"no\",\"code\":\"x\",\"type\":\"y\",\"param\":\"a[b][c]\"}}",
        "{\"error\":\"no\",\"error_description\":\"no\",\"message\":7}",
        "{\"errors\":[{\"detail\":null}],\"detail\":{},\"error\":[]}",
        "<html><title>502 Bad Gateway</title></html>",
        "null"};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        const char *body = bodies[i % 6];
        add(l,
            arena_printf(l->memory, "%d with %s", statuses[i], body[0] != '\0' ? body : "an empty body").ptr,
            statuses[i], HEADERS(odd_headers), str_from(body));
    }
    for (size_t i = 0; i < 6; i++) {
        const char *shown = bodies[i][0] != '\0' ? bodies[i] : "an empty body";
        add(l, arena_printf(l->memory, "400 with %s", shown).ptr, 400, HEADERS(json_headers),
            str_from(bodies[i]));
        add(l, arena_printf(l->memory, "500 with %s", shown).ptr, 500, HEADERS(json_headers),
            str_from(bodies[i]));
    }
    add(l, "400 with a message of 64 KiB and a name of 4 KiB", 400, HEADERS(json_headers),
        arena_printf(l->memory, "{\"error\":{\"message\":%.*s,\"param\":%.*s,\"code\":%.*s}}",
                     STR_FMT(repeated(l->memory, STR("%s%n"), 65536, "\"", "\"")),
                     STR_FMT(repeated(l->memory, STR("a[/~]"), 4096, "\"", "\"")),
                     STR_FMT(repeated(l->memory, STR("c"), 4096, "\"", "\""))));
}

const answer *bad_answers(trial *t, const sample *x) {
    list l = {.items = arena_zalloc(t->memory, (MOST + 1) * sizeof(answer)), .memory = t->memory};
    if (l.items == NULL)
        return NULL;
    add_bodies(&l);
    add_failures(&l);
    add_damaged(&l, x->good);
    return l.items;
}
