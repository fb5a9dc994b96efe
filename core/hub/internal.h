/* internal.h - what the hub's files share. Everything belongs to the main thread unless said otherwise. */
#ifndef HUB_INTERNAL_H
#define HUB_INTERNAL_H

#include "api/api.h"
#include "auth/session.h"
#include "http/server.h"
#include "hub/hub.h"
#include "hub/settings.h"
#include "plugin/quarantine.h"
#include "plugin/watchdog.h"
#include "registry/registry.h"
#include "secret/secret.h"
#include "transfer/transfer.h"
#include "webhook/webhook.h"

#include <pthread.h>

/* What tells that a loop comes to its work in time, while it has any. The loop's own. */
typedef struct hub_pulse {
    watchdog_pulse *to;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uint64_t cpu_ns; /* of the thread, when the timer was set */
    unsigned rounds; /* of the loop since then */
    bool set, rests;
} hub_pulse;

/* One loop with all that runs on it. */
typedef struct hub_loop {
    loop *loop;
    worker worker;
    webhook_loop webhooks;
    api api;
    http_server *server;
    uv_timer_t last_call; /* once the server closes: then calls that nobody waits for are cancelled too */
    unsigned ends;        /* that the stop of this loop still waits for */
    hub_pulse pulse;
    bool closing; /* the server will free itself: not to be asked any more; guarded by the hub's lock */
    struct hub *hub;
} hub_loop;

/* A target that is in force no more. */
typedef struct gone_target gone_target;

/* A reload that somebody waits for until it has drained. */
typedef struct waiter waiter;

struct hub {
    hub_settings settings;
    arena *memory;
    char *url, *key, *key_file;
    char *tls_url;    /* NULL: it does not listen by TLS */
    tls_context *tls; /* in force; NULL: none */
    int lock_fd;      /* of the state folder; -1: none */
    uv_loop_t uv;     /* the main loop */
    uv_async_t wake;
    uv_signal_t signals[3];
    uv_timer_t drain_timer;
    pthread_mutex_t lock; /* guards what other threads put in: */
    api_job *jobs, **jobs_end;
    struct release *releases;
    struct accusation *accusations;
    bool stop;
    unsigned loops_closed; /* with nothing of ours left on them */
    bool reload_wanted;    /* the main thread's own from here */
    bool stopping;

    store *store; /* NULL: offline, and there is none */
    secrets *secrets;
    quarantine *quarantine;
    arena *policy_memory;
    plugin_policy *policy;      /* in policy_memory */
    struct settings_kept *kept; /* what was read of busbar.conf at reloads, and may be in use */
    err policy_error;           /* why busbar.conf's newer one is not in force; "": it is */
    isolates *isolates;
    registry *registry;
    executions *executions;
    quota_book *quotas;
    access_keys *access;
    cache *cache;
    transfers *transfers;
    auth_runtime *auth;
    otlp *otlp;
    webhooks webhooks;
    uv_timer_t keep_timer, alert_timer;
    uint64_t ticks, most_clients;
    store_result store_was;
    api_shared shared;
    hub_loop *loops;
    worker *workers[LOOP_MAX]; /* theirs */
    unsigned loop_count;

    watchdog *watchdog;
    int crash_fd;        /* where a crash would be written down; -1: nowhere */
    report *last;        /* of the last reload */
    connection *retired; /* not yet let go of, by next_retired */
    api_job *waiting;    /* reload?wait=true, until `retired` is empty */
    gone_target *gone;   /* until all loops know that they are: then what waits for them is cancelled */
    uint64_t in_force_ns, gone_looked_ns; /* since when there is a set; the last look for what is abandoned */
    api_job *webhook_jobs;                /* carried out; until all loops have what they made */
    bool rotating;                        /* the secrets: one at a time */
};

/* reload.c */
void hub_reload(hub *h);
void hub_drain_check(uv_timer_t *timer);
/* A loop has let go of a connection; from a loop's thread. */
void hub_released(connection *c, void *hub);
void hub_take_releases(hub *h);
void hub_drop_releases(hub *h); /* of what is freed already */
void hub_answer_waiters(hub *h);
/* Builds whose processes end again and again go into quarantine. */
void hub_take_looping(hub *h);

/* jobs.c */
bool hub_submit(void *hub, api_job *job); /* from a loop's thread */
void hub_run_jobs(hub *h);
/* Notes it in the audit log and hands the answer back. */
void hub_job_finish(hub *h, api_job *job);
void hub_job_refuse(api_job *job, problem p, const char *text);
void hub_write_report(hub *h, api_job *job);

/* connections.c: files in conf.d that the API changes */
void hub_connection_job(hub *h, api_job *job);

/* policy.c: which connectors may run: busbar.conf's [plugins] and [pins] */
bool hub_policy_open(hub *h, err *e);
void hub_policy_reload(hub *h); /* a bad one leaves the one before in force, and is in the report */
void hub_policy_close(hub *h);
/* registry_plan with what busbar.conf says now. */
bb_str hub_policy_plan(hub *h, arena *a, err *e);

