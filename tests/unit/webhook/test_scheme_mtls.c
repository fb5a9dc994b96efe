/* The scheme mtls: which certificates an endpoint's fields mean, and which only look like them. */
#include <busbar/busbar.h>

#include "http/server.h"

#include "scheme_fixture.h"

#define PRINT "52796193fe97cf1b2489c2910c009eec2d56e4e8da734b068545ceafceacb911"
#define OTHER "00796193fe97cf1b2489c2910c009eec2d56e4e8da734b068545ceafceacb911"
#define COLONS                                                                                   \
    "52:79:61:93:FE:97:CF:1B:24:89:C2:91:0C:00:9E:EC:2D:56:E4:E8:DA:73:4B:06:85:45:CE:AF:CE:AC:" \
    "B9:11"

static const str_pair names[] = {{{"dns", 3}, {"hooks.partner.example", 21}},
                                 {{"dns", 3}, {"*.wild.example", 14}},
                                 {{"uri", 3}, {"spiffe://prod/Hooks", 19}},
                                 {{"uri", 3}, {"evil:other.example", 18}},
                                 {{"email", 5}, {"Bob@partner.example", 19}}};
static const http_certificate shown = {.subject = {"CN=client,O=Partner", 19},
                                       .fingerprint = {PRINT, 64},
                                       .names = names,
                                       .name_count = sizeof names / sizeof names[0]};

static bool fits(trial *t, bool tls, const http_certificate *c) {
    t->tls = tls;
    t->certificate = c;
    return takes(t, "mtls");
}

static void expect_said(const trial *t, const char *part) {
    bb_str reason = t->call.error.message;
    ck_assert_msg(memmem(reason.ptr, reason.len, part, strlen(part)) != NULL, "%.*s", STR_FMT(reason));
}

START_TEST(fields_mean_one_certificate) {
    static const struct {
        const char *fields;
        bool fits;
    } all[] = {
        {"{\"subject\":\"CN=client,O=Partner\"}", true},
        {"{\"subject\":\"CN=client\"}", false},
        {"{\"subject\":\"cn=client,O=Partner\"}", false},
        {"{\"subject\":\"CN=client,O=Partner,C=DE\"}", false},
        {"{\"subject\":\"CN=*,O=Partner\"}", false},
        {"{\"names\":\"hooks.partner.example\"}", true},
        {"{\"names\":\"HOOKS.partner.Example\"}", true},
        {"{\"names\":\"*.partner.example\"}", true},
        {"{\"names\":\"partner.example\"}", false},
        {"{\"names\":\"hooks.partner.exampl\"}", false},
        {"{\"names\":\"ooks.partner.example\"}", false},
        {"{\"names\":\"a.example, b.example\\n hooks.partner.example\"}", true},
        {"{\"names\":\"a.example,b.example\"}", false},
        {"{\"names\":\",, ,\"}", false},
        {"{\"names\":\"x.wild.example\"}", false}, /* what a name stands for is the signer's affair */
        {"{\"names\":\"other.example\"}", false},  /* another kind of name ends in it */
        {"{\"names\":\"*other.example\"}", false},
        {"{\"names\":\"spiffe://prod/*\"}", true},
        {"{\"names\":\"spiffe://prod/hooks\"}", false}, /* a path has a case */
        {"{\"names\":\"spiffe://production/*\"}", false},
        {"{\"names\":\"Bob@PARTNER.example\"}", true},
        {"{\"names\":\"bob@partner.example\"}", false}, /* so has a mailbox */
        {"{\"names\":\"*@partner.example\"}", true},
        {"{\"fingerprint\":\"" PRINT "\"}", true},
        {"{\"fingerprint\":\"" COLONS "\"}", true},
        {"{\"fingerprint\":\"" OTHER "\"}", false},
        {"{\"fingerprint\":\"" OTHER "\\n  " COLONS "\"}", true},
        {"{\"fingerprint\":\"" PRINT "00\"}", false},
        {"{\"subject\":\"CN=client,O=Partner\",\"names\":\"*\",\"fingerprint\":\"" PRINT "\"}", true},
        {"{\"subject\":\"CN=client,O=Partner\",\"names\":\"*\",\"fingerprint\":\"" OTHER "\"}", false},
        {"{\"subject\":\"CN=other\",\"names\":\"*\",\"fingerprint\":\"" PRINT "\"}", false},
        {"{\"subject\":\"CN=client,O=Partner\",\"names\":\"a\",\"fingerprint\":\"" PRINT "\"}", false},
        {"{\"any\":\"yes\"}", true},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        trial t;
        begin(&t, all[i].fields);
        ck_assert_msg(fits(&t, true, &shown) == all[i].fits, "%s: %.*s", all[i].fields,
                      STR_FMT(t.call.error.message));
        if (!all[i].fits) { /* the admin reads which one it was */
            expect_said(&t, PRINT);
            expect_said(&t, "CN=client,O=Partner");
        }
        ck_assert(!fits(&t, true, NULL));
        expect_said(&t, "shown no client certificate");
        ck_assert(!fits(&t, false, NULL));
        expect_said(&t, "did not come by TLS");
        end(&t);
    }
}
END_TEST

