/* Whose key it is, what it may, and how often. */
#include "access/fixture.h"

#include "limit/crew.h"

/* --- found or not --------------------------------------------------------------------------------------- */

START_TEST(a_key_is_found_by_its_whole_text) {
    gate g;
    gate_open(&g);
    bb_str key = gate_made(&g, "{\"name\":\"ci\",\"role\":\"caller\"}");
    ck_assert_ptr_eq(access_find(g.keys, key, NOW), g.made);
    ck_assert_ptr_eq(access_by_id(g.keys, g.made->id), g.made);
    for (size_t i = 0; i < key.len; i++) /* each byte counts, of the id as of the secret */
        ck_assert_ptr_null(access_find(g.keys, spoilt(g.f.a, key, i), NOW));
    for (size_t n = 0; n < key.len; n++)
        ck_assert_ptr_null(access_find(g.keys, str_of(key.ptr, n), NOW));
    bb_str longer = arena_printf(g.f.a, "%.*sx", STR_FMT(key));
    ck_assert_ptr_null(access_find(g.keys, longer, NOW));
    gate_close(&g);
}
END_TEST

START_TEST(nobodys_keys) {
    static const char *const texts[] = {"",
                                        "bb_",
                                        "bb__",
                                        "bb___",
                                        "bb_admin",
                                        "bb_admin_",
                                        "admin",
                                        "_",
                                        "bb",
                                        "bb_0123456789ab_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                        "Bearer " ADMIN_KEY,
                                        " " ADMIN_KEY,
                                        ADMIN_KEY " ",
                                        "BB_admin_0"};
    gate g;
    gate_open(&g);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_msg(access_find(g.keys, str_from(texts[i]), NOW) == NULL, "\"%s\"", texts[i]);
    ck_assert_ptr_null(access_find(g.keys, (bb_str){NULL, 0}, NOW));
    char longest[100000];
    memset(longest, 'x', sizeof longest);
    memcpy(longest, "bb_admin_", 9);
    ck_assert_ptr_null(access_find(g.keys, str_of(longest, sizeof longest), NOW));
    ck_assert_ptr_null(access_by_id(g.keys, STR("")));
    ck_assert_ptr_null(access_by_id(g.keys, STR("0123456789ab")));
    access_keys *empty = access_new(NULL);
    ck_assert_ptr_null(access_find(empty, STR(ADMIN_KEY), NOW));
    access_free(empty);
    access_free(NULL);
    gate_close(&g);
}
END_TEST

START_TEST(the_admins_own_key) {
    gate g;
    gate_open(&g);
    principal *admin = access_find(g.keys, STR(ADMIN_KEY), NOW);
    ck_assert_ptr_nonnull(admin);
    ck_assert_int_eq(admin->role, ROLE_ADMIN);
    ck_assert(str_eq(admin->id, STR("admin")));
    ck_assert_int_eq(access_revoke(g.keys, g.f.s, STR("admin"), NOW), STORE_NOT_FOUND);
    ck_assert_ptr_eq(access_find(g.keys, STR(ADMIN_KEY), NOW + 1), admin);
    gate_close(&g);
}
END_TEST

/* The file may hold any text that the admin put there. */
START_TEST(an_admins_key_of_any_form) {
    static const char *const texts[] = {"correct horse battery staple", "bb_correct-horse-battery-staple",
                                        "__________________________", "bb__correct-horse-battery"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        access_keys *keys = access_new(NULL);
        ck_assert(access_add_admin(keys, str_from(texts[i])));
        principal *p = access_find(keys, str_from(texts[i]), NOW);
        ck_assert_msg(p != NULL && p->role == ROLE_ADMIN, "%s", texts[i]);
        ck_assert_ptr_null(access_find(keys, STR("correct horse battery stapl"), NOW));
        access_free(keys);
    }
}
END_TEST

START_TEST(the_last_use_is_known_to_a_second) {
    gate g;
    gate_open(&g);
    principal *admin = access_find(g.keys, STR(ADMIN_KEY), NOW);
    ck_assert_uint_eq(atomic_load(&admin->last_used_ms), NOW);
    access_find(g.keys, STR(ADMIN_KEY), NOW + 999);
    ck_assert_uint_eq(atomic_load(&admin->last_used_ms), NOW);
    access_find(g.keys, STR(ADMIN_KEY), NOW + 1001);
    ck_assert_uint_eq(atomic_load(&admin->last_used_ms), NOW + 1001);
    access_find(g.keys, spoilt(g.f.a, STR(ADMIN_KEY), 20), NOW + 5000);
    ck_assert_uint_eq(atomic_load(&admin->last_used_ms), NOW + 1001); /* a wrong secret is no use */
    gate_close(&g);
}
END_TEST

