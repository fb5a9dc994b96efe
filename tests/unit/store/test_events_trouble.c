/* Full devices, groups that are lost, and how much work a look-up is. */
#include "events_fixture.h"

#include "base/log.h"

#include <signal.h>
#include <sys/resource.h>

#define T "subscription/a"

static event_new large_event(const char *id, const event_target *to) {
    static char payload[300000];
    memset(payload, 'x', sizeof payload);
    return (event_new){.id = str_from(id),
                       .source = STR("s"),
                       .dedup = str_from(id),
                       .dedup_ms = 100000,
                       .payload = str_of(payload, sizeof payload),
                       .at_ms = NOW,
                       .targets = to,
                       .target_count = 1};
}

START_TEST(a_full_device_refuses_loses_nothing_and_recovers) {
    fixture f;
    const event_target to = {.target = STR("subscription/new")};
    const event_new large = large_event("large", &to);
    log_set_level(LOG_LEVEL_OFF);
    queue_open(&f);
    ck_assert_int_eq(put_one(&f, "e1", T, NULL, NOW), STORE_OK);
    ck_assert_int_eq(fixture_sql(&f, "PRAGMA max_page_count = 1"), STORE_OK); /* that is: what it has now */
    ck_assert_int_eq(put_events(&f, &large, 1).r, STORE_FULL);
    ck_assert_int_eq(store_health(f.s), STORE_FULL);
    ck_assert_uint_eq(counts_of(&f, T).pending, 1);
    target_counts c;
    events_target_counts(f.s, STR("subscription/new"), &c);
    ck_assert_uint_eq(c.pending, 0);                 /* what was counted is taken back */
    ck_assert_uint_eq(due(&f, T, NOW, 10).count, 1); /* reading goes on */
    ck_assert_int_eq(fixture_sql(&f, "PRAGMA max_page_count = 100000"), STORE_OK);
    put_told put = put_events(&f, &large, 1);
    ck_assert(put.r == STORE_OK && !put.repeated[0]); /* and is no repeat of what was not stored */
    ck_assert(put_events(&f, &large, 1).repeated[0]);
    ck_assert_int_eq(store_health(f.s), STORE_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(counts_of(&f, "subscription/new").pending, 1);
        ck_assert_uint_eq(counts_of(&f, T).pending, 1);
        queue_reopen(&f);
    }
    fixture_close(&f);
}
END_TEST

/* Files cannot be written while it is put: the commit fails. Nothing else may write meanwhile, Check neither.
 */
static put_told put_in_vain(fixture *f, const event_new *n) {
    put_told o = {.f = f};
    struct rlimit before, none;
    getrlimit(RLIMIT_FSIZE, &before);
    none = before;
    none.rlim_cur = 0;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &none);
    if (events_put(f->s, n, 1, f->l, note_put, &o))
        sem_wait(&f->sem);
    setrlimit(RLIMIT_FSIZE, &before);
    return o;
}

#define MERGED_FROM 65536 /* hashes in memory: then they go into the table */

START_TEST(what_was_not_committed_is_no_repeat_when_hashes_are_merged) {
    fixture f;
    char ids[256][16];
    event_new list[256];
    log_set_level(LOG_LEVEL_OFF);
    queue_open(&f);
    for (int i = 0; i < MERGED_FROM - 1;) {
        size_t n = 0;
        for (; n < 256 && i < MERGED_FROM - 1; n++, i++) {
            snprintf(ids[n], sizeof ids[n], "e%d", i);
            list[n] = (event_new){.id = str_from(ids[n]),
                                  .source = STR("s"),
                                  .dedup = str_from(ids[n]),
                                  .dedup_ms = UINT64_C(10000000000000),
                                  .at_ms = NOW};
        }
        ck_assert_int_eq(put_events(&f, list, n).r, STORE_OK);
    }
    list[0].id = list[0].dedup = STR("last");
    put_told vain = put_in_vain(&f, list);
    ck_assert_int_eq(vain.r, STORE_FULL);
    put_told put = put_events(&f, list, 1);
    ck_assert(put.r == STORE_OK && !put.repeated[0]);
    ck_assert(put_events(&f, list, 1).repeated[0]);
    fixture_close(&f);
}
END_TEST

