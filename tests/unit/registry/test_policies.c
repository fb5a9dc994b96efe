/* What a connection's file says of the pipeline's stages: every key, what holds without it, and what is
 * refused with which words at which line. */
#include <busbar/busbar.h>

#include "registry/policies.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static arena *memory;
static policies p;
static err e;

/* Everything read lives until the next. */
static bool try_read(const char *text) {
    conf_file f;
    arena_free(memory);
    memory = arena_new(0);
    e.text[0] = '\0';
    ck_assert_msg(conf_read_text(memory, "conf.d/shop.conf", str_from(text), &f), "%s", f.error.text);
    return policies_read(memory, &f, &p, &e);
}

static void reads(const char *text) {
    ck_assert_msg(try_read(text), "%s: %s", text, e.text);
    ck_assert_str_eq(e.text, "");
}

/* `section` on line 1, `line` on line 2. */
static void refused(const char *section, const char *line, const char *says) {
    char text[1024];
    snprintf(text, sizeof text, "[%s]\n%s\n", section, line);
    ck_assert_msg(!try_read(text), "%s", text);
    ck_assert_msg(strncmp(e.text, "conf.d/shop.conf:2: ", 20) == 0, "%s: %s", line, e.text);
    ck_assert_msg(strstr(e.text, says) != NULL, "%s: %s", line, e.text);
}

typedef struct refusal {
    const char *line, *says;
} refusal;

#define REFUSED(section, ...)                                      \
    do {                                                           \
        static const refusal all[] = {__VA_ARGS__};                \
        for (size_t i_ = 0; i_ < sizeof all / sizeof all[0]; i_++) \
            refused((section), all[i_].line, all[i_].says);        \
    } while (0)

static void free_all(void) {
    arena_free(memory);
    memory = NULL;
}

/* --- without any of the sections
 * ------------------------------------------------------------------------------ */

static void check_defaults(void) {
    ck_assert_uint_eq(p.limits.rate.interval_ns, 0);
    ck_assert_uint_eq(p.limits.concurrency, 0);
    ck_assert_uint_eq(p.limits.max_wait_ms, UINT64_MAX);
    ck_assert(p.limits.adapt);
    ck_assert(p.limits.quota[QUOTA_DAY] == 0 && p.limits.quota[QUOTA_MONTH] == 0);
    ck_assert_uint_eq(p.breaker.failures, 10);
    ck_assert_uint_eq(p.breaker.rate_percent, 50);
    ck_assert_uint_eq(p.breaker.minimum, 20);
    ck_assert_uint_eq(p.breaker.window_ms, 30000);
    ck_assert_uint_eq(p.breaker.open_ms, 5000);
    ck_assert_uint_eq(p.breaker.max_open_ms, 300000);
    ck_assert_uint_eq(p.breaker.probes, 1);
    ck_assert(!p.cache.on && p.cache.operations.count == 0);
    ck_assert(p.fallback.connection.ptr == NULL && p.fallback.document.ptr == NULL);
    ck_assert_uint_eq(p.fallback.stale_ms, 0);
    ck_assert_uint_eq(p.access.count, 0);
    ck_assert(p.transform.request == NULL && p.transform.response == NULL);
    ck_assert_uint_eq(p.transform.timeout_ms, 1000);
    ck_assert_uint_eq(p.errors.count, 0);
    ck_assert(p.errors.message.ptr == NULL && p.errors.code.ptr == NULL);
    ck_assert_int_eq(p.output, OUTPUT_COUNTED);
}

START_TEST(defaults) {
    reads("");
    check_defaults();
    reads("[connection]\nplugin = http\n[settings]\nrate = what they like\n");
    check_defaults();
    free_all();
}
END_TEST

/* A section that is there with nothing in it changes nothing; but a cache without a ttl is a slip. */
START_TEST(empty_sections) {
    for (const char *const *s = policy_sections; *s != NULL; s++) {
        char text[64];
        conf_file f;
        snprintf(text, sizeof text, "[%s]\n", *s);
        memory = arena_new(0);
        if (conf_read_text(memory, "conf.d/shop.conf", str_from(text), &f)) {
            e.text[0] = '\0';
            bool ok = policies_read(memory, &f, &p, &e);
            ck_assert_msg(ok || strcmp(*s, "cache") == 0, "%s: %s", *s, e.text);
            if (ok)
                check_defaults();
        }
        free_all();
    }
}
END_TEST

