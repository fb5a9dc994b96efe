#include "registry/build.h"
#include "registry/isolation.h"

#include "base/clock.h"
#include "observe/metrics.h"
#include "registry/settings.h"

#include <stdlib.h>

registry *registry_new(const registry_options *options, err *e) {
    registry *r = calloc(1, sizeof *r);
    if (r == NULL || (r->memory = arena_new(0)) == NULL) {
        free(r);
        err_set(e, "no memory");
        return NULL;
    }
    r->options = *options;
    r->options.conf_dir = arena_strdup(r->memory, str_from(options->conf_dir));
    r->options.plugins_dir = arena_strdup(r->memory, str_from(options->plugins_dir));
    r->options.state_dir = arena_strdup(r->memory, str_from(options->state_dir));
    if (options->store_file != NULL)
        r->options.store_file = arena_strdup(r->memory, str_from(options->store_file));
    if (options->master_key_file != NULL)
        r->options.master_key_file = arena_strdup(r->memory, str_from(options->master_key_file));
    r->options.program = arena_strdup(r->memory, str_from(options->program));
    if (r->options.probe_timeout_ms == 0)
        r->options.probe_timeout_ms = 5000;
    r->policy = options->policy != NULL ? options->policy : &plugin_policy_default;
    r->options.isolate = r->policy->isolate;
    r->own_quarantine = options->quarantine == NULL;
    r->quarantine = r->own_quarantine ? quarantine_open(NULL, e) : options->quarantine;
    r->options.quarantine = r->quarantine;
    if (r->quarantine == NULL) {
        registry_free(r);
        return NULL;
    }
    return r;
}

void registry_free(registry *r) {
    if (r == NULL)
        return;
    for (size_t i = 0; r->current != NULL && i < r->current->count; i++)
        connection_free(r->current->entries[i].conn);
    snapshot_free(r->current);
    if (r->own_quarantine)
        quarantine_close(r->quarantine);
    arena_free(r->memory);
    free(r);
}

const snapshot *registry_current(const registry *r) {
    return r->current;
}

void registry_set_policy(registry *r, const plugin_policy *policy, const char *error) {
    r->policy = policy;
    r->options.isolate = policy->isolate;
    r->policy_error = error;
}

const plugin_policy *registry_policy(const registry *r) {
    return r->policy;
}

/* --- the report --------------------------------------------------------------------------------------- */

static report *report_new(const registry *r) {
    arena *memory = arena_new(0);
    report *report_ = memory != NULL ? arena_zalloc(memory, sizeof *report_) : NULL;
    if (report_ == NULL) {
        arena_free(memory);
        return NULL;
    }
    report_->memory = memory;
    report_->generation = r->generation;
    report_->started_ms = clock_wall_ms();
    if (r->policy_error != NULL)
        report_->settings_error = arena_copy(memory, str_from(r->policy_error));
    return report_;
}

void report_free(report *r) {
    if (r != NULL)
        arena_free(r->memory);
}

static bb_str error_text(arena *a, const err *e) {
    return e->text[0] != '\0' ? arena_copy(a, str_from(e->text)) : (bb_str){NULL, 0};
}

static void report_plugins(report *out, const build *b) {
    out->plugins = arena_zalloc(out->memory, (b->plugin_count + 1) * sizeof *out->plugins);
    for (size_t i = 0; out->plugins != NULL && i < b->plugin_count; i++) {
        const build_plugin *p = &b->plugins[i];
        bool is_staged = p->staged.sha256[0] != '\0';
        out->plugins[out->plugin_count++] = (report_item){
            .id = arena_copy(out->memory, p->id),
            .change = p->change,
            .error = error_text(out->memory, &p->error),
            .note = error_text(out->memory, &p->note),
            .kept = p->change == CHANGE_REFUSED && p->module != NULL,
            .sha256 = is_staged ? arena_copy(out->memory, str_from(p->staged.sha256)) : (bb_str){NULL, 0},
        };
    }
}

static bool in_build(const build *b, bb_str id) {
    for (size_t i = 0; i < b->connection_count; i++)
        if (str_eq(b->connections[i].id, id))
            return true;
    return false;
}

static void add_removed(report *out, const build *b, bb_str id) {
    if (!in_build(b, id))
        out->connections[out->connection_count++] = (report_item){.id = arena_copy(out->memory, id),
                                                                  .change = CHANGE_REMOVED};
}

