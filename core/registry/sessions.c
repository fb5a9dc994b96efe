#include "registry/sessions.h"

static const char *const session_keys[] = {"sessions", "idle", "lifetime", "health", "wait", "waiting", NULL};

#define HOUR_MS 3600000u

static bool read_keys(connection *c, const conf_file *f, const conf_section *s, err *e) {
    session_policy *p = &c->session_policy;
    arena *a = c->memory;
    uint64_t sessions, waiting;
    bool ok = conf_u64(a, f, conf_find(s, STR("sessions")), 1, PLUGIN_SESSIONS_MAX, p->sessions, &sessions,
                       e) &&
              conf_u64(a, f, conf_find(s, STR("waiting")), 0, 100000, p->waiting, &waiting, e) &&
              conf_duration_ms(a, f, conf_find(s, STR("idle")), 1, 24 * HOUR_MS, p->idle_ms, &p->idle_ms,
                               e) &&
              conf_duration_ms(a, f, conf_find(s, STR("lifetime")), 0, 720u * HOUR_MS, p->lifetime_ms,
                               &p->lifetime_ms, e) &&
              conf_duration_ms(a, f, conf_find(s, STR("health")), 0, 24 * HOUR_MS, p->health_ms,
                               &p->health_ms, e) &&
              conf_duration_ms(a, f, conf_find(s, STR("wait")), 0, 24 * HOUR_MS, p->wait_ms, &p->wait_ms, e);
    if (ok) {
        p->sessions = (uint32_t)sessions;
        p->waiting = (uint32_t)waiting;
    }
    return ok;
}

bool sessions_read(connection *c, const conf_file *f, err *e) {
    const conf_section *s = conf_find_section(f, STR("session"));
    if (c->module->sessions == NULL)
        return s == NULL ||
               conf_fail(e, f, s->line,
                         "connector %s has no session operations: [session] does not belong here",
                         c->module->desc->id);
    c->session_policy = session_policy_of(c->module->sessions);
    c->session_policy.open_ms = c->target.connect_timeout_ms;
    return (s == NULL || conf_check_keys(f, s, session_keys, e)) && read_keys(c, f, s, e);
}

bool sessions_attach(connection *c, err *e) {
    if (c->module->sessions == NULL || c->isolate) /* its process has the pool */
        return true;
    session_setup setup = {.module = c->module,
                           .connection = &c->instance.abi,
                           .instance = c->instance.ptr,
                           .credentials = c->auth.values,
                           .credential_count = c->auth.value_count,
                           .policy = c->session_policy};
    c->sessions = session_pool_new(&setup);
    return c->sessions != NULL || err_set(e, "no memory");
}