START_TEST(sections_and_their_keys_are_known) {
    static const char *const sections[] = {"limits", "breaker",   "cache",  "fallback",
                                           "access", "transform", "errors", "validation"};
    size_t n = 0;
    for (; policy_sections[n] != NULL; n++)
        ck_assert_str_eq(policy_sections[n], sections[n]);
    ck_assert_uint_eq(n, 8);
    REFUSED("limits", {"rat = 5", "unknown key \"rat\" in [limits], did you mean \"rate\"?"});
    REFUSED("breaker", {"failure = 5", "did you mean \"failures\"?"});
    REFUSED("cache", {"tll = 5s", "did you mean \"ttl\"?"});
    REFUSED("fallback", {"conection = b", "did you mean \"connection\"?"});
    REFUSED("access", {"operation = a", "did you mean \"operations\"?"});
    REFUSED("transform", {"respons = .", "did you mean \"response\"?"});
    REFUSED("validation", {"outputs = off", "did you mean \"output\"?"});
    free_all();
}
END_TEST

/* An error that is there already is no business of this reader's. */
START_TEST(an_old_error_is_not_taken_for_ones_own) {
    conf_file f;
    memory = arena_new(0);
    ck_assert(
        conf_read_text(memory, "conf.d/shop.conf", STR("[limits]\nadapt = no\n[breaker]\nprobes = 2\n"), &f));
    err_set(&e, "of before");
    ck_assert(policies_read(memory, &f, &p, &e));
    free_all();
}
END_TEST

/* --- section by section
 * ----------------------------------------------------------------------------------------- */

START_TEST(limits) {
    reads("[limits]\nrate = 600/m\nburst = 5\nconcurrency = 8\nwait = 2s\nadapt = no\nquota = 1000/day, "
          "20000/month\n");
    ck_assert_uint_eq(p.limits.rate.interval_ns, 100000000);
    ck_assert_uint_eq(p.limits.rate.burst, 5);
    ck_assert_uint_eq(p.limits.concurrency, 8);
    ck_assert_uint_eq(p.limits.max_wait_ms, 2000);
    ck_assert(!p.limits.adapt);
    ck_assert(p.limits.quota[QUOTA_DAY] == 1000 && p.limits.quota[QUOTA_MONTH] == 20000);
    reads("[limits]\nwait = no\nrate = 100/s\n");
    ck_assert_uint_eq(p.limits.max_wait_ms, 0);
    ck_assert_uint_eq(p.limits.rate.burst, 100);
    reads("[limits]\nwait = yes\n");
    ck_assert_uint_eq(p.limits.max_wait_ms, UINT64_MAX);
    REFUSED(
        "limits", {"rate = fast", "rate is \"fast\": a rate as 100/s, 600/m, 1000/h or 5000/d is expected"},
        {"rate =", "rate is \"\": a rate as"}, {"rate = 0/s", "a rate as"}, {"rate = 100/s/s", "a rate as"},
        {"burst = 5", "burst goes with a rate: add `rate = 100/s`"},
        {"burst = -1", "burst = -1 is not a whole number from 0 to 1000000"},
        {"concurrency = many", "concurrency = many is not a whole number from 0 to 1000000"},
        {"concurrency = 1000001", "is not a whole number"},
        {"wait = maybe", "wait is \"maybe\": allowed are yes, no, or the longest wait as 500ms, 5s or 2m"},
        {"wait = 5", "allowed are yes, no"}, {"wait =", "allowed are yes, no"},
        {"adapt = perhaps", "adapt = perhaps is not yes or no"},
        {"quota = 100", "quota is \"100\": quotas as 1000/day or 20000/month are expected"},
        {"quota = 0/day", "quotas as"}, {"quota = 1/day, 2/day", "quotas as"}, {"quota =", "quotas as"});
    refused("limits", "burst = 1000000\nrate = 1/d",
            "burst is \"1000000\": that is more than a century of the rate");
    free_all();
}
END_TEST

