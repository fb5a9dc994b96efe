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

void connection_free(connection *c) {
    if (c == NULL)
        return;
    instance_destroy(&c->instance);
    auth_release(&c->auth);
    connection_stats_unref(c->stats);
    if (c->upstream != NULL)
        upstream_unref(c->upstreams, c->upstream);
    free(c->holds);
    arena_free(c->memory);
    free(c);
}
