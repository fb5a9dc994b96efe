/* bulk.c - a bulk job from its id to its end. */
#include "bulk.h"

#define POLL_MS 1000
#define GROWS_TO 10       /* times the first wait */
#define LOOK_MAX_MS 20000 /* below what a call with content may be without a byte */
#define WAIT_MAX_S 3600
#define TIME_KEPT_MS 1000 /* of the call's: for the last requests */

void bulk_begin(bb_call *call, const char *method, const bulk_job *job, const char *rest) {
    bb_request(call, method, "/services/data");
    bb_segment(call, sf_version(call));
    bb_segment(call, bb_s("jobs"));
    bb_segment(call, bb_s(job->kind));
    if (job->id[0] != '\0')
        bb_segment(call, bb_s(job->id));
    if (rest != NULL)
        bb_segment(call, bb_s(rest));
    sf_options(call);
}

int bulk_take_id(bb_call *call, bulk_job *job) {
    bb_str id = bb_text(call, bb_get(call, bb_response(call), "id"));
    int good = id.len == 15 || id.len == 18;
    for (size_t i = 0; i < id.len && good; i++)
        good = (id.ptr[i] >= '0' && id.ptr[i] <= '9') || ((id.ptr[i] | 32) >= 'a' && (id.ptr[i] | 32) <= 'z');
    if (!good)
        return bb_fail(call, BB_E_UPSTREAM_INVALID, "Salesforce gave no id of the job"), 0;
    memcpy(job->id, id.ptr, id.len);
    job->id[id.len] = '\0';
    return 1;
}

/* --- how far it is ---------------------------------------------------------------------------------- */

bulk_state bulk_state_of(bb_call *call, const bb_json *job) {
    bb_str state = bb_text(call, bb_get(call, job, "state"));
    if (bb_str_eq(state, "JobComplete"))
        return BULK_DONE;
    if (bb_str_eq(state, "UploadComplete") || bb_str_eq(state, "InProgress") || bb_str_eq(state, "Open"))
        return BULK_RUNS;
    return BULK_ENDED;
}

/* "InvalidBatch : Field name not found : Nmae": the word in front is the code. */
static bb_str code_of(bb_str message) {
    bb_str code = {message.ptr, 0};
    while (code.len < message.len && code.len < 60 && (message.ptr[code.len] | 32) >= 'a' &&
           (message.ptr[code.len] | 32) <= 'z')
        code.len++;
    return code.len + 1 < message.len && message.ptr[code.len + 1] == ':' ? code : bb_s(NULL);
}

bb_step bulk_fail(bb_call *call, const bb_json *job) {
    bb_str state = bb_text(call, bb_get(call, job, "state")), id = bb_text(call, bb_get(call, job, "id")),
           why = bb_text(call, bb_get(call, job, "errorMessage")), code = code_of(why);
    char text[600];
    if (state.len == 0)
        return bb_fail(call, BB_E_UPSTREAM_INVALID, "the answer is no job of Salesforce's");
    snprintf(text, sizeof text, "job %.*s: %.*s%s%.*s", (int)id.len, id.ptr != NULL ? id.ptr : "",
             (int)(state.len < 40 ? state.len : 40), state.ptr, why.len > 0 ? ": " : "",
             (int)(why.len < 400 ? why.len : 400), why.ptr != NULL ? why.ptr : "");
    return bb_fail_with(call, bb_str_eq(state, "Aborted") ? BB_E_UPSTREAM_CONFLICT : BB_E_UPSTREAM_REJECTED,
                        code.len > 0 ? code : state, bb_s(text));
}

static int64_t number_or(bb_call *call, const char *name, int64_t otherwise) {
    int64_t n = otherwise;
    call->host->json->to_int64(bb_in(call, name), &n);
    return n;
}

void bulk_tell(bb_call *call, const bulk_job *job) {
    const bb_json *answer = bb_response(call);
    int64_t processed = -1;
    call->host->json->to_int64(bb_get(call, answer, "numberRecordsProcessed"), &processed);
    bb_progress(call, processed, job->records > 0 ? job->records : -1, "records",
                bb_text(call, bb_get(call, answer, "state")));
}

