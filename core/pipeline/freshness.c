#include "pipeline/freshness.h"

#include "pipeline/quoted.h"

#define LONGEST_S 31536000u /* a year: more means "for ever" */

/* "name" or "name=value", the value perhaps in quotes. */
static bool is_directive(bb_str part, bb_str name, bb_str *value) {
    bb_str rest = part, word;
    if (!str_split(&rest, '=', &word) || !str_eq_nocase(str_trim(word), name))
        return false;
    bb_str v = rest.ptr != NULL ? str_trim(rest) : STR("");
    if (v.len >= 2 && v.ptr[0] == '"' && v.ptr[v.len - 1] == '"')
        v = str_of(v.ptr + 1, v.len - 2);
    *value = v;
    return true;
}

/* Delta seconds (section 1.2.2): a number too great to be held counts as the greatest. False: no number. */
static bool seconds_of(bb_str value, uint64_t *out) {
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return false;
    if (!str_to_u64(value, out) || *out > LONGEST_S)
        *out = LONGEST_S;
    return value.len > 0;
}

/* What is no number counts as 0: treat as stale (section 4.2.1). */
static uint64_t age_of(bb_str value) {
    uint64_t s;
    return seconds_of(value, &s) ? s : 0;
}

/* Where it is said more than once, the first counts (section 4.2.1). */
static void read_field(bb_str cache_control, freshness *out) {
    quoted_list list = quoted_list_of(cache_control);
    bb_str value;
    for (bb_str part; quoted_next(&list, ',', &part);) {
        part = str_trim(part);
        if (is_directive(part, STR("no-store"), &value))
            out->no_store = true;
        else if (is_directive(part, STR("no-cache"), &value))
            out->no_cache = true;
        else if (is_directive(part, STR("must-revalidate"), &value))
            out->must_revalidate = true;
        else if (!out->has_max_age && is_directive(part, STR("max-age"), &value)) {
            out->has_max_age = true;
            out->max_age_ms = age_of(value) * 1000;
        }
    }
}

/* The first of a list, and nothing that is no number (section 5.1). */
static void take_age(bb_str age, freshness *out) {
    uint64_t already;
    bb_str first;
    if (!str_split(&age, ',', &first) || !seconds_of(str_trim(first), &already))
        return;
    already *= 1000;
    out->max_age_ms = already < out->max_age_ms ? out->max_age_ms - already : 0;
}

void freshness_read(bb_str cache_control, bb_str age, freshness *out) {
    *out = (freshness){0};
    read_field(cache_control, out);
    take_age(age, out);
}

void freshness_of(const str_pair *fields, size_t count, freshness *out) {
    bb_str age = {NULL, 0};
    *out = (freshness){0};
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(fields[i].name, STR("Cache-Control")))
            read_field(fields[i].value, out);
        else if (age.ptr == NULL && str_eq_nocase(fields[i].name, STR("Age")))
            age = fields[i].value;
    }
    take_age(age, out);
}

void freshness_wish(bb_str cache_control, cache_wish *out) {
    quoted_list list = quoted_list_of(cache_control);
    bb_str value;
    *out = (cache_wish){0};
    for (bb_str part; quoted_next(&list, ',', &part);) {
        part = str_trim(part);
        if (is_directive(part, STR("no-cache"), &value))
            out->no_cache = true;
        else if (is_directive(part, STR("no-store"), &value))
            out->no_store = true;
        else if (is_directive(part, STR("only-if-cached"), &value))
            out->only_if_cached = true;
        else if (!out->has_max_age && is_directive(part, STR("max-age"), &value)) {
            out->has_max_age = true;
            out->max_age_ms = age_of(value) * 1000;
        }
    }
}
