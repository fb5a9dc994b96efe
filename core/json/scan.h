/* scan.h - looking through the bytes of a string, sixteen at a time. Private to this room. */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Bytes of the UTF-8 sequence at p (RFC 3629), which begins with a byte of 0x80 or more; 0: it is none. */
static inline size_t utf8_sequence(const char *text, const char *end) {
    const unsigned char *p = (const unsigned char *)text;
    size_t left = (size_t)(end - text), n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool bad = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
               (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f);
    return bad ? 0 : n;
}

/* The first byte at or after p that is a quote, a backslash, a control character or not ASCII, or `end`. */
static inline const char *scan_plain(const char *p, const char *end) {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* signed: control characters and bytes of 0x80 and more are below a blank */
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
                                   _mm_cmplt_epi8(v, space));
        int mask = _mm_movemask_epi8(hit);
        if (mask != 0)
            return p + __builtin_ctz((unsigned)mask);
        p += 16;
    }
#else
    /* Eight at a time: bit 7 of each byte of `hit` is set where a byte is below a blank, a quote, a backslash
     * or not ASCII. A borrow can set one too many above a true one; the loop below looks at each byte. */
    const uint64_t ones = 0x0101010101010101u;
    while (end - p >= 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        uint64_t quote = v ^ ones * '"', backslash = v ^ ones * '\\';
        uint64_t hit = (v - ones * 0x20) | (quote - ones) | (backslash - ones) | v;
        if ((hit & ones << 7) != 0)
            break;
        p += 8;
    }
#endif
    while (p < end && *p != '"' && *p != '\\' && (signed char)*p >= 0x20)
        p++;
    return p;
}

/* Where a string's plain run ends: at a quote, a backslash, a control character, a byte that is not UTF-8
 * (0x80 or more), or `end`. */
static inline const char *scan_string(const char *p, const char *end) {
    for (;;) {
        p = scan_plain(p, end);
        if (p == end || (unsigned char)*p < 0x80)
            return p;
        size_t n = utf8_sequence(p, end);
        if (n == 0)
            return p;
        p += n;
    }
}

#endif
