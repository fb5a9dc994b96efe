#include "base/clock.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

typedef uint64_t (*look)(void);
static _Atomic(look) monotonic, wall, boot;

void clock_inject(clock_source source) {
    atomic_store(&monotonic, source.ns);
    atomic_store(&wall, source.wall_ms);
    atomic_store(&boot, source.boot_ns);
}

static look injected(_Atomic(look) *which) {
    return atomic_load_explicit(which, memory_order_relaxed);
}

uint64_t clock_ns(void) {
    look other = injected(&monotonic);
    if (other != NULL)
        return other();
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_boot_ns(void) {
    look other = injected(&boot), wall_ms = injected(&wall);
    if (other != NULL)
        return other();
    if (wall_ms != NULL)
        return wall_ms() * 1000000u;
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_wall_ns(void) {
    look wall_ms = injected(&wall);
    if (wall_ms != NULL)
        return wall_ms() * 1000000u;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_wall_ms(void) {
    return clock_wall_ns() / 1000000u;
}

static char *put_number(char *at, int n, int width, char behind) {
    for (int i = width; i-- > 0; n /= 10)
        at[i] = (char)('0' + n % 10);
    at[width] = behind;
    return at + width + 1;
}

/* Not by strftime: every event that comes in has its time. */
void clock_rfc3339(uint64_t wall_ms, char out[CLOCK_RFC3339_SIZE]) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm = {0};
    if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 9999 - 1900) {
        memcpy(out, "0000-00-00T00:00:00.000Z", CLOCK_RFC3339_SIZE);
        return;
    }
    char *at = put_number(out, tm.tm_year + 1900, 4, '-');
    at = put_number(at, tm.tm_mon + 1, 2, '-');
    at = put_number(at, tm.tm_mday, 2, 'T');
    at = put_number(at, tm.tm_hour, 2, ':');
    at = put_number(at, tm.tm_min, 2, ':');
    at = put_number(at, tm.tm_sec, 2, '.');
    at = put_number(at, (int)(wall_ms % 1000), 3, 'Z');
    *at = '\0';
}

/* `n` digits at *s as a number; they are cut off. */
static bool digits(bb_str *s, size_t n, int *out) {
    if (s->len < n)
        return false;
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9')
            return false;
        *out = *out * 10 + (s->ptr[i] - '0');
    }
    *s = str_of(s->ptr + n, s->len - n);
    return true;
}

static bool cut(bb_str *s, const char *any) {
    if (s->len == 0 || strchr(any, s->ptr[0]) == NULL)
        return false;
    *s = str_of(s->ptr + 1, s->len - 1);
    return true;
}

/* "Z", or "+01:00" as seconds east. */
static bool offset(bb_str *s, int *out) {
    int hours, minutes, sign = s->len > 0 && s->ptr[0] == '-' ? -1 : 1;
    *out = 0;
    if (cut(s, "Zz"))
        return true;
    bool ok = cut(s, "+-") && digits(s, 2, &hours) && cut(s, ":") && digits(s, 2, &minutes) && hours < 24 &&
              minutes < 60;
    if (ok)
        *out = sign * (hours * 3600 + minutes * 60);
    return ok;
}

/* ".5": milliseconds; further digits are passed over. None at all is no fraction. */
static bool fraction(bb_str *s, int *thousandths) {
    int digit, place = 100;
    if (!cut(s, "."))
        return true;
    size_t before = s->len;
    for (; digits(s, 1, &digit); place /= 10)
        *thousandths += digit * place;
    return s->len < before;
}

/* A date, or a date and a time: so many seconds since 1970, also before. */
static bool read_time(bb_str text, int64_t *seconds, int *thousandths) {
    struct tm tm = {0};
    int east = 0;
    if (!digits(&text, 4, &tm.tm_year) || !cut(&text, "-") || !digits(&text, 2, &tm.tm_mon) ||
        !cut(&text, "-") || !digits(&text, 2, &tm.tm_mday) || tm.tm_mon < 1 || tm.tm_mon > 12 ||
        tm.tm_mday < 1 || tm.tm_mday > 31)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    if (text.len > 0) {
        if (!cut(&text, "Tt ") || !digits(&text, 2, &tm.tm_hour) || !cut(&text, ":") ||
            !digits(&text, 2, &tm.tm_min) || !cut(&text, ":") || !digits(&text, 2, &tm.tm_sec))
            return false;
        if (!fraction(&text, thousandths) || !offset(&text, &east) || tm.tm_hour > 23 || tm.tm_min > 59 ||
            tm.tm_sec > 60)
            return false;
    }
    int day = tm.tm_mday, leap = tm.tm_sec == 60;
    tm.tm_sec -= leap; /* a leap second is the next minute's first to a clock that has none */
    *seconds = (int64_t)timegm(&tm) - east + leap;
    return text.len == 0 && tm.tm_mday == day; /* timegm makes March of February 30 */
}

bool clock_from_rfc3339(bb_str text, uint64_t *wall_ms) {
    int64_t seconds;
    int thousandths = 0;
    if (!read_time(text, &seconds, &thousandths) || seconds < 0)
        return false;
    *wall_ms = seconds > 0 ? (uint64_t)seconds * 1000u + (uint64_t)thousandths : 0;
    return true;
}

bool clock_is_rfc3339(bb_str text) {
    int64_t seconds;
    int thousandths = 0;
    return text.len > 10 && text.ptr[10] != ' ' && read_time(text, &seconds, &thousandths);
}
