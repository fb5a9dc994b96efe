/* Conf files from JSON: what is given is read back the same, or refused. */
#include "fixture.h"

static arena *memory;

static const json_value *json(const char *text) {
    const json_value *v = json_read(memory, str_from(text), NULL, NULL);
    if (v == NULL)
        ck_abort_msg("not JSON: %s", text);
    return v;
}

static void gives(const char *from, const char *text) {
    bb_str out;
    err e = {""};
    memory = arena_new(0);
    if (!conf_text_from_json(memory, json(from), &out, &e))
        ck_abort_msg("%s: %s", from, e.text);
    const char *body = memchr(out.ptr, '\n', out.len);
    ck_assert_int_eq(out.ptr[0], ';');
    expect(str_of(body + 1, out.len - (size_t)(body + 1 - out.ptr)), text);
    arena_free(memory);
}

static void refuses(const char *from, const char *part) {
    bb_str out;
    err e = {""};
    memory = arena_new(0);
    if (conf_text_from_json(memory, json(from), &out, &e))
        ck_abort_msg("%s is taken: %.*s", from, STR_FMT(out));
    expect_in(e.text, part);
    arena_free(memory);
}

START_TEST(sections_and_scalars) {
    gives("{\"connection\": {\"plugin\": \"rest\", \"n\": 5, \"big\": 12345678901234567890.10, \"on\": true},"
          " \"settings\": {}, \"auth\": {\"token\": \"${env:X}\"}}",
          "[connection]\nplugin = rest\nn = 5\nbig = 12345678901234567890.10\non = true\n[settings]\n[auth]\n"
          "token = ${env:X}\n");
    gives("{}", "");
    gives("{\"a\": {\"x\": \"\", \"y\": \"a;b # c = [d]: \\\"e\\\"\", \"z\": \"\\u00e9\"}}",
          "[a]\nx = \ny = a;b # c = [d]: \"e\"\nz = \xc3\xa9\n");
}
END_TEST

START_TEST(arrays_and_objects_are_compact_json) {
    gives("{\"a\": {\"x\": [ 1 , \"b c\" , { } ], \"y\": {\"k\" :\n [ ] }}}",
          "[a]\nx = [1,\"b c\",{}]\ny = {\"k\":[]}\n");
    gives("{\"a\": {\"x\": [\"a\\\\\", \"b  c\", \"\\\"d e\"]}}",
          "[a]\nx = [\"a\\\\\",\"b  c\",\"\\\"d e\"]\n");
    gives("{\"a\": {\"x\": [\"a ;b\", \";\", \"c\\nd\"]}}", "[a]\nx = [\"a \\u003bb\",\";\",\"c\\nd\"]\n");
    gives("{\"a\": {\"x\": {\"k ;\": \"\\u007f\"}}}", "[a]\nx = {\"k \\u003b\":\"\\u007f\"}\n");
}
END_TEST

START_TEST(what_stands_for_a_secret_is_none) {
    refuses("{\"auth\": {\"token\": \"[redacted]\"}}",
            "auth.token is \"[redacted]\", which stands for a secret");
    refuses("{\"a\": {\"x\": [\"new\", \"[redacted]\"]}}", "leave x out");
    refuses("{\"a\": {\"x\": {\"Authorization\": \"[redacted]\"}}}", "a.x is");
    gives("{\"a\": {\"x\": \"shown as [redacted]\"}}", "[a]\nx = shown as [redacted]\n");
    bb_str out;
    err e = {""};
    memory = arena_new(0);
    ck_assert(!conf_text_with_lines(memory, json("{\"a\": {\"x\": \"new\\n[redacted]\"}}"), &out, &e));
    expect_in(e.text, "a.x is \"[redacted]\"");
    arena_free(memory);
}
END_TEST

START_TEST(what_a_conf_file_cannot_hold) {
    refuses("{\"a\": {\"x\": \" lead\"}}", "a.x cannot be written");
    refuses("{\"a\": {\"x\": \"trail \"}}", "a.x cannot be written");
    refuses("{\"a\": {\"x\": \"a ;b\"}}", "a.x cannot be written");
    refuses("{\"a\": {\"x\": \";b\"}}", "a.x cannot be written");
    refuses("{\"a\": {\"x\": \"a\\nplugin = evil\"}}", "a.x has a line break");
    refuses("{\"a\": {\"x\": \"a\\r\"}}", "a.x has a line break");
    refuses("{\"a\": {\"x\": \"a\\u0000b\"}}", "a.x has a line break");
    refuses("{\"a\": {\"x\": \"a\\u0001b\"}}", "a.x has a line break");
    refuses("{\"a\": {\"x\": null}}", "a.x is null: leave it out");
    refuses("{\"a\": {\"x\": 1, \"x\": 2}}", "stands here again");
    refuses("{\"a\": {}, \"a\": {}}", "stands here again");
}
END_TEST

