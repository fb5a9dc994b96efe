#include "registry/policies.h"

const char *const policy_sections[] = {"limits",    "breaker", "cache",      "fallback", "access",
                                       "transform", "errors",  "validation", NULL};

/* What the readers of a section work with. */
typedef struct reading {
    arena *a;
    const conf_file *f;
    const conf_section *s; /* NULL: the section is not there */
    err *e;
} reading;

static bool begin(reading *r, const char *name, const char *const *keys) {
    r->s = conf_find_section(r->f, str_from(name));
    return r->s == NULL || conf_check_keys(r->f, r->s, keys, r->e);
}

static const conf_entry *entry(const reading *r, const char *key) {
    return conf_find(r->s, str_from(key));
}

/* The value with its references put in; absent where there is no such key. False: *e. */
static bool text(reading *r, const char *key, bb_str *out) {
    const conf_entry *found = entry(r, key);
    *out = (bb_str){NULL, 0};
    return found == NULL || conf_expand(r->a, r->f, found, out, NULL, r->e);
}

static bool duration(reading *r, const char *key, uint64_t min, uint64_t max, uint64_t otherwise,
                     uint64_t *out) {
    return conf_duration_ms(r->a, r->f, entry(r, key), min, max, otherwise, out, r->e);
}

static bool number(reading *r, const char *key, uint64_t max, uint64_t otherwise, uint32_t *out) {
    uint64_t n = 0;
    if (!conf_u64(r->a, r->f, entry(r, key), 0, max, otherwise, &n, r->e))
        return false;
    *out = (uint32_t)n;
    return true;
}

static bool wrong(reading *r, const char *key, const char *expected) {
    const conf_entry *found = entry(r, key);
    return conf_fail(r->e, r->f, found->line, "%s is \"%.*s\": %s", key, STR_FMT(found->value), expected);
}

/* A piece of a value, for an error: what a reference gave may be a secret, and is not shown. */
static bb_str shown(const conf_entry *from, bb_str piece) {
    bool refers = from->value.len > 1 && memmem(from->value.ptr, from->value.len, "${", 2) != NULL;
    return refers ? from->value : str_trim(piece);
}

/* A list of no names would let everything through: most likely not what was meant. */
static bool names(reading *r, const char *key, patterns *out) {
    bb_str value;
    *out = (patterns){0};
    if (!text(r, key, &value))
        return false;
    if (value.ptr == NULL)
        return true;
    if (!patterns_read(r->a, value, out))
        return err_set(r->e, "no memory");
    return out->count > 0 || wrong(r, key, "names are expected, as customers.*, or * for all");
}

/* --- [limits] --------------------------------------------------------------------------------------- */

/* yes: as long as the deadline allows; no: not at all; or a duration. */
static bool read_wait(reading *r, uint64_t *out) {
    bb_str value;
    *out = UINT64_MAX;
    if (!text(r, "wait", &value))
        return false;
    if (value.ptr == NULL)
        return true;
    if (str_eq(value, STR("yes")))
        return true;
    if (str_eq(value, STR("no"))) {
        *out = 0;
        return true;
    }
    return str_to_duration_ms(value, out) ||
           wrong(r, "wait", "allowed are yes, no, or the longest wait as 500ms, 5s or 2m");
}

