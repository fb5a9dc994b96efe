/* plan_read.c - the keys of [subscription] and [route NAME] as a plan. */
#include "webhook/plan_internal.h"

#include "limit/rate.h"
#include "transform/transform.h"
#include "webhook/event_type.h"

#include <stdio.h>

#define DAY_MS 86400000ull
#define TIMEOUT_MS 15000u
#define CONCURRENCY 16u
#define CONCURRENCY_MOST 256u
#define BATCH_WAIT_MS 1000u

static const char *const route_keys[] = {"types",         "key",        "delay",     "enabled",  "filter",
                                         "transform",     "connection", "operation", "emit",     "timeout",
                                         "concurrency",   "rate",       "delays",    "schedule", "timezone",
                                         "disable_after", "confirm",    NULL};
static const char *const subscription_keys[] = {
    "types",     "key",           "delay",       "enabled",     "filter",   "transform", "connection",
    "operation", "emit",          "timeout",     "concurrency", "rate",     "delays",    "schedule",
    "timezone",  "disable_after", "confirm",     "name",        "owner",    "sources",   "url",
    "format",    "secret",        "secret_2",    "secret_3",    "secret_4", "signature", "signature_header",
    "headers",   "batch",         "batch_bytes", "batch_wait",  NULL};

/* --- single values -------------------------------------------------------------------------------------- */

bool plan_text(const plan_reading *p, const char *key, bb_str *out) {
    const conf_entry *found = plan_entry(p, key);
    bb_str value = {NULL, 0};
    *out = value;
    if (found == NULL)
        return true;
    if (!conf_expand(p->a, p->f, found, &value, NULL, p->e))
        return false;
    *out = arena_copy(p->a, value);
    return out->ptr != NULL;
}

static bool fail_at(const plan_reading *p, const char *key, const char *what) {
    const conf_entry *found = plan_entry(p, key);
    return conf_fail(p->e, p->f, found != NULL ? found->line : p->s->line, "%s", what);
}

/* A list that came out empty, as of a program that makes it, is not the wish to have all. */
bool plan_patterns(const plan_reading *p, const char *key, patterns *out) {
    bb_str text;
    if (!plan_text(p, key, &text))
        return false;
    if (text.ptr == NULL)
        return true;
    if (!patterns_read(p->a, text, out))
        return false;
    return out->count > 0 ||
           conf_fail(p->e, p->f, plan_entry(p, key)->line,
                     "%s is empty: name some, as order.*, or remove the key to have all", key);
}

static bool duration(const plan_reading *p, const char *key, uint64_t min, uint64_t max, uint64_t otherwise,
                     uint64_t *out) {
    return conf_duration_ms(p->a, p->f, plan_entry(p, key), min, max, otherwise, out, p->e);
}

static bool number(const plan_reading *p, const char *key, uint64_t max, uint32_t otherwise, uint32_t *out) {
    uint64_t n;
    if (!conf_u64(p->a, p->f, plan_entry(p, key), 1, max, otherwise, &n, p->e))
        return false;
    *out = (uint32_t)n;
    return true;
}

/* --- which events, and their order ------------------------------------------------------------------------
 */

/* What the hub itself tells is for those who ask for it by name: who wants all events means those of others.
 */
static void default_sources(target *t) {
    static const bb_str others[] = {{"api", 3}, {"endpoint/*", 10}, {"subscription/*", 14}};
    for (size_t i = 0; i < t->types.count; i++)
        if (event_type_reserved(t->types.items[i]))
            return;
    t->sources = (patterns){others, sizeof others / sizeof others[0]};
}

/* RFC 6901 section 3: a "~" is followed by 0 or 1. What is none finds nothing, and keeps no order. */
static bool is_pointer(bb_str text) {
    if (text.len == 0 || text.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '~' && (++i == text.len || (text.ptr[i] != '0' && text.ptr[i] != '1')))
            return false;
    return true;
}

static bool read_key(const plan_reading *p, target *t) {
    bb_str text;
    if (!plan_text(p, "key", &text))
        return false;
    if (text.ptr == NULL)
        return true;
    t->fifo = str_eq(text, STR("*"));
    if (!t->fifo && !is_pointer(text))
        return fail_at(p, "key",
                       "key is a JSON Pointer into the payload, as /data/id: events of one value "
                       "are delivered in their order; * is one order for all");
    t->key = t->fifo ? (bb_str){NULL, 0} : text;
    return true;
}

static bool read_target(const plan_reading *p, target *t) {
    if (!plan_patterns(p, "types", &t->types) || !plan_patterns(p, "sources", &t->sources))
        return false;
    if (t->sources.count == 0)
        default_sources(t);
    return read_key(p, t) && duration(p, "delay", 0, 30 * DAY_MS, 0, &t->delay_ms);
}

/* --- where to
 * ----------------------------------------------------------------------------------------------- */

