#include "plugin/instance.h"

#include "plugin/host.h"

static bool prepare(plugin_instance *i, bb_str connection_id, bb_str settings, err *e) {
    i->memory = arena_new_sized(0, 1024);
    if (i->memory == NULL)
        return err_set(e, "no memory");
    i->settings = json_read(i->memory, arena_copy(i->memory, settings), NULL, NULL);
    i->abi = (bb_connection){
        .size = sizeof i->abi,
        .host = host_get(),
        .id = arena_strdup(i->memory, connection_id),
        .settings = (const bb_json *)i->settings,
    };
    return (i->settings != NULL && i->abi.id != NULL) || err_set(e, "the settings are not JSON");
}

bool instance_create(plugin_instance *i, plugin_module *m, bb_str connection_id, bb_str settings, err *e) {
    *i = (plugin_instance){.module = m};
    if (!prepare(i, connection_id, settings, e)) {
        arena_free(i->memory);
        return false;
    }
    host_reject_clear();
    bb_code code = m->desc->create != NULL ? m->desc->create(&i->abi, &i->ptr) : BB_OK;
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
    if (i->module->desc->destroy != NULL)
        i->module->desc->destroy(i->ptr);
    arena_free(i->memory);
    module_unref(i->module);
    *i = (plugin_instance){0};
}
