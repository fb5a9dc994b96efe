/* input.c - stages: the caller's input is JSON, and fits the operation's schema. */
#include "pipeline/call_internal.h"

static stage_result report_issues(call *c, const schema_issues *found) {
    call_issue *issues = arena_alloc(c->memory, (found->count + 1) * sizeof *issues);
    for (size_t i = 0; issues != NULL && i < found->count; i++)
        issues[i] = (call_issue){.pointer = found->items[i].pointer, .detail = found->items[i].message};
    c->result.issues = issues;
    c->result.issue_count = issues != NULL ? found->count : 0;
    const schema_issue *first = found->count > 0 ? &found->items[0] : NULL;
    if (first == NULL)
        return call_fail(c, PROBLEM_INVALID_INPUT, STR("the input does not fit the operation's schema"));
    return call_failf(c, PROBLEM_INVALID_INPUT, "%.*s%s%.*s", STR_FMT(first->pointer),
                      first->pointer.len > 0 ? " " : "", STR_FMT(first->message));
}

stage_result stage_input(call *c) {
    json_error error;
    bb_str text = c->request.input.len > 0 ? c->request.input : STR("{}");
    c->input = json_read(c->memory, text, NULL, &error);
    if (c->input == NULL)
        return call_failf(c, PROBLEM_INVALID_JSON, "line %u, column %u: %s", error.line, error.column,
                          error.reason);
    return STAGE_NEXT;
}

stage_result stage_schema(call *c) {
    schema_issues issues = {0};
    if (!schema_validate(c->op->input, c->input, c->memory, &issues))
        return report_issues(c, &issues);
    if (!json_is(c->input, JSON_OBJECT))
        return call_fail(c, PROBLEM_INVALID_INPUT, STR("the input is an object"));
    return STAGE_NEXT;
}
