/* What the stages of a call cost apart from all I/O: `stage.NAME NANOSECONDS ns`, the least of several
 * rounds, by one thread and where it is shared by all loops, by as many as there are processors at the same
 * word. */
#include "access/internal.h"
#include "base/clock.h"
#include "cache/cache.h"
#include "limit/upstream.h"
#include "pipeline/cache_key.h"
#include "pipeline/freshness.h"
#include "pipeline/told.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS 7
#define THREADS_MAX 16u

typedef void (*work)(unsigned times);

static double measure(work w, unsigned times) {
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t began = clock_ns();
        w(times);
        double each = (double)(clock_ns() - began) / times;
        best = each < best ? each : best;
    }
    return best;
}

typedef struct shared_work {
    work w;
    unsigned times;
} shared_work;

static void *run(void *arg) {
    const shared_work *s = arg;
    s->w(s->times);
    return NULL;
}

static void together(unsigned threads, work w, unsigned times) {
    shared_work s = {w, times};
    pthread_t ids[THREADS_MAX];
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, run, &s) != 0)
            abort();
    for (unsigned i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
}

static unsigned processors(void) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

/* `shared`: also by all processors at once, the time of one of them for each. */
static void report(const char *name, work w, unsigned times, bool shared) {
    printf("stage.%s %.1f ns\n", name, measure(w, times));
    if (!shared)
        return;
    unsigned threads = processors();
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t began = clock_ns();
        together(threads, w, times);
        double each = (double)(clock_ns() - began) / times;
        best = each < best ? each : best;
    }
    printf("stage.%s.%u_threads %.1f ns\n", name, threads, best);
}

/* --- limits -------------------------------------------------------------------------------------------- */

static upstream *up;
static quotas counters;
static gcra_policy rate;
static const breaker_policy breaks = {.failures = 10,
                                      .rate_percent = 50,
                                      .minimum = 20,
                                      .window_ms = 30000,
                                      .open_ms = 5000,
                                      .max_open_ms = 300000,
                                      .probes = 1};

#define NOW_MS 1769860800000ull

static void take_rate(unsigned times) {
    for (unsigned i = 0; i < times; i++)
        if (gcra_take(&up->rate, &rate, 1000000000ull + i, UINT64_MAX, NULL) == GCRA_NEVER)
            abort();
}

static void pass_breaker(unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        breaker_pass pass = breaker_admit(&up->breaker, &breaks, 1000000 + i / 1000);
        breaker_report(&up->breaker, &breaks, &pass, BREAKER_GOOD, 1000000 + i / 1000);
    }
}

static void take_slot(unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        if (!slots_take(&up->slots, 1000))
            abort();
        slots_give(&up->slots);
    }
}

static void take_quota(unsigned times) {
    for (unsigned i = 0; i < times; i++)
        if (!quota_take(&counters.of[QUOTA_MONTH], QUOTA_MONTH, UINT64_MAX, NOW_MS).taken)
            abort();
}

static void ask_told(unsigned times) {
    for (unsigned i = 0; i < times; i++)
        if (upstream_told_wait(up, 1000000000ull) != 0)
            abort();
}

/* --- keys ------------------------------------------------------------------------------------------------
 */

static access_keys *keys;
#define KEY "bb_admin_0123456789abcdef0123456789abcdef0123456789abcdef"

static void find_key(unsigned times) {
    for (unsigned i = 0; i < times; i++)
        if (access_find(keys, STR(KEY), NOW_MS) == NULL)
            abort();
}

/* --- the cache -------------------------------------------------------------------------------------------
 */

static cache *answers;
static arena *memory;
static cache_key_parts parts;

/* As stage_cache does it: the key of the input, its hash, the entry. */
static void find_answer(unsigned times) {
    buf key;
    arena *scratch = arena_new(0);
    buf_init(&key);
    for (unsigned i = 0; i < times; i++) {
        arena_reset(scratch);
        if (!cache_key_make(&key, scratch, &parts))
            abort();
        cache_entry *e = cache_find(answers, buf_str(&key), cache_hash(answers, buf_str(&key)));
        if (e == NULL)
            abort();
        cache_entry_drop(e);
    }
    buf_free(&key);
    arena_free(scratch);
}

static void put_answer(void) {
    static char page[20000];
    buf key;
    buf_init(&key);
    memory = arena_new(0);
    parts = (cache_key_parts){
        .connection = STR("shop"),
        .fingerprint = str_of(page, 64),
        .operation = STR("customers.list"),
        .input = json_read(memory,
                           STR("{\"limit\":100,\"email\":\"jenny@example.com\",\"created\":{"
                               "\"gte\":1769860800,\"lt\":1769947200}}"),
                           NULL, NULL)};
    memset(page, 'x', sizeof page);
    answers = cache_new(64u << 20);
    if (!cache_key_make(&key, memory, &parts))
        abort();
    cache_fill fill = {.key = buf_str(&key),
                       .connection = parts.connection,
                       .operation = parts.operation,
                       .hash = cache_hash(answers, buf_str(&key)),
                       .like = {.data = str_of(page, sizeof page)}};
    cache_entry_drop(cache_put(answers, &fill));
    buf_free(&key);
}

/* --- fields of an answer -----------------------------------------------------------------------------------
 */

static const str_pair fields[] = {
    {{"content-type", 12}, {"application/json", 16}},
    {{"content-length", 14}, {"20000", 5}},
    {{"date", 4}, {"Sat, 31 Jan 2026 12:00:00 GMT", 29}},
    {{"cache-control", 13}, {"private, max-age=60", 19}},
    {{"etag", 4}, {"\"33a64df551425fcc55e4d42a148795d9f25f89d4\"", 42}},
    {{"x-ratelimit-limit", 17}, {"5000", 4}},
    {{"x-ratelimit-remaining", 21}, {"4999", 4}},
    {{"x-ratelimit-reset", 17}, {"1769864400", 10}},
    {{"vary", 4}, {"accept-encoding", 15}},
    {{"x-request-id", 12}, {"0d4b1c7e-3f5a-4b3e-9d0a-5b1c2d3e4f50", 36}},
};

static void read_fields(unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        told t;
        freshness f;
        told_read(fields, sizeof fields / sizeof fields[0], 200, NOW_MS, &t);
        freshness_of(fields, sizeof fields / sizeof fields[0], &f);
        if (!t.has_left || !f.has_max_age)
            abort();
    }
}

int main(void) {
    upstream_book book = {NULL};
    up = upstream_get(&book, "bench");
    keys = access_new(NULL);
    if (up == NULL || keys == NULL || !access_add_admin(keys, STR(KEY)) ||
        !gcra_policy_of(1000000000, 1000000000, 0, &rate))
        abort();
    put_answer();
    upstream_tell(up, UINT64_MAX, 1000, 1000000000ull);
    report("rate", take_rate, 1000000, true);
    report("breaker", pass_breaker, 1000000, true);
    report("slot", take_slot, 1000000, true);
    report("quota", take_quota, 1000000, true);
    report("told_wait", ask_told, 1000000, true);
    report("cached_answer", find_answer, 300000, true);
    report("access_key", find_key, 100000, true);
    report("answer_fields", read_fields, 300000, false);
    cache_free(answers);
    access_free(keys);
    arena_free(memory);
    upstream_unref(&book, up);
    return 0;
}
