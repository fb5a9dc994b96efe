/* Room base: what all else stands on: slices, memory, errors, log, clock, the event loop. It includes nothing
 * of the hub but the SDK's types, and every room may include it. */

/* str.h - slices of bytes, and the few things the hub does with them. The type is the SDK's own, so that
 * a slice crosses the plugin boundary without a copy. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <busbar/types.h>
#include <stdbool.h>
#include <string.h>

/* A slice of a string literal: no strlen at run time. */
#define STR(literal) ((bb_str){"" literal, sizeof(literal) - 1})
/* For printf's "%.*s". */
#define STR_FMT(s) (int)(s).len, (s).ptr != NULL ? (s).ptr : ""

/* A name and its value: a header field, a parameter. */
typedef struct str_pair {
    bb_str name, value;
} str_pair;

static inline bb_str str_from(const char *text) {
    return (bb_str){text, text != NULL ? strlen(text) : 0};
}

static inline bb_str str_of(const void *ptr, size_t len) {
    return (bb_str){(const char *)ptr, len};
}

static inline bool str_eq(bb_str a, bb_str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ASCII only, as header names and schemes are compared (RFC 9110 section 5.1). */
bool str_eq_nocase(bb_str a, bb_str b);
bool str_starts(bb_str s, bb_str prefix);
bool str_ends(bb_str s, bb_str suffix);
bb_str str_trim(bb_str s); /* blanks and tabs at both ends */

/* The first value of that name, in any case; absent: none. */
bb_str str_pair_find(const str_pair *pairs, size_t count, bb_str name);

/* The part before the first `sep`, which is cut off *rest together with the separator. False once *rest is
 * used up; an empty part between two separators is given. */
bool str_split(bb_str *rest, char sep, bb_str *part);

/* Into a field of a fixed size: cut to fit, with a NUL behind. */
static inline void str_put(char *to, size_t cap, bb_str from) {
    size_t n = from.len < cap - 1 ? from.len : cap - 1;
    if (n > 0)
        memcpy(to, from.ptr, n);
    to[n] = '\0';
}

/* Overwrites a secret where it lies, in memory that is ours to write; absent and empty are fine. */
void str_wipe(bb_str secret);

/* The value of a hexadecimal digit of either case; -1: it is none. */
static inline int str_hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decimal digits only, no sign, no overflow. */
bool str_to_u64(bb_str s, uint64_t *out);

/* A duration: digits and a unit, "250ms", "30s", "5m", "2h", "1d". */
bool str_to_duration_ms(bb_str s, uint64_t *out);

/* The one of `names` that is nearest to `name` by edit distance, or NULL where none is near enough to be a
 * slip of the keys (distance at most a third of its length, at least 1, at most 3). `names` ends with NULL.
 */
const char *str_nearest(bb_str name, const char *const *names);

/* FNV-1a, 64 bits: for tables in memory, not against an adversary. */
uint64_t str_hash(bb_str s);

#endif
