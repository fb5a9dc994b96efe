/* What token endpoints and issuers answer: read strictly where it matters, leniently where services differ.
 */
#include "fixture.h"

#include "auth/oauth2.h"

#define YEAR_MS (365ull * 86400u * 1000u)

static oauth2_answer read_answer(arena *a, unsigned status, const char *body) {
    oauth2_answer out;
    oauth2_answer_read(a, status, str_from(body), &out);
    return out;
}

START_TEST(tokens_are_read) {
    static const struct {
        const char *body, *access, *refresh;
        uint64_t lifetime_ms;
    } cases[] = {
        {"{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"r\"}",
         "a", "r", 3600000},
        {"{\"access_token\":\"a\",\"token_type\":\"bearer\",\"expires_in\":\"3600\"}", "a", "", 3600000},
        {"{\"access_token\":\"a\",\"token_type\":\"BEARER\",\"expires_in\":3600.0}", "a", "", 3600000},
        {"{\"access_token\":\"a\",\"expires_in\":12.9}", "a", "", 12000},
        {"{\"access_token\":\"a\"}", "a", "", 0},
        {"{\"access_token\":\"a\",\"expires_in\":null}", "a", "", 0},
        {"{\"access_token\":\"a\",\"expires_in\":0}", "a", "", 0},
        {"{\"access_token\":\"a\",\"expires_in\":-5}", "a", "", 0},
        {"{\"access_token\":\"a\",\"expires_in\":\"soon\"}", "a", "", 0},
        {"{\"access_token\":\"a\",\"expires_in\":\"-1\"}", "a", "", 0},
        {"{\"access_token\":\"a\",\"expires_in\":1e300}", "a", "", YEAR_MS},
        {"{\"access_token\":\"a\",\"expires_in\":99999999999999999999999}", "a", "", YEAR_MS},
        {"{\"access_token\":\"a\",\"expires_in\":\"99999999999\"}", "a", "", YEAR_MS},
        {"{\"access_token\":\"a\",\"expires_in\":true,\"refresh_token\":null,\"scope\":7}", "a", "", 0},
        {"{\"access_token\":\"\\u0061\\u002d\",\"error\":\"\"}", "a-", "", 0},
    };
    arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        oauth2_answer out = read_answer(a, 200, cases[i].body);
        ck_assert_msg(out.wrong == NULL && out.error.len == 0, "%s: %s", cases[i].body, out.wrong);
        assert_text(out.access_token, cases[i].access);
        assert_text(out.refresh_token, cases[i].refresh);
        ck_assert_msg(out.lifetime_ms == cases[i].lifetime_ms, "%s: %llu", cases[i].body,
                      (unsigned long long)out.lifetime_ms);
    }
    arena_free(a);
}
END_TEST

START_TEST(errors_are_read_whatever_the_status) {
    arena *a = arena_new(0);
    const unsigned statuses[] = {200, 400, 401, 503};
    for (size_t i = 0; i < 4; i++) {
        oauth2_answer out = read_answer(a, statuses[i],
                                        "{\"error\":\"invalid_grant\",\"error_description\":\"no\"}");
        assert_text(out.error, "invalid_grant");
        assert_text(out.description, "no");
        ck_assert_ptr_null(out.wrong);
        ck_assert_uint_eq(out.access_token.len, 0);
    }
    arena_free(a);
}
END_TEST

START_TEST(what_is_no_answer_of_a_token_endpoint_is_refused) {
    static const struct {
        unsigned status;
        const char *body, *why;
    } cases[] = {
        {200, "", "not a JSON object"},
        {200, "<html>", "not a JSON object"},
        {200, "[]", "not a JSON object"},
        {200, "{}", "no access_token"},
        {200, "{\"access_token\":\"\"}", "no access_token"},
        {200, "{\"access_token\":7}", "no access_token"},
        {200, "{\"access_token\":\"a\\r\\nX-Forged: 1\"}", "no access_token"},
        {200, "{\"access_token\":\"\\u00e4\"}", "no access_token"},
        {200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}", "other than Bearer"},
        {200, "{\"access_token\":\"a\",\"token_type\":\"DPoP\"}", "other than Bearer"},
        {200, "{\"access_token\":\"a\",\"refresh_token\":\"r\\n\"}", "control characters"},
        {302, "{\"access_token\":\"a\"}", "nothing of why"},
        {500, "{\"access_token\":\"a\"}", "nothing of why"},
    };
    arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        oauth2_answer out = read_answer(a, cases[i].status, cases[i].body);
        ck_assert_msg(out.wrong != NULL, "%s was taken", cases[i].body);
        assert_has(out.wrong, cases[i].why);
    }
    arena_free(a);
}
END_TEST

/* --- metadata ---------------------------------------------------------------------------------------- */

