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

#endif
