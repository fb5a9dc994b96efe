/* quota.h - calls a day or a month (UTC), counted in atomics; the hub keeps the counts over a restart. */
#ifndef LIMIT_QUOTA_H
#define LIMIT_QUOTA_H

#include "base/str.h"

#include <stdatomic.h>

typedef enum { QUOTA_DAY, QUOTA_MONTH, QUOTA_PERIODS } quota_period;

typedef struct quota {
    _Atomic(uint64_t) start_ms; /* of the period, wall clock */
    _Atomic(uint64_t) used;
    _Atomic(uint64_t) saved; /* what the store knows: differs from `used`: to be saved */
} quota;

/* The counters of one subject. */
typedef struct quotas {
    quota of[QUOTA_PERIODS];
} quotas;

const char *quota_period_name(quota_period p); /* "day", "month" */
uint64_t quota_period_start(quota_period p, uint64_t wall_ms);
uint64_t quota_period_end(quota_period p, uint64_t wall_ms); /* the next one's start */

typedef struct quota_answer {
    bool taken;
    uint64_t left;     /* after this one */
    uint64_t reset_ms; /* from now */
} quota_answer;

/* Takes one of `limit`; a clock that was set back counts on in the later period. [any-thread] */
quota_answer quota_take(quota *q, quota_period p, uint64_t limit, uint64_t wall_ms);
/* One that was taken and did not happen. [any-thread] */
void quota_give_back(quota *q);

/* All subjects there are: "key:ID", "connection:ID". Entries live as long as the book. [main] but for what
 * the entries' own functions say. */
typedef struct quota_book quota_book;
quota_book *quota_book_new(void);
void quota_book_free(quota_book *b);
quotas *quota_book_get(quota_book *b, bb_str subject); /* made when first asked for; NULL: no memory */
/* What the store knew at the start. */
void quota_book_restore(quota_book *b, bb_str subject, quota_period p, uint64_t start_ms, uint64_t used);

typedef struct quota_change {
    bb_str subject;
    quota_period period;
    uint64_t start_ms, used;
} quota_change;
/* Up to `max` counters that differ from what was saved; they count as saved from here on. */
size_t quota_book_changes(quota_book *b, quota_change *out, size_t max);
/* They could not be saved after all. */
void quota_book_unsaved(quota_book *b);

#endif
