/* sigtext.h - a line of text put together within a signal handler: no printf, no malloc, no locale.
 *
 * Async-signal-safe throughout; content past the end is cut. Thread: one at a time. */
#ifndef BASE_SIGTEXT_H
#define BASE_SIGTEXT_H

#include <stddef.h>
#include <stdint.h>

typedef struct sigtext {
    char *ptr;
    size_t len, cap;
} sigtext;

static inline void sigtext_put(sigtext *t, const char *text) {
    for (; text != NULL && *text != '\0' && t->len < t->cap; text++)
        t->ptr[t->len++] = *text;
}

static inline void sigtext_number(sigtext *t, uint64_t n, unsigned base) {
    char digits[24];
    size_t i = sizeof digits;
    do {
        digits[--i] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n > 0);
    while (i < sizeof digits && t->len < t->cap)
        t->ptr[t->len++] = digits[i++];
}

static inline void sigtext_u64(sigtext *t, uint64_t n) {
    sigtext_number(t, n, 10);
}

static inline void sigtext_hex(sigtext *t, uint64_t n) {
    sigtext_put(t, "0x");
    sigtext_number(t, n, 16);
}

/* With zeros before it, `digits` long. */
static inline void sigtext_padded(sigtext *t, uint64_t n, unsigned digits) {
    uint64_t place = 1;
    while (--digits > 0)
        place *= 10;
    for (; place > 1 && n < place; place /= 10)
        sigtext_put(t, "0");
    sigtext_u64(t, n);
}

/* "2026-01-31T12:00:00.123Z", of the proleptic Gregorian calendar: days are counted in years that begin in
 * March, so that the leap day is a year's last. */
static inline void sigtext_time(sigtext *t, uint64_t wall_ms) {
    uint64_t s = wall_ms / 1000, days = s / 86400 + 719468; /* since 0000-03-01 */
    uint64_t era = days / 146097, day = days % 146097;      /* 400 years */
    uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    uint64_t of_year = day - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    sigtext_padded(t, year + era * 400 + (month >= 10), 4);
    sigtext_put(t, "-");
    sigtext_padded(t, month < 10 ? month + 3 : month - 9, 2);
    sigtext_put(t, "-");
    sigtext_padded(t, of_year - (153 * month + 2) / 5 + 1, 2);
    sigtext_put(t, "T");
    sigtext_padded(t, s / 3600 % 24, 2);
    sigtext_put(t, ":");
    sigtext_padded(t, s / 60 % 60, 2);
    sigtext_put(t, ":");
    sigtext_padded(t, s % 60, 2);
    sigtext_put(t, ".");
    sigtext_padded(t, wall_ms % 1000, 3);
    sigtext_put(t, "Z");
}

#endif
