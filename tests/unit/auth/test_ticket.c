/* Tickets of the schemes whose credentials are constant. */
#include "fixture.h"

/* What the scheme puts into a request: the only header, or "". */
static bb_str signed_header(reading *r, auth_ticket *t, bb_str *query) {
    sign_request request = {.method = STR("GET"), .url = STR("http://example.org/")};
    sign_addition out;
    err e = {""};
    *t = (auth_ticket){.auth = &r->auth, .memory = r->memory};
    ck_assert_int_eq(auth_ticket_get(t), AUTH_READY);
    ck_assert_int_eq(t->state, AUTH_READY);
    ck_assert_msg(auth_ticket_sign(t, &request, &out, &e), "%s", e.text);
    ck_assert_uint_le(out.header_count, 1);
    *query = out.query;
    return out.header_count == 1 ? out.headers[0] : STR("");
}

static void assert_signs(const char *conf, const char *header, const char *query, const char *field) {
    reading r = read_auth(conf);
    auth_ticket t;
    bb_str q;
    ck_assert_msg(r.ok, "%s", r.error.text);
    bb_str h = signed_header(&r, &t, &q);
    assert_text(h, header);
    ck_assert(h.len == 0 || h.ptr[h.len] == '\0');
    ck_assert(h.len == 0 || h.ptr == r.auth.header.ptr); /* as it was made: no copy */
    assert_text(q, query);
    const char *const *fields = auth_ticket_fields(&r.auth);
    if (field == NULL)
        ck_assert_ptr_null(fields[0]);
    else
        ck_assert_str_eq(fields[0], field);
    ck_assert(!auth_ticket_rejected(&t, &(http_answer){.status = 401}));
    auth_ticket_cancel(&t);
    done_reading(&r);
}

START_TEST(constant_credentials_go_in_as_they_are) {
    assert_signs("scheme = none", "", "", NULL);
    assert_signs("scheme = api_key\nkey = s3cret", "X-Api-Key: s3cret", "", "X-Api-Key");
    assert_signs("scheme = api_key\nkey = s3cret\nname = Authorization\nprefix = Token",
                 "Authorization: Token s3cret", "", "Authorization");
    assert_signs("scheme = api_key\nkey = s&c\nin = query\nname = a b", "", "a%20b=s%26c", NULL);
    assert_signs("scheme = basic\nusername = Aladdin\npassword = open sesame",
                 "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "", "Authorization");
    assert_signs("scheme = bearer\ntoken = abc", "Authorization: Bearer abc", "", "Authorization");
    assert_signs("scheme = bearer\ntoken = abc\nprefix = Bot", "Authorization: Bot abc", "", "Authorization");
}
END_TEST

static void assert_redacts(const char *conf, const char *text, const char *expected) {
    reading r = read_auth(conf);
    auth_ticket t = {.auth = &r.auth, .memory = r.memory, .token = STR("in-hand")};
    ck_assert_msg(r.ok, "%s", r.error.text);
    assert_text(auth_ticket_redact(&t, r.memory, str_from(text)), expected);
    done_reading(&r);
}

START_TEST(secrets_are_taken_out_of_texts) {
    assert_redacts("scheme = bearer\ntoken = abc", "abc, abcabc; in-hand",
                   "[redacted], [redacted][redacted]; [redacted]");
    assert_redacts("scheme = basic\nusername = Aladdin\npassword = open sesame",
                   "open sesame QWxhZGRpbjpvcGVuIHNlc2FtZQ== Aladdin", "[redacted] [redacted] Aladdin");
    assert_redacts("scheme = api_key\nin = query\nkey = a/b", "?a%2Fb a/b", "?[redacted] [redacted]");
    assert_redacts("scheme = none", "nothing", "nothing");
}
END_TEST

static void assert_refused(const char *conf, const char *line, const char *why) {
    reading r = read_auth(conf);
    ck_assert_msg(!r.ok, "%s was taken", conf);
    assert_has(r.error.text, line);
    assert_has(r.error.text, why);
    ck_assert_ptr_null(strstr(r.error.text, "s3cret"));
    done_reading(&r);
}

START_TEST(what_is_missing_or_wrong_is_named) {
    assert_refused("scheme = bearer", "x.conf:1:", "needs `token`");
    assert_refused("scheme = bearer\ntokn = s3cret", "x.conf:3:", "did you mean \"token\"");
    assert_refused("scheme = oath", "x.conf:2:", "is not one that connector any takes");
    assert_refused("scheme = api_key\nkey = s3cret\nin = body", "x.conf:4:", "allowed are header and query");
    assert_refused("scheme = api_key\nkey = s3cret\nname = a b",
                   "x.conf:4:", "not the name of a header field");
    assert_refused("scheme = basic\nusername = a:b\npassword = s3cret", "x.conf:3:", "colon");
}
END_TEST

START_TEST(the_fingerprint_tells_changed_values) {
    reading a = read_auth("scheme = bearer\ntoken = abc"), same = read_auth("scheme = bearer\ntoken = abc");
    reading other = read_auth("scheme = bearer\ntoken = abd");
    ck_assert_uint_eq(strlen(a.auth.fingerprint), 64);
    ck_assert_str_eq(a.auth.fingerprint, same.auth.fingerprint);
    ck_assert_str_ne(a.auth.fingerprint, other.auth.fingerprint);
    done_reading(&a);
    done_reading(&same);
    done_reading(&other);
}
END_TEST

UNIT_MAIN(unit_test(constant_credentials_go_in_as_they_are), unit_test(secrets_are_taken_out_of_texts),
          unit_test(what_is_missing_or_wrong_is_named), unit_test(the_fingerprint_tells_changed_values))
