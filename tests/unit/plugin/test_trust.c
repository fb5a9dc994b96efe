/* Trust: pins, signatures and places, each alone and together; and the policy on its way to another process.
 */
#include "plugin/trust.h"

#include "plugin/place.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char hash[65], other_hash[65];
static buf secret, open_key, text;
static signature_key key;
static plugin_policy policy;
static plugin_pin pin;

static void setup(void) {
    signature s = {.size = 7, .at_ms = 1767225600000};
    memset(hash, 'a', 64);
    memset(other_hash, 'b', 64);
    buf_init(&secret);
    buf_init(&open_key);
    buf_init(&text);
    strcpy(s.plugin, "shop");
    memcpy(s.sha256, hash, sizeof hash);
    ck_assert(signature_key_make((bb_str){NULL, 0}, &secret, &open_key, NULL));
    ck_assert(signature_key_read(buf_str(&open_key), &key, NULL));
    ck_assert(signature_make(&s, buf_str(&secret), (bb_str){NULL, 0}, &text, NULL));
    key.name = "alice";
    policy = plugin_policy_default;
    pin = (plugin_pin){.plugin = "shop"};
}

static void teardown(void) {
    buf_wipe(&secret);
    buf_free(&open_key);
    buf_free(&text);
}

static void trust_key(void) {
    policy.has_keys = true;
    policy.keys = &key;
    policy.key_count = 1;
}

static void trust_pin(const char *sha256) {
    memcpy(pin.sha256, sha256, 65);
    policy.pins = &pin;
    policy.pin_count = 1;
}

static trust taken(bb_str signed_by) {
    trust t;
    err e = {""};
    ck_assert_msg(trust_judge(&policy, STR("shop"), hash, 7, signed_by, &t, &e), "%s", e.text);
    ck_assert_str_eq(e.text, "");
    return t;
}

static trust refused_as(bb_str id, const char *sha256, uint64_t size, bb_str signed_by, const char *why) {
    trust t;
    err e = {""};
    ck_assert_msg(!trust_judge(&policy, id, sha256, size, signed_by, &t, &e), "taken; expected: %s", why);
    ck_assert_msg(strstr(e.text, why) != NULL, "\"%s\" does not say \"%s\"", e.text, why);
    return t;
}

static const bb_str unsigned_ = {NULL, 0};

START_TEST(without_a_policy_all_is_taken_but_what_lies) {
    setup();
    ck_assert_int_eq(taken(unsigned_).signature, TRUST_UNSIGNED);
    trust t = taken(buf_str(&text));
    ck_assert_int_eq(t.signature, TRUST_UNPROVEN);
    ck_assert_str_eq(t.key, key.id);
    ck_assert_ptr_null(t.signer);
    ck_assert_int_eq(refused_as(STR("shop"), other_hash, 7, buf_str(&text), "another file").signature,
                     TRUST_BAD);
    refused_as(STR("shop"), hash, 8, buf_str(&text), "another file");
    refused_as(STR("shoq"), hash, 7, buf_str(&text), "connector \"shop\"");
    refused_as(STR("shop"), hash, 7, STR(""), "cannot be read");
    teardown();
}
END_TEST

START_TEST(keys_tell_who_signed) {
    setup();
    trust_key();
    trust t = taken(buf_str(&text));
    ck_assert_int_eq(t.signature, TRUST_SIGNED);
    ck_assert_str_eq(t.signer, "alice");
    ck_assert_int_eq(taken(unsigned_).signature, TRUST_UNSIGNED);
    key.bytes[0] ^= 1; /* the id it has is that of another key */
    refused_as(STR("shop"), hash, 7, buf_str(&text), "changed, or forged");
    policy.key_count = 0;
    ck_assert(refused_as(STR("shop"), hash, 7, buf_str(&text), "not among the trusted keys").unknown_key);
    teardown();
}
END_TEST

START_TEST(where_signatures_are_asked_for_none_is_not_enough) {
    setup();
    policy.require_signature = true;
    refused_as(STR("shop"), hash, 7, unsigned_, "busbar plugin sign");
    refused_as(STR("shop"), hash, 7, buf_str(&text), "not signed"); /* nobody can tell by whom */
    trust_key();
    ck_assert_int_eq(taken(buf_str(&text)).signature, TRUST_SIGNED);
    teardown();
}
END_TEST

START_TEST(pins_hold_beside_signatures) {
    setup();
    trust_pin(hash);
    ck_assert(taken(unsigned_).pinned);
    trust_pin(other_hash);
    refused_as(STR("shop"), hash, 7, unsigned_, "is not pinned");
    trust_key();
    refused_as(STR("shop"), hash, 7, buf_str(&text), "is not pinned");
    pin.plugin = "shopping"; /* another connector's */
    ck_assert(!taken(unsigned_).pinned);
    teardown();
}
END_TEST

