/* session_get.c - a token for a ticket: at once, or after waiting for the one renewal that is under way. */
#include "auth/session_internal.h"

#include "auth/acquire.h"
#include "base/clock.h"

#include <stdlib.h>

/* --- the loop's own copy ----------------------------------------------------------------------------- */

static void sync_slot(auth_session *s, auth_slot *slot) {
    auth_token *old = slot->token;
    pthread_mutex_lock(&s->lock);
    slot->token = s->token;
    slot->version = atomic_load_explicit(&s->version, memory_order_relaxed);
    if (slot->token != NULL)
        atomic_fetch_add_explicit(&slot->token->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&s->lock);
    auth_token_unref(old);
}

static auth_state give(auth_ticket *t, const auth_token *token) {
    t->token = arena_copy(t->memory, str_of(token->text, token->len));
    bb_str origin = auth_token_origin(token);
    t->origin = origin.len > 0 ? arena_copy(t->memory, origin) : (bb_str){NULL, 0};
    t->version = token->version;
    if (t->token.ptr == NULL || (origin.len > 0 && t->origin.ptr == NULL))
        return auth_ticket_fail(t, PROBLEM_OVERLOADED, true, STR("no memory for the token"));
    return AUTH_READY;
}

/* --- waiting ----------------------------------------------------------------------------------------- */

static void on_wait_closed(uv_handle_t *timer) {
    free(timer->data);
}

static void end_wait(struct auth_wait *w) {
    uv_close((uv_handle_t *)&w->timer, on_wait_closed);
}

/* Under the lock. */
static void unqueue(auth_session *s, struct auth_wait *w) {
    if (w->place != WAIT_QUEUED)
        return;
    *(w->previous != NULL ? &w->previous->next : &s->waiting) = w->next;
    if (w->next != NULL)
        w->next->previous = w->previous;
    w->place = WAIT_LOOSE;
}

/* False: a post that will end it is on its way. */
static bool take_back(auth_session *s, struct auth_wait *w) {
    pthread_mutex_lock(&s->lock);
    unqueue(s, w);
    bool ours = w->place != WAIT_POSTED;
    pthread_mutex_unlock(&s->lock);
    return ours;
}

void auth_wait_cancel(auth_ticket *t) {
    struct auth_wait *w = t->wait;
    t->wait = NULL;
    w->ticket = NULL;
    uv_timer_stop(&w->timer);
    if (take_back(t->auth->session, w))
        end_wait(w);
}

static void on_deadline(uv_timer_t *timer) {
    struct auth_wait *w = timer->data;
    auth_ticket *t = w->ticket;
    if (t == NULL || !take_back(t->auth->session, w))
        return;
    t->wait = NULL;
    end_wait(w);
    auth_ticket_fail(t, PROBLEM_DEADLINE_EXCEEDED, true,
                     STR("the time ran out while the connection's token was being renewed"));
    t->woken(t, t->ctx);
}

/* On the ticket's loop. What there is now decides: a token, the failure, or another renewal. */
static void on_woken(loop *l, void *arg) {
    (void)l;
    struct auth_wait *w = arg;
    auth_ticket *t = w->ticket;
    end_wait(w);
    if (t == NULL)
        return;
    t->wait = NULL;
    if (auth_ticket_get(t) != AUTH_WAIT)
        t->woken(t, t->ctx);
}

struct auth_wait *auth_session_detach(auth_session *s) {
    struct auth_wait *list = s->waiting;
    for (struct auth_wait *w = list; w != NULL; w = w->next)
        w->place = WAIT_POSTED;
    s->waiting = NULL;
    return list;
}

void auth_session_wake(auth_session *s, struct auth_wait *list) {
    for (struct auth_wait *w = list, *next; w != NULL; w = next) {
        next = w->next;
        if (loop_post(w->loop, on_woken, w))
            continue;
        pthread_mutex_lock(&s->lock);
        w->place = WAIT_LOOSE; /* no memory: its deadline ends it */
        pthread_mutex_unlock(&s->lock);
    }
}

static struct auth_wait *wait_new(auth_ticket *t) {
    struct auth_wait *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->ticket = t;
    w->loop = t->loop->loop;
    uv_timer_init(loop_uv(w->loop), &w->timer);
    w->timer.data = w;
    if (t->deadline_ns > 0) {
        uint64_t now = clock_ns(), left = t->deadline_ns > now ? (t->deadline_ns - now) / 1000000u : 0;
        uv_timer_start(&w->timer, on_deadline, left + 1, 0);
    }
    return w;
}

/* --- getting ----------------------------------------------------------------------------------------- */

static auth_state fail_as_before(auth_ticket *t, const auth_failure *f) {
    return auth_ticket_fail(t, PROBLEM_CREDENTIALS_UNAVAILABLE, f->retryable,
                            arena_copy(t->memory, str_from(f->text)));
}

static bool usable(const auth_token *token, uint64_t now) {
    return token != NULL && now < token->until_ms;
}

typedef enum { WAIT_FOR_IT, BEGIN, USE, FAIL } decision;

