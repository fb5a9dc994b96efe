/* jobs.c - routes that begin a job and give its id: it is asked after until it is done, so that the caller
 * gets what it came to. Where the call's time is over before, the caller gets the id, as from Dropbox. */
#include "dropbox.h"

#define FIRST_WAIT_MS 250
#define WAIT_MAX_MS 8000
#define RESERVE_MS 1000 /* for the answer */

static int64_t wait_of(uint32_t polls) {
    int64_t wait = FIRST_WAIT_MS;
    while (polls-- > 0 && wait < WAIT_MAX_MS)
        wait *= 2;
    return wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
}

static bb_str job_member(bb_call *call, const dx_state *state, int launched) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    if (launched) {
        json->key(w, bb_s(".tag"));
        json->put_string(w, bb_s("async_job_id"));
    }
    json->key(w, bb_s("async_job_id"));
    json->put_string(w, bb_s(state->job));
    json->end_object(w);
    return json->finish(w);
}

/* Dropbox tells of a job only that it runs: how many entries it has, the caller has said. */
static void tell(bb_call *call) {
    const bb_json *list = bb_in(call, "entries") != NULL ? bb_in(call, "entries") : bb_in(call, "paths");
    int64_t n = (int64_t)call->host->json->count(list);
    bb_progress(call, -1, n > 0 ? n : -1, "entries", bb_s("in_progress"));
}

static bb_step ask_after(bb_call *call, const dx_route *route, dx_state *state) {
    int64_t wait = wait_of(state->polls++);
    if (!BB_HAS(call->host->http, after) || call->host->call->time_left_ms(call) < wait + RESERVE_MS)
        return bb_done_text(call, job_member(call, state, 1));
    tell(call);
    if (dx_send_json(call, DX_API, route->check, job_member(call, state, 0)) != BB_SEND)
        return BB_FAIL;
    call->host->http->repeatable(call, 1);
    return bb_after(call, wait) ? BB_SEND : BB_FAIL;
}

static int take_job(bb_call *call, dx_state *state) {
    bb_str id = bb_text(call, bb_get(call, bb_response(call), "async_job_id"));
    if (id.len == 0 || id.len >= sizeof state->job || memchr(id.ptr, '\0', id.len) != NULL)
        return 0;
    memcpy(state->job, id.ptr, id.len);
    return 1;
}

bb_step dx_job_resume(bb_call *call, const dx_route *route) {
    dx_state *state = (dx_state *)call->state;
    if (!dx_ok(call, route))
        return BB_FAIL;
    const bb_json *answer = bb_response(call);
    bb_str tag = bb_text(call, bb_get(call, answer, ".tag"));
    if (bb_str_eq(tag, "complete"))
        return bb_done_body(call);
    if (bb_str_eq(tag, "failed"))
        return dx_fail_job(call, answer);
    if (state->job[0] == '\0' ? bb_str_eq(tag, "async_job_id") && take_job(call, state)
                              : bb_str_eq(tag, "in_progress"))
        return ask_after(call, route, state);
    return dx_not_understood(call);
}
