#include "webhook/verdict.h"

verdict verdict_of_post(const post_result *r) {
    unsigned s = r->status;
    bool busy = r->failure == POST_STATUS && (s == 429 || s == 502 || s == 503 || s == 504);
    return (verdict){
        .ok = r->failure == POST_OK,
        .gone = r->failure == POST_STATUS && s == 410,
        .ill = r->failure != POST_OK,
        .again = r->failure == POST_NO_MEMORY || r->failure == POST_CANCELLED,
        .mood = r->failure == POST_OK ? LANE_WELL
                : busy                ? LANE_THROTTLE
                                      : LANE_FAILED,
        .status = s,
        .retry_after_ms = r->retry_after_ms,
        .duration_ms = r->duration_ms,
        .text = r->text,
    };
}

/* What an admin, or time, cannot mend while the input stays the same. */
static bool is_final(problem p) {
    return p == PROBLEM_INVALID_JSON || p == PROBLEM_INVALID_INPUT || p == PROBLEM_UPSTREAM_REJECTED ||
           p == PROBLEM_TOO_LARGE || p == PROBLEM_UNSUPPORTED;
}

static bool is_busy(problem p) {
    return p == PROBLEM_RATE_LIMITED || p == PROBLEM_QUOTA_EXCEEDED || p == PROBLEM_UPSTREAM_RATE_LIMITED ||
           p == PROBLEM_UPSTREAM_UNAVAILABLE || p == PROBLEM_CIRCUIT_OPEN || p == PROBLEM_OVERLOADED;
}

verdict verdict_of_call(const call_result *r, uint64_t duration_ms) {
    bool ok = r->problem == PROBLEM_NONE, final = is_final(r->problem);
    return (verdict){
        .ok = ok,
        .final = final,
        .ill = !ok && !final,
        .again = r->problem == PROBLEM_CANCELLED || (!ok && r->unbegun && !r->unsure),
        .mood = ok || final           ? LANE_WELL
                : is_busy(r->problem) ? LANE_THROTTLE
                                      : LANE_FAILED,
        .status = r->upstream_status,
        .retry_after_ms = r->retry_after_ms,
        .duration_ms = duration_ms,
        .text = ok                  ? (bb_str){NULL, 0}
                : r->detail.len > 0 ? r->detail
                                    : str_from(problem_of(r->problem)->title),
    };
}

delivery_outcome verdict_outcome(const verdict *v, const delivery_plan *plan, const delivery *d,
                                 uint64_t began_ms, uint64_t now_ms, uint64_t random) {
    delivery_outcome o = {.id = d->id,
                          .state = v->ok ? DELIVERY_DONE : DELIVERY_DEAD,
                          .attempted = true,
                          .at_ms = began_ms,
                          .duration_ms = v->duration_ms,
                          .status = v->status,
                          .text = v->text};
    uint64_t delay;
    if (!v->ok && !v->gone && !v->final &&
        retries_next(&plan->retries, d->attempts + 1, v->retry_after_ms, random, &delay)) {
        o.state = DELIVERY_PENDING;
        o.due_ms = now_ms + delay;
    }
    return o;
}
