/* Slices, arenas, buffers. */
#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"

#include <string.h>

START_TEST(durations_have_a_unit) {
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {{"250ms", 250}, {"30s", 30000}, {"5m", 300000}, {"2h", 7200000}, {"1d", 86400000}, {"0s", 0}};
    static const char *const bad[] = {
        "", "5", "s", "5 s", "-1s", "1.5s", "99999999999999999999s", "18446744073709551615d", "5S"};
    uint64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert(str_to_duration_ms(str_from(good[i].text), &ms) && ms == good[i].ms);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!str_to_duration_ms(str_from(bad[i]), &ms), "%s", bad[i]);
}
END_TEST

START_TEST(the_nearest_name_is_a_slip_away) {
    const char *const names[] = {"token", "base_url", "timeout", NULL};
    ck_assert_str_eq(str_nearest(STR("tokn"), names), "token");
    ck_assert_str_eq(str_nearest(STR("timout"), names), "timeout");
    ck_assert_str_eq(str_nearest(STR("baseurl"), names), "base_url");
    ck_assert_ptr_null(str_nearest(STR("colour"), names));
}
END_TEST

START_TEST(splitting_gives_empty_parts_too) {
    bb_str rest = STR("a,,b,"), part;
    char all[16] = "";
    while (str_split(&rest, ',', &part)) {
        strncat(all, part.ptr, part.len);
        strcat(all, "|");
    }
    ck_assert_str_eq(all, "a||b||");
}
END_TEST

START_TEST(numbers_do_not_overflow) {
    uint64_t n;
    ck_assert(str_to_u64(STR("18446744073709551615"), &n) && n == UINT64_MAX);
    ck_assert(!str_to_u64(STR("18446744073709551616"), &n));
    ck_assert(!str_to_u64(STR("12a"), &n) && !str_to_u64(STR(""), &n) && !str_to_u64(STR("-1"), &n));
}
END_TEST

START_TEST(parts_are_joined) {
    static char large[200000];
    arena *a = arena_new(100000);
    const bb_str parts[] = {STR("https://"), {NULL, 0}, STR("host"), STR("/x")};
    bb_str joined = arena_join(a, parts, 4);
    ck_assert(str_eq(joined, STR("https://host/x")) && joined.ptr[joined.len] == '\0');
    joined = arena_join(a, NULL, 0);
    ck_assert(joined.ptr != NULL && joined.len == 0);
    const bb_str too_much[] = {STR("x"), str_of(large, sizeof large)};
    ck_assert_ptr_null(arena_join(a, too_much, 2).ptr);
    arena_free(a);
}
END_TEST

START_TEST(an_arena_keeps_its_limit_and_its_alignment) {
    arena *a = arena_new(100000);
    for (int i = 1; i < 200; i++)
        ck_assert_uint_eq((uintptr_t)arena_alloc(a, (size_t)i) % 16, 0);
    ck_assert_ptr_null(arena_alloc(a, 200000));
    ck_assert_ptr_null(arena_alloc(a, SIZE_MAX));
    arena_reset(a);
    ck_assert_uint_eq(arena_used(a), 0);
    char *p = arena_alloc(a, 10);
    memcpy(p, "0123456789", 10);
    char *in_place = arena_grow(a, p, 10, 100);
    ck_assert_ptr_eq(in_place, p);
    arena_alloc(a, 1);
    char *moved = arena_grow(a, in_place, 100, 50000);
    ck_assert_ptr_ne(moved, p);
    ck_assert_int_eq(memcmp(moved, "0123456789", 10), 0);
    arena_free(a);
}
END_TEST

START_TEST(a_buffer_that_fails_says_so_once) {
    buf b = {.limit = 8};
    buf_lit(&b, "12345678");
    ck_assert(!b.failed);
    buf_char(&b, '9');
    ck_assert(b.failed);
    buf_lit(&b, "x");
    ck_assert_uint_eq(b.len, 8);
    buf_free(&b);
}
END_TEST

START_TEST(times_are_written_as_rfc_3339) {
    char text[CLOCK_RFC3339_SIZE];
    clock_rfc3339(1769860800123u, text);
    ck_assert_str_eq(text, "2026-01-31T12:00:00.123Z");
}
END_TEST

UNIT_MAIN(parts_are_joined, durations_have_a_unit, the_nearest_name_is_a_slip_away,
          splitting_gives_empty_parts_too, numbers_do_not_overflow,
          an_arena_keeps_its_limit_and_its_alignment, a_buffer_that_fails_says_so_once,
          times_are_written_as_rfc_3339)
