#include "webhook/zone.h"

#include "base/buf.h"
#include "base/file.h"

#include <stdlib.h>

#define FOLDER "/usr/share/zoneinfo" /* of the package tzdata */
#define FILE_MAX ((size_t)64 << 10)  /* the largest there is has 4 KiB */
#define NAME_MAX_BYTES 64u
#define DAY_S 86400
#define HEAD 44u /* RFC 8536 section 3.1 */

/* When a year's change is, as POSIX writes it: "M3.5.0/2", "J60", "59". */
typedef struct rule {
    char kind; /* 'M', 'J', or '0' for a day from 0 on */
    int month, week, day;
    int32_t time_s; /* local, from midnight on; may be of another day */
} rule;

struct zone {
    int64_t *times; /* of changes, sorted */
    int32_t *after; /* the offset from then on */
    size_t count;
    int32_t before; /* the first */
    bool has_rules, has_summer;
    int32_t standard, summer;
    rule begins, ends; /* of summer time */
};

/* --- after the last change: the footer, RFC 8536 section 3.3
 * ------------------------------------------------ */

static bool take(bb_str *s, char c) {
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = str_of(s->ptr + 1, s->len - 1);
    return true;
}

static bool take_number(bb_str *s, int most, int *out) {
    size_t n = 0;
    for (*out = 0; n < s->len && n < 4 && s->ptr[n] >= '0' && s->ptr[n] <= '9'; n++)
        *out = *out * 10 + (s->ptr[n] - '0');
    *s = str_of(s->ptr + n, s->len - n);
    return n > 0 && *out <= most;
}

/* "CET", or "<+03>" */
static bool take_name(bb_str *s) {
    bool quoted = take(s, '<');
    size_t n = 0;
    while (n < s->len &&
           (quoted ? s->ptr[n] != '>'
                   : (s->ptr[n] >= 'A' && s->ptr[n] <= 'Z') || (s->ptr[n] >= 'a' && s->ptr[n] <= 'z')))
        n++;
    *s = str_of(s->ptr + n, s->len - n);
    return n > 0 && (!quoted || take(s, '>'));
}

