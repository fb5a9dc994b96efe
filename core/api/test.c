/* test.c - testing a connection by one call of its test operation: all that an admin wants to see, on one
 * screen.
 *
 * The test passes limits and breaker, goes over a network connection of its own, and is told what to do about
 * each thing that is not well. */
#include "api/routes.h"
#include "auth/session.h"
#include "base/clock.h"
#include "pipeline/call.h"

/* Both ends' clocks may differ so much before tokens and signatures are refused. */
#define SKEW_MS 30000

typedef struct testing {
    http_exchange *x;
    http_probe probe;
} testing;

static void write_check(json_writer *w, const char *name, bool ok, bb_str detail, const char *advice) {
    json_object(w);
    json_member_string(w, STR("name"), str_from(name));
    json_member_bool(w, STR("ok"), ok);
    json_member_string(w, STR("detail"), detail);
    if (!ok && advice[0] != '\0')
        json_member_string(w, STR("advice"), str_from(advice));
    json_object_end(w);
}

/* --- the checks -------------------------------------------------------------------------------------------
 */

static double milliseconds(uint64_t us) {
    return (double)us / 1000;
}

static void write_reachable(json_writer *w, arena *a, const testing *t, const call_result *r) {
    const http_probe *p = &t->probe;
    bool answered = r->upstream_status != 0 || r->problem == PROBLEM_NONE;
    bb_str detail = r->detail;
    if (answered && p->address[0] != '\0')
        detail = arena_printf(a, "%s answers %u after %.1f ms (name %.1f, connected %.1f%s)", p->address,
                              r->upstream_status, milliseconds(p->first_byte_us), milliseconds(p->lookup_us),
                              milliseconds(p->connect_us), p->tls_us > 0 ? ", then TLS" : "");
    else if (answered)
        detail = STR("the service answers");
    write_check(w, "reachable", answered, detail, problem_of(r->problem)->advice);
}

static void write_tls(json_writer *w, arena *a, const testing *t, const connection *c) {
    const http_probe *p = &t->probe;
    if (!str_starts(c->base_url, STR("https://"))) {
        write_check(w, "tls", true, STR("none: base_url is plain http"), "");
    } else if (p->tls_us == 0) {
        write_check(w, "tls", false, STR("no session: see `reachable`"),
                    "Check the certificate's name and issuer; [http] ca_file names a private authority.");
    } else {
        bb_str text = arena_printf(a, "%s%s%s%s%s",
                                   c->target.insecure ? "NOT verified ([http] verify = no); " : "",
                                   p->expires[0] != '\0' ? "certificate good until " : "verified", p->expires,
                                   p->issuer[0] != '\0' ? ", issued by " : "", p->issuer);
        write_check(w, "tls", true, text, "");
    }
}

static void write_credentials(json_writer *w, arena *a, const connection *c, const call_result *r) {
    bool refused = r->problem == PROBLEM_UPSTREAM_AUTH || r->problem == PROBLEM_UPSTREAM_FORBIDDEN,
         missing = r->problem == PROBLEM_CREDENTIALS_UNAVAILABLE;
    const char *state = c->auth.session != NULL ? auth_session_state(&c->auth) : NULL;
    bb_str accepted = state != NULL ? arena_printf(a, "the service accepts them (%s, token %s)",
                                                   c->auth.scheme->id, state)
                                    : arena_printf(a, "the service accepts them (%s)", c->auth.scheme->id);
    if (r->upstream_status == 0 && !missing && r->problem != PROBLEM_NONE)
        write_check(w, "credentials", false, STR("not tried: there was no answer"), "");
    else
        write_check(w, "credentials", !refused && !missing, refused || missing ? r->detail : accepted,
                    problem_of(r->problem)->advice);
}

static void write_limit_state(json_writer *w, arena *a, const connection *c) {
    uint64_t now = clock_ns(), retry_ms = 0;
    upstream *u = c->upstream;
    breaker_state state = breaker_now(&u->breaker, now / 1000000u, &retry_ms);
    uint64_t blocked = atomic_load(&u->blocked_until_ns), until = atomic_load(&u->told_until_ns);
    int64_t left = atomic_load(&u->told_left);
    bb_str text = STR("no limit is known");
    bool ok = blocked <= now && (until <= now || left > 0);
    if (blocked > now)
        text = arena_printf(a, "the service asks for a pause of %llu s more",
                            (unsigned long long)((blocked - now) / 1000000000u + 1));
    else if (until > now)
        text = arena_printf(a, "the service allows %lld more within %llu s", (long long)(left > 0 ? left : 0),
                            (unsigned long long)((until - now) / 1000000000u + 1));
    else if (c->policies.limits.rate.interval_ns != 0)
        text = arena_printf(a, "of %llu in %llu s, %u can be sent at once now",
                            (unsigned long long)c->policies.limits.rate.rate,
                            (unsigned long long)(c->policies.limits.rate.period_ns / 1000000000u),
                            gcra_left(&u->rate, &c->policies.limits.rate, now, NULL));
    write_check(w, "rate_limit", ok, text, "Wait, or ask the service for a higher limit.");
    text = state == BREAKER_OPEN ? arena_printf(a, "open for %llu ms more", (unsigned long long)retry_ms)
                                 : str_from(breaker_state_name(state));
    write_check(w, "breaker", state == BREAKER_CLOSED, text,
                "It closes by itself once the service is well; POST /api/v1/connections/{id}/breaker/reset "
                "closes it now.");
}

