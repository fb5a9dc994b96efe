/* keys.c - API keys made and revoked. */
#include "hub/internal.h"

#include "base/clock.h"

static void create(hub *h, api_job *job) {
    err e = {""};
    json_error at;
    principal *made;
    problem p = PROBLEM_INVALID_JSON;
    uint64_t now = clock_wall_ms();
    const json_value *wish = json_read(job->memory, job->body, NULL, &at);
    bb_str key = {NULL, 0};
    if (wish == NULL)
        err_set(&e, "line %u, column %u: %s", at.line, at.column, at.reason);
    else
        key = access_create(h->access, h->store, wish, now, job->memory, &made, &p, &e);
    if (key.ptr == NULL) {
        hub_job_refuse(job, p, e.text);
        return;
    }
    json_writer w;
    json_writer_init(&w, &job->answer);
    json_object(&w);
    json_member_string(&w, STR("key"), key);
    json_keyl(&w, "record");
    access_write(made, now, &w);
    json_object_end(&w);
    str_wipe(key);
    job->target = made->id;
    job->detail = arena_printf(job->memory, "%s \"%.*s\" %.*s", access_role_name(made->role),
                               STR_FMT(made->name), STR_FMT(made->limits));
    job->status = 201;
}

static void withdraw(hub *h, api_job *job) {
    uint64_t now = clock_wall_ms();
    store_result r = access_revoke(h->access, h->store, job->id, now);
    job->target = job->id;
    if (r == STORE_NOT_FOUND) {
        hub_job_refuse(
            job, PROBLEM_NOT_FOUND,
            "there is no such key that can be revoked; the admin's own is replaced by removing its file and "
            "starting the hub again");
        return;
    }
    if (r != STORE_OK) {
        hub_job_refuse(job, store_result_problem(r), store_result_text(r));
        return;
    }
    json_writer w;
    json_writer_init(&w, &job->answer);
    access_write(access_by_id(h->access, job->id), now, &w);
}

void hub_key_job(hub *h, api_job *job) {
    if (h->store == NULL)
        hub_job_refuse(job, PROBLEM_STORE_UNAVAILABLE, "this hub runs offline: it keeps no keys");
    else if (job->kind == JOB_KEY_CREATE)
        create(h, job);
    else
        withdraw(h, job);
    hub_job_finish(h, job);
}
