/* stages.c - the order of the stages: what happens once a call, once a request, once an answer.
 *
 * Their whole order is: access, quota, input schema, rate limit, cache, breaker, auth, request transform,
 * HTTP with retry, response transform, error mapping, output schema, record. The tables hold those that
 * exist; each of the others has its place between its neighbours. */
#include "pipeline/call_internal.h"

static const stage call_stages[] = {{"input", stage_input}, {"start", stage_start}};
static const stage request_stages[] = {{"auth", stage_credentials}, {"send", stage_send}};
static const stage output_stages[] = {{"output", stage_output}};

static void run(call *c, const stage *stages, size_t n) {
    for (size_t i = 0; i < n; i++) {
        switch (stages[i].run(c)) {
        case STAGE_NEXT: break;
        case STAGE_WAIT: return;
        case STAGE_END: call_end(c); return;
        }
    }
}

#define RUN(c, stages) run((c), (stages), sizeof(stages) / sizeof(stages)[0])

void call_run(call *c) {
    RUN(c, call_stages);
}

void call_run_request(call *c) {
    RUN(c, request_stages);
}

void call_run_output(call *c) {
    RUN(c, output_stages);
}
