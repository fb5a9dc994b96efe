/* number.c - exact arithmetic on number texts.
 *
 * A number is taken as 0.d1d2...dn * 10^point, without zeros at either end: comparing is then comparing
 * points, then digits. */
#include "json/json.h"

#include <math.h>
#include <stdlib.h>

#define EXPONENT_MAX 1000000000

typedef struct decimal {
    bool negative;
    const char *digits; /* may have the "." within; the k-th digit is found by digit_at */
    size_t dot;         /* how many digits stand before the dot in `digits` */
    size_t count;       /* significant digits; 0: the number is zero */
    int64_t point;
} decimal;

static char digit_at(const decimal *d, size_t k) {
    return d->digits[k < d->dot ? k : k + 1];
}

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

static decimal parse(bb_str text) {
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
    while (d.count > 0 && digit_at(&d, d.count - 1) == '0')
        d.count--;
    size_t zeros = 0;
    while (zeros < d.count && digit_at(&d, zeros) == '0')
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

static int compare_magnitude(const decimal *a, const decimal *b) {
    if (a->count == 0 || b->count == 0)
        return (a->count != 0) - (b->count != 0);
    if (a->point != b->point)
        return a->point < b->point ? -1 : 1;
    size_t n = a->count < b->count ? a->count : b->count;
    for (size_t i = 0; i < n; i++) {
        int difference = digit_at(a, i) - digit_at(b, i);
        if (difference != 0)
            return difference;
    }
    return (a->count > b->count) - (a->count < b->count);
}

int json_number_compare(bb_str a, bb_str b) {
    decimal x = parse(a), y = parse(b);
    if (x.negative != y.negative)
        return x.negative ? -1 : 1;
    int order = compare_magnitude(&x, &y);
    return x.negative ? -order : order;
}

bool json_number_is_integer(bb_str a) {
    decimal d = parse(a);
    return d.count == 0 || (d.point >= 0 && (uint64_t)d.point >= d.count);
}

/* The digits as a number; false: over 64 bits. */
static bool digits_u64(const decimal *d, uint64_t *out) {
    uint64_t n = 0;
    for (size_t i = 0; i < d->count; i++) {
        unsigned digit = (unsigned)(digit_at(d, i) - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

static uint64_t multiply_mod(uint64_t a, uint64_t b, uint64_t m) {
    return (uint64_t)((unsigned __int128)a * b % m);
}

static double to_double(bb_str text) {
    json_value v = {.type = JSON_NUMBER,
                    .count = (uint32_t)text.len,
                    .text = text.ptr,
                    .span = 1,
                    .raw_len = (uint32_t)text.len};
    double n = 0;
    json_to_double(&v, &n);
    return n;
}

/* a = A * 10^x and divisor = D * 10^y, A and D without zeros at the end. A is no multiple of 10, so a is no
 * multiple of the divisor where x < y; else A * 10^(x-y) mod D tells. Divisors of more than 64 bits of digits
 * are taken as doubles. */
bool json_number_multiple_of(bb_str a, bb_str divisor) {
    decimal n = parse(a), d = parse(divisor);
    uint64_t m;
    if (n.count == 0 || d.count == 0)
        return n.count == 0;
    int64_t zeros = (n.point - (int64_t)n.count) - (d.point - (int64_t)d.count);
    if (!digits_u64(&d, &m))
        return fmod(to_double(a), to_double(divisor)) == 0;
    if (zeros < 0)
        return false;
    uint64_t rest = 0, power = 10 % m;
    for (size_t i = 0; i < n.count; i++)
        rest = (uint64_t)(((unsigned __int128)rest * 10 + (unsigned)(digit_at(&n, i) - '0')) % m);
    for (; zeros > 0; zeros >>= 1) {
        if (zeros & 1)
            rest = multiply_mod(rest, power, m);
        power = multiply_mod(power, power, m);
    }
    return rest == 0;
}

static bool to_magnitude(const json_value *v, bool *negative, uint64_t *out) {
    if (!json_is(v, JSON_NUMBER))
        return false;
    decimal d = parse(json_raw(v));
    uint64_t n;
    if (d.count > 0 && (d.point < (int64_t)d.count || d.point > 20))
        return false;
    if (!digits_u64(&d, &n))
        return false;
    for (int64_t i = (int64_t)d.count; i < d.point; i++) {
        if (n > UINT64_MAX / 10)
            return false;
        n *= 10;
    }
    *negative = d.negative;
    *out = n;
    return true;
}

bool json_to_u64(const json_value *v, uint64_t *out) {
    bool negative;
    uint64_t n;
    if (!to_magnitude(v, &negative, &n) || (negative && n != 0))
        return false;
    *out = n;
    return true;
}

bool json_to_i64(const json_value *v, int64_t *out) {
    bool negative;
    uint64_t n;
    if (!to_magnitude(v, &negative, &n) || n > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}
