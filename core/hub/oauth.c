/* oauth.c - the auth manager's place in the hub: its runtime, and tokens that are taken back. */
#include "hub/internal.h"

#include "auth/oauth2_consent.h"

bool hub_auth_open(hub *h, err *e) {
    const auth_runtime_options options = {.store = h->store,
                                          .secrets = h->secrets,
                                          .loops = h->settings.loops,
                                          .read_only = h->settings.offline};
    h->auth = auth_runtime_new(&options);
    return h->auth != NULL || err_set(e, "no memory");
}

bool hub_auth_serve(hub *h, err *e) {
    auth_loop loops[LOOP_MAX];
    for (unsigned i = 0; i < h->loop_count; i++)
        loops[i] = h->loops[i].worker.auth_loop;
    const char *url = h->settings.public_url != NULL ? h->settings.public_url : h->url;
    return auth_runtime_serve(h->auth, url, loops) || err_set(e, "no memory");
}

/* --- taking back ------------------------------------------------------------------------------------ */

typedef struct revoking {
    hub *hub;
    api_job *job;
} revoking;

/* On the job's loop, or on the main thread; the audit log is the main thread's. */
static void on_revoked(bool ok, const char *text, void *ctx) {
    revoking *r = ctx; /* in the job's memory */
    json_writer w;
    json_writer_init(&w, &r->job->answer);
    json_object(&w);
    json_member_string(&w, STR("connection"), r->job->id);
    json_member_bool(&w, STR("revoked"), ok);
    json_member_string(&w, STR("detail"), str_from(text));
    json_object_end(&w);
    r->job->kind = JOB_AUTH_REVOKED;
    hub_submit(r->hub, r->job);
}

void hub_auth_revoked(hub *h, api_job *job) {
    job->kind = JOB_AUTH_REVOKE;
    hub_job_finish(h, job);
}

void hub_auth_job(hub *h, api_job *job) {
    const snapshot_entry *entry = snapshot_find(registry_current(h->registry), job->id);
    revoking *r = arena_zalloc(job->memory, sizeof *r);
    if (r == NULL || entry == NULL || entry->conn == NULL) {
        hub_job_refuse(job, PROBLEM_CONNECTION_NOT_FOUND, "there is no such connection any more");
        hub_job_finish(h, job);
        return;
    }
    *r = (revoking){h, job};
    auth_revoke(&entry->conn->auth, loop_index(job->loop), false, on_revoked, r);
}

void hub_auth_forget(hub *h, const connection *deleted) {
    /* another file may have the same id, which comes into force now */
    bool for_good = snapshot_find(registry_current(h->registry), deleted->id) == NULL;
    auth_revoke(&deleted->auth, 0, for_good, NULL, NULL);
}
