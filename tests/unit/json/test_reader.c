/* The reader at the edges of its input: each text stands in memory of exactly its size, so that a sanitizer
 * sees a byte read too many; and what is read comes back as it was written. */
#include "unit.h"

#include "json/json.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static const json_value *read_exact(arena *a, bb_str text, char **copy, json_error *e) {
    *copy = malloc(text.len > 0 ? text.len : 1);
    ck_assert_ptr_nonnull(*copy);
    memcpy(*copy, text.ptr, text.len);
    return json_read(a, str_of(*copy, text.len), NULL, e);
}

static const char whole[] =
    "{\"id\":\"evt_0123456789abcdefghijklmnopqrstuvwxyz\",\"n\":[-12.5e+3,0,true,false,"
    "null],\"\\u00fc\\ud83d\\ude00\":\"Gr\xc3\xbc\xc3\x9f"
    "e \xf0\x9f\x98\x80\\n\",\"o\":{}}";

START_TEST(no_beginning_of_a_text_is_a_text) {
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        arena *a = arena_new(0);
        char *copy;
        json_error e;
        ck_assert_ptr_null(read_exact(a, str_of(whole, n), &copy, &e));
        ck_assert_msg(e.offset <= n && e.reason != NULL && !e.limit, "%zu bytes", n);
        free(copy);
        arena_free(a);
    }
}
END_TEST

/* Wherever a word of the scan begins and ends, the byte is found and named by its place. */
START_TEST(a_bad_byte_is_found_at_every_place) {
    static const struct {
        const char *bytes, *reason;
    } bad[] = {{"\x1f", "control character in a string"}, {"\x80", "a string is not UTF-8"},
               {"\xc3(", "a string is not UTF-8"},        {"\xed\xa0\x80", "a string is not UTF-8"},
               {"\xc0\xaf", "a string is not UTF-8"},     {"\xf4\x90\x80\x80", "a string is not UTF-8"}};
    for (size_t before = 0; before < 40; before++)
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            char text[128], *copy;
            json_error e;
            arena *a = arena_new(0);
            int n = snprintf(text, sizeof text, "\"%s%.*s%s%s\"", before % 2 ? "\\n" : "", (int)before,
                             "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", bad[i].bytes,
                             before % 3 ? "" : "and a tail of some length");
            ck_assert_ptr_null(read_exact(a, str_of(text, (size_t)n), &copy, &e));
            ck_assert_str_eq(e.reason, bad[i].reason);
            ck_assert_uint_eq(e.offset, 1 + before + (before % 2 ? 2 : 0));
            free(copy);
            arena_free(a);
        }
}
END_TEST

static void assert_as_written(const json_value *v, arena *a) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    if (json_is(v, JSON_STRING))
        json_put_string(&w, json_string(v));
    else
        json_put_value(&w, v);
    ck_assert(json_writer_finish(&w));
    ck_assert(json_is(v, JSON_STRING) || str_eq(buf_str(&out), json_raw(v)));
    ck_assert(json_equal(v, json_read(a, arena_copy(a, buf_str(&out)), NULL, NULL)));
    ck_assert(json_equal(v, json_read(a, json_raw(v), NULL, NULL)));
    buf_free(&out);
    for (json_iter it = json_iterate(v); json_next(&it);)
        assert_as_written(it.value, a);
}

START_TEST(values_come_back_as_written) {
    arena *a = arena_new(0);
    char *copy;
    const json_value *v = read_exact(a, str_from(whole), &copy, NULL);
    ck_assert_ptr_nonnull(v);
    ck_assert(str_eq(json_raw(v), str_from(whole)));
    assert_as_written(v, a);
    free(copy);
    arena_free(a);
}
END_TEST

static bb_str load(const char *folder, const char *name, char *room, size_t size) {
    char path[2048];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    ck_assert_msg(f != NULL, "%s", path);
    size_t n = fread(room, 1, size, f);
    fclose(f);
    return str_of(room, n);
}

/* Texts that readers are known to change: long numbers, names twice, surrogates without a partner. Either
 * they are refused, or every value comes back as it was written. */
START_TEST(what_others_transform_is_kept_or_refused) {
    const char *specs = getenv("BUSBAR_SPECS");
    if (specs == NULL) {
        printf("SKIP json texts that readers transform: BUSBAR_SPECS is not set\n");
        return;
    }
    char folder[1024], room[4096];
    snprintf(folder, sizeof folder, "%s/conformance/json-parsing/test_transform", specs);
    DIR *d = opendir(folder);
    ck_assert_msg(d != NULL, "%s is missing", folder);
    unsigned kept = 0, refused = 0;
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        arena *a = arena_new(0);
        char *copy;
        const json_value *v = read_exact(a, load(folder, entry->d_name, room, sizeof room), &copy, NULL);
        ck_assert_msg(v != NULL || strstr(entry->d_name, "invalid_codepoint") != NULL, "%s", entry->d_name);
        v != NULL ? kept++ : refused++;
        if (v != NULL)
            assert_as_written(v, a);
        free(copy);
        arena_free(a);
    }
    closedir(d);
    ck_assert_uint_ge(kept, 16);
    ck_assert_uint_ge(refused, 1);
}
END_TEST

UNIT_MAIN(unit_test(no_beginning_of_a_text_is_a_text), unit_test(a_bad_byte_is_found_at_every_place),
          unit_test(values_come_back_as_written), unit_test(what_others_transform_is_kept_or_refused))
