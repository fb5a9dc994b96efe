/* Endpoints' files: which scheme, which secrets, what is refused and why; and what becomes of an item when
 * its file changes. */
#include <busbar/busbar.h>

#include "webhook/document.h"
#include "webhook/endpoint.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static snapshot *none;

static void begin(void) {
    none = snapshot_new(0, 0);
    ck_assert(none != NULL && snapshot_seal(none));
    strcpy(folder, "/tmp/busbar-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void end(void) {
    snapshot_free(none);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void write_conf(const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static webhook_set *read_set(const webhook_set *before) {
    const webhook_reading reading = {.plugged = none, .loops = 4};
    err e = {""};
    webhook_set *s = webhook_set_read(folder, &reading, before, &e);
    ck_assert_msg(s != NULL, "%s", e.text);
    return s;
}

static const webhook_entry *entry(const webhook_set *s, const char *id) {
    const webhook_entry *found = webhook_find(s, WEBHOOK_ENDPOINT, str_from(id));
    ck_assert_ptr_nonnull(found);
    return found;
}

static bb_str field(const endpoint *p, size_t set, const char *name) {
    return json_string(json_get(p->fields[set], str_from(name)));
}

static void expect(bb_str got, const char *want) {
    ck_assert_msg(str_eq(got, str_from(want)), "\"%.*s\" is not \"%s\"", STR_FMT(got), want);
}

START_TEST(reads_all_that_an_endpoint_has) {
    begin();
    write_conf(
        "a.hook.conf",
        "[endpoint]\nscheme = hmac\nname = Orders\nsecret = one\n    two\n\n    three\nheader = X-Sig\n"
        "tolerance = 10m\ndedup = 2d\nmax_body = 1k\nallow = 10.0.0.0/8\nproxies = ::1\nrate = 5/s\n"
        "sender_rate = 60/m\ntypes = a.*, b\nheaders = X-A, X-B\nschema = {\"type\": \"object\"}\n"
        "[route first]\ntypes = a.*\nemit = x.y\n[route second]\nkey = /data/id\nemit = x.z\n");
    webhook_set *s = read_set(NULL);
    const webhook_entry *found = entry(s, "a");
    ck_assert_msg(found->item != NULL, "%.*s", STR_FMT(found->error));
    const endpoint *p = endpoint_of(found->item);
    expect(p->name, "Orders");
    ck_assert_ptr_null(p->unready);
    ck_assert(!p->unverified && !p->paused);
    ck_assert_uint_eq(p->field_count, 3);
    expect(field(p, 0, "secret"), "one");
    expect(field(p, 2, "secret"), "three");
    expect(field(p, 1, "header"), "X-Sig");
    expect(field(p, 1, "algorithm"), "sha256"); /* its default */
    ck_assert_uint_eq(p->tolerance_ms, 600000);
    ck_assert_uint_eq(p->dedup_ms, 2 * 86400000ull);
    ck_assert_uint_eq(p->max_body, 1024);
    ck_assert_uint_eq(p->header_count, 2);
    ck_assert_uint_eq(p->types.count, 2);
    ck_assert_uint_eq(p->rate.rate, 5);
    ck_assert_ptr_nonnull(p->payload);
    ck_assert_ptr_nonnull(atomic_load(&p->state->senders));
    ck_assert_uint_eq(s->target_count, 2);
    ck_assert_ptr_nonnull(webhook_target(s, STR("endpoint/a/second")));
    ck_assert_ptr_null(webhook_target(s, STR("endpoint/a/third")));
    webhook_set_unref(s);
    end();
}
END_TEST

START_TEST(refuses_what_cannot_be_meant) {
    begin();
    static const struct {
        const char *text, *why;
    } wrong[] = {
        {"", "has a section [endpoint]"},
        {"[endpoint]\nscheme = hmca\nsecret = x\n", ":2: there is no webhook scheme \"hmca\" (known: "},
        {"[endpoint]\nscheme = hmac\nsecrte = x\n", "did you mean \"secret\"?"},
        {"[endpoint]\nverify = yes\n", "verify = none takes what anybody sends"},
        {"[endpoint]\nscheme = basic\npassword = x\n", "scheme \"basic\" needs username"},
        {"[endpoint]\nscheme = hmac\nsecret = k\nalgorithm = sha265\n",
         ":4: algorithm is not \"sha265\" (known: sha256, sha1, sha512); did you mean \"sha256\"?"},
        {"[endpoint]\nscheme = hmac\nsecret = k\nalgorithm = SHA-256\n", "algorithm is not \"SHA-256\""},
        {"[endpoint]\nscheme = hmac\nsecret = k\nencoding = base46\n", "encoding is not \"base46\""},
        {"[endpoint]\nscheme = hmac\nsecret = k\nsecret_encoding = hexx\n",
         "secret_encoding is not \"hexx\""},
        {"[endpoint]\nscheme = hmac\nsecret = k\nsecret_encoding = hex\n", "the secret is not hex"},
        {"[endpoint]\nscheme = hmac\nsecret = k\nsecret_encoding = base64\n", ":3: the secret is not base64"},
        {"[endpoint]\nscheme = hmac\nsecret = k\nheader = X Sig\n", "header is a header field"},
        {"[endpoint]\nscheme = hmac\nsecret = k\nheader = X-Sig:\n", "header is a header field"},
        {"[endpoint]\nscheme = hmac\nsecret = k\ntimestamp_header = a,b\nsigned = {timestamp}{body}\n",
         "timestamp_header is a header field"},
        {"[endpoint]\nscheme = hmac\nsecret = k\nsigned = {bdoy}\n", "signed has {bdoy}"},
        {"[endpoint]\nscheme = hmac\nsecret = k\nsigned = {url}\n", "signed has no {body}"},
        {"[endpoint]\nscheme = hmac\nsecret = k\nsigned = {timestamp}.{body}\n",
         "say where it stands by timestamp_header"},
        {"[endpoint]\nscheme = hmac\nsecret = k\nsigned = {id}.{body}\n",
         "in which header field it stands by id_from"},
        {"[endpoint]\nscheme = hmac\nsecret = k\nsigned = {id}.{body}\nid_from = /id\n",
         "in which header field it stands by id_from"},
        {"[endpoint]\nscheme = hmac\nsecret = k\nid_from = /a~2\n", "id_from is no JSON Pointer"},
        {"[endpoint]\nscheme = hmac\nsecret = k\ntype_from = event type\n", "type_from is a header field"},
        {"[endpoint]\nscheme = hmac\nsecret = k\n[verify]\nencodin = hex\n", "did you mean \"encoding\"?"},
        {"[endpoint]\nscheme = hmac\nsecret = k\nunknown = 1\n", "unknown"},
        {"[endpoint]\nscheme = standard_webhooks\nsecret = whsec_****\n", "no whsec_BASE64"},
        {"[endpoint]\nscheme = standard_webhooks\nsecret = whpk_AAAA\n", "no whpk_BASE64 of 32 bytes"},
        {"[endpoint]\nscheme = standard_webhooks\nsecret = "
         "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
         "whsk_ is the sender"},
        {"[endpoint]\nscheme = standard_webhooks\nsecret = plain text, taken for the bytes of a key\n  "
         "whsec_%\n",
         "no whsec_BASE64"},
        {"[endpoint]\nscheme = token\nsecret = x\nheader = (x)\n", ":4: header is a header field"},
        {"[endpoint]\nverify = none\nscheme = hmac\nencoding = base46\n", "encoding is not"},
        {"[endpoint]\nverify = none\n[rout x]\n", "unknown section [rout x]"},
        {"[endpoint]\nverify = none\n[route A]\ntypes = x\n", "route"},
        {"[endpoint]\nverify = none\nallow = 10.0.0.0/33\n", "allow: "},
        {"[endpoint]\nverify = none\nallow =\n", ":3: allow is empty, and would have everybody send"},
        {"[endpoint]\nverify = none\nallow = ,\n", ":3: allow is empty"},
        {"[endpoint]\nverify = none\nheaders = X-A X-B\n", ":3: headers: \"X-A X-B\" is no header field"},
        {"[endpoint]\nverify = none\nheaders = X-A, X-B:\n", ":3: headers: \"X-B:\" is no header field"},
        {"[endpoint]\nverify = none\nrate = often\n", "rate is \"100/s\""},
        {"[endpoint]\nverify = none\nschema = {\n", "schema is a JSON Schema: "},
        {"[endpoint]\nverify = none\ntolerance = 2d\n", ":3: "},
        {"[endpoint]\nscheme = hmac\nsecret = ${env:BUSBAR_NO_SUCH_VARIABLE}\n", "BUSBAR_NO_SUCH_VARIABLE"},
        {"[endpoint]\nscheme = hmac\nplugin = none_such\nsecret = x\n", "there is no plugin \"none_such\""},
        {"[endpoint]\nscheme = hmac\nconnection = shop\nsecret = x\n",
         "there is no connection \"shop\" in force"},
        {"[endpoint]\nscheme = hmac\nsecret = 1\n  2\n  3\n  4\n  5\n  6\n  7\n  8\n  9\n",
         "at most 8 values"},
        {"[endpoint]\nscheme = hmac\nsecret = x\ntimestamp_header = X-Time\n",
         ":4: timestamp_header: the time is not signed"},
        {"[endpoint]\nscheme = hmac\nsecret = x\nprefix = v1,\n", ":4: prefix has \",\" in it"},
        {"[endpoint]\nscheme = hmac\nsecret = x\nprefix = HMAC sha256=\n", ":4: prefix has \" \" in it"},
        {"[endpoint]\nscheme = hmac\nsecret = x\nsignature_key = v1,x\n", ":4: signature_key has \",\""},
        {"[endpoint]\nscheme = hmac\nsecret = x\nsigned = {timestamp}{body}\ntimestamp_key = a;\n",
         ":5: timestamp_key has \";\""},
        {"[endpoint]\nscheme = basic\nusername = u\npassword = x\nsecret = y\n",
         ":5: secret: it is given in line 4 already, as password"},
        {"[endpoint]\nscheme = hmac\nsecret = x\n[verify]\nsecret = y\n",
         "given in line 5 already, as secret"},
        {"[endpoint]\nscheme = hmac\nsecret = x\nheader = A\n[verify]\nheader = B\n",
         "given in line 6 already"},
        {"[endpoint]\nname = n\nscheme = mtls\n", ":3: scheme = mtls needs subject, names or fingerprint"},
        {"[endpoint]\nscheme = mtls\nany = perhaps\n", ":3: any is yes or no"},
        {"[endpoint]\nscheme = mtls\n[verify]\nany = perhaps\n", ":4: any is yes or no"},
        {"[endpoint]\nscheme = mtls\nany = yes\nfingerprint = 0011\n", ":3: any = yes takes every"},
        {"[endpoint]\nscheme = mtls\nfingerprint = 0011\n", ":3: fingerprint: SHA-256 in 64"},
        {"[endpoint]\nscheme = mtls\nid_from = /a~2\n", ":3: id_from is no JSON Pointer"},
        {"[endpoint]\nscheme = mtls\nverify = none\nid_from = /a~2\n", ":4: id_from is no JSON Pointer"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_conf("w.hook.conf", wrong[i].text);
        webhook_set *s = read_set(NULL);
        const webhook_entry *found = entry(s, "w");
        ck_assert_msg(found->item == NULL, "%s was taken", wrong[i].text);
        ck_assert_msg(memmem(found->error.ptr, found->error.len, wrong[i].why, strlen(wrong[i].why)) != NULL,
                      "%.*s does not say: %s", STR_FMT(found->error), wrong[i].why);
        webhook_set_unref(s);
    }
    end();
}
END_TEST

START_TEST(without_a_secret_nothing_is_verified) {
    begin();
    write_conf("bare.hook.conf", "[endpoint]\nname = bare\n");
    write_conf("bytes.hook.conf",
               "[endpoint]\nscheme = hmac\nalgorithm = SHA1\nsecret = YWJj\nsecret_encoding = "
               "base64\nsigned = v0:{timestamp}:{body}{\ntimestamp_header = X-Time\n");
    write_conf("empty.hook.conf", "[endpoint]\nscheme = standard_webhooks\nsecret =\n");
    write_conf("open.hook.conf", "[endpoint]\nverify = none\nscheme = hmac\n");
    write_conf("anyone.hook.conf", "[endpoint]\nverify = none\nscheme = mtls\n");
    write_conf("certified.hook.conf", "[endpoint]\nscheme = mtls\nany = yes\n");
    webhook_set *s = read_set(NULL);
    ck_assert_ptr_nonnull(endpoint_find(s, STR("bare"))->unready);
    ck_assert_ptr_nonnull(endpoint_find(s, STR("bytes")));
    ck_assert_ptr_null(endpoint_find(s, STR("bytes"))->unready);
    ck_assert_ptr_nonnull(endpoint_find(s, STR("empty"))->unready);
    const endpoint *open = endpoint_find(s, STR("open"));
    ck_assert(open->unverified && open->unready == NULL);
    ck_assert_str_eq(open->own->id, "none");
    ck_assert_ptr_nonnull(endpoint_find(s, STR("anyone")));
    ck_assert_ptr_null(endpoint_find(s, STR("anyone"))->unready);
    ck_assert_ptr_nonnull(strstr(endpoint_find(s, STR("certified"))->unready, "tls_client_ca"));
    webhook_set_unref(s);
    end();
}
END_TEST

START_TEST(keeps_its_state_and_what_was_in_force) {
    begin();
    write_conf("a.hook.conf", "[endpoint]\nverify = none\n");
    webhook_set *first = read_set(NULL);
    endpoint_state *state = endpoint_of(entry(first, "a")->item)->state;
    atomic_store(&state->events, 7);
    write_conf("a.hook.conf", "[endpoint]\nscheme = token\nsecret = x\n");
    webhook_set *second = read_set(first);
    ck_assert_ptr_eq(endpoint_of(entry(second, "a")->item)->state, state);
    ck_assert_ptr_ne(entry(second, "a")->item, entry(first, "a")->item);
    ck_assert_uint_ne(entry(second, "a")->item->fingerprint, entry(first, "a")->item->fingerprint);
    webhook_set_unref(first);
    write_conf("a.hook.conf", "[endpoint]\nscheme = nonsense\n");
    webhook_set *third = read_set(second);
    ck_assert_ptr_eq(entry(third, "a")->item, entry(second, "a")->item);
    ck_assert_uint_gt(entry(third, "a")->error.len, 0);
    ck_assert_uint_eq(third->generation, second->generation + 1);
    webhook_set_unref(second);
    ck_assert_uint_eq(atomic_load(&endpoint_of(entry(third, "a")->item)->state->events), 7);
    webhook_set_unref(third);
    end();
}
END_TEST

static bb_str text_of(arena *a, const char *json, err *e) {
    bb_str text = {NULL, 0};
    const json_value *root = json_read(a, str_from(json), NULL, NULL);
    ck_assert_ptr_nonnull(root);
    return document_to_text(a, &endpoint_reader, root, &text, e) ? text : (bb_str){NULL, 0};
}

START_TEST(the_api_s_shape_becomes_a_file_and_comes_back) {
    begin();
    static const char json[] =
        "{\"id\":\"x\",\"scheme\":\"hmac\",\"secret\":[\"a\",\"b\"],\"types\":[\"p.*\",\"q\"],"
        "\"paused\":null,\"verify\":{\"header\":\"X-S\"},"
        "\"routes\":{\"one\":{\"types\":[\"p.*\"],\"emit\":\"a\"},\"two\":{\"emit\":\"b\"}}}";
    arena *a = arena_new(0);
    err e = {""};
    bb_str text = text_of(a, json, &e);
    ck_assert_msg(text.ptr != NULL, "%s", e.text);
    write_conf("x.hook.conf", arena_strdup(a, text));
    webhook_set *s = read_set(NULL);
    const webhook_entry *found = entry(s, "x");
    ck_assert_msg(found->item != NULL, "%.*s", STR_FMT(found->error));
    ck_assert_uint_eq(endpoint_of(found->item)->field_count, 2);
    expect(found->item->conf_json,
           "{\"scheme\":\"hmac\",\"secret\":\"[redacted]\",\"types\":\"p.*, q\",\"verify\":"
           "{\"header\":\"X-S\"},\"routes\":{\"one\":{\"types\":\"p.*\",\"emit\":\"a\"},\"two\":{\"emit\":"
           "\"b\"}}}");
    static const char *const bad[] = {"[]",
                                      "{\"routes\":1}",
                                      "{\"routes\":{\"x\":1}}",
                                      "{\"a b\":1}",
                                      "{\"name\":\"x\\r\"}",
                                      "{\"routes\":{\"A B\":{}}}",
                                      "{\"name\":\"a\\n; b\"}",
                                      "{\"name\":\"a\\n\\nb\"}",
                                      "{\"secret\":{\"value\":\"a\"}}",
                                      "{\"secret\":[[\"a\"]]}",
                                      "{\"types\":[\"a\",null]}",
                                      "{\"verify\":[\"none\"]}",
                                      "{\"verify\":{\"secret\":{}}}",
                                      "{\"routes\":{\"x\":{\"emit\":{}}}}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(text_of(a, bad[i], &e).ptr == NULL, "%s was taken", bad[i]);
    webhook_set_unref(s);
    arena_free(a);
    end();
}
END_TEST

START_TEST(lines_of_a_value_cannot_forge_keys) {
    begin();
    arena *a = arena_new(0);
    err e = {""};
    bb_str text = text_of(a, "{\"verify\":\"none\",\"name\":\"x\\nverify = none\\n[route y]\"}", &e);
    if (text.ptr != NULL) { /* then they are lines of the name */
        write_conf("f.hook.conf", arena_strdup(a, text));
        webhook_set *s = read_set(NULL);
        const webhook_entry *found = entry(s, "f");
        ck_assert_ptr_nonnull(found->item);
        expect(endpoint_of(found->item)->name, "x\nverify = none\n[route y]");
        ck_assert_uint_eq(found->item->target_count, 0);
        webhook_set_unref(s);
    }
    arena_free(a);
    end();
}
END_TEST

START_TEST(a_secret_beside_a_reference_is_not_shown) {
    begin();
    write_conf("a.hook.conf", "[endpoint]\nscheme = bearer\nsecret = ${env:HOME}\n    literal\n");
    write_conf("b.subscription.conf", "[subscription]\nurl = https://example.com/${env:HOME}\n"
                                      "headers = {\"X-A\": \"${env:HOME}\", \"X-B\": \"literal\"}\n"
                                      "secret = literal\n    ${env:HOME}\n");
    webhook_set *s = read_set(NULL);
    const webhook_entry *b = webhook_find(s, WEBHOOK_SUBSCRIPTION, STR("b"));
    ck_assert(entry(s, "a")->item != NULL && b != NULL && b->item != NULL);
    expect(entry(s, "a")->item->conf_json, "{\"scheme\":\"bearer\",\"secret\":\"${env:HOME}\\n[redacted]\"}");
    expect(b->item->conf_json, "{\"url\":\"https://example.com/${env:HOME}\",\"headers\":\"[redacted]\","
                               "\"secret\":\"[redacted]\\n${env:HOME}\"}");
    webhook_set_unref(s);
    end();
}
END_TEST

START_TEST(targets_of_an_event_outlive_the_set) {
    begin();
    write_conf("a.hook.conf", "[endpoint]\nverify = none\n[route first]\nkey = *\nemit = x.y\n");
    webhook_set *s = read_set(NULL);
    arena *a = arena_new(0);
    event_target *targets = NULL;
    size_t n = 0;
    ck_assert(webhook_targets(s, STR("endpoint/a"), STR("t"), STR("{}"), 1, a, &targets, &n));
    webhook_set_unref(s);
    ck_assert_uint_eq(n, 1);
    expect(targets[0].target, "endpoint/a/first");
    expect(targets[0].key, "*");
    arena_free(a);
    end();
}
END_TEST

UNIT_MAIN(unit_test(targets_of_an_event_outlive_the_set), unit_test(a_secret_beside_a_reference_is_not_shown),
          unit_test(reads_all_that_an_endpoint_has), unit_test(refuses_what_cannot_be_meant),
          unit_test(without_a_secret_nothing_is_verified), unit_test(keeps_its_state_and_what_was_in_force),
          unit_test(the_api_s_shape_becomes_a_file_and_comes_back),
          unit_test(lines_of_a_value_cannot_forge_keys))
