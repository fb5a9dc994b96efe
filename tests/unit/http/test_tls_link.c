/* TLS on injected bytes: handshakes however they are cut, what is no TLS, and what a client's certificate
 * proves. */
#include <busbar/busbar.h>

#include "base/clock.h"
#include "tls_fixture.h"

#include <time.h>

#define EITHER_VERSION 2
static const int versions[EITHER_VERSION] = {TLS1_2_VERSION, TLS1_3_VERSION};

typedef struct pair {
    client c;
    buf out; /* of the link */
    tls_link *link;
} pair;

static void pair_make(pair *p, const folder *d, tls_context *ctx, int version, const certified *shows) {
    *p = (pair){.c = client_make(d, version, shows)};
    p->link = tls_link_new(ctx, &p->out);
    ck_assert_ptr_nonnull(p->link);
}

static void pair_free(pair *p) {
    tls_link_free(p->link);
    buf_free(&p->out);
    client_free(&p->c);
}

static void carry_back(pair *p) {
    client_hears(&p->c, buf_str(&p->out));
    buf_clear(&p->out);
}

/* Gives the client's bytes in pieces of `step`, each kept, as a connection that is held up does. */
static tls_result feed(pair *p, size_t step) {
    char sent[65536];
    bb_str said = client_says(&p->c);
    size_t n = said.len;
    tls_result r = TLS_MORE;
    ck_assert_uint_le(n, sizeof sent);
    if (n > 0)
        memcpy(sent, said.ptr, n);
    client_said(&p->c);
    for (size_t at = 0; at < n && r != TLS_FAILED; at += step) {
        char *piece = malloc(step); /* gone once it is kept: a sanitizer sees who still reads it */
        size_t len = n - at < step ? n - at : step;
        ck_assert_ptr_nonnull(piece);
        memcpy(piece, sent + at, len);
        tls_link_give(p->link, str_of(piece, len));
        ck_assert(tls_link_keep(p->link));
        free(piece);
        if (!tls_link_ready(p->link))
            r = tls_link_handshake(p->link);
    }
    return r;
}

/* Until both are done, or one fails. */
static tls_result shake(pair *p, size_t step) {
    tls_result r = TLS_MORE;
    for (unsigned i = 0; i < 20 && r == TLS_MORE; i++) {
        client_shakes(&p->c);
        r = feed(p, step);
        carry_back(p);
    }
    client_shakes(&p->c); /* TLS 1.2: the last word is the server's */
    return r;
}

static void exchange(pair *p, bb_str question, bb_str answer, size_t step) {
    char got[256];
    size_t at = 0, n = 0;
    client_shakes(&p->c); /* TLS 1.3: the client's last flight may still be there */
    ck_assert_int_eq(SSL_write(p->c.ssl, question.ptr, (int)question.len), (int)question.len);
    bb_str said = client_says(&p->c);
    char *bytes = malloc(said.len);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, said.ptr, said.len);
    size_t len = said.len;
    client_said(&p->c);
    for (size_t from = 0; from < len; from += step) {
        tls_link_give(p->link, str_of(bytes + from, len - from < step ? len - from : step));
        while (tls_link_read(p->link, got + at, at < 3 ? 1 : sizeof got - at, &n) == TLS_DATA)
            at += n;
        ck_assert(!tls_link_pending(p->link));
    }
    free(bytes);
    ck_assert(str_eq(str_of(got, at), question));
    ck_assert(tls_link_write(p->link, answer));
    carry_back(p);
    int read = SSL_read(p->c.ssl, got, sizeof got);
    ck_assert_int_gt(read, 0);
    ck_assert(str_eq(str_of(got, (size_t)read), answer));
}

START_TEST(a_handshake_may_be_cut_anywhere) {
    folder d;
    folder_make(&d);
    tls_context *ctx = folder_context(&d, -1);
    static const size_t steps[] = {1, 2, 3, 5, 7, 100, 65536};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        for (size_t v = 0; v < EITHER_VERSION; v++) {
            pair p;
            pair_make(&p, &d, ctx, versions[v], NULL);
            ck_assert_msg(shake(&p, steps[i]) == TLS_DATA, "%s", tls_link_reason(p.link));
            ck_assert(tls_link_ready(p.link) && SSL_is_init_finished(p.c.ssl));
            ck_assert_int_eq(SSL_version(p.c.ssl), versions[v]);
            ck_assert_ptr_null(tls_link_certificate(p.link, ctx));
            exchange(&p, STR("a question"), STR("an answer"), steps[i]);
            exchange(&p, STR("another"), STR("and its answer"), steps[i]);
            pair_free(&p);
        }
    tls_context_unref(ctx);
    folder_remove(&d);
}
END_TEST

