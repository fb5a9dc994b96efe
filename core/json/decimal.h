/* decimal.h - a number text taken as 0.d1d2...dn * 10^point, without zeros at either end. Private to this
 * room. */
#ifndef JSON_DECIMAL_H
#define JSON_DECIMAL_H

#include "json/json.h"

typedef struct decimal {
    bool negative;
    const char *digits; /* may have the "." within; the k-th digit is found by decimal_digit */
    size_t dot;         /* how many digits stand before the dot in `digits` */
    size_t count;       /* significant digits; 0: the number is zero */
    int64_t point;
} decimal;

static inline unsigned decimal_digit(const decimal *d, size_t k) {
    return (unsigned)(d->digits[k < d->dot ? k : k + 1] - '0');
}

decimal decimal_parse(bb_str text);
/* The digits as a number; false: over 64 bits. */
bool decimal_u64(const decimal *d, uint64_t *out);

#endif
