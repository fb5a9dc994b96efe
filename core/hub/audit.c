/* audit.c - every change that is carried out, or refused, in the audit log: on disk before the caller is
 * told. */
#include "hub/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/audit.h"

static const char *const webhook_actions[WEBHOOK_KINDS][4] = {
    [WEBHOOK_ENDPOINT] = {"endpoint.create", "endpoint.replace", "endpoint.change", "endpoint.delete"},
    [WEBHOOK_SUBSCRIPTION] = {"subscription.create", "subscription.replace", "subscription.change",
                              "subscription.delete"},
    [WEBHOOK_EVENT_TYPE] = {"event_type.create", "event_type.replace", "event_type.change",
                            "event_type.delete"},
};

static const char *action_of(const api_job *job) {
    switch (job->kind) {
    case JOB_RELOAD: return "reload";
    case JOB_CREATE: return "connection.create";
    case JOB_REPLACE: return "connection.replace";
    case JOB_MERGE: return "connection.change";
    case JOB_DELETE: return "connection.delete";
    case JOB_AUTH_REVOKE: return "connection.revoke";
    case JOB_WEBHOOK_CREATE: return webhook_actions[job->webhook_kind][0];
    case JOB_WEBHOOK_REPLACE: return webhook_actions[job->webhook_kind][1];
    case JOB_WEBHOOK_MERGE: return webhook_actions[job->webhook_kind][2];
    case JOB_WEBHOOK_ROTATE: return "subscription.rotate";
    case JOB_WEBHOOK_DELETE: return webhook_actions[job->webhook_kind][3];
    case JOB_KEY_CREATE: return "key.create";
    case JOB_KEY_REVOKE: return "key.revoke";
    case JOB_SECRET_GET: return "secret.read";
    case JOB_SECRET_SET: return "secret.set";
    case JOB_SECRET_REMOVE: return "secret.remove";
    case JOB_SECRET_ROTATE: return "secret.rotate";
    case JOB_QUARANTINE_ALLOW: return "plugin.allow";
    default: return NULL; /* it changes nothing */
    }
}

bool hub_job_changes(const api_job *job) {
    return action_of(job) != NULL;
}

static void add(hub *h, const audit_entry *e) {
    store_result r = h->store != NULL ? store_audit_add_now(h->store, e) : STORE_OK;
    if (r != STORE_OK)
        log_error("the audit log did not take %.*s of %.*s: %s", STR_FMT(e->action), STR_FMT(e->target),
                  store_result_text(r));
}

void hub_audit_job(hub *h, const api_job *job) {
    const char *action = action_of(job);
    if (action == NULL)
        return;
    audit_entry e = {.at_ms = clock_wall_ms(),
                     .actor = job->actor,
                     .actor_name = job->actor_name,
                     .from = job->from,
                     .action = str_from(action),
                     .target = job->target.len > 0 ? job->target : job->id,
                     .outcome = job->problem == PROBLEM_NONE ? STR("done") : STR("failed"),
                     .detail = job->detail,
                     .count = 1};
    add(h, &e);
}

void hub_audit_system(hub *h, const char *actor, const char *action, bb_str detail) {
    audit_entry e = {.at_ms = clock_wall_ms(),
                     .actor = str_from(actor),
                     .action = str_from(action),
                     .outcome = STR("done"),
                     .detail = detail,
                     .count = 1};
    add(h, &e);
}
