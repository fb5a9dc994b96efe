/* From version to version: with a copy, all or nothing. */
#include "fixture.h"

#include "base/log.h"

static const migration steps[] = {{"CREATE TABLE a(x); INSERT INTO a VALUES(1);"},
                                  {"ALTER TABLE a ADD COLUMN y DEFAULT 2;"},
                                  {"CREATE TABLE b(x); INSERT INTO b SELECT x + y FROM a;"},
                                  {"CREATE TABLE c(x); INSERT INTO nowhere VALUES(1);"}};

typedef struct folder {
    char name[64], path[128];
    database d;
} folder;

static void folder_open(folder *f) {
    *f = (folder){.name = "/tmp/busbar-migrate-XXXXXX"};
    err e = {""};
    log_set_level(LOG_LEVEL_OFF);
    ck_assert_ptr_nonnull(mkdtemp(f->name));
    snprintf(f->path, sizeof f->path, "%s/x.db", f->name);
    ck_assert(database_open(&f->d, f->path, DATABASE_CREATE, &e));
    ck_assert_int_eq(database_exec(&f->d, "PRAGMA journal_mode=WAL"), STORE_OK);
}

static bool migrate(folder *f, unsigned version, err *e) {
    const store_kind kind = {
        .application_id = 0x42534252, .migrations = steps, .version = version, .lost = "all"};
    return store_migrate(&f->d, f->path, &kind, e);
}

static void folder_close(folder *f) {
    char command[100];
    database_close(&f->d);
    snprintf(command, sizeof command, "rm -rf '%s'", f->name);
    ck_assert_int_eq(system(command), 0);
}

static int64_t in_copy(const folder *f, unsigned version, const char *sql) {
    char name[160];
    database d;
    snprintf(name, sizeof name, "%s.before-v%u", f->path, version);
    if (!database_open(&d, name, DATABASE_READ, NULL))
        return -2;
    struct stat st;
    ck_assert(stat(name, &st) == 0 && (st.st_mode & 0777) == 0600);
    int64_t n = database_number(&d, sql, -1);
    database_close(&d);
    return n;
}

START_TEST(a_new_file_is_made_without_a_copy) {
    folder f;
    err e = {""};
    folder_open(&f);
    ck_assert_msg(migrate(&f, 3, &e), "%s", e.text);
    ck_assert_int_eq(database_number(&f.d, "SELECT x FROM b", -1), 3);
    ck_assert_int_eq(database_number(&f.d, "PRAGMA user_version", -1), 3);
    ck_assert_int_eq(in_copy(&f, 3, "SELECT 1"), -2);
    ck_assert(migrate(&f, 3, &e)); /* nothing left to do */
    folder_close(&f);
}
END_TEST

START_TEST(an_older_file_is_copied_and_brought_up) {
    folder f;
    err e = {""};
    folder_open(&f);
    ck_assert(migrate(&f, 1, &e));
    ck_assert_int_eq(database_exec(&f.d, "INSERT INTO a VALUES(5)"), STORE_OK);
    ck_assert_msg(migrate(&f, 3, &e), "%s", e.text);
    ck_assert_int_eq(database_number(&f.d, "SELECT sum(x) FROM b", -1), 10);
    ck_assert_int_eq(in_copy(&f, 3, "SELECT count(*) FROM a"), 2);
    ck_assert_int_eq(in_copy(&f, 3, "PRAGMA user_version"), 1);
    ck_assert_int_eq(in_copy(&f, 3, "SELECT count(*) FROM b"), -1);
    ck_assert(!store_check_version(&f.d, f.path, 4, &e) && strstr(e.text, "start this hub once") != NULL);
    ck_assert(store_check_version(&f.d, f.path, 3, &e));
    folder_close(&f);
}
END_TEST

START_TEST(a_step_that_fails_leaves_all_as_it_was) {
    folder f;
    err e = {""};
    folder_open(&f);
    ck_assert(migrate(&f, 2, &e));
    ck_assert(!migrate(&f, 4, &e));
    ck_assert_msg(strstr(e.text, "from version 2 to 4") != NULL, "%s", e.text);
    ck_assert_int_eq(database_number(&f.d, "PRAGMA user_version", -1), 2);
    ck_assert_int_eq(database_number(&f.d, "SELECT count(*) FROM b", -1), -1);
    ck_assert_int_eq(database_number(&f.d, "SELECT count(*) FROM c", -1), -1);
    ck_assert_int_eq(database_exec(&f.d, "INSERT INTO a(x) VALUES(5)"),
                     STORE_OK); /* no transaction is left open */
    ck_assert(!migrate(&f, 4, &e));
    ck_assert_int_eq(in_copy(&f, 4, "SELECT count(*) FROM a"), 1); /* the first copy is kept */
    folder_close(&f);
}
END_TEST

START_TEST(without_a_copy_nothing_is_changed) {
    folder f;
    err e = {""};
    char name[160];
    folder_open(&f);
    ck_assert(migrate(&f, 1, &e));
    snprintf(name, sizeof name, "%s.before-v3.part", f.path);
    ck_assert_int_eq(mkdir(name, 0700), 0); /* in the way of the copy */
    ck_assert(!migrate(&f, 3, &e));
    ck_assert_msg(strstr(e.text, "cannot be copied") != NULL, "%s", e.text);
    ck_assert_int_eq(database_number(&f.d, "PRAGMA user_version", -1), 1);
    folder_close(&f);
}
END_TEST

START_TEST(a_newer_file_is_refused) {
    folder f;
    err e = {""};
    folder_open(&f);
    ck_assert(migrate(&f, 3, &e));
    ck_assert(!migrate(&f, 2, &e));
    ck_assert_msg(strstr(e.text, "of version 3, this hub knows 2") != NULL, "%s", e.text);
    folder_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(a_new_file_is_made_without_a_copy), unit_test(an_older_file_is_copied_and_brought_up),
          unit_test(a_step_that_fails_leaves_all_as_it_was), unit_test(without_a_copy_nothing_is_changed),
          unit_test(a_newer_file_is_refused))
