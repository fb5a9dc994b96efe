#include "base/str.h"

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eq_nocase(bb_str a, bb_str b) {
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

bb_str str_pair_find(const str_pair *pairs, size_t count, bb_str name) {
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(pairs[i].name, name))
            return pairs[i].value;
    return (bb_str){NULL, 0};
}

bool str_starts(bb_str s, bb_str prefix) {
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool str_ends(bb_str s, bb_str suffix) {
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

bb_str str_trim(bb_str s) {
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = str_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool str_split(bb_str *rest, char sep, bb_str *part) {
    if (rest->ptr == NULL)
        return false;
    const char *at = rest->len > 0 ? memchr(rest->ptr, sep, rest->len) : NULL;
    if (at == NULL) {
        *part = *rest;
        *rest = (bb_str){NULL, 0};
        return true;
    }
    size_t n = (size_t)(at - rest->ptr);
    *part = str_of(rest->ptr, n);
    *rest = str_of(at + 1, rest->len - n - 1);
    return true;
}

bool str_to_u64(bb_str s, uint64_t *out) {
    uint64_t n = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)((unsigned char)s.ptr[i] - '0');
        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

bool str_to_duration_ms(bb_str s, uint64_t *out) {
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    size_t digits = 0;
    while (digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9')
        digits++;
    uint64_t n = 0;
    if (!str_to_u64(str_of(s.ptr, digits), &n))
        return false;
    bb_str unit = str_of(s.ptr + digits, s.len - digits);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (str_eq(unit, str_from(units[i].unit)) && n <= UINT64_MAX / units[i].ms) {
            *out = n * units[i].ms;
            return true;
        }
    }
    return false;
}

/* Levenshtein's distance of two short words; longer ones count as far apart. */
static size_t distance(bb_str a, bb_str b) {
    enum { MAX = 64 };
    size_t row[MAX + 1];
    if (a.len > MAX || b.len > MAX)
        return MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t substitute = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            size_t shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = substitute < shift ? substitute : shift;
        }
    }
    return row[b.len];
}

const char *str_nearest(bb_str name, const char *const *names) {
    const char *best = NULL;
    size_t allowed = name.len / 3 < 1 ? 1 : name.len / 3 > 3 ? 3 : name.len / 3;
    size_t least = allowed + 1;
    for (; *names != NULL; names++) {
        size_t d = distance(name, str_from(*names));
        if (d < least) {
            least = d;
            best = *names;
        }
    }
    return best;
}

uint64_t str_hash(bb_str s) {
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 1099511628211u;
    return h;
}

void str_wipe(bb_str secret) {
    if (secret.len > 0)
        explicit_bzero((char *)(uintptr_t)secret.ptr, secret.len);
}