START_TEST(a_handshake_may_end_in_the_middle) {
    folder d;
    folder_make(&d);
    tls_context *ctx = folder_context(&d, 0);
    for (size_t cut = 0; cut < 300; cut += 7) {
        pair p;
        pair_make(&p, &d, ctx, 0, NULL);
        client_shakes(&p.c);
        bb_str hello = client_says(&p.c);
        tls_link_give(p.link, str_of(hello.ptr, cut < hello.len ? cut : hello.len - 1));
        ck_assert_int_eq(tls_link_handshake(p.link), TLS_MORE);
        ck_assert(!tls_link_ready(p.link));
        ck_assert_uint_eq(p.out.len, 0);
        tls_link_end(p.link); /* there is nothing to end yet */
        ck_assert_uint_eq(p.out.len, 0);
        pair_free(&p);
    }
    tls_context_unref(ctx);
    folder_remove(&d);
}
END_TEST

/* --- what is no TLS ------------------------------------------------------------------------------------ */

static tls_result of_bytes(tls_context *ctx, bb_str bytes, size_t *said) {
    buf out;
    buf_init(&out);
    tls_link *t = tls_link_new(ctx, &out);
    ck_assert_ptr_nonnull(t);
    tls_link_give(t, bytes);
    tls_result r = tls_link_handshake(t);
    if (r == TLS_FAILED) { /* and stays so */
        char c;
        size_t n;
        ck_assert(tls_link_reason(t)[0] != '\0');
        ck_assert_int_eq(tls_link_handshake(t), TLS_FAILED);
        ck_assert_int_eq(tls_link_read(t, &c, 1, &n), TLS_FAILED);
        ck_assert(!tls_link_write(t, STR("x")));
    }
    *said = out.len;
    tls_link_free(t);
    buf_free(&out);
    return r;
}

START_TEST(garbage_is_refused) {
    folder d;
    folder_make(&d);
    tls_context *ctx = folder_context(&d, 0);
    static const struct {
        const char *bytes;
        size_t len;
    } wrong[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18},
        {"\x16\x03\x01\xff\xff\x01", 6},             /* a record over all bounds */
        {"\x17\x03\x03\x00\x05hello", 10},           /* data before a handshake */
        {"\x15\x03\x01\x00\x02\x02\x28", 7},         /* an alert that ends it */
        {"\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9}, /* a hello of 16 MiB */
        {"\x00\x00\x00\x00\x00\x00\x00\x00", 8},
        {"\xff\xff\xff\xff\xff\xff\xff\xff", 8},
    };
    size_t said;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(of_bytes(ctx, str_of(wrong[i].bytes, wrong[i].len), &said) == TLS_FAILED, "%zu", i);
    char ssl2[48] = "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"; /* a hello of SSL 2 */
    ck_assert_int_eq(of_bytes(ctx, str_of(ssl2, sizeof ssl2), &said), TLS_FAILED);
    char empty[5 * 64]; /* a few records of nothing are passed over, many are not */
    for (size_t i = 0; i < sizeof empty; i += 5)
        memcpy(empty + i, "\x16\x03\x01\x00\x00", 5);
    ck_assert_int_eq(of_bytes(ctx, str_of(empty, sizeof empty), &said), TLS_FAILED);
    unsigned seed = 4711;
    for (unsigned round = 0; round < 2000; round++) {
        unsigned char bytes[600];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 16);
        if (round % 2 == 0) /* looks like a record: some more of the code reads it */
            memcpy(bytes, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
        of_bytes(ctx, str_of(bytes, sizeof bytes), &said);
        ck_assert_uint_lt(said, 8192);
    }
    tls_context_unref(ctx);
    folder_remove(&d);
}
END_TEST