START_TEST(expired_and_revoked) {
    gate g;
    gate_open(&g);
    bb_str brief = gate_made(&g, "{\"name\":\"x\",\"role\":\"viewer\",\"expires_in\":\"1h\"}");
    ck_assert_ptr_eq(access_find(g.keys, brief, NOW + 3599999), g.made);
    ck_assert_ptr_null(access_find(g.keys, brief, NOW + 3600000));
    bb_str key = gate_made(&g, "{\"name\":\"y\",\"role\":\"viewer\"}");
    ck_assert_ptr_nonnull(access_find(g.keys, key, NOW + 100 * 365 * DAY_MS));
    ck_assert_int_eq(access_revoke(g.keys, g.f.s, g.made->id, NOW + 5), STORE_OK);
    ck_assert_ptr_null(access_find(g.keys, key, NOW + 6));
    ck_assert_ptr_eq(access_by_id(g.keys, g.made->id), g.made); /* still shown */
    ck_assert_uint_eq(atomic_load(&g.made->revoked_ms), NOW + 5);
    ck_assert_int_eq(access_revoke(g.keys, g.f.s, STR("0123456789ab"), NOW), STORE_NOT_FOUND);
    gate_close(&g);
}
END_TEST

/* --- what it may
 * ---------------------------------------------------------------------------------------------- */

