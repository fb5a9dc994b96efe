/* Consent by browser and by device, up to the token. */
#include "session_fixture.h"

#define WEB                                                                                              \
    "scheme = oauth2\ngrant = authorization_code\nclient_id = me\nclient_secret = s3cret\nscope = a b\n" \
    "token_url = http://127.0.0.1:%PORT%/token\nauthorize_url = https://as.example/authorize?tenant=1\n" \
    "authorize_parameters = {\"access_type\": \"offline\"}\n"

typedef struct begun {
    rig *rig;
    const auth *auth;
    bool done;
    problem problem;
    char kind[40], id[40], url[2000], code[80], complete[300], detail[600];
    uint64_t expires_in_s;
} begun;

static void on_begun(const auth_begun *b, void *ctx) {
    begun *o = ctx;
    pthread_mutex_lock(&o->rig->lock);
    o->problem = b->problem;
    rig_cut(o->kind, sizeof o->kind, str_from(b->kind));
    rig_cut(o->id, sizeof o->id, str_from(b->id));
    rig_cut(o->url, sizeof o->url, b->url);
    rig_cut(o->code, sizeof o->code, b->user_code);
    rig_cut(o->complete, sizeof o->complete, b->complete_url);
    rig_cut(o->detail, sizeof o->detail, b->detail);
    o->expires_in_s = b->expires_in_s;
    o->done = true;
    pthread_cond_broadcast(&o->rig->changed);
    pthread_mutex_unlock(&o->rig->lock);
}

static void begin_on_loop(loop *l, void *arg) {
    begun *o = arg;
    auth_consent_begin(o->auth, &o->rig->auth_loops[loop_index(l)], on_begun, o);
}