static bool read_limits(reading *r, limit_policy *out) {
    static const char *const keys[] = {"rate", "burst", "concurrency", "wait", "adapt", "quota", NULL};
    bb_str rate, caps;
    uint32_t burst;
    if (!begin(r, "limits", keys) || !text(r, "rate", &rate) || !text(r, "quota", &caps) ||
        !number(r, "burst", 1000000, 0, &burst) || !number(r, "concurrency", 1000000, 0, &out->concurrency) ||
        !read_wait(r, &out->max_wait_ms) ||
        !conf_bool(r->a, r->f, entry(r, "adapt"), true, &out->adapt, r->e))
        return false;
    if (rate.ptr != NULL && !rate_read(rate, 1, &out->rate))
        return wrong(r, "rate", "a rate as 100/s, 600/m, 1000/h or 5000/d is expected");
    if (rate.ptr != NULL && !rate_read(rate, burst, &out->rate))
        return wrong(r, "burst", "that is more than a century of the rate");
    if (rate.ptr == NULL && burst != 0)
        return conf_fail(r->e, r->f, entry(r, "burst")->line, "burst goes with a rate: add `rate = 100/s`");
    if (caps.ptr != NULL && !quota_read(caps, out->quota))
        return wrong(r, "quota", "quotas as 1000/day or 20000/month are expected, with a comma between");
    return true;
}

/* --- [breaker] -------------------------------------------------------------------------------------- */

static bool read_percent(reading *r, const char *key, uint32_t otherwise, uint32_t *out) {
    bb_str value;
    uint64_t n;
    *out = otherwise;
    if (!text(r, key, &value))
        return false;
    if (value.ptr == NULL)
        return true;
    if (value.len > 1 && value.ptr[value.len - 1] == '%')
        value.len--;
    if (!str_to_u64(value, &n) || n > 100)
        return wrong(r, key, "a percentage from 0% to 100% is expected");
    *out = (uint32_t)n;
    return true;
}

static bool read_breaker(reading *r, breaker_policy *out) {
    static const char *const keys[] = {"enabled", "failures", "rate",   "minimum", "window",
                                       "open",    "max_open", "probes", NULL};
    bool enabled;
    if (!begin(r, "breaker", keys) || !conf_bool(r->a, r->f, entry(r, "enabled"), true, &enabled, r->e) ||
        !number(r, "failures", 1000000, 10, &out->failures) ||
        !read_percent(r, "rate", 50, &out->rate_percent) ||
        !number(r, "minimum", 1000000, 20, &out->minimum) ||
        !duration(r, "window", 100, 3600000, 30000, &out->window_ms) ||
        !duration(r, "open", 1, 86400000, 5000, &out->open_ms) ||
        !duration(r, "max_open", 1, 86400000, 300000, &out->max_open_ms) ||
        !number(r, "probes", 1000, 1, &out->probes))
        return false;
    if (out->probes == 0)
        return wrong(r, "probes", "at least 1 is expected");
    if (out->max_open_ms < out->open_ms)
        out->max_open_ms = out->open_ms;
    if (!enabled)
        out->failures = out->rate_percent = 0;
    return true;
}

/* --- [cache] ---------------------------------------------------------------------------------------- */

static bool read_cache(reading *r, cache_policy *out) {
    static const char *const keys[] = {
        "ttl", "stale_while_revalidate", "stale_if_error", "max_entry", "operations", "respect", NULL};
    const uint64_t longest = 30ull * 86400000;
    if (!begin(r, "cache", keys) || !duration(r, "ttl", 0, longest, 0, &out->ttl_ms) ||
        !duration(r, "stale_while_revalidate", 0, longest, 0, &out->stale_revalidate_ms) ||
        !duration(r, "stale_if_error", 0, longest, 0, &out->stale_error_ms) ||
        !conf_size(r->a, r->f, entry(r, "max_entry"), 1, 1u << 30, 1u << 20, &out->max_entry, r->e) ||
        !conf_bool(r->a, r->f, entry(r, "respect"), true, &out->respect, r->e) ||
        !names(r, "operations", &out->operations))
        return false;
    if (r->s != NULL && entry(r, "ttl") == NULL)
        return conf_fail(r->e, r->f, r->s->line, "[cache] needs `ttl`: how long an answer is fresh, as 300s");
    out->on = r->s != NULL && out->ttl_ms + out->stale_revalidate_ms + out->stale_error_ms > 0;
    return true;
}

/* --- [fallback] ------------------------------------------------------------------------------------- */