static void report_connections(report *out, const build *b) {
    const snapshot *now = b->r->current;
    const baseline *other = b->r->other;
    size_t before = other != NULL ? other->connection_count : now != NULL ? now->count : 0;
    out->connections = arena_zalloc(out->memory,
                                    (b->connection_count + before + 1) * sizeof *out->connections);
    if (out->connections == NULL)
        return;
    for (size_t i = 0; i < b->connection_count; i++) {
        const build_connection *c = &b->connections[i];
        out->connections[out->connection_count++] = (report_item){
            .id = arena_copy(out->memory, c->id),
            .change = c->change,
            .error = error_text(out->memory, &c->error),
            .kept = c->change == CHANGE_REFUSED && c->old != NULL && !c->old_barred,
        };
    }
    for (size_t i = 0; i < before; i++)
        add_removed(out, b, other != NULL ? other->connections[i].id : now->entries[i].id);
}

/* --- the next snapshot ---------------------------------------------------------------------------------- */

static void put_plugins(snapshot *s, const build *b) {
    for (size_t i = 0; i < b->plugin_count; i++) {
        const build_plugin *p = &b->plugins[i];
        if (p->module != NULL)
            module_ref(p->module);
        snapshot_plugin *to = &s->plugins[s->plugin_count++];
        *to = (snapshot_plugin){
            .id = arena_copy(s->memory, p->id),
            .module = p->module,
            .file = arena_strdup(s->memory, str_from(p->file)),
            .error = error_text(s->memory, &p->error),
        };
        build_put_trust(b, p, s->memory, to);
    }
}

static void put_connections(snapshot *s, const build *b) {
    for (size_t i = 0; i < b->connection_count; i++) {
        const build_connection *c = &b->connections[i];
        if (c->duplicate)
            continue;
        connection *conn = c->fresh != NULL ? c->fresh : c->old_barred ? NULL : c->old;
        if (c->fresh != NULL)
            c->fresh->generation = s->generation;
        bb_str plugin = conn != NULL ? conn->module->id : c->plugin != NULL ? c->plugin->id : STR("");
        s->entries[s->count++] = (snapshot_entry){
            .id = arena_copy(s->memory, c->id),
            .plugin = arena_copy(s->memory, plugin),
            .conn = conn,
            .file = arena_strdup(s->memory, str_from(c->file->path)),
            .error = error_text(s->memory, &c->error),
        };
    }
}

static snapshot *make_snapshot(const build *b) {
    snapshot *s = snapshot_new(b->connection_count, b->plugin_count);
    if (s == NULL)
        return NULL;
    s->generation = b->r->generation + 1;
    s->loops_left = b->r->options.loops;
    put_plugins(s, b);
    put_connections(s, b);
    if (!snapshot_seal(s)) {
        snapshot_free(s);
        return NULL;
    }
    return s;
}

/* --- commit, or not ------------------------------------------------------------------------------------- */

/* Connections of the old snapshot that the new one does not have. */
static connection *retired_by(const snapshot *old, const snapshot *next) {
    connection *list = NULL;
    for (size_t i = 0; old != NULL && i < old->count; i++) {
        connection *c = old->entries[i].conn;
        const snapshot_entry *entry = c != NULL ? snapshot_find(next, c->id) : NULL;
        if (c == NULL || (entry != NULL && entry->conn == c))
            continue;
        c->next_retired = list;
        list = c;
    }
    return list;
}

static void count_metrics(const registry *r) {
    size_t ready = 0;
    for (size_t i = 0; i < r->current->count; i++)
        ready += r->current->entries[i].conn != NULL;
    metrics_connections(ready, r->current->count - ready);
    metrics_kept(r->modules_loaded);
}

/* Copies of builds that are no longer the newest can go: what is mapped stays mapped. A connection that goes
 * on with an older build may have a process, which is started from the copy again. */
static void clean_stage(registry *r) {
    if (r->options.shared_state)
        return;
    const char **keep = malloc((r->current->plugin_count + r->current->count + 1) * sizeof *keep);
    size_t n = 0;
    for (size_t i = 0; keep != NULL && i < r->current->plugin_count; i++)
        if (r->current->plugins[i].module != NULL)
            keep[n++] = r->current->plugins[i].module->sha256;
    for (size_t i = 0; keep != NULL && i < r->current->count; i++)
        if (r->current->entries[i].conn != NULL)
            keep[n++] = r->current->entries[i].conn->module->sha256;
    if (keep != NULL)
        stage_clean(r->options.state_dir, keep, n);
    free(keep);
}

