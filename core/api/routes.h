/* routes.h - the handlers of the API, by resource. Each answers the exchange, now or later. */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include "api/api.h"
#include "api/reply.h"

/* The variable segments of the path, decoded, and who asks. */
typedef struct route_params {
    bb_str part[2];
    principal *who; /* NULL: an open route */
} route_params;

typedef void (*route_handler)(api *a, http_exchange *x, const route_params *p);

/* transfers.c */
void route_transfer_begin(api *a, http_exchange *x, const route_params *p);
void route_transfers(api *a, http_exchange *x, const route_params *p);
void route_transfer(api *a, http_exchange *x, const route_params *p);
void route_transfer_cancel(api *a, http_exchange *x, const route_params *p);

/* plugins.c */
void route_plugins(api *a, http_exchange *x, const route_params *p);
void route_plugin(api *a, http_exchange *x, const route_params *p);
void route_plugin_operation(api *a, http_exchange *x, const route_params *p);
void route_schemas(api *a, http_exchange *x, const route_params *p);
void route_schema(api *a, http_exchange *x, const route_params *p);
void route_auth_schemes(api *a, http_exchange *x, const route_params *p);

/* quarantine.c */
void route_quarantine(api *a, http_exchange *x, const route_params *p);
void route_quarantine_allow(api *a, http_exchange *x, const route_params *p);

/* connections.c */
void route_connections(api *a, http_exchange *x, const route_params *p);
void route_connection(api *a, http_exchange *x, const route_params *p);
void route_connection_operations(api *a, http_exchange *x, const route_params *p);
void route_connection_operation(api *a, http_exchange *x, const route_params *p);
void route_health(api *a, http_exchange *x, const route_params *p);

/* keys.c */
void route_keys(api *a, http_exchange *x, const route_params *p);
void route_key_self(api *a, http_exchange *x, const route_params *p);
void route_key(api *a, http_exchange *x, const route_params *p);
void route_key_create(api *a, http_exchange *x, const route_params *p);
void route_key_revoke(api *a, http_exchange *x, const route_params *p);

/* audit.c */
void route_audit(api *a, http_exchange *x, const route_params *p);
/* Notes a request that was refused (401, 403). */
void audit_denied(api *a, http_exchange *x, const principal *who, const char *action, bb_str target,
                  const char *why);

/* Whether all parameters of the query are among `known`, which ends with NULL: one that is not would be
 * passed over in silence. False: it has been answered. */
bool query_known(http_exchange *x, const char *const *known);
bool query_none(http_exchange *x); /* the same where there are none */
/* ?NAME= as a time; 0: not given. False: the exchange has been answered. */
bool query_time(http_exchange *x, bb_str name, uint64_t *out);
/* A number from 1 to `max` in the query; 0: not given. False: it has been answered that it is none. */
bool query_count(http_exchange *x, bb_str name, uint64_t max, uint64_t *out);
/* A text in the query; not given: *out stays as it is. */
void query_text(http_exchange *x, bb_str name, bb_str *out);
/* {"NAME": [rows], "next": N}: a page of the queue's rows, JSON with commas between; 0: there is no next. */
void reply_rows(http_exchange *x, const char *name, bb_str rows, int64_t next);

/* The same of a text: RFC 3339, seconds since 1970, or "24h", so long ago. */
bool time_of_text(bb_str text, uint64_t *out);

/* events.c, events_list.c */
void route_events_send(api *a, http_exchange *x, const route_params *p);
void route_events(api *a, http_exchange *x, const route_params *p);
void route_event(api *a, http_exchange *x, const route_params *p);
void route_events_replay(api *a, http_exchange *x, const route_params *p);

/* event_types.c */
void route_event_types(api *a, http_exchange *x, const route_params *p);
void route_event_type(api *a, http_exchange *x, const route_params *p);
void route_event_type_create(api *a, http_exchange *x, const route_params *p);
void route_event_type_replace(api *a, http_exchange *x, const route_params *p);
void route_event_type_merge(api *a, http_exchange *x, const route_params *p);
void route_event_type_delete(api *a, http_exchange *x, const route_params *p);

/* alerts.c */
void route_alerts(api *a, http_exchange *x, const route_params *p);

/* upstream.c: state that calls share */
void route_cache_purge(api *a, http_exchange *x, const route_params *p);
void route_cache_purge_all(api *a, http_exchange *x, const route_params *p);
void route_breaker_reset(api *a, http_exchange *x, const route_params *p);
void route_limits(api *a, http_exchange *x, const route_params *p);
void write_sessions(json_writer *w,
                    const connection *c); /* member: sessions, of a connection that has a pool */
void render_sessions(buf *out, const snapshot *s);
void write_limits(json_writer *w, const connection *c); /* members: breaker, rate, concurrency, quota */
void write_breaker(json_writer *w, const connection *c);

/* calls.c */
void route_call(api *a, http_exchange *x, const route_params *p);
void route_test(api *a, http_exchange *x, const route_params *p);