static const problem failures[] = {PROBLEM_UPSTREAM_ERROR,        PROBLEM_UPSTREAM_INVALID,
                                   PROBLEM_UPSTREAM_RATE_LIMITED, PROBLEM_UPSTREAM_UNAVAILABLE,
                                   PROBLEM_UPSTREAM_TIMEOUT,      PROBLEM_UPSTREAM_UNREACHABLE,
                                   PROBLEM_CIRCUIT_OPEN,          PROBLEM_CREDENTIALS_UNAVAILABLE,
                                   PROBLEM_DEADLINE_EXCEEDED,     PROBLEM_RATE_LIMITED};

static bool read_on(reading *r, bool on[PROBLEM_COUNT]) {
    bb_str rest;
    if (!text(r, "on", &rest))
        return false;
    if (rest.ptr == NULL) {
        for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
            on[failures[i]] = true;
        return true;
    }
    for (bb_str part; str_split(&rest, ',', &part);) {
        problem p = problem_from_name(str_trim(part));
        part = shown(entry(r, "on"), part);
        if (p == PROBLEM_COUNT || p == PROBLEM_NONE)
            return conf_fail(r->e, r->f, entry(r, "on")->line,
                             "\"%.*s\" is no kind of problem; GET /api/v1/problems lists them",
                             STR_FMT(part));
        on[p] = true;
    }
    return true;
}

static bool read_fallback(reading *r, fallback_policy *out) {
    static const char *const keys[] = {"connection", "document", "stale", "on", NULL};
    if (!begin(r, "fallback", keys) || !text(r, "connection", &out->connection) ||
        !text(r, "document", &out->document) ||
        !duration(r, "stale", 0, 30ull * 86400000, 0, &out->stale_ms) || !read_on(r, out->on))
        return false;
    if (out->connection.ptr != NULL && (!conf_id_ok(out->connection) || str_eq(out->connection, r->f->id)))
        return wrong(r, "connection", "the id of another connection is expected");
    json_error error;
    if (out->document.ptr != NULL && json_read(r->a, out->document, NULL, &error) == NULL)
        return conf_fail(r->e, r->f, entry(r, "document")->line, "document is not JSON: %s at byte %zu",
                         error.reason, error.offset);
    return true;
}

/* --- [access], [transform], [validation] ------------------------------------------------------------ */

static bool read_access(reading *r, patterns *out) {
    static const char *const keys[] = {"operations", NULL};
    return begin(r, "access", keys) && names(r, "operations", out);
}

static bool read_program(reading *r, const char *key, const char **out) {
    bb_str value;
    if (!text(r, key, &value))
        return false;
    *out = value.len > 0 ? arena_strdup(r->a, value) : NULL;
    return value.len == 0 || *out != NULL || err_set(r->e, "no memory");
}

static bool read_transform(reading *r, transform_policy *out) {
    static const char *const keys[] = {"request", "response", "timeout", "operations", NULL};
    return begin(r, "transform", keys) && read_program(r, "request", &out->request) &&
           read_program(r, "response", &out->response) &&
           duration(r, "timeout", 1, 60000, 1000, &out->timeout_ms) &&
           names(r, "operations", &out->operations);
}

static bool read_validation(reading *r, output_check *out) {
    static const char *const keys[] = {"output", NULL};
    static const char *const words[] = {"count", "strict", "off"};
    bb_str value;
    *out = OUTPUT_COUNTED;
    if (!begin(r, "validation", keys) || !text(r, "output", &value))
        return false;
    if (value.ptr == NULL)
        return true;
    for (int i = 0; i < 3; i++) {
        if (str_eq(value, str_from(words[i]))) {
            *out = (output_check)i;
            return true;
        }
    }
    return wrong(r, "output", "allowed are count, strict and off");
}

/* --- [errors] --------------------------------------------------------------------------------------- */

/* "rate_limited" for upstream-rate-limited, "not_found" for upstream-not-found, or a whole name:
 * "circuit_open". */
