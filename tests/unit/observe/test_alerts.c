/* Alerts: rules read, and what they do as time passes. Nothing waits: a second is a tick. */
#include <busbar/busbar.h>

#include "base/clock.h"
#include "base/log.h"
#include "observe/alerts.h"
#include "observe/alerts_rule.h"
#include "observe/alerts_window.h"

#include "unit.h"

#include <math.h>
#include <stdio.h>

/* --- rules ------------------------------------------------------------------------------------------- */

static alert_rule good(const char *text) {
    alert_rule r;
    err e = {""};
    ck_assert_msg(alert_rule_read(str_from(text), &r, &e), "%s: %s", text, e.text);
    return r;
}

static bool near(double a, double b) {
    return fabs(a - b) < 1e-9;
}

START_TEST(good_rules) {
    alert_rule r = good("error_rate(connection=stripe*) > 5% over 5m for 1m");
    ck_assert_int_eq(r.kind, ALERT_ERROR_RATE);
    ck_assert_str_eq(r.pattern, "stripe*");
    ck_assert_int_eq(r.op, OP_ABOVE);
    ck_assert(near(r.threshold, 0.05));
    ck_assert_uint_eq(r.over_ms, 300000);
    ck_assert_uint_eq(r.for_ms, 60000);
    ck_assert_uint_eq(r.min_calls, 1);
    r = good("  latency_p99 ( connection = shop )>=2.5s for 0s min 50 over 10m ");
    ck_assert_int_eq(r.kind, ALERT_LATENCY);
    ck_assert(near(r.quantile, 0.99));
    ck_assert(near(r.threshold, 2500));
    ck_assert_int_eq(r.op, OP_AT_LEAST);
    ck_assert_uint_eq(r.over_ms, 600000);
    ck_assert_uint_eq(r.min_calls, 50);
    r = good("calls<1/m");
    ck_assert_int_eq(r.op, OP_BELOW);
    ck_assert(near(r.threshold, 1.0 / 60));
    ck_assert_str_eq(r.pattern, "*");
    ck_assert_uint_eq(r.over_ms, 300000);
    r = good("latency_p50() <= 800ms");
    ck_assert_int_eq(r.op, OP_AT_MOST);
    ck_assert(near(r.quantile, 0.5));
    r = good("breaker_open for 30s");
    ck_assert_uint_eq(r.over_ms, 0);
    ck_assert_uint_eq(r.for_ms, 30000);
    good("token_failing(connection=*)");
    r = good("quota_used > 0.5%");
    ck_assert(near(r.threshold, 0.005));
    ck_assert_uint_eq(r.over_ms, 0);
    good("error_rate > 100%");
    good("calls(connection=a-b_c9) > 1/h over 1h for 24h");
}
END_TEST

