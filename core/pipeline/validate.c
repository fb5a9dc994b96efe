/* validate.c - stage: the connector's output fits the operation's schema: a failure where [validation] output
 * = strict, else counted. Each page is looked at by itself. */
#include "pipeline/call_internal.h"

const json_value *call_output_value(call *c) {
    const plugin_call *s = &c->steps;
    return s->output_kind == PLUGIN_OUT_BODY ? s->answer.json : json_read(s->memory, s->output, NULL, NULL);
}

stage_result stage_validate(call *c) {
    output_check check = c->conn->policies.output;
    if (check == OUTPUT_UNCHECKED || c->op->output == NULL || c->steps.output.len == 0)
        return STAGE_NEXT;
    const json_value *value = call_output_value(c);
    schema_issues issues = {0};
    if (value == NULL && str_eq(c->steps.output, STR("null"))) /* an empty body */
        value = json_read(c->steps.memory, STR("null"), NULL, NULL);
    if (value == NULL || schema_validate(c->op->output, value, c->steps.memory, &issues))
        return STAGE_NEXT;
    metrics_output_invalid(c->op->stats, c->worker->number);
    if (check != OUTPUT_STRICT)
        return STAGE_NEXT;
    const schema_issue *first = issues.count > 0 ? &issues.items[0] : NULL;
    return call_failf(c, PROBLEM_OUTPUT_INVALID, "%.*s%s%.*s", first != NULL ? (int)first->pointer.len : 0,
                      first != NULL ? first->pointer.ptr : "",
                      first != NULL && first->pointer.len > 0 ? " " : "",
                      first != NULL ? (int)first->message.len : 30,
                      first != NULL ? first->message.ptr : "does not fit the output schema");
}
