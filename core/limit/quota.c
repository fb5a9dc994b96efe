#include "limit/quota.h"

#include <stdlib.h>
#include <time.h>

#define DAY_MS 86400000u
#define RELAXED memory_order_relaxed

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

/* The period's end, once an hour at most by the calendar: a day's is arithmetic, a month's is asked for
 * rarely. */
static bool is_over(quota_period p, uint64_t start_ms, uint64_t wall_ms) {
    if (wall_ms < start_ms)
        return false;
    uint64_t age = wall_ms - start_ms;
    if (p == QUOTA_DAY)
        return age >= DAY_MS;
    return age >= 28 * (uint64_t)DAY_MS && wall_ms >= quota_period_end(p, start_ms);
}

static void turn_over(quota *q, quota_period p, uint64_t wall_ms) {
    uint64_t start = atomic_load_explicit(&q->start_ms, memory_order_acquire);
    while (start == 0 || is_over(p, start, wall_ms)) {
        uint64_t next = quota_period_start(p, wall_ms);
        if (atomic_compare_exchange_weak(&q->start_ms, &start, next)) {
            atomic_store(&q->used, 0);
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

static bool changed(quota *q, quota_change *out) {
    uint64_t used = atomic_load(&q->used);
    if (used == atomic_load(&q->saved))
        return false;
    out->start_ms = atomic_load(&q->start_ms);
    out->used = used;
    atomic_store(&q->saved, used);
    return true;
}

size_t quota_book_changes(quota_book *b, quota_change *out, size_t max) {
    size_t n = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (page *at = b->buckets[i]; at != NULL; at = at->next) {
            for (int p = 0; p < QUOTA_PERIODS && n < max; p++) {
                out[n].subject = at->subject;
                out[n].period = (quota_period)p;
                n += changed(&at->counters.of[p], &out[n]);
            }
        }
    }
    return n;
}

void quota_book_unsaved(quota_book *b) {
    for (size_t i = 0; i < BUCKETS; i++)
        for (page *at = b->buckets[i]; at != NULL; at = at->next)
            for (int p = 0; p < QUOTA_PERIODS; p++)
                if (atomic_load(&at->counters.of[p].used) != 0)
                    atomic_store(&at->counters.of[p].saved, UINT64_MAX);
}
