/* access.c - stage: whether the caller's key, and the connection itself, allow the operation.
 *
 * The words are the same whether the operation exists or not: a refusal does not tell. */
#include "pipeline/call_internal.h"

stage_result stage_access(call *c) {
    const principal *who = c->request.who;
    if (who != NULL && !access_calls(who, c->conn->id, c->op->id))
        return call_fail(c, PROBLEM_FORBIDDEN, STR("the key's role or bindings do not cover this call"));
    if (!patterns_fit(&c->conn->policies.access, c->op->id))
        return call_fail(c, PROBLEM_FORBIDDEN,
                         STR("the connection's [access] does not allow this operation"));
    return STAGE_NEXT;
}
