/* session_state.c - how a connection's credentials fare, for the admin. Never a token. */
#include "auth/session_internal.h"

#include "base/clock.h"

static const char *state_of(const auth_session *s, uint64_t now) {
    if (s->token != NULL && now < s->token->until_ms)
        return now < s->token->renew_ms ? "valid" : "expiring";
    if (s->failure.set)
        return s->failure.consent ? "needs_consent" : "failed";
    if (s->scheme->ops->consent != NULL && s->refresh == NULL && s->scheme->ops->consent(s->config))
        return "needs_consent";
    return "none";
}

const char *auth_session_state(const auth *a) {
    auth_session *s = a->session;
    if (s == NULL)
        return "none";
    pthread_mutex_lock(&s->lock);
    const char *state = state_of(s, auth_now_ms());
    pthread_mutex_unlock(&s->lock);
    return state;
}

static const char *advice_of(const auth_session *s, const char *state) {
    if (strcmp(state, "needs_consent") == 0)
        return "Run `busbar auth CONNECTION` and give consent at the service.";
    if (s->failure.set && s->failure.admin)
        return "Mend the connection's [auth] as last_error says and reload; `busbar auth CONNECTION` tries "
               "at "
               "once.";
    if (s->failure.set)
        return "It is tried again by itself; check that the token endpoint can be reached.";
    if (s->unstored)
        return "The tokens are in memory only: make room for the store, or a restart may need consent anew.";
    return NULL;
}

static void write_consent(const auth_consent_state *c, json_writer *w) {
    static const char *const names[] = {"none", "pending", "done", "failed"};
    if (c->outcome == CONSENT_NONE)
        return;
    json_keyl(w, "consent");
    json_object(w);
    json_member_string(w, STR("id"), str_from(c->id));
    json_member_string(w, STR("status"), str_from(names[c->outcome]));
    if (c->outcome == CONSENT_PENDING)
        json_member_time(w, STR("expires_at"), c->expires_wall_ms);
    if (c->error[0] != '\0')
        json_member_string(w, STR("error"), str_from(c->error));
    json_object_end(w);
}

static void write_session(auth_session *s, json_writer *w) {
    uint64_t now = auth_now_ms(), wall = clock_wall_ms();
    pthread_mutex_lock(&s->lock);
    const char *state = state_of(s, now), *advice = advice_of(s, state);
    json_member_string(w, STR("state"), str_from(state));
    if (s->token != NULL && now < s->token->until_ms) {
        uint64_t age = now - s->token->obtained_ms;
        json_member_time(w, STR("obtained_at"), wall > age ? wall - age : 0);
        json_member_time(w, STR("expires_at"), s->token->expires_wall_ms);
    }
    if (s->scheme->ops->stored) {
        json_member_bool(w, STR("refresh_token"), s->refresh != NULL);
        if (s->token != NULL || s->refresh != NULL)
            json_member_bool(w, STR("stored"), s->runtime->store != NULL && !s->unstored);
    }
    if (s->scope != NULL)
        json_member_string(w, STR("scope"), str_from(s->scope));
    if (s->failure.set)
        json_member_string(w, STR("last_error"), str_from(s->failure.text));
    if (s->failure.set && s->retry_ms > now)
        json_member_time(w, STR("retry_at"), wall + (s->retry_ms - now));
    if (advice != NULL)
        json_member_string(w, STR("advice"), str_from(advice));
    write_consent(&s->consent, w);
    pthread_mutex_unlock(&s->lock);
}

void auth_session_write_state(const auth *a, json_writer *w) {
    json_object(w);
    json_member_string(w, STR("scheme"), str_from(a->scheme->id));
    if (a->session != NULL)
        write_session(a->session, w);
    else
        json_member_string(w, STR("state"), STR("none"));
    json_object_end(w);
}