static void write_clock(json_writer *w, arena *a, const testing *t) {
    const http_probe *p = &t->probe;
    if (p->date_ms == 0)
        return;
    int64_t skew = (int64_t)p->date_ms + 500 - (int64_t)p->received_ms; /* Date has whole seconds */
    int64_t off = skew < 0 ? -skew : skew;
    bb_str text = off < 1500 ? STR("both clocks agree")
                             : arena_printf(a, "the service's clock is %.1f s %s", (double)off / 1000,
                                            skew < 0 ? "behind" : "ahead");
    write_check(w, "clock", off < SKEW_MS, text,
                "Set this machine's clock (timedatectl): tokens and signatures with a time in them are "
                "refused otherwise.");
}

static void write_checks(json_writer *w, arena *a, const testing *t, const call *c, const call_result *r) {
    const connection *conn = call_connection(c);
    write_check(w, "configuration", true, str_from(conn->file), "");
    write_reachable(w, a, t, r);
    write_tls(w, a, t, conn);
    write_credentials(w, a, conn, r);
    if (r->upstream_status != 0 || r->problem == PROBLEM_NONE)
        write_check(w, "answer", r->problem == PROBLEM_NONE,
                    r->problem == PROBLEM_NONE ? STR("the test operation succeeds") : r->detail,
                    problem_of(r->problem)->advice);
    write_limit_state(w, a, conn);
    write_clock(w, a, t);
}

/* --- the test ---------------------------------------------------------------------------------------------
 */

static void on_tested(call *c, const call_result *r, void *ctx) {
    testing *t = ctx;
    http_exchange *x = t->x;
    http_exchange_on_gone(x, NULL, NULL);
    buf body;
    json_writer w = reply_begin(&body);
    json_object(&w);
    json_member_string(&w, STR("connection"), call_connection(c)->id);
    json_member_bool(&w, STR("ok"), r->problem == PROBLEM_NONE);
    json_keyl(&w, "checks");
    json_array(&w);
    write_checks(&w, http_exchange_arena(x), t, c, r);
    json_array_end(&w);
    json_keyl(&w, "execution");
    call_write_execution(c, &w);
    json_object_end(&w);
    reply_json(x, 200, &body);
    call_free(c);
}

static void on_gone(http_exchange *x, void *ctx) {
    (void)x;
    call_cancel(ctx);
}

static void on_begun(call *c, void *ctx) {
    testing *t = ctx;
    http_exchange_on_gone(t->x, on_gone, c);
}

/* A connection that cannot be called, or whose connector names no test. */
static void reply_untested(http_exchange *x, const snapshot_entry *entry) {
    bool ok = entry->conn != NULL;
    buf body;
    json_writer w = reply_begin(&body);
    json_object(&w);
    json_member_string(&w, STR("connection"), entry->id);
    json_member_bool(&w, STR("ok"), ok);
    json_keyl(&w, "checks");
    json_array(&w);
    write_check(&w, "configuration", ok, ok ? str_from(entry->file) : entry->error,
                problem_of(PROBLEM_CONNECTION_REFUSED)->advice);
    if (ok) {
        write_check(&w, "reachable", true, STR("not tried: the connector declares no test operation"), "");
        write_limit_state(&w, http_exchange_arena(x), entry->conn);
    }
    json_array_end(&w);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

void route_test(api *a, http_exchange *x, const route_params *p) {
    const snapshot_entry *entry = find_entry(a, x, p->who, p->part[0]);
    if (entry == NULL)
        return;
    const char *test = entry->conn != NULL ? entry->conn->module->desc->test_operation : NULL;
    if (test == NULL) {
        reply_untested(x, entry);
        return;
    }
    testing *t = arena_zalloc(http_exchange_arena(x), sizeof *t);
    call_request request = {.conn = entry->conn,
                            .op = module_op(entry->conn->module, str_from(test)),
                            .input = STR("{}"),
                            .cache = {.no_store = true},
                            .is_fallback = true}; /* the connection itself is what is tested */
    if (t != NULL) {
        t->x = x;
        request.probe = &t->probe;
    }
    if (t == NULL || !call_begin(a->worker, &request, on_begun, on_tested, t))
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for the call"));
}
