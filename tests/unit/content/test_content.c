/* Flows between two who wait for each other; digests over what passes; paths that stay in their folder. */
#include <busbar/busbar.h>
#include <busbar/content.h>

#include "base/flow.h"
#include "content/digest.h"
#include "content/folders.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(a_flow_keeps_the_order_of_its_bytes) {
    loop *l = loop_new(0);
    flow *f = flow_new(l, 7);
    char seen[64];
    size_t got = 0, put = 0;
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    for (size_t i = 0; got < sizeof text - 1; i++) {
        size_t n = flow_room(f) < 3 + i % 4 ? flow_room(f) : 3 + i % 4;
        n = n < sizeof text - 1 - put ? n : sizeof text - 1 - put;
        flow_put(f, str_of(text + put, n));
        put += n;
        bb_str data = flow_data(f);
        ck_assert_uint_gt(data.len, 0);
        size_t take = data.len > 1 ? data.len - 1 : 1;
        memcpy(seen + got, data.ptr, take);
        flow_take(f, take);
        got += take;
    }
    ck_assert_mem_eq(seen, text, sizeof text - 1);
    ck_assert(!flow_is_over(f));
    flow_end(f);
    ck_assert(flow_is_over(f) && flow_failure(f) == NULL);
    flow_fail(f, "first");
    flow_fail(f, "second");
    ck_assert_str_eq(flow_failure(f), "first");
    flow_unref(f);
    loop_free(l);
}
END_TEST

static void hex_of(int32_t kind, uint64_t block, const char *text, size_t step, char out[65]) {
    content_digest *d = content_digest_new(kind, block);
    size_t n = strlen(text);
    ck_assert_ptr_nonnull(d);
    for (size_t at = 0; at < n; at += step)
        content_digest_add(d, at, str_of(text + at, step < n - at ? step : n - at));
    content_digest_hex(d, n, out);
    content_digest_free(d);
}

START_TEST(digests_are_those_of_the_bytes) {
    char out[65], same[65];
    hex_of(BB_DIGEST_SHA256, 0, "hello", 2, out);
    ck_assert_str_eq(out, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    hex_of(BB_DIGEST_MD5, 0, "hello", 1, out);
    ck_assert_str_eq(out, "5d41402abc4b2a76b9719d911017c592");
    hex_of(BB_DIGEST_SHA1, 0, "hello", 5, out);
    ck_assert_str_eq(out, "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
    for (size_t step = 1; step < 9; step++) { /* blocks do not depend on how the bytes come */
        hex_of(BB_DIGEST_SHA256, 4, "hello world!", step, out);
        hex_of(BB_DIGEST_SHA256, 4, "hello world!", 12, same);
        ck_assert_str_eq(out, same);
    }
    ck_assert_ptr_null(content_digest_new(99, 0));
}
END_TEST

START_TEST(a_digest_knows_what_it_has_not_seen) {
    char out[65];
    content_digest *d = content_digest_new(BB_DIGEST_SHA256, 0);
    content_digest_add(d, 0, STR("hel"));
    content_digest_add(d, 1, STR("ello")); /* sent once more, and further */
    content_digest_hex(d, 5, out);
    ck_assert_str_eq(out, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    content_digest_hex(d, 4, out);
    ck_assert_str_eq(out, "");
    content_digest_add(d, 7, STR("x"));
    content_digest_hex(d, 8, out);
    ck_assert_str_eq(out, "");
    content_digest_free(d);
}
END_TEST

START_TEST(paths_stay_in_their_folder) {
    char root[] = "/tmp/busbar-unit-XXXXXX", path[300];
    ck_assert_ptr_nonnull(mkdtemp(root));
    const char *paths[] = {root, NULL};
    const content_folders folders = {.paths = paths};
    snprintf(path, sizeof path, "%s/sub", root);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/up", root);
    ck_assert_int_eq(symlink("/etc", path), 0);
    static const struct {
        const char *below;
        folders_result result;
    } tries[] = {{"/none", FOLDERS_MISSING}, {"/up/passwd", FOLDERS_WRONG}, {"/up", FOLDERS_WRONG},
                 {"/sub", FOLDERS_WRONG},    {"/../x", FOLDERS_WRONG},      {"/sub/../x", FOLDERS_WRONG},
                 {"x/y", FOLDERS_OUTSIDE},   {"", FOLDERS_OUTSIDE},         {"/", FOLDERS_OUTSIDE},
                 {"/..", FOLDERS_WRONG},     {"/sub/./x", FOLDERS_WRONG}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        int fd = -1;
        uint64_t size;
        err e = {""};
        snprintf(path, sizeof path, "%s%s", root, tries[i].below);
        ck_assert_msg(folders_open(&folders, path, &fd, &size, &e) == tries[i].result, "%s: %s", path,
                      e.text);
        ck_assert(e.text[0] != '\0');
    }
    int dir, fd;
    uint64_t size;
    const char *name;
    char temporary[64];
    err e = {""};
    snprintf(path, sizeof path, "%s/sub/file", root);
    ck_assert_int_eq(folders_parent(&folders, path, &dir, &name, &e), FOLDERS_OK);
    fd = folders_create(dir, temporary, &e);
    ck_assert_int_eq(write(fd, "hello", 5), 5);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_msg(folders_publish(dir, fd, temporary, name, &e), "%s", e.text);
    close(fd);
    close(dir);
    ck_assert_int_eq(folders_open(&folders, path, &fd, &size, &e), FOLDERS_OK);
    ck_assert_uint_eq(size, 5);
    close(fd);
    snprintf(path, sizeof path, "rm -r %s", root);
    ck_assert_int_eq(system(path), 0);
}
END_TEST

UNIT_MAIN(unit_test(a_flow_keeps_the_order_of_its_bytes), unit_test(digests_are_those_of_the_bytes),
          unit_test(a_digest_knows_what_it_has_not_seen), unit_test(paths_stay_in_their_folder))
