#include "pipeline/freshness.h"

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

/* A number that is no number counts as 0 (section 4.2.1: treat as stale). */
static uint64_t seconds_of(bb_str value) {
    uint64_t s;
    if (!str_to_u64(value, &s))
        return 0;
    return s < LONGEST_S ? s : LONGEST_S;
}

void freshness_read(bb_str cache_control, bb_str age, freshness *out) {
    bb_str rest = cache_control, value;
    uint64_t seconds = 0, already;
    *out = (freshness){0};
    for (bb_str part; str_split(&rest, ',', &part);) {
        part = str_trim(part);
        if (is_directive(part, STR("no-store"), &value))
            out->no_store = true;
        else if (is_directive(part, STR("no-cache"), &value))
            out->no_cache = true;
        else if (is_directive(part, STR("max-age"), &value)) {
            out->has_max_age = true;
            seconds = seconds_of(value);
        }
    }
    if (age.len > 0 && str_to_u64(str_trim(age), &already))
        seconds = already < seconds ? seconds - already : 0;
    out->max_age_ms = seconds * 1000;
}

void freshness_wish(bb_str cache_control, cache_wish *out) {
    bb_str rest = cache_control, value;
    *out = (cache_wish){0};
    for (bb_str part; str_split(&rest, ',', &part);) {
        part = str_trim(part);
        if (is_directive(part, STR("no-cache"), &value))
            out->no_cache = true;
        else if (is_directive(part, STR("no-store"), &value))
            out->no_store = true;
        else if (is_directive(part, STR("only-if-cached"), &value))
            out->only_if_cached = true;
        else if (is_directive(part, STR("max-age"), &value)) {
            out->has_max_age = true;
            out->max_age_ms = seconds_of(value) * 1000;
        }
    }
}
