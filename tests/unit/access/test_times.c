/* Keys: made, found, bound, limited, expired, revoked, and loaded again. Time is given, never waited for. */
#include <busbar/busbar.h>

#include "access/access.h"

#include <stdio.h>
#include <unistd.h>

#include "unit.h"

#define NOW 1800000000000ull /* 2027-01-15T08:00:00Z */
#define DAY 86400000ull

typedef struct fixture {
    char folder[64], path[128];
    store *s;
    quota_book *book;
    access_keys *keys;
    arena *a;
} fixture;

static void open_fixture(fixture *f) {
    err e = {""};
    *f = (fixture){.folder = "/tmp/busbar-access-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/busbar.db", f->folder);
    f->s = store_open(f->path, &e);
    ck_assert_msg(f->s != NULL, "%s", e.text);
    f->book = quota_book_new();
    f->keys = access_new(f->book);
    f->a = arena_new(0);
    ck_assert(f->book != NULL && f->a != NULL && access_add_admin(f->keys, STR("bb_admin_secret")));
}

static void close_fixture(fixture *f) {
    char command[160];
    access_free(f->keys);
    quota_book_free(f->book);
    store_close(f->s);
    arena_free(f->a);
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    ck_assert_int_eq(system(command), 0);
}

/* As after a restart: everything from the store. */
static void reopen(fixture *f) {
    err e = {""};
    access_free(f->keys);
    quota_book_free(f->book);
    store_close(f->s);
    f->s = store_open(f->path, &e);
    ck_assert_msg(f->s != NULL, "%s", e.text);
    f->book = quota_book_new();
    f->keys = access_new(f->book);
    ck_assert(access_add_admin(f->keys, STR("bb_admin_secret")));
    ck_assert_int_eq(access_load(f->keys, f->s), STORE_OK);
}

static bb_str make(fixture *f, const char *wish, principal **made) {
    err e = {""};
    problem p;
    const json_value *v = json_read(f->a, str_from(wish), NULL, NULL);
    bb_str key = access_create(f->keys, f->s, v, NOW, f->a, made, &p, &e);
    ck_assert_msg(key.ptr != NULL, "%s: %s", wish, e.text);
    return key;
}

START_TEST(a_key_expires_to_the_millisecond_and_stays_so) {
    fixture f;
    principal *p;
    open_fixture(&f);
    bb_str in = make(&f, "{\"name\":\"in\",\"role\":\"caller\",\"expires_in\":\"1s\"}", &p);
    bb_str at = make(&f, "{\"name\":\"at\",\"role\":\"caller\",\"expires_at\":1800000060}", &p);
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(access_find(f.keys, in, NOW));
        ck_assert_ptr_nonnull(access_find(f.keys, in, NOW + 999));
        ck_assert_ptr_null(access_find(f.keys, in, NOW + 1000));
        ck_assert_ptr_nonnull(access_find(f.keys, at, NOW + 59999));
        ck_assert_ptr_null(access_find(f.keys, at, NOW + 60000));
        ck_assert_ptr_nonnull(access_find(f.keys, STR("bb_admin_secret"), NOW + 10000 * DAY));
        reopen(&f);
    }
    close_fixture(&f);
}
END_TEST

START_TEST(a_revoked_key_is_nobodys_and_keeps_its_first_time) {
    fixture f;
    principal *p;
    open_fixture(&f);
    bb_str key = make(&f, "{\"name\":\"x\",\"role\":\"admin\"}", &p);
    bb_str id = arena_copy(f.a, p->id);
    ck_assert_int_eq(access_revoke(f.keys, f.s, id, NOW + 5), STORE_OK);
    ck_assert_int_eq(access_revoke(f.keys, f.s, id, NOW + 50), STORE_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_null(access_find(f.keys, key, NOW + 6));
        const principal *q = access_by_id(f.keys, id);
        ck_assert_uint_eq(atomic_load((_Atomic(uint64_t) *)(uintptr_t)&q->revoked_ms), NOW + 5);
        reopen(&f);
    }
    ck_assert_int_eq(access_revoke(f.keys, f.s, STR("admin"), NOW), STORE_NOT_FOUND);
    ck_assert_int_eq(access_revoke(f.keys, f.s, STR("none"), NOW), STORE_NOT_FOUND);
    close_fixture(&f);
}
END_TEST

