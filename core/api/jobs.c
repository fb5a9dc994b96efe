/* jobs.c - requests that change files or configuration: handed to the main thread, answered when it is done.
 */
#include "api/routes.h"

#include <stdlib.h>

static bool is_secret(const api_job *job) {
    return (job->kind >= JOB_SECRET_LIST && job->kind <= JOB_SECRET_ROTATE) || job->secret.ptr != NULL;
}

void api_job_free(api_job *job) {
    bool holds_secret = is_secret(job) ||
                        (job->kind >= JOB_WEBHOOK_CREATE && job->kind <= JOB_WEBHOOK_ROTATE);
    if (holds_secret && job->body.len > 0)
        str_wipe(job->body);
    str_wipe(job->secret);
    if (is_secret(job) && job->answer.ptr != NULL)
        explicit_bzero(job->answer.ptr, job->answer.cap);
    buf_free(&job->answer);
    arena_free(job->memory);
}

/* Nothing on the way keeps it. */
static void reply_secret(api_job *job) {
    http_header header = {STR("Cache-Control"), STR("no-store")};
    bb_str part = buf_str(&job->answer);
    http_response response = {.status = job->status,
                              .content_type = STR("application/json"),
                              .headers = &header,
                              .header_count = 1,
                              .body = &part,
                              .body_parts = 1};
    if (job->answer.failed)
        reply_problem(job->exchange, PROBLEM_OVERLOADED, STR("no memory for the answer"));
    else
        http_respond(job->exchange, &response);
}

void api_job_done(loop *l, void *arg) {
    (void)l;
    api_job *job = arg;
    if (job->exchange != NULL)
        http_exchange_on_gone(job->exchange, NULL, NULL);
    if (job->exchange == NULL)
        ; /* nobody waits for it any more */
    else if (job->problem != PROBLEM_NONE)
        reply_problem(job->exchange, job->problem, job->detail);
    else if (is_secret(job))
        reply_secret(job);
    else
        reply_json(job->exchange, job->status, &job->answer);
    api_job_free(job);
}

api_job *api_job_new(api *a, http_exchange *x, const principal *who, api_job_kind kind, bb_str id) {
    arena *memory = arena_new(0);
    api_job *job = memory != NULL ? arena_zalloc(memory, sizeof *job) : NULL;
    if (job == NULL) {
        arena_free(memory);
        return NULL;
    }
    *job = (api_job){.kind = kind, .memory = memory, .status = 200, .loop = a->worker->loop, .exchange = x};
    job->id = arena_copy(memory, id);
    job->body = arena_copy(memory, http_exchange_request(x)->body);
    job->actor = arena_copy(memory, who->id);
    job->actor_name = arena_copy(memory, who->name);
    job->from = arena_copy(memory, http_exchange_request(x)->peer);
    return job;
}

/* What was asked is carried out all the same; the exchange does not wait for it, nor does a hub that ends. */
static void on_gone(http_exchange *x, void *ctx) {
    api_job *job = ctx;
    job->exchange = NULL;
    reply_problem(x, PROBLEM_CANCELLED, STR(""));
}

void api_job_submit(api *a, http_exchange *x, api_job *job) {
    if (job != NULL) {
        http_exchange_on_gone(x, on_gone, job); /* before it may be done */
        if (a->shared->submit(a->shared->ctx, job))
            return;
        if ((x = job->exchange) != NULL)
            http_exchange_on_gone(x, NULL, NULL);
        api_job_free(job);
    }
    if (x != NULL)
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for this"));
}

void route_connection_create(api *a, http_exchange *x, const route_params *p) {
    api_job_submit(a, x, api_job_new(a, x, p->who, JOB_CREATE, STR("")));
}

void route_connection_replace(api *a, http_exchange *x, const route_params *p) {
    api_job_submit(a, x, api_job_new(a, x, p->who, JOB_REPLACE, p->part[0]));
}

void route_connection_merge(api *a, http_exchange *x, const route_params *p) {
    api_job_submit(a, x, api_job_new(a, x, p->who, JOB_MERGE, p->part[0]));
}

void route_connection_delete(api *a, http_exchange *x, const route_params *p) {
    api_job_submit(a, x, api_job_new(a, x, p->who, JOB_DELETE, p->part[0]));
}

static bool is_true(http_exchange *x, bb_str name) {
    bb_str text;
    return http_exchange_query(x, name, &text) &&
           (str_eq(text, STR("true")) || str_eq(text, STR("1")) || text.len == 0);
}

void route_reload(api *a, http_exchange *x, const route_params *p) {
    api_job *job = api_job_new(a, x, p->who, is_true(x, STR("dry_run")) ? JOB_PLAN : JOB_RELOAD, STR(""));
    if (job != NULL)
        job->wait = is_true(x, STR("wait"));
    api_job_submit(a, x, job);
}

void route_last_reload(api *a, http_exchange *x, const route_params *p) {
    api_job_submit(a, x, api_job_new(a, x, p->who, JOB_LAST_RELOAD, STR("")));
}

void route_key_create(api *a, http_exchange *x, const route_params *p) {
    api_job_submit(a, x, api_job_new(a, x, p->who, JOB_KEY_CREATE, STR("")));
}

void route_key_revoke(api *a, http_exchange *x, const route_params *p) {
    api_job_submit(a, x, api_job_new(a, x, p->who, JOB_KEY_REVOKE, p->part[0]));
}
