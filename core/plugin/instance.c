#include "plugin/instance.h"

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

bool instance_create(plugin_instance *i, plugin_module *m, bb_str connection_id, bb_str settings, err *e) {
    *i = (plugin_instance){.module = m};
    if (!prepare(i, connection_id, settings, e)) {
        arena_free(i->memory);
        return false;
    }
    host_reject_clear();
    bb_code code = create(i);
    if (code != BB_OK) {
        const char *said = host_reject_text();
        err_set(e, "the connector refuses the settings: %s", said[0] != '\0' ? said : "it does not say why");
        arena_free(i->memory);
        return false;
    }
    module_ref(m);
    return true;
}

void instance_destroy(plugin_instance *i) {
    if (i->module == NULL)
        return;
    if (i->module->desc->destroy != NULL) {
        mark *here = mark_enter(i->module, i->abi.id, "destroy");
        i->module->desc->destroy(i->ptr);
        mark_leave(here);
    }
    arena_free(i->memory);
    module_unref(i->module);
    *i = (plugin_instance){0};
}
