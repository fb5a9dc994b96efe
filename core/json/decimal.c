#include "json/decimal.h"

#define EXPONENT_MAX 1000000000

static int64_t read_exponent(const char *p, const char *end) {
    bool negative = *p == '-';
    int64_t n = 0;
    if (*p == '-' || *p == '+')
        p++;
    for (; p < end; p++)
        if (n < EXPONENT_MAX)
            n = n * 10 + (*p - '0');
    n = n < EXPONENT_MAX ? n : EXPONENT_MAX;
    return negative ? -n : n;
}

decimal decimal_parse(bb_str text) {
    const char *p = text.ptr, *end = text.ptr + text.len;
    decimal d = {.negative = text.len > 0 && *p == '-'};
    p += d.negative;
    const char *start = p, *dot = NULL;
    while (p < end && *p != 'e' && *p != 'E') {
        if (*p == '.')
            dot = p;
        p++;
    }
    size_t whole = (size_t)((dot != NULL ? dot : p) - start), all = (size_t)(p - start) - (dot != NULL);
    d.digits = start;
    d.dot = dot != NULL ? whole : all;
    d.count = all;
    d.point = (int64_t)whole + (p < end ? read_exponent(p + 1, end) : 0);
    while (d.count > 0 && decimal_digit(&d, d.count - 1) == 0)
        d.count--;
    size_t zeros = 0;
    while (zeros < d.count && decimal_digit(&d, zeros) == 0)
        zeros++;
    if (zeros >= d.dot && d.dot < all) { /* past the dot */
        d.digits += zeros + 1;
        d.dot = SIZE_MAX;
    } else {
        d.digits += zeros;
        d.dot -= zeros;
    }
    d.count -= zeros;
    d.point -= (int64_t)zeros;
    if (d.count == 0)
        d = (decimal){0};
    return d;
}

bool decimal_u64(const decimal *d, uint64_t *out) {
    uint64_t n = 0;
    for (size_t i = 0; i < d->count; i++) {
        unsigned digit = decimal_digit(d, i);
        if (n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}
