/* Keys made, kept, revoked and shown. */
#include "access/fixture.h"

#include "base/log.h"

/* --- made
 * --------------------------------------------------------------------------------------------------- */

START_TEST(the_form_of_a_key) {
    gate g;
    gate_open(&g);
    bb_str seen[50];
    for (size_t i = 0; i < 50; i++) {
        seen[i] = gate_made(&g, "{\"name\":\"x\",\"role\":\"viewer\"}");
        bb_str key = seen[i];
        ck_assert_uint_eq(key.len, 3 + 12 + 1 + 43);
        ck_assert(str_starts(key, STR("bb_")) && key.ptr[15] == '_');
        ck_assert(str_eq(g.made->id, str_of(key.ptr + 3, 12)));
        ck_assert_uint_eq(strspn(key.ptr + 3, "0123456789abcdef"), 12);
        ck_assert_uint_eq(
            strspn(key.ptr + 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-."), 43);
        for (size_t k = 0; k < i; k++)
            ck_assert(!str_eq(seen[k], key));
        ck_assert_ptr_eq(access_find(g.keys, key, NOW), g.made);
    }
    gate_close(&g);
}
END_TEST

START_TEST(a_full_wish) {
    gate g;
    gate_open(&g);
    gate_made(&g, "{\"name\":\"the shop's \\u00e9\",\"role\":\"caller\",\"connections\":[\"shop\"],"
                  "\"operations\":[\"a.*\"],\"rate\":\"600/m\",\"burst\":7,\"quota\":{\"day\":1000,"
                  "\"month\":20000},\"expires_in\":\"30d\"}");
    ck_assert(str_eq(g.made->name, STR("the shop's \xc3\xa9")));
    ck_assert_int_eq(g.made->role, ROLE_CALLER);
    ck_assert_uint_eq(g.made->rate.interval_ns, 100000000);
    ck_assert_uint_eq(g.made->rate.burst, 7);
    ck_assert_uint_eq(g.made->quota[QUOTA_DAY], 1000);
    ck_assert_uint_eq(g.made->quota[QUOTA_MONTH], 20000);
    ck_assert_uint_eq(g.made->created_ms, NOW);
    ck_assert_uint_eq(g.made->expires_ms, NOW + 30 * DAY_MS);
    ck_assert(
        str_eq(g.made->limits, STR("{\"connections\":[\"shop\"],\"operations\":[\"a.*\"],\"rate\":\"600/m\","
                                   "\"burst\":7,\"quota\":{\"day\":1000,\"month\":20000}}")));
    gate_close(&g);
}
END_TEST

START_TEST(null_is_as_good_as_nothing) {
    gate g;
    gate_open(&g);
    gate_made(&g,
              "{\"name\":\"x\",\"role\":\"caller\",\"connections\":null,\"operations\":null,\"rate\":null,"
              "\"burst\":null,\"quota\":null,\"expires_in\":null,\"expires_at\":null}");
    ck_assert(str_eq(g.made->limits, STR("{}")));
    ck_assert_uint_eq(g.made->expires_ms, 0);
    ck_assert_uint_eq(g.made->rate.interval_ns, 0);
    gate_close(&g);
}
END_TEST

START_TEST(expiry) {
    gate g;
    char wish[128];
    gate_open(&g);
    snprintf(wish, sizeof wish, "{\"name\":\"x\",\"role\":\"viewer\",\"expires_at\":%llu}", NOW / 1000 + 60);
    gate_made(&g, wish);
    ck_assert_uint_eq(g.made->expires_ms, NOW + 60000);
    gate_made(&g, "{\"name\":\"x\",\"role\":\"viewer\",\"expires_in\":\"36500d\"}");
    ck_assert_uint_eq(g.made->expires_ms, NOW + 36500 * DAY_MS);
    gate_close(&g);
}
END_TEST

/* --- refused
 * -------------------------------------------------------------------------------------------------- */

typedef struct refusal {
    const char *wish, *says;
} refusal;

static void refuse(gate *g, const refusal *all, size_t n) {
    for (size_t i = 0; i < n; i++) {
        bb_str key = gate_make(g, all[i].wish);
        ck_assert_msg(key.ptr == NULL, "%s", all[i].wish);
        ck_assert_msg(g->p == PROBLEM_INVALID_INPUT, "%s: %d", all[i].wish, (int)g->p);
        ck_assert_msg(strstr(g->e.text, all[i].says) != NULL, "%s: %s", all[i].wish, g->e.text);
    }
    store_key *rows;
    size_t count;
    ck_assert_int_eq(store_keys_load(g->f.s, g->f.a, &rows, &count), STORE_OK);
    ck_assert_uint_eq(count, 0);
}

#define WISH(rest) "{\"name\":\"x\",\"role\":\"caller\"," rest "}"
#define ALL(list) list, sizeof list / sizeof list[0]

START_TEST(refused_members) {
    static const refusal all[] = {
        {"[]", "the body is an object"},
        {"\"x\"", "the body is an object"},
        {"{}", "`name` is missing"},
        {"{\"role\":\"caller\"}", "`name` is missing"},
        {"{\"name\":\"\",\"role\":\"caller\"}", "`name` is missing"},
        {"{\"name\":5,\"role\":\"caller\"}", "`name` is missing"},
        {"{\"name\":\"x\"}", "`role` is one of viewer, caller, operator, admin"},
        {"{\"name\":\"x\",\"role\":\"none\"}", "`role` is one of"},
        {"{\"name\":\"x\",\"role\":\"Admin\"}", "`role` is one of"},
        {"{\"name\":\"x\",\"role\":null}", "`role` is one of"},
        {WISH("\"rates\":\"1/s\""), "unknown member \"rates\"; did you mean \"rate\"?"},
        {WISH("\"conections\":[]"), "unknown member \"conections\"; did you mean \"connections\"?"},
        {WISH("\"id\":\"0123456789ab\""), "unknown member \"id\""},
        {"{\"name\":\"x\",\"role\":\"admin\",\"connections\":[\"a\"]}", "cannot bind an admin's key"},
        {"{\"name\":\"x\",\"role\":\"admin\",\"operations\":[\"a\"]}", "cannot bind an admin's key"},
    };
    gate g;
    gate_open(&g);
    refuse(&g, ALL(all));
    gate_close(&g);
}
END_TEST

START_TEST(refused_bindings_and_limits) {
    static const refusal all[] = {
        {WISH("\"connections\":[]"), "`connections` is empty: leave it out to bind to nothing"},
        {WISH("\"connections\":\"shop\""), "`connections` is an array of names"},
        {WISH("\"operations\":{}"), "`operations` is an array of names"},
        {WISH("\"operations\":[1]"), "`operations` has an item that is no name"},
        {WISH("\"operations\":[\"a\",\"\"]"), "`operations` has an item that is no name"},
        {WISH("\"operations\":[null]"), "`operations` has an item that is no name"},
        {WISH("\"rate\":\"fast\""), "`rate` is a rate as \"100/s\""},
        {WISH("\"rate\":100"), "`rate` is a rate as \"100/s\""},
        {WISH("\"rate\":\"0/s\""), "`rate` is a rate as \"100/s\""},
        {WISH("\"rate\":\"1/s\",\"burst\":0"), "`burst` is a number from 1 to 1000000"},
        {WISH("\"rate\":\"1/s\",\"burst\":1000001"), "`burst` is a number from 1 to 1000000"},
        {WISH("\"rate\":\"1/s\",\"burst\":\"5\""), "`burst` is a number from 1 to 1000000"},
        {WISH("\"rate\":\"1/s\",\"burst\":1.5"), "`burst` is a number from 1 to 1000000"},
        {WISH("\"rate\":\"1/d\",\"burst\":1000000"), "`burst` is more than a century"},
        {WISH("\"burst\":5"), "`burst` goes with a `rate`"},
        {WISH("\"quota\":5"), "`quota` is {\"day\": N, \"month\": N}"},
        {WISH("\"quota\":\"5/day\""), "`quota` is {\"day\": N, \"month\": N}"},
        {WISH("\"quota\":{\"day\":0}"), "`quota` is {\"day\": N, \"month\": N}"},
        {WISH("\"quota\":{\"day\":\"5\"}"), "`quota` is {\"day\": N, \"month\": N}"},
        {WISH("\"quota\":{\"day\":-5}"), "`quota` is {\"day\": N, \"month\": N}"},
        {WISH("\"quota\":{\"week\":5}"), "`quota` is {\"day\": N, \"month\": N}"},
        {WISH("\"quota\":[5]"), "`quota` is {\"day\": N, \"month\": N}"},
    };
    gate g;
    gate_open(&g);
    refuse(&g, ALL(all));
    gate_close(&g);
}
END_TEST

START_TEST(refused_expiry) {
    static const refusal all[] = {
        {WISH("\"expires_in\":\"soon\""), "`expires_in` is a duration"},
        {WISH("\"expires_in\":\"0s\""), "`expires_in` is a duration"},
        {WISH("\"expires_in\":3600"), "`expires_in` is a duration"},
        {WISH("\"expires_in\":\"36501d\""), "`expires_in` is a duration"},
        {WISH("\"expires_in\":\"99999999999999999999d\""), "`expires_in` is a duration"},
        {WISH("\"expires_at\":1769860800"), "`expires_at` is a time to come"}, /* now */
        {WISH("\"expires_at\":0"), "`expires_at` is a time to come"},
        {WISH("\"expires_at\":-1"), "`expires_at` is a time to come"},
        {WISH("\"expires_at\":\"2027-01-01\""), "`expires_at` is a time to come"},
        {WISH("\"expires_at\":1769860900.5"), "`expires_at` is a time to come"},
        {WISH("\"expires_at\":1769860900000"), "within a century"}, /* milliseconds by mistake */
        {WISH("\"expires_at\":18446744073709551615"), "within a century"},
        {WISH("\"expires_at\":36893488147419104"),
         "within a century"}, /* x 1000 wraps around to a time to come */
        {WISH("\"expires_in\":\"1h\",\"expires_at\":1769860900"), "give one of them"},
    };
    gate g;
    gate_open(&g);
    refuse(&g, ALL(all));
    gate_close(&g);
}
END_TEST

/* The member's name alone is told, in part where it is long: nothing of what stands behind it. */
START_TEST(an_unknown_member_is_cut_out_of_the_text) {
    gate g;
    gate_open(&g);
    gate_make(&g, WISH("\"tokn\":\"hunter2\""));
    ck_assert_ptr_nonnull(strstr(g.e.text, "unknown member \"tokn\""));
    ck_assert_ptr_null(strstr(g.e.text, "hunter2"));
    char wish[400];
    snprintf(wish, sizeof wish, "{\"%0300d\":1}", 7);
    gate_make(&g, wish);
    ck_assert_uint_lt(strlen(g.e.text), 120);
    gate_close(&g);
}
END_TEST

START_TEST(names_and_patterns_have_a_length) {
    gate g;
    char wish[512];
    gate_open(&g);
    snprintf(wish, sizeof wish, "{\"name\":\"%0100d\",\"role\":\"viewer\"}", 1);
    gate_made(&g, wish);
    snprintf(wish, sizeof wish, "{\"name\":\"%0101d\",\"role\":\"viewer\"}", 1);
    ck_assert_ptr_null(gate_make(&g, wish).ptr);
    snprintf(wish, sizeof wish, "{\"name\":\"x\",\"role\":\"viewer\",\"connections\":[\"%0200d\"]}", 1);
    gate_made(&g, wish);
    snprintf(wish, sizeof wish, "{\"name\":\"x\",\"role\":\"viewer\",\"connections\":[\"%0201d\"]}", 1);
    ck_assert_ptr_null(gate_make(&g, wish).ptr);
    gate_close(&g);
}
END_TEST

/* --- kept
 * ---------------------------------------------------------------------------------------------------- */

START_TEST(keys_outlive_the_process) {
    gate g;
    gate_open(&g);
    bb_str one = gate_made(&g, WISH("\"connections\":[\"shop\"],\"rate\":\"10/s\",\"quota\":{\"day\":5}"));
    bb_str two = gate_made(&g, "{\"name\":\"y\",\"role\":\"operator\",\"expires_in\":\"1h\"}");
    bb_str three = gate_made(&g, "{\"name\":\"z\",\"role\":\"viewer\"}");
    ck_assert_int_eq(access_revoke(g.keys, g.f.s, g.made->id, NOW + 1), STORE_OK);
    gate_restart(&g);
    principal *p = access_find(g.keys, one, NOW);
    ck_assert_ptr_nonnull(p);
    ck_assert(str_eq(p->name, STR("x")) && p->role == ROLE_CALLER);
    ck_assert(access_sees(p, STR("shop")) && !access_sees(p, STR("other")));
    ck_assert_uint_eq(p->rate.rate, 10);
    ck_assert_uint_eq(p->quota[QUOTA_DAY], 5);
    ck_assert_ptr_nonnull(p->used);
    ck_assert_uint_eq(access_find(g.keys, two, NOW)->expires_ms, NOW + 3600000);
    ck_assert_ptr_null(access_find(g.keys, two, NOW + 3600000));
    ck_assert_ptr_null(access_find(g.keys, three, NOW));
    ck_assert_ptr_nonnull(access_find(g.keys, STR(ADMIN_KEY), NOW));
    gate_close(&g);
}
END_TEST

/* The hash of it is all that is on disk. */
START_TEST(the_text_of_a_key_is_nowhere_else) {
    gate g;
    gate_open(&g);
    bb_str key = gate_made(&g, "{\"name\":\"x\",\"role\":\"viewer\"}");
    store_flush(g.f.s);
    char command[256];
    snprintf(command, sizeof command, "grep -qarF -e '%.*s' '%s'", (int)key.len - 16, key.ptr + 16,
             g.f.folder);
    ck_assert_int_ne(system(command), 0);
    snprintf(command, sizeof command, "grep -qarF -e '%.12s' '%s'", key.ptr + 3, g.f.folder);
    ck_assert_int_eq(system(command), 0); /* its id is there: the search works */
    gate_close(&g);
}
END_TEST

/* A quota goes on where it was, by the key's id. */
START_TEST(a_quota_is_the_keys_own) {
    gate g;
    access_limits l;
    gate_open(&g);
    bb_str key = gate_made(&g, WISH("\"quota\":{\"day\":5}"));
    bb_str subject = arena_printf(g.f.a, "key:%.*s", STR_FMT(g.made->id));
    gate_restart(&g);
    quota_book_restore(g.book, subject, QUOTA_DAY, quota_period_start(QUOTA_DAY, NOW), 4);
    principal *p = access_find(g.keys, key, NOW);
    ck_assert(access_count(p, NOW_NS, NOW, &l));
    ck_assert(!access_count(p, NOW_NS, NOW, &l));
    gate_close(&g);
}
END_TEST

static void add_row(gate *g, const char *id, const char *role, const char *limits) {
    store_key row = {.id = str_from(id),
                     .name = STR("odd"),
                     .role = str_from(role),
                     .limits = str_from(limits),
                     .created_ms = NOW};
    memset(row.hash, 7, sizeof row.hash);
    ck_assert_int_eq(store_key_add(g->f.s, &row), STORE_OK);
}

/* Of another version, or damaged: left out, so that it may not more than it should. */
START_TEST(rows_that_are_not_understood_are_left_out) {
    gate g;
    gate_open(&g);
    log_set_level(LOG_LEVEL_OFF);
    add_row(&g, "000000000001", "superuser", "{}");
    add_row(&g, "000000000002", "caller", "{\"connections\":");
    add_row(&g, "000000000003", "caller", "[]");
    add_row(&g, "000000000004", "caller", "{\"connections\":[]}");
    add_row(&g, "000000000005", "caller", "{\"rate\":\"?\"}");
    add_row(&g, "000000000006", "caller", "{}");
    add_row(&g, "000000000007", "none", "{}");
    gate_restart(&g);
    static const char *const odd[] = {"000000000001", "000000000002", "000000000003",
                                      "000000000004", "000000000005", "000000000007"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        ck_assert_msg(access_by_id(g.keys, str_from(odd[i])) == NULL, "%s", odd[i]);
    ck_assert_ptr_nonnull(access_by_id(g.keys, STR("000000000006")));
    gate_close(&g);
}
END_TEST

/* --- shown
 * ---------------------------------------------------------------------------------------------------- */

static bb_str shown(gate *g, const principal *p, uint64_t now) {
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    if (p != NULL)
        access_write(p, now, &w);
    else
        access_write_all(g->keys, now, &w);
    ck_assert(json_writer_finish(&w));
    bb_str text = arena_copy(g->f.a, buf_str(&out));
    buf_free(&out);
    return text;
}

static void shows(gate *g, const principal *p, uint64_t now, const char *wanted) {
    bb_str text = shown(g, p, now), full = arena_printf(g->f.a, wanted, STR_FMT(p->id));
    ck_assert_msg(str_eq(text, full), "%.*s", STR_FMT(text));
}

START_TEST(records) {
    gate g;
    access_limits l;
    gate_open(&g);
    gate_made(&g, WISH("\"quota\":{\"day\":5,\"month\":9},\"expires_in\":\"1h\""));
    principal *p = g.made;
    shows(&g, p, NOW,
          "{\"id\":\"%.*s\",\"name\":\"x\",\"role\":\"caller\",\"status\":\"active\",\"limits\":{\"quota\":{"
          "\"day\":"
          "5,\"month\":9}},\"created\":\"2026-01-31T12:00:00.000Z\",\"expires\":\"2026-01-31T13:00:00.000Z\","
          "\"used_today\":0,\"used_this_month\":0}");
    ck_assert(access_count(p, NOW_NS, NOW, &l));
    atomic_store(&p->last_used_ms, NOW);
    shows(&g, p, NOW + DAY_MS,
          "{\"id\":\"%.*s\",\"name\":\"x\",\"role\":\"caller\",\"status\":\"expired\",\"limits\":{\"quota\":{"
          "\"day\":"
          "5,\"month\":9}},\"created\":\"2026-01-31T12:00:00.000Z\",\"expires\":\"2026-01-31T13:00:00.000Z\","
          "\"last_used\":\"2026-01-31T12:00:00.000Z\",\"used_today\":0,\"used_this_month\":0}");
    ck_assert_int_eq(access_revoke(g.keys, g.f.s, p->id, NOW + 1000), STORE_OK);
    shows(&g, p, NOW + 1000,
          "{\"id\":\"%.*s\",\"name\":\"x\",\"role\":\"caller\",\"status\":\"revoked\",\"limits\":{\"quota\":{"
          "\"day\":"
          "5,\"month\":9}},\"created\":\"2026-01-31T12:00:00.000Z\",\"expires\":\"2026-01-31T13:00:00.000Z\","
          "\"revoked\":\"2026-01-31T12:00:01.000Z\",\"last_used\":\"2026-01-31T12:00:00.000Z\",\"used_"
          "today\":1,"
          "\"used_this_month\":1}");
    gate_close(&g);
}
END_TEST

START_TEST(all_in_the_order_of_making_and_no_secret) {
    gate g;
    gate_open(&g);
    bb_str keys[3];
    for (int i = 0; i < 3; i++) {
        char wish[64];
        snprintf(wish, sizeof wish, "{\"name\":\"k%d\",\"role\":\"viewer\"}", i);
        keys[i] = gate_made(&g, wish);
    }
    for (int restarted = 0; restarted < 2; restarted++) {
        bb_str text = shown(&g, NULL, NOW);
        const json_value *v = json_read(g.f.a, text, NULL, NULL);
        ck_assert_uint_eq(json_count(v), 4);
        ck_assert(str_eq(json_string(json_pointer(v, STR("/0/id"))), STR("admin")));
        ck_assert(str_eq(json_string(json_pointer(v, STR("/1/name"))), STR("k0")));
        ck_assert(str_eq(json_string(json_pointer(v, STR("/3/name"))), STR("k2")));
        for (int i = 0; i < 3; i++)
            ck_assert_ptr_null(memmem(text.ptr, text.len, keys[i].ptr + 16, 43));
        ck_assert_ptr_null(memmem(text.ptr, text.len, "0123456789abcdef0123", 20));
        gate_restart(&g);
    }
    gate_close(&g);
}
END_TEST

UNIT_MAIN(unit_test(the_form_of_a_key), unit_test(a_full_wish), unit_test(null_is_as_good_as_nothing),
          unit_test(expiry), unit_test(refused_members), unit_test(refused_bindings_and_limits),
          unit_test(refused_expiry), unit_test(an_unknown_member_is_cut_out_of_the_text),
          unit_test(names_and_patterns_have_a_length), unit_test(keys_outlive_the_process),
          unit_test(the_text_of_a_key_is_nowhere_else), unit_test(a_quota_is_the_keys_own),
          unit_test(rows_that_are_not_understood_are_left_out), unit_test(records),
          unit_test(all_in_the_order_of_making_and_no_secret))
