/* load.c - the connector loaded, and what it declares. */
#include "check/host.h"
#include "check/internal.h"
#include "check/world.h"
#include "plugin/layout.h"

#include <dlfcn.h>

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

bool trial_load(trial *t) {
    err e = {""};
    poison_init(t->o->seed);
    enter("its constructors and get_extension", INIT_LIMIT_MS);
    t->module = module_load(t->o->file, zeros, t->o->file, t->id, &e);
    leave();
    if (t->module == NULL)
        wrong("%s", e.text);
    else
        atomic_store(&board->operations, (unsigned)t->module->op_count);
    return t->module != NULL;
}

void check_load(trial *t) {
    world before;
    world_look(&before);
    enter("its constructors", INIT_LIMIT_MS);
    void *handle = dlopen(t->o->file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    leave();
    if (handle == NULL) {
        const char *reason = dlerror();
        wrong("the dynamic linker refuses it: %s", reason != NULL ? reason : "no reason given");
        return;
    }
    world_compare(&before, "loading it");
}

/* --- what it declares ---------------------------------------------------------------------------- */

static bool is_version(const char *text) {
    int dots = 0;
    for (const char *c = text; *c != '\0' && *c != '-' && *c != '+'; c++) {
        if (*c == '.')
            dots++;
        else if (*c < '0' || *c > '9')
            return false;
    }
    return text[0] != '\0' && dots == 2;
}

static void advise(const plugin_module *m) {
    const bb_plugin *p = m->desc;
    if (!is_version(p->version))
        warning("its version is \"%s\": 1.2.3 is what people can compare", p->version);
    if (m->op_count == 0 && m->webhooks == NULL)
        warning("it has no operations");
    for (size_t i = 0; i < m->op_count; i++) {
        const bb_operation *op = m->ops[i].desc;
        at("operation %s", op->id);
        if (op->summary == NULL || op->summary[0] == '\0')
            warning("it has no summary: one line that says what it does");
        if (op->summary != NULL && strchr(op->summary, '\n') != NULL)
            warning("its summary has more than one line: put the rest into description");
        if ((op->flags & BB_OP_SAFE) != 0 && (op->flags & BB_OP_DESTRUCTIVE) != 0)
            wrong("it is marked both safe and destructive: it cannot be both");
        if ((op->flags & BB_OP_PAGINATED) != 0 && op->items[0] != '\0' && op->items[0] != '/')
            wrong(
                "its items are at \"%s\", which is no JSON Pointer: \"/data\", or \"\" for the output itself",
                op->items);
    }
    at("%s", "");
}

static void compare_extensions(const plugin_module *declared, const plugin_module *loaded) {
    for (const bb_extension *x = declared->extensions; x->id != NULL; x++) {
        const layout *l = layout_extension(x->id);
        const void *given = module_extension(loaded, x->id);
        if (l != NULL && (given == NULL || x->declared == NULL || !layout_same(l, given, x->declared)))
            wrong("its get_extension gives something else for \"%s\" than it lists: let BUSBAR_PLUGIN_WITH "
                  "make it",
                  x->id);
    }
}

/* What others read of the file, who do not run it: inspect, and a hub that isolates it. */
static void compare_with_file(const trial *t) {
    err e = {""};
    bool unknown = false;
    plugin_module *m = module_load_declared(t->o->file, t->file, zeros, t->o->file, t->id, &unknown, &e);
    if (m == NULL && unknown)
        warning(
            "a hub cannot read what it declares without running it, and so cannot run it with `isolation = "
            "process`: %s",
            e.text);
    else if (m == NULL)
        wrong("%s", e.text);
    else if (!layout_same(&layout_entry, m->entry, t->module->entry))
        wrong("once it is loaded, it declares something else than its file does: keep declarations constant");
    else if (m->extensions_unknown)
        warning("only its get_extension knows its extensions, so that it cannot run with `isolation = "
                "process`: list "
                "them, and use BUSBAR_PLUGIN_WITH");
    else
        compare_extensions(m, t->module);
    module_unref(m);
}

static void self_test(const plugin_module *m) {
    if (m->desc->self_test == NULL)
        return;
    world before;
    world_look(&before);
    poison_phase(PHASE_SELF_TEST);
    enter("self_test", INIT_LIMIT_MS);
    bb_code code = m->desc->self_test(poison_host());
    leave();
    poison_phase(PHASE_NONE);
    if (code != BB_OK)
        wrong("its self-test fails with code %d", (int)code);
    world_compare(&before, "self_test");
}

void check_descriptor(trial *t) {
    if (!trial_load(t))
        return;
    advise(t->module);
    compare_with_file(t);
    self_test(t->module);
}