START_TEST(bindings_and_roles_say_what_may_be_called) {
    fixture f;
    principal *bound, *viewer, *free_;
    open_fixture(&f);
    make(&f,
         "{\"name\":\"b\",\"role\":\"caller\",\"connections\":[\"pay\",\"crm-*\"],\"operations\":[\"a.*\"]}",
         &bound);
    make(&f, "{\"name\":\"v\",\"role\":\"viewer\"}", &viewer);
    make(&f, "{\"name\":\"c\",\"role\":\"caller\"}", &free_);
    ck_assert(access_sees(bound, STR("pay")) && access_sees(bound, STR("crm-eu")));
    ck_assert(!access_sees(bound, STR("payroll")) && !access_sees(bound, STR("crm")));
    ck_assert(access_calls(bound, STR("pay"), STR("a.list")));
    ck_assert(!access_calls(bound, STR("pay"), STR("b.list")) &&
              !access_calls(bound, STR("x"), STR("a.list")));
    ck_assert(access_sees(viewer, STR("pay")) && !access_calls(viewer, STR("pay"), STR("a.list")));
    ck_assert(access_calls(free_, STR("anything"), STR("at.all")));
    close_fixture(&f);
}
END_TEST

START_TEST(a_rate_and_quotas_are_counted_by_the_time_given) {
    fixture f;
    principal *p;
    access_limits l;
    open_fixture(&f);
    bb_str key = make(&f,
                      "{\"name\":\"q\",\"role\":\"caller\",\"rate\":\"10/s\",\"burst\":2,"
                      "\"quota\":{\"day\":3,\"month\":4}}",
                      &p);
    uint64_t ns = 1000000000000ull;
    ck_assert(access_count(p, ns, NOW, &l) && l.limited && l.has_quota && l.quota_left == 2);
    ck_assert(access_count(p, ns, NOW, &l));
    ck_assert(!access_count(p, ns, NOW, &l) && l.problem == PROBLEM_RATE_LIMITED && l.retry_after_ms <= 101);
    ns += 100000000u; /* a tenth of a second: one more */
    ck_assert(access_count(p, ns, NOW, &l));
    ns += 1000000000u;
    ck_assert(!access_count(p, ns, NOW, &l) && l.problem == PROBLEM_QUOTA_EXCEEDED);
    ck_assert_uint_eq(l.retry_after_ms, DAY - NOW % DAY);
    ck_assert(access_count(p, ns + 1000000000u, NOW + DAY, &l)); /* the fourth of the month */
    ck_assert(!access_count(p, ns + 2000000000u, NOW + DAY, &l) && l.problem == PROBLEM_QUOTA_EXCEEDED);
    ck_assert(access_count(p, ns + 3000000000u, NOW + 31 * DAY, &l)); /* the next month */
    ck_assert_ptr_eq(access_find(f.keys, key, NOW), p);
    close_fixture(&f);
}
END_TEST

START_TEST(a_row_that_makes_no_sense_is_left_out) {
    fixture f;
    principal *p;
    open_fixture(&f);
    bb_str good = make(&f, "{\"name\":\"good\",\"role\":\"viewer\"}", &p);
    store_key odd = {.id = STR("odd"), .name = STR("odd"), .role = STR("king"), .limits = STR("{}")};
    store_key torn = {
        .id = STR("torn"), .name = STR("torn"), .role = STR("viewer"), .limits = STR("{\"rate\"")};
    ck_assert_int_eq(store_key_add(f.s, &odd), STORE_OK);
    ck_assert_int_eq(store_key_add(f.s, &torn), STORE_OK);
    reopen(&f);
    ck_assert_ptr_null(access_by_id(f.keys, STR("odd")));
    ck_assert_ptr_null(access_by_id(f.keys, STR("torn")));
    ck_assert_ptr_nonnull(access_find(f.keys, good, NOW));
    close_fixture(&f);
}
END_TEST

UNIT_MAIN(unit_test(a_key_expires_to_the_millisecond_and_stays_so),
          unit_test(a_revoked_key_is_nobodys_and_keeps_its_first_time),
          unit_test(bindings_and_roles_say_what_may_be_called),
          unit_test(a_rate_and_quotas_are_counted_by_the_time_given),
          unit_test(a_row_that_makes_no_sense_is_left_out))
