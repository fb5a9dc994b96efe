/* alerts_window.h - counts of the last minutes, in slots that are forgotten one by one. Private to alerts*.c
 * and their tests. */
#ifndef OBSERVE_ALERTS_WINDOW_H
#define OBSERVE_ALERTS_WINDOW_H

#include "observe/alerts.h"

/* A window is cut into so many slots: it forgets a thirtieth of itself at a time. */
#define WINDOW_SLOTS 30u

/* What happened in a while. */
typedef struct window_counts {
    uint64_t calls, failures;
    uint64_t durations[ALERT_BOUNDS + 1];
} window_counts;

typedef struct window {
    uint64_t slot_ms;
    uint64_t newest; /* number of the slot that is being filled: time divided by slot_ms */
    bool durations;  /* whether they are kept: they take most of the memory */
    uint32_t *slots; /* WINDOW_SLOTS of them; NULL until something happens */
} window;

void window_init(window *w, uint64_t over_ms, bool durations);
void window_free(window *w);
/* Adds what happened since the last time. False: no memory, it is lost. */
bool window_add(window *w, uint64_t now_ms, const window_counts *more);
void window_sum(window *w, uint64_t now_ms, window_counts *out);
/* The value below which `quantile` of the durations lie, in ms; interpolated within its bucket, of the last
 * one its lower bound. 0 without any. */
double window_quantile(const window_counts *counts, double quantile);

#endif
