#include "auth/acquire.h"

#include <stdlib.h>

#define REQUEST_TIMEOUT_MS 30000u
#define ANSWER_MAX 65536u

struct acquire_timer {
    uv_timer_t timer;
    acquire *owner; /* NULL: it is being closed */
    void (*then)(acquire *q);
};

/* --- begin and end ----------------------------------------------------------------------------------- */

acquire *acquire_new(auth_session *s, auth_config *config, const auth_loop *l) {
    auth_runtime *r = s->runtime;
    acquire *q = calloc(1, sizeof *q);
    if (q == NULL || (q->memory = arena_new(0)) == NULL) {
        free(q);
        return NULL;
    }
    q->session = auth_session_ref(s);
    q->loop = *l;
    pthread_mutex_lock(&s->lock);
    q->config = auth_config_ref(config != NULL ? config : s->config);
    q->epoch = s->epoch;
    if (s->refresh != NULL)
        q->refresh = arena_copy(q->memory, str_from(s->refresh));
    if (s->refresh_of != NULL)
        q->refresh_of = arena_copy(q->memory, str_from(s->refresh_of));
    if (s->scope != NULL)
        q->scope = arena_copy(q->memory, str_from(s->scope));
    pthread_mutex_unlock(&s->lock);
    q->target = q->config->target;
    q->target.max_response_bytes = ANSWER_MAX;
    pthread_mutex_lock(&r->lock);
    q->next = r->acquires;
    if (q->next != NULL)
        q->next->previous = q;
    r->acquires = q;
    pthread_mutex_unlock(&r->lock);
    return q;
}

static void stop_timer(acquire *q);

void acquire_free(acquire *q) {
    auth_runtime *r = q->session->runtime;
    pthread_mutex_lock(&r->lock);
    *(q->previous != NULL ? &q->previous->next : &r->acquires) = q->next;
    if (q->next != NULL)
        q->next->previous = q->previous;
    pthread_mutex_unlock(&r->lock);
    stop_timer(q);
    str_wipe(q->refresh);
    str_wipe(q->tokens.access);
    str_wipe(q->tokens.refresh);
    buf_wipe(&q->form);
    buf_wipe(&q->answer);
    auth_config_unref(q->config);
    auth_session_unref(q->session);
    arena_free(q->memory);
    free(q);
}

void acquire_free_all(auth_runtime *r) {
    while (r->acquires != NULL)
        acquire_free(r->acquires);
}

void acquire_renewal(auth_session *s, const auth_loop *l) {
    acquire *q = acquire_new(s, NULL, l);
    if (q != NULL) {
        q->renewal = true;
        s->scheme->ops->acquire(q);
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->renewing = false;
    s->retry_ms = auth_now_ms() + AUTH_RETRY_MIN_MS;
    s->failure = (auth_failure){.set = true, .retryable = true, .text = "no memory to renew the token"};
    struct auth_wait *waiting = auth_session_detach(s);
    pthread_mutex_unlock(&s->lock);
    auth_session_wake(s, waiting);
}

/* --- requests ---------------------------------------------------------------------------------------- */

static void on_answer(const http_answer *answer, void *ctx) {
    acquire *q = ctx;
    q->transfer = NULL;
    if (answer->failure == HTTP_FAIL_CANCELLED)
        acquire_fail(q, ACQUIRE_RETRY, "the hub is stopping");
    else
        q->then(q, answer);
}

bool acquire_may_send(acquire *q) {
    if (!q->session->runtime->closed[loop_index(q->loop.loop)])
        return true;
    acquire_fail(q, ACQUIRE_RETRY, "the hub is stopping");
    return false;
}

void acquire_send(acquire *q, bb_str url, bb_str header,
                  void (*then)(acquire *q, const http_answer *answer)) {
    if (!acquire_may_send(q))
        return;
    bb_str *headers = arena_alloc(q->memory, 4 * sizeof *headers);
    size_t n = 0;
    bool post = q->form.len > 0;
    q->url = arena_copy(q->memory, url);
    if (headers == NULL || q->url.ptr == NULL || q->form.failed) {
        acquire_fail(q, ACQUIRE_RETRY, "no memory for the request to %.*s", STR_FMT(acquire_host(url)));
        return;
    }
    headers[n++] = STR("Accept: application/json");
    headers[n++] = STR("User-Agent: Busbar");
    if (post)
        headers[n++] = STR("Content-Type: application/x-www-form-urlencoded");
    if (header.len > 0)
        headers[n++] = header;
    q->then = then;
    q->send = (http_send){.target = &q->target,
                          .method = post ? STR("POST") : STR("GET"),
                          .url = q->url.ptr,
                          .headers = headers,
                          .header_count = n,
                          .body = buf_str(&q->form),
                          .has_body = post,
                          .timeout_ms = REQUEST_TIMEOUT_MS,
                          .memory = q->memory,
                          .answer_body = &q->answer};
    q->transfer = http_client_send(q->loop.client, &q->send, on_answer, q);
    if (q->transfer == NULL)
        acquire_fail(q, ACQUIRE_ADMIN, "%.*s cannot be asked: is its URL right?", STR_FMT(acquire_host(url)));
}

/* --- timers ------------------------------------------------------------------------------------------ */

static void on_timer_closed(uv_handle_t *handle) {
    free(handle->data);
}

static void stop_timer(acquire *q) {
    struct acquire_timer *t = q->timer;
    q->timer = NULL;
    if (t != NULL) {
        t->owner = NULL;
        uv_close((uv_handle_t *)&t->timer, on_timer_closed);
    }
}

static void on_timer(uv_timer_t *timer) {
    struct acquire_timer *t = timer->data;
    acquire *q = t->owner;
    stop_timer(q);
    t->then(q);
}

void acquire_after(acquire *q, uint64_t ms, void (*then)(acquire *q)) {
    struct acquire_timer *t = calloc(1, sizeof *t);
    if (t == NULL) {
        acquire_fail(q, ACQUIRE_RETRY, "no memory for a timer");
        return;
    }
    t->owner = q;
    t->then = then;
    t->timer.data = t;
    uv_timer_init(loop_uv(q->loop.loop), &t->timer);
    uv_timer_start(&t->timer, on_timer, ms, 0);
    q->timer = t;
}

static acquire *first_on_timer(auth_runtime *r, const loop *l) {
    pthread_mutex_lock(&r->lock);
    acquire *q = r->acquires;
    while (q != NULL && !(q->loop.loop == l && q->timer != NULL))
        q = q->next;
    pthread_mutex_unlock(&r->lock);
    return q;
}

void auth_runtime_close_loop(auth_runtime *r, const loop *l) {
    acquire *q;
    r->closed[loop_index(l)] = true;
    while ((q = first_on_timer(r, l)) != NULL) {
        stop_timer(q);
        acquire_fail(q, ACQUIRE_RETRY, "the hub is stopping");
    }
}