START_TEST(breaker_section) {
    reads("[breaker]\nfailures = 5\nrate = 25%\nminimum = 0\nwindow = 10s\nopen = 1s\nmax_open = 1m\nprobes "
          "= 3\n");
    ck_assert_uint_eq(p.breaker.failures, 5);
    ck_assert_uint_eq(p.breaker.rate_percent, 25);
    ck_assert_uint_eq(p.breaker.minimum, 0);
    ck_assert_uint_eq(p.breaker.window_ms, 10000);
    ck_assert_uint_eq(p.breaker.open_ms, 1000);
    ck_assert_uint_eq(p.breaker.max_open_ms, 60000);
    ck_assert_uint_eq(p.breaker.probes, 3);
    reads("[breaker]\nrate = 100\nfailures = 0\n");
    ck_assert(p.breaker.rate_percent == 100 && p.breaker.failures == 0);
    reads("[breaker]\nenabled = no\nfailures = 5\nrate = 10%\n");
    ck_assert(p.breaker.rate_percent == 0 && p.breaker.failures == 0);
    reads("[breaker]\nopen = 10m\nmax_open = 1s\n"); /* never shorter than the first time */
    ck_assert_uint_eq(p.breaker.max_open_ms, 600000);
    REFUSED("breaker", {"enabled = 2", "enabled = 2 is not yes or no"},
            {"failures = x", "failures = x is not a whole"},
            {"rate = 101%", "rate is \"101%\": a percentage from 0% to 100% is expected"},
            {"rate = %", "a percentage"}, {"rate = half", "a percentage"}, {"rate = 5%%", "a percentage"},
            {"rate = -1%", "a percentage"}, {"rate =", "a percentage"},
            {"minimum = -1", "minimum = -1 is not a whole"},
            {"window = 50ms", "window = 50ms is not a duration"}, {"window = 2h", "from 100ms to 3600000ms"},
            {"open = 0s", "open = 0s is not a duration"}, {"open = 5", "open = 5 is not a duration"},
            {"max_open = 2d", "max_open = 2d is not a duration"},
            {"probes = 0", "probes is \"0\": at least 1 is expected"},
            {"probes = 1001", "probes = 1001 is not a whole number from 0 to 1000"});
    free_all();
}
END_TEST

START_TEST(cache_section) {
    reads("[cache]\nttl = 300s\nstale_while_revalidate = 1m\nstale_if_error = 1h\nmax_entry = 64k\nrespect = "
          "no\n"
          "operations = customers.*, charges.get\n");
    ck_assert(p.cache.on && !p.cache.respect);
    ck_assert_uint_eq(p.cache.ttl_ms, 300000);
    ck_assert_uint_eq(p.cache.stale_revalidate_ms, 60000);
    ck_assert_uint_eq(p.cache.stale_error_ms, 3600000);
    ck_assert_uint_eq(p.cache.max_entry, 65536);
    ck_assert(patterns_fit(&p.cache.operations, STR("customers.list")));
    ck_assert(!patterns_fit(&p.cache.operations, STR("charges.list")));
    reads("[cache]\nttl = 5s\n");
    ck_assert(p.cache.on && p.cache.respect);
    ck_assert_uint_eq(p.cache.max_entry, 1 << 20);
    ck_assert(p.cache.stale_revalidate_ms == 0 && p.cache.stale_error_ms == 0);
    ck_assert(patterns_fit(&p.cache.operations, STR("any")));
    reads("[cache]\nttl = 0s\n");
    ck_assert(!p.cache.on);
    reads("[cache]\nttl = 0s\nstale_if_error = 1h\n"); /* asked each time, and kept for bad ones */
    ck_assert(p.cache.on);
    ck_assert(!try_read("\n[cache]\nrespect = no\n"));
    ck_assert_ptr_nonnull(strstr(e.text, "conf.d/shop.conf:"));
    ck_assert_ptr_nonnull(strstr(e.text, "[cache] needs `ttl`: how long an answer is fresh, as 300s"));
    REFUSED(
        "cache", {"ttl = 5", "ttl = 5 is not a duration"}, {"ttl = 31d", "ttl = 31d is not a duration"},
        {"ttl = -1s", "is not a duration"},
        {"stale_while_revalidate = x", "stale_while_revalidate = x is not"},
        {"stale_if_error = x", "stale_if_error = x is not"}, {"max_entry = 0", "max_entry = 0 is not a size"},
        {"max_entry = 2g", "max_entry = 2g is not a size"}, {"respect = x", "respect = x is not yes or no"},
        {"operations =", "operations is \"\": names are expected, as customers.*, or * for all"},
        {"operations = ,", "names are expected"});
    free_all();
}
END_TEST

