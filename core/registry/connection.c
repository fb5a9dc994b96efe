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
static void wipe(bb_str secret) {
    if (secret.len > 0)
        explicit_bzero((char *)(uintptr_t)secret.ptr, secret.len);
}

static void wipe_auth(const auth *a) {
    for (size_t i = 0; i < a->secret_count; i++)
        wipe(a->secrets[i]);
    wipe(a->header);
    wipe(a->query);
}

void connection_free(connection *c) {
    if (c == NULL)
        return;
    instance_destroy(&c->instance);
    wipe_auth(&c->auth);
    connection_stats_unref(c->stats);
    if (c->upstream != NULL)
        upstream_unref(c->upstreams, c->upstream);
    free(c->holds);
    arena_free(c->memory);
    free(c);
}
