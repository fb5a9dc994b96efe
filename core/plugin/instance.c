#include "plugin/instance.h"

#include "base/log.h"
#include "plugin/host.h"
#include "plugin/mark.h"

static bool prepare(plugin_instance *i, bb_str connection_id, bb_str settings, err *e) {
    i->memory = arena_new_sized(0, 1024);
    if (i->memory == NULL)
        return err_set(e, "no memory");
    i->settings = json_read(i->memory, arena_copy(i->memory, settings), NULL, NULL);
    i->abi = (bb_connection){
        .size = sizeof i->abi,
        .host = host_get(),
        .id = mark_name(connection_id),
        .settings = (const bb_json *)i->settings,
    };
    ledger_open(&i->held, &i->abi);
    return i->settings != NULL || err_set(e, "the settings are not JSON");
}

static bb_code create(plugin_instance *i) {
    const bb_plugin *desc = i->module->desc;
    if (desc->create == NULL)
        return BB_OK;
    mark *here = mark_enter(i->module, i->abi.id, "create");
    bb_code code = desc->create(&i->abi, &i->ptr);
    mark_leave(here);
    return code;
}

/* What the connector did not give back. */
static bool settle(plugin_instance *i, const char *function) {
    ledger_left left = ledger_close(&i->held);
    if (left.blocks == 0)
        return true;
    const plugin_module *m = i->module;
    log_warn(
        "connector %.*s %s (build %.12s), connection %s: %s left %llu pieces of memory behind, %llu bytes; "
        "they are freed now: the connector is to give back all that it took",
        STR_FMT(m->id), m->desc->version, m->sha256, i->abi.id, function, (unsigned long long)left.blocks,
        (unsigned long long)left.bytes);
    ledger_leaked(m->id, left);
    return false;
}

bool instance_create(plugin_instance *i, plugin_module *m, bb_str connection_id, bb_str settings, err *e) {
    *i = (plugin_instance){.module = m};
    if (!prepare(i, connection_id, settings, e)) {
        ledger_close(&i->held);
        arena_free(i->memory);
        *i = (plugin_instance){0}; /* nothing for instance_destroy to do */
        return false;
    }
    host_reject_clear();
    bb_code code = create(i);
    if (code != BB_OK) {
        const char *said = host_reject_text();
        err_set(e, "the connector refuses the settings: %s", said[0] != '\0' ? said : "it does not say why");
        settle(i, "`create`, which refused,");
        arena_free(i->memory);
        *i = (plugin_instance){0};
        return false;
    }
    module_ref(m);
    return true;
}

bool instance_destroy(plugin_instance *i) {
    if (i->module == NULL)
        return true;
    if (i->module->desc->destroy != NULL) {
        mark *here = mark_enter(i->module, i->abi.id, "destroy");
        i->module->desc->destroy(i->ptr);
        mark_leave(here);
    }
    bool settled = settle(i, "`destroy`");
    arena_free(i->memory);
    module_unref(i->module);
    *i = (plugin_instance){0};
    return settled;
}
