/* jobs.c - what the API asks of the main thread. */
#include "hub/internal.h"

bool hub_submit(void *ctx, api_job *job) {
    hub *h = ctx;
    pthread_mutex_lock(&h->lock);
    job->next = NULL;
    *h->jobs_end = job;
    h->jobs_end = &job->next;
    pthread_mutex_unlock(&h->lock);
    uv_async_send(&h->wake);
    return true;
}

void hub_job_finish(hub *h, api_job *job) {
    hub_audit_job(h, job);
    loop_post(job->loop, api_job_done, job);
}

void hub_job_refuse(api_job *job, problem p, const char *text) {
    job->problem = p;
    job->detail = arena_copy(job->memory, str_from(text));
}

void hub_write_report(hub *h, api_job *job) {
    json_writer w;
    json_writer_init(&w, &job->answer);
    report_write(h->last, &w);
}

/* What was replaced has ended, and every loop has what is new; or nobody is to wait any more. */
static bool has_settled(hub *h) {
    return h->stopping || (h->last->drained && hub_webhooks_settled(h));
}

static void reload(hub *h, api_job *job) {
    hub_reload(h);
    if (h->last == NULL) {
        job->problem = PROBLEM_OVERLOADED;
        job->detail = STR("no memory for a reload");
    } else if (job->wait && !has_settled(h)) {
        job->next = h->waiting;
        h->waiting = job;
        return;
    } else {
        hub_write_report(h, job);
    }
    hub_job_finish(h, job);
}

static void plan(hub *h, api_job *job) {
    err e = {""};
    bb_str text = hub_policy_plan(h, job->memory, &e);
    if (text.ptr != NULL) {
        buf_str_add(&job->answer, hub_webhooks_plan(h, job->memory, text));
    } else {
        job->problem = PROBLEM_OVERLOADED;
        job->detail = arena_copy(job->memory, str_from(e.text));
    }
    hub_job_finish(h, job);
}

/* Reloads that were asked for together are one. */
static api_job *take_reloads(api_job **jobs) {
    api_job *reloads = NULL, **end = &reloads;
    for (api_job **at = jobs; *at != NULL;) {
        if ((*at)->kind != JOB_RELOAD) {
            at = &(*at)->next;
            continue;
        }
        *end = *at;
        end = &(*at)->next;
        *at = *end;
        *end = NULL;
    }
    return reloads;
}

static void answer_reloads(hub *h, api_job *reloads) {
    if (reloads == NULL)
        return;
    api_job *rest = reloads->next;
    reload(h, reloads);
    for (api_job *job = rest, *next; job != NULL; job = next) {
        next = job->next;
        if (job->wait && !has_settled(h)) {
            job->next = h->waiting;
            h->waiting = job;
            continue;
        }
        hub_write_report(h, job);
        hub_job_finish(h, job);
    }
}

/* No change without its entry in the audit log. A rotation that has begun goes on, or ends itself. */
static bool refuse_unaudited(hub *h, api_job *job) {
    store_result health = h->store != NULL && hub_job_changes(job) && !job->begun ? store_health(h->store)
                                                                                  : STORE_OK;
    if (health == STORE_OK)
        return false;
    if (h->settings.offline)
        hub_job_refuse(job, PROBLEM_UNSUPPORTED,
                       "an offline hub only reads: give the command to a hub that runs");
    else
        hub_job_refuse(job, store_result_problem(health), store_result_text(health));
    loop_post(job->loop, api_job_done, job);
    return true;
}

void hub_run_jobs(hub *h) {
    pthread_mutex_lock(&h->lock);
    api_job *jobs = h->jobs;
    h->jobs = NULL;
    h->jobs_end = &h->jobs;
    pthread_mutex_unlock(&h->lock);
    answer_reloads(h, take_reloads(&jobs));
    for (api_job *job = jobs, *next; job != NULL; job = next) {
        next = job->next;
        if (refuse_unaudited(h, job))
            continue;
        switch (job->kind) {
        case JOB_KEY_CREATE:
        case JOB_KEY_REVOKE: hub_key_job(h, job); break;
        case JOB_AUTH_REVOKE: hub_auth_job(h, job); break;
        case JOB_AUTH_REVOKED: hub_auth_revoked(h, job); break;
        case JOB_WEBHOOK_CREATE:
        case JOB_WEBHOOK_REPLACE:
        case JOB_WEBHOOK_MERGE:
        case JOB_WEBHOOK_ROTATE:
        case JOB_WEBHOOK_DELETE: hub_webhook_job(h, job); break;
        case JOB_PLAN: plan(h, job); break;
        case JOB_LAST_RELOAD:
            hub_write_report(h, job);
            hub_job_finish(h, job);
            break;
        case JOB_SECRET_LIST:
        case JOB_SECRET_GET:
        case JOB_SECRET_SET:
        case JOB_SECRET_REMOVE:
        case JOB_SECRET_ROTATE: hub_secret_job(h, job); break;
        case JOB_QUARANTINE_LIST:
        case JOB_QUARANTINE_ALLOW: hub_quarantine_job(h, job); break;
        default: hub_connection_job(h, job); break;
        }
    }
}