START_TEST(bad_rules) {
    static const struct {
        const char *text, *said;
    } bad[] = {
        {"", "column 1: the kind of the alert is missing"},
        {"   ", "column 4: the kind"},
        {"> 5%", "column 1: the kind"},
        {"eror_rate > 5%", "column 1: unknown kind \"eror_rate\", did you mean \"error_rate\"?"},
        {"nonsense > 5%", "column 1: unknown kind \"nonsense\" (known: error_rate, latency_p50"},
        {"error_rate", "column 11: \"error_rate\" is compared with a value"},
        {"error_rate 5%", "column 12: \"error_rate\" is compared"},
        {"error_rate > ", "column 14: \"\" does not fit \"error_rate\", which is compared with a share"},
        {"error_rate > 5", "column 14: \"5\" does not fit"},
        {"error_rate > 101%", "column 14: \"101%\" does not fit"},
        {"error_rate > -1%", "column 14: \"-1%\" does not fit"},
        {"error_rate > .5%", "column 14"},
        {"error_rate > 1.2.3%", "column 14"},
        {"error_rate => 5%", "column 12"},
        {"error_rate > = 5%", "column 14: \"\" does not fit"},
        {"error_rate > 800ms", "column 14: \"800ms\" does not fit \"error_rate\""},
        {"latency_p95 > 5%",
         "column 15: \"5%\" does not fit \"latency_p95\", which is compared with a duration"},
        {"calls > 5", "column 9: \"5\" does not fit \"calls\", which is compared with a rate"},
        {"calls > 5/d", "column 9"},
        {"calls > 99999999999/s", "column 9"},
        {"calls > 999999999999999999999/s", "column 9"},
        {"error_rate(", "column 12: \"\" cannot stand here; what can is \"connection=ID\""},
        {"error_rate(plugin=x) > 5%", "column 12: \"plugin\" cannot stand here"},
        {"error_rate(connection) > 5%", "column 22: \"=\" is missing"},
        {"error_rate(connection=) > 5%", "column 23: \"\" is no connection's id"},
        {"error_rate(connection=A) > 5%", "column 23: \"A\" is no connection's id"},
        {"error_rate(connection=a > 5%", "column 25: \")\" is missing"},
        {"error_rate > 5% over",
         "column 21: \"\" cannot follow \"over\": allowed is a duration from 10s to 1h"},
        {"error_rate > 5% over 9s", "column 22: \"9s\" cannot follow \"over\""},
        {"error_rate > 5% over 2h", "column 22"},
        {"error_rate > 5% over 5", "column 22"},
        {"error_rate > 5% over 5m over 5m", "column 25: \"over 5m\" cannot stand here; what can is"},
        {"error_rate > 5% for 25h", "column 21: \"25h\" cannot follow \"for\""},
        {"error_rate > 5% min 0", "column 21: \"0\" cannot follow \"min\""},
        {"error_rate > 5% mim 1",
         "column 17: \"mim 1\" cannot stand here; what can is \"over DURATION\" \"min "
         "CALLS\" \"for DURATION\""},
        {"breaker_open > 5%", "column 14: \"> 5%\" cannot stand here; what can is \"for DURATION\""},
        {"breaker_open over 5m", "column 14"},
        {"token_failing min 5", "column 15"},
        {"quota_used > 5% over 5m", "column 17"},
        {"calls > 5/s min 5", "column 13"},
        {"error_rate > 5%\x01", "column 16: a byte that is not printable"},
        {"error_rate > 5% \xc3\xa9", "column 17: a byte"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        alert_rule r;
        err e = {""};
        ck_assert_msg(!alert_rule_read(str_from(bad[i].text), &r, &e), "taken: %s", bad[i].text);
        ck_assert_msg(strstr(e.text, bad[i].said) == e.text, "%s: \"%s\", not \"%s\"", bad[i].text, e.text,
                      bad[i].said);
    }
}
END_TEST

static bool matches(const char *pattern, const char *id) {
    char text[200];
    snprintf(text, sizeof text, "breaker_open(connection=%s)", pattern);
    alert_rule r = good(text);
    return alert_rule_matches(&r, str_from(id));
}

START_TEST(patterns) {
    ck_assert(matches("*", "shop"));
    ck_assert(matches("shop", "shop"));
    ck_assert(!matches("shop", "shop2"));
    ck_assert(!matches("shop2", "shop"));
    ck_assert(matches("shop*", "shop"));
    ck_assert(matches("s*p", "shop"));
    ck_assert(matches("*-eu-*", "shop-eu-1"));
    ck_assert(matches("**a*b", "aab"));
    ck_assert(matches("*ab*ab", "abaabab"));
    ck_assert(!matches("*ab*ab", "abaaba"));
    ck_assert(!matches("a*", "ba"));
}
END_TEST

START_TEST(names) {
    alerts *a = alerts_new();
    err e = {""};
    ck_assert(alerts_rule(a, STR("errors"), STR("error_rate > 5%"), &e));
    ck_assert(!alerts_rule(a, STR("errors"), STR("error_rate > 5%"), &e));
    ck_assert_ptr_nonnull(strstr(e.text, "there already"));
    static const char *const bad[] = {"",    "Errors", "1a",
                                      "a b", "a\"b",   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert(!alerts_rule(a, str_from(bad[i]), STR("error_rate > 5%"), &e));
    ck_assert(!alerts_rule(a, STR("x"), STR("x"), &e));
    for (unsigned i = 1; i < ALERT_RULES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "r%u", i);
        ck_assert(alerts_rule(a, str_from(name), STR("breaker_open"), &e));
    }
    ck_assert(!alerts_rule(a, STR("more"), STR("breaker_open"), &e));
    ck_assert_uint_eq(alerts_rules(a), ALERT_RULES_MAX);
    alerts_free(a);
    alerts_free(NULL);
}
END_TEST

/* --- windows ---------------------------------------------------------------------------------------------
 */

START_TEST(a_window_forgets) {
    window w;
    window_counts one = {.calls = 1, .failures = 1}, sum;
    window_init(&w, 30000, false);
    window_sum(&w, 5, &sum);
    ck_assert_uint_eq(sum.calls, 0);
    for (uint64_t s = 0; s < 100; s++) {
        ck_assert(window_add(&w, s * 1000, &one));
        window_sum(&w, s * 1000, &sum);
        ck_assert_uint_eq(sum.calls, s < 30 ? s + 1 : 30);
        ck_assert_uint_eq(sum.failures, sum.calls);
    }
    window_sum(&w, 99000 + 10000, &sum);
    ck_assert_uint_eq(sum.calls, 20);
    window_sum(&w, 99000 + 30000, &sum);
    ck_assert_uint_eq(sum.calls, 0);
    ck_assert(window_add(&w, 1000000000, &one));
    window_sum(&w, 1000000000, &sum);
    ck_assert_uint_eq(sum.calls, 1);
    window_free(&w);
}
END_TEST

START_TEST(quantiles) {
    window_counts c = {0};
    ck_assert(near(window_quantile(&c, 0.5), 0));
    c.durations[0] = 100; /* up to 0.25 ms */
    ck_assert(near(window_quantile(&c, 0.5), 0.125));
    c.durations[8] = 100; /* 50 to 100 ms */
    ck_assert(near(window_quantile(&c, 0.5), 0.25));
    ck_assert(near(window_quantile(&c, 0.95), 95));
    ck_assert(near(window_quantile(&c, 1), 100));
    c.durations[ALERT_BOUNDS] = 1000;
    ck_assert(near(window_quantile(&c, 0.99), 30000));
}
END_TEST

/* --- time passes -------------------------------------------------------------------------------------------
 */

static uint64_t wall(void) {
    return 1700000000000u;
}

static struct {
    alerts *all;
    uint64_t now_ms;
    alert_sample shop;
    unsigned fired, resolved;
    char text[300], connection[70];
} world;

static void on_event(const alert_event *event, void *ctx) {
    ck_assert_ptr_eq(ctx, &world);
    ck_assert_str_eq(event->alert, "rule");
    ck_assert_uint_eq(event->wall_ms, wall());
    world.fired += event->firing;
    world.resolved += !event->firing;
    snprintf(world.text, sizeof world.text, "%s", event->text);
    snprintf(world.connection, sizeof world.connection, "%s", event->connection);
}

static void begin(const char *rule) {
    err e = {""};
    log_set_level(LOG_LEVEL_OFF);
    clock_inject((clock_source){.wall_ms = wall});
    memset(&world, 0, sizeof world);
    world.all = alerts_new();
    world.now_ms = 1000000;
    world.shop = (alert_sample){.connection = STR("shop"), .quota_used = -1};
    ck_assert_msg(alerts_rule(world.all, STR("rule"), str_from(rule), &e), "%s", e.text);
    alerts_on_event(world.all, on_event, &world);
    alerts_tick(world.all, world.now_ms, &world.shop, 1);
}

static void end(void) {
    alerts_free(world.all);
}

/* So many seconds with so many calls each, `failures` of them failed, all in the bucket `duration`. */
static void pass(unsigned seconds, unsigned calls, unsigned failures, size_t duration) {
    for (unsigned i = 0; i < seconds; i++) {
        world.now_ms += 1000;
        world.shop.calls += calls;
        world.shop.failures += failures;
        world.shop.durations[duration] += calls;
        alerts_tick(world.all, world.now_ms, &world.shop, 1);
    }
}

static void events(unsigned fired, unsigned resolved) {
    ck_assert_msg(world.fired == fired && world.resolved == resolved, "fired %u, resolved %u; not %u, %u: %s",
                  world.fired, world.resolved, fired, resolved, world.text);
}

/* The state of the only rule over "shop"; inactive ones are not written. */
static void is(const char *state) {
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    alerts_write(world.all, NULL, NULL, &w);
    ck_assert(json_writer_finish(&w));
    arena *a = arena_new(0);
    const json_value *shown = json_pointer(json_read(a, buf_str(&out), NULL, NULL),
                                           STR("/alerts/0/connections/0/state"));
    bb_str is_now = shown != NULL ? json_string(shown) : STR("inactive");
    ck_assert_msg(str_eq(is_now, str_from(state)), "%.*s, not %s", STR_FMT(is_now), state);
    arena_free(a);
    buf_free(&out);
}

START_TEST(error_rate) {
    begin("error_rate(connection=sh*) > 10% over 60s for 20s");
    pass(120, 10, 1, 0);
    is("inactive"); /* exactly 10 % is not beyond */
    pass(60, 10, 5, 0);
    events(1, 0);
    is("firing");
    ck_assert_str_eq(world.connection, "shop");
    ck_assert_msg(strstr(world.text, "error_rate ") == world.text &&
                      strstr(world.text, "%, rule: > 10% over 60s for 20s") != NULL,
                  "%s", world.text);
    pass(200, 10, 5, 0);
    events(1, 0);
    pass(150, 10, 0, 0);
    events(1, 1);
    is("resolved");
    pass(899, 10, 0, 0);
    is("inactive");
    pass(60, 10, 5, 0);
    events(2, 1);
    end();
}
END_TEST

START_TEST(pending_is_given_up) {
    begin("error_rate > 50% over 10s for 30s");
    pass(15, 1, 1, 0);
    is("pending");
    pass(15, 1, 0, 0);
    is("inactive");
    pass(31, 1, 1, 0); /* the first seconds are below a half */
    is("pending");
    pass(10, 1, 1, 0);
    is("firing");
    events(1, 0);
    end();
}
END_TEST

START_TEST(it_does_not_flap) {
    begin("error_rate >= 50% over 10s");
    pass(10, 10, 6, 0);
    events(1, 0);
    for (unsigned i = 0; i < 20; i++) { /* around the threshold, but within a tenth of it */
        pass(15, 100, 47, 0);
        pass(15, 100, 55, 0);
    }
    events(1, 0);
    pass(25, 100, 10, 0); /* clearly back, but not for long enough */
    pass(15, 100, 90, 0);
    events(1, 0);
    pass(60, 100, 10, 0);
    events(1, 1);
    end();
}
END_TEST

START_TEST(few_calls) {
    begin("error_rate > 5% over 60s min 20");
    pass(19, 1, 1, 0);
    is("inactive");
    pass(1, 1, 1, 0);
    is("firing");
    pass(300, 0, 0, 0); /* without calls there is no rate */
    events(1, 1);
    end();
}
END_TEST

START_TEST(latency) {
    begin("latency_p95 > 800ms over 60s for 10s");
    pass(60, 20, 0, 9); /* 100 to 250 ms */
    is("inactive");
    pass(60, 1, 0, 12); /* 1 to 2.5 s: as many as make p95 of the minute worse */
    events(1, 0);
    ck_assert_ptr_nonnull(strstr(world.text, "latency_p95 "));
    ck_assert_ptr_nonnull(strstr(world.text, "ms, rule: > 800ms over 60s for 10s"));
    pass(120, 20, 0, 9);
    events(1, 1);
    end();
}
END_TEST

START_TEST(calls_above_and_below) {
    begin("calls > 50/s over 10s");
    pass(20, 50, 0, 0);
    is("inactive");
    pass(20, 60, 0, 0);
    events(1, 0);
    pass(60, 10, 0, 0);
    events(1, 1);
    end();
    begin("calls < 1/s over 60s");
    pass(59, 0, 0, 0);
    is("inactive"); /* the minute is not over */
    pass(1, 0, 0, 0);
    is("firing");
    pass(120, 2, 0, 0);
    events(1, 1);
    end();
}
END_TEST

START_TEST(breakers_tokens_quotas) {
    begin("breaker_open for 30s");
    world.shop.breaker_open = true;
    pass(30, 0, 0, 0);
    is("pending");
    pass(1, 0, 0, 0);
    events(1, 0);
    ck_assert_str_eq(world.text, "breaker_open for 30s");
    world.shop.breaker_open = false;
    pass(30, 0, 0, 0);
    events(1, 0);
    pass(1, 0, 0, 0);
    events(1, 1);
    end();
    begin("token_failing");
    world.shop.token_failing = true;
    pass(1, 0, 0, 0);
    events(1, 0);
    end();
    begin("quota_used >= 80%");
    pass(1, 0, 0, 0);
    world.shop.quota_used = 0.79;
    pass(1, 0, 0, 0);
    is("inactive");
    world.shop.quota_used = 0.8;
    pass(1, 0, 0, 0);
    events(1, 0);
    ck_assert_str_eq(world.text, "quota_used 80%, rule: >= 80%");
    world.shop.quota_used = 0; /* a new day */
    pass(31, 0, 0, 0);
    events(1, 1);
    end();
}
END_TEST

START_TEST(a_connection_goes) {
    begin("error_rate > 5%");
    pass(1, 1, 1, 0);
    events(1, 0);
    alerts_tick(world.all, world.now_ms + 1000, NULL, 0);
    events(1, 1);
    ck_assert_str_eq(world.text, "the connection is gone");
    is("inactive");
    pass(5, 0, 0, 0); /* it comes again with its counters: they are of the past */
    is("inactive");
    pass(1, 1, 1, 0);
    events(2, 1);
    end();
}
END_TEST

START_TEST(counters_begin_anew) {
    begin("calls > 5/s over 10s");
    pass(20, 5, 0, 0);
    world.shop.calls = 0;
    memset(world.shop.durations, 0, sizeof world.shop.durations);
    pass(20, 5, 0, 0);
    is("inactive");
    pass(5, 50, 0, 0);
    is("firing");
    end();
}
END_TEST

START_TEST(late_ticks) {
    begin("error_rate > 5% over 60s for 60s");
    pass(1, 10, 10, 0);
    is("pending");
    world.now_ms += 3600000; /* nobody ticked for an hour */
    pass(1, 0, 0, 0);
    is("inactive");
    events(0, 0);
    end();
}
END_TEST

START_TEST(many_connections) {
    enum { MANY = 3000 };
    static alert_sample samples[MANY];
    static char ids[MANY][16];
    begin("error_rate(connection=c*7) > 5%");
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof ids[i], "c%u", i);
        samples[i] = (alert_sample){.connection = str_from(ids[i]), .quota_used = -1};
    }
    alerts_tick(world.all, world.now_ms += 1000, samples, MANY);
    for (unsigned i = 0; i < MANY; i++)
        samples[i].calls = samples[i].failures = 10;
    alerts_tick(world.all, world.now_ms += 1000, samples, MANY);
    events(MANY / 10, 0);
    alerts_tick(world.all, world.now_ms += 1000, samples, MANY / 2);
    events(MANY / 10, MANY / 20);
    end();
}
END_TEST

