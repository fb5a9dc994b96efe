/* Groups, their order, and what becomes of a job that fails. */
#include "fixture.h"

#include <pthread.h>

/* Holds the writer's thread until it is let go, so that what is queued meanwhile is one group. */
typedef struct gate {
    store_job job;
    sem_t reached, open;
} gate;

static store_result wait_at_gate(store *s, database *d, store_job *job) {
    gate *g = (gate *)job;
    (void)s;
    (void)d;
    sem_post(&g->reached);
    sem_wait(&g->open);
    return STORE_OK;
}

static void gate_passed(store_job *job) {
    (void)job;
}

static void gate_close(fixture *f, gate *g) {
    *g = (gate){.job = {.write = wait_at_gate, .finish = gate_passed}};
    sem_init(&g->reached, 0, 0);
    sem_init(&g->open, 0, 0);
    ck_assert_int_eq(store_submit(f->s, &g->job), STORE_OK);
    sem_wait(&g->reached);
}

static uint64_t commits(fixture *f) {
    store_counts c;
    store_count(f->s, &c);
    return c.commits;
}

static bool add_entry(fixture *f, uint64_t at) {
    audit_entry e = {.at_ms = at, .action = STR("call"), .count = 1};
    return store_audit_add(f->s, &e);
}

START_TEST(what_waits_is_committed_as_one_group) {
    fixture f;
    gate g;
    fixture_open(&f);
    gate_close(&f, &g);
    for (uint64_t i = 0; i < 100; i++)
        ck_assert(add_entry(&f, i));
    store_counts c;
    store_count(f.s, &c);
    ck_assert_uint_eq(c.queued, 100);
    uint64_t before = c.commits;
    sem_post(&g.open);
    store_flush(f.s);
    ck_assert_uint_eq(commits(&f), before + 2); /* the gate's own, and the hundred */
    store_count(f.s, &c);
    ck_assert_uint_eq(c.writes, 101);
    ck_assert_uint_eq(c.queued + c.failures + c.dropped, 0);
    ck_assert_int_eq(database_number(&f.s->main, "SELECT count(*) FROM audit", -1), 100);
    ck_assert_uint_gt(c.file_bytes, 4096);
    fixture_close(&f);
}
END_TEST

static store_result insert_then_fail(store *s, database *d, store_job *job) {
    (void)s;
    (void)job;
    ck_assert_int_eq(database_exec(d, "INSERT INTO meta(name, value) VALUES('half', 1)"), STORE_OK);
    return STORE_EXISTS;
}

START_TEST(a_job_that_fails_is_taken_back_alone) {
    fixture f;
    fixture_open(&f);
    gate g;
    gate_close(&f, &g);
    ck_assert(add_entry(&f, 1));
    store_job *failing = calloc(1, sizeof *failing);
    *failing = (store_job){.write = insert_then_fail, .finish = store_job_free};
    ck_assert_int_eq(store_submit(f.s, failing), STORE_OK);
    ck_assert(add_entry(&f, 2));
    sem_post(&g.open);
    store_flush(f.s);
    ck_assert_int_eq(database_number(&f.s->main, "SELECT count(*) FROM meta WHERE name = 'half'", -1), 0);
    ck_assert_int_eq(database_number(&f.s->main, "SELECT count(*) FROM audit", -1), 2);
    ck_assert_int_eq(store_health(f.s), STORE_OK);
    fixture_close(&f);
}
END_TEST

/* --- order --------------------------------------------------------------------------------------------- */

typedef struct order {
    fixture *f;
    unsigned next;
} order;

typedef struct numbered {
    order *o;
    unsigned number;
} numbered;

static void check_number(store_result r, void *ctx) {
    numbered *n = ctx;
    ck_assert_int_eq(r, STORE_OK);
    ck_assert_uint_eq(n->number, n->o->next++);
    sem_post(&n->o->f->sem);
}

START_TEST(writes_happen_in_their_order) {
    enum { COUNT = 500 };
    fixture f;
    numbered numbers[COUNT];
    char value[16];
    fixture_open(&f);
    order o = {.f = &f};
    for (unsigned i = 0; i < COUNT; i++) {
        numbers[i] = (numbered){&o, i};
        snprintf(value, sizeof value, "%u", i);
        ck_assert(store_token_put(f.s, STR("t"), str_from(value), i, f.l, check_number, &numbers[i]));
    }
    for (unsigned i = 0; i < COUNT; i++)
        sem_wait(&f.sem);
    bb_str sealed;
    ck_assert_int_eq(store_token_get(f.s, f.a, STR("t"), &sealed, NULL), STORE_OK);
    ck_assert(str_eq(sealed, STR("499")));
    ck_assert_uint_lt(commits(&f), COUNT); /* some shared a group: the loop is told of 500 by fewer */
    fixture_close(&f);
}
END_TEST

enum { THREADS = 4, EACH = 200 };