START_TEST(a_record_that_was_changed_is_refused) {
    folder d;
    folder_make(&d);
    tls_context *ctx = folder_context(&d, -1);
    for (size_t v = 0; v < EITHER_VERSION; v++)
        for (int at = 0; at < 40; at += 3) {
            pair p;
            char got[64], bytes[256];
            size_t n;
            pair_make(&p, &d, ctx, versions[v], NULL);
            ck_assert_int_eq(shake(&p, 65536), TLS_DATA);
            client_shakes(&p.c);
            ck_assert_int_eq(SSL_write(p.c.ssl, "a secret to be changed", 22), 22);
            bb_str said = client_says(&p.c);
            memcpy(bytes, said.ptr, said.len);
            if (at == 3) /* a length that is longer: it waits */
                bytes[4] ^= 0x40;
            else
                bytes[at] ^= 0x40;
            tls_link_give(p.link, str_of(bytes, said.len));
            tls_result r = tls_link_read(p.link, got, sizeof got, &n);
            ck_assert_msg(r != TLS_DATA && r != TLS_END, "byte %d: %d", at, r);
            pair_free(&p);
        }
    tls_context_unref(ctx);
    folder_remove(&d);
}
END_TEST

START_TEST(old_versions_are_refused) {
    folder d;
    folder_make(&d);
    tls_context *ctx = folder_context(&d, -1);
    static const int old[] = {TLS1_VERSION, TLS1_1_VERSION};
    for (size_t i = 0; i < 2; i++) {
        pair p;
        pair_make(&p, &d, ctx, old[i], NULL);
        ck_assert_int_eq(shake(&p, 65536), TLS_FAILED);
        ck_assert_str_eq(tls_link_reason(p.link), "unsupported protocol");
        pair_free(&p);
    }
    tls_context_unref(ctx);
    folder_remove(&d);
}
END_TEST

START_TEST(protocols_are_agreed_on) {
    folder d;
    folder_make(&d);
    tls_context *ctx = folder_context(&d, -1);
    static const struct {
        const char *offer, *agreed; /* NULL: refused */
    } all[] = {{"\x02h2\x08http/1.1", "http/1.1"}, {"\x08http/1.0", "http/1.0"}, {"\x02h2", NULL}};
    for (size_t i = 0; i < 3; i++) {
        pair p;
        const unsigned char *chosen = NULL;
        unsigned n = 0;
        pair_make(&p, &d, ctx, 0, NULL);
        SSL_set_alpn_protos(p.c.ssl, (const unsigned char *)all[i].offer, (unsigned)strlen(all[i].offer));
        ck_assert_int_eq(shake(&p, 65536), all[i].agreed != NULL ? TLS_DATA : TLS_FAILED);
        SSL_get0_alpn_selected(p.c.ssl, &chosen, &n);
        if (all[i].agreed != NULL)
            ck_assert(str_eq(str_of(chosen, n), str_from(all[i].agreed)));
        pair_free(&p);
    }
    tls_context_unref(ctx);
    folder_remove(&d);
}
END_TEST

START_TEST(nobody_negotiates_anew) {
    folder d;
    folder_make(&d);
    tls_context *ctx = folder_context(&d, -1);
    pair p;
    char c;
    size_t n;
    pair_make(&p, &d, ctx, TLS1_2_VERSION, NULL);
    ck_assert_int_eq(shake(&p, 65536), TLS_DATA);
    ck_assert_int_eq(SSL_renegotiate(p.c.ssl), 1);
    client_shakes(&p.c);
    bb_str said = client_says(&p.c);
    tls_link_give(p.link, said);
    ck_assert_int_eq(tls_link_read(p.link, &c, 1, &n), TLS_MORE);
    ck_assert_uint_gt(p.out.len, 0); /* the alert no_renegotiation (RFC 5246 section 7.2.2) */
    carry_back(&p);
    ck_assert(!client_shakes(&p.c));
    pair_free(&p);
    tls_context_unref(ctx);
    folder_remove(&d);
}
END_TEST

/* --- the end ---------------------------------------------------------------------------------------------
 */

START_TEST(an_end_is_said_by_either) {
    folder d;
    folder_make(&d);
    tls_context *ctx = folder_context(&d, -1);
    for (size_t v = 0; v < EITHER_VERSION; v++) {
        pair p;
        char c;
        size_t n;
        pair_make(&p, &d, ctx, versions[v], NULL);
        ck_assert_int_eq(shake(&p, 65536), TLS_DATA);
        tls_link_end(p.link);
        carry_back(&p);
        ck_assert_int_le(SSL_read(p.c.ssl, &c, 1), 0);
        ck_assert_int_eq(SSL_get_error(p.c.ssl, 0), SSL_ERROR_ZERO_RETURN);
        SSL_shutdown(p.c.ssl);
        tls_link_give(p.link, client_says(&p.c));
        ck_assert_int_eq(tls_link_read(p.link, &c, 1, &n), TLS_END);
        pair_free(&p);
    }
    tls_context_unref(ctx);
    folder_remove(&d);
}
END_TEST

