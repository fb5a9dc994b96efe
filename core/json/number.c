/* number.c - number texts compared, and turned into C's integers. */
#include "json/decimal.h"

static int compare_magnitude(const decimal *a, const decimal *b) {
    if (a->count == 0 || b->count == 0)
        return (a->count != 0) - (b->count != 0);
    if (a->point != b->point)
        return a->point < b->point ? -1 : 1;
    size_t n = a->count < b->count ? a->count : b->count;
    for (size_t i = 0; i < n; i++) {
        unsigned x = decimal_digit(a, i), y = decimal_digit(b, i);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (a->count > b->count) - (a->count < b->count);
}

int json_number_compare(bb_str a, bb_str b) {
    decimal x = decimal_parse(a), y = decimal_parse(b);
    if (x.negative != y.negative)
        return x.negative ? -1 : 1;
    int order = compare_magnitude(&x, &y);
    return x.negative ? -order : order;
}

bool json_number_is_integer(bb_str a) {
    decimal d = decimal_parse(a);
    return d.count == 0 || (d.point >= 0 && (uint64_t)d.point >= d.count);
}

static bool to_magnitude(const json_value *v, bool *negative, uint64_t *out) {
    if (!json_is(v, JSON_NUMBER))
        return false;
    decimal d = decimal_parse(json_raw(v));
    uint64_t n;
    if (d.count > 0 && (d.point < (int64_t)d.count || d.point > 20))
        return false;
    if (!decimal_u64(&d, &n))
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
