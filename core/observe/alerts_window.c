#include "observe/alerts_window.h"

#include <stdlib.h>

const uint64_t alert_bounds_ns[ALERT_BOUNDS] = {
    250000,    500000,    1000000,   2500000,    5000000,    10000000,   25000000,    50000000,
    100000000, 250000000, 500000000, 1000000000, 2500000000, 5000000000, 10000000000, 30000000000};

/* Numbers of a slot: calls, failures, then the durations. */
static size_t width(const window *w) {
    return w->durations ? 2 + ALERT_BOUNDS + 1 : 2;
}

void window_init(window *w, uint64_t over_ms, bool durations) {
    *w = (window){.slot_ms = over_ms / WINDOW_SLOTS, .durations = durations};
}

void window_free(window *w) {
    free(w->slots);
    w->slots = NULL;
}

static uint32_t *slot(window *w, uint64_t number) {
    return w->slots + number % WINDOW_SLOTS * width(w);
}

/* Forgets the slots that time has passed over. */
static void advance(window *w, uint64_t now_ms) {
    uint64_t number = now_ms / w->slot_ms;
    if (w->slots != NULL && number > w->newest) {
        uint64_t passed = number - w->newest;
        for (uint64_t i = 0; i < passed && i < WINDOW_SLOTS; i++)
            memset(slot(w, number - i), 0, width(w) * sizeof(uint32_t));
    }
    if (number > w->newest)
        w->newest = number;
}

static void add(uint32_t *to, uint64_t more) {
    *to = more < UINT32_MAX - *to ? *to + (uint32_t)more : UINT32_MAX;
}

bool window_add(window *w, uint64_t now_ms, const window_counts *more) {
    advance(w, now_ms);
    if (more->calls == 0)
        return true;
    if (w->slots == NULL)
        w->slots = calloc(WINDOW_SLOTS, width(w) * sizeof(uint32_t));
    if (w->slots == NULL)
        return false;
    uint32_t *now = slot(w, w->newest);
    add(&now[0], more->calls);
    add(&now[1], more->failures);
    for (size_t i = 0; w->durations && i <= ALERT_BOUNDS; i++)
        add(&now[2 + i], more->durations[i]);
    return true;
}

void window_sum(window *w, uint64_t now_ms, window_counts *out) {
    *out = (window_counts){0};
    advance(w, now_ms);
    for (uint64_t k = 0; w->slots != NULL && k < WINDOW_SLOTS; k++) {
        const uint32_t *s = slot(w, k);
        out->calls += s[0];
        out->failures += s[1];
        for (size_t i = 0; w->durations && i <= ALERT_BOUNDS; i++)
            out->durations[i] += s[2 + i];
    }
}

static double bound_ms(size_t i) {
    return (double)alert_bounds_ns[i] / 1e6;
}

double window_quantile(const window_counts *counts, double quantile) {
    uint64_t all = 0, below = 0;
    for (size_t i = 0; i <= ALERT_BOUNDS; i++)
        all += counts->durations[i];
    double rank = quantile * (double)all;
    for (size_t i = 0; i < ALERT_BOUNDS; i++) {
        uint64_t here = counts->durations[i];
        if (here > 0 && (double)(below + here) >= rank) {
            double low = i > 0 ? bound_ms(i - 1) : 0;
            return low + (bound_ms(i) - low) * (rank - (double)below) / (double)here;
        }
        below += here;
    }
    return all > 0 ? bound_ms(ALERT_BOUNDS - 1) : 0;
}