static bool no_such(const plan_reading *p, const char *key, const char *what, bb_str id, const char *near) {
    return conf_fail(p->e, p->f, plan_entry(p, key)->line, "there is no %s \"%.*s\"%s%s%s", what, STR_FMT(id),
                     near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                     near != NULL ? "\"?" : "");
}

static const char *nearest_operation(const plan_reading *p, const plugin_module *m, bb_str id) {
    const char **names = arena_zalloc(p->a, (m->op_count + 1) * sizeof *names);
    for (size_t i = 0; names != NULL && i < m->op_count; i++)
        names[i] = arena_strdup(p->a, m->ops[i].id);
    return names != NULL ? str_nearest(id, names) : NULL;
}

/* A connection that is refused for now is one: its file may be mended before the first event. */
static bool check_operation(const plan_reading *p, const delivery_plan *plan) {
    if (p->r->plugged == NULL)
        return true;
    const snapshot_entry *c = snapshot_find(p->r->plugged, plan->connection);
    if (c == NULL)
        return no_such(p, "connection", "connection", plan->connection, NULL);
    const plugin_module *m = c->conn != NULL ? c->conn->module : NULL;
    if (m != NULL && module_op(m, plan->operation) == NULL)
        return no_such(p, "operation", "operation", plan->operation,
                       nearest_operation(p, m, plan->operation));
    return true;
}

static bool check_emit(const plan_reading *p, bb_str type) {
    err why = {""};
    if (!event_type_check(type, &why))
        return conf_fail(p->e, p->f, plan_entry(p, "emit")->line, "emit is the type of the new event: %s",
                         why.text);
    return !event_type_reserved(type) ||
           fail_at(p, "emit", "types that begin with \"busbar.\" are the hub's own");
}

/* Who writes these expects them to be sent. */
static bool check_none_of_url(const plan_reading *p) {
    static const char *const keys[] = {"format",    "secret",           "secret_2", "secret_3", "secret_4",
                                       "signature", "signature_header", "headers",  NULL};
    for (const char *const *key = keys; *key != NULL; key++)
        if (plan_entry(p, *key) != NULL)
            return conf_fail(p->e, p->f, plan_entry(p, *key)->line, "%s: only what is posted to a url has it",
                             *key);
    return true;
}

static bool read_where(const plan_reading *p, delivery_plan *out) {
    bb_str url = {NULL, 0};
    if ((!p->route && !plan_text(p, "url", &url)) || !plan_text(p, "connection", &out->connection) ||
        !plan_text(p, "operation", &out->operation) || !plan_text(p, "emit", &out->emit))
        return false;
    int ways = (url.ptr != NULL) + (out->connection.ptr != NULL) + (out->emit.ptr != NULL);
    if (ways != 1)
        return fail_at(p, ways > 1 ? "emit" : "",
                       p->route ? "a route has a connection and its operation, or the type that it emits"
                                : "a subscription has a url, or a connection and its operation, or the type "
                                  "that it emits: one of these");
    if ((out->connection.ptr != NULL) != (out->operation.ptr != NULL))
        return fail_at(p, "operation", "connection and operation go together");
    out->kind = url.ptr != NULL ? PLAN_URL : out->emit.ptr != NULL ? PLAN_EMIT : PLAN_OPERATION;
    if (out->kind == PLAN_URL)
        return plan_read_url(p, url, out);
    return check_none_of_url(p) &&
           (out->kind == PLAN_EMIT ? check_emit(p, out->emit) : check_operation(p, out));
}

/* --- filter and transform
 * ------------------------------------------------------------------------------------- */

static bool check_program(const plan_reading *p, const char *key, bb_str program) {
    err why = {""};
    if (program.ptr == NULL)
        return true;
    if (str_trim(program).len == 0)
        return conf_fail(p->e, p->f, plan_entry(p, key)->line, "%s is empty: remove the key", key);
    return transform_check(program.ptr, &why) ||
           conf_fail(p->e, p->f, plan_entry(p, key)->line, "%s: %s", key, why.text);
}

/* Both in one: an empty array where the filter says no, else an array of what the transform gives. So one run
 * does it, and no result at all (`empty`, of either) drops an event too. Of a filter alone nothing is taken
 * but its yes: the payload may be what jq cannot give back as it was, or what it has not seen at all. An
 * empty line ends a comment that goes on over a "\" at its line's end (jq 1.7). */
static bool read_program(const plan_reading *p, delivery_plan *out) {
    bb_str filter, transform;
    if (!plan_text(p, "filter", &filter) || !plan_text(p, "transform", &transform) ||
        !check_program(p, "filter", filter) || !check_program(p, "transform", transform))
        return false;
    if (filter.ptr == NULL && transform.ptr == NULL)
        return true;
    if (filter.ptr == NULL)
        filter = STR("true");
    out->keeps = transform.ptr == NULL;
    if (out->keeps)
        transform = STR("true");
    out->program = arena_printf(p->a,
                                "if [(%.*s\n\n)] | if length > 1 then error(\"the filter gives more than one "
                                "result\") else .[0] end then [(%.*s\n\n)] else [] end",
                                STR_FMT(filter), STR_FMT(transform))
                       .ptr;
    return out->program != NULL;
}

