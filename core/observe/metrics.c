#include "observe/metrics.h"

#include "base/metric.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Upper bounds in nanoseconds; the last bucket is +Inf. */
static const uint64_t bounds[] = {250000,     500000,     1000000,     2500000,    5000000,   10000000,
                                  25000000,   50000000,   100000000,   250000000,  500000000, 1000000000,
                                  2500000000, 5000000000, 10000000000, 30000000000};
#define BOUNDS (sizeof bounds / sizeof bounds[0])

typedef _Atomic(uint64_t) counter;

/* One loop's share of one operation: written by that loop alone. */
typedef struct slot {
    _Alignas(64) counter outcomes[PROBLEM_COUNT];
    counter buckets[BOUNDS + 1];
    counter sum_ns, begun, retries, limit_waits, outputs_invalid, fallbacks;
    counter cache[METRICS_CACHE_USES];
} slot;

struct metrics_op {
    struct metrics_op *_Atomic next; /* set once: readers walk the list without the lock */
    char *plugin, *operation;
    slot *slots;
};

static struct {
    unsigned loops;
    pthread_mutex_t lock; /* guards the list; its entries never go */
    metrics_op *_Atomic ops;
    counter reloads, reloads_refused, generation, last_reload_ms, ready, refused, zombies, modules;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* One writer: a load and a store are enough, and cheaper than a locked add. */
static void add(counter *c, uint64_t n) {
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

static void set(counter *c, uint64_t n) {
    atomic_store_explicit(c, n, memory_order_relaxed);
}

void metrics_init(unsigned loops) {
    if (all.loops < loops && all.ops == NULL)
        all.loops = loops;
}

static metrics_op *op_new(bb_str plugin, bb_str operation) {
    metrics_op *op = calloc(1, sizeof *op);
    if (op == NULL)
        return NULL;
    op->plugin = strndup(plugin.ptr, plugin.len);
    op->operation = strndup(operation.ptr, operation.len);
    op->slots = aligned_alloc(64, all.loops * sizeof(slot));
    if (op->plugin == NULL || op->operation == NULL || op->slots == NULL) {
        free(op->plugin);
        free(op->operation);
        free(op->slots);
        free(op);
        return NULL;
    }
    memset(op->slots, 0, all.loops * sizeof(slot));
    return op;
}

metrics_op *metrics_op_get(bb_str plugin, bb_str operation) {
    pthread_mutex_lock(&all.lock);
    metrics_op *_Atomic *at = &all.ops;
    while (*at != NULL &&
           !(str_eq(str_from((*at)->plugin), plugin) && str_eq(str_from((*at)->operation), operation)))
        at = &(*at)->next;
    if (*at == NULL)
        *at = op_new(plugin, operation);
    metrics_op *op = *at;
    pthread_mutex_unlock(&all.lock);
    return op;
}

void metrics_call_begin(metrics_op *op, unsigned loop) {
    if (op != NULL)
        add(&op->slots[loop].begun, 1);
}

void metrics_call_end(metrics_op *op, unsigned loop, problem outcome, uint64_t duration_ns) {
    if (op == NULL)
        return;
    slot *s = &op->slots[loop];
    size_t i = 0;
    while (i < BOUNDS && duration_ns > bounds[i])
        i++;
    add(&s->buckets[i], 1);
    add(&s->sum_ns, duration_ns);
    add(&s->outcomes[outcome], 1);
}

void metrics_retry(metrics_op *op, unsigned loop) {
    if (op != NULL)
        add(&op->slots[loop].retries, 1);
}

void metrics_limit_wait(metrics_op *op, unsigned loop) {
    if (op != NULL)
        add(&op->slots[loop].limit_waits, 1);
}

void metrics_output_invalid(metrics_op *op, unsigned loop) {
    if (op != NULL)
        add(&op->slots[loop].outputs_invalid, 1);
}

void metrics_fallback(metrics_op *op, unsigned loop) {
    if (op != NULL)
        add(&op->slots[loop].fallbacks, 1);
}

void metrics_cache(metrics_op *op, unsigned loop, metrics_cache_use use) {
    if (op != NULL)
        add(&op->slots[loop].cache[use], 1);
}

void metrics_reload(bool committed, uint64_t generation, uint64_t wall_ms) {
    add(committed ? &all.reloads : &all.reloads_refused, 1);
    set(&all.generation, generation);
    if (committed)
        set(&all.last_reload_ms, wall_ms);
}

void metrics_connections(uint64_t ready, uint64_t refused) {
    set(&all.ready, ready);
    set(&all.refused, refused);
}

void metrics_zombies(uint64_t connections) {
    set(&all.zombies, connections);
}

void metrics_kept(uint64_t loaded_modules) {
    set(&all.modules, loaded_modules);
}

/* --- text ----------------------------------------------------------------------------------------- */

/* The sum over loops of the counter at `offset` of a slot. */
static uint64_t total(const metrics_op *op, size_t offset) {
    uint64_t n = 0;
    for (unsigned i = 0; i < all.loops; i++)
        n += metric_get((const counter *)((const char *)&op->slots[i] + offset));
    return n;
}

#define outcome_offset(p) (offsetof(slot, outcomes) + (size_t)(p) * sizeof(counter))
#define bucket_offset(i) (offsetof(slot, buckets) + (size_t)(i) * sizeof(counter))

static uint64_t ended(const metrics_op *op) {
    uint64_t n = 0;
    for (size_t p = 0; p < PROBLEM_COUNT; p++)
        n += total(op, outcome_offset(p));
    return n;
}

uint64_t metrics_calls_on(unsigned loop) {
    uint64_t begun = 0, done = 0;
    pthread_mutex_lock(&all.lock);
    const metrics_op *first = all.ops;
    pthread_mutex_unlock(&all.lock);
    for (const metrics_op *op = first; op != NULL; op = op->next) {
        for (size_t p = 0; p < PROBLEM_COUNT; p++)
            done += metric_get(&op->slots[loop].outcomes[p]);
        begun += metric_get(&op->slots[loop].begun);
    }
    return begun > done ? begun - done : 0;
}

/* The next one that has been called, this included: connectors bring operations by the hundred, of which most
 * never are, and each has a histogram. */
static const metrics_op *called(const metrics_op *op) {
    while (op != NULL && total(op, offsetof(slot, begun)) == 0)
        op = op->next;
    return op;
}

static void render_counter(buf *out, const metrics_op *first, const char *name, const char *help,
                           size_t offset) {
    metric_head(out, name, "counter", help);
    for (const metrics_op *op = called(first); op != NULL; op = called(op->next))
        buf_printf(out, "%s{plugin=\"%s\",operation=\"%s\"} %llu\n", name, op->plugin, op->operation,
                   (unsigned long long)total(op, offset));
}

static void render_cache(buf *out, const metrics_op *first) {
    static const char *const names[] = {"bypass", "miss", "hit", "stale", "revalidated", "shared"};
    metric_head(out, "busbar_cache_requests_total", "counter",
                "Calls of operations that are cached, by what became of them.");
    for (const metrics_op *op = called(first); op != NULL; op = called(op->next)) {
        for (size_t i = 0; i < METRICS_CACHE_USES; i++) {
            uint64_t n = total(op, offsetof(slot, cache) + i * sizeof(counter));
            if (n > 0)
                buf_printf(out,
                           "busbar_cache_requests_total{plugin=\"%s\",operation=\"%s\",result=\"%s\"} %llu\n",
                           op->plugin, op->operation, names[i], (unsigned long long)n);
        }
    }
}

static void render_calls(buf *out, const metrics_op *first) {
    metric_head(out, "busbar_calls_total", "counter", "Calls that have ended, by outcome.");
    for (const metrics_op *op = called(first); op != NULL; op = called(op->next)) {
        for (size_t p = 0; p < PROBLEM_COUNT; p++) {
            uint64_t n = total(op, outcome_offset(p));
            if (n > 0 || p == PROBLEM_NONE)
                buf_printf(out, "busbar_calls_total{plugin=\"%s\",operation=\"%s\",code=\"%s\"} %llu\n",
                           op->plugin, op->operation, problem_of((problem)p)->name, (unsigned long long)n);
        }
    }
    metric_head(out, "busbar_calls_in_flight", "gauge", "Calls under way.");
    for (const metrics_op *op = called(first); op != NULL; op = called(op->next)) {
        uint64_t done = ended(op), begun = total(op, offsetof(slot, begun));
        buf_printf(out, "busbar_calls_in_flight{plugin=\"%s\",operation=\"%s\"} %llu\n", op->plugin,
                   op->operation, (unsigned long long)(begun > done ? begun - done : 0));
    }
    render_counter(out, first, "busbar_call_retries_total", "Attempts beyond a call's first.",
                   offsetof(slot, retries));
    render_counter(out, first, "busbar_call_limit_waits_total", "Requests that waited for a limit.",
                   offsetof(slot, limit_waits));
    render_counter(out, first, "busbar_call_outputs_invalid_total", "Outputs that did not fit their schema.",
                   offsetof(slot, outputs_invalid));
    render_counter(out, first, "busbar_call_fallbacks_total", "Calls that something else answered.",
                   offsetof(slot, fallbacks));
    render_cache(out, first);
}

static void render_histogram(buf *out, const metrics_op *op) {
    uint64_t n = 0;
    for (size_t i = 0; i <= BOUNDS; i++) {
        char bound[32] = "+Inf";
        if (i < BOUNDS)
            snprintf(bound, sizeof bound, "%g", (double)bounds[i] / 1e9);
        n += total(op, bucket_offset(i));
        buf_printf(out,
                   "busbar_call_duration_seconds_bucket{plugin=\"%s\",operation=\"%s\",le=\"%s\"} %llu\n",
                   op->plugin, op->operation, bound, (unsigned long long)n);
    }
    buf_printf(out, "busbar_call_duration_seconds_sum{plugin=\"%s\",operation=\"%s\"} %.9f\n", op->plugin,
               op->operation, (double)total(op, offsetof(slot, sum_ns)) / 1e9);
    buf_printf(out, "busbar_call_duration_seconds_count{plugin=\"%s\",operation=\"%s\"} %llu\n", op->plugin,
               op->operation, (unsigned long long)n);
}

static uint64_t resident_bytes(void) {
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f != NULL) {
        if (fscanf(f, "%*u %llu", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void render_hub(buf *out, const char *version, uint64_t http_connections) {
    metric_head(out, "busbar_info", "gauge", "The hub's version.");
    buf_printf(out, "busbar_info{version=\"%s\"} 1\n", version);
    metric_put(out, "busbar_reload_generation", "gauge", "Number of the configuration in force.",
               metric_get(&all.generation));
    metric_put(out, "busbar_reloads_total", "counter", "Reloads that were committed.",
               metric_get(&all.reloads));
    metric_put(out, "busbar_reloads_refused_total", "counter", "Reloads that were rolled back.",
               metric_get(&all.reloads_refused));
    metric_put(out, "busbar_last_reload_timestamp_seconds", "gauge", "When the last reload was committed.",
               metric_get(&all.last_reload_ms) / 1000);
    metric_put(out, "busbar_connections_ready", "gauge", "Connections that can be called.",
               metric_get(&all.ready));
    metric_put(out, "busbar_connections_refused", "gauge", "Connections whose configuration is refused.",
               metric_get(&all.refused));
    metric_put(out, "busbar_connections_zombie", "gauge",
               "Retired connections with calls past the hard deadline.", metric_get(&all.zombies));
    metric_put(out, "busbar_plugin_builds_loaded", "gauge", "Connector builds mapped since the start.",
               metric_get(&all.modules));
    metric_put(out, "busbar_http_connections", "gauge", "Client connections held.", http_connections);
    metric_put(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
}

void metrics_render(buf *out, const char *version, uint64_t http_connections) {
    render_hub(out, version, http_connections);
    pthread_mutex_lock(&all.lock);
    const metrics_op *first = all.ops;
    pthread_mutex_unlock(&all.lock);
    render_calls(out, first);
    metric_head(out, "busbar_call_duration_seconds", "histogram",
                "Duration of calls, from request to answer.");
    for (const metrics_op *op = called(first); op != NULL; op = called(op->next))
        render_histogram(out, op);
}
