/* The queue: events in, deliveries out, what becomes of them. */
#include "events_fixture.h"

#define T "subscription/a"

/* --- in and out ---------------------------------------------------------------------------------------- */

START_TEST(an_event_reaches_each_of_its_targets) {
    fixture f;
    queue_open(&f);
    const event_target to[] = {{.target = STR(T)}, {.target = STR("endpoint/shop/ledger"), .key = STR("k")}};
    const event_new n = {.id = STR("e1"),
                         .source = STR("endpoint/shop"),
                         .type = STR("invoice.paid"),
                         .attributes = STR("{\"peer\":\"127.0.0.1\"}"),
                         .content_type = STR("application/json"),
                         .payload = STR("{\"n\":1}"),
                         .at_ms = NOW,
                         .targets = to,
                         .target_count = 2};
    put_told put = put_events(&f, &n, 1);
    ck_assert(put.r == STORE_OK && put.count == 1 && !put.repeated[0]);
    for (size_t i = 0; i < 2; i++) {
        due_told d = due(&f, to[i].target.ptr, NOW, 10);
        ck_assert_uint_eq(d.count, 1);
        ck_assert_uint_eq(d.next_ms, 0);
        ck_assert_str_eq(d.list[0].event, "e1");
        ck_assert_str_eq(d.list[0].source, "endpoint/shop");
        ck_assert_str_eq(d.list[0].type, "invoice.paid");
        ck_assert_str_eq(d.list[0].payload, "{\"n\":1}");
        ck_assert_str_eq(d.list[0].attributes, "{\"peer\":\"127.0.0.1\"}");
        ck_assert_str_eq(d.list[0].content_type, "application/json");
        ck_assert_str_eq(d.list[0].key, i == 0 ? "" : "k");
        ck_assert_uint_eq(d.list[0].event_ms, NOW);
        ck_assert(d.list[0].attempts == 0 && d.list[0].batch == 0);
        ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_DONE, 0, NOW + 5), STORE_OK);
        ck_assert_uint_eq(due(&f, to[i].target.ptr, NOW, 10).count, 0);
        target_counts c = counts_of(&f, to[i].target.ptr);
        ck_assert(c.pending == 0 && c.done == 1 && c.dead == 0 && c.oldest_ms == 0);
    }
    fixture_close(&f);
}
END_TEST

START_TEST(what_failed_comes_again_when_it_is_due) {
    fixture f;
    queue_open(&f);
    ck_assert_int_eq(put_one(&f, "e1", T, NULL, NOW), STORE_OK);
    int64_t id = due(&f, T, NOW, 10).list[0].id;
    ck_assert_int_eq(finish_in(&f, id, 77, DELIVERY_PENDING, NOW + 5000, NOW + 100), STORE_OK);
    due_told d = due(&f, T, NOW + 4999, 10);
    ck_assert_uint_eq(d.count, 0);
    ck_assert_uint_eq(d.next_ms, NOW + 5000);
    d = due(&f, T, NOW + 5000, 10);
    ck_assert_uint_eq(d.count, 1);
    ck_assert_uint_eq(d.list[0].attempts, 1);
    ck_assert_int_eq(d.list[0].batch, 77);
    ck_assert_int_eq(finish(&f, id, DELIVERY_PENDING, NOW + 90000, NOW + 5100), STORE_OK);
    d = due(&f, T, NOW + 90000, 10);
    ck_assert_uint_eq(d.list[0].attempts, 2);
    ck_assert_int_eq(d.list[0].batch, 0); /* of the last attempt */
    ck_assert_uint_eq(counts_of(&f, T).oldest_ms, NOW);
    ck_assert_int_eq(finish(&f, id, DELIVERY_DEAD, 0, NOW + 90100), STORE_OK);
    ck_assert_uint_eq(due(&f, T, NOW + 1000000, 10).count, 0);
    target_counts c = counts_of(&f, T);
    ck_assert(c.pending == 0 && c.dead == 1 && c.done == 0);
    list_told l = list_of(&f, true, (event_query){.event = STR("e1"), .state = -1});
    ck_assert_int_eq(l.r, STORE_OK);
    ck_assert_ptr_nonnull(strstr(l.json, "\"state\":\"dead\""));
    ck_assert_ptr_nonnull(strstr(l.json, "\"attempts\":3"));
    ck_assert_ptr_nonnull(strstr(l.json, "\"text\":\"what it said\""));
    fixture_close(&f);
}
END_TEST

