/* Each domain of the store: what goes in comes out, also after the file was closed. */
#include "fixture.h"

#include "json/json.h"

/* --- keys ---------------------------------------------------------------------------------------------- */

START_TEST(keys_are_kept_in_the_order_of_their_making) {
    fixture f;
    fixture_open(&f);
    store_key k = {
        .id = STR("zz"), .name = STR("ci"), .role = STR("caller"), .limits = STR("{}"), .created_ms = 5};
    memset(k.hash, 7, sizeof k.hash);
    ck_assert_int_eq(store_key_add(f.s, &k), STORE_OK);
    ck_assert_int_eq(store_key_add(f.s, &k), STORE_EXISTS);
    k.id = STR("aa");
    k.expires_ms = 99;
    ck_assert_int_eq(store_key_add(f.s, &k), STORE_OK);
    ck_assert_int_eq(store_key_revoke(f.s, STR("zz"), 11), STORE_OK);
    ck_assert_int_eq(store_key_revoke(f.s, STR("zz"), 12), STORE_OK);
    ck_assert_int_eq(store_key_revoke(f.s, STR("none"), 12), STORE_NOT_FOUND);
    fixture_reopen(&f);
    store_key *keys;
    size_t n;
    ck_assert_int_eq(store_keys_load(f.s, f.a, &keys, &n), STORE_OK);
    ck_assert_uint_eq(n, 2);
    ck_assert(str_eq(keys[0].id, STR("zz")) && str_eq(keys[1].id, STR("aa")));
    ck_assert(str_eq(keys[0].name, STR("ci")) && str_eq(keys[0].role, STR("caller")));
    ck_assert_uint_eq(keys[0].revoked_ms, 11);
    ck_assert_uint_eq(keys[1].expires_ms, 99);
    ck_assert_mem_eq(keys[1].hash, k.hash, sizeof k.hash);
    fixture_close(&f);
}
END_TEST

START_TEST(many_keys_load) {
    fixture f;
    fixture_open(&f);
    char id[16];
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof id, "k%d", i);
        store_key k = {.id = str_from(id), .role = STR("viewer"), .limits = STR("{}")};
        ck_assert_int_eq(store_key_add(f.s, &k), STORE_OK);
    }
    store_key *keys;
    size_t n;
    ck_assert_int_eq(store_keys_load(f.s, f.a, &keys, &n), STORE_OK);
    ck_assert_uint_eq(n, 200);
    ck_assert(str_eq(keys[199].id, STR("k199")));
    fixture_close(&f);
}
END_TEST

/* --- audit --------------------------------------------------------------------------------------------- */

typedef struct answer {
    fixture *f;
    store_result r;
    char text[8192];
    uint64_t last;
    size_t lines;
} answer;

static void take_answer(store_result r, bb_str json, uint64_t last, void *ctx) {
    answer *a = ctx;
    a->r = r;
    a->last = last;
    a->lines = 0;
    for (size_t i = 0; i < json.len; i++)
        a->lines += json.ptr[i] == '\n';
    snprintf(a->text, sizeof a->text, "%.*s", STR_FMT(json));
    sem_post(&a->f->sem);
}

static void ask(fixture *f, answer *a, audit_filter filter) {
    a->f = f;
    ck_assert(store_audit_query(f->s, &filter, f->l, take_answer, a));
    sem_wait(&f->sem);
    ck_assert_int_eq(a->r, STORE_OK);
}

static audit_entry entry(uint64_t at, bb_str actor, bb_str action, bb_str target, bb_str outcome) {
    return (audit_entry){
        .at_ms = at, .actor = actor, .action = action, .target = target, .outcome = outcome, .count = 1};
}

