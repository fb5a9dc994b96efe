/* router.c - from path and method to a handler, and the key that is asked for on the way. */
#include "api/routes.h"

#include "base/clock.h"

typedef struct route {
    const char *method, *path; /* "*" stands for one segment */
    route_handler handler;
    access_role role; /* at least; ROLE_NONE: without a key */
} route;

static const route routes[] = {
    {"POST", "/api/v1/connections/*/operations/*", route_call,
     ROLE_CALLER}, /* first: it is most of the work */
    {"PUT", "/api/v1/connections/*/operations/*", route_call, ROLE_CALLER},
    {"GET", "/api/v1/connections/*/operations/*", route_connection_operation, ROLE_VIEWER},
    {"GET", "/api/v1/connections/*/operations", route_connection_operations, ROLE_VIEWER},
    {"POST", "/api/v1/connections/*/test", route_test, ROLE_OPERATOR},
    {"POST", "/api/v1/connections/*/auth", route_auth_begin, ROLE_ADMIN},
    {"GET", "/api/v1/connections/*/auth", route_auth_state, ROLE_VIEWER},
    {"DELETE", "/api/v1/connections/*/auth", route_auth_revoke, ROLE_ADMIN},
    {"GET", "/api/v1/connections/health", route_health, ROLE_VIEWER},
    {"GET", "/api/v1/connections/*", route_connection, ROLE_VIEWER},
    {"PUT", "/api/v1/connections/*", route_connection_replace, ROLE_ADMIN},
    {"PATCH", "/api/v1/connections/*", route_connection_merge, ROLE_ADMIN},
    {"DELETE", "/api/v1/connections/*", route_connection_delete, ROLE_ADMIN},
    {"GET", "/api/v1/connections", route_connections, ROLE_VIEWER},
    {"POST", "/api/v1/connections", route_connection_create, ROLE_ADMIN},
    {"GET", "/api/v1/webhooks/schemes", route_webhook_schemes, ROLE_VIEWER},
    {"GET", "/api/v1/webhooks/endpoints", route_endpoints, ROLE_VIEWER},
    {"POST", "/api/v1/webhooks/endpoints", route_endpoint_create, ROLE_ADMIN},
    {"GET", "/api/v1/webhooks/endpoints/*", route_endpoint, ROLE_VIEWER},
    {"PUT", "/api/v1/webhooks/endpoints/*", route_endpoint_replace, ROLE_ADMIN},
    {"PATCH", "/api/v1/webhooks/endpoints/*", route_endpoint_merge, ROLE_ADMIN},
    {"DELETE", "/api/v1/webhooks/endpoints/*", route_endpoint_delete, ROLE_ADMIN},
    {"POST", "/api/v1/webhooks/endpoints/*/test", route_endpoint_test, ROLE_OPERATOR},
    {"POST", "/api/v1/webhooks/endpoints/*/pause", route_endpoint_pause, ROLE_OPERATOR},
    {"POST", "/api/v1/webhooks/endpoints/*/resume", route_endpoint_resume, ROLE_OPERATOR},
    {"GET", "/api/v1/plugins", route_plugins, ROLE_VIEWER},
    {"GET", "/api/v1/plugins/quarantine", route_quarantine, ROLE_ADMIN},
    {"DELETE", "/api/v1/plugins/quarantine/*", route_quarantine_allow, ROLE_ADMIN},
    {"GET", "/api/v1/plugins/*", route_plugin, ROLE_VIEWER},
    {"GET", "/api/v1/plugins/*/operations/*", route_plugin_operation, ROLE_VIEWER},
    {"GET", "/api/v1/schemas", route_schemas, ROLE_VIEWER},
    {"GET", "/api/v1/schemas/*/*", route_schema, ROLE_VIEWER},
    {"GET", "/api/v1/auth-schemes", route_auth_schemes, ROLE_VIEWER},
    {"GET", "/api/v1/executions", route_executions, ROLE_VIEWER},
    {"GET", "/api/v1/executions/*", route_execution, ROLE_VIEWER},
    {"POST", "/api/v1/transfers", route_transfer_begin, ROLE_CALLER},
    {"GET", "/api/v1/transfers", route_transfers, ROLE_VIEWER},
    {"GET", "/api/v1/transfers/*", route_transfer, ROLE_VIEWER},
    {"DELETE", "/api/v1/transfers/*", route_transfer_cancel, ROLE_CALLER},
    {"GET", "/api/v1/problems", route_problems, ROLE_VIEWER},
    {"POST", "/api/v1/reload", route_reload, ROLE_OPERATOR},
    {"GET", "/api/v1/reload", route_last_reload, ROLE_OPERATOR},
    {"GET", "/api/v1/alerts", route_alerts, ROLE_VIEWER},
    {"GET", "/api/v1/limits", route_limits, ROLE_VIEWER},
    {"DELETE", "/api/v1/connections/*/cache", route_cache_purge, ROLE_OPERATOR},
    {"DELETE", "/api/v1/cache", route_cache_purge_all, ROLE_OPERATOR},
    {"POST", "/api/v1/connections/*/breaker/reset", route_breaker_reset, ROLE_OPERATOR},
    {"GET", "/api/v1/keys/self", route_key_self, ROLE_VIEWER},
    {"GET", "/api/v1/keys", route_keys, ROLE_ADMIN},
    {"POST", "/api/v1/keys", route_key_create, ROLE_ADMIN},
    {"GET", "/api/v1/keys/*", route_key, ROLE_ADMIN},
    {"DELETE", "/api/v1/keys/*", route_key_revoke, ROLE_ADMIN},
    {"GET", "/api/v1/audit", route_audit, ROLE_OPERATOR},
    {"GET", "/api/v1/secrets", route_secrets, ROLE_ADMIN},
    {"GET", "/api/v1/secrets/*", route_secret_get, ROLE_ADMIN},
    {"PUT", "/api/v1/secrets/*", route_secret_set, ROLE_ADMIN},
    {"DELETE", "/api/v1/secrets/*", route_secret_remove, ROLE_ADMIN},
    {"POST", "/api/v1/secrets/rotate", route_secrets_rotate, ROLE_ADMIN},
    {"POST", "/api/v1/events", route_events_send, ROLE_CALLER},
    {"GET", "/api/v1/events", route_events, ROLE_VIEWER},
    {"POST", "/api/v1/events/replay", route_events_replay, ROLE_OPERATOR},
    {"GET", "/api/v1/events/*", route_event, ROLE_OPERATOR},
    {"GET", "/api/v1/webhooks/targets", route_targets, ROLE_VIEWER},
    {"POST", "/api/v1/webhooks/targets/pause", route_target_pause, ROLE_OPERATOR},
    {"POST", "/api/v1/webhooks/targets/resume", route_target_resume, ROLE_OPERATOR},
    {"POST", "/api/v1/webhooks/targets/disable", route_target_disable, ROLE_OPERATOR},
    {"GET", "/api/v1/webhooks/subscriptions", route_subscriptions, ROLE_VIEWER},
    {"POST", "/api/v1/webhooks/subscriptions", route_subscription_create, ROLE_ADMIN},
    {"GET", "/api/v1/webhooks/subscriptions/*", route_subscription, ROLE_VIEWER},
    {"PUT", "/api/v1/webhooks/subscriptions/*", route_subscription_replace, ROLE_ADMIN},
    {"PATCH", "/api/v1/webhooks/subscriptions/*", route_subscription_merge, ROLE_ADMIN},
    {"DELETE", "/api/v1/webhooks/subscriptions/*", route_subscription_delete, ROLE_ADMIN},
    {"POST", "/api/v1/webhooks/subscriptions/*/rotate", route_subscription_rotate, ROLE_ADMIN},
    {"POST", "/api/v1/webhooks/subscriptions/*/pause", route_subscription_pause, ROLE_OPERATOR},
    {"POST", "/api/v1/webhooks/subscriptions/*/resume", route_subscription_resume, ROLE_OPERATOR},
    {"POST", "/api/v1/webhooks/subscriptions/*/test", route_subscription_test, ROLE_OPERATOR},
    {"POST", "/api/v1/webhooks/subscriptions/*/enable", route_subscription_enable, ROLE_OPERATOR},
    {"POST", "/api/v1/webhooks/subscriptions/*/recover", route_subscription_recover, ROLE_OPERATOR},
    {"GET", "/api/v1/webhooks/deliveries", route_deliveries, ROLE_VIEWER},
    {"POST", "/api/v1/webhooks/deliveries/redrive", route_deliveries_redrive, ROLE_OPERATOR},
    {"POST", "/api/v1/webhooks/deliveries/purge", route_deliveries_purge, ROLE_OPERATOR},
    {"GET", "/api/v1/webhooks/event-types", route_event_types, ROLE_VIEWER},
    {"POST", "/api/v1/webhooks/event-types", route_event_type_create, ROLE_ADMIN},
    {"GET", "/api/v1/webhooks/event-types/*", route_event_type, ROLE_VIEWER},
    {"PUT", "/api/v1/webhooks/event-types/*", route_event_type_replace, ROLE_ADMIN},
    {"PATCH", "/api/v1/webhooks/event-types/*", route_event_type_merge, ROLE_ADMIN},
    {"DELETE", "/api/v1/webhooks/event-types/*", route_event_type_delete, ROLE_ADMIN},
    {"GET", "/oauth/callback", route_oauth_callback, ROLE_NONE},
    {"GET", "/livez", route_live, ROLE_NONE},
    {"GET", "/readyz", route_ready, ROLE_NONE},
    {"GET", "/metrics", route_metrics, ROLE_NONE},
};
#define ROUTES (sizeof routes / sizeof routes[0])