static bool shows_none(bb_str connection, void *ctx) {
    ck_assert(str_eq(connection, STR("shop")));
    ck_assert_ptr_eq(ctx, &world);
    return false;
}

START_TEST(what_is_hidden) {
    buf out;
    json_writer w;
    buf_init(&out);
    begin("error_rate > 5%");
    pass(1, 2, 1, 0);
    json_writer_init(&w, &out);
    alerts_write(world.all, shows_none, &world, &w);
    ck_assert_str_eq(buf_cstr(&out),
                     "{\"alerts\":[{\"name\":\"rule\",\"rule\":\"error_rate > 5%\",\"firing\":0,"
                     "\"connections\":[]}]}");
    buf_free(&out);
    end();
}
END_TEST

START_TEST(what_is_shown) {
    buf out;
    json_writer w;
    buf_init(&out);
    begin("error_rate > 5% over 10s");
    pass(1, 2, 1, 0);
    alerts_render(world.all, &out);
    ck_assert_ptr_nonnull(
        strstr(buf_cstr(&out), "\nbusbar_alert_firing{alert=\"rule\",connection=\"shop\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "\nbusbar_alerts_total{alert=\"rule\"} 1\n"));
    buf_clear(&out);
    json_writer_init(&w, &out);
    alerts_write(world.all, NULL, NULL, &w);
    ck_assert(json_writer_finish(&w));
    ck_assert_str_eq(
        buf_cstr(&out),
        "{\"alerts\":[{\"name\":\"rule\",\"rule\":\"error_rate > 5% over 10s\",\"firing\":1,\"fired\":1,"
        "\"connections\":[{\"connection\":\"shop\",\"state\":\"firing\",\"since\":\"2023-11-14T22:13:20."
        "000Z\","
        "\"value\":0.5,\"text\":\"error_rate 50%, rule: > 5% over 10s\"}]}]}");
    pass(60, 1, 0, 0);
    buf_clear(&out);
    alerts_render(world.all, &out);
    ck_assert_ptr_nonnull(
        strstr(buf_cstr(&out), "\nbusbar_alert_firing{alert=\"rule\",connection=\"shop\"} 0\n"));
    buf_clear(&out);
    json_writer_init(&w, &out);
    alerts_write(NULL, NULL, NULL, &w);
    ck_assert_str_eq(buf_cstr(&out), "{\"alerts\":[]}");
    buf_clear(&out);
    alerts_render(NULL, &out);
    ck_assert_uint_eq(out.len, 0);
    buf_free(&out);
    end();
}
END_TEST

UNIT_MAIN(unit_test(good_rules), unit_test(bad_rules), unit_test(patterns), unit_test(names),
          unit_test(a_window_forgets), unit_test(quantiles), unit_test(error_rate),
          unit_test(pending_is_given_up), unit_test(it_does_not_flap), unit_test(few_calls),
          unit_test(latency), unit_test(calls_above_and_below), unit_test(breakers_tokens_quotas),
          unit_test(a_connection_goes), unit_test(counters_begin_anew), unit_test(late_ticks),
          unit_test(many_connections), unit_test(what_is_shown), unit_test(what_is_hidden))