START_TEST(one_of_a_key_at_a_time_in_their_order) {
    fixture f;
    queue_open(&f);
    ck_assert_int_eq(put_one(&f, "e1", T, "k", NOW), STORE_OK);
    ck_assert_int_eq(put_one(&f, "e2", T, "k", NOW + 1), STORE_OK);
    ck_assert_int_eq(put_one(&f, "e3", T, "other", NOW + 2), STORE_OK);
    ck_assert_int_eq(put_one(&f, "e4", T, "k", NOW + 3), STORE_OK);
    due_told d = due(&f, T, NOW + 10, 10);
    ck_assert_uint_eq(d.count, 2);
    ck_assert_str_eq(d.list[0].event, "e1");
    ck_assert_str_eq(d.list[1].event, "e3");
    ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_PENDING, NOW + 5000, NOW + 20), STORE_OK);
    ck_assert_uint_eq(due(&f, T, NOW + 100, 10).count, 1); /* the other key's */
    ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_DEAD, 0, NOW + 30), STORE_OK);
    ck_assert_int_eq(finish(&f, d.list[1].id, DELIVERY_DONE, 0, NOW + 30), STORE_OK);
    for (int i = 0; i < 2; i++) {
        d = due(&f, T, NOW + 100, 10);
        ck_assert_uint_eq(d.count, 1);
        ck_assert_str_eq(d.list[0].event, i == 0 ? "e2" : "e4");
        ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_DONE, 0, NOW + 40), STORE_OK);
    }
    ck_assert_uint_eq(counts_of(&f, T).pending, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(a_repeat_is_told_and_not_written) {
    fixture f;
    queue_open(&f);
    const event_target to = {.target = STR(T)};
    event_new n[3] = {{.id = STR("e1"),
                       .source = STR("endpoint/shop"),
                       .dedup = STR("evt_1"),
                       .dedup_ms = 1000,
                       .at_ms = NOW,
                       .targets = &to,
                       .target_count = 1}};
    n[1] = n[2] = n[0];
    n[1].id = STR("e2");
    n[2].id = STR("e3");
    n[2].source = STR("endpoint/other");
    put_told put = put_events(&f, n, 3);
    ck_assert(put.r == STORE_OK && !put.repeated[0] && put.repeated[1] && !put.repeated[2]);
    n[1].at_ms = NOW + 999;
    ck_assert(put_events(&f, &n[1], 1).repeated[0]);
    queue_reopen(&f);
    ck_assert(put_events(&f, &n[1], 1).repeated[0]);
    n[1].at_ms = NOW + 1000;
    ck_assert(!put_events(&f, &n[1], 1).repeated[0]); /* the window is over */
    ck_assert_uint_eq(counts_of(&f, T).pending, 3);
    fixture_close(&f);
}
END_TEST

START_TEST(all_events_of_a_call_or_none) {
    fixture f;
    queue_open(&f);
    ck_assert_int_eq(put_one(&f, "e1", T, NULL, NOW), STORE_OK);
    const event_target to[] = {{.target = STR(T)}, {.target = STR("subscription/new")}};
    const event_new n[2] = {
        {.id = STR("e2"), .source = STR("api"), .at_ms = NOW, .targets = to, .target_count = 2},
        {.id = STR("e1"), .source = STR("api"), .at_ms = NOW, .targets = to, .target_count = 2}};
    ck_assert_int_eq(put_events(&f, n, 2).r, STORE_EXISTS);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events"), 1);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM deliveries"), 1);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM targets"), 1);
    ck_assert_uint_eq(counts_of(&f, T).pending, 1);
    ck_assert_int_eq(put_events(&f, n, 1).r, STORE_OK); /* the target that was taken back is made anew */
    ck_assert_uint_eq(counts_of(&f, "subscription/new").pending, 1);
    ck_assert_uint_eq(counts_of(&f, T).pending, 2);
    fixture_close(&f);
}
END_TEST

