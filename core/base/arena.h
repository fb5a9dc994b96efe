/* arena.h - memory that is taken in small pieces and given back all at once: one arena a call, a document,
 * a configuration. Pieces are aligned to 16 bytes and never freed alone.
 *
 * Thread: one at a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <busbar/types.h>

typedef struct arena arena;

/* `limit` is the most bytes the arena may hold in all; 0: none. NULL: no memory. */
arena *arena_new(size_t limit);
/* With a first block of so many bytes (default 8192): for what there are thousands of and stays. */
arena *arena_new_sized(size_t limit, size_t first_block);
/* Frees all pieces but keeps the first block, for the next user. */
void arena_reset(arena *a);
void arena_free(arena *a); /* NULL is fine */

/* NULL: no memory, or the limit is reached. Zero bytes give a pointer that must not be read. */
void *arena_alloc(arena *a, size_t bytes);
void *arena_zalloc(arena *a, size_t bytes); /* zeroed */
/* Makes the piece given last longer in place where it fits, else moves it. `old` is its size now. */
void *arena_grow(arena *a, void *piece, size_t old, size_t bytes);

/* Copies, with a NUL behind. {NULL, 0} and NULL: no memory. */
bb_str arena_copy(arena *a, bb_str s);
/* The parts, one after the other; where that is all, it is a tenth of the work of arena_printf. */
bb_str arena_join(arena *a, const bb_str *parts, size_t count);
char *arena_strdup(arena *a, bb_str s);
/* As printf, NUL-terminated. */
__attribute__((format(printf, 2, 3))) bb_str arena_printf(arena *a, const char *format, ...);

size_t arena_used(const arena *a); /* bytes taken since the last reset */

#endif