/* "[+-]hh[:mm[:ss]]", to 167 hours. */
static bool take_time(bb_str *s, int32_t *out) {
    int hours, minutes = 0, seconds = 0, sign = take(s, '-') ? -1 : 1;
    if (sign > 0)
        take(s, '+');
    if (!take_number(s, 167, &hours) ||
        (take(s, ':') && (!take_number(s, 59, &minutes) || (take(s, ':') && !take_number(s, 59, &seconds)))))
        return false;
    *out = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool take_rule(bb_str *s, rule *out) {
    *out = (rule){.kind = '0', .time_s = 7200};
    bool ok;
    if (take(s, 'M')) {
        out->kind = 'M';
        ok = take_number(s, 12, &out->month) && out->month > 0 && take(s, '.') &&
             take_number(s, 5, &out->week) && out->week > 0 && take(s, '.') && take_number(s, 6, &out->day);
    } else {
        out->kind = take(s, 'J') ? 'J' : '0';
        ok = take_number(s, 365, &out->day) && (out->kind == '0' || out->day > 0);
    }
    return ok && (!take(s, '/') || take_time(s, &out->time_s));
}

static bool read_footer(zone *z, bb_str s) {
    int32_t west;
    if (s.len == 0)
        return true;
    if (!take_name(&s) || !take_time(&s, &west))
        return false;
    z->has_rules = true;
    z->standard = -west;
    if (s.len == 0)
        return true;
    z->has_summer = true;
    z->summer = z->standard + 3600;
    if (!take_name(&s))
        return false;
    if (s.len > 0 && s.ptr[0] != ',') {
        if (!take_time(&s, &west))
            return false;
        z->summer = -west;
    }
    return take(&s, ',') && take_rule(&s, &z->begins) && take(&s, ',') && take_rule(&s, &z->ends) &&
           s.len == 0;
}

/* --- days
 * ---------------------------------------------------------------------------------------------------- */

static bool is_leap(int64_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Since 1970-01-01 of the Gregorian calendar, also before. */
static int64_t day_of_year(int64_t year) {
    int64_t y = year - 1;
    return 365 * (year - 1970) + (y / 4 - 1969 / 4) - (y / 100 - 1969 / 100) + (y / 400 - 1969 / 400);
}

static int64_t year_of(int64_t day) {
    int64_t year = 1970 + day * 400 / 146097; /* or the one before or after */
    while (day_of_year(year) > day)
        year--;
    while (day_of_year(year + 1) <= day)
        year++;
    return year;
}

static int64_t day_of_month(int64_t year, const rule *r) {
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int64_t leap = is_leap(year),
            first = day_of_year(year) + before[r->month - 1] + (r->month > 2 ? leap : 0);
    int64_t length = before[r->month] - before[r->month - 1] + (r->month == 2 ? leap : 0);
    int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday, and Sunday is 0 */
    int64_t day = (r->day - weekday + 7) % 7 + 7 * (r->week - 1);
    while (day >= length) /* week 5 is the last one */
        day -= 7;
    return first + day;
}

/* In UTC, of that year, where the offset until then is `east`. */
static int64_t moment_of(const rule *r, int64_t year, int32_t east) {
    int64_t day = r->kind == 'M'   ? day_of_month(year, r)
                  : r->kind == 'J' ? day_of_year(year) + r->day - 1 + (is_leap(year) && r->day > 59)
                                   : day_of_year(year) + r->day;
    return day * DAY_S + r->time_s - east;
}

static int32_t by_rules(const zone *z, int64_t utc_s, int64_t *until_s) {
    *until_s = ZONE_ALWAYS;
    if (!z->has_summer)
        return z->standard;
    int64_t year = year_of(utc_s / DAY_S - (utc_s % DAY_S < 0)), last = INT64_MIN;
    int32_t east = z->standard;
    for (int64_t y = year - 1; y <= year + 1; y++) {
        const struct {
            int64_t at;
            int32_t east;
        } changes[] = {{moment_of(&z->begins, y, z->standard), z->summer},
                       {moment_of(&z->ends, y, z->summer), z->standard}};
        for (int i = 0; i < 2; i++) {
            if (changes[i].at <= utc_s && changes[i].at >= last) {
                last = changes[i].at;
                east = changes[i].east;
            } else if (changes[i].at > utc_s && changes[i].at < *until_s) {
                *until_s = changes[i].at;
            }
        }
    }
    return east;
}

/* --- the file
 * ------------------------------------------------------------------------------------------------ */

static uint64_t big_endian(const char *p, size_t n) {
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | (uint8_t)p[i];
    return v;
}

typedef struct header {
    char version;
    uint32_t utc, standard, leaps, times, types, chars;
} header;

static bool read_header(bb_str s, header *h) {
    if (s.len < HEAD || memcmp(s.ptr, "TZif", 4) != 0)
        return false;
    uint32_t n[6];
    for (size_t i = 0; i < 6; i++)
        n[i] = (uint32_t)big_endian(s.ptr + 20 + 4 * i, 4);
    *h = (header){s.ptr[4], n[0], n[1], n[2], n[3], n[4], n[5]};
    for (size_t i = 0; i < 6; i++)
        if (n[i] > FILE_MAX)
            return false;
    return h->types > 0 && h->types < 256;
}

/* With times of `wide` bytes. */
static size_t bytes_of(const header *h, size_t wide) {
    return h->times * (wide + 1) + (size_t)h->types * 6 + h->chars + h->leaps * (wide + 4) + h->standard +
           h->utc;
}

static bool read_changes(arena *a, const header *h, bb_str s, size_t wide, zone *z) {
    const char *times = s.ptr, *indices = times + h->times * wide, *types = indices + h->times;
    z->times = arena_alloc(a, (h->times + 1) * sizeof *z->times);
    z->after = arena_alloc(a, (h->times + 1) * sizeof *z->after);
    if (z->times == NULL || z->after == NULL)
        return false;
    z->before = (int32_t)(uint32_t)big_endian(types, 4);
    z->count = h->times;
    for (size_t i = 0; i < h->times; i++) {
        uint8_t type = (uint8_t)indices[i];
        z->times[i] = wide == 8 ? (int64_t)big_endian(times + i * 8, 8)
                                : (int32_t)(uint32_t)big_endian(times + i * 4, 4);
        if (type >= h->types || (i > 0 && z->times[i] <= z->times[i - 1]))
            return false;
        z->after[i] = (int32_t)(uint32_t)big_endian(types + (size_t)type * 6, 4);
        if (z->after[i] < -26 * 3600 || z->after[i] > 26 * 3600)
            return false;
    }
    return true;
}

const zone *zone_from(arena *a, bb_str s) {
    header h;
    size_t wide = 4;
    zone *z = arena_zalloc(a, sizeof *z);
    if (z == NULL || !read_header(s, &h))
        return NULL;
    if (h.version >= '2') { /* the whole comes once more, with times of 64 bits */
        size_t first = HEAD + bytes_of(&h, 4);
        if (first > s.len)
            return NULL;
        s = str_of(s.ptr + first, s.len - first);
        wide = 8;
        if (!read_header(s, &h))
            return NULL;
    }
    size_t bytes = bytes_of(&h, wide);
    s = str_of(s.ptr + HEAD, s.len - HEAD);
    if (bytes > s.len || !read_changes(a, &h, s, wide, z))
        return NULL;
    s = str_of(s.ptr + bytes, s.len - bytes);
    bb_str footer = {NULL, 0};
    if (wide == 8 && (!take(&s, '\n') || memchr(s.ptr, '\n', s.len) == NULL || !str_split(&s, '\n', &footer)))
        return NULL;
    return read_footer(z, footer) ? z : NULL;
}

static bool is_name(bb_str name) {
    if (name.len == 0 || name.len > NAME_MAX_BYTES || name.ptr[0] == '/' ||
        memmem(name.ptr, name.len, "..", 2) != NULL)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && memchr("_+-/", c, 4) == NULL)
            return false;
    }
    return true;
}

