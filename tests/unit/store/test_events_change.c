/* What somebody looks at, and changes by hand. */
#include "events_fixture.h"

#define T "subscription/a"
#define ANY ((event_query){.state = -1})

static void make_dead(fixture *f, const char *name) {
    due_told d = due(f, name, NOW + 1000000, 64);
    ck_assert_uint_gt(d.count, 0);
    for (size_t i = 0; i < d.count; i++)
        ck_assert_int_eq(finish(f, d.list[i].id, DELIVERY_DEAD, 0, NOW + 10), STORE_OK);
}

static void put_three(fixture *f) {
    ck_assert_int_eq(put_one(f, "e1", T, NULL, NOW), STORE_OK);
    ck_assert_int_eq(put_one(f, "e2", T, "k", NOW + 1000), STORE_OK);
    ck_assert_int_eq(put_one(f, "e3", T, "k", NOW + 2000), STORE_OK);
}

START_TEST(dead_ones_are_tried_again_from_the_beginning) {
    fixture f;
    queue_open(&f);
    put_three(&f);
    make_dead(&f, T);
    make_dead(&f, T); /* the second of the key came after the first */
    ck_assert_uint_eq(counts_of(&f, T).dead, 3);
    event_query q = {.target = STR(T), .state = -1, .since_ms = NOW + 1000};
    ck_assert_uint_eq(redrive_all(&f, q, NOW + 5000), 2);
    target_counts c = counts_of(&f, T);
    ck_assert(c.dead == 1 && c.pending == 2 && c.oldest_ms == NOW + 1000);
    due_told d = due(&f, T, NOW + 5000, 10);
    ck_assert_uint_eq(d.count, 1); /* one of the key at a time */
    ck_assert_str_eq(d.list[0].event, "e2");
    ck_assert(d.list[0].attempts == 0 && d.list[0].batch == 0);
    q.target = STR("subscription/nobody");
    ck_assert_uint_eq(redrive_all(&f, q, NOW), 0);
    ck_assert_uint_eq(redrive_all(&f, ANY, NOW + 6000), 1); /* of any target */
    ck_assert_uint_eq(counts_of(&f, T).dead, 0);
    q = (event_query){.target = STR(T), .state = DELIVERY_PENDING};
    ck_assert_uint_eq(redrive_all(&f, q, NOW), 2); /* those that wait for a later time need not */
    ck_assert_uint_eq(redrive_all(&f, q, NOW), 0);
    ck_assert_uint_eq(due(&f, T, NOW, 10).count, 2);
    fixture_close(&f);
}
END_TEST

START_TEST(an_event_unknown_is_said_to_be) {
    fixture f;
    queue_open(&f);
    change_told o = {.f = &f};
    const event_query q = {.event = STR("none"), .state = -1};
    ck_assert(deliveries_redrive(f.s, &q, NOW, f.l, note_change, &o));
    sem_wait(&f.sem);
    ck_assert_int_eq(o.r, STORE_NOT_FOUND);
    ck_assert_int_eq(list_of(&f, false, q).r, STORE_NOT_FOUND);
    ck_assert_int_eq(list_of(&f, true, q).r, STORE_NOT_FOUND);
    fixture_close(&f);
}
END_TEST

START_TEST(a_purge_removes_the_dead_and_cancels_the_pending) {
    fixture f;
    queue_open(&f);
    put_three(&f);
    int64_t first = due(&f, T, NOW, 1).list[0].id;
    ck_assert_int_eq(finish(&f, first, DELIVERY_DEAD, 0, NOW), STORE_OK);
    ck_assert_uint_eq(purge_all(&f, (event_query){.target = STR(T), .state = -1}), 1);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM deliveries"), 2);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM attempts"), 0);
    ck_assert_uint_eq(purge_all(&f, (event_query){.target = STR(T), .state = DELIVERY_PENDING}), 2);
    target_counts c = counts_of(&f, T);
    ck_assert(c.pending == 0 && c.dead == 0 && c.oldest_ms == 0);
    ck_assert_uint_eq(due(&f, T, NOW + 100000, 10).count, 0);
    ck_assert_int_eq(finish(&f, first, DELIVERY_DONE, 0, NOW), STORE_OK); /* gone: passed over */
    /* one that came through after it was cancelled has come through */
    list_told l = list_of(&f, true, (event_query){.target = STR(T), .state = DELIVERY_CANCELLED});
    ck_assert_ptr_nonnull(strstr(l.json, "\"event\":\"e2\""));
    int64_t second = number_of(&f, "SELECT min(id) FROM deliveries");
    ck_assert_int_eq(finish(&f, second, DELIVERY_PENDING, NOW + 1, NOW), STORE_OK);
    ck_assert_uint_eq(counts_of(&f, T).pending, 0);
    ck_assert_int_eq(finish(&f, second, DELIVERY_DONE, 0, NOW), STORE_OK);
    ck_assert_uint_eq(counts_of(&f, T).done, 1);
    fixture_close(&f);
}
END_TEST

