/* bulk_query.c - bulk.query and bulk.query_download: a query job from SOQL to its rows, as one operation. */
#include "bulk.h"
#include "schemas.h"

enum { CREATED, LOOKED, ROWS_CAME, ABORTED };

#define ROWS_MAX 10000

static bb_step start_query_job(bb_call *call) {
    const bb_json_api *json = call->host->json;
    bulk_job *job = (bulk_job *)call->state;
    bb_json_writer *w = json->writer(call);
    job->kind = "query";
    json->begin_object(w);
    json->key(w, bb_s("operation"));
    json->put_string(w, json->to_bool(bb_in(call, "all"), 0) ? bb_s("queryAll") : bb_s("query"));
    json->key(w, bb_s("query"));
    json->put_value(w, bb_in(call, "query"));
    if (bb_in(call, "columnDelimiter") != NULL) {
        json->key(w, bb_s("columnDelimiter"));
        json->put_value(w, bb_in(call, "columnDelimiter"));
    }
    json->end_object(w);
    bulk_begin(call, "POST", job, NULL);
    call->host->http->body(call, bb_s("application/json"), json->finish(w));
    return BB_SEND;
}

/* How many rows are here; how many there are was told with the job's end. */
static void tell_rows(bb_call *call, const bulk_job *job) {
    bb_progress(call, job->rows, job->records > 0 ? job->records : -1, "records", bb_s("download"));
}

static void keep_records(bb_call *call, bulk_job *job) {
    call->host->json->to_int64(bb_get(call, bb_response(call), "numberRecordsProcessed"), &job->records);
    tell_rows(call, job);
}

static bb_step ask_rows(bb_call *call, bulk_job *job, bb_str locator) {
    bulk_begin(call, "GET", job, "results");
    bb_header(call, "Accept", bb_s("text/csv"));
    if (locator.len > 0)
        bb_query(call, "locator", locator);
    bb_query_in(call, "maxRecords");
    job->phase = ROWS_CAME;
    return BB_SEND;
}

/* --- as records --------------------------------------------------------------------------------------- */

static bb_step begin_rows(bb_call *call, bulk_job *job) {
    keep_records(call, job);
    bulk_open_output(call, job, 1);
    call->host->json->key(job->w, bb_s("records"));
    call->host->json->begin_array(job->w);
    return ask_rows(call, job, bb_s(NULL));
}

static bb_step take_rows(bb_call *call, bulk_job *job) {
    int64_t most = ROWS_MAX;
    bb_str next = bulk_locator(call);
    call->host->json->to_int64(bb_in(call, "rows_max"), &most);
    if (!bulk_rows(call, job, most) || !bulk_leads_on(call, job, next))
        return BB_FAIL;
    tell_rows(call, job);
    if (next.len > 0 && job->rows < most)
        return ask_rows(call, job, next);
    job->cut |= next.len > 0;
    call->host->json->end_array(job->w);
    return bulk_close_output(call, job);
}

static bb_step looked(bb_call *call, bulk_job *job, bb_step (*then)(bb_call *call, bulk_job *job)) {
    const bb_json *answer = bb_response(call);
    bb_step step;
    if (job->phase == ABORTED)
        return bulk_aborted(call, job);
    switch (bulk_state_of(call, answer)) {
    case BULK_DONE: return then(call, job);
    case BULK_RUNS:
        job->phase = LOOKED;
        step = bulk_look(call, job);
        return step != BB_DONE ? step : bulk_give_up(call, job, ABORTED);
    default: return bulk_fail(call, answer);
    }
}

static bb_step resume_bulk_query(bb_call *call) {
    bulk_job *job = (bulk_job *)call->state;
    job->kind = "query";
    sf_heed_limit(call);
    if (!bb_ok(call))
        return sf_fail(call);
    if (job->phase == ROWS_CAME)
        return take_rows(call, job);
    if (job->phase == CREATED && !bulk_take_id(call, job))
        return BB_FAIL;
    return looked(call, job, begin_rows);
}

/* --- as a file ------------------------------------------------------------------------------------------ */

static bb_step ask_part(bb_call *call, bulk_job *job, bb_str locator) {
    const bb_content_api *content = bb_content_host(call);
    bb_step step = ask_rows(call, job, locator);
    if (BB_HAS(content, part_to_output))
        content->part_to_output(call, locator.len > 0); /* each part begins with the names */
    else
        content->to_output(call);
    return step;
}

