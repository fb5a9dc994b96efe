/* host_content_admit.c - a connector's declaration of operations with content, checked before any of them
 * runs. */
#include "plugin/host_content.h"

#define OPERATIONS_MAX 1000
#define FLAGS \
    (BB_CONTENT_TAKES | BB_CONTENT_GIVES | BB_CONTENT_OPTIONAL | BB_CONTENT_LENGTH | BB_CONTENT_AGAIN)
#define OF_UPLOADS (BB_CONTENT_OPTIONAL | BB_CONTENT_LENGTH | BB_CONTENT_AGAIN)

static bool check(plugin_module *m, const bb_content_operation *o, err *e) {
    if (!module_size_check("an operation with content", o->size, sizeof *o, e))
        return false;
    const char *id = o->operation != NULL ? o->operation : "";
    plugin_op *op = module_op_own(m, str_from(id));
    if (op == NULL)
        return err_set(e, "its extension %s names \"%.100s\", which is not one of its operations",
                       BB_EXT_CONTENT, id);
    if (op->content != 0)
        return err_set(e, "its extension %s names operation \"%s\" twice", BB_EXT_CONTENT, id);
    if ((o->flags & (BB_CONTENT_TAKES | BB_CONTENT_GIVES)) == 0 || (o->flags & ~FLAGS) != 0)
        return err_set(e,
                       "operation \"%s\": its content flags are 0x%x: say BB_CONTENT_TAKES, _GIVES or both",
                       id, o->flags);
    if ((o->flags & BB_CONTENT_TAKES) == 0 && (o->flags & OF_UPLOADS) != 0)
        return err_set(e, "operation \"%s\": its content flags belong to uploads, and it is none", id);
    if ((op->desc->flags & BB_OP_PAGINATED) != 0)
        return err_set(e, "operation \"%s\" has pages: it cannot have content", id);
    op->content = o->flags;
    return true;
}

bool host_content_admit(plugin_module *m, err *e) {
    const bb_content_extension *x = module_extension(m, BB_EXT_CONTENT);
    for (size_t i = 0; i < m->op_count; i++)
        m->ops[i].content = 0;
    if (x == NULL)
        return true;
    if (!module_size_check("its extension " BB_EXT_CONTENT, x->size, sizeof *x, e))
        return false;
    if (x->operations == NULL || x->operations[0] == NULL)
        return err_set(e, "its extension %s has no operations", BB_EXT_CONTENT);
    for (size_t i = 0; x->operations[i] != NULL; i++) {
        if (i == OPERATIONS_MAX)
            return err_set(e, "its extension %s names more than %d operations", BB_EXT_CONTENT,
                           OPERATIONS_MAX);
        if (!check(m, x->operations[i], e))
            return false;
    }
    return true;
}