START_TEST(a_range_of_events_is_replayed) {
    fixture f;
    queue_open(&f);
    put_three(&f);
    event_query q = {
        .target = STR("subscription/b"), .since_ms = NOW + 500, .until_ms = NOW + 1500, .state = -1};
    ck_assert_uint_eq(replay_all(&f, q, NOW + 9000), 1);
    due_told d = due(&f, "subscription/b", NOW + 9000, 10);
    ck_assert_uint_eq(d.count, 1);
    ck_assert_str_eq(d.list[0].event, "e2");
    ck_assert_str_eq(d.list[0].key, ""); /* it had none of this target */
    q = (event_query){.target = STR(T), .type = STR("order.*"), .state = -1};
    ck_assert_uint_eq(replay_all(&f, q, NOW + 9000), 3);
    ck_assert_uint_eq(counts_of(&f, T).pending, 6);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM deliveries WHERE key = 'k'"), 4);
    q.type = STR("invoice.*");
    ck_assert_uint_eq(replay_all(&f, q, NOW), 0);
    q = (event_query){.target = STR(T), .event = STR("e1"), .state = -1};
    ck_assert_uint_eq(replay_all(&f, q, NOW), 1);
    fixture_close(&f);
}
END_TEST

/* Many more than one job changes. */
START_TEST(large_changes_go_in_pieces) {
    enum { COUNT = 3000 };
    fixture f;
    queue_open(&f);
    ck_assert_int_eq(put_one(&f, "first", T, NULL, NOW), STORE_OK);
    ck_assert_int_eq(finish(&f, due(&f, T, NOW, 1).list[0].id, DELIVERY_DEAD, 0, NOW), STORE_OK);
    ck_assert_int_eq(
        fixture_sql(
            &f, "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= 3000)"
                "INSERT INTO events SELECT i, 1700000000000, 0, 0, 'e' || i, 'api', 't', '', '', x'' FROM n;"
                "INSERT INTO deliveries SELECT number * 65536, 1, 3, 1, 0, 0, 0, '' FROM events WHERE "
                "number > 1;"
                "UPDATE targets SET dead = 3001, rows = 3001"),
        STORE_OK);
    store_counts before, after;
    store_count(f.s, &before);
    ck_assert_uint_eq(redrive_all(&f, (event_query){.target = STR(T), .state = -1}, NOW), COUNT + 1);
    store_count(f.s, &after);
    ck_assert_uint_ge(after.commits - before.commits, 5);
    ck_assert_uint_eq(counts_of(&f, T).pending, COUNT + 1);
    ck_assert_uint_eq(replay_all(&f, (event_query){.target = STR("b"), .state = -1}, NOW), COUNT + 1);
    ck_assert_uint_eq(purge_all(&f, (event_query){.target = STR(T), .state = DELIVERY_PENDING}), COUNT + 1);
    ck_assert_uint_eq(purge_all(&f, (event_query){.target = STR(T), .state = DELIVERY_CANCELLED}), COUNT + 1);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM deliveries"), COUNT + 1);
    fixture_close(&f);
}
END_TEST

/* --- lists --------------------------------------------------------------------------------------------- */

static size_t count_of(const char *text, const char *part) {
    size_t n = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        n++;
    return n;
}

