/* The requests of each grant and each way to authenticate the client, as a token endpoint sees them. */
#include "session_fixture.h"

#include "keys.h"
#include "plugin/host_crypto.h"

#define ENDPOINT "scheme = oauth2\ntoken_url = http://127.0.0.1:%PORT%/token\n"
#define BASIC ENDPOINT "client_id = m:e\nclient_secret = s/3 cret\n"

/* The form of request `n` has name=value (encoded); value NULL: it does not have the name. */
static void assert_sent(rig *r, unsigned n, const char *name, const char *value) {
    char pattern[1000], body[5000];
    snprintf(body, sizeof body, "&%s&", r->bodies[n]);
    snprintf(pattern, sizeof pattern, "&%s=%s%s", name, value != NULL ? value : "", value != NULL ? "&" : "");
    bool there = strstr(body, pattern) != NULL;
    ck_assert_msg(there == (value != NULL), "%s: %s", pattern, body);
}

static caller assert_token(rig *r, reading *c) {
    caller got = rig_get(r, c, 0);
    ck_assert_msg(got.ticket.state == AUTH_READY, "%s", got.detail);
    return got;
}

/* The claims of a JWT that stands in a form as NAME=. */
static const json_value *claims_of(arena *a, rig *r, unsigned n, const char *name) {
    char pattern[100];
    snprintf(pattern, sizeof pattern, "%s=", name);
    const char *at = strstr(r->bodies[n], pattern);
    ck_assert_msg(at != NULL, "no %s in %s", name, r->bodies[n]);
    bb_str token = str_of(at + strlen(pattern), strcspn(at + strlen(pattern), "&")), header, claims;
    ck_assert(str_split(&token, '.', &header) && str_split(&token, '.', &claims));
    char *text = arena_alloc(a, claims.len + 1);
    size_t len = host_crypto.base64url_decode(claims, (uint8_t *)text, claims.len);
    ck_assert_uint_ne(len, SIZE_MAX);
    return json_read(a, str_of(text, len), NULL, NULL);
}

static void assert_claim(const json_value *claims, const char *name, const char *value) {
    assert_text(json_string(json_get(claims, str_from(name))), value);
}

START_TEST(client_credentials) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a",
                               BASIC "scope = a b\naudience = x&y\nresource = https://r.example/1 urn:r2\n"
                                     "parameters = {\"tenant\": \"t 1\", \"n\": 7}\n");
    assert_token(r, &c);
    assert_sent(r, 0, "grant_type", "client_credentials");
    assert_sent(r, 0, "scope", "a%20b");
    assert_sent(r, 0, "audience", "x%26y");
    assert_sent(r, 0, "resource", "https%3A%2F%2Fr.example%2F1");
    assert_sent(r, 0, "resource", "urn%3Ar2");
    assert_sent(r, 0, "tenant", "t%201");
    assert_sent(r, 0, "n", "7");
    assert_sent(r, 0, "client_id", NULL);
    assert_sent(r, 0, "client_secret", NULL);
    ck_assert_str_eq(r->authorizations[0], "Basic bSUzQWU6cyUyRjMlMjBjcmV0"); /* m%3Ae:s%2F3%20cret */
    done_reading(&c);
    rig_free(r);
}
END_TEST

/* A value of several lines: each further one goes on with a blank. */
static void indent(char *to, size_t cap, const char *before, const char *lines) {
    size_t n = (size_t)snprintf(to, cap, "%s", before);
    for (; *lines != '\0' && n + 2 < cap; lines++) {
        to[n++] = *lines;
        if (*lines == '\n' && lines[1] != '\0')
            to[n++] = ' ';
    }
    to[n] = '\0';
}