START_TEST(metadata_is_looked_for_where_the_standards_say) {
    static const struct {
        const char *issuer, *oauth, *openid;
    } cases[] = {
        {"https://as.example", "https://as.example/.well-known/oauth-authorization-server",
         "https://as.example/.well-known/openid-configuration"},
        {"https://as.example/", "https://as.example/.well-known/oauth-authorization-server",
         "https://as.example/.well-known/openid-configuration"},
        {"https://as.example:8443/tenant/1",
         "https://as.example:8443/.well-known/oauth-authorization-server/tenant/1",
         "https://as.example:8443/tenant/1/.well-known/openid-configuration"},
    };
    arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_text(oauth2_metadata_url(a, str_from(cases[i].issuer), false), cases[i].oauth);
        assert_text(oauth2_metadata_url(a, str_from(cases[i].issuer), true), cases[i].openid);
    }
    arena_free(a);
}
END_TEST

START_TEST(metadata_must_be_of_the_issuer_and_safe) {
    static const struct {
        const char *body, *why; /* NULL: it is taken */
    } cases[] = {
        {"{\"issuer\":\"https://as.example\",\"token_endpoint\":\"https://t.example/token?x=1\"}", NULL},
        {"{\"issuer\":\"https://as.example\"}", NULL},
        {"{\"issuer\":\"https://as.example/\"}", "another issuer"},
        {"{\"issuer\":\"https://evil.example\"}", "another issuer"},
        {"{\"token_endpoint\":\"https://as.example/token\"}", "another issuer"},
        {"[]", "not a JSON object"},
        {"nothing", "not a JSON object"},
        {"{\"issuer\":\"https://as.example\",\"token_endpoint\":\"http://as.example/token\"}", "not https"},
        {"{\"issuer\":\"https://as.example\",\"token_endpoint\":\"ftp://as.example/token\"}", "no URL"},
        {"{\"issuer\":\"https://as.example\",\"revocation_endpoint\":\"https://u:p@as.example/\"}", "no URL"},
        {"{\"issuer\":\"https://as.example\",\"authorization_endpoint\":\"https://as.example/a b\"}",
         "no URL"},
    };
    arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        oauth2_metadata m;
        const char *why = NULL;
        bool ok = oauth2_metadata_read(a, str_from(cases[i].body), STR("https://as.example"), &m, &why);
        ck_assert_msg(ok == (cases[i].why == NULL), "%s: %s", cases[i].body, why);
        if (!ok)
            assert_has(why, cases[i].why);
    }
    arena_free(a);
}
END_TEST

/* --- settings ---------------------------------------------------------------------------------------- */

static void assert_refused(const char *conf, const char *why) {
    char text[2000];
    snprintf(text, sizeof text, "scheme = oauth2\n%s", conf);
    reading r = read_auth(text);
    ck_assert_msg(!r.ok, "%s was taken", conf);
    assert_has(r.error.text, why);
    ck_assert_ptr_null(strstr(r.error.text, "s3cret"));
    done_reading(&r);
}

#define ENDPOINT "token_url = https://as.example/token\n"

START_TEST(settings_that_cannot_work_are_refused_with_what_is_missing) {
    assert_refused("client_id = me\nclient_secret = s3cret", "`token_url` is missing");
    assert_refused(ENDPOINT "client_secret = s3cret", "`client_id` is missing");
    assert_refused(ENDPOINT "client_id = me", "`client_secret` is missing");
    assert_refused(ENDPOINT "client_id = me\nclient_secret = s3cret\ngrant = password",
                   "allowed are client_cred");
    assert_refused(ENDPOINT "client_id = me\nclient_secret = s3cret\nclient_auth = secret",
                   "client_secret_post");
    assert_refused(ENDPOINT "client_id = me\nclient_auth = private_key_jwt", "`key` is missing");
    assert_refused(ENDPOINT "client_id = me\nclient_auth = tls_client_auth", "`certificate` is missing");
    assert_refused(ENDPOINT "client_id = me\nkey = s3cret", "`key` cannot be used");
    assert_refused(ENDPOINT "client_id = me\ncertificate = /nowhere/at/all", "cannot be read");
    assert_refused(ENDPOINT "client_id = me\ngrant = authorization_code", "`authorize_url` is missing");
    assert_refused(ENDPOINT "client_id = me\ngrant = device_code", "`device_url` is missing");
    assert_refused(ENDPOINT "client_id = me\ngrant = refresh_token", "`refresh_token` is missing");
    assert_refused(ENDPOINT "client_id = me\ngrant = jwt_bearer", "`key` is missing");
    assert_refused(ENDPOINT "client_id = me\ngrant = token_exchange", "`subject_token` is missing");
    assert_refused("client_id = me\nclient_secret = s3cret\ntoken_url = as.example/token", "must be a URL");
    assert_refused(ENDPOINT "client_id = me\nclient_secret = s3cret\nparameters = {\"grant_type\":\"x\"}",
                   "may not have grant_type");
    assert_refused(ENDPOINT "client_id = me\nclient_secret = s3cret\nparameters = [1]", "not a JSON object");
    assert_refused(ENDPOINT "client_id = me\nclient_secret = s3cret\nparameters = {\"a\":{}}",
                   "no text or number");
    assert_refused(ENDPOINT "client_id = me\nclient_secret = s3cret\nheader = a b",
                   "not the name of a header");
}
END_TEST