START_TEST(too_many_targets_or_bytes_are_refused) {
    fixture f;
    queue_open(&f);
    put_told o = {.f = &f};
    const event_new wide = {.id = STR("e"), .target_count = EVENT_DELIVERIES + 1};
    const event_new long_one = {.id = STR("e"), .payload = {"", EVENT_PAYLOAD_MAX + 1}};
    ck_assert(!events_put(f.s, &wide, 1, f.l, note_put, &o));
    ck_assert(!events_put(f.s, &long_one, 1, f.l, note_put, &o));
    fixture_close(&f);
}
END_TEST

START_TEST(a_due_look_up_ends_at_its_bytes) {
    fixture f;
    queue_open(&f);
    const event_target to = {.target = STR(T)};
    char ids[4][4] = {"e1", "e2", "e3", "e4"};
    for (int i = 0; i < 4; i++) {
        const event_new n = large_event(ids[i], &to);
        ck_assert_int_eq(put_events(&f, &n, 1).r, STORE_OK);
    }
    due_told d = {.f = &f};
    ck_assert(deliveries_due(f.s, STR(T), NOW + 5, NULL, 0, 10, 400000, f.l, note_due, &d));
    sem_wait(&f.sem);
    ck_assert_uint_eq(d.count, 2);
    ck_assert_uint_eq(d.next_ms, NOW + 5); /* there is more */
    ck_assert(deliveries_due(f.s, STR(T), NOW + 5, NULL, 0, 10, 1, f.l, note_due, &d));
    sem_wait(&f.sem);
    ck_assert_uint_eq(d.count, 1);
    const int64_t except[] = {d.list[0].id + EVENT_DELIVERIES, d.list[0].id};
    due_told rest = due_but(&f, T, NOW + 5, 10, except, 2);
    ck_assert_uint_eq(rest.count, 2);
    ck_assert_int_gt(rest.list[0].id, except[0]);
    fixture_close(&f);
}
END_TEST

/* --- how much work it is ------------------------------------------------------------------------------- */

