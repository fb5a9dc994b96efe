/* The quarantine: what is put in stays in over restarts, the stronger word holds, and no file keeps a hub
 * from starting. */
#include "plugin/quarantine.h"

#include "base/file.h"
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static void setup(void) {
    strcpy(dir, "/tmp/busbar-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static const char *path_of(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void teardown(void) {
    static const char *const names[] = {"quarantine.json", "quarantine.json.bad", "quarantine.json.new"};
    chmod(dir, 0700);
    for (size_t i = 0; i < 3; i++)
        unlink(path_of(names[i]));
    ck_assert_int_eq(rmdir(dir), 0);
}

static quarantine_entry entry_of(char digit, quarantine_action action) {
    quarantine_entry e = {
        .action = action, .plugin = "shop", .version = "1.2", .reason = "it \"crashed\"", .at_ms = 5};
    memset(e.sha256, digit, 64);
    return e;
}

static void put(quarantine *q, char digit, quarantine_action action) {
    quarantine_entry e = entry_of(digit, action);
    err why = {""};
    ck_assert_msg(quarantine_put(q, &e, &why), "%s", why.text);
}

static quarantine_action action_of(const quarantine *q, char digit) {
    quarantine_entry e = entry_of(digit, QUARANTINE_OFF);
    return quarantine_action_of(q, e.sha256);
}

START_TEST(it_is_kept) {
    setup();
    quarantine *q = quarantine_open(dir, NULL);
    ck_assert_ptr_null(quarantine_at(q, 0));
    put(q, 'a', QUARANTINE_ISOLATE);
    put(q, 'b', QUARANTINE_OFF);
    quarantine_close(q);
    q = quarantine_open(dir, NULL);
    const quarantine_entry *first = quarantine_at(q, 0);
    ck_assert_str_eq(first->plugin, "shop");
    ck_assert_str_eq(first->version, "1.2");
    ck_assert_str_eq(first->reason, "it \"crashed\"");
    ck_assert_uint_eq(first->at_ms, 5);
    ck_assert_int_eq(action_of(q, 'a'), QUARANTINE_ISOLATE);
    ck_assert_int_eq(action_of(q, 'b'), QUARANTINE_OFF);
    ck_assert_int_eq(action_of(q, 'c'), QUARANTINE_NONE);
    ck_assert_ptr_null(quarantine_at(q, 2));
    put(q, 'b', QUARANTINE_ISOLATE); /* weaker: changes nothing */
    put(q, 'a', QUARANTINE_OFF);
    quarantine_close(q);
    q = quarantine_open(dir, NULL);
    ck_assert_int_eq(action_of(q, 'a'), QUARANTINE_OFF);
    ck_assert_int_eq(action_of(q, 'b'), QUARANTINE_OFF);
    ck_assert_ptr_null(quarantine_at(q, 2));
    quarantine_close(q);
    teardown();
}
END_TEST

START_TEST(it_is_lifted_by_the_beginning_of_a_hash) {
    setup();
    err e = {""};
    char gone[65];
    quarantine *q = quarantine_open(dir, NULL);
    put(q, 'a', QUARANTINE_OFF);
    quarantine_entry near = entry_of('a', QUARANTINE_OFF);
    near.sha256[20] = 'b';
    ck_assert(quarantine_put(q, &near, &e));
    ck_assert(!quarantine_allow(q, STR("aaaaaaa"), gone, &e) && strstr(e.text, "8 or more"));
    ck_assert(!quarantine_allow(q, STR("AAAAAAAA"), gone, &e));
    ck_assert(!quarantine_allow(q, STR("aaaaaaaab"), gone, &e) && strstr(e.text, "no build whose hash"));
    ck_assert(!quarantine_allow(q, STR("aaaaaaaa"), gone, &e) && strstr(e.text, "2 builds"));
    ck_assert(quarantine_allow(q, STR("aaaaaaaaaaaaaaaaaaaab"), gone, &e));
    ck_assert_str_eq(gone, near.sha256);
    quarantine_close(q);
    q = quarantine_open(dir, NULL);
    ck_assert_int_eq(action_of(q, 'a'), QUARANTINE_OFF);
    ck_assert_ptr_null(quarantine_at(q, 1));
    quarantine_close(q);
    teardown();
}
END_TEST

START_TEST(a_file_that_is_none_is_put_aside) {
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"format\":2,\"builds\":[]}",
        "{\"format\":1,\"builds\":[{\"sha256\":\"xyz\",\"action\":\"off\",\"at\":1}]}",
        "{\"format\":1,\"builds\":[{}]}",
        "\xff\xfe"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        setup();
        err e = {""};
        ck_assert(file_replace(path_of("quarantine.json"), str_from(texts[i]), 0600, &e));
        quarantine *q = quarantine_open(dir, &e);
        ck_assert_ptr_nonnull(q);
        ck_assert_ptr_null(quarantine_at(q, 0));
        ck_assert_int_eq(access(path_of("quarantine.json.bad"), F_OK), 0);
        put(q, 'a', QUARANTINE_OFF);
        quarantine_close(q);
        teardown();
    }
}
END_TEST

START_TEST(a_folder_that_takes_nothing) {
    setup();
    err e = {""};
    quarantine *q = quarantine_open(dir, NULL);
    ck_assert_int_eq(mkdir(path_of("quarantine.json.new"), 0700), 0); /* also root cannot write over that */
    quarantine_entry entry = entry_of('a', QUARANTINE_OFF);
    ck_assert(!quarantine_put(q, &entry, &e) && strstr(e.text, "cannot be written"));
    ck_assert_int_eq(action_of(q, 'a'), QUARANTINE_OFF); /* for this run */
    rmdir(path_of("quarantine.json.new"));
    quarantine_close(q);
    q = quarantine_open("/nowhere/at/all", &e); /* as if there were none */
    ck_assert_ptr_nonnull(q);
    quarantine_close(q);
    q = quarantine_open(NULL, &e);
    put(q, 'a', QUARANTINE_ISOLATE);
    quarantine_close(q);
    teardown();
}
END_TEST

/* A disk that takes the first bytes only: what was there stays, whole; what is decided holds for this run. */
START_TEST(a_disk_that_is_full) {
    char gone[65];
    err e = {""};
    struct rlimit was, little;
    setup();
    quarantine *q = quarantine_open(dir, NULL);
    put(q, 'a', QUARANTINE_OFF);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &was), 0);
    little = was;
    little.rlim_cur = 16;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
    quarantine_entry entry = entry_of('b', QUARANTINE_OFF);
    ck_assert(!quarantine_put(q, &entry, &e) && strstr(e.text, "cannot be written"));
    ck_assert_int_eq(action_of(q, 'b'), QUARANTINE_OFF);
    ck_assert(!quarantine_allow(q, STR("aaaaaaaa"), gone, &e) && gone[0] == 'a');
    ck_assert_int_eq(action_of(q, 'a'), QUARANTINE_NONE);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &was), 0);
    quarantine_close(q);
    q = quarantine_open(dir, NULL);
    ck_assert_int_eq(action_of(q, 'a'), QUARANTINE_OFF);
    ck_assert_int_eq(action_of(q, 'b'), QUARANTINE_NONE);
    ck_assert_int_ne(access(path_of("quarantine.json.bad"), F_OK), 0);
    quarantine_close(q);
    teardown();
}
END_TEST

UNIT_MAIN(a_disk_that_is_full, it_is_kept, it_is_lifted_by_the_beginning_of_a_hash,
          a_file_that_is_none_is_put_aside, a_folder_that_takes_nothing)
