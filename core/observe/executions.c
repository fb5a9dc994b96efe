#include "observe/executions.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* A loop's ring. The lock is taken by its loop for each call, and by the rare reader. */
typedef struct ring {
    _Alignas(64) pthread_mutex_t lock;
    execution *items;
    uint64_t added, taken;
} ring;

struct executions {
    unsigned loops, size; /* size: items of a ring */
    _Atomic(uint64_t) kept, lost;
    ring *rings;
};

executions *executions_new(unsigned loops, unsigned per_loop) {
    executions *x = calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    *x = (executions){.loops = loops, .size = per_loop, .rings = aligned_alloc(64, loops * sizeof(ring))};
    if (x->rings == NULL) {
        free(x);
        return NULL;
    }
    memset(x->rings, 0, loops * sizeof(ring));
    bool ok = true;
    for (unsigned i = 0; i < loops; i++) {
        pthread_mutex_init(&x->rings[i].lock, NULL);
        x->rings[i].items = calloc(per_loop, sizeof(execution));
        ok = ok && x->rings[i].items != NULL;
    }
    if (!ok) {
        executions_free(x);
        return NULL;
    }
    return x;
}

void executions_free(executions *x) {
    if (x == NULL)
        return;
    for (unsigned i = 0; i < x->loops; i++) {
        free(x->rings[i].items);
        pthread_mutex_destroy(&x->rings[i].lock);
    }
    free(x->rings);
    free(x);
}

/* The place is written without the lock: a reader passes over the one that is about to be overwritten. */
execution *executions_next(executions *x, unsigned loop) {
    ring *r = &x->rings[loop];
    return &r->items[r->added % x->size];
}

void executions_added(executions *x, unsigned loop) {
    ring *r = &x->rings[loop];
    pthread_mutex_lock(&r->lock);
    r->added++;
    pthread_mutex_unlock(&r->lock);
}

bool execution_fits(const execution *e, const execution_filter *f) {
    bb_str id = str_from(e->id);
    return (f->connection.ptr == NULL || str_eq(f->connection, str_from(e->connection))) &&
           (f->operation.ptr == NULL || str_eq(f->operation, str_from(e->operation))) &&
           (f->id.ptr == NULL || str_eq(f->id, id)) &&
           (f->before.ptr == NULL ||
            (f->before.len == id.len && memcmp(id.ptr, f->before.ptr, id.len) < 0)) &&
           (f->failed < 0 || (e->outcome != PROBLEM_NONE) == (f->failed != 0)) &&
           (f->since_ms == 0 || e->started_ms >= f->since_ms) &&
           (f->until_ms == 0 || e->started_ms < f->until_ms) &&
           (f->connections == NULL || patterns_fit(f->connections, str_from(e->connection)));
}

/* The newest `limit` that match, of one ring, appended to `out`. */
static size_t collect(const executions *x, unsigned loop, const execution_filter *f, execution *out) {
    ring *r = &x->rings[loop];
    size_t n = 0;
    pthread_mutex_lock(&r->lock);
    uint64_t held = r->added < x->size ? r->added : x->size - 1;
    for (uint64_t i = 0; i < held && n < f->limit; i++) {
        const execution *e = &r->items[(r->added - 1 - i) % x->size];
        if (execution_fits(e, f))
            out[n++] = *e;
    }
    pthread_mutex_unlock(&r->lock);
    return n;
}

static void member_text(json_writer *w, bb_str name, const char *text) {
    if (text[0] != '\0')
        json_member_string(w, name, str_from(text));
}

static void member_raw(json_writer *w, bb_str name, const char *json) {
    if (json[0] == '\0')
        return;
    json_key(w, name);
    json_put_raw(w, str_from(json));
}