static void *add_many(void *arg) {
    fixture *f = arg;
    for (uint64_t i = 0; i < EACH; i++) {
        audit_entry e = {.at_ms = i, .action = STR("call"), .count = 1};
        ck_assert(store_audit_add(f->s, &e));
        store_counts c;
        store_count(f->s, &c);
        (void)store_health(f->s);
    }
    return NULL;
}

START_TEST(threads_write_at_the_same_time) {
    fixture f;
    pthread_t threads[THREADS];
    fixture_open(&f);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, add_many, &f);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    store_flush(f.s);
    ck_assert_int_eq(database_number(&f.s->main, "SELECT count(*) FROM audit", -1), THREADS * EACH);
    fixture_close(&f);
}
END_TEST

START_TEST(closing_commits_what_is_queued) {
    fixture f;
    gate g;
    fixture_open(&f);
    gate_close(&f, &g);
    for (uint64_t i = 0; i < 50; i++)
        ck_assert(add_entry(&f, i));
    sem_post(&g.open);
    fixture_reopen(&f);
    ck_assert_int_eq(database_number(&f.s->main, "SELECT count(*) FROM audit", -1), 50);
    fixture_close(&f);
}
END_TEST

/* --- the queue's end ----------------------------------------------------------------------------------- */

static void no_answer(store_result r, idempotency_state state, const idempotency_answer *answer, void *ctx) {
    (void)r;
    (void)state;
    (void)answer;
    (void)ctx;
    ck_abort_msg("told of what was not queued");
}

START_TEST(a_full_queue_refuses) {
    fixture f;
    gate g;
    uint8_t hash[32] = {0};
    fixture_open(&f);
    gate_close(&f, &g);
    for (unsigned i = 0; i < STORE_QUEUE_MAX; i++)
        ck_assert(add_entry(&f, i));
    ck_assert(!add_entry(&f, 0));
    ck_assert(!add_entry(&f, 0));
    ck_assert(!store_idempotency_begin(f.s, hash, hash, 1, 1, f.l, no_answer, NULL));
    ck_assert_int_eq(store_token_put_now(f.s, STR("t"), STR("x"), 1), STORE_BUSY);
    store_counts c;
    store_count(f.s, &c);
    ck_assert_uint_eq(c.dropped, 2);
    sem_post(&g.open);
    store_flush(f.s);
    ck_assert(add_entry(&f, 0));
    fixture_close(&f);
}
END_TEST

START_TEST(without_a_store_reads_are_empty_and_writes_refused) {
    fixture f;
    fixture_open(&f);
    store_key *keys;
    quota_row *rows;
    size_t n = 1;
    bb_str sealed;
    audit_entry e = {.count = 1};
    ck_assert_int_eq(store_keys_load(NULL, f.a, &keys, &n), STORE_OK);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(store_quota_load(NULL, f.a, 1, &rows, &n), STORE_OK);
    ck_assert_int_eq(store_token_get(NULL, f.a, STR("t"), &sealed, NULL), STORE_NOT_FOUND);
    ck_assert_int_eq(store_token_put_now(NULL, STR("t"), STR("x"), 1), STORE_READ_ONLY);
    ck_assert(!store_audit_add(NULL, &e));
    ck_assert_int_eq(store_health(NULL), STORE_READ_ONLY);
    told o = {.f = &f};
    ck_assert(store_token_put(NULL, STR("t"), STR("x"), 1, f.l, note_result, &o));
    sem_wait(&f.sem);
    ck_assert_int_eq(o.r, STORE_READ_ONLY);
    store_executions_keep(NULL, 1, 1);
    store_flush(NULL);
    store_close(NULL);
    fixture_close(&f);
}
END_TEST

START_TEST(every_result_has_a_text_and_a_problem) {
    for (int r = STORE_OK; r <= STORE_FAILED; r++)
        ck_assert_int_gt((int)strlen(store_result_text((store_result)r)), 3);
    ck_assert_int_eq(store_result_problem(STORE_OK), PROBLEM_NONE);
    ck_assert_int_eq(store_result_problem(STORE_BUSY), PROBLEM_OVERLOADED);
    ck_assert_int_eq(store_result_problem(STORE_NOT_FOUND), PROBLEM_NOT_FOUND);
    ck_assert_int_eq(store_result_problem(STORE_EXISTS), PROBLEM_CONFLICT);
    ck_assert_int_eq(store_result_problem(STORE_FULL), PROBLEM_STORE_UNAVAILABLE);
    ck_assert_int_eq(store_result_problem(STORE_READ_ONLY), PROBLEM_STORE_UNAVAILABLE);
    ck_assert_int_eq(store_result_problem(STORE_FAILED), PROBLEM_STORE_UNAVAILABLE);
}
END_TEST

UNIT_MAIN(unit_test(what_waits_is_committed_as_one_group), unit_test(a_job_that_fails_is_taken_back_alone),
          unit_test(writes_happen_in_their_order), unit_test(threads_write_at_the_same_time),
          unit_test(closing_commits_what_is_queued), unit_test(a_full_queue_refuses),
          unit_test(without_a_store_reads_are_empty_and_writes_refused),
          unit_test(every_result_has_a_text_and_a_problem))