static bb_step begin_file(bb_call *call, bulk_job *job) {
    char name[40];
    keep_records(call, job);
    snprintf(name, sizeof name, "%s.csv", job->id);
    bb_step step = ask_part(call, job, bb_s(NULL));
    bb_content_host(call)->describe(call, bb_s(name), bb_s("text/csv"));
    return step;
}

static bb_step start_bulk_query_download(bb_call *call) {
    if (bb_content_host(call) == NULL)
        return bb_fail(call, BB_E_UNSUPPORTED, "this hub is too old for files");
    return start_query_job(call);
}

/* Where the hub is too old for several parts, one is not taken for the whole. */
static bb_step part_came(bb_call *call, bulk_job *job) {
    bb_str next = bulk_locator(call);
    if (next.len == 0)
        return bb_done_text(call, bb_s("null"));
    if (!bulk_leads_on(call, job, next))
        return BB_FAIL;
    if (BB_HAS(bb_content_host(call), part_to_output))
        return ask_part(call, job, next);
    return bb_fail(call, BB_E_LIMIT,
                   "job %s has more rows than Salesforce gives at once: read them part by part, with "
                   "bulk.query_jobs.results, or narrow the query",
                   job->id);
}

static bb_step resume_bulk_query_download(bb_call *call) {
    bulk_job *job = (bulk_job *)call->state;
    job->kind = "query";
    sf_heed_limit(call);
    if (!bb_ok(call))
        return sf_fail(call);
    if (job->phase == ROWS_CAME)
        return part_came(call, job);
    if (job->phase == CREATED && !bulk_take_id(call, job))
        return BB_FAIL;
    bb_step step = looked(call, job, begin_file);
    return step != BB_DONE ? step
                           : bb_fail(call, BB_E_DEADLINE,
                                     "job %s has not ended yet: bulk.query_jobs.get tells when, "
                                     "bulk.query_jobs.download gives its rows",
                                     job->id);
}

bb_step sf_abandon_query(bb_call *call, bb_code why) {
    const bulk_job *job = (const bulk_job *)call->state;
    return job->phase <= LOOKED ? bulk_abandon(call, job, why) : BB_DONE;
}

/* clang-format off */

#define SOQL STRING("query", "SOQL, without GROUP BY, OFFSET, TYPEOF and aggregates")
#define ALL BOOLEAN("all", "deleted and archived records too; default false")

static const char bulk_query_input[] = INPUT(REQUIRED("\"query\""),
    SOQL "," ALL "," POLLING ","
    COUNT("maxRecords", "1", "1000000", "rows asked for at once; default Salesforce's") ","
    COUNT("rows_max", "1", "1000000", "rows in all; default 10000"));
const bb_operation sf_bulk_query = {
    BB_SIZE(bb_operation), .state_size = sizeof(bulk_job), .timeout_ms = 600000,
    .id = "bulk.query",
    .summary = "Read many records by a bulk query job",
    .description = "Values are texts, as CSV has them. `truncated` where there are more than `rows_max`; `complete` is false where time ran out: the job goes on, and "
                   "bulk.query_jobs tells of it.",
    .input_schema = bulk_query_input,
    .output_schema = OUTCOME(OUT_LIST("records")),
    .examples = EXAMPLE("all accounts", "{\"query\":\"SELECT Id, Name FROM Account\"}"),
    .start = start_query_job, .resume = resume_bulk_query,
};

static const char bulk_query_download_input[] = INPUT(REQUIRED("\"query\""),
    SOQL "," ALL "," POLLING ","
    COUNT("maxRecords", "1", "100000000", "rows asked for at once; default Salesforce's") ","
    CHOICE("columnDelimiter", "\"COMMA\",\"TAB\",\"SEMICOLON\",\"PIPE\",\"CARET\",\"BACKQUOTE\"", "default COMMA"));
const bb_operation sf_bulk_query_download = {
    BB_SIZE(bb_operation), .state_size = sizeof(bulk_job),
    .id = "bulk.query_download",
    .summary = "Read many records by a bulk query job, into a CSV file",
    .input_schema = bulk_query_download_input,
    .output_schema = "{}",
    .examples = EXAMPLE("all accounts", "{\"query\":\"SELECT Id, Name FROM Account\"}"),
    .start = start_bulk_query_download, .resume = resume_bulk_query_download,
};
