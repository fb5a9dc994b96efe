/* build_connections.c - conf files: read, typed, compared, and their instances created. */
#include "registry/build.h"
#include "registry/isolation.h"
#include "registry/sessions.h"
#include "registry/settings.h"

#include "auth/session.h"
#include "plugin/probe.h"
#include "transform/transform.h"

static build_plugin *find_plugin(build *b, bb_str id) {
    for (size_t i = 0; i < b->plugin_count; i++)
        if (str_eq(b->plugins[i].id, id))
            return &b->plugins[i];
    return NULL;
}

static const char *nearest_plugin(build *b, bb_str id) {
    const char **names = arena_zalloc(b->a, (b->plugin_count + 1) * sizeof *names);
    for (size_t i = 0; names != NULL && i < b->plugin_count; i++)
        names[i] = b->plugins[i].id.ptr;
    return names != NULL ? str_nearest(id, names) : NULL;
}

static bool choose_plugin(build *b, build_connection *c) {
    bb_str id = settings_plugin(c->file, &c->error);
    if (id.ptr == NULL)
        return false;
    c->plugin = find_plugin(b, id);
    const conf_entry *entry = conf_find(conf_find_section(c->file, STR("connection")), STR("plugin"));
    if (c->plugin == NULL) {
        const char *near = nearest_plugin(b, id);
        return conf_fail(&c->error, c->file, entry->line, "there is no connector \"%.*s\" in %s%s%s%s",
                         STR_FMT(id), b->r->options.plugins_dir, near != NULL ? "; did you mean \"" : "",
                         near != NULL ? near : "", near != NULL ? "\"?" : "");
    }
    if (c->plugin->module == NULL)
        return conf_fail(&c->error, c->file, entry->line, "connector \"%.*s\" is refused: %s", STR_FMT(id),
                         c->plugin->error.text);
    return true;
}

/* --- comparing --------------------------------------------------------------------------------------- */

static bool same(const baseline_item *before, const connection *now) {
    return strcmp(before->fingerprint, now->fingerprint) == 0 &&
           strcmp(before->sha256, now->module->sha256) == 0;
}

static bool was_there(const build *b, const build_connection *c, baseline_item *out) {
    if (b->r->other != NULL) {
        const baseline_item *item = baseline_find(b->r->other->connections, b->r->other->connection_count,
                                                  c->id);
        if (item != NULL)
            *out = *item;
        return item != NULL && item->fingerprint[0] != '\0';
    }
    if (c->old == NULL)
        return false;
    memcpy(out->fingerprint, c->old->fingerprint, sizeof out->fingerprint);
    memcpy(out->sha256, c->old->module->sha256, sizeof out->sha256);
    return true;
}

static void compare(const build *b, build_connection *c) {
    baseline_item before;
    if (!was_there(b, c, &before)) {
        c->change = CHANGE_ADDED;
    } else if (same(&before, c->fresh)) {
        c->change = CHANGE_UNCHANGED;
        connection_free(c->fresh);
        c->fresh = NULL;
    } else {
        c->change = strcmp(before.sha256, c->fresh->module->sha256) != 0 ? CHANGE_CODE : CHANGE_SETTINGS;
    }
}

static void refuse(build_connection *c) {
    c->change = CHANGE_REFUSED;
    connection_free(c->fresh);
    c->fresh = NULL;
}

static bool seen_before(const build *b, const build_connection *c) {
    for (const build_connection *other = b->connections; other < c; other++)
        if (str_eq(other->id, c->id))
            return true;
    return false;
}

/* What is new needs a build that may be run as it asks for: the one that goes on may be off, or may have been
 * read only, for its processes, where a newer one is refused. */
static bool check_runs(const build *b, build_connection *c) {
    const plugin_module *m = c->fresh->module;
    const quarantine_entry *held = quarantine_find(b->r->quarantine, m->sha256);
    if (held != NULL && held->action == QUARANTINE_OFF)
        return conf_fail(&c->error, c->file, 1,
                         "the build of connector %s that would go on, %.12s, is in quarantine: %s; put in "
                         "another build, or allow it: busbar plugin allow %.12s",
                         m->desc->id, m->sha256, held->reason, m->sha256);
    return c->fresh->isolate || !m->declared ||
           conf_fail(&c->error, c->file, 1,
                     "connector %s is not loaded within the hub, only in processes of its own: %s",
                     m->desc->id, c->plugin->error.text);
}

static void read_file(build *b, build_connection *c) {
    c->duplicate = c->file->error.text[0] != '\0' && seen_before(b, c);
    if (!c->duplicate && b->r->current != NULL) {
        const snapshot_entry *before = snapshot_find(b->r->current, c->id);
        c->old = before != NULL ? before->conn : NULL;
        c->old_barred = c->old != NULL && !build_may_go_on(b, c->old->module, NULL);
    }
    c->error = c->file->error;
    if (c->error.text[0] == '\0' && choose_plugin(b, c))
        c->fresh = settings_read(c->file, c->plugin->module, &b->r->options, &c->settings, &c->error);
    if (c->fresh == NULL)
        refuse(c);
    else
        compare(b, c);
    if (c->fresh != NULL && !check_runs(b, c))
        refuse(c);
}

/* --- instances ---------------------------------------------------------------------------------------- */

static bool wants_probe(const build_connection *c) {
    return c->fresh != NULL && !c->fresh->isolate && c->fresh->module->desc->create != NULL;
}