/* tls.c: HTTPS */
void hub_settings_note(report *told,
                       const err *why); /* tls.c: why busbar.conf's newer ones are not in force */
bool hub_tls_open(hub *h, err *e);      /* reads the files; where it is not wanted, nothing */
/* A bad one leaves the one before in force, and is in the report. */
void hub_tls_reload(hub *h, report *told);
/* Whether a reload would take what is there now. */
bool hub_tls_check(const hub *h, err *e);
void hub_tls_close(hub *h);

/* settings_again.c: what of busbar.conf takes effect at a reload beside these, and what does not. Before
 * hub_webhooks_reload. */
void hub_settings_reload(hub *h, report *told);
/* Whether a reload could read them. */
bool hub_settings_check(const hub *h, err *e);
void hub_settings_close(hub *h);

/* quarantine_jobs.c */
void hub_quarantine_job(hub *h, api_job *job);

/* keys.c */
void hub_key_job(hub *h, api_job *job);

/* oauth.c */
bool hub_auth_open(hub *h, err *e);
bool hub_auth_serve(hub *h, err *e); /* once the loops are made, before they run */
void hub_auth_job(hub *h, api_job *job);
void hub_auth_revoked(hub *h, api_job *job);
/* A connection that has been deleted: its tokens are revoked at the service, as far as it lets, and
 * forgotten. */
void hub_auth_forget(hub *h, const connection *deleted);

/* audit.c */
bool hub_job_changes(const api_job *job);
void hub_audit_job(hub *h, const api_job *job);
void hub_audit_system(hub *h, const char *actor, const char *action, bb_str detail);

/* keeping.c: keys and quotas from the store; then to the store now and then; and at last */
bool hub_keep_load(hub *h, err *e);
void hub_keep_start(hub *h);
void hub_keep_last(hub *h);

/* alerts.c: looks at all connections once a second, where there are rules */
void hub_alerts_start(hub *h);

/* secret_jobs.c */
void hub_secret_job(hub *h, api_job *job);

/* watch.c: who blocks a loop; what is done about it */
bool hub_watch_start(hub *h, err *e); /* before the loops run */
void hub_watch_stop(hub *h);
bool hub_pulse_start(hub_loop *l); /* false: no memory */
void hub_pulse_stop(hub_loop *l);  /* [loop] */
void hub_take_accusations(hub *h);

/* crashes.c: what the last run left, and what this one is to leave */
bool hub_crashes_open(hub *h, err *e);
void hub_crashes_close(hub *h);

/* blame.c: a build goes into quarantine; logged and in the audit log. `reason` is a sentence. */
void hub_blame(hub *h, const quarantine_entry *entry, const char *actor);

/* webhooks.c: endpoints, subscriptions and event types in conf.d */
bool hub_webhooks_open(hub *h, err *e);
/* What their readers may look at now. */
webhook_reading hub_webhooks_reading(const hub *h);
/* Reads them anew, after the connections, and hands them to the loops. */
void hub_webhooks_reload(hub *h, report *told); /* `told`, or NULL, gets what has changed */
void hub_webhooks_reread(hub *h, webhook_kind kind, const char *path); /* where one file alone has changed */
bb_str hub_webhooks_plan(hub *h, arena *a, bb_str plan);
void hub_webhooks_close(hub *h);
/* Whether every loop has the set in force. */
bool hub_webhooks_settled(const hub *h);
/* The job is answered once that is so, and what waits for targets that are gone is being cancelled: what it
 * has made is there, wherever it is looked for. */
void hub_webhooks_wait(hub *h, api_job *job);
void hub_webhooks_finish(hub *h);
/* webhooks_gone.c: what waits for those that no file has any more */
void hub_gone_note(hub *h, const webhook_set *next); /* by the set that is put in force */
void hub_gone_cancel(hub *h);                        /* once all loops have that */
void hub_gone_begin(hub *h);
void hub_gone_look(hub *h); /* each second */
void hub_gone_drop(hub *h);
/* webhook_jobs.c: those files, as the API changes them */
void hub_webhook_job(hub *h, api_job *job);

/* stop.c: ends uv_run of hub_free once all loops are closed */
void hub_stop_check(hub *h);

/* storage.c: the store and the secrets in it, and the queue of events */
bool hub_storage_open(hub *h, err *e);
void hub_storage_close(hub *h);
/* The same for the child that plans a reload: only read. */
bool hub_storage_of_plan(const registry_options *options, err *e);
void hub_storage_of_plan_end(void);

/* transfers.c: before the loops are made, and before they run */
bool hub_transfers_open(hub *h, err *e);
bool hub_transfers_load(hub *h, err *e);

/* state.c: the state folder */
bool hub_state_open(hub *h, bool offline, err *e);
bool hub_state_busy(const char *state_dir); /* a hub uses it */
void hub_state_close(hub *h);

#endif
