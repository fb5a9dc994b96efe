/* Full disks, files that cannot be written, and the way back. */
#include "fixture.h"

#include "base/log.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static char large[300000];

static void fill(void) {
    memset(large, 'x', sizeof large);
    log_set_level(LOG_LEVEL_OFF);
}

static store_result put(fixture *f, const char *name, size_t bytes) {
    return store_token_put_now(f->s, str_from(name), str_of(large, bytes), 1);
}

/* The writer tries again by itself, once a second: bounded tries, no more than needed. */
static void await_health(fixture *f) {
    for (int i = 0; i < 600 && store_health(f->s) != STORE_OK; i++)
        usleep(50000);
    ck_assert_int_eq(store_health(f->s), STORE_OK);
}

START_TEST(a_full_database_refuses_and_recovers) {
    fixture f;
    fill();
    fixture_open(&f);
    ck_assert_int_eq(put(&f, "before", 10), STORE_OK);
    ck_assert_int_eq(fixture_sql(&f, "PRAGMA max_page_count = 1"), STORE_OK); /* that is: what it has now */
    ck_assert_int_eq(put(&f, "large", sizeof large), STORE_FULL);
    ck_assert_int_eq(store_health(f.s), STORE_FULL);
    store_counts c;
    store_count(f.s, &c);
    ck_assert_uint_eq(c.failures, 1);
    bb_str sealed;
    ck_assert_int_eq(store_token_get(f.s, f.a, STR("before"), &sealed, NULL), STORE_OK); /* reading goes on */
    ck_assert_int_eq(store_token_get(f.s, f.a, STR("large"), &sealed, NULL), STORE_NOT_FOUND);
    ck_assert_int_eq(fixture_sql(&f, "PRAGMA max_page_count = 100000"), STORE_OK);
    ck_assert_int_eq(put(&f, "large", sizeof large), STORE_OK);
    ck_assert_int_eq(store_health(f.s), STORE_OK);
    fixture_close(&f);
}
END_TEST

static void take_begun(store_result r, idempotency_state state, const idempotency_answer *answer, void *ctx) {
    (void)state;
    ck_assert_ptr_null(answer);
    note_result(r, ctx);
}

static void limit_files(rlim_t bytes) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The log is a part of what fills the disk: it is emptied into the database. */
START_TEST(a_full_log_is_emptied) {
    fixture f;
    struct stat st;
    char wal[160];
    fill();
    signal(SIGXFSZ, SIG_IGN);
    fixture_open(&f);
    for (int i = 0; i < 4; i++) /* the database has room for it, once it is in there */
        ck_assert_int_eq(put(&f, "same", sizeof large - (size_t)i), STORE_OK);
    snprintf(wal, sizeof wal, "%s-wal", f.path);
    ck_assert_int_eq(stat(wal, &st), 0);
    limit_files((rlim_t)st.st_size);
    ck_assert_int_eq(put(&f, "same", sizeof large - 10), STORE_FULL);
    ck_assert_int_eq(put(&f, "same", sizeof large - 11), STORE_OK);
    ck_assert_int_eq(store_health(f.s), STORE_OK);
    limit_files(RLIM_INFINITY);
    fixture_close(&f);
}
END_TEST

/* The kernel's refusal, as of a quota: the log cannot grow, nor be emptied while somebody reads. */
START_TEST(a_full_disk_refuses_and_recovers_by_itself) {
    fixture f;
    uint8_t hash[32] = {1};
    struct stat st;
    char wal[160];
    fill();
    signal(SIGXFSZ, SIG_IGN);
    fixture_open(&f);
    ck_assert_int_eq(put(&f, "before", 10), STORE_OK);
    snprintf(wal, sizeof wal, "%s-wal", f.path);
    ck_assert_int_eq(stat(wal, &st), 0);
    ck_assert_int_eq(database_exec(&f.s->main, "BEGIN"), STORE_OK);
    ck_assert_int_eq(database_number(&f.s->main, "SELECT count(*) FROM tokens", -1), 1);
    limit_files((rlim_t)st.st_size);
    ck_assert_int_eq(put(&f, "after", 10), STORE_FULL);
    ck_assert_int_eq(store_health(f.s), STORE_FULL);
    told o = {.f = &f};
    ck_assert(store_idempotency_begin(f.s, hash, hash, 1, 1000, f.l, take_begun, &o));
    sem_wait(&f.sem);
    ck_assert_int_eq(o.r, STORE_FULL);
    bb_str sealed;
    ck_assert_int_eq(store_token_get(f.s, f.a, STR("before"), &sealed, NULL), STORE_OK);
    limit_files(RLIM_INFINITY);
    ck_assert_int_eq(database_exec(&f.s->main, "COMMIT"), STORE_OK);
    await_health(&f);
    ck_assert_int_eq(store_token_get(f.s, f.a, STR("after"), &sealed, NULL), STORE_NOT_FOUND);
    ck_assert_int_eq(put(&f, "after", 10), STORE_OK);
    fixture_reopen(&f);
    ck_assert_int_eq(store_token_get(f.s, f.a, STR("after"), &sealed, NULL), STORE_OK);
    fixture_close(&f);
}
END_TEST

