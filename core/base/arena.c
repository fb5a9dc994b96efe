#include "base/arena.h"

#include "base/gate.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 16u
#define FIRST_BLOCK 8192u       /* holds what an ordinary call takes */
#define LARGEST_STEP (1u << 20) /* blocks double up to here, then fit what is asked */

typedef struct block block;
struct block {
    block *older;
    size_t size; /* of data */
    size_t used;
    size_t unused; /* keeps data aligned to 16 */
    unsigned char data[];
};

struct arena {
    block *newest;
    block *first; /* kept by arena_reset; NULL: nothing has been taken yet */
    size_t held;  /* bytes of all blocks' data */
    size_t taken; /* bytes given out since the last reset */
    size_t limit; /* of `held`; 0: none */
    size_t first_size;
};

static block *block_new(size_t size, block *older) {
    block *b = malloc(sizeof *b + size);
    if (b != NULL)
        *b = (block){.older = older, .size = size};
    return b;
}

static block nothing; /* never written: full with its 0 bytes */

/* The first block comes with the first piece: an arena that nobody takes from costs next to nothing, and of a
 * thousand calls under way many have such. */
arena *arena_new_sized(size_t limit, size_t first_block) {
    arena *a = malloc(sizeof *a);
    if (a != NULL)
        *a = (arena){.newest = &nothing, .limit = limit, .first_size = first_block};
    return a;
}

arena *arena_new(size_t limit) {
    return arena_new_sized(limit, FIRST_BLOCK);
}

static void free_down_to(block *b, const block *last) {
    while (b != last) {
        block *older = b->older;
        free(b);
        b = older;
    }
}

void arena_reset(arena *a) {
    if (a->first == NULL)
        return;
    free_down_to(a->newest, a->first);
    a->newest = a->first;
    a->first->used = 0;
    a->held = a->first->size;
    a->taken = 0;
}

void arena_free(arena *a) {
    if (a == NULL)
        return;
    if (a->first != NULL)
        free_down_to(a->newest, NULL);
    free(a);
}

static bool begin(arena *a) {
    block *b = block_new(a->first_size, NULL);
    if (b == NULL)
        return false;
    a->newest = a->first = b;
    a->held = a->first_size;
    return true;
}

/* A block with room for `bytes`, twice as large as the last one. */
static block *grow(arena *a, size_t bytes) {
    if (a->first == NULL) {
        if (!begin(a))
            return NULL;
        if (a->newest->size >= bytes)
            return a->newest;
    }
    size_t size = a->newest->size < LARGEST_STEP ? a->newest->size * 2 : LARGEST_STEP;
    if (size < bytes)
        size = bytes;
    if (a->limit != 0 && size > a->limit - (a->held < a->limit ? a->held : a->limit))
        size = bytes;
    if (a->limit != 0 && (a->held > a->limit || size > a->limit - a->held))
        return NULL;
    block *b = block_new(size, a->newest);
    if (b == NULL)
        return NULL;
    a->held += size;
    a->newest = b;
    return b;
}

static bool round_up(size_t *bytes) {
    if (*bytes > SIZE_MAX / 2)
        return false;
    *bytes = *bytes == 0 ? ALIGN : (*bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    return true;
}

void *arena_alloc(arena *a, size_t bytes) {
    if (!memory_gate() || !round_up(&bytes))
        return NULL;
    block *b = a->newest;
    if (b->size - b->used < bytes) {
        b = grow(a, bytes);
        if (b == NULL)
            return NULL;
    }
    void *piece = b->data + b->used;
    b->used += bytes;
    a->taken += bytes;
    return piece;
}

void *arena_zalloc(arena *a, size_t bytes) {
    void *piece = arena_alloc(a, bytes);
    if (piece != NULL)
        memset(piece, 0, bytes);
    return piece;
}

void *arena_grow(arena *a, void *piece, size_t old, size_t bytes) {
    size_t old_rounded = old, rounded = bytes;
    if (piece == NULL)
        return arena_alloc(a, bytes);
    if (!round_up(&old_rounded) || !round_up(&rounded))
        return NULL;
    if (rounded <= old_rounded)
        return piece;
    block *b = a->newest;
    bool is_last = (unsigned char *)piece + old_rounded == b->data + b->used;
    if (is_last && b->size - b->used >= rounded - old_rounded) {
        b->used += rounded - old_rounded;
        a->taken += rounded - old_rounded;
        return piece;
    }
    void *moved = arena_alloc(a, bytes);
    if (moved != NULL)
        memcpy(moved, piece, old);
    return moved;
}

bb_str arena_copy(arena *a, bb_str s) {
    char *copy = s.len < SIZE_MAX ? arena_alloc(a, s.len + 1) : NULL;
    if (copy == NULL)
        return (bb_str){NULL, 0};
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return (bb_str){copy, s.len};
}

bb_str arena_join(arena *a, const bb_str *parts, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += parts[i].len;
    char *out = arena_alloc(a, n + 1), *at = out;
    if (out == NULL)
        return (bb_str){NULL, 0};
    for (size_t i = 0; i < count; at += parts[i++].len)
        if (parts[i].len > 0)
            memcpy(at, parts[i].ptr, parts[i].len);
    *at = '\0';
    return (bb_str){out, n};
}

char *arena_strdup(arena *a, bb_str s) {
    return (char *)arena_copy(a, s).ptr;
}

bb_str arena_printf(arena *a, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n >= 0 ? arena_alloc(a, (size_t)n + 1) : NULL;
    if (text != NULL)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text != NULL ? (bb_str){text, (size_t)n} : (bb_str){NULL, 0};
}

size_t arena_used(const arena *a) {
    return a->taken;
}
