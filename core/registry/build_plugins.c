/* build_plugins.c - connectors' files: found, staged, compared, tried in a child, loaded. */
#include "registry/build.h"
#include "registry/isolation.h"

#include "auth/custom.h"
#include "base/clock.h"
#include "base/log.h"
#include "observe/metrics.h"
#include "plugin/probe.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

const baseline_item *baseline_find(const baseline_item *items, size_t n, bb_str id) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(items[i].id, id))
            return &items[i];
    return NULL;
}

static void put_in_quarantine(registry *r, const build_plugin *p) {
    err e = {""};
    quarantine_entry entry = {.action = QUARANTINE_OFF,
                              .plugin = p->id.ptr,
                              .version = "",
                              .reason = p->error.text,
                              .at_ms = clock_wall_ms()};
    memcpy(entry.sha256, p->staged.sha256, sizeof entry.sha256);
    if (!quarantine_put(r->quarantine, &entry, &e))
        log_error("connector %.*s, build %.12s, is in quarantine until the hub ends only: %s", STR_FMT(p->id),
                  entry.sha256, e.text);
}

/* --- finding ---------------------------------------------------------------------------------------- */

static int is_connector(const struct dirent *d) {
    return d->d_name[0] != '.' && str_ends(str_from(d->d_name), STR(".so"));
}

static bool find_files(build *b, err *e) {
    struct dirent **names = NULL;
    const char *dir = b->r->options.plugins_dir;
    int n = scandir(dir, &names, is_connector, alphasort);
    if (n < 0)
        return err_set(e, "%s: the connectors' folder cannot be read: %s; name another one with --plugins",
                       dir, strerror(errno));
    b->plugins = arena_zalloc(b->a, (size_t)(n + 1) * sizeof *b->plugins);
    for (int i = 0; i < n; i++) {
        if (b->plugins != NULL) {
            build_plugin *p = &b->plugins[b->plugin_count++];
            bb_str name = str_from(names[i]->d_name);
            p->id = arena_copy(b->a, str_of(name.ptr, name.len - 3));
            p->file = arena_printf(b->a, "%s/%s", dir, names[i]->d_name).ptr;
        }
        free(names[i]);
    }
    free(names);
    return b->plugins != NULL || err_set(e, "no memory");
}

/* --- comparing --------------------------------------------------------------------------------------- */

static const char *sha256_before(const build *b, const build_plugin *p) {
    if (b->r->other != NULL) {
        const baseline_item *item = baseline_find(b->r->other->plugins, b->r->other->plugin_count, p->id);
        return item != NULL ? item->sha256 : NULL;
    }
    return p->old != NULL ? p->old->sha256 : NULL;
}

/* What is no longer trusted does not go on in the place of what is refused. */
static void take_old(const build *b, build_plugin *p) {
    err why = {""}, text = p->error;
    if (build_may_go_on(b, p->old, &why)) {
        p->module = p->old;
        module_ref(p->module);
    } else if (strcmp(p->old->sha256, p->staged.sha256) == 0) {
        err_prefix(&p->error, "the build that ran must not go on: ");
    } else {
        err_set(&p->error, "%.600s; the build that ran, %.12s, must not go on: %.300s", text.text,
                p->old->sha256, why.text);
    }
}

static void refuse(const build *b, build_plugin *p) {
    p->change = CHANGE_REFUSED;
    if (p->old != NULL)
        take_old(b, p);
    err_prefix(&p->error, "%s: ", p->file);
}

/* A build that has done harm is not run again before an admin says so. False: it is refused. */
static bool check_quarantine(const build *b, build_plugin *p) {
    const quarantine_entry *held = quarantine_find(b->r->quarantine, p->staged.sha256);
    char when[CLOCK_RFC3339_SIZE];
    if (held == NULL || held->action != QUARANTINE_OFF) /* isolation.c sees to the others */
        return true;
    clock_rfc3339(held->at_ms, when);
    err_set(&p->error,
            "this very build is in quarantine since %s: %s; put in another build, or allow it: busbar plugin "
            "allow %.12s",
            when, held->reason, held->sha256);
    refuse(b, p);
    return false;
}

static bool check_auth(const build *b, const plugin_module *m, err *e) {
    return auth_check_plugin(b->a, m->desc, e) && custom_check(m->auth, e);
}

/* What is wrong with its declarations is told before any of its code runs. One that cannot be read is tried
 * unread. */
static void read_declared(build *b, build_plugin *p) {
    bool unknown;
    err e = {""};
    p->declared = module_load_declared(p->staged.path, (bb_str){NULL, 0}, p->staged.sha256, p->file, p->id,
                                       &unknown, &e);
    if (p->declared == NULL && unknown) {
        p->note = e;
        err_prefix(&p->note, "tried without having been read first: ");
    } else if (p->declared == NULL || !check_auth(b, p->declared, &e)) {
        p->error = e;
        refuse(b, p);
    }
}

