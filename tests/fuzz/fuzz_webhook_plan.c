/* What admins write of when and how a target gets events: delivery windows, delays, and the health that is
 * read back from the queue. Whatever is accepted gives sane answers. */
#include <busbar/busbar.h>

#include "webhook/health.h"
#include "webhook/retries.h"
#include "webhook/window.h"

#include <stdlib.h>

#define WEEK_MS (7ull * 86400000u)

static void must(bool holds) {
    if (!holds)
        abort();
}

static void try_window(bb_str text, uint64_t at) {
    delivery_window w;
    if (!window_read(text, &w))
        return;
    must(w.count > 0 && w.count <= WINDOW_SPANS);
    uint64_t wait = window_wait_ms(&w, at);
    must(wait < WEEK_MS);
    must(window_wait_ms(&w, at + wait) == 0);
}

static void try_delays(arena *a, bb_str text, uint64_t random) {
    retry_delays d;
    uint64_t delay;
    if (!retries_read(a, text, &d))
        return;
    must(d.count <= RETRIES_MAX);
    for (uint32_t i = 0; i <= d.count + 1; i++)
        if (retries_next(&d, i, random, random, &delay))
            must(i >= 1 && i <= d.count && delay >= d.ms[i - 1]);
}

static void try_health(arena *a, bb_str text) {
    health h, again;
    bool ok;
    health_read(text, &h);
    bb_str json = health_write(a, &h, &ok);
    must(ok);
    health_read(json, &again);
    must(again.paused == h.paused && again.disabled_ms == h.disabled_ms && again.failing_ms == h.failing_ms &&
         again.rest_ms == h.rest_ms && again.rested_ms == h.rested_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint64_t at = 1700000000000u;
    if (size >= 9)
        memcpy(&at, data, sizeof at);
    bb_str text = size >= 9 ? str_of(data + 8, size - 8) : str_of(data, size);
    arena *a = arena_new(0);
    try_window(text, at % (1ull << 42));
    try_delays(a, text, at);
    try_health(a, text);
    arena_free(a);
    return 0;
}