/* oauth.c: a connection's tokens */
void route_auth_begin(api *a, http_exchange *x, const route_params *p);
void route_auth_state(api *a, http_exchange *x, const route_params *p);
void route_auth_revoke(api *a, http_exchange *x, const route_params *p);
void route_oauth_callback(api *a, http_exchange *x, const route_params *p);

/* jobs.c */
void route_connection_create(api *a, http_exchange *x, const route_params *p);
void route_connection_replace(api *a, http_exchange *x, const route_params *p);
void route_connection_merge(api *a, http_exchange *x, const route_params *p);
void route_connection_delete(api *a, http_exchange *x, const route_params *p);
void route_reload(api *a, http_exchange *x, const route_params *p);
void route_last_reload(api *a, http_exchange *x, const route_params *p);

/* secrets.c */
void route_secrets(api *a, http_exchange *x, const route_params *p);
void route_secret_get(api *a, http_exchange *x, const route_params *p);
void route_secret_set(api *a, http_exchange *x, const route_params *p);
void route_secret_remove(api *a, http_exchange *x, const route_params *p);
void route_secrets_rotate(api *a, http_exchange *x, const route_params *p);

/* endpoints.c: webhooks in */
void route_hook(api *a, http_exchange *x, const route_params *p);
void route_endpoints(api *a, http_exchange *x, const route_params *p);
void route_endpoint(api *a, http_exchange *x, const route_params *p);
void route_endpoint_create(api *a, http_exchange *x, const route_params *p);
void route_endpoint_replace(api *a, http_exchange *x, const route_params *p);
void route_endpoint_merge(api *a, http_exchange *x, const route_params *p);
void route_endpoint_delete(api *a, http_exchange *x, const route_params *p);
void route_endpoint_test(api *a, http_exchange *x, const route_params *p);
void route_endpoint_pause(api *a, http_exchange *x, const route_params *p);
void route_endpoint_resume(api *a, http_exchange *x, const route_params *p);
void route_webhook_schemes(api *a, http_exchange *x, const route_params *p);
void render_endpoints(api *a, buf *out);
/* Has the main thread change one of these files, p->part[0] of a webhook_kind; `body` absent: the request's.
 */
void webhook_submit(api *a, http_exchange *x, const route_params *p, api_job_kind kind, int of, bb_str body);

/* targets.c: whom events are delivered to */
void route_targets(api *a, http_exchange *x, const route_params *p);
void route_target_pause(api *a, http_exchange *x, const route_params *p);
void route_target_resume(api *a, http_exchange *x, const route_params *p);
void route_target_disable(api *a, http_exchange *x, const route_params *p);

/* subscriptions.c: webhooks out */
void route_subscriptions(api *a, http_exchange *x, const route_params *p);
void route_subscription(api *a, http_exchange *x, const route_params *p);
void route_subscription_create(api *a, http_exchange *x, const route_params *p);
void route_subscription_replace(api *a, http_exchange *x, const route_params *p);
void route_subscription_merge(api *a, http_exchange *x, const route_params *p);
void route_subscription_delete(api *a, http_exchange *x, const route_params *p);
void route_subscription_rotate(api *a, http_exchange *x, const route_params *p);
void route_subscription_pause(api *a, http_exchange *x, const route_params *p);
void route_subscription_resume(api *a, http_exchange *x, const route_params *p);
void route_subscription_test(api *a, http_exchange *x, const route_params *p);
void route_subscription_enable(api *a, http_exchange *x, const route_params *p);

/* deliveries.c */
void route_deliveries(api *a, http_exchange *x, const route_params *p);
void route_deliveries_redrive(api *a, http_exchange *x, const route_params *p);
void route_deliveries_purge(api *a, http_exchange *x, const route_params *p);
void route_subscription_recover(api *a, http_exchange *x, const route_params *p);

/* status.c */
void route_live(api *a, http_exchange *x, const route_params *p);
void route_ready(api *a, http_exchange *x, const route_params *p);
void route_metrics(api *a, http_exchange *x, const route_params *p);
void route_executions(api *a, http_exchange *x, const route_params *p);
void route_execution(api *a, http_exchange *x, const route_params *p);
void route_problems(api *a, http_exchange *x, const route_params *p);

/* Shared by plugins.c and connections.c. */
void write_operation_summary(json_writer *w, const plugin_op *op);
void write_operation(json_writer *w, const plugin_module *m, const plugin_op *op);
void write_operations(json_writer *w, const plugin_module *m);
/* Members: all that a connector declares but its id, name, version and summary. `whole`: operations and
 * schemas with their texts, not just their names. What the hub's own auth schemes have to do with it has been
 * checked. */
void write_declarations(json_writer *w, arena *memory, const plugin_module *m, bool whole);

/* The entry of a connection that the key may see, or NULL after the exchange has been answered; the second:
 * one that can be called. */
const snapshot_entry *find_entry(api *a, http_exchange *x, const principal *who, bb_str id);
const snapshot_entry *find_connection(api *a, http_exchange *x, const principal *who, bb_str id);
const plugin_op *find_operation(http_exchange *x, const plugin_module *m, bb_str id);

#endif