/* --- where a token is good ----------------------------------------------------------------------------- */

#define HUB "client_id = me\nclient_secret = s3cret\n"

/* [auth] of a connection that has a base_url. */
static reading read_at(const char *base_url, const char *text) {
    reading r = {.memory = arena_new(0)};
    bb_str whole = arena_printf(r.memory, "[auth]\nscheme = oauth2\n%s\n", text);
    conf_file *file = arena_zalloc(r.memory, sizeof *file);
    ck_assert_msg(conf_read_text(r.memory, "conf.d/x.conf", whole, file), "%s", file->error.text);
    const auth_connector connector = {.plugin = any_plugin(),
                                      .settings = arena_printf(r.memory, "{\"base_url\":\"%s\"}", base_url)};
    r.ok = auth_compile_for(r.memory, file, conf_find_section(file, STR("auth")), &connector, &r.auth,
                            &r.error);
    return r;
}

static const oauth2_settings *settings_of(const reading *r) {
    ck_assert_msg(r->ok, "%s", r->error.text);
    return r->auth.config->settings;
}

START_TEST(endpoints_may_be_paths_of_base_url) {
    reading r = read_at("https://as.example:8443/api/v4", HUB "token_url = /oauth/token?x=1");
    assert_text(settings_of(&r)->token_url, "https://as.example:8443/oauth/token?x=1");
    done_reading(&r);
    r = read_at("https://as.example", HUB "token_url = //elsewhere.example/token");
    assert_has(r.error.text, "begins with //");
    done_reading(&r);
    r = read_auth("scheme = oauth2\n" HUB "token_url = /token");
    assert_has(r.error.text, "no base_url");
    done_reading(&r);
    reading a = read_at("https://a.example", HUB "token_url = /token"),
            b = read_at("https://b.example", HUB "token_url = /token");
    settings_of(&a);
    settings_of(&b);
    ck_assert_str_ne(a.auth.config->identity, b.auth.config->identity); /* tokens of another server */
    done_reading(&a);
    done_reading(&b);
}
END_TEST

static const struct {
    const char *base_url, *hosts, *named, *origin; /* NULL: refused; "": base_url's own */
} places[] = {
    {"https://login.example.com", ".example.com", "https://eu5.example.com", "https://eu5.example.com"},
    {"https://login.example.com", ".example.com", "https://EU5.Example.com/services",
     "https://EU5.Example.com"},
    {"https://login.example.com", ".example.com", "https://login.example.com:443/x", ""},
    {"https://login.example.com", "a.test b.test:8443", "https://b.test:8443", "https://b.test:8443"},
    {"https://login.example.com", ".example.com", "https://example.com", NULL},
    {"https://login.example.com", ".example.com", "https://evil.example.org", NULL},
    {"https://login.example.com", ".example.com", "https://evilexample.com", NULL},
    {"https://login.example.com", ".example.com", "https://eu5.example.com.evil.test", NULL},
    {"https://login.example.com", ".example.com", "https://evil.test/.example.com", NULL},
    {"https://login.example.com", ".example.com", "https://evil.test\\.example.com", NULL},
    {"https://login.example.com", ".example.com", "https://evil.test%2f.example.com", NULL},
    {"https://login.example.com", ".example.com", "https://evil.test#.example.com", NULL},
    {"https://login.example.com", ".example.com", "https://evil.test?.example.com", NULL},
    {"https://login.example.com", ".example.com", "https://user@eu5.example.com", NULL},
    {"https://login.example.com", ".example.com", "https://eu5.example.com:8443", NULL},
    {"https://login.example.com", ".example.com", "http://eu5.example.com", NULL},
    {"http://127.0.0.1:80", "127.0.0.1:81", "http://127.0.0.1:81", "http://127.0.0.1:81"},
    {"https://login.example.com", "b.test:8443", "https://b.test", NULL},
    {"https://login.example.com", ".example.com", "eu5.example.com", NULL},
    {"https://login.example.com", ".example.com", "https://", NULL},
};