START_TEST(audit_entries_are_found_by_what_they_say) {
    fixture f;
    answer a;
    fixture_open(&f);
    audit_entry e = entry(1000, STR("k1"), STR("connection.create"), STR("shop"), STR("done"));
    e.actor_name = STR("a \"name\"\n");
    e.from = STR("127.0.0.1");
    e.detail = STR("a sentence");
    ck_assert_int_eq(store_audit_add_now(f.s, &e), STORE_OK);
    e = entry(2000, STR("k2"), STR("call"), STR("shop/items.list"), STR("denied"));
    e.count = 17;
    ck_assert(store_audit_add(f.s, &e));
    e = entry(3000, STR("k2"), STR("connection.delete"), STR("shop"), STR("failed"));
    ck_assert(store_audit_add(f.s, &e));

    ask(&f, &a, (audit_filter){.limit = 10});
    ck_assert_uint_eq(a.lines, 3);
    ck_assert_uint_eq(a.last, 3);
    bb_str line = str_of(a.text, (size_t)(strchr(a.text, '\n') - a.text));
    const json_value *v = json_read(f.a, line, NULL, NULL);
    ck_assert(str_eq(json_string(json_getl(v, "actor_name")), STR("a \"name\"\n")));
    ck_assert(str_eq(json_string(json_getl(v, "from")), STR("127.0.0.1")));
    ck_assert(str_eq(json_string(json_getl(v, "at")), STR("1970-01-01T00:00:01.000Z")));
    ck_assert(str_eq(json_raw(json_getl(v, "sequence")), STR("1")));

    ask(&f, &a, (audit_filter){.action = STR("connection.*"), .limit = 10});
    ck_assert_uint_eq(a.lines, 2);
    ask(&f, &a, (audit_filter){.target = STR("shop"), .limit = 10});
    ck_assert_uint_eq(a.lines, 2);
    ask(&f, &a,
        (audit_filter){.target = STR("shop/*"), .outcome = STR("denied"), .actor = STR("k2"), .limit = 10});
    ck_assert_uint_eq(a.lines, 1);
    ck_assert_ptr_nonnull(strstr(a.text, "\"count\":17"));
    ask(&f, &a, (audit_filter){.since_ms = 2000, .until_ms = 2999, .limit = 10});
    ck_assert_uint_eq(a.lines, 1);
    ask(&f, &a, (audit_filter){.newest = true, .limit = 2});
    ck_assert_uint_eq(a.lines, 2);
    ck_assert_uint_eq(a.last, 2);
    ask(&f, &a, (audit_filter){.newest = true, .after = 2, .limit = 2});
    ck_assert_uint_eq(a.last, 1);
    ask(&f, &a, (audit_filter){.after = 2, .limit = 2});
    ck_assert_uint_eq(a.last, 3);
    ask(&f, &a, (audit_filter){.after = 3, .limit = 2});
    ck_assert_uint_eq(a.last, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(audit_entries_cannot_be_changed) {
    fixture f;
    fixture_open(&f);
    audit_entry e = entry(1, STR("k"), STR("call"), STR("t"), STR("done"));
    ck_assert_int_eq(store_audit_add_now(f.s, &e), STORE_OK);
    ck_assert_int_ne(fixture_sql(&f, "UPDATE audit SET actor = 'x'"), STORE_OK);
    ck_assert_int_ne(fixture_sql(&f, "DELETE FROM audit"), STORE_OK);
    ck_assert_int_ne(
        fixture_sql(&f, "INSERT OR REPLACE INTO audit SELECT sequence, at_ms, 'x', actor_name, peer, "
                        "action, target, outcome, detail, count FROM audit"),
        STORE_OK);
    answer a;
    ask(&f, &a, (audit_filter){.actor = STR("k"), .limit = 10});
    ck_assert_uint_eq(a.lines, 1);
    ck_assert_int_eq(store_health(f.s), STORE_OK);
    fixture_close(&f);
}
END_TEST

/* --- executions ------------------------------------------------------------------------------------------
 */

typedef struct walked {
    fixture *f;
    store_result r;
    char text[256];
    unsigned stop_after, seen;
} walked;

static bool see(bb_str lines, void *ctx) {
    walked *w = ctx;
    size_t n = strlen(w->text);
    snprintf(w->text + n, sizeof w->text - n, "%.*s ", STR_FMT(lines));
    return ++w->seen != w->stop_after;
}

static void walk_done(store_result r, void *ctx) {
    walked *w = ctx;
    w->r = r;
    sem_post(&w->f->sem);
}

static const char *walk(fixture *f, walked *w, execution_walk walk_) {
    w->f = f;
    w->text[0] = '\0';
    w->seen = 0;
    walk_.see = see;
    walk_.done = walk_done;
    walk_.ctx = w;
    ck_assert(store_executions_walk(f->s, &walk_, f->l));
    sem_wait(&f->sem);
    ck_assert_int_eq(w->r, STORE_OK);
    return w->text;
}

static void add_segment(fixture *f, const char *first, const char *last, uint64_t at, uint32_t count) {
    execution_segment g = {str_from(first), str_from(last), at, at + 9, count, 0, str_from(first)};
    ck_assert(store_executions_add(f->s, &g));
}

START_TEST(executions_are_walked_newest_first) {
    fixture f;
    walked w = {0};
    fixture_open(&f);
    add_segment(&f, "10", "19", 100, 2);
    add_segment(&f, "20", "29", 200, 2);
    add_segment(&f, "20", "29", 200, 2); /* two loops' segments may end alike */
    add_segment(&f, "30", "39", 300, 2);
    ck_assert_str_eq(walk(&f, &w, (execution_walk){0}), "30 20 20 10 ");
    ck_assert_str_eq(walk(&f, &w, (execution_walk){.before_id = STR("25")}), "20 20 10 ");
    ck_assert_str_eq(walk(&f, &w, (execution_walk){.before_id = STR("20")}), "10 ");
    ck_assert_str_eq(walk(&f, &w, (execution_walk){.exact_id = STR("35")}), "30 ");
    ck_assert_str_eq(walk(&f, &w, (execution_walk){.exact_id = STR("295")}), "");
    ck_assert_str_eq(walk(&f, &w, (execution_walk){.since_ms = 209, .until_ms = 299}), "20 20 ");
    ck_assert_str_eq(walk(&f, &w, (execution_walk){.since_ms = 310}), "");
    w.stop_after = 2;
    ck_assert_str_eq(walk(&f, &w, (execution_walk){0}), "30 20 ");
    w.stop_after = 0;
    fixture_reopen(&f);
    ck_assert_str_eq(walk(&f, &w, (execution_walk){0}), "30 20 20 10 ");
    fixture_close(&f);
}
END_TEST

static int64_t total(fixture *f) {
    return database_number(&f->s->main, "SELECT ifnull(sum(count), 0) FROM executions", -1);
}

START_TEST(executions_are_dropped_by_count_and_age) {
    fixture f;
    walked w = {0};
    fixture_open(&f);
    store_executions_keep(f.s, 100, 0);
    char id[8];
    for (unsigned i = 0; i < 65; i++) {
        snprintf(id, sizeof id, "%03u", i);
        add_segment(&f, id, id, i, 10);
    }
    walk(&f, &w, (execution_walk){.exact_id = STR("064")}); /* a walk is behind what was queued */
    ck_assert_str_eq(w.text, "064 ");
    ck_assert_int_eq(total(&f), 100);
    store_executions_keep(f.s, 0, 5);
    for (unsigned i = 65; i < 81; i++) {
        snprintf(id, sizeof id, "%03u", i);
        add_segment(&f, id, id, i + 100, 1);
    }
    walk(&f, &w, (execution_walk){.exact_id = STR("080")});
    ck_assert_int_eq(total(&f), 6); /* 075 to 080: the last call of 080 is at 189 ms */
    fixture_close(&f);
}
END_TEST

/* --- quotas ----------------------------------------------------------------------------------------------
 */

#define DAY 86400000u

START_TEST(quotas_last_for_their_period) {
    fixture f;
    fixture_open(&f);
    const uint64_t january = 31ull * DAY * 0, noon = DAY / 2; /* 1970 */
    quota_row rows[] = {{STR("key:a"), STR("day"), january, 5},
                        {STR("key:a"), STR("month"), january, 6},
                        {STR("connection:b"), STR("day"), DAY, 7}};
    ck_assert(store_quota_save(f.s, rows, 3));
    rows[0].used = 50;
    ck_assert(store_quota_save(f.s, rows, 1));
    fixture_reopen(&f);
    quota_row *out;
    size_t n;
    ck_assert_int_eq(store_quota_load(f.s, f.a, noon, &out, &n), STORE_OK);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(store_quota_load(f.s, f.a, DAY, &out, &n), STORE_OK);
    ck_assert_uint_eq(n, 2);
    fixture_reopen(&f); /* the row of the day that is over has been removed */
    ck_assert_int_eq(database_number(&f.s->main, "SELECT count(*) FROM quotas", -1), 2);
    ck_assert_int_eq(store_quota_load(f.s, f.a, 31ull * DAY, &out, &n), STORE_OK);
    ck_assert_uint_eq(n, 0);
    fixture_close(&f);
}
END_TEST

/* --- idempotency keys -------------------------------------------------------------------------------------
 */

typedef struct begun {
    fixture *f;
    store_result r;
    idempotency_state state;
    unsigned status;
    char type[64], body[64];
} begun;

static void take_begun(store_result r, idempotency_state state, const idempotency_answer *answer_,
                       void *ctx) {
    begun *b = ctx;
    b->r = r;
    b->state = state;
    b->status = answer_ != NULL ? answer_->status : 0;
    snprintf(b->type, sizeof b->type, "%.*s", answer_ != NULL ? (int)answer_->content_type.len : 0,
             answer_ != NULL ? answer_->content_type.ptr : "");
    snprintf(b->body, sizeof b->body, "%.*s", answer_ != NULL ? (int)answer_->body.len : 0,
             answer_ != NULL ? answer_->body.ptr : "");
    sem_post(&b->f->sem);
}

static begun begin(fixture *f, uint8_t key, uint8_t request, uint64_t now) {
    uint8_t k[32], q[32];
    begun b = {.f = f};
    memset(k, key, sizeof k);
    memset(q, request, sizeof q);
    ck_assert(store_idempotency_begin(f->s, k, q, now, 1000, f->l, take_begun, &b));
    sem_wait(&f->sem);
    ck_assert_int_eq(b.r, STORE_OK);
    return b;
}

static store_result finish(fixture *f, uint8_t key, bb_str body) {
    uint8_t k[32];
    told o = {.f = f};
    memset(k, key, sizeof k);
    idempotency_answer answer_ = {201, STR("application/json"), body};
    ck_assert(store_idempotency_finish(f->s, k, &answer_, f->l, note_result, &o));
    sem_wait(&f->sem);
    return o.r;
}

START_TEST(a_repeat_gets_the_answer_of_the_first) {
    fixture f;
    fixture_open(&f);
    ck_assert_int_eq(begin(&f, 1, 1, 10).state, IDEMPOTENCY_NEW);
    ck_assert_int_eq(begin(&f, 1, 1, 11).state, IDEMPOTENCY_RUNNING);
    ck_assert_int_eq(begin(&f, 1, 2, 11).state, IDEMPOTENCY_MISMATCH);
    ck_assert_int_eq(begin(&f, 2, 2, 11).state, IDEMPOTENCY_NEW);
    ck_assert_int_eq(finish(&f, 1, STR("{\"id\":1}")), STORE_OK);
    begun b = begin(&f, 1, 1, 12);
    ck_assert_int_eq(b.state, IDEMPOTENCY_DONE);
    ck_assert_uint_eq(b.status, 201);
    ck_assert_str_eq(b.type, "application/json");
    ck_assert_str_eq(b.body, "{\"id\":1}");
    ck_assert_int_eq(begin(&f, 1, 9, 12).state, IDEMPOTENCY_MISMATCH);
    fixture_reopen(&f);
    ck_assert_int_eq(begin(&f, 1, 1, 1009).state, IDEMPOTENCY_DONE);
    ck_assert_int_eq(begin(&f, 1, 7, 1010).state, IDEMPOTENCY_NEW); /* expired */
    ck_assert_int_eq(finish(&f, 77, STR("")), STORE_NOT_FOUND);
    fixture_close(&f);
}
END_TEST

START_TEST(a_call_of_a_process_that_is_gone_is_lost_once) {
    fixture f;
    fixture_open(&f);
    ck_assert_int_eq(begin(&f, 1, 1, 10).state, IDEMPOTENCY_NEW);
    fixture_reopen(&f);
    ck_assert_int_eq(begin(&f, 1, 2, 10).state, IDEMPOTENCY_MISMATCH);
    ck_assert_int_eq(begin(&f, 1, 1, 11).state, IDEMPOTENCY_LOST);
    ck_assert_int_eq(begin(&f, 1, 1, 12).state, IDEMPOTENCY_RUNNING);
    ck_assert_int_eq(finish(&f, 1, STR("x")), STORE_OK);
    ck_assert_int_eq(begin(&f, 1, 1, 13).state, IDEMPOTENCY_DONE);
    fixture_close(&f);
}
END_TEST

START_TEST(a_call_that_did_not_act_frees_its_key) {
    fixture f;
    uint8_t k[32];
    fixture_open(&f);
    memset(k, 1, sizeof k);
    ck_assert_int_eq(begin(&f, 1, 1, 10).state, IDEMPOTENCY_NEW);
    store_idempotency_forget(f.s, k);
    ck_assert_int_eq(begin(&f, 1, 2, 10).state, IDEMPOTENCY_NEW);
    ck_assert_int_eq(finish(&f, 1, STR("x")), STORE_OK);
    store_idempotency_forget(f.s, k); /* too late: it has an answer */
    ck_assert_int_eq(begin(&f, 1, 2, 10).state, IDEMPOTENCY_DONE);
    fixture_close(&f);
}
END_TEST

START_TEST(expired_idempotency_keys_are_removed) {
    fixture f;
    fixture_open(&f);
    for (unsigned i = 0; i < 40; i++)
        ck_assert_int_eq(begin(&f, (uint8_t)i, 1, 10).state, IDEMPOTENCY_NEW);
    for (unsigned i = 0; i < 32; i++)
        ck_assert_int_eq(begin(&f, 200, 1, 5000).state, i == 0 ? IDEMPOTENCY_NEW : IDEMPOTENCY_RUNNING);
    ck_assert_int_eq(database_number(&f.s->main, "SELECT count(*) FROM idempotency", -1), 1);
    fixture_close(&f);
}
END_TEST

/* --- tokens ----------------------------------------------------------------------------------------------
 */

START_TEST(tokens_are_replaced_and_deleted) {
    fixture f;
    fixture_open(&f);
    told o = {.f = &f};
    bb_str sealed;
    uint64_t at;
    ck_assert_int_eq(store_token_get(f.s, f.a, STR("t"), &sealed, &at), STORE_NOT_FOUND);
    ck_assert_int_eq(store_token_put_now(f.s, STR("t"), STR("a\0b"), 5), STORE_OK);
    ck_assert(store_token_put(f.s, STR("t"), STR("c\0d"), 6, f.l, note_result, &o));
    sem_wait(&f.sem);
    ck_assert_int_eq(o.r, STORE_OK);
    fixture_reopen(&f);
    ck_assert_int_eq(store_token_get(f.s, f.a, STR("t"), &sealed, &at), STORE_OK);
    ck_assert(str_eq(sealed, STR("c\0d")));
    ck_assert_uint_eq(at, 6);
    ck_assert_int_eq(store_token_delete(f.s, STR("t")), STORE_OK);
    ck_assert_int_eq(store_token_delete(f.s, STR("t")), STORE_NOT_FOUND);
    fixture_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(keys_are_kept_in_the_order_of_their_making), unit_test(many_keys_load),
          unit_test(audit_entries_are_found_by_what_they_say), unit_test(audit_entries_cannot_be_changed),
          unit_test(executions_are_walked_newest_first), unit_test(executions_are_dropped_by_count_and_age),
          unit_test(quotas_last_for_their_period), unit_test(a_repeat_gets_the_answer_of_the_first),
          unit_test(a_call_of_a_process_that_is_gone_is_lost_once),
          unit_test(a_call_that_did_not_act_frees_its_key), unit_test(expired_idempotency_keys_are_removed),
          unit_test(tokens_are_replaced_and_deleted))