static bool wants(const conf_file *f, bb_str plugin) {
    const conf_entry *entry = conf_find(conf_find_section(f, STR("connection")), STR("plugin"));
    return entry != NULL && str_eq(entry->value, plugin);
}

/* One that all its connections have in processes of their own is never mapped here. */
static bool is_inside(const build *b, const build_plugin *p) {
    bool any = false;
    for (size_t i = 0; i < b->conf->count; i++) {
        const conf_file *f = &b->conf->files[i];
        if (!wants(f, p->id))
            continue;
        any = true;
        if (!isolation_wanted(&b->r->options, f, p->staged.sha256))
            return true;
    }
    return !any && !b->r->options.isolate &&
           quarantine_action_of(b->r->quarantine, p->staged.sha256) != QUARANTINE_ISOLATE;
}

static void stage(build *b, build_plugin *p) {
    const snapshot_plugin *before = b->r->current != NULL ? snapshot_plugin_find(b->r->current, p->id) : NULL;
    p->old = before != NULL ? before->module : NULL;
    if (!stage_file(p->file, p->id, b->r->options.state_dir, b->r->policy, &p->staged, &p->error)) {
        refuse(b, p);
        return;
    }
    const char *was = sha256_before(b, p);
    p->change = was == NULL                          ? CHANGE_ADDED
                : strcmp(was, p->staged.sha256) == 0 ? CHANGE_UNCHANGED
                                                     : CHANGE_CODE;
    p->inside = is_inside(b, p);
    if (!build_judge(b, p)) {
        refuse(b, p);
        return;
    }
    bool same = p->change == CHANGE_UNCHANGED && p->old != NULL;
    if (same && (!p->inside || !p->old->declared)) {
        p->module = p->old;
        module_ref(p->module);
        build_keep_trust(p, p->module);
    } else if (check_quarantine(b, p)) {
        read_declared(b, p);
    }
}

/* --- trying and loading -------------------------------------------------------------------------------- */

static bool try_new(build *b) {
    probe_job *jobs = arena_zalloc(b->a, (b->plugin_count + 1) * sizeof *jobs);
    build_plugin **tried = arena_zalloc(b->a, (b->plugin_count + 1) * sizeof *tried);
    size_t n = 0;
    if (jobs == NULL || tried == NULL)
        return false;
    for (size_t i = 0; i < b->plugin_count; i++) {
        build_plugin *p = &b->plugins[i];
        if (p->module != NULL || p->change == CHANGE_REFUSED || !p->inside)
            continue;
        jobs[n].path = p->staged.path;
        jobs[n].id = p->id;
        tried[n++] = p;
    }
    probe_run(b->r->options.program, jobs, n, b->r->options.probe_timeout_ms);
    for (size_t i = 0; i < n; i++) {
        if (jobs[i].ok)
            continue;
        tried[i]->error = jobs[i].error;
        if (jobs[i].crashed)
            put_in_quarantine(b->r, tried[i]);
        refuse(b, tried[i]);
    }
    return true;
}

static void take_declared(build_plugin *p) {
    p->module = p->declared;
    p->declared = NULL;
    if (p->module == NULL) /* it was not refused: it cannot be read */
        err_set(&p->error, "what it declares can be known only by running it, so it cannot run in a process "
                           "of its own: build "
                           "it with SDK 1.1 or later, or set `isolation = none`");
}

static void load(build *b, build_plugin *p) {
    bool changed = true;
    if (!p->inside)
        take_declared(p);
    else if (p->declared != NULL && module_map(p->declared, &changed, &p->error)) {
        p->module = p->declared;
        p->declared = NULL;
    } else if (changed) {
        p->error = (err){""};
        p->module = module_load(p->staged.path, p->staged.sha256, p->file, p->id, &p->error);
    }
    if (p->module != NULL && !check_auth(b, p->module, &p->error)) {
        module_unref(p->module);
        p->module = NULL;
    }
    if (p->module == NULL) {
        refuse(b, p);
        return;
    }
    build_keep_trust(p, p->module);
    b->r->modules_loaded += p->inside;
    for (size_t i = 0; i < p->module->op_count; i++)
        p->module->ops[i].stats = metrics_op_get(p->id, p->module->ops[i].id);
}

bool build_plugins(build *b, err *e) {
    if (!find_files(b, e))
        return false;
    for (size_t i = 0; i < b->plugin_count; i++)
        stage(b, &b->plugins[i]);
    if (!try_new(b))
        return err_set(e, "no memory");
    for (size_t i = 0; i < b->plugin_count; i++)
        if (b->plugins[i].module == NULL && b->plugins[i].change != CHANGE_REFUSED)
            load(b, &b->plugins[i]);
    return true;
}