/* Under the lock. */
static decision decide(auth_session *s, struct auth_wait *w, uint64_t now) {
    if (usable(s->token, now))
        return USE; /* renewed in the meantime */
    if (!s->renewing && now < s->retry_ms)
        return FAIL;
    w->place = WAIT_QUEUED;
    w->next = s->waiting;
    if (w->next != NULL)
        w->next->previous = w;
    s->waiting = w;
    if (s->renewing)
        return WAIT_FOR_IT;
    s->renewing = true;
    atomic_store(&s->background_ms, UINT64_MAX);
    return BEGIN;
}

static auth_state wait_or_fail(auth_ticket *t, auth_slot *slot, uint64_t now) {
    auth_session *s = t->auth->session;
    struct auth_wait *w = wait_new(t);
    auth_failure failure = {0};
    if (w == NULL)
        return auth_ticket_fail(t, PROBLEM_OVERLOADED, true, STR("no memory to wait for a token"));
    t->wait = w;
    pthread_mutex_lock(&s->lock);
    decision d = decide(s, w, now);
    if (d == FAIL)
        failure = s->failure;
    pthread_mutex_unlock(&s->lock);
    if (d == BEGIN)
        acquire_renewal(s, t->loop);
    if (d == BEGIN || d == WAIT_FOR_IT)
        return AUTH_WAIT;
    t->wait = NULL;
    end_wait(w);
    if (d == FAIL)
        return fail_as_before(t, &failure);
    sync_slot(s, slot);
    return slot->token != NULL ? give(t, slot->token)
                               : auth_ticket_fail(t, PROBLEM_CREDENTIALS_UNAVAILABLE, true,
                                                  STR("the token was taken back while it was being used"));
}

/* A refresh token is mostly good for once: as long as the token in hand is good, it is not spent on one that
 * cannot be kept. */
static bool must_wait_for_store(const auth_session *s) {
    const auth_runtime *r = s->runtime;
    return s->refresh != NULL && s->scheme->ops->stored && r->store != NULL && !r->read_only &&
           store_health(r->store) != STORE_OK;
}

static void renew_in_background(auth_session *s, const auth_loop *l, uint64_t now) {
    pthread_mutex_lock(&s->lock);
    if (!s->renewing && must_wait_for_store(s)) {
        atomic_store(&s->background_ms, now + AUTH_RETRY_MIN_MS);
        pthread_mutex_unlock(&s->lock);
        return;
    }
    bool begin = !s->renewing && now >= s->retry_ms;
    if (begin) {
        s->renewing = true;
        atomic_store(&s->background_ms, UINT64_MAX);
    }
    pthread_mutex_unlock(&s->lock);
    if (begin)
        acquire_renewal(s, l);
}

auth_state auth_session_get(auth_ticket *t) {
    auth_session *s = t->auth->session;
    if (s == NULL || t->loop == NULL)
        return auth_ticket_fail(t, PROBLEM_CREDENTIALS_UNAVAILABLE, false,
                                STR("the connection's tokens cannot be had outside a hub that serves"));
    if (t->auth->serial > atomic_load_explicit(&s->serial, memory_order_relaxed)) {
        pthread_mutex_lock(&s->lock);
        auth_session_adopt(s, t->auth->config);
        pthread_mutex_unlock(&s->lock);
    }
    auth_slot *slot = &s->slots[loop_index(t->loop->loop)];
    if (slot->version != atomic_load_explicit(&s->version, memory_order_acquire))
        sync_slot(s, slot);
    uint64_t now = auth_now_ms();
    if (!usable(slot->token, now))
        return wait_or_fail(t, slot, now);
    if (now >= slot->token->renew_ms && now >= atomic_load_explicit(&s->background_ms, memory_order_relaxed))
        renew_in_background(s, t->loop, now);
    return give(t, slot->token);
}

uint64_t auth_session_epoch(const auth *a) {
    return a->session != NULL ? atomic_load_explicit(&a->session->epoch, memory_order_acquire) : 0;
}

/* --- a refused token --------------------------------------------------------------------------------- */

#define REJECTION_QUIET_MS (10u * 60000u)

/* A service that refuses every token would cause a renewal a call: from the second in a row on, the time
 * between two grows. Under the lock. */
static bool may_renew(auth_session *s, uint64_t now) {
    bool quiet = s->rejected_ms == 0 || now - s->rejected_ms > REJECTION_QUIET_MS;
    if (!quiet && now - s->rejected_ms < s->rejection_gap_ms)
        return false;
    uint64_t gap = quiet ? 0 : s->rejection_gap_ms == 0 ? AUTH_RETRY_MIN_MS : s->rejection_gap_ms * 2;
    s->rejection_gap_ms = gap > AUTH_RETRY_MAX_MS ? AUTH_RETRY_MAX_MS : gap;
    s->rejected_ms = now;
    return true;
}

bool auth_session_rejected(auth_ticket *t) {
    auth_session *s = t->auth->session;
    if (s == NULL || t->version == 0)
        return false;
    pthread_mutex_lock(&s->lock);
    bool newer = s->token == NULL || s->token->version != t->version;
    bool ok = newer || may_renew(s, auth_now_ms());
    if (ok && !newer)
        auth_session_put(s, NULL);
    pthread_mutex_unlock(&s->lock);
    return ok;
}
