/* Tokens over a restart: sealed, stored before they are used, and not lost with a store that fails. */
#include "session_fixture.h"

#include "store/tokens.h"

#define CLIENT                                                                                             \
    "scheme = oauth2\ntoken_url = http://127.0.0.1:%PORT%/token\nclient_id = me\nclient_secret = s3cret\n" \
    "grant = refresh_token\nrefresh_token = first\n"

typedef struct vault {
    char folder[64], path[128];
    store *s;
    secrets *v;
} vault;

static void vault_open(vault *f, bool read_only) {
    err e = {""};
    const secrets_options o = {.state_dir = f->folder, .read_only = read_only};
    f->s = read_only ? store_open_read_only(f->path, &e) : store_open(f->path, &e);
    ck_assert_msg(f->s != NULL, "%s", e.text);
    f->v = secrets_open(f->s, &o, &e);
    ck_assert_msg(f->v != NULL, "%s", e.text);
}

static void vault_close(vault *f) {
    secrets_close(f->v);
    store_close(f->s);
}

static vault vault_new(void) {
    vault f = {.folder = "/tmp/busbar-auth-XXXXXX"};
    unsetenv("BUSBAR_MASTER_KEY");
    unsetenv("CREDENTIALS_DIRECTORY");
    ck_assert_ptr_nonnull(mkdtemp(f.folder));
    snprintf(f.path, sizeof f.path, "%s/busbar.db", f.folder);
    vault_open(&f, false);
    return f;
}

static void vault_free(vault *f) {
    char command[160];
    vault_close(f);
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    ck_assert_int_eq(system(command), 0);
}

static void assert_gives(rig *r, reading *c, const char *token) {
    caller got = rig_get(r, c, 1);
    ck_assert_msg(got.ticket.state == AUTH_READY, "%s", got.detail);
    ck_assert_str_eq(got.token, token);
}

/* The stored refresh token. */
static void assert_stored(vault *f, const char *refresh) {
    arena *a = arena_new(0);
    bb_str sealed = {NULL, 0};
    uint64_t updated;
    err e = {""};
    ck_assert_int_eq(store_token_get(f->s, a, STR("oauth2/shop"), &sealed, &updated), STORE_OK);
    ck_assert_ptr_null(memmem(sealed.ptr, sealed.len, refresh, strlen(refresh))); /* not in the clear */
    bb_str plain = secrets_unseal(f->v, a, STR("oauth2/shop"), sealed, &e);
    ck_assert_msg(plain.ptr != NULL, "%s", e.text);
    assert_text(json_string(json_getl(json_read(a, plain, NULL, NULL), "refresh_token")), refresh);
    arena_free(a);
}

START_TEST(a_rotated_token_is_stored_before_it_is_used_and_found_after_a_restart) {
    vault f = vault_new();
    rig *r = rig_new_with(f.s, f.v);
    r->refresh_prefix = "rotated";
    reading c = rig_connection(r, "shop", CLIENT);
    assert_gives(r, &c, "access-1");
    assert_stored(&f, "rotated-1");
    rig_pass(3600000);
    assert_gives(r, &c, "access-2");
    assert_stored(&f, "rotated-2");
    done_reading(&c);
    reading again = rig_connection(r, "shop", CLIENT); /* as after a restart: the session had gone */
    assert_gives(r, &again, "access-2");
    ck_assert_uint_eq(rig_requests(r), 2);
    rig_pass(1800000);
    done_reading(&again);
    again = rig_connection(r, "shop", CLIENT);
    assert_state(&again, "valid"); /* half of its life is over, not all */
    rig_pass(1200000);
    assert_state(&again, "expiring");
    rig_pass(600000);
    assert_gives(r, &again, "access-3");
    ck_assert_ptr_nonnull(strstr(r->bodies[2], "refresh_token=rotated-2"));
    done_reading(&again);
    rig_free(r);
    vault_free(&f);
}
END_TEST

START_TEST(of_other_settings_the_refresh_token_is_kept_and_of_another_client_nothing) {
    vault f = vault_new();
    rig *r = rig_new_with(f.s, f.v);
    r->refresh_prefix = "rotated";
    reading c = rig_connection(r, "shop", CLIENT);
    assert_gives(r, &c, "access-1");
    done_reading(&c);
    c = rig_connection(r, "shop", CLIENT "client_auth = client_secret_post\n");
    assert_gives(r, &c, "access-2"); /* other settings: no access token of before */
    ck_assert_ptr_nonnull(strstr(r->bodies[1], "refresh_token=rotated-1"));
    done_reading(&c);
    c = rig_connection(r, "shop", CLIENT "scope = more\n");
    assert_gives(r, &c, "access-3");
    ck_assert_ptr_nonnull(strstr(r->bodies[2], "refresh_token=first"));
    done_reading(&c);
    rig_free(r);
    vault_free(&f);
}
END_TEST

START_TEST(with_a_store_that_takes_nothing_tokens_live_in_memory_and_health_says_so) {
    vault f = vault_new();
    vault_close(&f);
    vault_open(&f, true);
    rig *r = rig_new_with(f.s, f.v);
    r->refresh_prefix = "rotated";
    reading c = rig_connection(r, "shop", CLIENT);
    assert_gives(r, &c, "access-1");
    assert_has(rig_state(&c).ptr, "\"stored\":false");
    assert_has(rig_state(&c).ptr, "in memory only");
    rig_pass(3600000);
    assert_gives(r, &c, "access-2");
    ck_assert_ptr_nonnull(strstr(r->bodies[1], "refresh_token=rotated-1"));
    done_reading(&c);
    rig_free(r);
    vault_free(&f);
}
END_TEST

