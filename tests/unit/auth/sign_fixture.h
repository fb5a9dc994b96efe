/* sign_fixture.h - requests for the signing schemes, and what they must add. */
#ifndef UNIT_AUTH_SIGN_FIXTURE_H
#define UNIT_AUTH_SIGN_FIXTURE_H

#include "auth/sign.h"
#include "unit.h"

static inline void expect_str(bb_str got, const char *wanted) {
    ck_assert_msg(str_eq(got, str_from(wanted)), "got:\n%.*s\nwanted:\n%s", STR_FMT(got), wanted);
}

/* The one header field that was added. */
static inline void expect_only(const sign_addition *added, const char *wanted) {
    ck_assert_uint_eq(added->header_count, 1);
    ck_assert_ptr_null(added->query.ptr);
    ck_assert_str_eq(added->headers[0].ptr, wanted); /* a NUL stands behind */
    expect_str(added->headers[0], wanted);
}

static inline bool contains(bb_str text, const char *part) {
    return text.len > 0 && memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

/* An arena that has room for `left` bytes more, in pieces of 16: to see what comes of too little memory. */
static inline arena *arena_with(size_t left) {
    arena *a = arena_new(1); /* its first block, and no other */
    size_t room = 0;
    while (arena_alloc(a, 16) != NULL)
        room += 16;
    arena_free(a);
    a = arena_new(1);
    for (size_t used = 0; used + left < room; used += 16)
        ck_assert_ptr_nonnull(arena_alloc(a, 16));
    return a;
}

/* Tries with ever more memory until it succeeds: each failure must be told as one. */
static inline void torture(bool (*attempt)(arena *a)) {
    bool ok = false;
    size_t left = 0;
    for (; !ok && left < 4096; left += 16) {
        arena *a = arena_with(left);
        ok = attempt(a);
        arena_free(a);
    }
    ck_assert(ok);
    ck_assert_uint_gt(left, 16);
}

#endif
