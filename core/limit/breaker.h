/* breaker.h - a circuit breaker: closed, open, half-open.
 *
 * It opens after so many failures in a row, or when so many of a hundred in a window failed. Open, it refuses
 * for a while; then it lets a few probes through (half-open): all good, and it closes; one bad, and it opens
 * again for twice as long. Results of requests that were let through before the last change of state count no
 * more. Times are CLOCK_MONOTONIC in milliseconds. */
#ifndef LIMIT_BREAKER_H
#define LIMIT_BREAKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct breaker_policy {
    uint32_t failures;     /* in a row; 0: this rule is off */
    uint32_t rate_percent; /* of the window's; 0: this rule is off */
    uint32_t minimum;      /* requests in the window before the rate means anything */
    uint64_t window_ms;
    uint64_t open_ms, max_open_ms; /* the first time open; doubled each time in a row, up to the second */
    uint32_t probes;               /* half-open: at once, and good ones in all to close; at least 1 */
} breaker_policy;

typedef enum { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN } breaker_state;

#define BREAKER_SLICES 8

typedef struct breaker {
    _Atomic(int) state;
    _Atomic(uint32_t) epoch; /* changes with every change of state */
    _Atomic(uint32_t) row;   /* failures in a row */
    struct {
        _Atomic(uint64_t) number; /* time / (window / SLICES) */
        _Atomic(uint32_t) total, failed;
    } slices[BREAKER_SLICES];
    pthread_mutex_t lock;       /* guards changes of state and what follows */
    _Atomic(uint64_t) until_ms; /* open: no probe before */
    uint32_t opened;            /* times in a row */
    uint32_t probing, proved;   /* half-open */
    _Atomic(uint64_t) openings; /* since the start, for the metrics */
    _Atomic(uint64_t) refused;
} breaker;

void breaker_init(breaker *b);
void breaker_destroy(breaker *b);

typedef struct breaker_pass {
    bool admitted, probe;
    uint32_t epoch;
    uint64_t retry_after_ms; /* not admitted */
} breaker_pass;

/* [any-thread] */
breaker_pass breaker_admit(breaker *b, const breaker_policy *p, uint64_t now_ms);

/* Whether the breaker is in the state still that it gave the pass in. [any-thread] */
bool breaker_stands(const breaker *b, const breaker_pass *pass);

typedef enum { BREAKER_GOOD, BREAKER_BAD, BREAKER_UNKNOWN /* never sent, or cancelled */ } breaker_result;
/* What became of a request that was admitted: exactly once for each pass. [any-thread] */
void breaker_report(breaker *b, const breaker_policy *p, const breaker_pass *pass, breaker_result result,
                    uint64_t now_ms);

/* Open whose time is over counts as half-open. [any-thread] */
breaker_state breaker_now(const breaker *b, uint64_t now_ms, uint64_t *retry_after_ms);
const char *breaker_state_name(breaker_state s); /* "closed", "open", "half_open" */
/* Closed, as new: an operator's word. [any-thread] */
void breaker_reset(breaker *b);

#endif
