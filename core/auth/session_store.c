/* session_store.c - tokens over a restart: one sealed blob a connection.
 *
 *     {"identity", "settings", "access_token", "expires_ms", "lifetime_ms", "refresh_token", "refresh_of",
 *      "scope"}
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

static void write_blob(const auth_session *s, const acquire *q, json_writer *w) {
    const acquire_tokens *t = &q->tokens;
    json_object(w);
    json_member_string(w, STR("identity"), str_from(s->identity));
    json_member_string(w, STR("settings"), str_from(q->config->fingerprint));
    json_member_string(w, STR("access_token"), t->access);
    json_member_u64(w, STR("lifetime_ms"), t->lifetime_ms);
    json_member_u64(w, STR("obtained_ms"), clock_wall_ms());
    member_text(w, "refresh_token", t->refresh.len > 0 ? t->refresh : q->refresh);
    member_text(w, "refresh_of", q->refresh_of);
    member_text(w, "scope", t->scope.len > 0 ? t->scope : q->scope);
    json_object_end(w);
}

bb_str auth_session_seal(auth_session *s, const acquire *q) {
    buf text;
    buf_init(&text);
    json_writer w;
    json_writer_init(&w, &text);
    write_blob(s, q, &w);
    bb_str name = auth_session_name(s, q->memory), sealed = {NULL, 0};
    if (json_writer_finish(&w) && name.ptr != NULL)
        sealed = secrets_seal(s->runtime->secrets, q->memory, name, buf_str(&text));
    if (text.ptr != NULL)
        explicit_bzero(text.ptr, text.cap);
    buf_free(&text);
    return sealed;
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
    auth_token *token = auth_token_new(access, age, lifetime);
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
            explicit_bzero((char *)(uintptr_t)plain.ptr, plain.len);
        } else {
            log_error("connection %s: its stored tokens cannot be read: %s", s->connection, e.text);
        }
    } else if (got != STORE_NOT_FOUND) {
        log_error("connection %s: its stored tokens cannot be read: %s", s->connection,
                  store_result_text(got));
    }
    arena_free(a);
}