void execution_write(const execution *e, json_writer *w) {
    char time[CLOCK_RFC3339_SIZE];
    clock_rfc3339(e->started_ms, time);
    json_object(w);
    json_member_string(w, STR("id"), str_from(e->id));
    json_member_string(w, STR("connection"), str_from(e->connection));
    json_member_string(w, STR("plugin"), str_from(e->plugin));
    json_member_string(w, STR("operation"), str_from(e->operation));
    json_member_string(w, STR("status"), e->outcome == PROBLEM_NONE ? STR("succeeded") : STR("failed"));
    json_member_string(w, STR("code"), str_from(problem_of(e->outcome)->name));
    json_member_string(w, STR("started_at"), str_from(time));
    json_keyl(w, "duration_ms");
    json_put_double(w, (double)e->duration_us / 1000);
    json_member_u64(w, STR("attempts"), e->attempts);
    json_member_bool(w, STR("cached"), e->cache[0] != '\0' && e->cache[0] != 'm' && e->cache[0] != 'b');
    member_text(w, STR("cache"), e->cache);
    member_text(w, STR("fallback"), e->fallback);
    member_text(w, STR("key"), e->key);
    member_text(w, STR("trace_id"), e->trace);
    if (e->upstream_status != 0)
        json_member_u64(w, STR("upstream_status"), e->upstream_status);
    member_text(w, STR("detail"), e->detail);
    member_raw(w, STR("request"), e->request);
    member_raw(w, STR("response"), e->response);
    json_object_end(w);
}

size_t executions_recent(const executions *x, const execution_filter *f, execution *out) {
    size_t n = 0;
    for (unsigned i = 0; i < x->loops; i++)
        n += collect(x, i, f, out + n);
    return n;
}

unsigned executions_loops(const executions *x) {
    return x->loops;
}

bool executions_take(executions *x, unsigned loop, execution *out, size_t max, size_t *successes,
                     size_t *taken, uint64_t *missed) {
    ring *r = &x->rings[loop];
    *taken = 0;
    pthread_mutex_lock(&r->lock);
    uint64_t oldest = r->added < x->size ? 0 : r->added - (x->size - 1);
    *missed = oldest > r->taken ? oldest - r->taken : 0;
    if (oldest > r->taken)
        r->taken = oldest;
    for (; *taken < max && r->taken < r->added; r->taken++) {
        const execution *e = &r->items[r->taken % x->size];
        if (e->outcome == PROBLEM_NONE && *successes == 0) {
            ++*missed; /* not copied: most of a busy loop's are passed over */
            continue;
        }
        *successes -= e->outcome == PROBLEM_NONE;
        out[(*taken)++] = *e;
    }
    bool more = r->taken < r->added;
    pthread_mutex_unlock(&r->lock);
    return more;
}

void executions_note(executions *x, uint64_t kept, uint64_t lost) {
    atomic_fetch_add_explicit(&x->kept, kept, memory_order_relaxed);
    atomic_fetch_add_explicit(&x->lost, lost, memory_order_relaxed);
}

uint64_t executions_kept(const executions *x) {
    return atomic_load((_Atomic(uint64_t) *)(uintptr_t)&x->kept);
}

uint64_t executions_lost(const executions *x) {
    return atomic_load((_Atomic(uint64_t) *)(uintptr_t)&x->lost);
}

void execution_id(uint64_t wall_ms, const uint8_t random[10], char out[EXECUTION_ID_SIZE]) {
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    memcpy(out, "ex_", 3);
    for (int i = 0; i < 10; i++)
        out[3 + i] = digits[(wall_ms >> (45 - 5 * i)) & 31];
    uint64_t high = 0, low = 0;
    for (int i = 0; i < 5; i++) {
        high = high << 8 | random[i];
        low = low << 8 | random[5 + i];
    }
    for (int i = 0; i < 8; i++) {
        out[13 + i] = digits[(high >> (35 - 5 * i)) & 31];
        out[21 + i] = digits[(low >> (35 - 5 * i)) & 31];
    }
    out[29] = '\0';
}