START_TEST(a_certificate_of_great_length_is_told_in_part) {
    char subject[2000];
    memset(subject, 'x', sizeof subject);
    http_certificate c = shown;
    c.subject = str_of(subject, sizeof subject);
    trial t;
    begin(&t, "{\"subject\":\"CN=client\"}");
    ck_assert(!fits(&t, true, &c));
    expect_said(&t, PRINT);
    for (size_t from = 0; from < 4; from++) { /* it ends with a character, wherever that begins */
        char text[8 * sizeof subject];
        for (size_t i = 0; i < sizeof subject; i++)
            subject[i] = i < from ? 'x' : "\xf0\x9f\x98\x80"[(i - from) % 4];
        ck_assert(!fits(&t, true, &c));
        int told = 400 - (int)((400 - from) % 4);
        snprintf(text, sizeof text, "certificate (%.*s; SHA-256", told, subject);
        expect_said(&t, text);
    }
    end(&t);
}
END_TEST

START_TEST(fields_that_cannot_be_meant) {
    static const struct {
        const char *fields, *key; /* NULL: fine */
    } all[] = {
        {"{\"any\":\"yes\"}", NULL},
        {"{\"any\":\"no\",\"subject\":\"CN=x\"}", NULL},
        {"{\"any\":\"no\",\"names\":\"x\"}", NULL},
        {"{\"any\":\"no\",\"fingerprint\":\"" PRINT "\\n" COLONS "\"}", NULL},
        {"{\"any\":\"no\"}", "scheme"},
        {"{\"any\":\"no\",\"names\":\" , \"}", "scheme"},
        {"{\"any\":\"perhaps\"}", "any"},
        {"{\"any\":\"yes\",\"names\":\"x\"}", "any"},
        {"{\"any\":\"yes\",\"fingerprint\":\"" PRINT "\"}", "any"},
        {"{\"any\":\"no\",\"fingerprint\":\"0011\"}", "fingerprint"},
        {"{\"any\":\"no\",\"fingerprint\":\"" PRINT "0\"}", "fingerprint"},
        {"{\"any\":\"no\",\"fingerprint\":\"" PRINT " x\"}", "fingerprint"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        arena *a = arena_new(0);
        const char *key = NULL,
                   *wrong = scheme_mtls_check(json_read(a, str_from(all[i].fields), NULL, NULL), &key);
        ck_assert_msg((wrong != NULL) == (all[i].key != NULL), "%s", all[i].fields);
        if (all[i].key != NULL)
            ck_assert_str_eq(key, all[i].key);
        arena_free(a);
    }
}
END_TEST

UNIT_MAIN(unit_test(fields_mean_one_certificate), unit_test(a_certificate_of_great_length_is_told_in_part),
          unit_test(fields_that_cannot_be_meant))