START_TEST(events_are_listed_newest_first_by_pages) {
    fixture f;
    queue_open(&f);
    put_three(&f);
    list_told l = list_of(&f, false, (event_query){.state = -1, .limit = 2});
    ck_assert_uint_eq(count_of(l.json, "\"id\""), 2);
    ck_assert(strstr(l.json, "\"e3\"") < strstr(l.json, "\"e2\"") && strstr(l.json, "\"e3\"") != NULL);
    ck_assert_ptr_null(strstr(l.json, "payload"));
    ck_assert_ptr_nonnull(strstr(l.json, "\"deliveries\":{\"pending\":1}"));
    ck_assert_int_gt(l.next, 0);
    l = list_of(&f, false, (event_query){.state = -1, .limit = 2, .before = l.next});
    ck_assert_uint_eq(count_of(l.json, "\"id\""), 1);
    ck_assert_ptr_nonnull(strstr(l.json, "\"e1\""));
    ck_assert_int_eq(l.next, 0);
    l = list_of(&f, false, (event_query){.state = -1, .since_ms = NOW + 1000, .until_ms = NOW + 1000});
    ck_assert_uint_eq(count_of(l.json, "\"id\""), 1);
    l = list_of(&f, false, (event_query){.state = -1, .source = STR("endpoint/x")});
    ck_assert_str_eq(l.json, "");
    fixture_close(&f);
}
END_TEST

START_TEST(one_event_has_its_payload) {
    fixture f;
    queue_open(&f);
    const event_new n[3] = {
        {.id = STR("json"), .payload = STR("[1]"), .at_ms = NOW, .attributes = STR("{\"a\":1}")},
        {.id = STR("bytes"), .payload = STR("\xff\x00\x01\x02"), .at_ms = NOW},
        {.id = STR("none"), .at_ms = NOW}};
    ck_assert_int_eq(put_events(&f, n, 3).r, STORE_OK);
    list_told l = list_of(&f, false, (event_query){.event = STR("json"), .state = -1});
    ck_assert_ptr_nonnull(strstr(l.json, "\"payload\":[1]"));
    ck_assert_ptr_nonnull(strstr(l.json, "\"attributes\":{\"a\":1}"));
    l = list_of(&f, false, (event_query){.event = STR("bytes"), .state = -1});
    ck_assert_ptr_nonnull(strstr(l.json, "\"payload_base64\":\"/wABAg==\""));
    l = list_of(&f, false, (event_query){.event = STR("none"), .state = -1});
    ck_assert_ptr_nonnull(strstr(l.json, "\"payload_base64\":\"\""));
    fixture_close(&f);
}
END_TEST

START_TEST(deliveries_are_listed_by_target_and_state) {
    fixture f;
    queue_open(&f);
    put_three(&f);
    ck_assert_int_eq(put_one(&f, "e4", "subscription/b", NULL, NOW + 3000), STORE_OK);
    due_told d = due(&f, T, NOW + 5000, 10);
    ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_PENDING, NOW + 60000, NOW + 5000), STORE_OK);
    list_told l = list_of(&f, true, (event_query){.target = STR(T), .state = DELIVERY_PENDING});
    ck_assert_uint_eq(count_of(l.json, "\"state\":\"pending\""), 3); /* later, behind its key, at once */
    ck_assert(strstr(l.json, "\"e3\"") < strstr(l.json, "\"e2\"") &&
              strstr(l.json, "\"e2\"") < strstr(l.json, "\"e1\""));
    ck_assert_uint_eq(count_of(l.json, "\"behind_key\":true"), 1);
    l = list_of(&f, true, (event_query){.target = STR(T), .state = DELIVERY_PENDING, .limit = 1});
    ck_assert_uint_eq(count_of(l.json, "\"id\""), 1);
    l = list_of(&f, true, (event_query){.target = STR(T), .state = DELIVERY_PENDING, .before = l.next});
    ck_assert_uint_eq(count_of(l.json, "\"id\""), 2);
    l = list_of(&f, true, ANY);
    ck_assert_uint_eq(count_of(l.json, "\"id\""), 4);
    ck_assert_ptr_nonnull(strstr(l.json, "\"target\":\"subscription/b\""));
    l = list_of(&f, true, (event_query){.event = STR("e1"), .state = -1});
    ck_assert_ptr_nonnull(strstr(l.json, "\"status\":503"));
    ck_assert_ptr_nonnull(strstr(l.json, "\"duration_ms\":7"));
    l = list_of(&f, true, (event_query){.target = STR("subscription/nobody"), .state = -1});
    ck_assert(l.r == STORE_OK && l.json[0] == '\0');
    fixture_close(&f);
}
END_TEST

