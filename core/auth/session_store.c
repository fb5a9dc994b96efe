/* session_store.c - tokens over a restart: one sealed blob a connection.
 *
 *     {"identity", "settings", "access_token", "expires_ms", "lifetime_ms", "origin", "refresh_token",
 *      "refresh_of", "scope"}
 *
 * `identity` says what the tokens are for: of another client or scope they are passed over. `settings` tells
 * whether the access token came by the same settings; if not, only the refresh token is taken. */
#include "auth/acquire.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/tokens.h"

#include <stdlib.h>

bb_str auth_session_name(const auth_session *s, arena *a) {
    return arena_printf(a, "%s/%s", s->scheme->id, s->connection);
}

static void member_text(json_writer *w, const char *name, bb_str text) {
    if (text.len > 0)
        json_member_string(w, str_from(name), text);
}

/* What is kept. Texts absent or empty: there is none. */
typedef struct kept_tokens {
    const char *settings;
    bb_str access, origin, refresh, refresh_of, scope;
    uint64_t lifetime_ms, obtained_ms; /* wall clock */
} kept_tokens;

static void write_blob(const auth_session *s, const kept_tokens *k, json_writer *w) {
    json_object(w);
    json_member_string(w, STR("identity"), str_from(s->identity));
    json_member_string(w, STR("settings"), str_from(k->settings));
    json_member_string(w, STR("access_token"), k->access);
    member_text(w, "origin", k->origin);
    json_member_u64(w, STR("lifetime_ms"), k->lifetime_ms);
    json_member_u64(w, STR("obtained_ms"), k->obtained_ms);
    member_text(w, "refresh_token", k->refresh);
    member_text(w, "refresh_of", k->refresh_of);
    member_text(w, "scope", k->scope);
    json_object_end(w);
}

static bb_str seal(const auth_session *s, arena *a, bb_str name, const kept_tokens *k) {
    buf text;
    buf_init(&text);
    json_writer w;
    json_writer_init(&w, &text);
    write_blob(s, k, &w);
    bb_str sealed = {NULL, 0};
    if (json_writer_finish(&w) && name.ptr != NULL)
        sealed = secrets_seal(s->runtime->secrets, a, name, buf_str(&text));
    buf_wipe(&text);
    return sealed;
}

bb_str auth_session_seal(auth_session *s, const acquire *q) {
    const acquire_tokens *t = &q->tokens;
    const kept_tokens k = {.settings = q->config->fingerprint,
                           .access = t->access,
                           .origin = t->origin,
                           .refresh = t->refresh.len > 0 ? t->refresh : q->refresh,
                           .refresh_of = q->refresh_of,
                           .scope = t->scope.len > 0 ? t->scope : q->scope,
                           .lifetime_ms = t->lifetime_ms,
                           .obtained_ms = clock_wall_ms()};
    return seal(s, q->memory, auth_session_name(s, q->memory), &k);
}

/* --- once more ---------------------------------------------------------------------------------------- */

typedef struct again {
    auth_session *session; /* counted */
    uint64_t version;      /* of the token that goes to the store */
} again;

static void on_stored_again(store_result result, void *ctx) {
    again *g = ctx;
    auth_session *s = g->session;
    pthread_mutex_lock(&s->lock);
    s->storing_again = false;
    bool newest = g->version == atomic_load_explicit(&s->version, memory_order_relaxed);
    if (result == STORE_OK && newest)
        s->unstored = false;
    if (s->unstored)
        atomic_store(&s->runtime->any_unstored, true);
    pthread_mutex_unlock(&s->lock);
    if (result == STORE_OK)
        log_info("connection %s: its tokens are in the store now", s->connection);
    auth_session_unref(s);
    free(g);
}

/* Under the session's lock: so that what is newer, or a revocation, comes behind it in the store's queue. */
static bool queue_again(auth_session *s, arena *a, again *g) {
    const auth_token *token = s->token;
    bb_str name = auth_session_name(s, a);
    uint64_t now = clock_wall_ms(), age = token != NULL ? auth_now_ms() - token->obtained_ms : 0;
    kept_tokens k = {.settings = s->config->fingerprint,
                     .refresh = str_from(s->refresh),
                     .refresh_of = str_from(s->refresh_of),
                     .scope = str_from(s->scope),
                     .obtained_ms = now > age ? now - age : 0};
    if (token != NULL) {
        k.access = str_of(token->text, token->len);
        k.origin = auth_token_origin(token);
        k.lifetime_ms = token->expires_wall_ms > k.obtained_ms ? token->expires_wall_ms - k.obtained_ms : 0;
    }
    bb_str sealed = seal(s, a, name, &k);
    g->version = atomic_load_explicit(&s->version, memory_order_relaxed);
    return sealed.ptr != NULL && store_token_put(s->runtime->store, name, sealed, now,
                                                 s->runtime->loops[0].loop, on_stored_again, g);
}