/* The connections of one connector as one job: they are tried one after the other in the same child. */
static bool add_job(build *b, const build_plugin *p, probe_job *job) {
    size_t n = 0;
    job->connections = arena_zalloc(b->a, (b->connection_count + 1) * sizeof *job->connections);
    if (job->connections == NULL)
        return false;
    for (size_t i = 0; i < b->connection_count; i++) {
        build_connection *c = &b->connections[i];
        if (c->plugin == p && wants_probe(c))
            job->connections[n++] = (probe_connection){.id = c->id, .settings = c->settings};
    }
    job->path = p->module->path;
    job->id = p->id;
    job->connection_count = n;
    return n > 0;
}

static void take_result(build *b, const build_plugin *p, const probe_job *job) {
    size_t n = 0;
    for (size_t i = 0; i < b->connection_count; i++) {
        build_connection *c = &b->connections[i];
        if (c->plugin != p || !wants_probe(c))
            continue;
        const probe_connection *result = &job->connections[n++];
        if (job->ok && result->ok)
            continue;
        const char *text = !job->ok ? job->error.text : result->error.text;
        conf_fail(&c->error, c->file, 1, "%s", text);
        refuse(c);
    }
}

static void try_instances(build *b) {
    probe_job *jobs = arena_zalloc(b->a, (b->plugin_count + 1) * sizeof *jobs);
    build_plugin **of = arena_zalloc(b->a, (b->plugin_count + 1) * sizeof *of);
    size_t n = 0;
    for (size_t i = 0; jobs != NULL && of != NULL && i < b->plugin_count; i++) {
        if (b->plugins[i].module != NULL && add_job(b, &b->plugins[i], &jobs[n]))
            of[n++] = &b->plugins[i];
    }
    probe_run(b->r->options.program, jobs, n, b->r->options.probe_timeout_ms);
    for (size_t i = 0; i < n; i++)
        take_result(b, of[i], &jobs[i]);
}

/* What outlives this configuration: counters of the connection, and what its credential shares. */
static bool attach_shared(build *b, build_connection *c) {
    registry *r = b->r;
    connection *conn = c->fresh;
    conn->stats = c->old != NULL ? c->old->stats : connection_stats_new();
    if (c->old != NULL)
        conn->stats->refs++;
    conn->upstreams = &r->upstreams;
    conn->upstream = upstream_get(&r->upstreams, conn->upstream_key);
    const uint64_t *caps = conn->policies.limits.quota;
    bool counted = r->options.quotas != NULL && (caps[QUOTA_DAY] != 0 || caps[QUOTA_MONTH] != 0);
    if (counted)
        conn->quotas = quota_book_get(r->options.quotas,
                                      arena_printf(b->a, "connection:%.*s", STR_FMT(c->id)));
    return conn->stats != NULL && conn->upstream != NULL && (!counted || conn->quotas != NULL);
}

/* Its session goes by id and settings, and lives on over reloads. */
static bool attach_session(const build *b, connection *c, err *e) {
    auth_runtime *r = b->r->options.auth;
    return r == NULL || auth_attach(r, c->id, c->base_url, &c->target, &c->auth, e);
}

/* jq compiles it in a child: a program is refused here, not when the first call meets it. */
static bool check_program(build_connection *c, const char *key, const char *program) {
    err why = {""};
    const conf_entry *entry = conf_find(conf_find_section(c->file, STR("transform")), str_from(key));
    return program == NULL || transform_check(program, &why) ||
           conf_fail(&c->error, c->file, entry != NULL ? entry->line : 1,
                     "[transform] %s does not compile: %s", key, why.text);
}

/* Those in processes of their own create their instances all at the same time. */
static void begin_isolated(build *b) {
    for (size_t i = 0; i < b->connection_count; i++) {
        build_connection *c = &b->connections[i];
        err e = {""};
        if (c->fresh == NULL || !c->fresh->isolate || b->r->options.isolates == NULL ||
            isolation_begin(&b->r->options, c->fresh, c->settings, &e))
            continue;
        conf_fail(&c->error, c->file, 1, "%s", e.text);
        refuse(c);
    }
}

static bool make_instance(const build *b, build_connection *c, err *e) {
    if (c->fresh->isolate)
        return c->fresh->isolated == NULL || isolation_await(&b->r->options, c->fresh, e);
    return instance_create(&c->fresh->instance, c->fresh->module, c->id, c->settings, e);
}

static void create_instance(build *b, build_connection *c) {
    const transform_policy *t = &c->fresh->policies.transform;
    err e = {""};
    if (!check_program(c, "request", t->request) || !check_program(c, "response", t->response)) {
        refuse(c);
        return;
    }
    if (!make_instance(b, c, &e) || !attach_session(b, c->fresh, &e) || !sessions_attach(c->fresh, &e)) {
        conf_fail(&c->error, c->file, 1, "%s", e.text);
        refuse(c);
        return;
    }
    if (!attach_shared(b, c)) {
        err_set(&c->error, "no memory");
        refuse(c);
    }
}

bool build_connections(build *b, err *e) {
    b->connection_count = b->conf->count;
    b->connections = arena_zalloc(b->a, (b->connection_count + 1) * sizeof *b->connections);
    if (b->connections == NULL)
        return err_set(e, "no memory");
    for (size_t i = 0; i < b->connection_count; i++) {
        b->connections[i].file = &b->conf->files[i];
        b->connections[i].id = b->conf->files[i].id;
    }
    for (size_t i = 0; i < b->connection_count; i++)
        read_file(b, &b->connections[i]);
    begin_isolated(b);
    try_instances(b);
    for (size_t i = 0; i < b->connection_count; i++)
        if (b->connections[i].fresh != NULL)
            create_instance(b, &b->connections[i]);
    return true;
}