/* --- clients' certificates --------------------------------------------------------------------------------
 */

START_TEST(a_certificate_says_who_the_client_is) {
    folder d;
    folder_make(&d);
    tls_context *ctx = folder_context(&d, 1);
    certified who = certify(&d.authority, (wanted){.name = "H\xc3\xa4user, 5",
                                                   .organization = "Example",
                                                   .names = "DNS:Hooks.Example.COM,URI:spiffe://Prod/A,"
                                                            "email:Bob@Example.com,IP:192.0.2.1"});
    for (size_t v = 0; v < EITHER_VERSION; v++) {
        pair p;
        pair_make(&p, &d, ctx, versions[v], &who);
        ck_assert_msg(shake(&p, 65536) == TLS_DATA, "%s", tls_link_reason(p.link));
        http_certificate *c = http_certificate_ref(tls_link_certificate(p.link, ctx));
        ck_assert_ptr_eq(tls_link_certificate(p.link, ctx), c);
        pair_free(&p);
        unsigned char hash[32];
        char digits[65];
        ck_assert_int_eq(X509_digest(who.certificate, EVP_sha256(), hash, NULL), 1);
        for (size_t i = 0; i < 32; i++)
            snprintf(digits + 2 * i, 3, "%02x", hash[i]);
        ck_assert(str_eq(c->fingerprint, str_from(digits)));
        ck_assert_msg(str_eq(c->subject, STR("CN=H\xc3\xa4user\\, 5,O=Example")), "%.*s",
                      STR_FMT(c->subject));
        ck_assert_uint_eq(c->name_count, 3);
        ck_assert(str_eq(c->names[0].name, STR("dns")));
        ck_assert(str_eq(c->names[0].value, STR("hooks.example.com")));
        ck_assert(str_eq(c->names[1].name, STR("uri")));
        ck_assert(str_eq(c->names[1].value, STR("spiffe://Prod/A")));
        ck_assert(str_eq(c->names[2].name, STR("email")));
        ck_assert(str_eq(c->names[2].value, STR("Bob@example.com")));
        http_certificate_unref(c);
    }
    certified_free(&who);
    tls_context_unref(ctx);
    folder_remove(&d);
}
END_TEST

START_TEST(controls_in_a_subject_are_escaped) {
    certified who = certify(NULL, (wanted){.name = "a\nb\x7f\x1b[31m\xc2\x85\xc2\x9f\xc2\xa0\xc3\x85 \\0A"});
    http_certificate *c = http_certificate_new(who.certificate);
    ck_assert_ptr_nonnull(c);
    ck_assert_msg(str_eq(c->subject, STR("CN=a\\0Ab\\7F\\1B[31m\\C2\\85\\C2\\9F\xc2\xa0\xc3\x85 \\\\0A")),
                  "%.*s", STR_FMT(c->subject));
    http_certificate_unref(c);
    certified_free(&who);
}
END_TEST

/* A name with a NUL in it is another name to whoever reads C strings: it is passed over. */
START_TEST(names_that_pass_for_others_are_none) {
    certified who = certify(NULL, (wanted){.name = "x"});
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    static const char *const values[] = {"good.example\0.evil.example", "a b.example", "\n.example",
                                         "fine.example"};
    static const int lengths[] = {26, 11, 9, 12};
    for (size_t i = 0; i < 4; i++) {
        GENERAL_NAME *n = GENERAL_NAME_new();
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();
        ck_assert_int_eq(ASN1_STRING_set(text, values[i], lengths[i]), 1);
        GENERAL_NAME_set0_value(n, GEN_DNS, text);
        ck_assert_int_gt(sk_GENERAL_NAME_push(names, n), 0);
    }
    ck_assert_int_eq(X509_add1_ext_i2d(who.certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT),
                     1);
    ck_assert_int_gt(X509_sign(who.certificate, who.key, EVP_sha256()), 0);
    GENERAL_NAMES_free(names);
    http_certificate *c = http_certificate_new(who.certificate);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->name_count, 1);
    ck_assert(str_eq(c->names[0].value, STR("fine.example")));
    http_certificate_unref(c);
    certified_free(&who);
}
END_TEST

