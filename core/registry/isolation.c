#include "registry/isolation.h"

static const char *const isolation_keys[] = {"memory", "step_timeout", "restarts", "window", NULL};

bool isolation_wanted(const registry_options *options, const conf_file *f, const char *sha256) {
    const conf_entry *entry = conf_find(conf_find_section(f, STR("connection")), STR("isolation"));
    return quarantine_action_of(options->quarantine, sha256) == QUARANTINE_ISOLATE ||
           (entry != NULL ? str_eq(entry->value, STR("process")) : options->isolate);
}

static bool check_value(const conf_file *f, err *e) {
    const conf_entry *entry = conf_find(conf_find_section(f, STR("connection")), STR("isolation"));
    return entry == NULL || str_eq(entry->value, STR("process")) || str_eq(entry->value, STR("none")) ||
           conf_fail(e, f, entry->line, "isolation is `process` or `none`");
}

static bool read_limits(connection *c, const conf_file *f, const conf_section *s, err *e) {
    isolate_limits *l = &c->isolation;
    arena *a = c->memory;
    uint64_t restarts;
    bool ok = conf_size(a, f, conf_find(s, STR("memory")), (uint64_t)64 << 20, (uint64_t)1 << 40,
                        ISOLATE_MEMORY, &l->memory, e) &&
              conf_duration_ms(a, f, conf_find(s, STR("step_timeout")), 10, 600000, ISOLATE_STEP_TIMEOUT_MS,
                               &l->step_timeout_ms, e) &&
              conf_u64(a, f, conf_find(s, STR("restarts")), 0, ISOLATE_RESTARTS_MAX, ISOLATE_RESTARTS,
                       &restarts, e) &&
              conf_duration_ms(a, f, conf_find(s, STR("window")), 1000, 86400000, ISOLATE_WINDOW_MS,
                               &l->window_ms, e);
    if (ok)
        l->restarts = (uint32_t)restarts;
    return ok;
}

static bool auth_is_its_own(const connection *c) {
    const bb_auth_extension *x = c->module->auth;
    for (size_t i = 0; x != NULL && x->schemes[i] != NULL; i++)
        if (c->auth.scheme != NULL && str_eq(str_from(x->schemes[i]->id), str_from(c->auth.scheme->id)))
            return true;
    return false;
}

/* What needs more of a connector than the steps of its operations. */
static bool check_kind(const connection *c, const conf_file *f, err *e) {
    const conf_entry *entry = conf_find(conf_find_section(f, STR("connection")), STR("isolation"));
    unsigned line = entry != NULL ? entry->line : 1;
    const plugin_module *m = c->module;
    if (m->extensions_unknown)
        return conf_fail(e, f, line,
                         "connector %s tells only while it runs what it has beyond its operations "
                         "(BUSBAR_PLUGIN_EXT), so it cannot run in a process of its own: build it with "
                         "BUSBAR_PLUGIN_WITH, or set `isolation = none`",
                         m->desc->id);
    if (auth_is_its_own(c))
        return conf_fail(
            e, f, line,
            "the auth scheme of this connection is connector %s's own, which runs within the hub: "
            "take another scheme, or set `isolation = none`",
            m->desc->id);
    return true;
}

/* Whose conf file may say `isolation = none` all the while. */
static bool blame_quarantine(const connection *c, const registry_options *options, err *e) {
    const quarantine_entry *held = quarantine_find(options->quarantine, c->module->sha256);
    err why = *e;
    if (held == NULL || held->action != QUARANTINE_ISOLATE)
        return false;
    return err_set(e,
                   "%.500s; this build is in quarantine (%.200s), and may run in a process of its own only: "
                   "put in another build, or allow it: busbar plugin allow %.12s",
                   why.text, held->reason, held->sha256);
}

bool isolation_read(connection *c, const conf_file *f, const registry_options *options, err *e) {
    const conf_section *s = conf_find_section(f, STR("isolation"));
    if (!check_value(f, e))
        return false;
    c->isolate = isolation_wanted(options, f, c->module->sha256);
    if (s != NULL && !c->isolate)
        return conf_fail(e, f, s->line, "[isolation] belongs to a connection with `isolation = process`");
    if ((s != NULL && !conf_check_keys(f, s, isolation_keys, e)) || (c->isolate && !read_limits(c, f, s, e)))
        return false;
    return !c->isolate || check_kind(c, f, e) || blame_quarantine(c, options, e);
}

/* --- their processes ------------------------------------------------------------------------------------ */

bool isolation_begin(const registry_options *options, connection *c, bb_str settings, err *e) {
    const plugin_module *m = c->module;
    const isolate_what what = {.connection = c->id,
                               .plugin = m->id,
                               .version = str_from(m->desc->version),
                               .settings = settings,
                               .base_url = c->base_url,
                               .path = m->path,
                               .sha256 = m->sha256,
                               .limits = c->isolation,
                               .sessions = m->sessions != NULL ? &c->session_policy : NULL,
                               .credentials = m->sessions != NULL ? c->auth.values : NULL,
                               .credential_count = m->sessions != NULL ? c->auth.value_count : 0};
    c->isolated = isolate_begin(options->isolates, &what);
    if (c->isolated == NULL)
        return err_set(e, "no memory");
    module_ref(c->module);
    return true;
}

bool isolation_await(const registry_options *options, connection *c, err *e) {
    return isolate_await(c->isolated, options->probe_timeout_ms + 1000, e);
}

void isolation_revive(const snapshot *s, const quarantine *q) {
    for (size_t i = 0; s != NULL && i < s->count; i++) {
        const connection *c = s->entries[i].conn;
        if (c != NULL && c->isolated != NULL && isolate_is_off(c->isolated) &&
            quarantine_action_of(q, c->module->sha256) != QUARANTINE_OFF)
            isolate_revive(c->isolated);
    }
}
