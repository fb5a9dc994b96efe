/* sessions.c - the pools of sessions, in answers and metrics. */
#include "api/routes.h"
#include "base/metric.h"

void write_sessions(json_writer *w, const connection *c) {
    session_counts n;
    if (c->sessions == NULL)
        return;
    session_pool_count(c->sessions, &n);
    json_keyl(w, "sessions");
    json_object(w);
    json_member_u64(w, STR("most"), session_pool_policy(c->sessions)->sessions);
    json_member_u64(w, STR("open"), n.open);
    json_member_u64(w, STR("busy"), n.busy);
    json_member_u64(w, STR("waiting"), n.waiting);
    json_member_u64(w, STR("stuck"), n.stuck);
    json_member_u64(w, STR("opened"), n.opened);
    json_member_u64(w, STR("failed"), n.failed);
    json_object_end(w);
}

/* --- metrics -------------------------------------------------------------------------------------------- */

typedef struct series {
    const char *name, *type, *help;
    size_t offset; /* of session_counts */
    bool wide;     /* 64 bits */
} series;

#define GAUGE(metric, text, member) \
    { metric, "gauge", text, offsetof(session_counts, member), false }
#define COUNTER(metric, text, member) \
    { metric, "counter", text, offsetof(session_counts, member), true }

static const series all[] = {
    GAUGE("busbar_sessions_open", "Sessions that are open.", open),
    GAUGE("busbar_sessions_busy", "Sessions that a call runs on.", busy),
    GAUGE("busbar_sessions_stuck", "Functions of the connector that do not come back.", stuck),
    GAUGE("busbar_session_calls_waiting", "Calls that wait for a session.", waiting),
    COUNTER("busbar_sessions_opened_total", "Sessions that were opened.", opened),
    COUNTER("busbar_session_failures_total", "Sessions that could not be opened.", failed),
    COUNTER("busbar_session_checks_failed_total", "Idle sessions that were found no longer good.",
            checks_failed),
    COUNTER("busbar_session_calls_refused_total", "Calls that got no session.", refused),
    COUNTER("busbar_sessions_stuck_total", "Functions that did not come back in time.", stuck_ever),
};

static uint64_t value_of(const session_counts *n, const series *s) {
    const char *at = (const char *)n + s->offset;
    uint64_t wide;
    unsigned narrow;
    if (!s->wide) {
        memcpy(&narrow, at, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, at, sizeof wide);
    return wide;
}

void render_sessions(buf *out, const snapshot *s) {
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        metric_head(out, all[i].name, all[i].type, all[i].help);
        for (size_t k = 0; k < s->count; k++) {
            session_counts n;
            if (s->entries[k].conn == NULL || s->entries[k].conn->sessions == NULL)
                continue;
            session_pool_count(s->entries[k].conn->sessions, &n);
            buf_printf(out, "%s{connection=\"%.*s\"} %llu\n", all[i].name, STR_FMT(s->entries[k].id),
                       (unsigned long long)value_of(&n, &all[i]));
        }
    }
}