static problem problem_of_key(arena *a, bb_str key) {
    bb_str name = arena_copy(a, key);
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == '_')
            ((char *)(uintptr_t)name.ptr)[i] = '-';
    problem p = problem_from_name(arena_printf(a, "upstream-%.*s", STR_FMT(name)));
    return p != PROBLEM_COUNT ? p : problem_from_name(name);
}

/* "403", "403:quotaExceeded", "*:quotaExceeded" */
static bool read_rule(bb_str part, error_rule *out) {
    bb_str rest = str_trim(part), status;
    uint64_t n = 0;
    if (!str_split(&rest, ':', &status))
        return false;
    bool any = str_eq(status, STR("*"));
    if (!any && (!str_to_u64(status, &n) || n < 100 || n > 599))
        return false;
    out->status = (unsigned)n;
    out->code = str_trim(rest);
    return rest.ptr == NULL ? !any : out->code.len > 0;
}

#define RULES_MAX 256

static bool add_rules(reading *r, const conf_entry *from, error_rule *rules, error_policy *out) {
    problem p = problem_of_key(r->a, from->key);
    bb_str rest;
    if (p == PROBLEM_COUNT || p < PROBLEM_UPSTREAM_ERROR)
        return conf_fail(
            r->e, r->f, from->line,
            "[errors] \"%.*s\" is no kind of problem of a service: rate_limited, unavailable, auth, "
            "forbidden, not_found, conflict, rejected, timeout, error, invalid; or message, code",
            STR_FMT(from->key));
    if (!conf_expand(r->a, r->f, from, &rest, NULL, r->e))
        return false;
    for (bb_str part; str_split(&rest, ',', &part); out->count++) {
        if (out->count == RULES_MAX)
            return conf_fail(r->e, r->f, from->line, "[errors] has more than %d rules", RULES_MAX);
        error_rule *rule = &rules[out->count];
        bb_str which = shown(from, part);
        if (!read_rule(part, rule))
            return conf_fail(r->e, r->f, from->line, "[errors] \"%.*s\" is not STATUS, STATUS:CODE or *:CODE",
                             STR_FMT(which));
        if (rule->code.len > 0 && out->code.len == 0)
            return conf_fail(
                r->e, r->f, from->line,
                "[errors] \"%.*s\" asks for a code: say where it stands, as `code = /error/code`",
                STR_FMT(which));
        rule->problem = p;
    }
    return true;
}

static bool read_pointer(reading *r, const char *key, bb_str *out) {
    return text(r, key, out) && (out->len == 0 || out->ptr[0] == '/' ||
                                 wrong(r, key, "a JSON Pointer as /error/message is expected"));
}

static bool read_errors(reading *r, error_policy *out) {
    r->s = conf_find_section(r->f, STR("errors"));
    if (r->s == NULL)
        return true;
    error_rule *rules = arena_zalloc(r->a, RULES_MAX * sizeof *rules);
    if (rules == NULL)
        return err_set(r->e, "no memory");
    if (!read_pointer(r, "message", &out->message) || !read_pointer(r, "code", &out->code))
        return false;
    for (size_t i = 0; i < r->s->count; i++) {
        bb_str key = r->s->entries[i].key;
        if (!str_eq(key, STR("message")) && !str_eq(key, STR("code")) &&
            !add_rules(r, &r->s->entries[i], rules, out))
            return false;
    }
    out->rules = rules;
    return true;
}

bool policies_read(arena *a, const conf_file *f, policies *out, err *e) {
    reading r = {.a = a, .f = f, .e = e};
    *out = (policies){0};
    return read_limits(&r, &out->limits) && read_breaker(&r, &out->breaker) && read_cache(&r, &out->cache) &&
           read_fallback(&r, &out->fallback) && read_access(&r, &out->access) &&
           read_transform(&r, &out->transform) && read_errors(&r, &out->errors) &&
           read_validation(&r, &out->output);
}