START_TEST(only_certificates_that_are_vouched_for) {
    folder d;
    folder_make(&d);
    certified strangers = certify(NULL, (wanted){.name = "Other authority", .authority = true});
    certified good = certify(&d.authority, (wanted){.name = "good"}),
              stranger = certify(&strangers, (wanted){.name = "good"}),
              self = certify(NULL, (wanted){.name = "good"}),
              old = certify(&d.authority, (wanted){.name = "good", .days = -1});
    const struct {
        int clients;
        const certified *shows;
        const char *reason; /* NULL: taken */
        bool known;
    } all[] = {
        {-1, &good, NULL, false}, /* not asked */
        {0, NULL, NULL, false},
        {0, &good, NULL, true},
        {0, &stranger, "unable to get local issuer certificate", false},
        {0, &self, "self-signed certificate", false},
        {0, &old, "certificate has expired", false},
        {1, NULL, "peer did not return a certificate", false},
        {1, &good, NULL, true},
        {1, &old, "certificate has expired", false},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (size_t v = 0; v < EITHER_VERSION; v++) {
            tls_context *ctx = folder_context(&d, all[i].clients);
            pair p;
            pair_make(&p, &d, ctx, versions[v], all[i].shows);
            tls_result r = shake(&p, 65536);
            ck_assert_msg(r == (all[i].reason == NULL ? TLS_DATA : TLS_FAILED), "%zu: %d %s", i, r,
                          tls_link_reason(p.link));
            if (all[i].reason != NULL)
                ck_assert_msg(strcmp(tls_link_reason(p.link), all[i].reason) == 0, "%zu: %s", i,
                              tls_link_reason(p.link));
            ck_assert((tls_link_certificate(p.link, ctx) != NULL) == all[i].known);
            pair_free(&p);
            tls_context_unref(ctx);
        }
    certified_free(&strangers);
    certified_free(&good);
    certified_free(&stranger);
    certified_free(&self);
    certified_free(&old);
    folder_remove(&d);
}
END_TEST

static uint64_t days;

static uint64_t injected_ms(void) {
    return ((uint64_t)time(NULL) + days * 86400) * 1000;
}

/* A connection may outlive the trust in whom it is with. */
START_TEST(a_certificate_holds_as_long_as_its_signer_is_trusted) {
    folder d;
    folder_make(&d);
    certified strangers = certify(NULL, (wanted){.name = "Other authority", .authority = true}),
              between = certify(&d.authority, (wanted){.name = "Between", .authority = true}),
              good = certify(&between, (wanted){.name = "good", .days = 20});
    clock_inject((clock_source){.wall_ms = injected_ms});
    tls_context *ctx = folder_context(&d, 0), *same = folder_context(&d, 1), *none = folder_context(&d, -1);
    write_certificates(d.ca, &strangers, NULL);
    tls_context *other = folder_context(&d, 0);
    for (size_t v = 0; v < EITHER_VERSION; v++) {
        pair p;
        pair_make(&p, &d, ctx, versions[v], &good);
        ck_assert_int_eq(SSL_add1_chain_cert(p.c.ssl, between.certificate), 1);
        ck_assert(!tls_link_shows(p.link));
        ck_assert_int_eq(shake(&p, 65536), TLS_DATA);
        for (unsigned i = 0; i < 2; i++) {
            ck_assert_ptr_nonnull(tls_link_certificate(p.link, ctx));
            ck_assert_ptr_nonnull(tls_link_certificate(p.link, same));
            ck_assert_ptr_null(tls_link_certificate(p.link, other));
            ck_assert_ptr_null(tls_link_certificate(p.link, none));
            ck_assert(tls_link_shows(p.link));
        }
        ck_assert_ptr_nonnull(tls_link_certificate(p.link, same));
        days = 19;
        ck_assert_ptr_nonnull(tls_link_certificate(p.link, same));
        days = 21;
        ck_assert_ptr_null(tls_link_certificate(p.link, same));
        ck_assert_ptr_null(tls_link_certificate(p.link, ctx));
        days = 0;
        pair_free(&p);
    }
    clock_inject((clock_source){0});
    tls_context_unref(ctx);
    tls_context_unref(same);
    tls_context_unref(none);
    tls_context_unref(other);
    certified_free(&strangers);
    certified_free(&between);
    certified_free(&good);
    folder_remove(&d);
}
END_TEST

/* In TLS 1.3 each use of a ticket gives another: a client that was asked who it is has none, and proves its
 * key each time. A ticket of a context that asks nobody is none for one that does. */
START_TEST(nobody_goes_on_by_a_ticket_where_certificates_are_asked_for) {
    folder d;
    folder_make(&d);
    certified good = certify(&d.authority, (wanted){.name = "good"});
    for (size_t v = 0; v < EITHER_VERSION; v++) {
        tls_context *asks = folder_context(&d, 0), *open = folder_context(&d, -1);
        tls_context *const first[] = {asks, asks, open, open}, *const then[] = {asks, asks, asks, open};
        for (unsigned i = 0; i < 4; i++) {
            const certified *shows = i == 1 ? NULL : &good;
            char c;
            pair p;
            pair_make(&p, &d, first[i], versions[v], shows);
            ck_assert_int_eq(shake(&p, 65536), TLS_DATA);
            SSL_read(p.c.ssl, &c, 1); /* the ticket */
            SSL_SESSION *session = SSL_get1_session(p.c.ssl);
            ck_assert_int_eq(SSL_SESSION_has_ticket(session), first[i] == open);
            SSL_shutdown(p.c.ssl); /* else OpenSSL holds the session for broken */
            pair_free(&p);
            pair_make(&p, &d, then[i], versions[v], shows);
            if (SSL_SESSION_is_resumable(session))
                ck_assert_int_eq(SSL_set_session(p.c.ssl, session), 1);
            ck_assert_int_eq(shake(&p, 65536), TLS_DATA);
            ck_assert_int_eq(SSL_session_reused(p.c.ssl), then[i] == open);
            ck_assert((tls_link_certificate(p.link, then[i]) != NULL) == (shows != NULL && then[i] == asks));
            pair_free(&p);
            SSL_SESSION_free(session);
        }
        tls_context_unref(asks);
        tls_context_unref(open);
    }
    certified_free(&good);
    folder_remove(&d);
}
END_TEST

static uint64_t hours;

static uint64_t injected_ns(void) {
    return UINT64_C(1000000000) * 3600 * (hours + 1000);
}

/* The session of a connection that begins with `session`, NULL: none; it has been resumed, or not. */
static SSL_SESSION *session_of(const folder *d, tls_context *ctx, int version, SSL_SESSION *session,
                               bool resumed) {
    char c;
    pair p;
    pair_make(&p, d, ctx, version, NULL);
    if (session != NULL)
        ck_assert_int_eq(SSL_set_session(p.c.ssl, session), 1);
    ck_assert_int_eq(shake(&p, 65536), TLS_DATA);
    ck_assert_msg(SSL_session_reused(p.c.ssl) == resumed, "version %x, hour %u", (unsigned)version,
                  (unsigned)hours);
    SSL_read(p.c.ssl, &c, 1); /* the ticket */
    SSL_SESSION *next = SSL_get1_session(p.c.ssl);
    SSL_shutdown(p.c.ssl);
    pair_free(&p);
    return next;
}

START_TEST(keys_of_tickets_are_changed) {
    folder d;
    folder_make(&d);
    clock_inject((clock_source){.ns = injected_ns});
    for (size_t v = 0; v < EITHER_VERSION; v++) {
        hours = 0;
        tls_context *ctx = folder_context(&d, -1);
        SSL_SESSION *first = session_of(&d, ctx, versions[v], NULL, false);
        hours = 1; /* the key before: good, and the ticket is replaced */
        SSL_SESSION *second = session_of(&d, ctx, versions[v], first, true);
        hours = 2;
        SSL_SESSION_free(session_of(&d, ctx, versions[v], first, false));
        SSL_SESSION_free(session_of(&d, ctx, versions[v], second, true));
        hours = 50; /* nobody came for longer than a key is good */
        SSL_SESSION_free(session_of(&d, ctx, versions[v], second, false));
        SSL_SESSION_free(first);
        SSL_SESSION_free(second);
        tls_context_unref(ctx);
    }
    clock_inject((clock_source){0});
    folder_remove(&d);
}
END_TEST

UNIT_MAIN(unit_test(a_handshake_may_be_cut_anywhere), unit_test(a_handshake_may_end_in_the_middle),
          unit_test(garbage_is_refused), unit_test(a_record_that_was_changed_is_refused),
          unit_test(old_versions_are_refused), unit_test(protocols_are_agreed_on),
          unit_test(nobody_negotiates_anew), unit_test(an_end_is_said_by_either),
          unit_test(a_certificate_says_who_the_client_is), unit_test(controls_in_a_subject_are_escaped),
          unit_test(names_that_pass_for_others_are_none), unit_test(only_certificates_that_are_vouched_for),
          unit_test(a_certificate_holds_as_long_as_its_signer_is_trusted),
          unit_test(nobody_goes_on_by_a_ticket_where_certificates_are_asked_for),
          unit_test(keys_of_tickets_are_changed))
