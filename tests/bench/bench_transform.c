/* What a jq program costs a call: `NAME µs` the median of a run through a child, one at a time; `NAME runs/s`
 * with 16 under way; and the first run, which starts a child and compiles. */
#include "base/buf.h"
#include "base/clock.h"
#include "transform/transform.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RUNS 4000u
#define TOGETHER 16u

/* The children are this same program. */
__attribute__((constructor)) static void be_the_child(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "transform") == 0)
        _exit(transform_child_main());
}

typedef struct measured {
    loop *on;
    transforms *pool;
    const char *program;
    bb_str input;
    unsigned done, started;
} measured;

static void on_done(transform_outcome outcome, bb_str json, bb_str detail, void *ctx);

static void start_one(measured *m) {
    bb_str none = {NULL, 0};
    m->started++;
    const transform_job job = {.program = m->program,
                               .input = m->input,
                               .variables = none,
                               .timeout_ms = 60000,
                               .max_result = 1u << 24};
    if (transform_start(m->pool, &job, on_done, m) == NULL)
        abort();
}

static void on_done(transform_outcome outcome, bb_str json, bb_str detail, void *ctx) {
    measured *m = ctx;
    (void)json;
    if (outcome != TRANSFORM_OK) {
        fprintf(stderr, "%s: %.*s\n", m->program, STR_FMT(detail));
        abort();
    }
    m->done++;
}

static void turn_until(measured *m, unsigned done) {
    while (m->done < done)
        uv_run(loop_uv(m->on), UV_RUN_ONCE);
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void measure(measured *m, const char *name) {
    static uint64_t times[RUNS];
    m->done = m->started = 0;
    uint64_t began = clock_ns();
    start_one(m);
    turn_until(m, 1);
    printf("%s.first %.1f ms\n", name, (double)(clock_ns() - began) / 1e6);
    for (unsigned i = 0; i < RUNS; i++) {
        began = clock_ns();
        start_one(m);
        turn_until(m, m->started);
        times[i] = clock_ns() - began;
    }
    qsort(times, RUNS, sizeof times[0], compare);
    printf("%s.median %.1f us\n%s.p99 %.1f us\n", name, (double)times[RUNS / 2] / 1e3, name,
           (double)times[RUNS * 99 / 100] / 1e3);
    unsigned end = m->started + RUNS;
    began = clock_ns();
    while (m->started < end) {
        while (m->started < end && m->started - m->done < TOGETHER)
            start_one(m);
        turn_until(m, m->done + 1);
    }
    turn_until(m, end);
    printf("%s.together %.0f runs/s\n", name, RUNS / ((double)(clock_ns() - began) / 1e9));
}

int main(void) {
    err e = {""};
    buf list;
    buf_init(&list);
    for (unsigned i = 0; i < 100; i++)
        buf_printf(&list, "%c{\"id\":%u,\"name\":\"item %u\",\"price\":%u.5,\"tags\":[\"a\",\"b\"]}",
                   i > 0 ? ',' : '[', i, i, i);
    buf_char(&list, ']');
    measured m = {.on = loop_new(0)};
    m.pool = transforms_new(m.on, &e);
    m.program = "{name: .first, id}";
    m.input = STR("{\"first\":\"a\",\"id\":12345678901234567}");
    measure(&m, "transform.small");
    m.program = "map({id, name, total: (.price * 2)})";
    m.input = buf_str(&list);
    measure(&m, "transform.100_items");
    transforms_free(m.pool);
    loop_free(m.on);
    buf_free(&list);
    return 0;
}
