/* gate.c - time that stands still, and memory that is refused on purpose. */
#include "internal.h"

#include "base/clock.h"
#include "base/gate.h"

#include <stdio.h>
#include <stdlib.h>

/* --- time ------------------------------------------------------------------------------------------- */

#define BEGIN_WALL_MS 1767225600000u /* 2026-01-01T00:00:00Z */
#define BEGIN_NS 1000000000000u      /* a machine that has been up for a while */

static uint64_t passed_ms;

static uint64_t now_ns(void) {
    return BEGIN_NS + passed_ms * 1000000u;
}

static uint64_t now_wall_ms(void) {
    return BEGIN_WALL_MS + passed_ms;
}

void test_clock_begin(void) {
    passed_ms = 0;
    clock_inject((clock_source){.ns = now_ns, .wall_ms = now_wall_ms});
}

void test_clock_advance(uint64_t ms) {
    passed_ms += ms;
}

/* --- memory ------------------------------------------------------------------------------------------- */

static struct {
    size_t *count; /* NULL: at rest */
    size_t fail_at;
} gate;

bool memory_gate(void) {
    return gate.count == NULL || ++*gate.count != gate.fail_at;
}

void test_gate_arm(size_t fail_at, size_t *count) {
    gate.fail_at = fail_at;
    gate.count = count;
}

void test_gate_rest(void) {
    gate.count = NULL;
}

void *test_have(void *p) {
    if (p == NULL) {
        fputs("busbar-sdk-test: no memory\n", stderr);
        abort();
    }
    return p;
}

void *test_room(void *items, size_t count, size_t *cap, size_t item_size) {
    if (count < *cap)
        return items;
    *cap = *cap == 0 ? 8 : *cap * 2;
    return test_have(realloc(items, *cap * item_size));
}
