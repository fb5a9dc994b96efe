#include "limit/quota.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

#define DAY_MS 86400000u
#define RELAXED memory_order_relaxed
#define UNSAVED UINT64_MAX /* `saved`: no count is that high */

const char *quota_period_name(quota_period p) {
    return p == QUOTA_DAY ? "day" : "month";
}

static uint64_t month_start(uint64_t wall_ms, int months_on) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL)
        return 0;
    struct tm first = {.tm_year = tm.tm_year, .tm_mon = tm.tm_mon + months_on, .tm_mday = 1};
    return (uint64_t)timegm(&first) * 1000u;
}

uint64_t quota_period_start(quota_period p, uint64_t wall_ms) {
    return p == QUOTA_DAY ? wall_ms - wall_ms % DAY_MS : month_start(wall_ms, 0);
}

uint64_t quota_period_end(quota_period p, uint64_t wall_ms) {
    return p == QUOTA_DAY ? wall_ms - wall_ms % DAY_MS + DAY_MS : month_start(wall_ms, 1);
}

static bool is_over(quota_period p, uint64_t start_ms, uint64_t wall_ms) {
    if (wall_ms < start_ms || (p == QUOTA_MONTH && wall_ms - start_ms < 28 * (uint64_t)DAY_MS))
        return false; /* without asking the calendar */
    return wall_ms >= quota_period_end(p, start_ms);
}

/* `start_ms` of a counter that is being turned over: the others wait the few instructions until it is done,
 * so that none of them sees the new period with the old count. */
#define TURNING UINT64_MAX

static void turn_over(quota *q, quota_period p, uint64_t wall_ms) {
    uint64_t start = atomic_load_explicit(&q->start_ms, memory_order_acquire);
    while (start == TURNING || start == 0 || is_over(p, start, wall_ms)) {
        if (start == TURNING) {
            sched_yield();
            start = atomic_load_explicit(&q->start_ms, memory_order_acquire);
        } else if (atomic_compare_exchange_weak(&q->start_ms, &start, TURNING)) {
            uint64_t next = quota_period_start(p, wall_ms);
            atomic_store(&q->used, 0);
            atomic_store(&q->saved, UNSAVED); /* the store knows nothing of this period yet */
            /* 0 means "nothing yet", also on a machine whose clock was never set */
            atomic_store_explicit(&q->start_ms, next > 0 ? next : 1, memory_order_release);
            return;
        }
    }
}

quota_answer quota_take(quota *q, quota_period p, uint64_t limit, uint64_t wall_ms) {
    turn_over(q, p, wall_ms);
    uint64_t used = atomic_load_explicit(&q->used, RELAXED);
    do {
        if (used >= limit) {
            uint64_t start = atomic_load_explicit(&q->start_ms, RELAXED);
            uint64_t end = quota_period_end(p, start > wall_ms ? start : wall_ms);
            return (quota_answer){.reset_ms = end > wall_ms ? end - wall_ms : 1};
        }
    } while (!atomic_compare_exchange_weak_explicit(&q->used, &used, used + 1, RELAXED, RELAXED));
    return (quota_answer){.taken = true, .left = limit - used - 1};
}

void quota_give_back(quota *q) {
    uint64_t used = atomic_load_explicit(&q->used, RELAXED);
    while (used > 0 && !atomic_compare_exchange_weak_explicit(&q->used, &used, used - 1, RELAXED, RELAXED)) {
    }
}

/* --- the book -------------------------------------------------------------------------------------- */

typedef struct page page;
struct page {
    quotas counters;
    page *next;
    bb_str subject;
    char text[];
};

#define BUCKETS 1024u

struct quota_book {
    page *buckets[BUCKETS];
    size_t from; /* where the next look for changes begins */
};

quota_book *quota_book_new(void) {
    return calloc(1, sizeof(quota_book));
}

void quota_book_free(quota_book *b) {
    for (size_t i = 0; b != NULL && i < BUCKETS; i++) {
        for (page *at = b->buckets[i], *next; at != NULL; at = next) {
            next = at->next;
            free(at);
        }
    }
    free(b);
}

quotas *quota_book_get(quota_book *b, bb_str subject) {
    page **bucket = &b->buckets[str_hash(subject) % BUCKETS];
    for (page *at = *bucket; at != NULL; at = at->next)
        if (str_eq(at->subject, subject))
            return &at->counters;
    page *fresh = calloc(1, sizeof *fresh + subject.len);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh->text, subject.ptr, subject.len);
    fresh->subject = str_of(fresh->text, subject.len);
    fresh->next = *bucket;
    *bucket = fresh;
    return &fresh->counters;
}

void quota_book_restore(quota_book *b, bb_str subject, quota_period p, uint64_t start_ms, uint64_t used) {
    quotas *q = quota_book_get(b, subject);
    if (q == NULL)
        return;
    atomic_store(&q->of[p].start_ms, start_ms);
    atomic_store(&q->of[p].used, used);
    atomic_store(&q->of[p].saved, used);
}

/* A counter that turns over meanwhile is left to the next time: its count and its period would not belong
 * together. */
static bool changed(quota *q, quota_change *out) {
    uint64_t start = atomic_load(&q->start_ms), used = atomic_load(&q->used), saved = atomic_load(&q->saved);
    if (used == saved || start == 0 || start == TURNING || atomic_load(&q->start_ms) != start ||
        !atomic_compare_exchange_strong(&q->saved, &saved, used))
        return false;
    out->start_ms = start;
    out->used = used;
    return true;
}

/* Where the last look found no more room, the next goes on: who changes all the time does not keep the others
 * from being saved. */
size_t quota_book_changes(quota_book *b, quota_change *out, size_t max) {
    size_t n = 0, at = b->from;
    for (size_t i = 0; i < BUCKETS && n < max; i++, at = (at + 1) % BUCKETS) {
        for (page *of = b->buckets[at]; of != NULL; of = of->next) {
            for (int p = 0; p < QUOTA_PERIODS && n < max; p++) {
                out[n].subject = of->subject;
                out[n].period = (quota_period)p;
                n += changed(&of->counters.of[p], &out[n]);
            }
        }
    }
    b->from = at;
    return n;
}

void quota_book_unsaved(quota_book *b) {
    for (size_t i = 0; i < BUCKETS; i++)
        for (page *at = b->buckets[i]; at != NULL; at = at->next)
            for (int p = 0; p < QUOTA_PERIODS; p++)
                if (atomic_load(&at->counters.of[p].start_ms) != 0)
                    atomic_store(&at->counters.of[p].saved, UNSAVED);
}
