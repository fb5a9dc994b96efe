/* The official JSON Schema suite: every required test of drafts 2020-12 and 7. */
#include "unit.h"

#include "json/schema.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static char root[512];

static bb_str read_file(arena *a, const char *path) {
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return (bb_str){NULL, 0};
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *text = arena_alloc(a, (size_t)size + 1);
    size_t n = fread(text, 1, (size_t)size, f);
    fclose(f);
    return str_of(text, n);
}

/* The suite's remote documents are served from http://localhost:1234/. */
static bb_str find_remote(void *ctx, bb_str uri) {
    bb_str prefix = STR("http://localhost:1234/");
    char path[1024];
    if (!str_starts(uri, prefix))
        return (bb_str){NULL, 0};
    snprintf(path, sizeof path, "%s/remotes/%.*s", root, (int)(uri.len - prefix.len), uri.ptr + prefix.len);
    return read_file(ctx, path);
}

typedef struct tally {
    unsigned cases, tests, wrong;
} tally;

static void run_case(arena *a, const char *file, const json_value *c, const char *dialect, tally *t) {
    schema_resolver resolver = {.find = find_remote, .ctx = a};
    err e = {""};
    bb_str description = json_string(json_getl(c, "description"));
    bb_str text = json_raw(json_getl(c, "schema"));
    if (strstr(dialect, "draft-07") != NULL && json_is(json_getl(c, "schema"), JSON_OBJECT) &&
        json_getl(json_getl(c, "schema"), "$schema") == NULL)
        text = arena_printf(a, "{\"$schema\":\"%s\"%s%.*s", dialect,
                            json_count(json_getl(c, "schema")) > 0 ? "," : "", (int)text.len - 1,
                            text.ptr + 1);
    schema *s = schema_compile(text, STR("http://localhost:1234/case.json"), &resolver, &e);
    t->cases++;
    if (s == NULL) {
        t->wrong++;
        printf("%s: %.*s: does not compile: %s\n", file, (int)description.len, description.ptr, e.text);
        return;
    }
    for (json_iter it = json_iterate(json_getl(c, "tests")); json_next(&it);) {
        bool expected = json_bool(json_getl(it.value, "valid"), false);
        schema_issues issues = {0};
        bool valid = schema_validate(s, json_getl(it.value, "data"), a, &issues);
        bb_str name = json_string(json_getl(it.value, "description"));
        t->tests++;
        if (valid != expected || (!valid && issues.count == 0)) {
            t->wrong++;
            printf("%s: %.*s: %.*s: should be %s\n", file, (int)description.len, description.ptr,
                   (int)name.len, name.ptr, expected ? "valid" : "invalid, with an issue");
        }
    }
    schema_free(s);
}

static void run_draft(const char *draft, const char *dialect, unsigned least) {
    const char *specs = getenv("BUSBAR_SPECS");
    if (specs == NULL) {
        printf("SKIP json schema suite %s: BUSBAR_SPECS is not set\n", draft);
        return;
    }
    char folder[1024], path[2048];
    tally t = {0};
    snprintf(root, sizeof root, "%s/conformance/json-schema", specs);
    snprintf(folder, sizeof folder, "%s/tests/%s", root, draft);
    DIR *d = opendir(folder);
    ck_assert_msg(d != NULL, "%s is missing", folder);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        if (!str_ends(str_from(entry->d_name), STR(".json")))
            continue;
        arena *a = arena_new(0);
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        const json_value *cases = json_read(a, read_file(a, path), NULL, NULL);
        ck_assert_msg(json_is(cases, JSON_ARRAY), "%s is not a list of cases", path);
        for (json_iter it = json_iterate(cases); json_next(&it);)
            run_case(a, entry->d_name, it.value, dialect, &t);
        arena_free(a);
    }
    closedir(d);
    printf("%s: %u cases, %u tests, %u wrong\n", draft, t.cases, t.tests, t.wrong);
    ck_assert_uint_eq(t.wrong, 0);
    ck_assert_uint_ge(t.tests, least);
}

START_TEST(draft_2020_12) {
    run_draft("draft2020-12", "https://json-schema.org/draft/2020-12/schema", 1200);
}
END_TEST

START_TEST(draft_7) {
    run_draft("draft7", "http://json-schema.org/draft-07/schema#", 800);
}
END_TEST

UNIT_MAIN(draft_2020_12, draft_7)
