/* progress.c - how far a call is, while it runs: what its steps say, and how many bytes have passed. */
#include "pipeline/call_internal.h"

#include "base/clock.h"
#include "base/flow.h"

/* --- what the steps say -----------------------------------------------------------------------------------
 */

static void keep_text(call *c, char *to, size_t cap) {
    bb_str said = str_from(to), clean = call_shown(c, said);
    if (clean.ptr != said.ptr)
        str_put(to, cap, clean);
}

/* The service's words may hold what an error's may. */
static void keep(call *c, const plugin_progress *p) {
    c->progress = *p;
    c->has_progress = true;
    keep_text(c, c->progress.unit, sizeof c->progress.unit);
    keep_text(c, c->progress.stage, sizeof c->progress.stage);
}

void call_progressed(plugin_call *steps, const plugin_progress *progress) {
    keep((call *)steps, progress);
}

static void on_said(loop *l, void *arg) {
    (void)l;
    session_job *job = arg;
    plugin_progress said;
    if (session_job_progress(job, &said) && job->owner != NULL) /* else the call has let go */
        keep(job->owner, &said);
    session_job_unref(job);
}

/* On a thread of the pool's, which the loop outlives: the call leaves its job before. */
bool call_session_progressed(session_job *job) {
    return loop_post(job->ctx, on_said, job);
}

/* --- and who asks -----------------------------------------------------------------------------------------
 */

static bool fits(const call *c, const running_filter *f) {
    return c->aftermath < AFTERMATH_AWAITED && (f->id.ptr == NULL || str_eq(f->id, str_from(c->id))) &&
           (f->call.ptr == NULL || str_eq(f->call, c->request.label)) &&
           (f->connection.ptr == NULL || str_eq(f->connection, c->conn->id)) &&
           (f->operation.ptr == NULL || str_eq(f->operation, c->op->id)) &&
           (f->connections == NULL || patterns_fit(f->connections, c->conn->id));
}

/* {"done", "total", "unit", "stage"}: what is known of them. */
static void put_progress(const plugin_progress *p, json_writer *w) {
    json_keyl(w, "progress");
    json_object(w);
    if (p->done != UINT64_MAX)
        json_member_u64(w, STR("done"), p->done);
    if (p->total != UINT64_MAX)
        json_member_u64(w, STR("total"), p->total);
    if (p->unit[0] != '\0')
        json_member_string(w, STR("unit"), str_from(p->unit));
    if (p->stage[0] != '\0')
        json_member_string(w, STR("stage"), str_from(p->stage));
    json_object_end(w);
}

/* Bytes: the other side of a flow may count them just now. */
static void put_content(const call_content *k, json_writer *w) {
    uint64_t done = atomic_load_explicit(&k->done_bytes, memory_order_relaxed),
             total = atomic_load_explicit(&k->total_bytes, memory_order_relaxed);
    json_keyl(w, "content");
    json_object(w);
    json_member_u64(w, STR("done"), done);
    if (total != FLOW_UNKNOWN)
        json_member_u64(w, STR("total"), total);
    json_object_end(w);
}

static void put(const call *c, json_writer *w) {
    char time[CLOCK_RFC3339_SIZE];
    clock_rfc3339(c->started_wall_ns / 1000000u, time);
    json_object(w);
    json_member_string(w, STR("id"), str_from(c->id));
    if (c->request.label.len > 0)
        json_member_string(w, STR("call"), c->request.label);
    json_member_string(w, STR("connection"), c->conn->id);
    json_member_string(w, STR("plugin"), c->conn->module->id);
    json_member_string(w, STR("operation"), c->op->id);
    json_member_string(w, STR("status"), STR("running"));
    json_member_string(w, STR("started_at"), str_from(time));
    json_member_u64(w, STR("started_ms"), c->started_wall_ns / 1000000u);
    json_member_u64(w, STR("duration_ms"), (clock_ns() - c->started_ns) / 1000000u);
    json_member_u64(w, STR("attempts"), c->attempts);
    if (c->request.who != NULL)
        json_member_string(w, STR("key"), c->request.who->id);
    if (c->request.content != NULL)
        put_content(c->request.content, w);
    if (c->has_progress)
        put_progress(&c->progress, w);
    json_object_end(w);
}

void calls_running(const worker *w, const running_filter *f, size_t *left, buf *out) {
    for (const call *c = w->active; c != NULL && *left > 0; c = c->next) {
        if (!fits(c, f))
            continue;
        json_writer to;
        if (out->len > 0)
            buf_char(out, ',');
        json_writer_init(&to, out);
        put(c, &to);
        --*left;
    }
}