const zone *zone_read(arena *a, bb_str name, err *e) {
    const char *folder = getenv("TZDIR");
    err why = {""};
    buf bytes;
    buf_init(&bytes);
    if (!is_name(name)) {
        err_set(e, "timezone is one of the IANA database, as Europe/Berlin");
        return NULL;
    }
    bb_str path = arena_printf(a, "%s/%.*s", folder != NULL ? folder : FOLDER, STR_FMT(name));
    const zone *z = path.ptr != NULL && file_read(path.ptr, FILE_MAX, &bytes, NULL, &why)
                        ? zone_from(a, buf_str(&bytes))
                        : NULL;
    buf_free(&bytes);
    if (z == NULL)
        err_set(
            e,
            "there is no time zone %.*s in %s: is its name that of the IANA database, as Europe/Berlin, and "
            "the package tzdata installed?",
            STR_FMT(name), folder != NULL ? folder : FOLDER);
    return z;
}

/* --- asking
 * -------------------------------------------------------------------------------------------------- */

int32_t zone_offset(const zone *z, int64_t utc_s, int64_t *until_s) {
    size_t from = 0, to = z->count; /* the first change after that moment */
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (z->times[middle] <= utc_s)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == z->count && z->has_rules)
        return by_rules(z, utc_s, until_s);
    *until_s = from < z->count ? z->times[from] : ZONE_ALWAYS;
    return from > 0 ? z->after[from - 1] : z->before;
}
