/* Memory of instances: counted, bounded, and what is left freed. */
#include <busbar/busbar.h> /* first: Check has a macro `fail` */
#include <busbar/memory.h>

#include "plugin/host.h"
#include "plugin/instance.h"
#include "plugin/ledger.h"

#include "unit.h"

#include <pthread.h>

typedef struct account {
    bb_connection abi;
    ledger held;
} account;
LEDGER_STANDS(account, abi, held);

static account *opened(uint64_t limit) {
    static account all[4];
    static unsigned count;
    account *a = &all[count++ % 4];
    ledger_set_limit(limit);
    a->abi = (bb_connection){.size = sizeof a->abi, .host = host_get(), .id = "a"};
    ledger_open(&a->held, &a->abi);
    return a;
}

START_TEST(what_is_given_and_given_back_is_counted) {
    account *a = opened(1000);
    const bb_memory_api *m = bb_memory_host(&a->abi);
    ck_assert_ptr_eq(m, &host_memory);
    char *p = m->alloc(&a->abi, 100), *q = m->alloc(&a->abi, 0);
    ck_assert_ptr_nonnull(p);
    ck_assert_ptr_nonnull(q);
    ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
    ck_assert_uint_eq(a->held.bytes, 100);
    ck_assert_uint_eq(a->held.blocks, 2);
    memset(p, 'x', 100);
    p = m->realloc(&a->abi, p, 900);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(p[99], 'x');
    ck_assert_uint_eq(a->held.bytes, 900);
    p = m->realloc(&a->abi, p, 10);
    ck_assert_int_eq(p[9], 'x');
    ck_assert_uint_eq(a->held.bytes, 10);
    m->free(&a->abi, p);
    m->free(&a->abi, NULL);
    bb_connection_free(&a->abi, q);
    char *z = bb_connection_zalloc(&a->abi, 64);
    for (int i = 0; i < 64; i++)
        ck_assert_int_eq(z[i], 0);
    m->free(&a->abi, z);
    ledger_left left = ledger_close(&a->held);
    ck_assert_uint_eq(left.blocks, 0);
    ck_assert_uint_eq(left.bytes, 0);
}
END_TEST

START_TEST(the_limit_is_kept) {
    account *a = opened(1000);
    const bb_memory_api *m = &host_memory;
    void *p = m->alloc(&a->abi, 600);
    ck_assert_ptr_nonnull(p);
    ck_assert_ptr_null(m->alloc(&a->abi, 401));
    ck_assert_ptr_null(m->alloc(&a->abi, SIZE_MAX));
    ck_assert_ptr_null(m->alloc(&a->abi, SIZE_MAX - 16));
    ck_assert_ptr_null(m->realloc(&a->abi, p, 1001));
    ck_assert_uint_eq(a->held.bytes, 600); /* it stays as it was */
    void *q = m->alloc(&a->abi, 400);
    ck_assert_ptr_nonnull(q);
    ck_assert_ptr_null(m->alloc(&a->abi, 1));
    m->free(&a->abi, q);
    p = m->realloc(&a->abi, p, 1000);
    ck_assert_ptr_nonnull(p);
    m->free(&a->abi, p);
    ck_assert_uint_eq(ledger_close(&a->held).blocks, 0);
}
END_TEST

START_TEST(what_is_left_is_freed_and_told) {
    account *a = opened(1 << 20);
    void *kept[5];
    for (size_t i = 0; i < 5; i++)
        kept[i] = host_memory.alloc(&a->abi, 10 * (i + 1));
    host_memory.free(&a->abi, kept[2]);
    ledger_left left = ledger_close(&a->held); /* AddressSanitizer would say what it does not free */
    ck_assert_uint_eq(left.blocks, 4);
    ck_assert_uint_eq(left.bytes, 120);
    ck_assert_ptr_null(host_memory.alloc(&a->abi, 1)); /* its instance is gone */
    ck_assert_uint_eq(ledger_close(&a->held).blocks, 0);
}
END_TEST

START_TEST(a_piece_belongs_to_one_connection) {
    account *a = opened(1 << 20), *b = opened(1 << 20);
    void *p = host_memory.alloc(&a->abi, 7);
    host_memory.free(&b->abi, p);
    ck_assert_ptr_null(host_memory.realloc(&b->abi, p, 9));
    ck_assert_ptr_null(host_memory.alloc(NULL, 1));
    ck_assert_uint_eq(b->held.blocks, 0);
    ck_assert_uint_eq(ledger_close(&a->held).bytes, 7);
    ck_assert_uint_eq(ledger_close(&b->held).bytes, 0);
}
END_TEST

static void *churn(void *arg) {
    account *a = arg;
    void *p = NULL;
    for (size_t i = 1; i < 5000; i++) {
        p = host_memory.realloc(&a->abi, p, i % 97 + 1);
        if (i % 11 == 0) {
            host_memory.free(&a->abi, p);
            p = NULL;
        }
    }
    host_memory.free(&a->abi, p);
    return NULL;
}

START_TEST(threads_share_a_ledger) {
    account *a = opened(1 << 20);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, a), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ledger_left left = ledger_close(&a->held);
    ck_assert_uint_eq(left.blocks, 0);
    ck_assert_uint_eq(left.bytes, 0);
}
END_TEST

/* --- instances -------------------------------------------------------------------------------------------
 */

static bb_code create(const bb_connection *connection, void **instance) {
    *instance = bb_connection_zalloc(connection, 33);
    if (host_memory.realloc(connection, NULL, 9) != NULL &&
        str_eq(str_from(connection->id), STR("refused"))) {
        connection->host->reject(connection, "", "not this one");
        return BB_E_CONFIG;
    }
    return BB_OK;
}
static void destroy(void *instance) {
    (void)instance;
}

START_TEST(an_instance_is_asked_for_what_it_took) {
    static const bb_plugin plugin = {
        .id = "forgetful", .version = "1.0.0", .create = create, .destroy = destroy};
    plugin_module m = {.desc = &plugin, .id = STR("forgetful"), .refs = 1};
    plugin_instance i;
    err e = {""};
    ledger_set_limit(1 << 20);
    ck_assert(instance_create(&i, &m, STR("kept"), STR("{}"), &e));
    ck_assert_uint_eq(i.held.bytes, 42);
    ck_assert(!instance_destroy(&i));
    ck_assert(!instance_create(&i, &m, STR("refused"), STR("{}"), &e));
    ck_assert(instance_destroy(&i)); /* of one that was never created: nothing */
    buf text;
    buf_init(&text);
    ledger_render_leaks(&text);
    ck_assert_ptr_nonnull(
        strstr(buf_cstr(&text), "\nbusbar_connection_leaks_total{plugin=\"forgetful\"} 2\n"));
    ck_assert_ptr_nonnull(
        strstr(buf_cstr(&text), "\nbusbar_connection_leaked_bytes_total{plugin=\"forgetful\"} 84\n"));
    buf_free(&text);
}
END_TEST

UNIT_MAIN(unit_test(what_is_given_and_given_back_is_counted), unit_test(the_limit_is_kept),
          unit_test(what_is_left_is_freed_and_told), unit_test(a_piece_belongs_to_one_connection),
          unit_test(threads_share_a_ledger), unit_test(an_instance_is_asked_for_what_it_took))