/* Whether the path fits; its variable segments go to *p, still encoded. */
static bool path_fits(const char *pattern, bb_str path, route_params *p) {
    size_t at = 0, n = 0;
    for (; *pattern != '\0'; pattern++) {
        if (*pattern != '*') {
            if (at >= path.len || path.ptr[at++] != *pattern)
                return false;
            continue;
        }
        size_t end = at;
        while (end < path.len && path.ptr[end] != '/')
            end++;
        if (end == at)
            return false;
        p->part[n++] = str_of(path.ptr + at, end - at);
        at = end;
    }
    return at == path.len;
}

static bb_str decode(arena *a, bb_str s) {
    if (s.len == 0 || memchr(s.ptr, '%', s.len) == NULL)
        return s;
    char *out = arena_alloc(a, s.len);
    size_t n = 0;
    for (size_t i = 0; out != NULL && i < s.len; i++) {
        int high = s.ptr[i] == '%' && i + 2 < s.len ? str_hex_digit(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? str_hex_digit(s.ptr[i + 2]) : -1;
        out[n++] = low >= 0 ? (char)(high << 4 | low) : s.ptr[i];
        i += low >= 0 ? 2 : 0;
    }
    return str_of(out, n);
}

static principal *caller_of(const api *a, const http_request *r) {
    bb_str given = http_request_header(r, STR("Authorization"));
    if (given.len < 7 || !str_eq_nocase(str_of(given.ptr, 7), STR("Bearer ")))
        return NULL;
    return access_find(a->shared->access, str_trim(str_of(given.ptr + 7, given.len - 7)), clock_wall_ms());
}

/* The methods that this path takes: for Allow. */
static bool allowed_methods(bb_str path, char *out, size_t cap) {
    buf text;
    buf_init(&text);
    route_params unused;
    for (size_t i = 0; i < ROUTES; i++) {
        if (path_fits(routes[i].path, path, &unused)) {
            if (text.len > 0)
                buf_lit(&text, ", ");
            buf_str_add(&text, str_from(routes[i].method));
        }
    }
    bool any = text.len > 0 && text.len < cap;
    if (any)
        memcpy(out, buf_cstr(&text), text.len + 1);
    buf_free(&text);
    return any;
}

static const route *find_route(const http_request *r, route_params *p) {
    bool head = str_eq(r->method, STR("HEAD")); /* answered as GET; the server leaves the body out */
    for (size_t i = 0; i < ROUTES; i++) {
        bool method = str_eq(r->method, str_from(routes[i].method)) || (head && routes[i].method[0] == 'G');
        if (method && path_fits(routes[i].path, r->path, p))
            return &routes[i];
    }
    return NULL;
}

/* Webhooks are the hub's: of all, a key that is bound sees the endpoints of its connections, and what kinds
 * there are. */
static bool is_of_webhooks(const route *r) {
    return strncmp(r->path, "/api/v1/webhooks/", 17) == 0 &&
           (r->method[0] != 'G' || r->handler == route_subscriptions || r->handler == route_subscription ||
            r->handler == route_targets || r->handler == route_deliveries);
}

/* What tells of all connections, or acts on all: not for a key that is bound to some. */
static bool is_of_the_whole(const route *r) {
    return r->handler == route_reload || r->handler == route_last_reload || r->handler == route_audit ||
           r->handler == route_cache_purge_all || r->handler == route_quarantine ||
           r->handler == route_quarantine_allow || is_of_webhooks(r) ||
           strncmp(r->path, "/api/v1/events", 14) == 0;
}

/* Whether the request may go on; else it has been answered, in words that do not tell what there is. */
static bool admit(api *a, http_exchange *x, const route *found, route_params *p) {
    const http_request *r = http_exchange_request(x);
    p->who = caller_of(a, r);
    if (p->who == NULL) {
        audit_denied(a, x, NULL, "request", r->path, "no valid key");
        reply_problem(x, PROBLEM_UNAUTHORIZED, STR("this hub answers only to its keys"));
        return false;
    }
    if (found != NULL && p->who->role < found->role) {
        audit_denied(a, x, p->who, "request", r->path, "the key's role does not allow it");
        reply_problemf(x, PROBLEM_FORBIDDEN, "this needs the role %s; the key has %s",
                       access_role_name(found->role), access_role_name(p->who->role));
        return false;
    }
    if (found != NULL && p->who->connections.count > 0 && is_of_the_whole(found)) {
        audit_denied(a, x, p->who, "request", r->path, "the key is bound to connections");
        reply_problem(x, PROBLEM_FORBIDDEN,
                      STR("this is of the hub as a whole; the key is bound to connections"));
        return false;
    }
    return true;
}

/* Services have no key: to whatever they ask for there, by whichever method, the answer is the endpoint's, or
 * that there is none. Some put a slash too much before it. */
static bool is_below_hooks(bb_str path) {
    while (path.len > 1 && path.ptr[0] == '/' && path.ptr[1] == '/')
        path = str_of(path.ptr + 1, path.len - 1);
    return str_eq(path, STR("/hooks")) || str_starts(path, STR("/hooks/"));
}

void api_handle(http_exchange *x, void *ctx) {
    api *a = ctx;
    const http_request *r = http_exchange_request(x);
    route_params p = {0};
    if (is_below_hooks(r->path)) {
        bool whole = path_fits("/hooks/*", r->path, &p);
        p.part[0] = whole ? decode(http_exchange_arena(x), p.part[0]) : STR("");
        route_hook(a, x, &p);
        return;
    }
    const route *found = find_route(r, &p);
    if ((found == NULL || found->role != ROLE_NONE) && !admit(a, x, found, &p))
        return;
    char methods[64];
    if (found == NULL) {
        if (allowed_methods(r->path, methods, sizeof methods))
            reply_method_not_allowed(x, methods);
        else
            reply_problemf(x, PROBLEM_NOT_FOUND, "there is nothing at %.*s", STR_FMT(r->path));
        return;
    }
    for (size_t i = 0; i < sizeof p.part / sizeof p.part[0]; i++)
        p.part[i] = decode(http_exchange_arena(x), p.part[i]);
    found->handler(a, x, &p);
}