START_TEST(fallback_section) {
    reads("[fallback]\nconnection = other\ndocument = {\"items\": []}\nstale = 1d\non = circuit-open, "
          "upstream-timeout\n");
    ck_assert(str_eq(p.fallback.connection, STR("other")));
    ck_assert(str_eq(p.fallback.document, STR("{\"items\": []}")));
    ck_assert_uint_eq(p.fallback.stale_ms, 86400000);
    for (int i = 0; i < PROBLEM_COUNT; i++)
        ck_assert_int_eq(p.fallback.on[i], i == PROBLEM_CIRCUIT_OPEN || i == PROBLEM_UPSTREAM_TIMEOUT);
    reads("[fallback]\nconnection = other\n");
    ck_assert(p.fallback.on[PROBLEM_UPSTREAM_UNREACHABLE] && p.fallback.on[PROBLEM_RATE_LIMITED]);
    static const problem never[] = {PROBLEM_NONE,          PROBLEM_INVALID_INPUT, PROBLEM_FORBIDDEN,
                                    PROBLEM_CANCELLED,     PROBLEM_UPSTREAM_AUTH, PROBLEM_UPSTREAM_NOT_FOUND,
                                    PROBLEM_QUOTA_EXCEEDED};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        ck_assert_msg(!p.fallback.on[never[i]], "%s", problem_of(never[i])->name);
    reads("[fallback]\ndocument = null\n");
    ck_assert(str_eq(p.fallback.document, STR("null")));
    REFUSED("fallback",
            {"connection = shop", "connection is \"shop\": the id of another connection is expected"},
            {"connection = Not an id", "the id of another connection"},
            {"connection =", "the id of another connection"},
            {"document = {\"items\": }", "document is not JSON: "}, {"document =", "document is not JSON: "},
            {"stale = 31d", "stale = 31d is not a duration"},
            {"on = trouble", "\"trouble\" is no kind of problem; GET /api/v1/problems lists them"},
            {"on = circuit-open, ok", "\"ok\" is no kind of problem"}, {"on =", "\"\" is no kind of problem"},
            {"on = circuit-open,", "\"\" is no kind of problem"},
            {"on = circuit_open", "\"circuit_open\" is no kind"});
    free_all();
}
END_TEST

START_TEST(access_section) {
    reads("[access]\noperations = customers.*, payment_intents.*\n");
    ck_assert_uint_eq(p.access.count, 2);
    ck_assert(patterns_fit(&p.access, STR("payment_intents.get")) &&
              !patterns_fit(&p.access, STR("refunds.get")));
    /* an empty list would let everything through */
    REFUSED("access",
            {"operations =", "operations is \"\": names are expected, as customers.*, or * for all"},
            {"operations = , ,", "names are expected"});
    reads("[access]\noperations = *\n");
    ck_assert(patterns_fit(&p.access, STR("any")));
    free_all();
}
END_TEST

START_TEST(transform_section) {
    reads("[transform]\nrequest = .a\nresponse = {items: .data}\ntimeout = 250ms\noperations = a.*\n");
    ck_assert_str_eq(p.transform.request, ".a");
    ck_assert_str_eq(p.transform.response, "{items: .data}");
    ck_assert_uint_eq(p.transform.timeout_ms, 250);
    ck_assert(!patterns_fit(&p.transform.operations, STR("b.c")));
    reads("[transform]\nresponse = .a\n  | .b\n");
    ck_assert_str_eq(p.transform.response, ".a\n| .b");
    ck_assert_ptr_null(p.transform.request);
    reads("[transform]\nrequest =\n");
    ck_assert_ptr_null(p.transform.request);
    REFUSED("transform", {"timeout = 0s", "timeout = 0s is not a duration"},
            {"timeout = 61s", "timeout = 61s is not a duration (250ms, 30s, 5m, 2h, 1d) from 1ms to 60000ms"},
            {"operations =", "names are expected"});
    free_all();
}
END_TEST

