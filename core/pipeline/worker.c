#include "pipeline/call_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

bool worker_init(worker *w, loop *l, unsigned number, const snapshot *s, const worker_shared *shared,
                 err *e) {
    *w = (worker){.loop = l,
                  .number = number,
                  .snapshot = s,
                  .executions = shared->executions,
                  .cache = shared->cache,
                  .otlp = shared->otlp,
                  .sample = shared->sample,
                  .released = shared->released,
                  .released_ctx = shared->released_ctx};
    if (getrandom(w->random, sizeof w->random, 0) != sizeof w->random || (w->random[0] | w->random[1]) == 0)
        w->random[0] = 0x9e3779b97f4a7c15u;
    w->client = http_client_new(l, e);
    w->transforms = w->client != NULL ? transforms_new(l, e) : NULL;
    w->auth_loop = (auth_loop){.loop = l, .client = w->client};
    return w->transforms != NULL;
}

uint64_t worker_random(worker *w) {
    uint64_t a = w->random[0], b = w->random[1], sum = a + b;
    b ^= a;
    w->random[0] = ((a << 24) | (a >> 40)) ^ b ^ (b << 16);
    w->random[1] = (b << 37) | (b >> 27);
    return sum;
}

/* No call of it will begin on this loop. */
static void leave_isolated(worker *w, connection *c) {
    if (c->isolated != NULL)
        isolate_loop_close(c->isolated, w->loop);
}

void worker_leave(worker *w, connection *c) {
    if (!connection_leave(c, w->number))
        return;
    leave_isolated(w, c);
    w->released(c, w->released_ctx);
}

void worker_swap(worker *w, const snapshot *s, connection *const *retired, size_t count) {
    assert(loop_is_current(w->loop));
    w->snapshot = s;
    for (size_t i = 0; i < count; i++) {
        connection_hold *hold = &retired[i]->holds[w->number];
        hold->retiring = true;
        if (connection_calls(retired[i], w->number) > 0)
            continue;
        leave_isolated(w, retired[i]);
        w->released(retired[i], w->released_ctx); /* the main thread may free it from here on */
    }
}

/* An aftermath, which a cancelled call may become, has seconds of its own: the generation still drains. */
static call *first_call_of(worker *w, const connection *c, uint64_t generation) {
    for (call *at = w->active; at != NULL; at = at->next)
        if (c == NULL || (at->conn == c && c->generation == generation && at->aftermath < AFTERMATH_AWAITED))
            return at;
    return NULL;
}

void worker_cancel(worker *w, const connection *c, uint64_t generation) {
    call *at;
    w->last_call = w->last_call || c == NULL;
    while ((at = first_call_of(w, c, generation)) !=
           NULL) /* from the start: the list may have changed in any way */
        call_cancel(at);
}

void worker_close(worker *w) {
    w->closing = true;
    worker_cancel(w, NULL, 0);
    while (w->idle != NULL) {
        call *c = w->idle;
        w->idle = c->next;
        call_object_free(c);
    }
    for (size_t i = 0; w->snapshot != NULL && i < w->snapshot->count; i++)
        if (w->snapshot->entries[i].conn != NULL)
            leave_isolated(w, w->snapshot->entries[i].conn);
    transforms_free(w->transforms);
    w->transforms = NULL;
    http_client_free(w->client);
    w->client = NULL;
    buf_free(&w->scratch);
}