/* The key of these tests' rule: the payload's first byte. */
static bb_str first_byte(const void *rule, bb_str payload, arena *a) {
    (void)a;
    ck_assert_str_eq(rule, "rule");
    return payload.len > 0 && payload.ptr[0] != '-' ? str_of(payload.ptr, 1) : (bb_str){NULL, 0};
}

START_TEST(a_replay_to_an_ordered_target_keeps_the_order_of_its_keys) {
    fixture f;
    static const char *const payloads[] = {"a1", "b1", "a2", "-1", "a3"};
    queue_open(&f);
    for (int i = 0; i < 5; i++) {
        const event_new n = {.id = str_of(&"vwxyz"[i], 1), .payload = str_from(payloads[i]), .at_ms = NOW};
        ck_assert_int_eq(put_events(&f, &n, 1).r, STORE_OK);
    }
    change_told o = {.f = &f};
    const event_query q = {.target = STR(T), .state = -1};
    ck_assert(
        events_replay(f.s, &q, NOW, &(events_rule){.key = first_byte, .of = "rule"}, f.l, note_change, &o));
    sem_wait(&f.sem);
    ck_assert(o.r == STORE_OK && o.count == 5);
    due_told d = due(&f, T, NOW, 10);
    ck_assert_uint_eq(d.count, 3); /* of each key the first, and what has none */
    ck_assert_str_eq(d.list[0].payload, "a1");
    ck_assert_str_eq(d.list[0].key, "a");
    ck_assert_str_eq(d.list[1].payload, "b1");
    ck_assert_str_eq(d.list[2].payload, "-1");
    ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_DONE, 0, NOW), STORE_OK);
    d = due(&f, T, NOW, 10);
    ck_assert_uint_eq(d.count, 3);
    ck_assert_str_eq(d.list[2].payload, "a2");
    fixture_close(&f);
}
END_TEST

static bool is_order(const void *rule, bb_str source, bb_str type) {
    ck_assert_str_eq(rule, "rule");
    return str_eq(source, STR("api")) && str_starts(type, STR("order."));
}

START_TEST(a_replay_gives_a_target_what_it_wants) {
    fixture f;
    static const char *const types[] = {"order.made", "invoice.paid", "order.paid"};
    queue_open(&f);
    for (int i = 0; i < 6; i++) {
        const event_new n = {.id = str_of(&"uvwxyz"[i], 1),
                             .source = i < 3 ? STR("api") : STR("hub"),
                             .type = str_from(types[i % 3]),
                             .payload = STR("1"),
                             .at_ms = NOW};
        ck_assert_int_eq(put_events(&f, &n, 1).r, STORE_OK);
    }
    change_told o = {.f = &f};
    const event_query q = {.target = STR(T), .state = -1};
    ck_assert(
        events_replay(f.s, &q, NOW, &(events_rule){.wants = is_order, .of = "rule"}, f.l, note_change, &o));
    sem_wait(&f.sem);
    ck_assert(o.r == STORE_OK && o.count == 2);
    due_told d = due(&f, T, NOW, 10);
    ck_assert_uint_eq(d.count, 2);
    ck_assert_str_eq(d.list[0].event, "u");
    ck_assert_str_eq(d.list[1].event, "w");
    fixture_close(&f);
}
END_TEST

START_TEST(what_is_lost_is_what_is_dead_and_what_was_cancelled) {
    fixture f;
    queue_open(&f);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(put_one(&f, ((const char *[]){"e0", "e1", "e2", "e3"})[i], T, NULL, NOW), STORE_OK);
    ck_assert_int_eq(put_one(&f, "e4", "subscription/b", NULL, NOW), STORE_OK);
    due_told d = due(&f, T, NOW, 10);
    ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_DONE, 0, NOW), STORE_OK);
    ck_assert_int_eq(finish(&f, d.list[1].id, DELIVERY_DEAD, 0, NOW), STORE_OK);
    ck_assert_int_eq(finish(&f, d.list[2].id, DELIVERY_CANCELLED, 0, NOW), STORE_OK);
    event_query q = {.target = STR(T), .state = DELIVERY_LOST};
    ck_assert_uint_eq(redrive_all(&f, q, NOW), 2);
    ck_assert_uint_eq(due(&f, T, NOW, 10).count, 3);
    ck_assert_uint_eq(redrive_all(&f, q, NOW), 0);
    ck_assert_uint_eq(counts_of(&f, T).dead, 0);
    d = due(&f, "subscription/b", NOW, 10);
    ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_CANCELLED, 0, NOW), STORE_OK);
    q.target = (bb_str){NULL, 0};
    ck_assert_uint_eq(redrive_all(&f, q, NOW), 1);
    fixture_close(&f);
}
END_TEST

