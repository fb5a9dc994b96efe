/* acquire_outcome.c - how an attempt ends: tokens stored, then in use; or why there are none, and when to try
 * again. */
#include "auth/acquire.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/tokens.h"

#include <stdio.h>
#include <stdlib.h>

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
        auth_token *token = auth_token_new(q->tokens.access, q->tokens.origin, 0, q->tokens.lifetime_ms);
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
    if (s->unstored)
        atomic_store(&s->runtime->any_unstored, true);
    pthread_mutex_unlock(&s->lock);
    acquire_end(q);
}

typedef enum { TOKENS_TOO_LATE, TOKENS_QUEUED, TOKENS_HERE_ONLY, TOKENS_UNSTORED } tokens_place;

/* Under the session's lock in one: a revocation comes before, and they do not count; or after, and its own
 * order to the store comes behind this one. */
static tokens_place queue_tokens(acquire *q, bool wanted, bb_str name, bb_str sealed) {
    auth_session *s = q->session;
    tokens_place place = TOKENS_HERE_ONLY;
    pthread_mutex_lock(&s->lock);
    bool counts = q->epoch == s->epoch;
    if (!q->renewal && counts)
        q->epoch = ++s->epoch; /* what else is under way must not take its place */
    if (!counts)
        place = TOKENS_TOO_LATE;
    else if (wanted && !s->given_up)
        place = sealed.ptr != NULL && name.ptr != NULL &&
                        store_token_put(s->runtime->store, name, sealed, clock_wall_ms(), q->loop.loop,
                                        on_stored, q)
                    ? TOKENS_QUEUED
                    : TOKENS_UNSTORED;
    pthread_mutex_unlock(&s->lock);
    return place;
}

void acquire_succeed(acquire *q) {
    auth_session *s = q->session;
    const auth_runtime *r = s->runtime;
    bool wanted = r->store != NULL && !r->read_only && s->scheme->ops->stored;
    bb_str name = {NULL, 0}, sealed = {NULL, 0};
    if (wanted) {
        name = auth_session_name(s, q->memory);
        sealed = auth_session_seal(s, q);
    }
    switch (queue_tokens(q, wanted, name, sealed)) {
    case TOKENS_QUEUED: break;
    case TOKENS_HERE_ONLY: acquire_end(q); break;
    case TOKENS_UNSTORED: on_stored(STORE_FAILED, q); break;
    case TOKENS_TOO_LATE:
        if (q->renewal)
            acquire_end(q); /* those who wait for it look again */
        else
            acquire_fail(q, ACQUIRE_CONSENT,
                         "the tokens were taken back meanwhile, or another consent was given: begin again");
        break;
    }
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
