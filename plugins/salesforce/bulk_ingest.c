/* bulk_ingest.c - bulk.ingest: a job from its records, or a CSV file, to what became of each, as one
 * operation.
 *
 * create -> upload -> close -> look, and again -> the results that are asked for. A file that breaks off goes
 * on: the job's id is saved. */
#include "bulk.h"
#include "schemas.h"

enum { CREATED, UPLOADED, CLOSED, LOOKED, FAILED_ROWS, UNPROCESSED_ROWS, SUCCESSFUL_ROWS, ABORTED, FOUND };

#define FILE_MAX_BYTES                                                                                                                     \
    150000000 /* of one job, before base64:                                                                                                \
                 https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/ \
               */
#define ROWS_MAX 1000

/* --- create and upload ------------------------------------------------------------------------------ */

static int has_content(bb_call *call) {
    const bb_content_api *content = bb_content_host(call);
    return content != NULL && content->given(call);
}

static bb_step create_job(bb_call *call, bulk_job *job) {
    static const char *const names[] = {"object", "operation", "externalIdFieldName", "assignmentRuleId"};
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bb_in(call, names[i]) == NULL)
            continue;
        json->key(w, bb_s(names[i]));
        json->put_value(w, bb_in(call, names[i]));
    }
    json->key(w, bb_s("contentType"));
    json->put_string(w, bb_s("CSV"));
    json->key(w, bb_s("columnDelimiter"));
    json->put_string(w, bb_in(call, "columnDelimiter") != NULL && has_content(call)
                            ? bb_in_text(call, "columnDelimiter")
                            : bb_s("COMMA"));
    json->key(w, bb_s("lineEnding"));
    json->put_string(w, bb_in(call, "lineEnding") != NULL && has_content(call)
                            ? bb_in_text(call, "lineEnding")
                            : bb_s("LF"));
    json->end_object(w);
    bulk_begin(call, "POST", job, NULL);
    call->host->http->body(call, bb_s("application/json"), json->finish(w));
    job->phase = CREATED;
    return BB_SEND;
}

/* The job's id, and whether all of it is there: what a call that broke off goes on by. */
static void save(bb_call *call, const bulk_job *job, int uploaded) {
    char text[80];
    if (!has_content(call))
        return;
    snprintf(text, sizeof text, "{\"job\":\"%s\",\"uploaded\":%s}", job->id, uploaded ? "true" : "false");
    bb_content_save(call, bb_s(text));
}

static bb_step upload(bb_call *call, bulk_job *job) {
    bb_str csv;
    if (!has_content(call) && !csv_write(call, bb_in(call, "records"), &csv))
        return BB_FAIL;
    job->records = (int64_t)call->host->json->count(bb_in(call, "records"));
    bb_progress(call, 0, job->records > 0 ? job->records : -1, "records", bb_s("upload"));
    bulk_begin(call, "PUT", job, "batches");
    if (has_content(call))
        bb_content_host(call)->body(call, bb_s("text/csv"), 0, -1);
    else
        call->host->http->body(call, bb_s("text/csv; charset=UTF-8"), csv);
    save(call, job, 0);
    job->phase = UPLOADED;
    return BB_SEND;
}

static bb_step close_job(bb_call *call, bulk_job *job) {
    bulk_begin(call, "PATCH", job, NULL);
    call->host->http->body(call, bb_s("application/json"), bb_s("{\"state\":\"UploadComplete\"}"));
    save(call, job, 1);
    job->phase = CLOSED;
    return BB_SEND;
}

/* --- the call that broke off ------------------------------------------------------------------------- */

static bb_step look_where_it_is(bb_call *call, bulk_job *job, const bb_json *saved) {
    bb_str id = bb_text(call, bb_get(call, saved, "job"));
    snprintf(job->id, sizeof job->id, "%.*s", (int)id.len, id.ptr);
    bulk_begin(call, "GET", job, NULL);
    job->phase = FOUND;
    return BB_SEND;
}

/* Open: not all of it is there, or it is and the job is not closed. Sent once more, it is refused where it is
 * there already, and then only closed. */
static bb_step go_on(bb_call *call, bulk_job *job) {
    bb_str state = bb_text(call, bb_get(call, bb_response(call), "state"));
    if (bb_str_eq(state, "Open"))
        return call->host->json->to_bool(bb_get(call, bb_content_saved(call), "uploaded"), 0)
                   ? close_job(call, job)
                   : upload(call, job);
    job->phase = LOOKED;
    return BB_DONE;
}

/* --- to the end ---------------------------------------------------------------------------------------- */

static const struct {
    const char *member, *path;
    int otherwise;
} results[] = {{"failed", "failedResults", 1},
               {"unprocessed", "unprocessedrecords", 1},
               {"successful", "successfulResults", 0}};

/* The next kind of rows that is asked for; else the end. */
static bb_step next_rows(bb_call *call, bulk_job *job, int32_t from) {
    const bb_json_api *json = call->host->json;
    for (int32_t i = from; i < 3; i++) {
        if (!json->to_bool(bb_in(call, results[i].member), results[i].otherwise))
            continue;
        json->key(job->w, bb_s(results[i].member));
        json->begin_array(job->w);
        job->rows = 0;
        job->phase = FAILED_ROWS + i;
        bulk_begin(call, "GET", job, results[i].path);
        bb_header(call, "Accept", bb_s("text/csv"));
        return BB_SEND;
    }
    return bulk_close_output(call, job);
}

static bb_step take_rows(bb_call *call, bulk_job *job) {
    int64_t most = ROWS_MAX;
    call->host->json->to_int64(bb_in(call, "rows_max"), &most);
    if (!bulk_rows(call, job, most))
        return BB_FAIL;
    job->cut |= bulk_locator(call).len > 0;
    call->host->json->end_array(job->w);
    return next_rows(call, job, job->phase - FAILED_ROWS + 1);
}