START_TEST(validation_section) {
    static const char *const words[] = {"count", "strict", "off"};
    static const output_check wanted[] = {OUTPUT_COUNTED, OUTPUT_STRICT, OUTPUT_UNCHECKED};
    for (size_t i = 0; i < 3; i++) {
        char text[64];
        snprintf(text, sizeof text, "[validation]\noutput = %s\n", words[i]);
        reads(text);
        ck_assert_int_eq(p.output, wanted[i]);
    }
    REFUSED("validation", {"output = yes", "output is \"yes\": allowed are count, strict and off"},
            {"output =", "allowed are"}, {"output = Strict", "allowed are"});
    free_all();
}
END_TEST

static void rule_is(size_t i, unsigned status, const char *code, problem wanted) {
    ck_assert_uint_lt(i, p.errors.count);
    const error_rule *r = &p.errors.rules[i];
    ck_assert_uint_eq(r->status, status);
    ck_assert_msg(str_eq(r->code, str_from(code)), "%.*s", STR_FMT(r->code));
    ck_assert_int_eq(r->problem, wanted);
}

START_TEST(errors_section) {
    reads("[errors]\nmessage = /error/message\ncode = /error/code\nrate_limited = 420, 403:quotaExceeded, *: "
          "slow.down\n"
          "not_found = 200:missing\nforbidden = 451\ncircuit_open = 599\nunavailable = 100\n");
    ck_assert(str_eq(p.errors.message, STR("/error/message")) && str_eq(p.errors.code, STR("/error/code")));
    ck_assert_uint_eq(p.errors.count, 7);
    rule_is(0, 420, NULL, PROBLEM_UPSTREAM_RATE_LIMITED);
    rule_is(1, 403, "quotaExceeded", PROBLEM_UPSTREAM_RATE_LIMITED);
    rule_is(2, 0, "slow.down", PROBLEM_UPSTREAM_RATE_LIMITED);
    rule_is(3, 200, "missing", PROBLEM_UPSTREAM_NOT_FOUND);
    rule_is(4, 451, NULL, PROBLEM_UPSTREAM_FORBIDDEN);
    rule_is(5, 599, NULL, PROBLEM_CIRCUIT_OPEN);
    rule_is(6, 100, NULL, PROBLEM_UPSTREAM_UNAVAILABLE);
    static const char *const kinds[] = {"rate_limited", "unavailable", "auth",    "forbidden", "not_found",
                                        "conflict",     "rejected",    "timeout", "error",     "invalid"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "[errors]\n%s = 400\n", kinds[i]);
        reads(text);
        ck_assert_msg(strncmp(problem_of(p.errors.rules[0].problem)->name, "upstream-", 9) == 0, "%s",
                      kinds[i]);
    }
    REFUSED(
        "errors",
        {"ratelimited = 420", "[errors] \"ratelimited\" is no kind of problem of a service: rate_limited,"},
        {"invalid_input = 400", "is no kind of problem of a service"},
        {"overloaded = 400", "is no kind of problem of a service"},
        {"auth = 99", "[errors] \"99\" is not STATUS, STATUS:CODE or *:CODE"},
        {"auth = 600", "is not STATUS"}, {"auth =", "is not STATUS"}, {"auth = 401,", "is not STATUS"},
        {"auth = *", "is not STATUS"}, {"auth = x:y", "is not STATUS"}, {"auth = 401:", "is not STATUS"},
        {"auth = *:", "is not STATUS"},
        {"auth = 401:bad",
         "[errors] \"401:bad\" asks for a code: say where it stands, as `code = /error/code`"},
        {"message = error", "message is \"error\": a JSON Pointer as /error/message is expected"},
        {"code = #/code", "a JSON Pointer"});
    free_all();
}
END_TEST

