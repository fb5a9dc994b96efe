/* NAME.subscription.conf and [route NAME]: what is taken, and in which words the rest is refused. */
#include "unit.h"
#include <busbar/busbar.h>

#include "webhook/route.h"
#include "webhook/subscription.h"

#include <stdio.h>

static const post_rules rules = {.guard = {.plain = false}};
static const webhook_reading reading = {.post = &rules, .loops = 4};

static const subscription *read_it(arena *a, const char *keys, err *e) {
    conf_file f;
    bb_str text = arena_printf(a, "[subscription]\n%s", keys);
    ck_assert(conf_read_text(a, "conf.d/shop.subscription.conf", text, &f));
    webhook_item *item = subscription_reader.read(&reading, &f, a, NULL, e);
    return item != NULL ? subscription_of(item) : NULL;
}

#define WHSK "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
#define URL "url = https://shop.example/hooks\n"

static void end(const subscription *s) {
    subscription_reader.end((webhook_item *)(uintptr_t)&s->item);
}

START_TEST(a_subscription_has_defaults) {
    arena *a = arena_new(0);
    err e = {""};
    const subscription *s = read_it(a, URL, &e);
    ck_assert_msg(s != NULL, "%s", e.text);
    const delivery_plan *p = &s->plan;
    ck_assert(str_eq(p->target.name, STR("subscription/shop")));
    ck_assert_uint_lt(p->target.loop, 4);
    ck_assert_ptr_eq(plan_of(&p->target), p);
    ck_assert(p->kind == PLAN_URL && p->enabled && p->concurrency == 16 && p->batch == 1);
    ck_assert_uint_eq(p->timeout_ms, 15000);
    ck_assert_uint_eq(p->retries.count, 10);
    ck_assert_uint_eq(p->disable_after_ms, 5 * 86400000ull);
    ck_assert(p->program == NULL && p->to.keys == NULL && p->to.header_count == 0);
    ck_assert(target_wants(&p->target, STR("api"), STR("a.b")));
    ck_assert(target_wants(&p->target, STR("endpoint/x"), STR("")));
    ck_assert(!target_wants(&p->target, STR("hub"), STR("busbar.delivery.failed")));
    end(s);
    arena_free(a);
}
END_TEST

START_TEST(what_the_hub_tells_is_had_by_name) {
    arena *a = arena_new(0);
    err e = {""};
    const subscription *s = read_it(a, URL "types = order.*, busbar.subscription.*\n", &e);
    ck_assert(target_wants(&s->plan.target, STR("hub"), STR("busbar.subscription.disabled")));
    ck_assert(!target_wants(&s->plan.target, STR("hub"), STR("busbar.delivery.failed")));
    ck_assert(target_wants(&s->plan.target, STR("api"), STR("order.made")));
    end(s);
    arena_free(a);
}
END_TEST

START_TEST(secrets_and_fields_are_kept_and_wiped) {
    arena *a = arena_new(0);
    err e = {""};
    const subscription *s = read_it(
        a,
        URL "secret = whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0\n  another one\nsecret_2 = third\n"
            "signature = standard, legacy\nheaders = X-A: 1\n  X-B: two\n",
        &e);
    ck_assert_msg(s != NULL, "%s", e.text);
    const post_destination *to = &s->plan.to;
    ck_assert(to->keys != NULL && to->standard);
    ck_assert_str_eq(to->legacy_header, "X-Webhook-Signature");
    ck_assert_uint_eq(to->header_count, 2);
    ck_assert(str_eq(to->headers[1], STR("X-B: two")));
    ck_assert(subscription_reader.is_secret(&s->item, STR("subscription"), STR("secret_2")));
    ck_assert(subscription_reader.is_secret(&s->item, STR("subscription"), STR("headers")));
    ck_assert(!subscription_reader.is_secret(&s->item, STR("subscription"), STR("url")));
    end(s);
    ck_assert_ptr_null(to->keys);
    ck_assert(!str_eq(to->headers[1], STR("X-B: two")));
    s = read_it(a, URL "headers = {\"X-A\": \"1\", \"X-C\": \"3\"}\n", &e);
    ck_assert_uint_eq(s->plan.to.header_count, 2);
    ck_assert(str_eq(s->plan.to.headers[1], STR("X-C: 3")));
    end(s);
    arena_free(a);
}
END_TEST

START_TEST(keys_say_the_order) {
    arena *a = arena_new(0);
    err e = {""};
    const json_value *payload = json_read(a, STR("{\"data\":{\"id\":7,\"s\":\"x\"}}"), NULL, NULL);
    const subscription *s = read_it(a, URL "key = /data/id\n", &e);
    ck_assert(str_eq(target_key(&s->plan.target, payload), STR("7")));
    s = read_it(a, URL "key = /data/s\n", &e);
    ck_assert(str_eq(target_key(&s->plan.target, payload), STR("x")));
    s = read_it(a, URL "key = *\n", &e);
    ck_assert(str_eq(target_key(&s->plan.target, payload), STR("*")));
    ck_assert(str_eq(target_key(&s->plan.target, NULL), STR("*")));
    s = read_it(a, URL, &e);
    ck_assert_ptr_null(target_key(&s->plan.target, payload).ptr);
    arena_free(a);
}
END_TEST

