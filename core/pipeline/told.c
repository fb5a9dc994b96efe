#include "pipeline/told.h"

#include "pipeline/quoted.h"
#include "pipeline/retry.h"

#define DAY_MS 86400000u

/* A number at the front; fractions are cut off. */
static bool leading_number(bb_str s, uint64_t *out) {
    size_t n = 0;
    s = str_trim(s);
    while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
        n++;
    bool ends = n == s.len || strchr(".,; \t", s.ptr[n]) != NULL;
    return n > 0 && n < 19 && ends && str_to_u64(str_of(s.ptr, n), out);
}

/* Seconds from now, seconds since 1970 or milliseconds since 1970: told apart by their size. */
static uint64_t reset_from_now(uint64_t value, uint64_t now_ms) {
    uint64_t ms = value;
    if (value > 100000000000u)
        ms = value > now_ms ? value - now_ms : 0;
    else if (value > 1000000000u)
        ms = value * 1000 > now_ms ? value * 1000 - now_ms : 0;
    else
        ms = value * 1000;
    return ms < DAY_MS ? ms : DAY_MS;
}

/* The binding limit: the one with nothing left until latest, else the one with least left. */
static void take(told *t, uint64_t left, uint64_t reset_ms) {
    bool binds = !t->has_left || left < t->left || (left == t->left && reset_ms > t->reset_ms);
    if (!binds)
        return;
    t->has_left = true;
    t->left = left;
    t->reset_ms = reset_ms;
}

/* --- RateLimit: "default";r=50;t=30, "day";r=1000;t=3600; or limit=100, remaining=50, reset=30 ---------- */

static bool parameter(bb_str part, bb_str name, uint64_t *out) {
    part = str_trim(part);
    bool named = part.len > name.len && str_eq(str_of(part.ptr, name.len), name) && part.ptr[name.len] == '=';
    return named && leading_number(str_of(part.ptr + name.len + 1, part.len - name.len - 1), out);
}

static void read_item(bb_str item, uint64_t now_ms, told *t) {
    uint64_t left = 0, reset = 0;
    bool has_left = false, has_reset = false;
    quoted_list list = quoted_list_of(item);
    for (bb_str part; quoted_next(&list, ';', &part);) {
        has_left = parameter(part, STR("r"), &left) || has_left;
        has_reset = parameter(part, STR("t"), &reset) || has_reset;
    }
    if (has_left)
        take(t, left, has_reset ? reset_from_now(reset, now_ms) : 1000);
}

static void read_ratelimit(bb_str value, uint64_t now_ms, told *t) {
    uint64_t left = 0, reset = 0;
    bool has_left = false, has_reset = false;
    quoted_list list = quoted_list_of(value);
    for (bb_str part; quoted_next(&list, ',', &part);) {
        has_left = parameter(part, STR("remaining"), &left) || has_left;
        has_reset = parameter(part, STR("reset"), &reset) || has_reset;
        read_item(part, now_ms, t);
    }
    if (has_left && has_reset)
        take(t, left, reset_from_now(reset, now_ms));
}

/* --- pairs of fields --------------------------------------------------------------------------------- */

static bb_str field(const str_pair *fields, size_t n, const char *prefix, const char *name) {
    size_t len = strlen(prefix);
    for (size_t i = 0; i < n; i++) {
        bb_str f = fields[i].name;
        if (f.len == len + strlen(name) && str_eq_nocase(str_of(f.ptr, len), str_from(prefix)) &&
            str_eq_nocase(str_of(f.ptr + len, f.len - len), str_from(name)))
            return fields[i].value;
    }
    return (bb_str){NULL, 0};
}

/* Seconds from now with a fraction, "4.321": what is beyond milliseconds is cut off. */
static bool seconds_after(bb_str value, uint64_t *ms) {
    uint64_t thousandth = 100;
    const char *dot = value.len > 0 ? memchr(value.ptr, '.', value.len) : NULL;
    if (!leading_number(value, ms))
        return false;
    *ms = *ms < DAY_MS / 1000 ? *ms * 1000 : DAY_MS;
    for (const char *c = dot; c != NULL && ++c < value.ptr + value.len && *c >= '0' && *c <= '9';
         thousandth /= 10)
        *ms += (uint64_t)(*c - '0') * thousandth;
    return true;
}

static void read_pair(const str_pair *fields, size_t n, const char *prefix, uint64_t now_ms, told *t) {
    uint64_t left, reset;
    if (!leading_number(field(fields, n, prefix, "Remaining"), &left))
        return;
    if (seconds_after(field(fields, n, prefix, "Reset-After"),
                      &reset)) /* no clock has to agree with another */
        take(t, left, reset < DAY_MS ? reset : DAY_MS);
    else if (leading_number(field(fields, n, prefix, "Reset"), &reset))
        take(t, left, reset_from_now(reset, now_ms));
}

/* A 429 that names a bucket or a scope other than "global" is about that alone. */
static void read_bucket(const str_pair *fields, size_t n, told *t) {
    static const char prefix[] = "X-RateLimit-";
    bb_str scope = str_trim(field(fields, n, prefix, "Scope"));
    bool global = str_eq_nocase(str_trim(field(fields, n, prefix, "Global")), STR("true")) ||
                  str_eq_nocase(scope, STR("global"));
    t->bucket = str_trim(field(fields, n, prefix, "Bucket"));
    t->whole = global || (t->bucket.len == 0 && scope.len == 0);
    leading_number(field(fields, n, prefix, "Limit"), &t->limit);
}

static bool starts_with_ratelimit(bb_str name) {
    return name.len >= 9 && (str_eq_nocase(str_of(name.ptr, 4), STR("rate")) ||
                             str_eq_nocase(str_of(name.ptr, 6), STR("x-rate")));
}

void told_read(const str_pair *fields, size_t count, unsigned status, uint64_t now_ms, told *out) {
    static const char *const prefixes[] = {"RateLimit-", "X-RateLimit-", "X-Rate-Limit-"};
    bool any = false;
    *out = (told){.whole = true};
    for (size_t i = 0; i < count; i++) {
        any = any || starts_with_ratelimit(fields[i].name);
        if ((status == 429 || status == 503) && str_eq_nocase(fields[i].name, STR("Retry-After")))
            retry_after_ms(fields[i].value, now_ms, &out->wait_ms);
    }
    if (out->wait_ms > DAY_MS)
        out->wait_ms = DAY_MS;
    if (!any)
        return;
    for (size_t i = 0; i < count; i++) /* a list may come in several fields (RFC 9110 section 5.3) */
        if (str_eq_nocase(fields[i].name, STR("RateLimit")))
            read_ratelimit(fields[i].value, now_ms, out);
    for (size_t i = 0; !out->has_left && i < sizeof prefixes / sizeof prefixes[0]; i++)
        read_pair(fields, count, prefixes[i], now_ms, out);
    read_bucket(fields, count, out);
}
