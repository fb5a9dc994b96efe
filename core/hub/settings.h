/* settings.h - hub-wide settings: the command line over busbar.conf over the defaults. */
#ifndef HUB_SETTINGS_H
#define HUB_SETTINGS_H

#include "conf/conf.h"
#include "content/folders.h"
#include "http/server.h"
#include "http/tls.h"
#include "hub/hub.h"
#include "observe/alerts.h"
#include "plugin/trust.h"
#include "webhook/post.h"

typedef struct hub_settings {
    const char *conf_dir, *state_dir, *plugins_dir, *listen;
    const char *tls_listen;      /* NULL: no TLS */
    tls_files tls;               /* read anew at each reload */
    const char *public_url;      /* that browsers reach the hub by; NULL: where it listens */
    const char *master_key_file; /* NULL: where secret/secret.h says */
    const char *store_file;
    unsigned loops;
    bool strict, offline;
    uint64_t drain_soft_ms, drain_hard_ms;   /* calls on replaced connections: cancelled, then given up on */
    uint64_t step_warning_ms, step_limit_ms; /* of a step that keeps its loop waiting; 0: not told of */
    uint64_t connection_memory;              /* bytes of an instance, by busbar.memory/1 */
    uint64_t shutdown_ms;                    /* grace for calls when stopping */
    http_server_limits limits;
    uint64_t cache_bytes;
    uint64_t executions_count, executions_ms, executions_per_second; /* kept in the store */
    const char *events_file;
    uint64_t events_ms, events_dead_ms, events_bytes; /* how long and how many are kept; 0: no limit */
    uint64_t events_abandon_ms;                       /* what waits for targets that nobody has; 0: never */
    uint64_t idempotency_ms;
    const char *otlp_endpoint, *trace_service; /* endpoint NULL: no export */
    const char *const *otlp_headers;           /* ends with NULL */
    double trace_sample;
    content_folders folders;        /* [files] */
    uint32_t subscriptions_per_key; /* [webhooks] */
    bool known_types;               /* [webhooks]: callers send events of declared types alone */
    post_rules post;                /* [webhooks]: where events may be sent */
    alerts *alerts;                 /* NULL: no rules. alerts_free is the hub's, also when reading fails */
    conf_file conf;                 /* busbar.conf as it was read, for what is changed in it later */
} hub_settings;

/* alerts.c: [alerts] */
bool hub_settings_read_alerts(struct arena *a, const conf_file *f, hub_settings *out, err *e);
/* settings_stages.c: [cache], [executions], [idempotency], [trace]. */
bool hub_settings_read_stages(struct arena *a, const conf_file *f, hub_settings *out, err *e);

/* settings_plugins.c: [plugins] and [pins]. */
bool hub_settings_read_plugins(struct arena *a, const conf_file *f, plugin_policy *out, err *e);
/* The same, from busbar.conf beside the conf folder; nothing else of it is looked at but its sections' names.
 */
bool hub_settings_policy(struct arena *a, const char *conf_dir, plugin_policy *out, err *e);
/* The public keys in a folder, for out->keys. */
bool hub_keys_read(struct arena *a, const char *folder, plugin_policy *out, err *e);

/* settings_tls.c: what [hub] says of TLS. */
bool hub_settings_read_tls(struct arena *a, const conf_file *f, const char **listen, tls_files *out, err *e);
/* The same, from busbar.conf beside the conf folder. */
bool hub_settings_tls(struct arena *a, const char *conf_dir, tls_files *out, err *e);

/* settings_events.c: [events]; once the state folder is known. */
bool hub_settings_read_events(struct arena *a, const conf_file *f, hub_settings *out, err *e);

/* settings_files.c: [files]; once the state folder is known. */
bool hub_settings_read_files(struct arena *a, const conf_file *f, hub_settings *out, err *e);

/* settings_webhooks.c: [webhooks] */
bool hub_settings_read_webhooks(struct arena *a, const conf_file *f, hub_settings *out, err *e);
/* [webhooks] and [events] once more, from busbar.conf beside the conf folder, and out->conf. */
bool hub_settings_again(struct arena *a, const hub_settings *now, hub_settings *out, err *e);

/* Reads busbar.conf beside the conf folder, where there is one. False: *e names file and line. */
bool hub_settings_read(struct arena *a, const hub_options *options, hub_settings *out, err *e);

#endif