START_TEST(what_is_wrong_is_said) {
    static const struct {
        const char *keys, *said;
    } cases[] = {
        {"name = x\n", "a subscription has a url"},
        {URL "emit = a.b\n", "one of these"},
        {"connection = a\n", "connection and operation go together"},
        {URL "operation = a\n", "connection and operation go together"},
        {"emit = a.*\n", "emit is the type of the new event"},
        {"emit = a b\n", ":2: emit is the type of the new event: an event's type is of printable ASCII"},
        {"url = http://shop.example/\n", "url:"},
        {"url = https://127.0.0.1/\n", "url:"},
        {"url = https://me:pw@shop.example/\n", "url:"},
        {URL "concurency = 1\n", "did you mean \"concurrency\""},
        {URL "concurrency = 0\n", "concurrency"},
        {URL "concurrency = 257\n", "concurrency"},
        {URL "rate = fast\n", "rate is a number"},
        {URL "delays = soon\n", "delays are up to 32"},
        {URL "schedule = sometimes\n", "schedule is when"},
        {URL "timezone = Europe/Berlin\n", "timezone is of a schedule"},
        {URL "schedule = Mon 09:00-10:00 +01:00\ntimezone = Europe/Berlin\n", "one of both"},
        {URL "schedule = Mon 09:00-10:00\ntimezone = Europe/Nowhere\n", "no time zone Europe/Nowhere"},
        {URL "timeout = 1\n", "timeout"},
        {URL "confirm = all\n", "confirm is succeeded, failed"},
        {URL "key = data\n", "JSON Pointer"},
        {URL "key = *\nbatch = 10\n", "one event at a time"},
        {"emit = a\nbatch = 10\n", "only what is posted to a url"},
        {URL "format = xml\n", "format:"},
        {URL "signature = standard\n", "no secret to sign with"},
        {URL "secret = a\nsignature = none\n", "signature:"},
        {URL "secret = a\nsignature_header = X-S\n", "signature_header:"},
        {URL "secret = a\nsignature = legacy\nsignature_header = Host\n", "signature_header:"},
        {URL "secret = a\nsignature = legacy\nsignature_header = X\n  Y: z\n", "signature_header:"},
        {URL "secret = " WHSK "signature = legacy\n", "legacy needs a secret that is no whsk_ key"},
        {URL "secret = " WHSK "signature = standard, legacy\n", "legacy needs"},
        {URL "secret = whsec_x\n", "secret:"},
        {URL "headers = Host: a\n", "headers:"},
        {URL "headers = {\"X\": 1}\n", "headers: the value of a field is a text"},
        {URL "secret = ${env:NOT_THERE_AT_ALL}\n", "NOT_THERE_AT_ALL"},
        {URL "types =\n", "types is empty"},
        {URL "types = ,  ,\n", "types is empty"},
        {URL "sources =\n", "sources is empty"},
        {URL "filter =\n", "filter is empty"},
        {URL "transform =\n", "transform is empty"},
        {URL "key = /a~2\n", "JSON Pointer"},
        {URL "key = /a/b~\n", "JSON Pointer"},
        {"emit = a b\n", "emit is the type of the new event"},
        {"emit = a,b\n", "emit is the type of the new event"},
        {"emit =\n", "emit is the type of the new event"},
        {"emit = a\nheaders = X: y\n", "headers: only what is posted to a url"},
        {"emit = a\nsecret_3 = x\n", "secret_3: only what is posted to a url"},
        {"emit = a\nformat = standard\n", "format: only what is posted to a url"},
        {"connection = a\noperation = b\nsignature = legacy\n", "signature: only what is posted to a url"},
        {URL "secret = a\nsignature = legacy\nheaders = x-webhook-signature: x\n",
         "signature = legacy is among"},
        {URL "secret = a\nsignature = legacy\nsignature_header = Authorization\nheaders = authorization: x\n",
         "signature = legacy is among"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        arena *a = arena_new(0);
        err e = {""};
        ck_assert_msg(read_it(a, cases[i].keys, &e) == NULL, "taken: %s", cases[i].keys);
        ck_assert_msg(strstr(e.text, cases[i].said) != NULL, "%s\n%s", cases[i].keys, e.text);
        ck_assert_msg(strstr(e.text, "conf.d/shop.subscription.conf:") == e.text, "%s", e.text);
        arena_free(a);
    }
}
END_TEST

/* --- routes --------------------------------------------------------------------------------------------- */

static const target *route(arena *a, const char *text, err *e) {
    conf_file f;
    ck_assert(conf_read_text(a, "conf.d/in.hook.conf", str_from(text), &f));
    return route_read(&reading, &f, &f.sections[0], a, e);
}

START_TEST(a_route_is_a_target_of_its_endpoint) {
    arena *a = arena_new(0);
    err e = {""};
    const target *t = route(a, "[route tell]\ntypes = a.*\nconnection = team\noperation = say\n", &e);
    ck_assert_msg(t != NULL, "%s", e.text);
    ck_assert(str_eq(t->name, STR("endpoint/in/tell")));
    ck_assert(plan_of(t)->kind == PLAN_OPERATION);
    ck_assert(target_wants(t, STR("endpoint/in"), STR("a.b")));
    ck_assert(!target_wants(t, STR("endpoint/other"), STR("a.b")));
    ck_assert(!target_wants(t, STR("api"), STR("a.b")));
    ck_assert_ptr_null(route(a, "[route tell]\nurl = https://a.example\n", &e));
    ck_assert_ptr_nonnull(strstr(e.text, "unknown key"));
    ck_assert_ptr_null(route(a, "[route Tell]\nemit = a\n", &e));
    ck_assert_ptr_nonnull(strstr(e.text, "a route's name"));
    arena_free(a);
}
END_TEST

UNIT_MAIN(unit_test(a_subscription_has_defaults), unit_test(what_the_hub_tells_is_had_by_name),
          unit_test(secrets_and_fields_are_kept_and_wiped), unit_test(keys_say_the_order),
          unit_test(what_is_wrong_is_said), unit_test(a_route_is_a_target_of_its_endpoint))
