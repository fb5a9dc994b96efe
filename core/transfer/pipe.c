/* pipe.c - the flow between the two calls: the giving one's sink, the taking one's source. */
#include "transfer/internal.h"

#include <stdlib.h>

/* --- the sink ------------------------------------------------------------------------------------------- */

typedef struct pipe_sink {
    content_sink sink; /* first */
    transfer *transfer;
    content_done done;
    void *ctx;
} pipe_sink;

static void begin(content_sink *s, const content_info *info) {
    s->begun = true;
    transfer_known(((pipe_sink *)s)->transfer, info);
}

static void look(void *ctx) {
    pipe_sink *p = ctx;
    const char *failure = flow_failure(p->sink.flow);
    if (failure == NULL && !flow_is_over(p->sink.flow))
        return;
    flow_on_room(p->sink.flow, NULL, NULL);
    p->done(p->ctx, failure);
}

static void finish(content_sink *s, content_done done, void *ctx) {
    pipe_sink *p = (pipe_sink *)s;
    p->done = done;
    p->ctx = ctx;
    flow_end(s->flow);
    flow_on_room(s->flow, look, p);
}

static void free_sink(content_sink *s) {
    flow_on_room(s->flow, NULL, NULL);
    flow_unref(s->flow);
    free(s);
}

content_sink *transfer_pipe_sink(transfer *t) {
    pipe_sink *p = calloc(1, sizeof *p);
    flow *f = p != NULL ? flow_new(t->worker->loop, FLOW_USUAL) : NULL;
    if (f == NULL) {
        free(p);
        return NULL;
    }
    *p = (pipe_sink){.sink = {.begin = begin, .finish = finish, .free = free_sink, .flow = f}, .transfer = t};
    return &p->sink;
}

/* --- the source ----------------------------------------------------------------------------------------- */

typedef struct pipe_source {
    content_source source; /* first */
    transfer *transfer;
} pipe_source;

/* Asks the giving service once more, from there on. */
static bool seek(content_source *s, uint64_t offset, err *e) {
    transfer *t = ((pipe_source *)s)->transfer;
    flow_unref(s->flow);
    s->flow = NULL;
    if (!transfer_give_from(t, offset, e))
        return false;
    s->flow = flow_ref(t->source_side.content.sink->flow);
    return true;
}

static void free_source(content_source *s) {
    flow_unref(s->flow);
    free(s);
}

content_source *transfer_pipe_source(transfer *t) {
    pipe_source *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    *p = (pipe_source){.source = {.seek = seek, .free = free_source, .rewinds = true, .info = t->info},
                       .transfer = t};
    return &p->source;
}