START_TEST(a_policy_crosses_to_another_process) {
    static const char *const folders[] = {"/opt/a", "/opt/\xc3\xa9"};
    setup();
    trust_key();
    trust_pin(hash);
    policy.require_signature = policy.isolate = true;
    policy.on_crash = QUARANTINE_OFF;
    policy.folders = folders;
    policy.folder_count = 2;
    buf out;
    json_writer w;
    arena *a = arena_new(0);
    buf_init(&out);
    json_writer_init(&w, &out);
    trust_policy_write(&policy, &w);
    ck_assert(json_writer_finish(&w));
    const plugin_policy *p = trust_policy_read(a, json_read(a, buf_str(&out), NULL, NULL));
    ck_assert_ptr_nonnull(p);
    ck_assert(p->require_signature && p->isolate && p->has_keys && p->on_crash == QUARANTINE_OFF);
    ck_assert_uint_eq(p->folder_count, 2);
    ck_assert_str_eq(p->folders[1], folders[1]);
    policy = *p;
    trust t = taken(buf_str(&text));
    ck_assert_str_eq(t.signer, "alice");
    ck_assert(t.pinned);
    ck_assert_ptr_null(trust_policy_read(a, json_read(a, STR("{}"), NULL, NULL)));
    ck_assert_ptr_null(trust_policy_read(a, NULL));
    arena_free(a);
    buf_free(&out);
    teardown();
}
END_TEST

START_TEST(copies_stand_alone) {
    setup();
    trust_key();
    arena *a = arena_new(0);
    trust t = taken(buf_str(&text)), *copy = trust_copy(a, &t);
    ck_assert_ptr_nonnull(copy);
    memset(text.ptr, 'x', text.len);
    ck_assert_ptr_ne(copy->signer, t.signer);
    ck_assert(str_starts(copy->text, STR("busbar-signature: 1\n")));
    arena_free(a);
    teardown();
}
END_TEST

/* --- places ------------------------------------------------------------------------------------------- */

static char base[PATH_MAX];

static const char *below(const char *name) {
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%.2000s/%s", base, name);
    return path;
}

static void make_base(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(base, sizeof base, "%s/busbar-trust-XXXXXX", tmp != NULL ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(base));
    ck_assert_int_eq(mkdir(below("in"), 0755), 0);
    FILE *f = fopen(below("in/x.so"), "w");
    ck_assert_ptr_nonnull(f);
    fclose(f);
    ck_assert_int_eq(symlink("in/x.so", below("link.so")), 0);
}

static void remove_base(void) {
    unlink(below("link.so"));
    unlink(below("in/x.so"));
    chmod(below("in"), 0700);
    rmdir(below("in"));
    ck_assert_int_eq(rmdir(base), 0);
}

static void place_says(const char *name, const char *why) {
    char real[PATH_MAX];
    err e = {""};
    ck_assert_int_eq(place_resolve(below(name), real, &e), why == NULL);
    ck_assert_msg(why == NULL || strstr(e.text, why) != NULL, "\"%s\" does not say \"%s\"", e.text, why);
}

START_TEST(every_folder_on_the_way_counts) {
    make_base();
    place_says("in/x.so", NULL);
    place_says("link.so", NULL);
    ck_assert_int_eq(chmod(below("in"), 0777), 0);
    place_says("in/x.so", "everybody can put files into");
    place_says("link.so", "everybody can put files into"); /* where it leads to */
    ck_assert_int_eq(chmod(below("in"), 01777), 0);
    place_says("in/x.so", NULL);
    if (chown(below("in"), (uid_t)-1, 12345) == 0) { /* only root can: a group that nobody knows */
        ck_assert_int_eq(chmod(below("in"), 0770), 0);
        place_says("in/x.so", "chmod g-w it");
        ck_assert_int_eq(chown(below("in"), (uid_t)-1, getegid()), 0);
    }
    ck_assert_int_eq(chmod(below("in"), 0755), 0);
    ck_assert_int_eq(chmod(base, 0777), 0);
    place_says("in/x.so", "everybody can put files into");
    ck_assert_int_eq(chmod(base, 0700), 0);
    place_says("in/none", "No such file");
    remove_base();
}
END_TEST

START_TEST(links_lead_no_further_than_allowed) {
    char real[PATH_MAX];
    err e = {""};
    const char *folder[1];
    setup();
    make_base();
    ck_assert(place_resolve(below("link.so"), real, NULL));
    ck_assert(trust_place(&policy, below("link.so"), real, &e)); /* below the folder it was asked for in */
    char named[PATH_MAX];
    snprintf(named, sizeof named, "%.2000s/in/../in/x.so", base);
    ck_assert(trust_place(&policy, named, real, &e));
    folder[0] = "/usr";
    policy.folders = folder;
    policy.folder_count = 1;
    ck_assert(!trust_place(&policy, below("link.so"), real, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "outside of the allowed folders"));
    ck_assert(place_within("/opt/a/x", "/opt/a"));
    ck_assert(place_within("/opt/a/x", "/opt/a/"));
    ck_assert(place_within("/x", "/"));
    ck_assert(!place_within("/opt/ab/x", "/opt/a"));
    ck_assert(!place_within("/opt/a", "/opt/a/b"));
    remove_base();
    teardown();
}
END_TEST

UNIT_MAIN(unit_test(without_a_policy_all_is_taken_but_what_lies), unit_test(keys_tell_who_signed),
          unit_test(where_signatures_are_asked_for_none_is_not_enough),
          unit_test(pins_hold_beside_signatures), unit_test(a_policy_crosses_to_another_process),
          unit_test(copies_stand_alone), unit_test(every_folder_on_the_way_counts),
          unit_test(links_lead_no_further_than_allowed))