START_TEST(a_change_ends_with_the_hub) {
    enum { AT_ONCE = 1000, MANY = 20000 };
    static event_new list[AT_ONCE];
    static char ids[AT_ONCE][16];
    fixture f;
    const event_target to = {.target = STR(T)};
    queue_open(&f);
    for (int i = 0; i < MANY; i += AT_ONCE) {
        for (int k = 0; k < AT_ONCE; k++) {
            snprintf(ids[k], sizeof ids[k], "e%d", i + k);
            list[k] = (event_new){.id = str_from(ids[k]), .at_ms = NOW, .targets = &to, .target_count = 1};
        }
        ck_assert_int_eq(put_events(&f, list, AT_ONCE).r, STORE_OK);
    }
    change_told o = {.f = &f};
    const event_query q = {.target = STR(T), .state = DELIVERY_PENDING};
    ck_assert(deliveries_purge(f.s, &q, f.l, note_change, &o));
    events_stop_changes(f.s);
    sem_wait(&f.sem);
    ck_assert_int_eq(o.r, STORE_BUSY);
    ck_assert_uint_lt(o.count, MANY / 2);
    ck_assert_uint_eq(counts_of(&f, T).pending, MANY - o.count);
    ck_assert(!deliveries_purge(f.s, &q, f.l, note_change, &o));
    fixture_close(&f);
}
END_TEST

/* The hub stops while the first payload is read: what its piece has left to do is seen by the count. */
static bb_str stop_at_once(const void *rule, bb_str payload, arena *a) {
    (void)payload;
    (void)a;
    events_stop_changes((store *)(uintptr_t)rule);
    return STR("k");
}

START_TEST(a_replay_with_keys_reads_some_mebibytes_at_once) {
    enum { MIB = 1 << 20, COUNT = 12, A_PIECE = 4 };
    static char payload[MIB];
    fixture f;
    queue_open(&f);
    for (int i = 0; i < COUNT; i++) {
        char id[8];
        snprintf(id, sizeof id, "e%d", i);
        const event_new n = {.id = str_from(id), .payload = {payload, MIB}, .at_ms = NOW};
        ck_assert_int_eq(put_events(&f, &n, 1).r, STORE_OK);
    }
    change_told o = {.f = &f};
    const event_query q = {.target = STR(T), .state = -1};
    ck_assert(
        events_replay(f.s, &q, NOW, &(events_rule){.key = stop_at_once, .of = f.s}, f.l, note_change, &o));
    sem_wait(&f.sem);
    ck_assert_int_eq(o.r, STORE_BUSY);
    ck_assert_uint_eq(o.count, A_PIECE);
    queue_reopen(&f);
    ck_assert(
        events_replay(f.s, &q, NOW, &(events_rule){.key = first_byte, .of = "rule"}, f.l, note_change, &o));
    sem_wait(&f.sem);
    ck_assert_int_eq(o.r, STORE_OK);
    ck_assert_uint_eq(o.count, COUNT); /* no event left out, and none twice */
    ck_assert_int_eq(number_of(&f, "SELECT count(DISTINCT id >> 16) FROM deliveries"), COUNT);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM deliveries"), COUNT + A_PIECE);
    fixture_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(a_replay_with_keys_reads_some_mebibytes_at_once),
          unit_test(a_replay_to_an_ordered_target_keeps_the_order_of_its_keys),
          unit_test(a_replay_gives_a_target_what_it_wants),
          unit_test(what_is_lost_is_what_is_dead_and_what_was_cancelled),
          unit_test(a_change_ends_with_the_hub), unit_test(dead_ones_are_tried_again_from_the_beginning),
          unit_test(an_event_unknown_is_said_to_be),
          unit_test(a_purge_removes_the_dead_and_cancels_the_pending),
          unit_test(a_range_of_events_is_replayed), unit_test(large_changes_go_in_pieces),
          unit_test(events_are_listed_newest_first_by_pages), unit_test(one_event_has_its_payload),
          unit_test(deliveries_are_listed_by_target_and_state))
