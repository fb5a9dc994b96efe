#include "registry/connection.h"

#include "base/log.h"

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

static unsigned left_behind;

/* A thread of a connector's that does not come back uses it still. */
static bool is_in_use(const connection *c) {
    if (c->sessions == NULL || session_pool_wait(c->sessions, 0))
        return false;
    left_behind++;
    log_error("connection %.*s: a session of connector %s does not end; it is left behind", STR_FMT(c->id),
              c->module->desc->id);
    return true;
}

unsigned connections_left_behind(void) {
    return left_behind;
}

void connection_free(connection *c) {
    if (c == NULL || is_in_use(c))
        return;
    session_pool_free(c->sessions);
    instance_destroy(&c->instance);
    auth_release(&c->auth);
    connection_stats_unref(c->stats);
    if (c->upstream != NULL)
        upstream_unref(c->upstreams, c->upstream);
    free(c->holds);
    arena_free(c->memory);
    free(c);
}