START_TEST(the_client_can_be_authenticated_in_each_way) {
    rig *r = rig_new();
    reading post = rig_connection(r, "a", BASIC "client_auth = client_secret_post\n");
    assert_token(r, &post);
    assert_sent(r, 0, "client_id", "m%3Ae");
    assert_sent(r, 0, "client_secret", "s%2F3%20cret");
    ck_assert_str_eq(r->authorizations[0], "");
    char conf[4000];
    indent(conf, sizeof conf, ENDPOINT "client_id = me\nalgorithm = ES256\nkid = k1\nkey = ", ec_pem);
    reading key = rig_connection(r, "b", conf);
    assert_token(r, &key);
    assert_sent(r, 1, "client_id", "me");
    assert_sent(r, 1, "client_assertion_type",
                "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer");
    const json_value *claims = claims_of(key.memory, r, 1, "client_assertion");
    char url[100];
    uint64_t issued = 0, expires = 0;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/token", r->port);
    assert_claim(claims, "iss", "me");
    assert_claim(claims, "sub", "me");
    assert_claim(claims, "aud", url);
    ck_assert_uint_eq(json_string(json_getl(claims, "jti")).len, 32);
    ck_assert(json_to_u64(json_getl(claims, "iat"), &issued) &&
              json_to_u64(json_getl(claims, "exp"), &expires));
    ck_assert_uint_eq(issued, rig_wall_ms() / 1000);
    ck_assert_uint_eq(expires, issued + 300);
    done_reading(&post);
    done_reading(&key);
    rig_free(r);
}
END_TEST

START_TEST(jwt_bearer) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a",
                               ENDPOINT "grant = jwt_bearer\nalgorithm = HS256\n"
                                        "key = 01234567890123456789012345678901\nscope = s1 s2\n"
                                        "assertion_issuer = robot@example.org\nsubject = ann\n"
                                        "assertion_audience = https://as.example/\n"
                                        "claims = {\"tenant\": 7, \"sub\": \"bob\"}\n");
    assert_token(r, &c);
    assert_sent(r, 0, "grant_type", "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer");
    assert_sent(r, 0, "scope", "s1%20s2");
    assert_sent(r, 0, "client_id", NULL);
    const json_value *claims = claims_of(c.memory, r, 0, "assertion");
    assert_claim(claims, "iss", "robot@example.org");
    assert_claim(claims, "sub", "bob"); /* the admin's own claims go before */
    assert_claim(claims, "aud", "https://as.example/");
    assert_claim(claims, "scope", "s1 s2");
    assert_text(json_raw(json_getl(claims, "tenant")), "7");
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(token_exchange) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a",
                               BASIC
                               "grant = token_exchange\nsubject_token = subject.token\nactor_token = actor\n"
                               "actor_token_type = urn:ietf:params:oauth:token-type:jwt\naudience = target\n"
                               "requested_token_type = urn:ietf:params:oauth:token-type:access_token\n");
    r->refresh_prefix = "refresh";
    assert_token(r, &c);
    assert_sent(r, 0, "grant_type", "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange");
    assert_sent(r, 0, "subject_token", "subject.token");
    assert_sent(r, 0, "subject_token_type", "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token");
    assert_sent(r, 0, "actor_token", "actor");
    assert_sent(r, 0, "actor_token_type", "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt");
    assert_sent(r, 0, "requested_token_type", "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token");
    assert_sent(r, 0, "audience", "target");
    rig_pass(3600000);
    assert_token(r, &c); /* the exchange again, not a refresh */
    assert_sent(r, 1, "subject_token", "subject.token");
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(a_refresh_token_rotates_and_a_new_one_in_the_conf_goes_before) {
    rig *r = rig_new();
    r->refresh_prefix = "rotated";
    reading c = rig_connection(r, "a", BASIC "grant = refresh_token\nrefresh_token = first\n");
    assert_token(r, &c);
    assert_sent(r, 0, "grant_type", "refresh_token");
    assert_sent(r, 0, "refresh_token", "first");
    rig_pass(3600000);
    assert_token(r, &c);
    assert_sent(r, 1, "refresh_token", "rotated-1");
    r->refresh_prefix = NULL; /* a service that does not rotate: the one there is stays */
    rig_pass(3600000);
    assert_token(r, &c);
    assert_sent(r, 2, "refresh_token", "rotated-2");
    rig_pass(3600000);
    assert_token(r, &c);
    assert_sent(r, 3, "refresh_token", "rotated-2");
    reading changed = rig_connection(r, "a", BASIC "grant = refresh_token\nrefresh_token = second\n");
    assert_token(r, &changed);
    assert_sent(r, 4, "refresh_token", "second");
    done_reading(&c);
    done_reading(&changed);
    rig_free(r);
}
END_TEST