/* The plan of one statement, as one text. */
static void plan_of(sqlite3 *sq, const char *sql, char *out, size_t cap) {
    char explain[2048];
    sqlite3_stmt *stmt;
    size_t at = 0;
    snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    ck_assert_msg(sqlite3_prepare_v2(sq, explain, -1, &stmt, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(sq));
    out[0] = '\0';
    while (sqlite3_step(stmt) == SQLITE_ROW && at < cap)
        at += (size_t)snprintf(out + at, cap - at, "%s; ", sqlite3_column_text(stmt, 3));
    sqlite3_finalize(stmt);
}

/* All that was prepared on a connection: nothing scans a table or sorts. */
static void check_plans(const database *d, const char *except) {
    char plan[1024];
    ck_assert_uint_gt(d->count, 0);
    for (size_t i = 0; i < d->slots; i++) {
        const char *sql = d->cached[i].sql != NULL ? d->cached[i].sql : "";
        bool plain = strncmp(sql, "SELECT", 6) == 0 || strncmp(sql, "UPDATE", 6) == 0 ||
                     strncmp(sql, "DELETE", 6) == 0 || strncmp(sql, "INSERT", 6) == 0;
        if (!plain || (except != NULL && strstr(sql, except) != NULL))
            continue;
        plan_of(d->sq, sql, plan, sizeof plan);
        ck_assert_msg(strstr(plan, "TEMP B-TREE") == NULL, "%s: %s", sql, plan);
        ck_assert_msg(strstr(plan, "SCAN events") == NULL && strstr(plan, "SCAN deliveries") == NULL &&
                          strstr(plan, "SCAN attempts") == NULL && strstr(plan, "SCAN dedup") == NULL,
                      "%s: %s", sql, plan);
    }
}

/* Steps of SQLite's machine that all statements of a connection have taken since it was last asked. */
static int steps_of(const database *d) {
    int n = 0;
    for (size_t i = 0; i < d->slots; i++)
        if (d->cached[i].stmt != NULL)
            n += sqlite3_stmt_status(d->cached[i].stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
    return n;
}

static void one_round(fixture *f, unsigned number) {
    char id[16];
    snprintf(id, sizeof id, "r%u", number);
    const event_target to[2] = {{.target = STR(T), .key = STR("k")}, {.target = STR("subscription/b")}};
    const event_new n = {.id = str_from(id),
                         .source = STR("s"),
                         .dedup = str_from(id),
                         .dedup_ms = 100000,
                         .at_ms = NOW,
                         .targets = to,
                         .target_count = 2};
    ck_assert_int_eq(put_events(f, &n, 1).r, STORE_OK);
    for (int i = 0; i < 2; i++) {
        due_told d = due(f, i == 0 ? T : "subscription/b", NOW + 10, 1);
        ck_assert_uint_eq(d.count, 1);
        ck_assert_int_eq(finish(f, d.list[0].id, DELIVERY_PENDING, NOW + 20, NOW), STORE_OK);
        ck_assert_int_eq(finish(f, d.list[0].id, DELIVERY_DONE, 0, NOW), STORE_OK);
    }
}

static void measure(fixture *f, unsigned number, int *writes, int *reads) {
    one_round(f, number); /* all is prepared */
    store_flush(f->s);
    steps_of(&f->s->write);
    steps_of(&f->s->read);
    one_round(f, number + 1);
    store_flush(f->s);
    *writes = steps_of(&f->s->write);
    *reads = steps_of(&f->s->read);
}

/* Of each of the two targets a million wait: one at a time of one key, half at once and half later. */
static void pile_up(fixture *f) {
    ck_assert_int_eq(
        fixture_sql(
            f,
            "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1000999)"
            "INSERT INTO events SELECT i, 1700000000000, 0, 0, 'b' || i, 's', 't', '', '', x'' FROM n;"
            "INSERT INTO deliveries SELECT number * 65536, 1, iif(number = 1000, 0, -1), 0, 1700000000000, "
            "0, "
            "(SELECT hash FROM deliveries WHERE hash <> 0 LIMIT 1), 'k' FROM events WHERE number >= 1000;"
            "INSERT INTO deliveries SELECT number * 65536 + 1, 2, iif(number % 2, 0, -2), 0, 1700000000000 + "
            "number % 2 * 99999999, 0, 0, '' FROM events WHERE number >= 1000;"
            "UPDATE targets SET pending = pending + 1000000, rows = rows + 1000000"),
        STORE_OK);
}

START_TEST(a_million_that_wait_make_no_more_work) {
    fixture f;
    int writes[2], reads[2];
    queue_open(&f);
    measure(&f, 0, &writes[0], &reads[0]);
    pile_up(&f);
    queue_reopen(&f);
    ck_assert_uint_eq(counts_of(&f, T).pending, 1000000);
    measure(&f, 10, &writes[1], &reads[1]);
    ck_assert_uint_eq(counts_of(&f, "subscription/b").pending, 1000000);
    ck_assert_msg(reads[1] <= reads[0] * 2, "reading took %d steps, now %d", reads[0], reads[1]);
    ck_assert_msg(writes[1] <= writes[0] * 2, "writing took %d steps, now %d", writes[0], writes[1]);
    check_plans(&f.s->write, NULL);
    check_plans(&f.s->read, NULL);
    fixture_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(a_full_device_refuses_loses_nothing_and_recovers),
          unit_test(what_was_not_committed_is_no_repeat_when_hashes_are_merged),
          unit_test(too_many_targets_or_bytes_are_refused), unit_test(a_due_look_up_ends_at_its_bytes),
          unit_test(a_million_that_wait_make_no_more_work))
