/* host_session_admit.c - a connector's declaration of session operations, checked before any of them runs. */
#include "plugin/host_session.h"

static bool tie(plugin_module *m, const bb_session_operation *o, err *e) {
    if (!module_size_check("a session operation", o->size, sizeof *o, e))
        return false;
    if (o->operation == NULL || o->run == NULL)
        return err_set(e, "a session operation has no id, or no `run`");
    plugin_op *op = module_op_own(m, str_from(o->operation));
    if (op == NULL)
        return err_set(e, "the session operation \"%.100s\" is not one of its operations", o->operation);
    if (op->session != NULL)
        return err_set(e, "the session operation \"%s\" is declared twice", o->operation);
    op->session = o;
    return true;
}

bool host_session_admit(plugin_module *m, err *e) {
    const bb_session_extension *x = module_extension(m, BB_EXT_SESSION);
    m->sessions = NULL;
    for (size_t i = 0; i < m->op_count; i++) /* a module that was read before is mapped now */
        m->ops[i].session = NULL;
    if (x == NULL)
        return true;
    if (!module_size_check("its extension " BB_EXT_SESSION, x->size, sizeof *x, e))
        return false;
    if (x->open == NULL || x->close == NULL || x->operations == NULL || x->operations[0] == NULL)
        return err_set(e, "its extension %s lacks `open`, `close` or operations", BB_EXT_SESSION);
    if (x->sessions > PLUGIN_SESSIONS_MAX)
        return err_set(e, "its extension %s asks for %u sessions; %d are allowed", BB_EXT_SESSION,
                       x->sessions, PLUGIN_SESSIONS_MAX);
    for (size_t i = 0; x->operations[i] != NULL; i++)
        if (!tie(m, x->operations[i], e))
            return false;
    m->sessions = x;
    return true;
}