/* A connection that may not write stays so: the writer takes a new one. */
START_TEST(a_connection_that_cannot_write_is_replaced) {
    fixture f;
    fill();
    fixture_open(&f);
    ck_assert_int_eq(fixture_sql(&f, "PRAGMA query_only = 1"), STORE_OK);
    ck_assert_int_eq(put(&f, "refused", 10), STORE_READ_ONLY);
    ck_assert_int_eq(store_health(f.s), STORE_READ_ONLY);
    await_health(&f);
    ck_assert_int_eq(put(&f, "after", 10), STORE_OK);
    fixture_close(&f);
}
END_TEST

/* --- opening ------------------------------------------------------------------------------------------- */

static void refused(const char *path, bool read_only, const char *text) {
    err e = {""};
    store *s = read_only ? store_open_read_only(path, &e) : store_open(path, &e);
    ck_assert_ptr_null(s);
    ck_assert_msg(strstr(e.text, text) != NULL, "\"%s\" is not in: %s", text, e.text);
    ck_assert_msg(strstr(e.text, path) != NULL, "the path is not in: %s", e.text);
}

static void close_store(fixture *f) {
    store_close(f->s);
    f->s = NULL;
}

static void overwrite(const char *path, long from, size_t bytes) {
    FILE *file = fopen(path, "r+");
    ck_assert_ptr_nonnull(file);
    fseek(file, from, SEEK_SET);
    for (size_t i = 0; i < bytes; i++)
        fputc(0xa5, file);
    fclose(file);
}

START_TEST(a_damaged_file_is_refused) {
    fixture f;
    fill();
    fixture_open(&f);
    ck_assert_int_eq(put(&f, "t", sizeof large), STORE_OK);
    close_store(&f);
    overwrite(f.path, 4096, 65536);
    refused(f.path, false, "the store is damaged");
    refused(f.path, false, "backup");
    overwrite(f.path, 0, 4096);
    refused(f.path, false, "the store is damaged");
    refused(f.path, true, "the store");
    fixture_close(&f);
}
END_TEST

/* Over 64 MiB, table by table: the file is made longer than what is in use of it. */
START_TEST(a_large_file_is_checked_too) {
    fixture f;
    fill();
    fixture_open(&f);
    ck_assert_int_eq(put(&f, "t", sizeof large), STORE_OK);
    close_store(&f);
    ck_assert_int_eq(truncate(f.path, 70 << 20), 0);
    fixture_reopen(&f);
    bb_str sealed;
    ck_assert_int_eq(store_token_get(f.s, f.a, STR("t"), &sealed, NULL), STORE_OK);
    ck_assert_uint_eq(sealed.len, sizeof large);
    close_store(&f);
    ck_assert_int_eq(truncate(f.path, 70 << 20), 0);
    overwrite(f.path, 4096, 131072);
    refused(f.path, false, "the store is damaged");
    fixture_close(&f);
}
END_TEST

START_TEST(a_newer_store_and_others_databases_are_refused) {
    fixture f;
    fixture_open(&f);
    ck_assert_int_eq(fixture_sql(&f, "PRAGMA user_version = 99"), STORE_OK);
    close_store(&f);
    refused(f.path, false, "of version 99");
    refused(f.path, true, "of version 99");
    f.s = NULL;
    database d;
    err e = {""};
    ck_assert(database_open(&d, f.path, DATABASE_WRITE, &e));
    ck_assert_int_eq(database_exec(&d, "PRAGMA application_id = 7"), STORE_OK);
    database_close(&d);
    refused(f.path, false, "another program");
    char nowhere[200];
    snprintf(nowhere, sizeof nowhere, "%s/no/such/folder.db", f.folder);
    refused(nowhere, false, "cannot be made");
    refused(nowhere, true, "cannot be opened");
    refused(f.folder, false, "no regular file");
    fixture_close(&f);
}
END_TEST

static mode_t mode_of(const char *path) {
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_mode & 0777;
}