START_TEST(each_role_may_what_those_before_it_may) {
    static const char *const names[] = {"none", "viewer", "caller", "operator", "admin"};
    for (int r = ROLE_NONE; r <= ROLE_ADMIN; r++) {
        principal p = {.role = (access_role)r};
        ck_assert_str_eq(access_role_name((access_role)r), names[r]);
        ck_assert_int_eq(access_role_from(str_from(names[r])), r);
        ck_assert(access_calls(&p, STR("shop"), STR("customers.list")) == (r >= ROLE_CALLER));
        ck_assert(access_sees(&p, STR("shop")));
    }
    ck_assert(ROLE_NONE < ROLE_VIEWER && ROLE_VIEWER < ROLE_CALLER && ROLE_CALLER < ROLE_OPERATOR &&
              ROLE_OPERATOR < ROLE_ADMIN);
    static const char *const others[] = {"", "Admin", "root", "viewer ", "adm"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_int_eq(access_role_from(str_from(others[i])), ROLE_NONE);
}
END_TEST

START_TEST(bindings) {
    gate g;
    gate_open(&g);
    gate_made(&g, "{\"name\":\"x\",\"role\":\"caller\",\"connections\":[\"shop\",\"eu-*\"],"
                  "\"operations\":[\"customers.*\",\"charges.get\"]}");
    const principal *p = g.made;
    ck_assert(access_sees(p, STR("shop")) && access_sees(p, STR("eu-1")) && access_sees(p, STR("eu-")));
    ck_assert(!access_sees(p, STR("shop2")) && !access_sees(p, STR("us-1")) && !access_sees(p, STR("")));
    ck_assert(access_calls(p, STR("shop"), STR("customers.list")));
    ck_assert(access_calls(p, STR("eu-1"), STR("charges.get")));
    ck_assert(!access_calls(p, STR("shop"), STR("charges.list")));
    ck_assert(!access_calls(p, STR("us-1"), STR("customers.list")));
    gate_made(&g, "{\"name\":\"x\",\"role\":\"viewer\",\"connections\":[\"shop\"]}");
    ck_assert(access_sees(g.made, STR("shop")) && !access_sees(g.made, STR("eu-1")));
    ck_assert(!access_calls(g.made, STR("shop"), STR("customers.list")));
    gate_made(&g, "{\"name\":\"x\",\"role\":\"operator\",\"operations\":[\"*\"]}");
    ck_assert(access_calls(g.made, STR("any"), STR("thing")));
    gate_close(&g);
}
END_TEST

/* --- how often
 * -------------------------------------------------------------------------------------------------- */

START_TEST(a_rate_of_its_own) {
    gate g;
    access_limits l;
    gate_open(&g);
    gate_made(&g, "{\"name\":\"x\",\"role\":\"caller\",\"rate\":\"10/s\",\"burst\":2}");
    ck_assert(access_count(g.made, NOW_NS, NOW, &l));
    ck_assert(l.limited && !l.has_quota);
    ck_assert_int_eq(l.problem, PROBLEM_NONE);
    ck_assert_uint_eq(l.rate, 10);
    ck_assert_uint_eq(l.period_s, 1);
    ck_assert_uint_eq(l.left, 1);
    ck_assert_uint_eq(l.reset_s, 1); /* rounded up */
    ck_assert(access_count(g.made, NOW_NS, NOW, &l));
    ck_assert_uint_eq(l.left, 0);
    ck_assert(!access_count(g.made, NOW_NS, NOW, &l));
    ck_assert_int_eq(l.problem, PROBLEM_RATE_LIMITED);
    ck_assert_uint_eq(l.retry_after_ms, 101);
    ck_assert(access_count(g.made, NOW_NS + 100000000, NOW, &l));
    gate_close(&g);
}
END_TEST

START_TEST(no_limits_at_all) {
    gate g;
    access_limits l;
    gate_open(&g);
    gate_made(&g, "{\"name\":\"x\",\"role\":\"caller\"}");
    for (int i = 0; i < 1000; i++)
        ck_assert(access_count(g.made, NOW_NS, NOW, &l));
    ck_assert(!l.limited && !l.has_quota);
    ck_assert_int_eq(l.problem, PROBLEM_NONE);
    gate_close(&g);
}
END_TEST

START_TEST(quotas_of_its_own) {
    gate g;
    access_limits l;
    gate_open(&g);
    gate_made(&g, "{\"name\":\"x\",\"role\":\"caller\",\"quota\":{\"day\":2,\"month\":3}}");
    ck_assert(access_count(g.made, NOW_NS, NOW, &l));
    ck_assert(!l.limited && l.has_quota);
    ck_assert_int_eq(l.period, QUOTA_DAY); /* the one that binds first is told */
    ck_assert_uint_eq(l.quota, 2);
    ck_assert_uint_eq(l.quota_left, 1);
    ck_assert_uint_eq(l.quota_reset_s, 43200);
    ck_assert(access_count(g.made, NOW_NS, NOW, &l));
    ck_assert(!access_count(g.made, NOW_NS, NOW, &l));
    ck_assert_int_eq(l.problem, PROBLEM_QUOTA_EXCEEDED);
    ck_assert_int_eq(l.period, QUOTA_DAY);
    ck_assert_uint_eq(l.retry_after_ms, 43200000);
    uint64_t set_back = NOW - 20 * DAY_MS; /* a clock that goes back frees nothing */
    ck_assert(!access_count(g.made, NOW_NS, set_back, &l));
    ck_assert(access_count(g.made, NOW_NS, NOW + DAY_MS, &l)); /* February: both are new */
    ck_assert_uint_eq(l.quota_left, 1);
    gate_close(&g);
}
END_TEST

/* The month refuses: the day's one is given back, and it is the month that is told of, though the day had as
 * little left. */
START_TEST(a_month_that_is_used_up) {
    gate g;
    access_limits l;
    gate_open(&g);
    gate_made(&g, "{\"name\":\"x\",\"role\":\"caller\",\"quota\":{\"day\":1,\"month\":2}}");
    uint64_t start = NOW - 10 * DAY_MS;
    ck_assert(access_count(g.made, NOW_NS, start, &l));
    ck_assert(access_count(g.made, NOW_NS, start + DAY_MS, &l));
    for (int i = 0; i < 3; i++) {
        ck_assert(!access_count(g.made, NOW_NS, start + 2 * DAY_MS, &l));
        ck_assert_int_eq(l.problem, PROBLEM_QUOTA_EXCEEDED);
        ck_assert_int_eq(l.period, QUOTA_MONTH);
        ck_assert_uint_eq(l.quota, 2);
        ck_assert_uint_eq(l.quota_left, 0);
        ck_assert_uint_eq(l.retry_after_ms, 8 * DAY_MS + 43200000);
        ck_assert_uint_eq(l.quota_reset_s, l.retry_after_ms / 1000);
    }
    ck_assert_uint_eq(atomic_load(&g.made->used->of[QUOTA_DAY].used), 0);
    gate_close(&g);
}
END_TEST

/* --- many keys, many threads
 * -------------------------------------------------------------------------------------- */

#define KEYS 10000u

/* As access_create and access_load put them in, without the store's ten thousand commits. */
static bb_str key_number(char text[64], unsigned i) {
    return str_of(text, (size_t)snprintf(text, 64, "bb_%012x_secret-of-number-%u", i * 2654435761u, i));
}

static void insert_number(access_keys *keys, unsigned i) {
    char text[64];
    bb_str key = key_number(text, i);
    principal *p = arena_zalloc(keys->memory, sizeof *p);
    ck_assert(p != NULL && access_hash(key, p->hash));
    p->id = arena_copy(keys->memory, str_of(key.ptr + 3, 12));
    p->role = ROLE_CALLER;
    p->created_ms = i + 1;
    access_insert(keys, p);
}

START_TEST(ten_thousand_keys) {
    access_keys *keys = access_new(NULL);
    char text[64];
    ck_assert(access_add_admin(keys, STR(ADMIN_KEY)));
    for (unsigned i = 0; i < KEYS; i++)
        insert_number(keys, i);
    for (unsigned i = 0; i < KEYS; i++) {
        principal *p = access_find(keys, key_number(text, i), NOW);
        ck_assert_msg(p != NULL && p->created_ms == i + 1, "%u", i);
    }
    for (unsigned i = 0; i < KEYS; i++) {
        bb_str key = key_number(text, i);
        text[key.len - 1] ^= 1;
        ck_assert_ptr_null(access_find(keys, key, NOW));
    }
    size_t n = 0, longest = 0;
    for (size_t i = 0; i < ACCESS_BUCKETS; i++) {
        size_t chain = 0;
        for (principal *p = atomic_load(&keys->buckets[i]); p != NULL; p = p->next)
            chain++;
        longest = chain > longest ? chain : longest;
    }
    ck_assert_uint_lt(longest, 40); /* of 10 on average: a look-up stays short */
    for (principal *p = atomic_load(&keys->first); p != NULL; p = atomic_load(&p->next_made), n++)
        ck_assert(n == 0 ? p->role == ROLE_ADMIN : p->created_ms == n); /* in the order of making */
    ck_assert_uint_eq(n, KEYS + 1);
    access_free(keys);
}
END_TEST

typedef struct search {
    access_keys *keys;
    _Atomic(unsigned) made;
    _Atomic(bool) missed;
} search;

/* One adds and revokes, the others look keys up all the while. */
static void *add_or_find(void *arg) {
    hand *h = arg;
    search *s = h->shared;
    char text[64];
    if (h->number == 0) {
        for (unsigned i = 0; i < 2000; i++) {
            insert_number(s->keys, i);
            atomic_store(&s->made, i + 1);
        }
        return NULL;
    }
    for (unsigned made = 0; made < 2000;) {
        made = atomic_load(&s->made);
        if (made == 0)
            continue;
        unsigned i = (unsigned)(chance(&h->random) % made);
        principal *p = access_find(s->keys, key_number(text, i), NOW + made);
        if (p == NULL || p->created_ms != i + 1)
            atomic_store(&s->missed, true);
        if (access_find(s->keys, str_of(text, 20), NOW) != NULL)
            atomic_store(&s->missed, true);
    }
    return NULL;
}

START_TEST(found_while_others_are_made) {
    search s = {.keys = access_new(NULL)};
    ck_assert(access_add_admin(s.keys, STR(ADMIN_KEY)));
    crew_run(add_or_find, &s, 1);
    ck_assert(!atomic_load(&s.missed));
    access_free(s.keys);
}
END_TEST

UNIT_MAIN(unit_test(a_key_is_found_by_its_whole_text), unit_test(nobodys_keys), unit_test(the_admins_own_key),
          unit_test(an_admins_key_of_any_form), unit_test(the_last_use_is_known_to_a_second),
          unit_test(expired_and_revoked), unit_test(each_role_may_what_those_before_it_may),
          unit_test(bindings), unit_test(a_rate_of_its_own), unit_test(no_limits_at_all),
          unit_test(quotas_of_its_own), unit_test(a_month_that_is_used_up), unit_test(ten_thousand_keys),
          unit_test(found_while_others_are_made))
