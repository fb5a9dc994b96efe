/* multiple.c - whether one number text is a multiple of another, exactly.
 *
 * a = A * 10^x and divisor = D * 10^y, A and D without zeros at the end. As A is no multiple of 10, a is no
 * multiple of the divisor where x < y; else the remainder of A * 10^(x-y) by D tells. The digits of A and the
 * zeros behind them are taken nine at a time, from the left. As D is no multiple of 10 either, it has no more
 * factors 2, or else 5, than bits, and zeros beyond that many change nothing: exponents cost no time. */
#include "json/decimal.h"

#define CHUNK_DIGITS 9u
#define CHUNK 1000000000u
#define LIMBS 128u /* of a divisor: 1,152 digits. It bounds the time to 128 steps for nine digits of `a` */

typedef struct chunks {
    const decimal *number;
    size_t at, total; /* digits taken, and all, with the zeros behind */
} chunks;

static chunks chunks_of(const decimal *number, uint64_t zeros) {
    return (chunks){.number = number, .total = number->count + (size_t)zeros};
}

static bool chunk_next(chunks *c, uint32_t *out) {
    size_t left = c->total - c->at, n = (left + CHUNK_DIGITS - 1) % CHUNK_DIGITS + 1;
    uint32_t value = 0;
    if (left == 0)
        return false;
    for (; n > 0; n--, c->at++)
        value = value * 10 + (c->at < c->number->count ? decimal_digit(c->number, c->at) : 0);
    *out = value;
    return true;
}

static bool divides_small(uint64_t divisor, chunks c) {
    uint64_t rest = 0;
    for (uint32_t chunk; chunk_next(&c, &chunk);)
        rest = (uint64_t)(((unsigned __int128)rest * CHUNK + chunk) % divisor);
    return rest == 0;
}

/* The divisor in base 10^9, least limb first, multiplied by `factor` so that its highest limb is at least
 * half the base: a quotient's limb is then guessed at most two too high (Knuth, TAOCP 4.3.1, algorithm D).
 * The dividend is multiplied alike, which leaves the remainder zero or not. */
typedef struct modulus {
    uint32_t limb[LIMBS];
    size_t count;
    uint32_t factor;
} modulus;

static bool modulus_of(const decimal *d, modulus *m) {
    chunks c = chunks_of(d, 0);
    size_t count = (d->count + CHUNK_DIGITS - 1) / CHUNK_DIGITS, i = count;
    if (count > LIMBS)
        return false;
    m->count = count;
    while (i > 0 && chunk_next(&c, &m->limb[i - 1]))
        i--;
    m->factor = CHUNK / (m->limb[count - 1] + 1);
    uint64_t carry = 0;
    for (i = 0; i < count; i++) {
        carry += (uint64_t)m->limb[i] * m->factor;
        m->limb[i] = (uint32_t)(carry % CHUNK);
        carry /= CHUNK;
    }
    return true;
}

static uint64_t guess_quotient(const modulus *m, const uint32_t *rest) {
    size_t n = m->count;
    uint64_t top = (uint64_t)rest[n] * CHUNK + rest[n - 1], high = m->limb[n - 1];
    uint64_t q = top / high, left = top % high;
    while (q >= CHUNK || (left < CHUNK && q * m->limb[n - 2] > left * CHUNK + rest[n - 2])) {
        q--;
        left += high;
    }
    return q;
}

/* rest -= q * m, count + 1 limbs; true: it went below zero, and is the base's complement. */
static bool subtract(const modulus *m, uint64_t q, uint32_t *rest) {
    int64_t borrow = 0;
    for (size_t i = 0; i <= m->count; i++) {
        uint64_t product = i < m->count ? q * m->limb[i] : 0;
        int64_t limb = (int64_t)rest[i] + borrow - (int64_t)(product % CHUNK);
        borrow = -(int64_t)(product / CHUNK);
        if (limb < 0) {
            borrow += (limb - (int64_t)CHUNK + 1) / (int64_t)CHUNK;
            limb = (limb % (int64_t)CHUNK + CHUNK) % CHUNK;
        }
        rest[i] = (uint32_t)limb;
    }
    return borrow < 0;
}

static void add_back(const modulus *m, uint32_t *rest) {
    uint32_t carry = 0;
    for (size_t i = 0; i < m->count; i++) {
        uint32_t sum = rest[i] + m->limb[i] + carry;
        carry = sum >= CHUNK;
        rest[i] = carry ? sum - CHUNK : sum;
    }
    rest[m->count] = 0;
}

/* rest = (rest * 10^9 + chunk * factor) mod m */
static void take_chunk(const modulus *m, uint32_t *rest, uint32_t chunk) {
    uint64_t carry = (uint64_t)chunk * m->factor;
    memmove(rest + 1, rest, m->count * sizeof *rest);
    rest[0] = 0;
    for (size_t i = 0; i <= m->count && carry > 0; i++) {
        carry += rest[i];
        rest[i] = (uint32_t)(carry % CHUNK);
        carry /= CHUNK;
    }
    if (subtract(m, guess_quotient(m, rest), rest))
        add_back(m, rest);
}

/* A divisor of more than 64 bits: three limbs or more. */
static bool divides_large(const decimal *divisor, chunks c) {
    modulus m;
    uint32_t rest[LIMBS + 1] = {0}, any = 0;
    if (!modulus_of(divisor, &m))
        return false;
    for (uint32_t chunk; chunk_next(&c, &chunk);)
        take_chunk(&m, rest, chunk);
    for (size_t i = 0; i < m.count; i++)
        any |= rest[i];
    return any == 0;
}

bool json_number_multiple_of(bb_str a, bb_str divisor) {
    decimal n = decimal_parse(a), d = decimal_parse(divisor);
    uint64_t small;
    if (n.count == 0 || d.count == 0)
        return n.count == 0;
    int64_t zeros = (n.point - (int64_t)n.count) - (d.point - (int64_t)d.count);
    if (zeros < 0)
        return false;
    uint64_t bits = (uint64_t)d.count * 4; /* a digit is fewer */
    chunks c = chunks_of(&n, (uint64_t)zeros < bits ? (uint64_t)zeros : bits);
    return decimal_u64(&d, &small) ? divides_small(small, c) : divides_large(&d, c);
}