START_TEST(only_the_owner_reads_the_file) {
    fixture f;
    char wal[160];
    fixture_open(&f);
    snprintf(wal, sizeof wal, "%s-wal", f.path);
    ck_assert_uint_eq(mode_of(f.path), 0600);
    ck_assert_uint_eq(mode_of(wal), 0600);
    close_store(&f);
    chmod(f.path, 0644);
    fixture_reopen(&f);
    ck_assert_uint_eq(mode_of(f.path), 0600);
    fixture_close(&f);
}
END_TEST

/* As another user: for root, every file can be written. */
START_TEST(a_file_that_cannot_be_written_is_refused) {
    fixture f;
    fixture_open(&f);
    close_store(&f);
    ck_assert_int_eq(chmod(f.folder, 0555) + chmod(f.path, 0444), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        err e = {""};
        log_set_level(LOG_LEVEL_OFF);
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(9);
        store *s = store_open(f.path, &e);
        bool said = strstr(e.text, "cannot be") != NULL;
        _exit(s != NULL ? 1 : said ? 0 : 2);
    }
    int status = -1;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    chmod(f.folder, 0700);
    fixture_close(&f);
}
END_TEST

/* --- reading only -------------------------------------------------------------------------------------- */

static bool exists(const char *path, const char *suffix) {
    char name[200];
    snprintf(name, sizeof name, "%s%s", path, suffix);
    return access(name, F_OK) == 0;
}

static bool count_segment(bb_str lines, void *ctx) {
    told *o = ctx;
    o->r = lines.len == 3 ? STORE_EXISTS : STORE_FAILED;
    return true;
}

static void walked(store_result r, void *ctx) {
    told *o = ctx;
    o->r = r == STORE_OK && o->r == STORE_EXISTS ? STORE_OK : STORE_FAILED;
    sem_post(&o->f->sem);
}

START_TEST(a_store_is_read_beside_a_hub_and_without_one) {
    fixture f;
    err e = {""};
    fixture_open(&f);
    ck_assert_int_eq(store_token_put_now(f.s, STR("t"), STR("x"), 1), STORE_OK);
    execution_segment g = {STR("1"), STR("2"), 1, 2, 1, 0, STR("{}\n")};
    ck_assert(store_executions_add(f.s, &g));
    store_flush(f.s);
    for (int beside = 1; beside >= 0; beside--) {
        store *s = store_open_read_only(f.path, &e);
        ck_assert_msg(s != NULL, "%s", e.text);
        bb_str sealed;
        ck_assert_int_eq(store_token_get(s, f.a, STR("t"), &sealed, NULL), STORE_OK);
        ck_assert_int_eq(store_token_put_now(s, STR("t"), STR("y"), 1), STORE_READ_ONLY);
        ck_assert_int_eq(store_health(s), STORE_READ_ONLY);
        told o = {.f = &f};
        execution_walk w = {.see = count_segment, .done = walked, .ctx = &o};
        ck_assert(store_executions_walk(s, &w, f.l));
        sem_wait(&f.sem);
        ck_assert_int_eq(o.r, STORE_OK);
        store_close(s);
        if (beside == 1)
            close_store(&f);
        ck_assert(!exists(f.path, "-wal") && !exists(f.path, "-shm"));
    }
    fixture_close(&f);
}
END_TEST

/* A hub that was killed leaves a log: it is read without being written. No thread runs at the fork. */
START_TEST(a_store_that_was_killed_is_read) {
    char folder[] = "/tmp/busbar-killed-XXXXXX", path[128], command[64];
    err e = {""};
    arena *a = arena_new(0);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/busbar.db", folder);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        store *s = store_open(path, &e);
        if (s == NULL || store_token_put_now(s, STR("t"), STR("x"), 1) != STORE_OK)
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status) && exists(path, "-wal"));
    for (int i = 0; i < 2; i++) {
        bb_str sealed;
        store *s = i == 0 ? store_open_read_only(path, &e) : store_open(path, &e);
        ck_assert_msg(s != NULL, "%s", e.text);
        ck_assert_int_eq(store_token_get(s, a, STR("t"), &sealed, NULL), STORE_OK);
        store_close(s);
    }
    arena_free(a);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

UNIT_MAIN(unit_test(a_store_that_was_killed_is_read), unit_test(a_full_database_refuses_and_recovers),
          unit_test(a_full_log_is_emptied), unit_test(a_full_disk_refuses_and_recovers_by_itself),
          unit_test(a_connection_that_cannot_write_is_replaced), unit_test(a_damaged_file_is_refused),
          unit_test(a_large_file_is_checked_too), unit_test(a_newer_store_and_others_databases_are_refused),
          unit_test(only_the_owner_reads_the_file), unit_test(a_file_that_cannot_be_written_is_refused),
          unit_test(a_store_is_read_beside_a_hub_and_without_one))
