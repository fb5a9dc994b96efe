/* When a target takes deliveries, by UTC and by the clocks of a zone; the zones themselves against what the C
 * library makes of the same files. */
#include "unit.h"
#include <busbar/busbar.h>

#include "base/clock.h"
#include "webhook/window.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define HOUR 3600000ull
#define DAY (24 * HOUR)

static uint64_t at(const char *text) {
    uint64_t ms;
    ck_assert_msg(clock_from_rfc3339(str_from(text), &ms), "%s", text);
    return ms;
}

static delivery_window window(arena *a, const char *schedule, const char *zone_name) {
    delivery_window w;
    err e = {""};
    ck_assert_msg(window_read(str_from(schedule), &w), "%s", schedule);
    if (zone_name != NULL) {
        w.zone = zone_read(a, str_from(zone_name), &e);
        ck_assert_msg(w.zone != NULL, "%s", e.text);
    }
    return w;
}

static void opens(const delivery_window *w, const char *now, const char *then) {
    uint64_t wait = window_wait_ms(w, at(now));
    char said[CLOCK_RFC3339_SIZE];
    clock_rfc3339(at(now) + wait, said);
    ck_assert_msg(at(now) + wait == at(then), "from %s on: opens %s, not %s", now, said, then);
}

START_TEST(a_window_of_utc_and_of_an_offset) {
    delivery_window w = window(NULL, "Mon-Fri 09:00-17:00, Sat 22:00-02:00", NULL);
    opens(&w, "2026-03-02T08:59:59Z", "2026-03-02T09:00:00Z");
    opens(&w, "2026-03-02T16:59:59Z", "2026-03-02T16:59:59Z");
    opens(&w, "2026-03-06T17:00:00Z", "2026-03-07T22:00:00Z");
    opens(&w, "2026-03-08T01:59:00Z", "2026-03-08T01:59:00Z");
    opens(&w, "2026-03-08T02:00:00Z", "2026-03-09T09:00:00Z");
    w = window(NULL, "Mon 09:00-17:00 +02:00", NULL);
    opens(&w, "2026-03-02T06:00:00Z", "2026-03-02T07:00:00Z");
    ck_assert(w.fixed);
}
END_TEST

/* Central Europe: 2026-03-29 from 02:00 to 03:00, 2026-10-25 from 03:00 back to 02:00, both at 01:00 UTC. */
START_TEST(a_window_follows_summer_time) {
    arena *a = arena_new(0);
    delivery_window w = window(a, "Mon-Fri 09:00-17:00", "Europe/Berlin");
    opens(&w, "2026-03-27T16:00:00Z", "2026-03-30T07:00:00Z"); /* Friday in winter, Monday in summer */
    opens(&w, "2026-03-27T15:59:00Z", "2026-03-27T15:59:00Z");
    opens(&w, "2026-10-23T15:00:00Z", "2026-10-26T08:00:00Z"); /* and back */
    w = window(a, "Sun 02:30-04:00", "Europe/Berlin");
    opens(&w, "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"); /* 02:30 is left out: at 03:00 */
    opens(&w, "2026-03-29T02:00:00Z", "2026-04-05T00:30:00Z");
    opens(&w, "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"); /* 02:30 of summer time */
    opens(&w, "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"); /* 02:00 once more, of winter time */
    opens(&w, "2026-10-25T02:59:00Z", "2026-10-25T02:59:00Z");
    opens(&w, "2026-10-25T03:00:00Z", "2026-11-01T01:30:00Z");
    w = window(a, "Sun 02:10-02:50", "Europe/Berlin"); /* all of it is left out: not this week */
    opens(&w, "2026-03-29T00:00:00Z", "2026-04-05T00:10:00Z");
    w = window(a, "Mon 00:00-01:00", "Pacific/Kiritimati"); /* 14 hours east */
    opens(&w, "2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z");
    w = window(a, "Mon 00:00-01:00", "America/St_Johns"); /* half an hour */
    opens(&w, "2026-07-06T00:00:00Z", "2026-07-06T02:30:00Z");
    w = window(a, "Fri 10:00-11:00", "UTC");
    opens(&w, "2026-07-06T00:00:00Z", "2026-07-10T10:00:00Z");
    arena_free(a);
}
END_TEST

/* The C library reads them too, one at a time. Far in the future it is the rule that says, not the table. */
START_TEST(zones_are_as_the_c_library_has_them) {
    static const char *const names[] = {"Europe/Berlin",
                                        "America/New_York",
                                        "Europe/Dublin",
                                        "Asia/Kolkata",
                                        "Asia/Tehran",
                                        "Australia/Lord_Howe",
                                        "America/Santiago",
                                        "Africa/Cairo",
                                        "Asia/Gaza",
                                        "Pacific/Auckland",
                                        "UTC",
                                        "America/Godthab"};
    arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        err e = {""};
        const zone *z = zone_read(a, str_from(names[i]), &e);
        ck_assert_msg(z != NULL, "%s: %s", names[i], e.text);
        setenv("TZ", names[i], 1);
        tzset();
        for (time_t t = -1500000000; t < 4100000000; t += 1234577) {
            int64_t until;
            struct tm tm;
            int32_t east = zone_offset(z, t, &until);
            localtime_r(&t, &tm);
            ck_assert_msg(east == tm.tm_gmtoff, "%s at %lld: %d, not %ld", names[i], (long long)t, east,
                          tm.tm_gmtoff);
            ck_assert_int_gt(until, t);
            time_t last = until - 1;
            if (until != ZONE_ALWAYS && until < 4100000000) {
                localtime_r(&last, &tm);
                ck_assert_int_eq(tm.tm_gmtoff, east);
            }
        }
    }
    arena_free(a);
}
END_TEST

START_TEST(what_is_no_zone_is_refused) {
    static const char *const names[] = {"Europe/Nowhere", "../../etc/passwd", "/etc/passwd",   "",
                                        "Europe",         "zone.tab",         "Europe/Ber lin"};
    arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        err e = {""};
        ck_assert_msg(zone_read(a, str_from(names[i]), &e) == NULL, "%s", names[i]);
        ck_assert_str_ne(e.text, "");
    }
    arena_free(a);
}
END_TEST

/* A file cut anywhere, or with a byte changed, is refused or read, and nothing else. */
START_TEST(damaged_files_do_no_harm) {
    static char bytes[65536], copy[65536];
    FILE *f = fopen("/usr/share/zoneinfo/America/New_York", "rb");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (size_t len = 0; len <= n; len++) {
        arena *a = arena_new(0);
        char *exact = malloc(len + 1);
        memcpy(exact, bytes, len);
        const zone *z = zone_from(a, str_of(exact, len));
        ck_assert((z != NULL) == (len == n));
        free(exact);
        arena_free(a);
    }
    for (size_t i = 0; i < n; i++) {
        arena *a = arena_new(0);
        int64_t until;
        memcpy(copy, bytes, n);
        copy[i] = (char)(copy[i] ^ (1 << i % 8));
        const zone *z = zone_from(a, str_of(copy, n));
        if (z != NULL)
            zone_offset(z, 1790000000, &until);
        arena_free(a);
    }
}
END_TEST

UNIT_MAIN(unit_test(a_window_of_utc_and_of_an_offset), unit_test(a_window_follows_summer_time),
          unit_test(zones_are_as_the_c_library_has_them), unit_test(what_is_no_zone_is_refused),
          unit_test(damaged_files_do_no_harm))
