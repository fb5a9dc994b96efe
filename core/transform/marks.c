#include "transform/marks.h"

#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>

#define MARK_LEN (sizeof MARK - 1)
#define SURE_DIGITS 15u /* a double holds every decimal of that many digits (DBL_DIG) */

/* Significant digits at most SURE_DIGITS and no exponent: the common case, told without arithmetic. */
static bool is_short(bb_str number) {
    size_t digits = 0;
    for (size_t i = 0; i < number.len; i++) {
        if (number.ptr[i] == 'e' || number.ptr[i] == 'E')
            return false;
        digits += number.ptr[i] >= '0' && number.ptr[i] <= '9';
    }
    return digits <= SURE_DIGITS;
}

bool marks_survives(bb_str number) {
    char text[64], back[40];
    if (is_short(number))
        return true;
    char *copy = number.len < sizeof text ? text : malloc(number.len + 1);
    if (copy == NULL)
        return false;
    memcpy(copy, number.ptr, number.len);
    copy[number.len] = '\0';
    double value = strtod(copy, NULL);
    if (copy != text)
        free(copy);
    if (value - value != 0) /* infinite */
        return false;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(back, sizeof back, "%.*g", digits, value);
        if (strtod(back, NULL) == value)
            break;
    }
    return json_number_compare(number, str_from(back)) == 0;
}

void marks_number(buf *out, bb_str number) {
    buf_lit(out, MARK);
    buf_str_add(out, number);
}

/* Its first byte is rare: no other plane begins with it. */
static const char *next_mark(const char *p, const char *end) {
    while (p < end && (p = memchr(p, MARK[0], (size_t)(end - p))) != NULL) {
        if ((size_t)(end - p) >= MARK_LEN && memcmp(p, MARK, MARK_LEN) == 0)
            return p;
        p++;
    }
    return end;
}

bool marks_any(bb_str s) {
    return s.len >= MARK_LEN && next_mark(s.ptr, s.ptr + s.len) != s.ptr + s.len;
}

void marks_string(buf *out, bb_str s) {
    const char *p = s.ptr, *end = s.len > 0 ? s.ptr + s.len : p;
    while (p < end) {
        const char *mark = next_mark(p, end);
        buf_add(out, p, (size_t)(mark - p));
        if (mark == end)
            return;
        buf_lit(out, MARK MARK);
        p = mark + MARK_LEN;
    }
}

static bool digit(const char *p, const char *end) {
    return p < end && *p >= '0' && *p <= '9';
}

static const char *digits_end(const char *p, const char *end) {
    while (digit(p, end))
        p++;
    return p;
}

/* The end of the JSON number (RFC 8259 section 6) that begins at p; p: there is none. */
static const char *number_end(const char *p, const char *end) {
    const char *at = p + (p < end && *p == '-');
    if (!digit(at, end))
        return p;
    at = *at == '0' ? at + 1 : digits_end(at, end);
    if (at < end && *at == '.' && digit(at + 1, end))
        at = digits_end(at + 1, end);
    if (at < end && (*at == 'e' || *at == 'E')) {
        const char *exponent = at + 1 + (at + 1 < end && (at[1] == '+' || at[1] == '-'));
        if (digit(exponent, end))
            at = digits_end(exponent, end);
    }
    return at;
}

bb_str marks_is_number(bb_str s) {
    if (s.len <= MARK_LEN || memcmp(s.ptr, MARK, MARK_LEN) != 0)
        return (bb_str){NULL, 0};
    const char *number = s.ptr + MARK_LEN, *end = s.ptr + s.len;
    return number_end(number, end) == end ? str_of(number, s.len - MARK_LEN) : (bb_str){NULL, 0};
}

/* A mark at `mark`, what stands before it is in `out` already. Gives where to go on. */
static const char *restore_one(buf *out, const char *start, const char *mark, const char *end) {
    const char *after = mark + MARK_LEN, *stop = number_end(after, end);
    if (stop == after) { /* a doubled one; or one that the program made, which is its own affair */
        bool doubled = (size_t)(end - after) >= MARK_LEN && memcmp(after, MARK, MARK_LEN) == 0;
        buf_lit(out, MARK);
        return doubled ? after + MARK_LEN : after;
    }
    bool quoted = mark > start && mark[-1] == '"' && stop < end && *stop == '"' && out->len > 0 &&
                  out->ptr[out->len - 1] == '"';
    if (quoted)
        out->len--;
    buf_add(out, after, (size_t)(stop - after));
    return quoted ? stop + 1 : stop;
}

void marks_restore(buf *out, bb_str s) {
    const char *p = s.ptr, *end = s.len > 0 ? s.ptr + s.len : p;
    while (p < end) {
        const char *mark = next_mark(p, end);
        buf_add(out, p, (size_t)(mark - p));
        if (mark == end)
            return;
        p = restore_one(out, s.ptr, mark, end);
    }
}