START_TEST(endpoints_are_discovered_once) {
    rig *r = rig_new();
    char body[500], issuer[100];
    reading c = rig_connection(r, "a",
                               "scheme = oauth2\nissuer = http://127.0.0.1:%PORT%/t\nclient_id = me\n"
                               "client_secret = s3cret\n");
    snprintf(issuer, sizeof issuer, "http://127.0.0.1:%u/t", r->port);
    snprintf(body, sizeof body, "{\"issuer\":\"%s\",\"token_endpoint\":\"%s/token\"}", issuer, issuer);
    rig_answer_at(r, "/.well-known/oauth-authorization-server/t", 404, "{}");
    rig_answer_at(r, "/t/.well-known/openid-configuration", 200, body);
    assert_token(r, &c);
    rig_pass(3600000);
    assert_token(r, &c);
    ck_assert_uint_eq(rig_requests(r), 4);
    ck_assert_str_eq(r->paths[0], "/.well-known/oauth-authorization-server/t");
    ck_assert_str_eq(r->paths[1], "/t/.well-known/openid-configuration");
    ck_assert_str_eq(r->paths[2], "/t/token");
    ck_assert_str_eq(r->paths[3], "/t/token");
    done_reading(&c);
    rig_free(r);
}
END_TEST

static void assert_fails(rig *r, reading *c, bool retryable, const char *why) {
    caller got = rig_get(r, c, 0);
    ck_assert_int_eq(got.ticket.state, AUTH_FAILED);
    ck_assert_int_eq(got.ticket.problem, PROBLEM_CREDENTIALS_UNAVAILABLE);
    assert_has(got.detail, why);
    ck_assert_msg(got.ticket.retryable == retryable, "%s", got.detail);
    auth_runtime_reloaded(r->runtime);
}

START_TEST(failures_say_what_to_do) {
    rig *r = rig_new();
    reading c = rig_connection(r, "a", BASIC "grant = refresh_token\nrefresh_token = s3cret-refresh\n");
    rig_answer(
        r, 400,
        "{\"error\":\"invalid_grant\",\"error_description\":\"bad s3cret-refresh\\r\\n of s/3 cret\"}");
    assert_fails(r, &c, false, "(invalid_grant, bad [redacted]   of [redacted])");
    rig_answer(r, 400, "{\"error\":\"invalid_scope\"}");
    assert_fails(r, &c, false, "check scope");
    rig_answer(r, 500, "{\"error\":\"server_error\"}");
    assert_fails(r, &c, true, "server_error");
    rig_answer(r, 503, "down");
    assert_fails(r, &c, true, "(status 503)");
    rig_answer(r, 404, "no such page");
    assert_fails(r, &c, false, "(status 404)");
    rig_answer(r, 200, "{\"token\":\"x\"}");
    assert_fails(r, &c, false, "no access_token");
    rig_answer(r, 200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}");
    assert_fails(r, &c, false, "token_type other than Bearer");
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(what_cannot_be_reached_is_tried_again_later) {
    rig *r = rig_new();
    int fds[1];
    uint16_t port = http_bind(STR("127.0.0.1:0"), fds, 1, NULL);
    close(fds[0]);
    char conf[300];
    snprintf(conf, sizeof conf,
             "scheme = oauth2\ntoken_url = http://127.0.0.1:%u/\nclient_id = a\nclient_secret = b\n", port);
    reading c = rig_connection(r, "a", conf);
    assert_fails(r, &c, true, "cannot be asked for a token");
    done_reading(&c);
    rig_free(r);
}
END_TEST

START_TEST(without_consent_nothing_is_asked) {
    rig *r = rig_new();
    reading c = rig_connection(r, "shop",
                               BASIC "grant = authorization_code\nauthorize_url = http://x.example/\n");
    assert_state(&c, "needs_consent");
    assert_fails(r, &c, false, "run `busbar auth shop`");
    assert_state(&c, "needs_consent");
    ck_assert_uint_eq(rig_requests(r), 0);
    done_reading(&c);
    rig_free(r);
}
END_TEST

UNIT_MAIN(unit_test(client_credentials), unit_test(the_client_can_be_authenticated_in_each_way),
          unit_test(jwt_bearer), unit_test(token_exchange),
          unit_test(a_refresh_token_rotates_and_a_new_one_in_the_conf_goes_before),
          unit_test(endpoints_are_discovered_once), unit_test(failures_say_what_to_do),
          unit_test(what_cannot_be_reached_is_tried_again_later), unit_test(without_consent_nothing_is_asked))
