/* The next set where one file alone has changed: as if all were read, and the others are the same items. */
#include "unit.h"
#include <busbar/busbar.h>

#include "webhook/event_type.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static const webhook_reading reading = {.loops = 1};

static const char *path_of(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text) {
    FILE *f = fopen(path_of(name), "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    ck_assert_int_eq(chmod(path_of(name), 0600), 0);
}

static webhook_set *begin(void) {
    err e = {""};
    strcpy(folder, "/tmp/busbar-set-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    put("a.subscription.conf", "[subscription]\nemit = from.a\n");
    put("c.subscription.conf", "[subscription]\nemit = from.c\n");
    put("bad.subscription.conf", "[subscription]\nnothing = of this\n");
    put("in.hook.conf", "[endpoint]\nverify = none\n[route r]\nemit = x\n");
    put("t.event.conf", "[event]\ntype = t\n");
    webhook_set *s = webhook_set_read(folder, &reading, NULL, &e);
    ck_assert_msg(s != NULL, "%s", e.text);
    return s;
}

static webhook_set *next_of(webhook_set *before, webhook_kind kind, const char *name) {
    err e = {"unset"};
    webhook_set *s = webhook_set_reread(before, kind, path_of(name), &reading, &e);
    ck_assert_msg(s != NULL, "%s: %s", name, e.text);
    ck_assert_uint_eq(s->generation, before->generation + 1);
    for (size_t k = 0; k < WEBHOOK_KINDS; k++) /* in order, and all others the same */
        for (size_t i = 0; i < s->lists[k].count; i++) {
            const webhook_entry *now = &s->lists[k].entries[i],
                                *old = webhook_find(before, (webhook_kind)k, now->id);
            bool changed = strcmp(now->file, path_of(name)) == 0;
            ck_assert(changed || (old != NULL && old->item == now->item && str_eq(old->error, now->error)));
            ck_assert_ptr_eq(webhook_find(s, (webhook_kind)k, now->id), now);
        }
    webhook_set_unref(before);
    return s;
}

START_TEST(one_file_is_read_anew) {
    webhook_set *s = begin();
    ck_assert_uint_eq(s->target_count, 3);
    put("b.subscription.conf", "[subscription]\nemit = from.b\n"); /* between two others */
    s = next_of(s, WEBHOOK_SUBSCRIPTION, "b.subscription.conf");
    ck_assert_uint_eq(s->lists[WEBHOOK_SUBSCRIPTION].count, 4);
    ck_assert_uint_eq(s->target_count, 4);
    ck_assert_ptr_nonnull(webhook_target(s, STR("subscription/b")));
    put("z.subscription.conf", "[subscription]\nemit = from.z\n"); /* behind all */
    s = next_of(s, WEBHOOK_SUBSCRIPTION, "z.subscription.conf");
    const webhook_item *before = webhook_find(s, WEBHOOK_SUBSCRIPTION, STR("b"))->item;
    put("b.subscription.conf", "[subscription]\nemit = other.b\n");
    s = next_of(s, WEBHOOK_SUBSCRIPTION, "b.subscription.conf");
    const webhook_entry *b = webhook_find(s, WEBHOOK_SUBSCRIPTION, STR("b"));
    ck_assert(b->item != before && b->error.ptr == NULL);
    before = b->item;
    put("b.subscription.conf", "[subscription]\n"); /* refused: the one before goes on */
    s = next_of(s, WEBHOOK_SUBSCRIPTION, "b.subscription.conf");
    b = webhook_find(s, WEBHOOK_SUBSCRIPTION, STR("b"));
    ck_assert(b->item == before && b->error.ptr != NULL);
    unlink(path_of("b.subscription.conf"));
    s = next_of(s, WEBHOOK_SUBSCRIPTION, "b.subscription.conf");
    ck_assert_ptr_null(webhook_find(s, WEBHOOK_SUBSCRIPTION, STR("b")));
    ck_assert_ptr_null(webhook_target(s, STR("subscription/b")));
    put("bad.subscription.conf", "[subscription]\nemit = good\n");
    s = next_of(s, WEBHOOK_SUBSCRIPTION, "bad.subscription.conf");
    ck_assert_ptr_nonnull(webhook_target(s, STR("subscription/bad")));
    put("in.hook.conf", "[endpoint]\nverify = none\n");
    s = next_of(s, WEBHOOK_ENDPOINT, "in.hook.conf");
    ck_assert_ptr_null(webhook_target(s, STR("endpoint/in/r")));
    webhook_set_unref(s);
}
END_TEST

START_TEST(several_files_of_one_id_are_read_with_all) {
    webhook_set *s = begin();
    err e = {"unset"};
    ck_assert_int_eq(mkdir(path_of("sub"), 0700), 0);
    put("sub/a.subscription.conf", "[subscription]\nemit = from.below\n");
    ck_assert_ptr_null(
        webhook_set_reread(s, WEBHOOK_SUBSCRIPTION, path_of("sub/a.subscription.conf"), &reading, &e));
    ck_assert_str_eq(e.text, "");
    webhook_set_unref(s);
}
END_TEST

static webhook_set *all_of(webhook_set *before) {
    err e = {""};
    webhook_set *s = webhook_set_read(folder, &reading, before, &e);
    ck_assert_msg(s != NULL, "%s", e.text);
    webhook_set_unref(before);
    return s;
}

/* "": it is in force; else what it is refused with ends so. `type`: of the item in force, NULL: none is. */
static void is_type(const webhook_set *s, const char *id, const char *type, const char *error) {
    const webhook_entry *t = webhook_find(s, WEBHOOK_EVENT_TYPE, str_from(id));
    ck_assert_msg(t != NULL, "%s is not there", id);
    ck_assert_msg((t->item != NULL) == (type != NULL), "%s: %.*s", id, STR_FMT(t->error));
    if (type != NULL)
        ck_assert(str_eq(((const event_type *)t->item)->type, str_from(type)));
    ck_assert(t->claimed == (error[0] != '\0'));
    ck_assert_msg(str_ends(t->error, str_from(error)) && (t->error.len > 0) == (error[0] != '\0'), "%s: %.*s",
                  id, STR_FMT(t->error));
}

START_TEST(one_file_alone_declares_a_type) {
    webhook_set *s = begin();
    put("b.event.conf", "[event]\ntype = u\n");
    s = all_of(s);
    put("a.event.conf", "[event]\nsummary = x\ntype = t\n"); /* before it by id, but new */
    s = all_of(s);
    is_type(s, "t", "t", "");
    is_type(s, "a", NULL, "t.event.conf already");
    ck_assert(str_eq(event_type_find(s, STR("t"))->item.id, STR("t")));
    const webhook_entry *a = webhook_find(s, WEBHOOK_EVENT_TYPE, STR("a"));
    ck_assert_msg(strstr(a->error.ptr, "/a.event.conf:3: type: \"t\" is declared in ") != NULL, "%.*s",
                  STR_FMT(a->error));
    err e = {"unset"}; /* it waits for the other: all are read */
    ck_assert_ptr_null(webhook_set_reread(s, WEBHOOK_EVENT_TYPE, path_of("t.event.conf"), &reading, &e));
    ck_assert_str_eq(e.text, "");
    put("t.event.conf", "[event]\ntype = u\n"); /* refused, so what it was stays, and is not free */
    s = all_of(s);
    is_type(s, "t", "t", "b.event.conf already");
    is_type(s, "a", NULL, "t.event.conf already");
    is_type(s, "b", "u", "");
    put("b.event.conf", "[event]\ntype = v\n"); /* u is free, and thereby t */
    s = all_of(s);
    is_type(s, "t", "u", "");
    is_type(s, "a", "t", "");
    is_type(s, "b", "v", "");
    webhook_set_unref(s);
    s = all_of(webhook_set_empty());
    put("c.event.conf", "[event]\ntype = v\n"); /* and where one file alone is read */
    s = next_of(s, WEBHOOK_EVENT_TYPE, "c.event.conf");
    is_type(s, "c", NULL, "b.event.conf already");
    webhook_set_unref(s);
}
END_TEST

START_TEST(what_a_text_claims_is_looked_for) {
    webhook_set *s = begin();
    err e = {""};
    bool claimed = false;
    const bb_str text = STR("[event]\ntype = t\n");
    ck_assert(
        !webhook_check_text(WEBHOOK_EVENT_TYPE, path_of("n.event.conf"), text, &reading, s, &claimed, &e));
    ck_assert(claimed && strstr(e.text, "n.event.conf:2: type: \"t\"") != NULL);
    ck_assert(
        webhook_check_text(WEBHOOK_EVENT_TYPE, path_of("t.event.conf"), text, &reading, s, &claimed, &e));
    ck_assert(!claimed);
    webhook_set_unref(s);
}
END_TEST

UNIT_MAIN(unit_test(one_file_is_read_anew), unit_test(several_files_of_one_id_are_read_with_all),
          unit_test(one_file_alone_declares_a_type), unit_test(what_a_text_claims_is_looked_for))
