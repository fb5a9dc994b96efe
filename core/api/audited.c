#include "api/audited.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/audit.h"

bool audited_begin(api *a, http_exchange *x, const principal *who, const char *action, bb_str target,
                   audited *out) {
    store *s = a->shared->store;
    arena *memory = http_exchange_arena(x);
    store_result r = s != NULL ? store_health(s) : STORE_READ_ONLY;
    *out = (audited){.api = a,
                     .actor = arena_copy(memory, who->id),
                     .actor_name = arena_copy(memory, who->name),
                     .from = http_exchange_request(x)->peer,
                     .action = action,
                     .target = target};
    if (r == STORE_OK && out->actor.ptr != NULL && out->actor_name.ptr != NULL)
        return true;
    if (s == NULL)
        reply_problem(x, PROBLEM_STORE_UNAVAILABLE,
                      STR("this hub runs offline: it changes nothing, and keeps no audit log"));
    else if (r != STORE_OK)
        reply_problem(x, store_result_problem(r), str_from(store_result_text(r)));
    else
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for this"));
    return false;
}

static void complain(const audited *d, store_result r) {
    log_error("the audit log did not take %s of %.*s: %s", d->action, STR_FMT(d->target),
              store_result_text(r));
}

static void written(store_result r, void *ctx) {
    audited *d = ctx;
    if (r != STORE_OK)
        complain(d, r);
    d->then(d->ctx);
}

void audited_end(audited *d, bool ok, bb_str detail, void (*then)(void *ctx), void *ctx) {
    const audit_entry e = {.at_ms = clock_wall_ms(),
                           .actor = d->actor,
                           .actor_name = d->actor_name,
                           .from = d->from,
                           .action = str_from(d->action),
                           .target = d->target,
                           .outcome = ok ? STR("done") : STR("failed"),
                           .detail = detail,
                           .count = 1};
    d->then = then;
    d->ctx = ctx;
    if (store_audit_add_told(d->api->shared->store, &e, d->api->worker->loop, written, d))
        return;
    complain(d, STORE_BUSY);
    then(ctx);
}

/* --- which ones --------------------------------------------------------------------------------------------
 */

static void add_word(buf *out, const char *name, bb_str value) {
    if (value.len > 0)
        buf_printf(out, ", %s %.*s", name, STR_FMT(value));
}

static void add_time(buf *out, const char *name, uint64_t at_ms) {
    char text[CLOCK_RFC3339_SIZE];
    if (at_ms == 0)
        return;
    clock_rfc3339(at_ms, text);
    buf_printf(out, ", %s %s", name, text);
}

void audited_which(buf *out, const event_query *q) {
    add_word(out, "event", q->event);
    add_word(out, "type", q->type);
    add_word(out, "source", q->source);
    add_time(out, "since", q->since_ms);
    add_time(out, "until", q->until_ms);
}
