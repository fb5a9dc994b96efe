#include "api/running.h"

#include "base/log.h"

/* In the exchange's memory. Belongs to the loop that it has been posted to. */
typedef struct question {
    api *api;
    http_exchange *x;
    running_filter filter;
    size_t left;
    unsigned next; /* of the workers */
    buf found;
    running_done done;
    void *ctx;
} question;

static void answer(loop *l, void *arg) {
    (void)l;
    question *q = arg;
    buf found = q->found; /* the question goes with the exchange */
    q->done(q->api, q->x, found.failed ? STR("") : buf_str(&found), q->ctx);
    buf_free(&found);
}

static void look(loop *l, void *arg);

/* A loop that cannot be asked is passed over. */
static void go_on(question *q) {
    const api_shared *s = q->api->shared;
    while (q->left > 0 && q->next < s->worker_count)
        if (loop_post(s->workers[q->next++]->loop, look, q))
            return;
    if (!loop_post(q->api->worker->loop, answer, q))
        log_error("no memory to tell of the calls that run: the request for them stays without an answer");
}

static void look(loop *l, void *arg) {
    (void)l;
    question *q = arg;
    calls_running(q->api->shared->workers[q->next - 1], &q->filter, &q->left, &q->found);
    go_on(q);
}

bool running_ask(api *a, http_exchange *x, const running_filter *f, size_t limit, running_done done,
                 void *ctx) {
    question *q = arena_alloc(http_exchange_arena(x), sizeof *q);
    if (q == NULL)
        return false;
    *q = (question){.api = a, .x = x, .filter = *f, .left = limit, .done = done, .ctx = ctx};
    go_on(q);
    return true;
}