START_TEST(names_that_forge_nothing) {
    static const char *const names[] = {
        "",    "A",  "1a",      "_a", "a b",     "a-b",
        "a=b", "a]", "a\\n[b]", ";",  "\\u00e9", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    char text[200];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(text, sizeof text, "{\"%s\": {}}", names[i]);
        refuses(text, "is no section");
        snprintf(text, sizeof text, "{\"a\": {\"%s\": 1}}", names[i]);
        refuses(text, "is no key");
    }
    refuses("{\"a\": 1}", "must be an object");
    refuses("{\"a\": []}", "must be an object");
    refuses("[]", "not an object");
    refuses("\"x\"", "not an object");
}
END_TEST

/* --- whatever is taken comes back ------------------------------------------------------------------- */

static unsigned seed = 1;

static unsigned pick(unsigned below) {
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % below;
}

static void random_string(json_writer *w) {
    static const char *const parts[] = {
        "a",        " ",
        ";",        "#",
        "=",        ":",
        "[",        "]",
        "\"",       "\\",
        "${env:X}", "{",
        "}",        ",",
        "\t",       "'",
        "\xc3\xa9", "\n",
        "0",        "$$",
        "\\u003b",  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    char text[1200];
    size_t n = 0;
    for (unsigned i = pick(14); i > 0; i--) {
        const char *part = parts[pick(sizeof parts / sizeof parts[0])];
        memcpy(text + n, part, strlen(part));
        n += strlen(part);
    }
    json_put_string(w, str_of(text, n));
}

static void random_value(json_writer *w, unsigned depth) {
    unsigned kind = pick(depth < 3 ? 6 : 4);
    if (kind == 0)
        json_put_i64(w, (int64_t)pick(1000) - 500);
    else if (kind == 1)
        json_put_bool(w, pick(2) == 1);
    else if (kind < 4)
        random_string(w);
    else
        kind == 4 ? json_array(w) : json_object(w);
    for (unsigned i = kind >= 4 ? pick(4) : 0; i > 0; i--) {
        char key[16];
        snprintf(key, sizeof key, "k ;%u", i);
        if (kind == 5)
            json_key(w, str_from(key));
        random_value(w, depth + 1);
    }
    if (kind >= 4)
        kind == 4 ? json_array_end(w) : json_object_end(w);
}

static void random_file(buf *out) {
    json_writer w;
    char name[16];
    json_writer_init(&w, out);
    json_object(&w);
    for (unsigned s = 1 + pick(3); s > 0; s--) {
        snprintf(name, sizeof name, "s%u", s);
        json_key(&w, str_from(name));
        json_object(&w);
        for (unsigned k = pick(3); k > 0; k--) {
            snprintf(name, sizeof name, "k%u", k);
            json_key(&w, str_from(name));
            random_value(&w, 0);
        }
        json_object_end(&w);
    }
    json_object_end(&w);
    ck_assert(json_writer_finish(&w));
}

static void expect_same(const conf_file *f, const json_value *root) {
    ck_assert_uint_eq(f->count, json_count(root));
    for (json_iter s = json_iterate(root); json_next(&s);) {
        const conf_section *section = conf_find_section(f, s.key);
        ck_assert_ptr_nonnull(section);
        ck_assert_uint_eq(section->count, json_count(s.value));
        for (json_iter k = json_iterate(s.value); json_next(&k);) {
            bb_str got = conf_find(section, k.key)->value;
            if (json_is(k.value, JSON_STRING))
                ck_assert(str_eq(got, json_string(k.value)));
            else
                ck_assert(json_equal(json_read(memory, got, NULL, NULL), k.value));
        }
    }
}

START_TEST(whatever_is_taken_comes_back) {
    unsigned taken = 0;
    for (unsigned i = 0; i < 5000; i++) {
        buf text;
        bb_str out;
        conf_file f;
        err e = {""};
        buf_init(&text);
        random_file(&text);
        memory = arena_new(0);
        const json_value *root = json_read(memory, buf_str(&text), NULL, NULL);
        ck_assert_ptr_nonnull(root);
        if (conf_text_from_json(memory, root, &out, &e)) {
            taken++;
            if (!conf_read_text(memory, "a.conf", out, &f))
                ck_abort_msg("%s", f.error.text);
            expect_same(&f, root);
        } else {
            ck_assert_str_ne(e.text, "");
        }
        arena_free(memory);
        buf_free(&text);
    }
    ck_assert_uint_gt(taken, 1000);
    ck_assert_uint_lt(taken, 5000);
}
END_TEST

UNIT_MAIN(unit_test(sections_and_scalars), unit_test(arrays_and_objects_are_compact_json),
          unit_test(what_stands_for_a_secret_is_none), unit_test(what_a_conf_file_cannot_hold),
          unit_test(names_that_forge_nothing), unit_test(whatever_is_taken_comes_back))