bb_step bulk_look(bb_call *call, bulk_job *job) {
    int64_t first = number_or(call, "poll_ms", POLL_MS), left = call->host->call->time_left_ms(call);
    int64_t ms = job->delay_ms;
    if (!call->host->json->to_bool(bb_in(call, "wait"), 1) ||
        job->waited_ms + ms > number_or(call, "wait_max", WAIT_MAX_S) * 1000 || ms + TIME_KEPT_MS > left)
        return BB_DONE;
    bulk_tell(call, job);
    bulk_begin(call, "GET", job, NULL);
    if (ms > 0 && !bb_after(call, ms))
        return BB_FAIL;
    job->waited_ms += ms;
    ms = ms == 0 ? first : ms + ms / 2;
    ms = ms < first * GROWS_TO ? ms : first * GROWS_TO;
    job->delay_ms = ms < LOOK_MAX_MS ? ms : LOOK_MAX_MS;
    return BB_SEND;
}

static bb_step abort_job(bb_call *call, const bulk_job *job) {
    bulk_begin(call, "PATCH", job, NULL);
    call->host->http->body(call, bb_s("application/json"), bb_s("{\"state\":\"Aborted\"}"));
    return BB_SEND;
}

bb_step bulk_give_up(bb_call *call, bulk_job *job, int32_t phase_of_abort) {
    if (!call->host->json->to_bool(bb_in(call, "abort_on_timeout"), 0) ||
        !call->host->json->to_bool(bb_in(call, "wait"), 1)) {
        bulk_open_output(call, job, 0);
        return bulk_close_output(call, job);
    }
    job->phase = phase_of_abort;
    return abort_job(call, job);
}

bb_step bulk_abandon(bb_call *call, const bulk_job *job, bb_code why) {
    int late = why == BB_E_DEADLINE;
    int wanted = call->host->json->to_bool(bb_in(call, late ? "abort_on_timeout" : "abort_on_cancel"), !late);
    return wanted && job->id[0] != '\0' ? abort_job(call, job) : BB_DONE;
}

bb_step bulk_aborted(bb_call *call, const bulk_job *job) {
    return bb_fail(call, BB_E_DEADLINE, "time ran out before job %s ended: it is aborted", job->id);
}

/* --- the output ------------------------------------------------------------------------------------- */

void bulk_open_output(bb_call *call, bulk_job *job, int complete) {
    const bb_json_api *json = call->host->json;
    job->w = json->writer(call);
    json->begin_object(job->w);
    json->key(job->w, bb_s("job"));
    json->put_value(job->w, bb_response(call));
    json->key(job->w, bb_s("complete"));
    json->put_bool(job->w, complete);
}

bb_step bulk_close_output(bb_call *call, bulk_job *job) {
    const bb_json_api *json = call->host->json;
    json->key(job->w, bb_s("truncated"));
    json->put_bool(job->w, job->cut);
    json->end_object(job->w);
    return bb_done_writer(call, job->w);
}

int bulk_rows(bb_call *call, bulk_job *job, int64_t most) {
    int64_t room = most - job->rows;
    int64_t rows = csv_read(call, job->w, room);
    if (rows < 0)
        return 0;
    job->cut |= rows > room;
    job->rows += rows > room ? room : rows;
    return 1;
}

bb_str bulk_locator(bb_call *call) {
    bb_str locator = call->host->http->response_header(call, bb_s("Sforce-Locator"));
    return bb_str_eq(locator, "null") ? bb_s(NULL) : locator;
}

int bulk_leads_on(bb_call *call, bulk_job *job, bb_str locator) {
    if (locator.len > 0 && bb_str_eq(locator, job->locator))
        return bb_fail(call, BB_E_UPSTREAM_INVALID,
                       "Salesforce says that the rows it gave are followed by themselves: what stands "
                       "between drops the query of a URL"),
               0;
    snprintf(job->locator, sizeof job->locator, "%.*s",
             locator.len < sizeof job->locator ? (int)locator.len : 0, locator.len > 0 ? locator.ptr : "");
    return 1;
}

/* --- calls that are given up ---------------------------------------------------------------------------- */

#define ABANDON(var, name, function)                                                                     \
    static const bb_abandon_operation abandon_##var = {BB_SIZE(bb_abandon_operation), .operation = name, \
                                                       .abandon = function}
ABANDON(ingest, "bulk.ingest", sf_abandon_ingest);
ABANDON(ingest_upload, "bulk.ingest_upload", sf_abandon_ingest);
ABANDON(query, "bulk.query", sf_abandon_query);
ABANDON(query_download, "bulk.query_download", sf_abandon_query);
static const bb_abandon_operation *const abandons[] = {&abandon_ingest, &abandon_ingest_upload,
                                                       &abandon_query, &abandon_query_download, NULL};
const bb_abandon_extension sf_abandons = {BB_SIZE(bb_abandon_extension), .operations = abandons};
