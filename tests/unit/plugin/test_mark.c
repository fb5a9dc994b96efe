/* Marks: which connector a thread is in, as it sees it itself and as others see it. */
#include <busbar/busbar.h> /* first: Check has a macro `fail` */

#include "unit.h"

#include "base/sigtext.h"
#include "plugin/host.h"
#include "plugin/host_auth.h"
#include "plugin/mark.h"

#include <pthread.h>
#include <stdlib.h>

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static plugin_module module_of(const char *id) {
    plugin_module m = {.build = mark_build_new(str_from(id), HASH, 7, "/x/echo.so")};
    ck_assert_ptr_nonnull(m.build);
    return m;
}

START_TEST(a_visit_is_told_of_while_it_lasts_and_remembered_after) {
    char text[256];
    bool within;
    ck_assert(!mark_text(text, sizeof text, &within));
    ck_assert(!within);
    plugin_module m = module_of("echo");
    str_put(m.build->version, sizeof m.build->version, STR("1.2.3"));
    mark *here = mark_enter(&m, mark_name(STR("a")), "create");
    ck_assert(mark_text(text, sizeof text, &within));
    ck_assert(within);
    ck_assert_str_eq(
        text, "connector echo 1.2.3 (build 0123456789ab, generation 7), connection a, operation create");
    mark_visit v;
    uint64_t turn = mark_read(here, &v);
    ck_assert_uint_eq(turn % 2, 1);
    ck_assert_ptr_eq(v.build, m.build);
    mark_leave(here);
    ck_assert_uint_eq(mark_read(here, &v), 0);
    ck_assert(mark_text(text, sizeof text, &within));
    ck_assert(!within);
    here = mark_enter_step(m.build, "b", "login", "auth sign");
    ck_assert_uint_eq(mark_read(here, &v), turn + 2);
    mark_text(text, sizeof text, &within);
    ck_assert_ptr_nonnull(strstr(text, "connection b, scheme login, step auth sign"));
    mark_leave(here);
}
END_TEST

START_TEST(a_text_is_cut_to_its_place) {
    char text[20];
    bool within;
    plugin_module m = module_of("echo");
    mark_leave(mark_enter(&m, NULL, "load"));
    ck_assert(mark_text(text, sizeof text, &within));
    ck_assert_str_eq(text, "connector echo (bui");
}
END_TEST

START_TEST(names_are_kept_once) {
    char volatile_text[] = "orders";
    const char *a = mark_name(str_from(volatile_text));
    volatile_text[0] = 'x';
    ck_assert_str_eq(a, "orders");
    ck_assert_ptr_eq(a, mark_name(STR("orders")));
    ck_assert_ptr_ne(a, mark_name(STR("order")));
}
END_TEST

/* --- threads ---------------------------------------------------------------------------------------- */

static int begun, ended;
static void on_begin(void) {
    begun++;
}
static void on_end(void) {
    ended++;
}

static void *visit(void *arg) {
    mark *here = mark_enter(arg, NULL, "op");
    mark_leave(here);
    return here;
}

START_TEST(a_mark_goes_to_another_thread_when_its_own_ends) {
    plugin_module m = module_of("echo");
    mark_on_thread(on_begin, on_end);
    void *first, *second;
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, visit, &m), 0);
    pthread_join(t, &first);
    ck_assert(!((mark *)first)->taken);
    ck_assert_int_eq(pthread_create(&t, NULL, visit, &m), 0);
    pthread_join(t, &second);
    ck_assert_ptr_eq(first, second);
    ck_assert_int_eq(begun, 2);
    ck_assert_int_eq(ended, 2);
    mark_on_thread(NULL, NULL);
}
END_TEST

static atomic_bool stop;
static mark_build *builds[2];
static const char *const operations[2] = {"first", "second"};

static void *visit_both(void *arg) {
    (void)arg;
    for (unsigned i = 0; !atomic_load(&stop); i++)
        mark_leave(mark_enter_step(builds[i % 2], operations[i % 2], operations[i % 2], operations[i % 2]));
    return NULL;
}

/* Never half of one visit and half of another. */
START_TEST(another_thread_reads_whole_visits) {
    builds[0] = mark_build_new(STR("first"), HASH, 1, "");
    builds[1] = mark_build_new(STR("second"), HASH, 2, "");
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, visit_both, NULL), 0);
    unsigned seen = 0;
    for (unsigned i = 0; i < 200000000 && seen < 20000; i++) {
        for (const mark *m = mark_first(); m != NULL; m = m->next) {
            mark_visit v;
            if (mark_read(m, &v) == 0)
                continue;
            unsigned which = v.build == builds[1];
            ck_assert_ptr_eq(v.build, builds[which]);
            ck_assert_ptr_eq(v.connection, operations[which]);
            ck_assert_ptr_eq(v.operation, operations[which]);
            ck_assert_ptr_eq(v.step, operations[which]);
            seen++;
        }
    }
    atomic_store(&stop, true);
    pthread_join(t, NULL);
    ck_assert_uint_gt(seen, 0);
}
END_TEST

/* --- who marks ---------------------------------------------------------------------------------------- */

static char said[256];
static bool was_within;

static bb_step tells(bb_call *call) {
    mark_text(said, sizeof said, &was_within);
    return bb_fail(call, BB_E_PLUGIN, "x");
}
static bb_step signs(bb_call *call, const bb_auth_request *request) {
    (void)request;
    return tells(call);
}

START_TEST(steps_are_marked) {
    plugin_module m = module_of("echo");
    plugin_call c;
    plugin_call_init(&c);
    c.memory = arena_new(0);
    c.abi = (bb_call){.size = sizeof c.abi, .host = host_get()};
    c.build = m.build;
    c.connection_id = "a";
    bb_operation op = {BB_SIZE(bb_operation), .id = "things.get", .start = tells, .resume = tells};
    plugin_start(&c, &op);
    ck_assert_str_eq(strstr(said, "connection"), "connection a, operation things.get, step start");
    plugin_resume(&c, &op);
    ck_assert_str_eq(strstr(said, "connection"), "connection a, operation things.get, step resume");
    bb_custom_auth scheme = {BB_SIZE(bb_custom_auth), .id = "login", .start = tells, .resume = tells,
                             .sign = signs};
    plugin_auth auth = {.scheme = &scheme};
    c.auth = &auth;
    plugin_acquire_start(&c);
    ck_assert_str_eq(strstr(said, "connection"), "connection a, scheme login, step auth start");
    plugin_acquire_resume(&c);
    ck_assert_str_eq(strstr(said, "connection"), "connection a, scheme login, step auth resume");
    plugin_sign(&c, &(bb_auth_request){.size = sizeof(bb_auth_request)});
    ck_assert_str_eq(strstr(said, "connection"), "connection a, scheme login, step auth sign");
    ck_assert(was_within);
    mark_text(said, sizeof said, &was_within);
    ck_assert(!was_within);
    arena_free(c.memory);
    plugin_call_free(&c);
}
END_TEST

UNIT_MAIN(unit_test(a_visit_is_told_of_while_it_lasts_and_remembered_after),
          unit_test(a_text_is_cut_to_its_place), unit_test(names_are_kept_once),
          unit_test(a_mark_goes_to_another_thread_when_its_own_ends),
          unit_test(another_thread_reads_whole_visits), unit_test(steps_are_marked))
