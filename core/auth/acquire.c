#include "auth/acquire.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/tokens.h"

#include <stdio.h>
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

static void wipe_text(bb_str text) {
    if (text.len > 0)
        explicit_bzero((char *)(uintptr_t)text.ptr, text.len);
}

static void wipe_buf(buf *b) {
    if (b->ptr != NULL)
        explicit_bzero(b->ptr, b->cap);
    buf_free(b);
}

static void stop_timer(acquire *q);

static void acquire_free(acquire *q) {
    auth_runtime *r = q->session->runtime;
    pthread_mutex_lock(&r->lock);
    *(q->previous != NULL ? &q->previous->next : &r->acquires) = q->next;
    if (q->next != NULL)
        q->next->previous = q->previous;
    pthread_mutex_unlock(&r->lock);
    stop_timer(q);
    wipe_text(q->refresh);
    wipe_text(q->tokens.access);
    wipe_text(q->tokens.refresh);
    wipe_buf(&q->form);
    wipe_buf(&q->answer);
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

void acquire_send(acquire *q, bb_str url, bb_str header,
                  void (*then)(acquire *q, const http_answer *answer)) {
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
    while ((q = first_on_timer(r, l)) != NULL) {
        stop_timer(q);
        acquire_fail(q, ACQUIRE_RETRY, "the hub is stopping");
    }
}

/* --- the outcome ------------------------------------------------------------------------------------- */

/* 1 s, 2 s, 4 s, ... 5 min, not before the service wants; long, where only the admin can help. */
static uint64_t wait_after(const auth_failure *f, unsigned failures) {
    if (f->admin)
        return AUTH_RETRY_ADMIN_MS;
    uint64_t ms = failures > 9 ? AUTH_RETRY_MAX_MS : (uint64_t)AUTH_RETRY_MIN_MS << (failures - 1);
    ms = ms < f->retry_after_ms ? f->retry_after_ms : ms;
    return ms < AUTH_RETRY_MAX_MS ? ms : AUTH_RETRY_MAX_MS;
}

/* Under the session's lock. */
static void keep_failure(acquire *q) {
    auth_session *s = q->session;
    s->failures++;
    s->failure = q->failure;
    s->retry_ms = auth_now_ms() + wait_after(&q->failure, s->failures);
    atomic_store(&s->background_ms, s->retry_ms);
}

/* Puts a copy in place of the text that is there; none for an empty one. */
static void replace(char **text, bb_str by) {
    if (str_eq(by, str_from(*text)))
        return;
    auth_secret_free(*text);
    *text = by.len > 0 ? strndup(by.ptr, by.len) : NULL;
}

/* Under the session's lock. */
static void keep_tokens(acquire *q, auth_token *token) {
    auth_session *s = q->session;
    s->failure = (auth_failure){0};
    s->failures = 0;
    s->retry_ms = 0;
    atomic_store(&s->background_ms, 0);
    replace(&s->refresh, q->tokens.refresh.len > 0 ? q->tokens.refresh : q->refresh);
    replace(&s->refresh_of, q->refresh_of);
    if (q->tokens.scope.len > 0)
        replace(&s->scope, q->tokens.scope);
    auth_session_put(s, token);
}

static void log_failure(const acquire *q) {
    if (q->renewal)
        log_warn("connection %s: no token: %s", q->session->connection, q->failure.text);
}

/* What it brought comes into force, unless the session has moved on meanwhile. */
static void settle(acquire *q, auth_token *token) {
    auth_session *s = q->session;
    pthread_mutex_lock(&s->lock);
    bool counts = q->epoch == s->epoch;
    if (q->renewal) {
        s->renewing = false;
        atomic_store(&s->background_ms, 0);
    }
    if (counts && token != NULL)
        keep_tokens(q, token);
    else if (counts && q->renewal && q->config->serial == s->config->serial)
        keep_failure(q); /* of newer settings it would tell nothing */
    struct auth_wait *waiting = q->renewal || token != NULL ? auth_session_detach(s) : NULL;
    pthread_mutex_unlock(&s->lock);
    if (!counts)
        auth_token_unref(token);
    auth_session_wake(s, waiting);
}

void acquire_end(acquire *q) {
    if (q->failure.set)
        log_failure(q);
    if (q->failure.set || q->tokens.access.len == 0) {
        settle(q, NULL);
    } else {
        auth_token *token = auth_token_new(q->tokens.access, 0, q->tokens.lifetime_ms);
        if (token == NULL)
            q->failure = (auth_failure){.set = true, .retryable = true, .text = "no memory for the token"};
        settle(q, token);
    }
    if (q->done != NULL)
        q->done(q);
    acquire_free(q);
}

/* On q's loop. A token that could not be stored is used all the same: health tells of it. */
static void on_stored(store_result result, void *ctx) {
    acquire *q = ctx;
    auth_session *s = q->session;
    if (result != STORE_OK)
        log_error(
            "connection %s: its tokens cannot be stored: %s; after a restart it may need `busbar auth %s`",
            s->connection, store_result_text(result), s->connection);
    pthread_mutex_lock(&s->lock);
    s->unstored = result != STORE_OK;
    pthread_mutex_unlock(&s->lock);
    acquire_end(q);
}

/* Whether the tokens are to be stored: not where they do not count any more. */
static bool claim(acquire *q) {
    auth_session *s = q->session;
    const auth_runtime *r = s->runtime;
    pthread_mutex_lock(&s->lock);
    if (!q->renewal)
        q->epoch = ++s->epoch; /* what else is under way must not take its place */
    bool kept = q->epoch == s->epoch && !s->given_up;
    pthread_mutex_unlock(&s->lock);
    return kept && r->store != NULL && !r->read_only && s->scheme->ops->stored;
}

void acquire_succeed(acquire *q) {
    auth_session *s = q->session;
    auth_runtime *r = s->runtime;
    if (!claim(q)) {
        acquire_end(q);
        return;
    }
    bb_str name = auth_session_name(s, q->memory), sealed = auth_session_seal(s, q);
    if (sealed.ptr == NULL || name.ptr == NULL ||
        !store_token_put(r->store, name, sealed, clock_wall_ms(), q->loop.loop, on_stored, q))
        on_stored(STORE_FAILED, q);
}

void acquire_fail(acquire *q, unsigned flags, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(q->failure.text, sizeof q->failure.text, format, args);
    va_end(args);
    q->failure.set = true;
    q->failure.retryable = (flags & ACQUIRE_RETRY) != 0;
    q->failure.admin = (flags & (ACQUIRE_ADMIN | ACQUIRE_CONSENT)) != 0;
    q->failure.consent = (flags & ACQUIRE_CONSENT) != 0;
    acquire_end(q);
}

void acquire_fail_by_transport(acquire *q, const http_answer *answer) {
    bb_str host = acquire_host(q->url);
    if (answer->failure == HTTP_FAIL_TOO_LARGE)
        acquire_fail(q, ACQUIRE_ADMIN, "%.*s gives an answer of more than 64 KiB: is its URL right?",
                     STR_FMT(host));
    else if (answer->failure == HTTP_FAIL_TIMEOUT)
        acquire_fail(q, ACQUIRE_RETRY, "%.*s did not answer in time", STR_FMT(host));
    else
        acquire_fail(q, ACQUIRE_RETRY, "%.*s cannot be asked for a token: %s", STR_FMT(host), answer->detail);
}

/* --- texts ------------------------------------------------------------------------------------------- */

bb_str acquire_host(bb_str url) {
    const char *at = url.len > 0 ? memmem(url.ptr, url.len, "://", 3) : NULL;
    bb_str rest = at != NULL ? str_of(at + 3, url.len - (size_t)(at + 3 - url.ptr)) : url;
    size_t n = 0;
    while (n < rest.len && strchr("/?#", rest.ptr[n]) == NULL)
        n++;
    return str_of(rest.ptr, n);
}

bb_str auth_clean(arena *a, bb_str text, size_t max) {
    size_t n = text.len < max ? text.len : max;
    while (n < text.len && n > 0 && ((unsigned char)text.ptr[n] & 0xC0u) == 0x80u)
        n--; /* not within a character */
    char *out = arena_strdup(a, str_of(text.ptr, n));
    for (size_t i = 0; out != NULL && i < n; i++)
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
            out[i] = ' ';
    return str_of(out, out != NULL ? n : 0);
}

bb_str acquire_clean(acquire *q, bb_str text, size_t max) {
    for (size_t i = 0; i < q->config->secret_count; i++)
        text = auth_redact_one(q->memory, q->config->secrets[i], text);
    return auth_clean(q->memory, auth_redact_one(q->memory, q->refresh, text), max);
}
