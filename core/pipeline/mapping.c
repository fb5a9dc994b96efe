/* mapping.c - what the conf file's [errors] makes of a service's answer: which kind of problem, in which
 * words. */
#include "pipeline/call_internal.h"

static bool may_match(const error_policy *p, const http_answer *answer) {
    if (answer->failure != HTTP_FAIL_NONE)
        return false;
    if (answer->status >= 400)
        return true;
    for (size_t i = 0; i < p->count; i++)
        if (p->rules[i].status == answer->status)
            return true;
    return false;
}

/* A string as it is, a number as written; else absent. */
static bb_str text_at(const json_value *root, bb_str pointer) {
    const json_value *v = pointer.len > 0 ? json_pointer(root, pointer) : NULL;
    if (json_is(v, JSON_STRING))
        return json_string(v);
    return json_is(v, JSON_NUMBER) || json_is(v, JSON_BOOL) ? json_raw(v) : (bb_str){NULL, 0};
}

mapped_error call_map_error(call *c, const http_answer *answer) {
    const error_policy *p = &c->conn->policies.errors;
    mapped_error m = {.problem = PROBLEM_NONE};
    c->mapped = m;
    if ((p->count == 0 && p->message.len == 0 && p->code.len == 0) || !may_match(p, answer))
        return m;
    const json_value *root = NULL;
    if (p->message.len > 0 || p->code.len > 0)
        root = json_read(c->steps.memory, buf_str(&c->answer_body), NULL, NULL);
    m.message = text_at(root, p->message);
    m.code = text_at(root, p->code);
    for (size_t i = 0; i < p->count && m.problem == PROBLEM_NONE; i++) {
        const error_rule *rule = &p->rules[i];
        bool fits = (rule->status == 0 ? answer->status >= 400 : rule->status == answer->status) &&
                    (rule->code.len == 0 || str_eq(rule->code, m.code));
        if (fits)
            m.problem = rule->problem;
    }
    c->mapped = m;
    return m;
}

void call_map_code(call *c, bb_str code) {
    const error_policy *p = &c->conn->policies.errors;
    c->mapped = (mapped_error){.problem = PROBLEM_NONE};
    for (size_t i = 0; i < p->count && c->mapped.problem == PROBLEM_NONE; i++)
        if (p->rules[i].status == 0 && p->rules[i].code.len > 0 && str_eq(p->rules[i].code, code))
            c->mapped.problem = p->rules[i].problem;
}