static bb_step looked(bb_call *call, bulk_job *job) {
    const bb_json *answer = bb_response(call);
    bb_step step;
    switch (bulk_state_of(call, answer)) {
    case BULK_DONE:
        bulk_tell(call, job);
        bulk_open_output(call, job, 1);
        return next_rows(call, job, 0);
    case BULK_RUNS:
        step = bulk_look(call, job);
        return step != BB_DONE ? step : bulk_give_up(call, job, ABORTED);
    default: return bulk_fail(call, answer);
    }
}

static bb_step start_bulk_ingest(bb_call *call) {
    bulk_job *job = (bulk_job *)call->state;
    const bb_json *saved = has_content(call) ? bb_content_saved(call) : NULL;
    job->kind = "ingest";
    if (has_content(call) && bb_content_length(call) > FILE_MAX_BYTES)
        return bb_fail_input(call, "", "a job takes 150 MB: split the file");
    if (bb_str_eq(bb_in_text(call, "operation"), "upsert") && bb_in(call, "externalIdFieldName") == NULL)
        return bb_fail_input(call, "/externalIdFieldName", "an upsert needs the field to find records by");
    return saved != NULL ? look_where_it_is(call, job, saved) : create_job(call, job);
}

static bb_step resume_bulk_ingest(bb_call *call) {
    bulk_job *job = (bulk_job *)call->state;
    job->kind = "ingest";
    sf_heed_limit(call);
    if (!bb_ok(call) && !(job->phase == UPLOADED && bb_content_host(call) != NULL && has_content(call) &&
                          bb_content_saved(call) != NULL && sf_answered(call, "INVALIDJOBSTATE")))
        return sf_fail(call);
    switch (job->phase) {
    case CREATED: return bulk_take_id(call, job) ? upload(call, job) : BB_FAIL;
    case UPLOADED: return close_job(call, job);
    case FOUND:
        if (go_on(call, job) == BB_SEND)
            return BB_SEND;
        return looked(call, job);
    case CLOSED: job->phase = LOOKED; return looked(call, job);
    case ABORTED: return bulk_aborted(call, job);
    case LOOKED: return looked(call, job);
    default: return take_rows(call, job);
    }
}

/* Once it has ended there is nothing to abort. */
bb_step sf_abandon_ingest(bb_call *call, bb_code why) {
    const bulk_job *job = (const bulk_job *)call->state;
    return job->phase <= LOOKED || job->phase == FOUND ? bulk_abandon(call, job, why) : BB_DONE;
}

/* clang-format off */

#define INGESTED(more) \
    SOBJECT "," \
    CHOICE("operation", "\"insert\",\"update\",\"upsert\",\"delete\",\"hardDelete\"", "what to do") "," \
    PATTERN("externalIdFieldName", "^" NAME_ "$", "upsert: the field to find records by") "," \
    ID("assignmentRuleId", "of cases and leads") "," more \
    POLLING "," \
    BOOLEAN("failed", "give the rows that failed; default true") "," \
    BOOLEAN("unprocessed", "give the rows that were not processed; default true") "," \
    BOOLEAN("successful", "give the rows that went well; default false") "," \
    COUNT("rows_max", "1", "100000", "of each kind; default 1000")
#define ROWS(name) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}"
#define INGEST_OUTPUT OUTCOME(ROWS("failed") "," ROWS("unprocessed") "," ROWS("successful"))
#define TOLD_ROWS \
    "Rows that failed do not fail the call: `failed` has them, with `sf__Error`. " \
    "`complete` is false where time ran out: the job goes on, and bulk.ingest_jobs tells of it."

static const char bulk_ingest_input[] = INPUT(REQUIRED("\"object\",\"operation\",\"records\""), INGESTED(
    "\"records\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":1000000,\"items\":{\"type\":\"object\",\"minProperties\":1}," TOLD("null unsets a field") "},"));
const bb_operation sf_bulk_ingest = {
    BB_SIZE(bb_operation), .state_size = sizeof(bulk_job), .timeout_ms = 600000,
    .id = "bulk.ingest",
    .summary = "Insert, update, upsert or delete many records by a bulk job, and tell what became of them",
    .description = TOLD_ROWS,
    .input_schema = bulk_ingest_input, .output_schema = INGEST_OUTPUT,
    .examples = EXAMPLE("two accounts", "{\"object\":\"Account\",\"operation\":\"insert\",\"records\":[{\"Name\":\"Acme\"},{\"Name\":\"Globex\"}]}"),
    .start = start_bulk_ingest, .resume = resume_bulk_ingest,
};

static const char bulk_ingest_upload_input[] = INPUT(REQUIRED("\"object\",\"operation\""), INGESTED(
    CHOICE("columnDelimiter", "\"COMMA\",\"TAB\",\"SEMICOLON\",\"PIPE\",\"CARET\",\"BACKQUOTE\"", "of the file; default COMMA") ","
    CHOICE("lineEnding", "\"LF\",\"CRLF\"", "of the file; default LF") ","));
const bb_operation sf_bulk_ingest_upload = {
    BB_SIZE(bb_operation), .state_size = sizeof(bulk_job),
    .id = "bulk.ingest_upload",
    .summary = "The same with the records of a CSV file of at most 150 MB",
    .description = TOLD_ROWS,
    .input_schema = bulk_ingest_upload_input, .output_schema = INGEST_OUTPUT,
    .examples = EXAMPLE("accounts", "{\"object\":\"Account\",\"operation\":\"insert\"}"),
    .start = start_bulk_ingest, .resume = resume_bulk_ingest,
};
