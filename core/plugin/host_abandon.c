#include "plugin/host_abandon.h"

#include "plugin/mark.h"

#define OPERATIONS_MAX 1000

/* --- admission ------------------------------------------------------------------------------------------ */

static bool check(plugin_module *m, const bb_abandon_operation *o, err *e) {
    if (!module_size_check("an operation that may be abandoned", o->size, sizeof *o, e))
        return false;
    const char *id = o->operation != NULL ? o->operation : "";
    plugin_op *op = module_op_own(m, str_from(id));
    if (op == NULL)
        return err_set(e, "its extension %s names \"%.100s\", which is not one of its operations",
                       BB_EXT_ABANDON, id);
    if (op->abandon != NULL)
        return err_set(e, "its extension %s names operation \"%s\" twice", BB_EXT_ABANDON, id);
    if (op->session != NULL)
        return err_set(e, "operation \"%s\" runs on a session: `interrupt` is for that, not %s", id,
                       BB_EXT_ABANDON);
    if (o->abandon == NULL)
        return err_set(e, "operation \"%s\" has no function under %s", id, BB_EXT_ABANDON);
    op->abandon = o;
    return true;
}

bool host_abandon_admit(plugin_module *m, err *e) {
    const bb_abandon_extension *x = module_extension(m, BB_EXT_ABANDON);
    for (size_t i = 0; i < m->op_count; i++)
        m->ops[i].abandon = NULL;
    if (x == NULL)
        return true;
    if (!module_size_check("its extension " BB_EXT_ABANDON, x->size, sizeof *x, e))
        return false;
    if (x->operations == NULL || x->operations[0] == NULL)
        return err_set(e, "its extension %s has no operations", BB_EXT_ABANDON);
    for (size_t i = 0; x->operations[i] != NULL; i++) {
        if (i == OPERATIONS_MAX)
            return err_set(e, "its extension %s names more than %d operations", BB_EXT_ABANDON,
                           OPERATIONS_MAX);
        if (!check(m, x->operations[i], e))
            return false;
    }
    return true;
}

/* --- the function --------------------------------------------------------------------------------------- */

void plugin_abandon_begin(plugin_call *c, uint64_t deadline_ns) {
    plugin_resume_begin(c);
    c->in_resume = c->misused = false;
    c->answer = (plugin_answer){0};
    c->error = (plugin_error){0};
    c->output_kind = PLUGIN_OUT_NONE;
    c->output = c->next_cursor = (bb_str){NULL, 0};
    c->content = NULL;
    c->deadline_ns = deadline_ns;
}

/* The input goes with the call, which its request outlives. */
static plugin_outcome keep(plugin_call *c) {
    bb_str *body = &c->request.body;
    if (c->request.body_kind != PLUGIN_BODY_BYTES || body->len == 0)
        return PLUGIN_SEND;
    *body = arena_copy(c->memory, *body);
    return body->ptr != NULL ? PLUGIN_SEND : PLUGIN_FAILED;
}

plugin_outcome plugin_abandon(plugin_call *c, const plugin_op *op, bb_code why) {
    mark *here = mark_enter_step(c->build, c->connection_id, op->desc->id, "abandon");
    bb_step step = op->abandon->abandon(&c->abi, why);
    mark_leave(here);
    if (step == BB_DONE && !c->misused)
        return PLUGIN_DONE;
    plugin_outcome outcome = plugin_finish(c, step);
    return outcome == PLUGIN_SEND ? keep(c) : outcome;
}
