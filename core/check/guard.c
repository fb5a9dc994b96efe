#include "check/guard.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MARK 0xC3u

static guarded *map_piece(guarded **list, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), rounded = (size + 15) & ~(size_t)15;
    size_t used = (rounded + page - 1) / page * page;
    guarded *g = malloc(sizeof *g);
    void *map = g != NULL
                    ? mmap(NULL, used + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                    : MAP_FAILED;
    if (map == MAP_FAILED || mprotect((char *)map + used, page, PROT_NONE) != 0) {
        if (map != MAP_FAILED)
            munmap(map, used + page);
        free(g);
        return NULL;
    }
    *g = (guarded){.next = *list, .map = map, .map_size = used + page, .size = size};
    g->bytes = g->map + used - rounded;
    *list = g;
    return g;
}

void *guard_alloc(guarded **list, size_t size, unsigned char fill) {
    guarded *g = size <= (size_t)1 << 30 ? map_piece(list, size) : NULL;
    if (g == NULL)
        return NULL;
    memset(g->bytes, fill, size);
    memset(g->bytes + size, MARK, ((size + 15) & ~(size_t)15) - size);
    return g->bytes;
}

/* No alignment is promised for texts: the last byte is the last of its page. */
bb_str guard_text(guarded **list, bb_str text) {
    guarded *g = map_piece(list, text.len);
    if (g == NULL)
        return (bb_str){NULL, 0};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    g->size = (text.len + 15) & ~(size_t)15; /* nothing to look at behind it */
    unsigned char *bytes = g->map + g->map_size - page - text.len;
    if (text.len > 0)
        memcpy(bytes, text.ptr, text.len);
    mprotect(g->map, g->map_size - page, PROT_READ);
    return str_of(bytes, text.len);
}

bool guard_intact(const guarded *list) {
    for (const guarded *g = list; g != NULL; g = g->next)
        for (size_t i = g->size; i < ((g->size + 15) & ~(size_t)15); i++)
            if (g->bytes[i] != MARK)
                return false;
    return true;
}

void guard_release(guarded **list, bb_str text) {
    for (guarded **g = list; *g != NULL; g = &(*g)->next) {
        guarded *found = *g;
        const unsigned char *at_ = (const unsigned char *)text.ptr;
        if (at_ < found->map || at_ >= found->map + found->map_size)
            continue;
        *g = found->next;
        munmap(found->map, found->map_size);
        free(found);
        return;
    }
}

void guard_free(guarded **list) {
    while (*list != NULL) {
        guarded *g = *list;
        *list = g->next;
        munmap(g->map, g->map_size);
        free(g);
    }
}