START_TEST(who_only_reads_the_store_does_not_rotate_another_s_token) {
    vault f = vault_new();
    rig *r = rig_new_with(f.s, f.v);
    r->refresh_prefix = "rotated";
    reading c = rig_connection(r, "shop", CLIENT);
    assert_gives(r, &c, "access-1");
    done_reading(&c);
    auth_runtime *serving = r->runtime;
    r->runtime = auth_runtime_new(
        &(auth_runtime_options){.store = f.s, .secrets = f.v, .loops = RIG_LOOPS, .read_only = true});
    c = rig_connection(r, "shop", CLIENT);
    assert_gives(r, &c, "access-1");
    rig_pass(3600000);
    caller got = rig_get(r, &c, 0);
    ck_assert_int_eq(got.ticket.state, AUTH_FAILED);
    assert_has(got.detail, "--offline");
    ck_assert_uint_eq(rig_requests(r), 1);
    assert_stored(&f, "rotated-1");
    done_reading(&c);
    auth_runtime_free(r->runtime);
    r->runtime = serving;
    rig_free(r);
    vault_free(&f);
}
END_TEST

START_TEST(a_blob_of_another_connection_is_not_taken) {
    vault f = vault_new();
    rig *r = rig_new_with(f.s, f.v);
    r->refresh_prefix = "rotated";
    arena *a = arena_new(0);
    bb_str sealed;
    uint64_t updated;
    reading c = rig_connection(r, "shop", CLIENT);
    assert_gives(r, &c, "access-1");
    ck_assert_int_eq(store_token_get(f.s, a, STR("oauth2/shop"), &sealed, &updated), STORE_OK);
    ck_assert_int_eq(store_token_put_now(f.s, STR("oauth2/other"), sealed, 1), STORE_OK);
    reading other = rig_connection(r, "other", CLIENT);
    assert_gives(r, &other, "access-2");
    ck_assert_ptr_nonnull(strstr(r->bodies[1], "refresh_token=first"));
    done_reading(&c);
    done_reading(&other);
    arena_free(a);
    rig_free(r);
    vault_free(&f);
}
END_TEST

/* --- taking back ------------------------------------------------------------------------------------- */

typedef struct outcome {
    rig *rig;
    bool done, ok;
    char text[300];
} outcome;

static void on_revoked(bool ok, const char *text, void *ctx) {
    outcome *o = ctx;
    pthread_mutex_lock(&o->rig->lock);
    o->ok = ok;
    snprintf(o->text, sizeof o->text, "%s", text);
    o->done = true;
    pthread_cond_broadcast(&o->rig->changed);
    pthread_mutex_unlock(&o->rig->lock);
}

static outcome take_back(rig *r, const reading *c, bool for_good) {
    outcome o = {.rig = r};
    struct timespec until = rig_limit();
    auth_revoke(&c->auth, 0, for_good, on_revoked, &o);
    pthread_mutex_lock(&r->lock);
    while (!o.done && pthread_cond_timedwait(&r->changed, &r->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&r->lock);
    ck_assert(o.done);
    return o;
}

START_TEST(taken_back_tokens_are_revoked_and_forgotten) {
    vault f = vault_new();
    rig *r = rig_new_with(f.s, f.v);
    r->refresh_prefix = "rotated";
    arena *a = arena_new(0);
    bb_str sealed;
    uint64_t updated;
    reading c = rig_connection(r, "shop", CLIENT "revoke_url = http://127.0.0.1:%PORT%/revoke\n");
    assert_gives(r, &c, "access-1");
    ck_assert(take_back(r, &c, false).ok);
    ck_assert_str_eq(r->bodies[1], "token=rotated-1&token_type_hint=refresh_token");
    ck_assert_str_eq(r->bodies[2], "token=access-1&token_type_hint=access_token");
    ck_assert_uint_eq(strlen(r->authorizations[1]), strlen(r->authorizations[0]));
    ck_assert_int_eq(store_token_get(f.s, a, STR("oauth2/shop"), &sealed, &updated), STORE_NOT_FOUND);
    assert_state(&c, "none");
    ck_assert(take_back(r, &c, false).ok); /* nothing there: nothing asked */
    ck_assert_uint_eq(rig_requests(r), 3);
    assert_gives(r, &c, "access-4");
    rig_answer_at(r, "/revoke", 503, "{}");
    outcome refused = take_back(r, &c, true);
    ck_assert(!refused.ok);
    assert_has(refused.text, "refuses");
    assert_gives(r, &c, "access-7"); /* calls that still run; but nothing is stored any more */
    ck_assert_int_eq(store_token_get(f.s, a, STR("oauth2/shop"), &sealed, &updated), STORE_NOT_FOUND);
    done_reading(&c);
    arena_free(a);
    rig_free(r);
    vault_free(&f);
}
END_TEST

UNIT_MAIN(unit_test(a_rotated_token_is_stored_before_it_is_used_and_found_after_a_restart),
          unit_test(of_other_settings_the_refresh_token_is_kept_and_of_another_client_nothing),
          unit_test(with_a_store_that_takes_nothing_tokens_live_in_memory_and_health_says_so),
          unit_test(who_only_reads_the_store_does_not_rotate_another_s_token),
          unit_test(a_blob_of_another_connection_is_not_taken),
          unit_test(taken_back_tokens_are_revoked_and_forgotten))
