#include "registry/connection.h"

#include <stdlib.h>

connection_stats *connection_stats_new(void) {
    connection_stats *s = calloc(1, sizeof *s);
    if (s != NULL) {
        s->refs = 1;
        s->retry_tokens = 1000;
    }
    return s;
}

void connection_stats_unref(connection_stats *s) {
    if (s != NULL && --s->refs == 0)
        free(s);
}

/* Credentials do not stay behind in freed memory. */
static void wipe(const auth *a) {
    for (size_t i = 0; i < a->secret_count; i++)
        explicit_bzero((char *)(uintptr_t)a->secrets[i].ptr, a->secrets[i].len);
    explicit_bzero((char *)(uintptr_t)a->header.ptr, a->header.len);
    explicit_bzero((char *)(uintptr_t)a->query.ptr, a->query.len);
}

void connection_free(connection *c) {
    if (c == NULL)
        return;
    instance_destroy(&c->instance);
    wipe(&c->auth);
    connection_stats_unref(c->stats);
    free(c->holds);
    arena_free(c->memory);
    free(c);
}
