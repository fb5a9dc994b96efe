/* steps.c - stage: the connector's steps, and what they lead to. */
#include "pipeline/call_internal.h"

#include "base/clock.h"
#include "plugin/host.h"

#define REQUESTS_MAX 1000u
#define REQUEST_BYTES 65536u /* of content that passed: they make room for another request */
#define REQUEST_WAIT_MS 10u  /* that requests were made to wait: so do these, */
#define WAITS_MAX 20000u     /* for so many at most */

static bool prepare(call *c) {
    plugin_call *s = &c->steps;
    c->pending = false;
    plugin_call_reset(s);
    c->mapped = (mapped_error){.problem = PROBLEM_NONE}; /* its texts went with the last page */
    s->memory = c->page_memory != NULL ? c->page_memory : c->memory;
    s->base_url = c->conn->base_url;
    s->origins = &c->conn->origins;
    s->plugin_id = c->conn->module->desc->id;
    s->connection_id = c->conn->id.ptr;
    s->build = c->conn->module->build;
    s->share = call_share(c);
    s->execution_id = c->id;
    s->deadline_ns = c->deadline_ns;
    uint32_t state_size = c->conn->isolated == NULL ? c->op->desc->state_size : 0;
    s->abi = (bb_call){
        .size = sizeof s->abi,
        .host = host_get(),
        .instance = c->conn->instance.ptr,
        .input = (const bb_json *)c->input,
        .cursor = c->request.cursor,
        .state = state_size > 0 ? arena_zalloc(s->memory, state_size) : NULL,
    };
    s->content = content_of_steps(c);
    c->keyed_before = c->keyed_requests;
    return state_size == 0 || s->abi.state != NULL;
}

static void begin_request(call *c) {
    c->attempt = 0;
    c->requests++;
    c->keyed_requests++;
    c->url_len = 0;
    call_count_memory(c, call_memory_used(c)); /* while it waits; a call that is done is gone at once */
    call_run_request(c);
}

/* Once: a repeat after a failure has a wait of its own. A call that waits holds no place and no rate. */
stage_result stage_delay(call *c) {
    uint64_t ms = c->steps.request.after_ms;
    c->steps.request.after_ms = 0;
    if (ms == 0)
        return STAGE_NEXT;
    if (ms >= call_left_ms(c))
        return call_fail(c, PROBLEM_DEADLINE_EXCEEDED,
                         STR("the time would run out before the service is asked again"));
    c->waited_ms += ms;
    call_wait(c, ms, call_go_on);
    return STAGE_WAIT;
}

/* --- not now, but later -------------------------------------------------------------------------------- */

/* A service that says so in its own way, and not by a status that the hub waits for by itself. */
static bool says_later(const call *c) {
    const plugin_error *e = &c->steps.error;
    int32_t status = c->steps.answer.status;
    bool waited_for = status == 429 || (status >= 502 && status <= 504);
    return e->retry == BB_RETRY_YES && e->code >= BB_E_UPSTREAM && status != 0 && !waited_for;
}

/* From `start`: where nothing has been done yet that may not be done twice, or the upload goes on. */
static bool may_begin_anew(const call *c) {
    if (c->content != NULL && content_goes_on(c))
        return true;
    return (call_op_repeatable(c->op) || !c->changed) && (c->content == NULL || content_at_begin(c));
}

static void begin_anew(call *c) {
    metrics_retry(c->op->stats, c->worker->number);
    if (c->content == NULL || !content_goes_on(c))
        c->keyed_requests =
            c->keyed_before; /* the same requests, which may have been acted on: the same keys */
    if (c->content != NULL) {
        content_restart(c);
        return;
    }
    call_drop_kept(c);
    call_restart(c);
}

static bool try_anew(call *c) {
    if (!says_later(c) || !may_begin_anew(c))
        return false;
    retry_question question = {.status = 429, /* whatever it is in the service's own way */
                               .retry_after = c->retry_after,
                               .repeatable = true,
                               .attempt = ++c->begun_anew};
    return call_begin_later(c, &question, begin_anew);
}

static void heed_limit(call *c) {
    plugin_limit *l = &c->steps.limit;
    if (l->told && c->conn->policies.limits.adapt)
        upstream_tell(c->conn->upstream, l->left, l->for_ms, clock_ns());
    l->told = false;
}

/* What a step came to, as the stage's result; a request is begun here. */
stage_result call_follow(call *c, plugin_outcome outcome) {
    c->pending = outcome == PLUGIN_SEND;
    heed_limit(c);
    stage_result kept = c->content != NULL ? content_keep(c, outcome == PLUGIN_SEND ? begin_request : NULL)
                                           : STAGE_NEXT;
    if (kept != STAGE_NEXT)
        return kept;
    switch (outcome) {
    case PLUGIN_SEND:
        begin_request(c);
        return STAGE_WAIT; /* the request's stages go on from here, whatever became of them */
    case PLUGIN_DONE: call_run_output(c); return STAGE_WAIT;
    default: return try_anew(c) ? STAGE_WAIT : call_fail_by_steps(c);
    }
}

stage_result stage_start(call *c) {
    if (!prepare(c))
        return call_fail(c, PROBLEM_OVERLOADED, STR("no memory for the call"));
    if (c->op->session == NULL && c->conn->isolated != NULL)
        return call_start_isolated(c);
    if (c->op->session == NULL)
        return call_follow(c, plugin_start(&c->steps, c->op->desc));
    c->attempt = 0;
    c->requests++;
    call_run_session(c);
    return STAGE_WAIT;
}

void call_restart(call *c) {
    if (stage_start(c) == STAGE_END)
        call_end(c);
}

/* Values read from this answer may be held by the connector: the next answer gets another buffer. */
static bool keep_body(call *c) {
    if (c->steps.answer.json == NULL)
        return true;
    kept_body *k = arena_alloc(c->memory, sizeof *k);
    if (k == NULL)
        return false;
    *k = (kept_body){.next = c->kept, .bytes = c->answer_body};
    c->kept = k;
    buf_init(&c->answer_body);
    return true;
}

static uint64_t requests_max(const call *c) {
    uint64_t waits = c->waited_ms / REQUEST_WAIT_MS;
    return REQUESTS_MAX + content_moved(c) / REQUEST_BYTES + (waits < WAITS_MAX ? waits : WAITS_MAX);
}

stage_result call_resume(call *c, const http_answer *answer) {
    if (c->requests > requests_max(c))
        return call_fail(c, PROBLEM_CONNECTOR_DEFECT,
                         STR("the connector made 1000 requests in one call without an end"));
    c->steps.answer = (plugin_answer){
        .status = (int32_t)answer->status,
        .headers = answer->headers,
        .header_count = answer->header_count,
        .body = buf_str(&c->answer_body),
    };
    bb_str later = call_answer_field(answer, STR("Retry-After"));
    c->retry_after = later.len > 0 ? arena_copy(c->memory, later) : later;
    if (c->conn->isolated != NULL && c->op->desc->resume != NULL)
        return call_resume_isolated(c);
    plugin_outcome outcome = plugin_resume(&c->steps, c->op->desc);
    if (outcome == PLUGIN_SEND && !keep_body(c))
        return call_fail(c, PROBLEM_OVERLOADED, STR("no memory for the call"));
    return call_follow(c, outcome);
}
