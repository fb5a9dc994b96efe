/* session.c - the runtime, and sessions from their first connection to their last. */
#include "auth/session_internal.h"

#include "auth/acquire.h"
#include "base/clock.h"

#include <stdlib.h>

uint64_t auth_now_ms(void) {
    return clock_ns() / 1000000u;
}

void auth_secret_free(char *text) {
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* --- tokens ------------------------------------------------------------------------------------------ */

#define LIFETIME_MAX_MS (365ull * 86400000u) /* what is longer is taken for a slip of the service */

/* Renewed at 80 % of its life, or 60 s before its end where that is earlier, but not in the first half. Used
 * until shortly before the end, since requests take time to arrive. */
static void set_times(auth_token *t, uint64_t age_ms, uint64_t lifetime_ms) {
    uint64_t now = auth_now_ms();
    t->obtained_ms = now > age_ms ? now - age_ms : 0;
    t->renew_ms = t->until_ms = UINT64_MAX;
    if (lifetime_ms == 0)
        return;
    if (lifetime_ms > LIFETIME_MAX_MS)
        lifetime_ms = LIFETIME_MAX_MS;
    uint64_t renew = lifetime_ms / 5 * 4, early = lifetime_ms > 60000 ? lifetime_ms - 60000 : 0;
    uint64_t margin = lifetime_ms / 10 < 5000 ? lifetime_ms / 10 : 5000;
    renew = early < renew ? early : renew;
    renew = renew < lifetime_ms / 2 ? lifetime_ms / 2 : renew;
    t->renew_ms = now + renew - (age_ms < renew ? age_ms : renew);
    t->until_ms = now + lifetime_ms - margin -
                  (age_ms < lifetime_ms - margin ? age_ms : lifetime_ms - margin);
    t->expires_wall_ms = clock_wall_ms() + lifetime_ms - (age_ms < lifetime_ms ? age_ms : lifetime_ms);
}

auth_token *auth_token_new(bb_str text, bb_str origin, uint64_t age_ms, uint64_t lifetime_ms) {
    auth_token *t = calloc(1, sizeof *t + text.len + 1 + origin.len + 1);
    if (t == NULL)
        return NULL;
    atomic_init(&t->refs, 1);
    set_times(t, age_ms, lifetime_ms);
    memcpy(t->text, text.ptr, text.len);
    t->len = text.len;
    if (origin.len > 0)
        memcpy(t->text + text.len + 1, origin.ptr, origin.len);
    t->origin_len = origin.len;
    return t;
}

void auth_token_unref(auth_token *t) {
    if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    explicit_bzero(t->text, t->len);
    free(t);
}

/* --- the runtime ------------------------------------------------------------------------------------- */

auth_runtime *auth_runtime_new(const auth_runtime_options *o) {
    auth_runtime *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->store = o->store;
    r->secrets = o->secrets;
    r->read_only = o->read_only;
    r->loop_count = o->loops;
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

bool auth_runtime_serve(auth_runtime *r, const char *public_url, const auth_loop *loops) {
    r->public_url = strdup(public_url);
    r->loops = calloc(r->loop_count, sizeof *r->loops);
    if (r->public_url == NULL || r->loops == NULL)
        return false;
    size_t n = strlen(r->public_url);
    while (n > 0 && r->public_url[n - 1] == '/')
        r->public_url[--n] = '\0';
    memcpy(r->loops, loops, r->loop_count * sizeof *loops);
    return true;
}

void auth_runtime_reloaded(auth_runtime *r) {
    pthread_mutex_lock(&r->lock);
    for (auth_session *s = r->sessions; s != NULL; s = s->next) {
        pthread_mutex_lock(&s->lock);
        s->retry_ms = 0;
        s->failures = 0;
        s->rejected_ms = 0;
        if (atomic_load(&s->background_ms) != UINT64_MAX)
            atomic_store(&s->background_ms, 0);
        pthread_mutex_unlock(&s->lock);
    }
    pthread_mutex_unlock(&r->lock);
}

void auth_runtime_free(auth_runtime *r) {
    if (r == NULL)
        return;
    acquire_free_all(r);
    auth_consent_free_all(r);
    pthread_mutex_destroy(&r->lock);
    free(r->public_url);
    free(r->loops);
    free(r);
}

/* --- sessions ---------------------------------------------------------------------------------------- */

auth_session *auth_session_ref(auth_session *s) {
    pthread_mutex_lock(&s->runtime->lock);
    s->refs++;
    pthread_mutex_unlock(&s->runtime->lock);
    return s;
}

static void session_free(auth_session *s) {
    for (unsigned i = 0; s->slots != NULL && i < s->runtime->loop_count; i++)
        auth_token_unref(s->slots[i].token);
    auth_token_unref(s->token);
    auth_secret_free(s->refresh);
    free(s->refresh_of);
    free(s->scope);
    if (s->shared != NULL)
        s->scheme->ops->forget(s->shared);
    auth_config_unref(s->config);
    pthread_mutex_destroy(&s->lock);
    free(s->slots);
    free(s->connection);
    free(s);
}

void auth_session_unref(auth_session *s) {
    if (s == NULL)
        return;
    auth_runtime *r = s->runtime;
    pthread_mutex_lock(&r->lock);
    bool last = --s->refs == 0;
    for (auth_session **at = &r->sessions; last && *at != NULL; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    pthread_mutex_unlock(&r->lock);
    if (last)
        session_free(s);
}

static auth_session *session_new(auth_runtime *r, bb_str connection, const auth *a) {
    auth_session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->runtime = r;
    s->refs = 1;
    s->scheme = a->scheme;
    s->connection = strndup(connection.ptr, connection.len);
    s->slots = aligned_alloc(_Alignof(auth_slot), r->loop_count * sizeof *s->slots);
    pthread_mutex_init(&s->lock, NULL);
    if (s->connection == NULL || s->slots == NULL) {
        session_free(s);
        return NULL;
    }
    memset(s->slots, 0, r->loop_count * sizeof *s->slots);
    memcpy(s->identity, a->config->identity, sizeof s->identity);
    s->config = auth_config_ref(a->config);
    atomic_init(&s->serial, a->config->serial);
    return s;
}

static auth_session *find(auth_runtime *r, bb_str connection, const auth *a) {
    for (auth_session *s = r->sessions; s != NULL; s = s->next)
        if (str_eq(str_from(s->connection), connection) && s->scheme == a->scheme &&
            strcmp(s->identity, a->config->identity) == 0)
            return s;
    return NULL;
}

/* Completes a config that no other thread knows yet. */
static bool bind_config(auth_runtime *r, bb_str base_url, const http_target *target, auth *a) {
    auth_config *c = a->config;
    buf text;
    buf_init(&text);
    c->target = *target;
    c->target.ca_file = target->ca_file != NULL ? arena_strdup(c->memory, str_from(target->ca_file)) : NULL;
    c->target.proxy = target->proxy != NULL ? arena_strdup(c->memory, str_from(target->proxy)) : NULL;
    buf_printf(&text, "%s %.*s %s %s %d", a->fingerprint, STR_FMT(base_url),
               c->target.ca_file != NULL ? c->target.ca_file : "",
               c->target.proxy != NULL ? c->target.proxy : "", c->target.insecure);
    auth_hash(buf_str(&text), c->fingerprint);
    if (c->identity[0] == '\0')
        memcpy(c->identity, c->fingerprint, sizeof c->identity);
    c->serial = a->serial = ++r->serial;
    bool ok = !text.failed;
    buf_free(&text);
    return ok;
}

bool auth_attach(auth_runtime *r, bb_str connection, bb_str base_url, const http_target *target, auth *a,
                 err *e) {
    if (!a->scheme->ops->session)
        return true;
    if (!bind_config(r, base_url, target, a))
        return err_set(e, "no memory");
    pthread_mutex_lock(&r->lock);
    auth_session *s = find(r, connection, a);
    if (s != NULL)
        s->refs++;
    pthread_mutex_unlock(&r->lock);
    if (s == NULL && (s = session_new(r, connection, a)) != NULL) {
        if (a->scheme->ops->stored && r->store != NULL)
            auth_session_load(s);
        pthread_mutex_lock(&r->lock);
        s->next = r->sessions;
        r->sessions = s;
        pthread_mutex_unlock(&r->lock);
    }
    if (s != NULL) {
        pthread_mutex_lock(&s->lock);
        s->given_up = false;
        pthread_mutex_unlock(&s->lock);
    }
    a->session = s;
    return s != NULL || err_set(e, "no memory");
}

void auth_session_put(auth_session *s, auth_token *token) {
    auth_token_unref(s->token);
    s->token = token;
    uint64_t version = atomic_load_explicit(&s->version, memory_order_relaxed) + 1;
    if (token != NULL)
        token->version = version;
    atomic_store_explicit(&s->version, version, memory_order_release);
}

void auth_session_adopt(auth_session *s, auth_config *config) {
    if (config->serial <= s->config->serial)
        return;
    bool same = strcmp(config->fingerprint, s->config->fingerprint) == 0;
    auth_config *old = s->config;
    s->config = auth_config_ref(config);
    auth_config_unref(old);
    atomic_store(&s->serial, config->serial);
    if (same)
        return;
    s->failure = (auth_failure){0};
    s->failures = 0;
    s->retry_ms = 0;
    auth_session_put(s, NULL);
}