static void await(rig *r, const bool *done) {
    struct timespec until = rig_limit();
    pthread_mutex_lock(&r->lock);
    while (!*done && pthread_cond_timedwait(&r->changed, &r->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&r->lock);
    ck_assert(*done);
}

static begun begin(rig *r, const reading *c) {
    begun o = {.rig = r, .auth = &c->auth};
    ck_assert(loop_post(r->loops[0], begin_on_loop, &o));
    await(r, &o.done);
    return o;
}

/* The value of a query parameter of the page to open. */
static void value_of(const begun *b, const char *name, char out[200]) {
    char pattern[100];
    snprintf(pattern, sizeof pattern, "&%s=", name);
    const char *at = strstr(b->url, pattern);
    ck_assert_msg(at != NULL, "%s is not in %s", name, b->url);
    rig_cut(out, 200, str_of(at + strlen(pattern), strcspn(at + strlen(pattern), "&")));
}

typedef struct answered {
    rig *rig;
    auth_callback callback;
    bool done, ok;
    char id[70], text[600];
} answered;

static void on_answered(bool ok, const char *id, const char *text, void *ctx) {
    answered *o = ctx;
    pthread_mutex_lock(&o->rig->lock);
    o->ok = ok;
    snprintf(o->id, sizeof o->id, "%s", id);
    snprintf(o->text, sizeof o->text, "%s", text);
    o->done = true;
    pthread_cond_broadcast(&o->rig->changed);
    pthread_mutex_unlock(&o->rig->lock);
}

static void answer_on_loop(loop *l, void *arg) {
    answered *o = arg;
    auth_consent_callback(o->rig->runtime, &o->rig->auth_loops[loop_index(l)], &o->callback, on_answered, o);
}

static answered answer(rig *r, const char *state, const char *code, const char *iss, const char *error) {
    answered o = {.rig = r,
                  .callback = {.state = str_from(state),
                               .code = str_from(code),
                               .iss = str_from(iss),
                               .error = str_from(error)}};
    ck_assert(loop_post(r->loops[1], answer_on_loop, &o));
    await(r, &o.done);
    return o;
}

START_TEST(a_browser_brings_the_code_and_the_code_a_token) {
    rig *r = rig_new();
    r->refresh_prefix = "refresh";
    reading c = rig_connection(r, "shop", WEB);
    begun b = begin(r, &c);
    char state[200], challenge[200], value[200];
    ck_assert_str_eq(b.kind, "authorization_code");
    ck_assert_uint_eq(b.expires_in_s, 600);
    ck_assert_ptr_nonnull(
        strstr(b.url, "https://as.example/authorize?tenant=1&response_type=code&client_id=me&"));
    value_of(&b, "redirect_uri", value);
    ck_assert_str_eq(value, "http%3A%2F%2Fhub.example%3A8420%2Foauth%2Fcallback");
    value_of(&b, "scope", value);
    ck_assert_str_eq(value, "a%20b");
    value_of(&b, "access_type", value);
    ck_assert_str_eq(value, "offline");
    value_of(&b, "code_challenge_method", value);
    ck_assert_str_eq(value, "S256");
    value_of(&b, "code_challenge", challenge);
    value_of(&b, "state", state);
    ck_assert_uint_eq(strlen(state), 43);
    ck_assert_uint_eq(strlen(challenge), 43);
    assert_has(rig_state(&c).ptr, "\"status\":\"pending\"");
    ck_assert_uint_eq(rig_requests(r), 0);

    answered a = answer(r, state, "the code", NULL, NULL);
    ck_assert_msg(a.ok, "%s", a.text);
    ck_assert_str_eq(a.id, "shop");
    assert_has(r->bodies[0],
               "grant_type=authorization_code&code=the%20code&redirect_uri=http%3A%2F%2Fhub.example");
    assert_has(r->bodies[0], "&code_verifier=");
    ck_assert_ptr_null(strstr(r->bodies[0], challenge));
    ck_assert_uint_gt(strlen(r->authorizations[0]), 6);
    assert_has(rig_state(&c).ptr, "\"status\":\"done\"");
    ck_assert_str_eq(rig_get(r, &c, 2).token, "access-1");
    ck_assert(!answer(r, state, "the code", NULL, NULL).ok); /* once */
    ck_assert_uint_eq(rig_requests(r), 1);
    rig_pass(3600000);
    ck_assert_str_eq(rig_get(r, &c, 0).token, "access-2");
    assert_has(r->bodies[1], "grant_type=refresh_token&refresh_token=refresh-1");
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(answers_that_do_not_belong_are_refused) {
    rig *r = rig_new();
    reading c = rig_connection(r, "shop", WEB "issuer = https://as.example\n");
    reading other = rig_connection(r, "other", WEB);
    rig_answer_at(r, "/never", 200, "{}");
    char first[200], state[200];
    begun b = begin(r, &other);
    value_of(&b, "state", first);
    b = begin(r, &other); /* the later one counts */
    value_of(&b, "state", state);
    ck_assert(!answer(r, first, "x", NULL, NULL).ok);
    ck_assert(!answer(r, "", "x", NULL, NULL).ok);
    ck_assert(!answer(r, NULL, "x", NULL, NULL).ok);
    state[0] = state[0] == 'A' ? 'B' : 'A';
    ck_assert_str_eq(answer(r, state, "x", NULL, NULL).id, "");
    ck_assert_uint_eq(rig_requests(r), 0);
    b = begin(r, &other);
    value_of(&b, "state", state);
    answered a = answer(r, state, "x", NULL, "access_denied\r\n<b>");
    ck_assert(!a.ok);
    assert_has(a.text, "access_denied  <b>");
    b = begin(r, &other);
    value_of(&b, "state", state);
    ck_assert(!answer(r, state, "", NULL, NULL).ok);
    b = begin(r, &other);
    value_of(&b, "state", state);
    rig_pass(600001);
    a = answer(r, state, "x", NULL, NULL);
    ck_assert(!a.ok);
    assert_has(a.text, "ten minutes");
    b = begin(r, &other);
    value_of(&b, "state", state);
    auth_revoke(&other.auth, 0, true, NULL, NULL); /* the connection is deleted meanwhile */
    a = answer(r, state, "x", NULL, NULL);
    ck_assert(!a.ok);
    assert_has(a.text, "taken back");
    ck_assert_uint_eq(rig_requests(r), 0);
    done_reading(&c);
    done_reading(&other);
    rig_free(r);
}
END_TEST

START_TEST(a_code_that_the_service_refuses_leaves_what_there_was) {
    rig *r = rig_new();
    r->refresh_prefix = "refresh";
    reading c = rig_connection(r, "shop", WEB);
    char state[200];
    begun b = begin(r, &c);
    value_of(&b, "state", state);
    ck_assert(answer(r, state, "good", NULL, NULL).ok);
    b = begin(r, &c);
    value_of(&b, "state", state);
    rig_answer(r, 400, "{\"error\":\"invalid_grant\"}");
    answered a = answer(r, state, "bad", NULL, NULL);
    ck_assert(!a.ok);
    assert_has(a.text, "invalid_grant");
    assert_has(rig_state(&c).ptr, "\"status\":\"failed\"");
    assert_state(&c, "valid");
    ck_assert_str_eq(rig_get(r, &c, 0).token, "access-1");
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(the_issuer_must_be_the_one_that_was_asked) {
    rig *r = rig_new();
    char issuer[100], body[1000], state[200];
    reading c = rig_connection(r, "shop",
                               "scheme = oauth2\ngrant = authorization_code\nclient_id = me\n"
                               "client_secret = s3cret\nissuer = http://127.0.0.1:%PORT%\n");
    snprintf(issuer, sizeof issuer, "http://127.0.0.1:%u", r->port);
    snprintf(body, sizeof body,
             "{\"issuer\":\"%s\",\"token_endpoint\":\"%s/token\",\"authorization_endpoint\":\"%s/authorize\","
             "\"authorization_response_iss_parameter_supported\":true}",
             issuer, issuer, issuer);
    rig_answer_at(r, "/.well-known/oauth-authorization-server", 200, body);
    const char *wrong[] = {"http://evil.example", NULL};
    for (size_t i = 0; i < 2; i++) {
        begun b = begin(r, &c);
        ck_assert_msg(b.problem == PROBLEM_NONE, "%s", b.detail);
        value_of(&b, "state", state);
        answered a = answer(r, state, "code", wrong[i], NULL);
        ck_assert(!a.ok);
        assert_has(a.text, "(iss)");
    }
    begun b = begin(r, &c);
    value_of(&b, "state", state);
    ck_assert(answer(r, state, "code", issuer, NULL).ok);
    ck_assert_str_eq(r->paths[1], "/token");
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(an_issuer_without_metadata_is_told_of) {
    rig *r = rig_new();
    reading c = rig_connection(r, "shop",
                               "scheme = oauth2\ngrant = authorization_code\nclient_id = me\n"
                               "client_secret = s3cret\nissuer = http://127.0.0.1:%PORT%\n");
    rig_answer(r, 404, "nothing");
    begun b = begin(r, &c);
    ck_assert_int_eq(b.problem, PROBLEM_CREDENTIALS_UNAVAILABLE);
    assert_has(b.detail, "publishes no metadata");
    rig_answer(r, 200, "{\"issuer\":\"http://evil.example\"}");
    b = begin(r, &c);
    assert_has(b.detail, "of another issuer");
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(without_need_of_consent_a_token_is_got_at_once) {
    rig *r = rig_new();
    reading c = rig_connection(r, "shop",
                               "scheme = oauth2\ntoken_url = http://127.0.0.1:%PORT%/token\n"
                               "client_id = me\nclient_secret = s3cret\n");
    rig_answer(r, 401, "{\"error\":\"invalid_client\"}");
    begun b = begin(r, &c);
    ck_assert_int_eq(b.problem, PROBLEM_CREDENTIALS_UNAVAILABLE);
    assert_has(b.detail, "invalid_client");
    rig_answer(r, 0, NULL);
    b = begin(r, &c); /* mended: it does not wait for the next try */
    ck_assert_int_eq(b.problem, PROBLEM_NONE);
    ck_assert_str_eq(b.kind, "token");
    ck_assert_str_eq(b.id, "");
    ck_assert_str_eq(rig_get(r, &c, 1).token, "access-2");
    reading basic = rig_connection(r, "basic", "scheme = basic\nusername = a\n");
    ck_assert_int_eq(begin(r, &basic).problem, PROBLEM_UNSUPPORTED);
    done_reading(&c);
    done_reading(&basic);
    rig_free(r);
}
END_TEST

#define DEVICE                                                          \
    "scheme = oauth2\ngrant = device_code\nclient_id = me\nscope = a\n" \
    "token_url = http://127.0.0.1:%PORT%/token\ndevice_url = http://127.0.0.1:%PORT%/device\n"

START_TEST(a_device_asks_until_the_code_is_entered) {
    rig *r = rig_new();
    r->refresh_prefix = "refresh";
    reading c = rig_connection(r, "tv", DEVICE);
    rig_answer_at(
        r, "/device", 200,
        "{\"device_code\":\"dc\",\"user_code\":\"ABCD-EFGH\",\"verification_uri\":\"https://as.example/d\","
        "\"verification_uri_complete\":\"https://as.example/d?c=ABCD\",\"expires_in\":900,\"interval\":1}");
    rig_answer(r, 400, "{\"error\":\"authorization_pending\"}");
    begun b = begin(r, &c);
    ck_assert_str_eq(b.kind, "device_code");
    ck_assert_str_eq(b.code, "ABCD-EFGH");
    ck_assert_str_eq(b.url, "https://as.example/d");
    ck_assert_str_eq(b.complete, "https://as.example/d?c=ABCD");
    ck_assert_uint_eq(b.expires_in_s, 900);
    ck_assert_str_eq(r->bodies[0], "scope=a&client_id=me");
    rig_await_requests(r, 2);
    assert_has(r->bodies[1], "device_code&device_code=dc&client_id=me");
    assert_has(rig_state(&c).ptr, "\"status\":\"pending\"");
    rig_answer(r, 0, NULL);
    for (int i = 0; i < 2000 && strstr(rig_state(&c).ptr, "\"status\":\"done\"") == NULL; i++)
        usleep(5000);
    assert_has(rig_get(r, &c, 0).token, "access-");
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(a_device_code_that_runs_out_or_is_refused_is_told_of) {
    rig *r = rig_new();
    reading c = rig_connection(r, "tv", DEVICE);
    rig_answer_at(r, "/device", 200,
                  "{\"device_code\":\"dc\",\"user_code\":\"A\",\"verification_url\":\"https://as.example/d\","
                  "\"interval\":1}");
    rig_answer(r, 400, "{\"error\":\"access_denied\"}");
    begun b = begin(r, &c);
    ck_assert_str_eq(b.url, "https://as.example/d");
    for (int i = 0; i < 2000 && strstr(rig_state(&c).ptr, "\"status\":\"failed\"") == NULL; i++)
        usleep(5000);
    assert_has(rig_state(&c).ptr, "access_denied");
    begin(r, &c);
    rig_pass(600001); /* no expires_in: ten minutes */
    for (int i = 0; i < 2000 && strstr(rig_state(&c).ptr, "nobody entered") == NULL; i++)
        usleep(5000);
    assert_has(rig_state(&c).ptr, "nobody entered the code in time");
    begin(r, &c);
    done_reading(&c); /* a hub that stops while it waits */
    rig_free(r);
}
END_TEST

START_TEST(what_is_no_answer_to_a_device_is_told_of) {
    rig *r = rig_new();
    reading c = rig_connection(r, "tv", DEVICE);
    rig_answer(r, 200,
               "{\"device_code\":\"dc\",\"user_code\":\"A\",\"verification_uri\":\"javascript:alert(1)\"}");
    assert_has(begin(r, &c).detail, "no device_code, user_code and verification_uri");
    rig_answer(r, 400, "{\"error\":\"unauthorized_client\"}");
    assert_has(begin(r, &c).detail, "unauthorized_client");
    done_reading(&c);
    rig_free(r);
}
END_TEST

UNIT_MAIN(unit_test(a_browser_brings_the_code_and_the_code_a_token),
          unit_test(answers_that_do_not_belong_are_refused),
          unit_test(a_code_that_the_service_refuses_leaves_what_there_was),
          unit_test(the_issuer_must_be_the_one_that_was_asked),
          unit_test(an_issuer_without_metadata_is_told_of),
          unit_test(without_need_of_consent_a_token_is_got_at_once),
          unit_test(a_device_asks_until_the_code_is_entered),
          unit_test(a_device_code_that_runs_out_or_is_refused_is_told_of),
          unit_test(what_is_no_answer_to_a_device_is_told_of))