/* An attempt failed while the clock was years ahead. */
START_TEST(what_a_wrong_clock_put_off_for_years_is_due) {
    const uint64_t day = 86400000u;
    fixture f;
    queue_open(&f);
    ck_assert_int_eq(put_one(&f, "e1", "subscription/a", NULL, NOW), STORE_OK);
    due_told d = due(&f, "subscription/a", NOW, 10);
    ck_assert_uint_eq(d.count, 1);
    ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_PENDING, NOW + 39 * day, NOW), STORE_OK);
    ck_assert_uint_eq(due(&f, "subscription/a", NOW, 10).count, 0);
    ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_PENDING, NOW + 4000 * day, NOW), STORE_OK);
    ck_assert_uint_eq(due(&f, "subscription/a", NOW, 10).count, 1);
    fixture_close(&f);
}
END_TEST

START_TEST(what_will_never_fit_is_told_apart) {
    fixture f;
    queue_open(&f);
    event_new n = {.id = STR("e1"), .payload = {"", EVENT_PAYLOAD_MAX + (size_t)1}, .at_ms = NOW};
    ck_assert_int_eq(events_fit(&n, 1), EVENTS_TOO_LARGE);
    ck_assert(!events_put(f.s, &n, 1, f.l, note_put, NULL));
    n = (event_new){.id = STR("e1"), .at_ms = NOW, .target_count = EVENT_TARGETS_MAX + (size_t)1};
    ck_assert_int_eq(events_fit(&n, 1), EVENTS_TOO_MANY_TARGETS);
    ck_assert(!events_put(f.s, &n, 1, f.l, note_put, NULL));
    n.target_count = 0;
    ck_assert_int_eq(events_fit(&n, 1), EVENTS_FIT);
    ck_assert_int_eq(put_events(&f, &n, 1).r, STORE_OK);
    fixture_close(&f);
}
END_TEST

/* The queue as an earlier hub left it. */
START_TEST(an_older_queue_is_read_on) {
    fixture f;
    queue_open(&f);
    ck_assert_int_eq(put_one(&f, "e1", T, NULL, NOW), STORE_OK);
    int64_t id = due(&f, T, NOW, 10).list[0].id;
    ck_assert_int_eq(finish(&f, id, DELIVERY_PENDING, NOW + 5000, NOW + 100), STORE_OK);
    ck_assert_int_eq(fixture_sql(&f, "ALTER TABLE deliveries RENAME COLUMN batch TO first_ms"), STORE_OK);
    ck_assert_int_eq(fixture_sql(&f, "PRAGMA user_version = 2"), STORE_OK);
    queue_reopen(&f);
    due_told d = due(&f, T, NOW + 5000, 10);
    ck_assert(d.count == 1 && d.list[0].id == id && d.list[0].attempts == 1);
    ck_assert_int_eq(finish_in(&f, id, 5, DELIVERY_PENDING, NOW + 6000, NOW + 5000), STORE_OK);
    queue_reopen(&f);
    ck_assert_int_eq(due(&f, T, NOW + 6000, 10).list[0].batch, 5);
    fixture_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(an_older_queue_is_read_on), unit_test(what_will_never_fit_is_told_apart),
          unit_test(what_a_wrong_clock_put_off_for_years_is_due),
          unit_test(an_event_reaches_each_of_its_targets), unit_test(what_failed_comes_again_when_it_is_due),
          unit_test(one_of_a_key_at_a_time_in_their_order), unit_test(a_repeat_is_told_and_not_written),
          unit_test(all_events_of_a_call_or_none))
