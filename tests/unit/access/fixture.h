/* fixture.h - keys over a store in a folder of their own. */
#ifndef ACCESS_FIXTURE_H
#define ACCESS_FIXTURE_H

#include "store/fixture.h"

#include "access/internal.h"
#include "base/clock.h"

#define NOW 1769860800000ull /* 2026-01-31T12:00:00Z */
#define NOW_NS 5000000000000ull
#define DAY_MS 86400000ull

#define ADMIN_KEY "bb_admin_0123456789abcdef0123456789abcdef"

typedef struct gate {
    fixture f;
    quota_book *book;
    access_keys *keys;
    err e;
    problem p;
    principal *made; /* by the last gate_make */
} gate;

static inline void gate_keys(gate *g) {
    g->book = quota_book_new();
    g->keys = access_new(g->book);
    ck_assert(g->book != NULL && g->keys != NULL);
    ck_assert(access_add_admin(g->keys, STR(ADMIN_KEY)));
}

static inline void gate_open(gate *g) {
    *g = (gate){.p = PROBLEM_NONE};
    fixture_open(&g->f);
    gate_keys(g);
}

static inline void gate_forget(gate *g) {
    access_free(g->keys);
    quota_book_free(g->book);
}

/* As the hub does it at its start. */
static inline void gate_restart(gate *g) {
    gate_forget(g);
    fixture_reopen(&g->f);
    gate_keys(g);
    ck_assert_int_eq(access_load(g->keys, g->f.s), STORE_OK);
}

static inline void gate_close(gate *g) {
    gate_forget(g);
    fixture_close(&g->f);
}

/* The key's text, or absent: then g->e and g->p say why. */
static inline bb_str gate_make(gate *g, const char *wish) {
    json_error at;
    const json_value *v = json_read(g->f.a, str_from(wish), NULL, &at);
    ck_assert_msg(v != NULL, "%s: %s", wish, at.reason);
    g->e.text[0] = '\0';
    g->p = PROBLEM_NONE;
    g->made = NULL;
    return access_create(g->keys, g->f.s, v, NOW, g->f.a, &g->made, &g->p, &g->e);
}

static inline bb_str gate_made(gate *g, const char *wish) {
    bb_str key = gate_make(g, wish);
    ck_assert_msg(key.ptr != NULL, "%s: %s", wish, g->e.text);
    return key;
}

/* A copy of `key` with one byte changed. */
static inline bb_str spoilt(arena *a, bb_str key, size_t at) {
    bb_str copy = arena_copy(a, key);
    ((char *)(uintptr_t)copy.ptr)[at] ^= 1;
    return copy;
}

#endif