static void commit(build *b, snapshot *next, registry_change *out) {
    registry *r = b->r;
    out->old = r->current;
    out->retired = retired_by(r->current, next);
    r->current = next;
    r->generation = next->generation;
    out->report->generation = r->generation;
    out->report->committed = true;
    for (size_t i = 0; i < b->connection_count; i++)
        b->connections[i].fresh = NULL; /* the snapshot's now */
    count_metrics(r);
    clean_stage(r);
}

static bool any_refused(const build *b) {
    for (size_t i = 0; i < b->plugin_count; i++)
        if (b->plugins[i].change == CHANGE_REFUSED)
            return true;
    for (size_t i = 0; i < b->connection_count; i++)
        if (b->connections[i].change == CHANGE_REFUSED)
            return true;
    return false;
}

/* What must not go on ends also where strict would hold back all. */
static bool any_barred(const build *b) {
    for (size_t i = 0; i < b->connection_count; i++)
        if (b->connections[i].old_barred)
            return true;
    for (size_t i = 0; i < b->plugin_count; i++)
        if (b->plugins[i].old != NULL && b->plugins[i].module == NULL)
            return true;
    return false;
}

static void build_free(build *b) {
    for (size_t i = 0; i < b->connection_count; i++)
        connection_free(b->connections[i].fresh);
    for (size_t i = 0; i < b->plugin_count; i++) {
        module_unref(b->plugins[i].module);
        module_unref(b->plugins[i].declared);
    }
    conf_set_free(b->conf);
    arena_free(b->a);
}

static void try_commit(build *b, registry_change *out) {
    report *report_ = out->report;
    err e = {""};
    b->conf = conf_read_dir(b->r->options.conf_dir, &e);
    if (b->conf == NULL || !build_plugins(b, &e) || !build_connections(b, &e)) {
        report_->refusal = error_text(report_->memory, &e);
        return;
    }
    report_plugins(report_, b);
    report_connections(report_, b);
    bool first = b->r->current == NULL;
    if (b->r->other != NULL)
        return;
    bool refused = any_refused(b) || b->r->policy_error != NULL;
    if (b->r->options.strict && refused && !first && !any_barred(b)) {
        report_->refusal = STR("strict = yes, and something was refused: nothing was changed");
        return;
    }
    snapshot *next = make_snapshot(b);
    if (next == NULL)
        report_->refusal = STR("no memory for the new configuration");
    else
        commit(b, next, out);
}

registry_change registry_reload(registry *r) {
    registry_change out = {.report = report_new(r)};
    uint64_t began = clock_ns();
    build b = {.r = r, .a = arena_new(0)};
    if (out.report == NULL || b.a == NULL) {
        arena_free(b.a);
        return out;
    }
    try_commit(&b, &out);
    build_free(&b);
    isolation_revive(r->current, r->quarantine);
    out.report->duration_ms = (double)(clock_ns() - began) / 1e6;
    metrics_reload(out.report->committed, r->generation, clock_wall_ms());
    return out;
}

bool registry_check_text(registry *r, const char *path, bb_str text, err *e) {
    arena *a = arena_new(0);
    conf_file f;
    bool ok = a != NULL && conf_read_text(a, path, text, &f);
    if (a != NULL && !ok)
        *e = f.error;
    bb_str plugin = ok ? settings_plugin(&f, e) : (bb_str){NULL, 0};
    const snapshot_plugin *p = plugin.ptr != NULL ? snapshot_plugin_find(r->current, plugin) : NULL;
    if (plugin.ptr != NULL && (p == NULL || p->module == NULL))
        conf_fail(e, &f, 1, "there is no connector \"%.*s\"; GET /api/v1/plugins lists them",
                  STR_FMT(plugin));
    bb_str settings;
    connection *c = p != NULL && p->module != NULL ? settings_read(&f, p->module, &r->options, &settings, e)
                                                   : NULL;
    connection_free(c);
    arena_free(a);
    return c != NULL;
}
