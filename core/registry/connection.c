#include "registry/connection.h"

#include "base/log.h"
#include "base/metric.h"

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

void connection_held(const connection *c, connection_ledger *out) {
    const ledger *l = &c->instance.held;
    *out = (connection_ledger){.memory_bytes = metric_get(&l->bytes),
                               .memory_blocks = metric_get(&l->blocks),
                               .memory_limit = l->limit};
    if (c->sessions != NULL) {
        session_counts counts;
        session_pool_count(c->sessions, &counts);
        out->sessions = counts.open;
    }
    for (unsigned i = 0; i < c->loops; i++) {
        const ledger_share *s = &c->holds[i].share;
        out->calls += metric_get(&s->calls);
        out->call_bytes += metric_get(&s->call_bytes);
        out->waits += metric_get(&s->waits);
        out->transfers += metric_get(&s->transfers);
        out->writers += metric_get(&s->writers);
    }
}

void connection_free(connection *c) {
    if (c == NULL || is_in_use(c))
        return;
    session_pool_free(c->sessions);
    instance_destroy(&c->instance);
    if (c->isolated != NULL) {
        isolate_release(c->isolated);
        module_unref(c->module);
    }
    auth_release(&c->auth);
    connection_stats_unref(c->stats);
    if (c->upstream != NULL)
        upstream_unref(c->upstreams, c->upstream);
    free(c->holds);
    arena_free(c->memory);
    free(c);
}
