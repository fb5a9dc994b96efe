/* breaker.c - stage: the circuit breaker of the credential and host. */
#include "pipeline/call_internal.h"

#include "base/clock.h"

static uint64_t now_ms(void) {
    return clock_ns() / 1000000u;
}

/* A request to another origin (an upload to where the service said) tells nothing of this one. */
stage_result stage_breaker(call *c) {
    if (c->request.probe != NULL || c->steps.request.foreign)
        return STAGE_NEXT;
    c->pass = breaker_admit(&c->conn->upstream->breaker, &c->conn->policies.breaker, now_ms());
    c->passed = c->pass.admitted;
    if (c->passed)
        return STAGE_NEXT;
    call_fail(c, PROBLEM_CIRCUIT_OPEN,
              STR("the service failed too often of late; it is asked again when the pause is over"));
    c->result.retry_after_ms = c->pass.retry_after_ms;
    return STAGE_END;
}

/* Only passes of the state that is in force are good. */
stage_result stage_breaker_still(call *c) {
    if (!c->passed || breaker_stands(&c->conn->upstream->breaker, &c->pass))
        return STAGE_NEXT;
    breaker_report(&c->conn->upstream->breaker, &c->conn->policies.breaker, &c->pass, BREAKER_UNKNOWN,
                   now_ms());
    c->passed = false;
    return stage_breaker(c);
}

void call_leave_upstream(call *c, breaker_result result) {
    if (c->has_slot)
        slots_give(&c->conn->upstream->slots);
    if (c->passed)
        breaker_report(&c->conn->upstream->breaker, &c->conn->policies.breaker, &c->pass, result, now_ms());
    c->has_slot = c->passed = false;
}