/* As many as there is room for; one more is not dropped in silence. */
START_TEST(many_error_rules) {
    buf text;
    for (int n = 256; n <= 257; n++) {
        buf_init(&text);
        buf_lit(&text, "[errors]\nauth = 400");
        for (int i = 1; i < n; i++)
            buf_printf(&text, ", %d", 100 + i);
        buf_lit(&text, "\n");
        ck_assert_int_eq(try_read(buf_cstr(&text)), n == 256);
        if (n == 256)
            rule_is(255, 355, NULL, PROBLEM_UPSTREAM_AUTH);
        else
            ck_assert_str_eq(e.text, "conf.d/shop.conf:2: [errors] has more than 256 rules");
        buf_free(&text);
    }
    free_all();
}
END_TEST

/* --- references
 * ---------------------------------------------------------------------------------------------- */

START_TEST(values_may_come_from_elsewhere) {
    setenv("POLICIES_T", "42", 1);
    reads("[limits]\nrate = ${env:POLICIES_T}/s\nconcurrency = ${env:POLICIES_T}\n[breaker]\nrate = "
          "${env:POLICIES_T}%\n"
          "[access]\noperations = op${env:POLICIES_T}.*\n[fallback]\ndocument = ${env:POLICIES_T}\n"
          "[errors]\nauth = 4${env:POLICIES_T}\n[transform]\nrequest = .a${env:POLICIES_T}\n");
    ck_assert_uint_eq(p.limits.rate.rate, 42);
    ck_assert_uint_eq(p.limits.concurrency, 42);
    ck_assert_uint_eq(p.breaker.rate_percent, 42);
    ck_assert(patterns_fit(&p.access, STR("op42.x")));
    ck_assert(str_eq(p.fallback.document, STR("42")));
    ck_assert_uint_eq(p.errors.rules[0].status, 442);
    ck_assert_str_eq(p.transform.request, ".a42");
    free_all();
}
END_TEST

/* What came from elsewhere may be a secret that was put into the wrong place: errors do not show it. */
START_TEST(errors_do_not_show_what_a_reference_gave) {
    static const char *const lines[][2] = {
        {"limits", "rate = ${env:POLICIES_T}"},       {"limits", "wait = ${env:POLICIES_T}"},
        {"limits", "quota = ${env:POLICIES_T}"},      {"limits", "concurrency = ${env:POLICIES_T}"},
        {"limits", "adapt = ${env:POLICIES_T}"},      {"breaker", "rate = ${env:POLICIES_T}"},
        {"breaker", "window = ${env:POLICIES_T}"},    {"cache", "ttl = ${env:POLICIES_T}"},
        {"cache", "max_entry = ${env:POLICIES_T}"},   {"fallback", "connection = ${env:POLICIES_T}"},
        {"fallback", "document = ${env:POLICIES_T}"}, {"fallback", "on = ${env:POLICIES_T}"},
        {"validation", "output = ${env:POLICIES_T}"}, {"errors", "auth = ${env:POLICIES_T}"},
        {"errors", "auth = 401:${env:POLICIES_T}"},   {"errors", "message = ${env:POLICIES_T}"},
    };
    setenv("POLICIES_T", "hunter2 (not an id)", 1);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        refused(lines[i][0], lines[i][1], "");
        ck_assert_msg(strstr(e.text, "hunter2") == NULL, "%s", e.text);
    }
    unsetenv("POLICIES_T");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        refused(lines[i][0], lines[i][1], "POLICIES_T");
    free_all();
}
END_TEST

UNIT_MAIN(unit_test(defaults), unit_test(empty_sections), unit_test(sections_and_their_keys_are_known),
          unit_test(an_old_error_is_not_taken_for_ones_own), unit_test(limits), unit_test(breaker_section),
          unit_test(cache_section), unit_test(fallback_section), unit_test(access_section),
          unit_test(transform_section), unit_test(validation_section), unit_test(errors_section),
          unit_test(many_error_rules), unit_test(values_may_come_from_elsewhere),
          unit_test(errors_do_not_show_what_a_reference_gave))