static void store_again(auth_session *s) {
    arena *a = arena_new(0);
    again *g = calloc(1, sizeof *g);
    bool queued = false;
    if (a != NULL && g != NULL) {
        g->session = s;
        pthread_mutex_lock(&s->lock);
        bool wanted = s->unstored && !s->given_up && !s->storing_again;
        queued = wanted && queue_again(s, a, g);
        s->storing_again = s->storing_again || queued;
        if (wanted && !queued)
            atomic_store(&s->runtime->any_unstored, true);
        pthread_mutex_unlock(&s->lock);
    }
    arena_free(a);
    if (!queued) {
        free(g);
        auth_session_unref(s);
    }
}

/* The first one that is to be stored, counted, behind those that were looked at. */
static auth_session *next_unstored(auth_runtime *r, const auth_session *after) {
    auth_session *found = NULL;
    pthread_mutex_lock(&r->lock);
    bool behind = after == NULL;
    for (auth_session *s = r->sessions; s != NULL && found == NULL; s = s->next) {
        pthread_mutex_lock(&s->lock);
        if (behind && s->unstored && !s->given_up)
            found = s;
        pthread_mutex_unlock(&s->lock);
        behind = behind || s == after;
    }
    if (found != NULL)
        found->refs++;
    pthread_mutex_unlock(&r->lock);
    return found;
}

void auth_runtime_store_again(auth_runtime *r) {
    if (r->store == NULL || r->read_only || r->loops == NULL || store_health(r->store) != STORE_OK ||
        !atomic_exchange(&r->any_unstored, false))
        return;
    for (auth_session *s = next_unstored(r, NULL), *next; s != NULL; s = next) {
        next = next_unstored(r, s); /* while this one is still in the list */
        store_again(s);
    }
}

static char *text_of(const json_value *blob, const char *name) {
    bb_str text = json_string(json_get(blob, str_from(name)));
    return text.len > 0 ? strndup(text.ptr, text.len) : NULL;
}

static void take_blob(auth_session *s, const json_value *blob) {
    uint64_t lifetime = 0, obtained = 0, now = clock_wall_ms();
    bb_str access = json_string(json_getl(blob, "access_token"));
    if (!str_eq(json_string(json_getl(blob, "identity")), str_from(s->identity)))
        return;
    s->refresh = text_of(blob, "refresh_token");
    s->refresh_of = text_of(blob, "refresh_of");
    s->scope = text_of(blob, "scope");
    if (access.len == 0 ||
        !str_eq(json_string(json_getl(blob, "settings")), str_from(s->config->fingerprint)))
        return;
    json_to_u64(json_getl(blob, "lifetime_ms"), &lifetime);
    json_to_u64(json_getl(blob, "obtained_ms"), &obtained);
    uint64_t age = now > obtained ? now - obtained : 0;
    if (lifetime > 0 && age >= lifetime)
        return;
    auth_token *token = auth_token_new(access, json_string(json_getl(blob, "origin")), age, lifetime);
    if (token != NULL)
        auth_session_put(s, token);
}

void auth_session_load(auth_session *s) {
    auth_runtime *r = s->runtime;
    arena *a = arena_new(0);
    bb_str name = a != NULL ? auth_session_name(s, a) : (bb_str){NULL, 0}, sealed, plain;
    uint64_t updated;
    err e = {""};
    store_result got = name.ptr != NULL ? store_token_get(r->store, a, name, &sealed, &updated)
                                        : STORE_FAILED;
    if (got == STORE_OK) {
        plain = secrets_unseal(r->secrets, a, name, sealed, &e);
        if (plain.ptr != NULL) {
            take_blob(s, json_read(a, plain, NULL, NULL));
            str_wipe(plain);
        } else {
            log_error("connection %s: its stored tokens cannot be read: %s", s->connection, e.text);
        }
    } else if (got != STORE_NOT_FOUND) {
        log_error("connection %s: its stored tokens cannot be read: %s", s->connection,
                  store_result_text(got));
    }
    arena_free(a);
}