START_TEST(a_token_may_be_good_at_an_allowed_host_alone) {
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        arena *a = arena_new(0);
        bb_str text = arena_printf(a, HUB "token_url = /t\nbase_url_from = place\nbase_url_hosts = %s",
                                   places[i].hosts);
        reading r = read_at(places[i].base_url, text.ptr);
        buf answer;
        json_writer w;
        bb_str origin;
        const char *wrong = NULL;
        buf_init(&answer);
        json_writer_init(&w, &answer);
        json_object(&w);
        json_member_string(&w, STR("place"), str_from(places[i].named));
        json_object_end(&w);
        bool taken = oauth2_base_of(a, settings_of(&r), json_read(a, buf_str(&answer), NULL, NULL), &origin,
                                    &wrong);
        ck_assert_msg(taken == (places[i].origin != NULL), "%s", places[i].named);
        ck_assert_msg(taken || wrong != NULL, "%s", places[i].named);
        assert_text(origin, taken ? places[i].origin : "");
        buf_free(&answer);
        done_reading(&r);
        arena_free(a);
    }
}
END_TEST

START_TEST(places_need_hosts_that_they_are_held_to) {
    reading r = read_at("https://a.example", HUB "token_url = /t\nbase_url_from = place");
    assert_has(r.error.text, "`base_url_hosts` is missing");
    done_reading(&r);
    bb_str origin;
    const char *wrong = NULL;
    r = read_at("https://a.example", HUB "token_url = /t");
    const json_value *answer = json_read(r.memory, STR("{\"place\":\"https://b.example\"}"), NULL, NULL);
    ck_assert(oauth2_base_of(r.memory, settings_of(&r), answer, &origin, &wrong) && origin.len == 0);
    done_reading(&r);
}
END_TEST

/* Whose that other host is, the token does not say. */
START_TEST(a_place_that_the_token_names_and_another_of_the_settings_exclude_each_other) {
    static const char both[] = "{\"type\":\"object\",\"properties\":{\"base_url\":{\"type\":\"string\"},"
                               "\"files_url\":{\"type\":\"string\",\"x-busbar-credentials\":true}}}",
                      one[] = "{\"type\":\"object\",\"properties\":{\"base_url\":{\"type\":\"string\"}}}";
    const bb_auth_scheme scheme = {.size = sizeof scheme,
                                   .scheme = "oauth2",
                                   .defaults =
                                       "{\"base_url_from\":\"place\",\"base_url_hosts\":\".example\"}"},
                         none = {.size = sizeof none, .scheme = "oauth2", .defaults = "{}"};
    const bb_auth_scheme *schemes[] = {&scheme, NULL};
    bb_plugin plugin = {
        .size = sizeof plugin, .id = "both", .settings_schema = both, .auth_schemes = schemes};
    arena *a = arena_new(0);
    err e = {""};
    ck_assert(!auth_check_plugin(a, &plugin, &e));
    assert_has(e.text, "base_url_from");
    assert_has(e.text, "x-busbar-credentials");
    plugin.settings_schema = one;
    ck_assert(auth_check_plugin(a, &plugin, &e));
    plugin.settings_schema = NULL;
    ck_assert(auth_check_plugin(a, &plugin, &e));
    plugin.settings_schema = both;
    schemes[0] = &none;
    ck_assert(auth_check_plugin(a, &plugin, &e));
    /* nor by what an admin writes */
    bb_str text = STR("[auth]\nscheme = oauth2\n" HUB
                      "token_url = /t\nbase_url_from = place\nbase_url_hosts = .example\n");
    conf_file *file = arena_zalloc(a, sizeof *file);
    ck_assert(conf_read_text(a, "conf.d/x.conf", text, file));
    const auth_connector connector = {.plugin = &plugin,
                                      .settings = STR("{\"base_url\":\"https://a.example\"}")};
    auth read = {0};
    err why = {""};
    ck_assert(!auth_compile_for(a, file, conf_find_section(file, STR("auth")), &connector, &read, &why));
    assert_has(why.text, "does not go with connector both");
    auth_release(&read);
    arena_free(a);
}
END_TEST

UNIT_MAIN(unit_test(a_place_that_the_token_names_and_another_of_the_settings_exclude_each_other),
          unit_test(endpoints_may_be_paths_of_base_url),
          unit_test(a_token_may_be_good_at_an_allowed_host_alone),
          unit_test(places_need_hosts_that_they_are_held_to), unit_test(tokens_are_read),
          unit_test(errors_are_read_whatever_the_status),
          unit_test(what_is_no_answer_of_a_token_endpoint_is_refused),
          unit_test(metadata_is_looked_for_where_the_standards_say),
          unit_test(metadata_must_be_of_the_issuer_and_safe),
          unit_test(settings_that_cannot_work_are_refused_with_what_is_missing))