/* --- how
 * ---------------------------------------------------------------------------------------------------- */

static bool read_rate(const plan_reading *p, gcra_policy *out) {
    bb_str text;
    if (!plan_text(p, "rate", &text))
        return false;
    return text.ptr == NULL || rate_read(text, 0, out) ||
           fail_at(p, "rate", "rate is a number of requests in a time, as 100/s, 600/m, 5000/h");
}

static bool read_delays(const plan_reading *p, retry_delays *out) {
    bb_str text;
    *out = retries_default();
    if (!plan_text(p, "delays", &text))
        return false;
    return text.ptr == NULL || retries_read(p->a, text, out) ||
           fail_at(p, "delays",
                   "delays are up to 32 times to wait before each further attempt, up to 28d "
                   "each, as 5s, 5m, 2h; none: there is one attempt");
}

static bool read_zone(const plan_reading *p, delivery_window *out) {
    bb_str name;
    err why = {""};
    if (!plan_text(p, "timezone", &name))
        return false;
    if (name.ptr == NULL)
        return true;
    if (out->count == 0)
        return fail_at(p, "timezone", "timezone is of a schedule, and there is none");
    if (out->fixed)
        return fail_at(p, "timezone", "the schedule has an offset already: one of both");
    out->zone = zone_read(p->a, name, &why);
    return out->zone != NULL || fail_at(p, "timezone", why.text);
}

static bool read_window(const plan_reading *p, delivery_window *out) {
    bb_str text;
    if (!plan_text(p, "schedule", &text))
        return false;
    if (text.ptr != NULL && !window_read(text, out))
        return fail_at(p, "schedule",
                       "schedule is when events may be delivered, as Mon-Fri 09:00-17:00, Sat "
                       "10:00-12:00 +02:00 (UTC where no offset is at the end, and no timezone)");
    return read_zone(p, out);
}

static bool read_confirm(const plan_reading *p, unsigned *out) {
    bb_str text, part;
    if (!plan_text(p, "confirm", &text))
        return false;
    while (str_split(&text, ',', &part)) {
        part = str_trim(part);
        if (!str_eq(part, STR("succeeded")) && !str_eq(part, STR("failed")))
            return fail_at(p, "confirm", "confirm is succeeded, failed, or both");
        *out |= str_eq(part, STR("failed")) ? PLAN_CONFIRM_DEAD : PLAN_CONFIRM_DONE;
    }
    return true;
}

static bool read_batch(const plan_reading *p, delivery_plan *out) {
    out->batch = 1;
    if (p->route)
        return true;
    if (!number(p, "batch", 1000, 1, &out->batch) ||
        !conf_size(p->a, p->f, plan_entry(p, "batch_bytes"), 1, 64u << 20, 1u << 20, &out->batch_bytes,
                   p->e) ||
        !duration(p, "batch_wait", 0, 300000, BATCH_WAIT_MS, &out->batch_wait_ms))
        return false;
    if (out->batch > 1 && out->kind != PLAN_URL)
        return fail_at(p, "batch", "batch: only what is posted to a url goes out in batches");
    return out->batch == 1 || !out->target.fifo ||
           fail_at(p, "batch", "batch: with key = * there is one event at a time, and no batch");
}

static bool read_how(const plan_reading *p, delivery_plan *out) {
    return conf_bool(p->a, p->f, plan_entry(p, "enabled"), true, &out->enabled, p->e) &&
           duration(p, "timeout", 1000, 600000, TIMEOUT_MS, &out->timeout_ms) &&
           number(p, "concurrency", CONCURRENCY_MOST, CONCURRENCY, &out->concurrency) &&
           read_rate(p, &out->rate) && read_delays(p, &out->retries) && read_window(p, &out->window) &&
           duration(p, "disable_after", 0, 365 * DAY_MS, 5 * DAY_MS, &out->disable_after_ms) &&
           read_confirm(p, &out->confirm) && read_batch(p, out);
}

bool plan_read(arena *a, const webhook_reading *r, const conf_file *f, const conf_section *s, bool route,
               delivery_plan *plan, err *e) {
    const plan_reading p = {a, r, f, s, route, e};
    plan->target.of = plan;
    bool ok = conf_check_keys(f, s, route ? route_keys : subscription_keys, e) &&
              read_target(&p, &plan->target) && read_where(&p, plan) && read_how(&p, plan) &&
              read_program(&p, plan);
    plan->to.timeout_ms = plan->timeout_ms;
    if (ok)
        return true;
    plan_end(plan);
    return e->text[0] != '\0' ? false : err_set(e, "%s: no memory", f->path);
}
