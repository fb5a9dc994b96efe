/* bulk_jobs.c - bulk jobs step by step, for jobs that outlast a call. */
#include "bulk.h"
#include "schemas.h"

/* --- rows --------------------------------------------------------------------------------------------- */

/* A page of rows as {"records": [...]}. */
static bb_step resume_rows(bb_call *call, const sf_route *route) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w;
    (void)route;
    if (!bb_ok(call))
        return sf_fail(call);
    w = json->writer(call);
    json->begin_object(w);
    json->key(w, bb_s("records"));
    json->begin_array(w);
    if (csv_read(call, w, INT64_MAX) < 0)
        return BB_FAIL;
    json->end_array(w);
    json->end_object(w);
    call->host->call->next_cursor(call, bulk_locator(call));
    return bb_done_writer(call, w);
}

static int digit_of(char c) {
    char letter = (char)(c | 32);
    return c >= '0' && c <= '9' ? c - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* A value as it stands in a URL, without its escapes: it gets them again on its way back. */
static bb_str decoded(bb_call *call, bb_str text) {
    char *to = (char *)call->host->call->alloc(call, text.len + 1);
    bb_str out = {to, 0};
    for (size_t i = 0; to != NULL && i < text.len; i++) {
        int high = i + 2 < text.len && text.ptr[i] == '%' ? digit_of(text.ptr[i + 1]) : -1,
            low = high >= 0 ? digit_of(text.ptr[i + 2]) : -1;
        to[out.len++] = low >= 0 ? (char)(high << 4 | low) : text.ptr[i];
        i += low >= 0 ? 2 : 0;
    }
    return out;
}

/* {"done", "records", "nextRecordsUrl": "...?queryLocator=..."}: the locator is the cursor. */
static bb_step resume_jobs(bb_call *call, const sf_route *route) {
    static const char mark[] = "queryLocator=";
    bb_str url = bb_ok(call) ? bb_text(call, bb_get(call, bb_response(call), "nextRecordsUrl")) : bb_s(NULL);
    for (size_t i = 0; i + sizeof mark - 1 < url.len; i++) {
        bb_str rest = {url.ptr + i + sizeof mark - 1, 0};
        if (memcmp(url.ptr + i, mark, sizeof mark - 1) != 0)
            continue;
        while (rest.ptr + rest.len < url.ptr + url.len && rest.ptr[rest.len] != '&')
            rest.len++;
        call->host->call->next_cursor(call, decoded(call, rest));
        break;
    }
    return sf_object(call, route);
}

static bb_step resume_download(bb_call *call, const sf_route *route) {
    (void)route;
    return bb_ok(call) ? bb_done_text(call, bb_s("null")) : sf_fail(call);
}

/* clang-format off */

#define JOB(var, bits, verb, name, place, body_json, end, text, example) \
    static const char var##_input[] = INPUT(REQUIRED("\"job\""), JOB_ID); \
    static const sf_route route_##var = {.rest = {.method = verb, .path = place, .members = BB_REST_NONE}}; \
    static bb_step start_##var(bb_call *call) { \
        sf_begin(call, &route_##var.rest); \
        sf_options(call); \
        if (body_json != NULL) call->host->http->body(call, bb_s("application/json"), bb_s(body_json)); \
        return BB_SEND; \
    } \
    RESUME(var, end) \
    OPERATION(var, bits, name, text, NULL, OUT_ANY_JOB, NULL, example)
#define OUT_ANY_JOB "{\"anyOf\":[" REF("job") ",{\"type\":\"null\"}]}"
#define A_JOB EXAMPLE("by id", "{\"job\":\"7505e000000ABCDEAA\"}")

#define LIST(var, name, path_, text) \
    static const sf_route route_##var = {.rest = {.method = "GET", .path = path_, .cursor = "queryLocator"}}; \
    static bb_step start_##var(bb_call *call) { return sf_send(call, &route_##var); } \
    RESUME(var, resume_jobs) \
    OPERATION(var, BB_OP_SAFE | BB_OP_PAGINATED, name, text, NULL, \
        OUT("\"records\"", OUT_TRUTH("done") ",\"records\":" ARRAY_OF("job")), "/records", EXAMPLE("all", "{}"))
#define LIST_INPUT(more) INPUT("", more \
    BOOLEAN("isPkChunkingEnabled", "only jobs with, or without, PK chunking") "," \
    CHOICE("concurrencyMode", "\"parallel\"", "only such jobs"))

#define ROWS_OUT OUT("\"records\"", OUT_LIST("records"))
#define DELIMITERS \
    CHOICE("columnDelimiter", "\"COMMA\",\"TAB\",\"SEMICOLON\",\"PIPE\",\"CARET\",\"BACKQUOTE\"", "default COMMA") "," \
    CHOICE("lineEnding", "\"LF\",\"CRLF\"", "default LF")

/* --- ingest --------------------------------------------------------------------------------------------- */

static const char ingest_create_input[] = INPUT(REQUIRED("\"object\",\"operation\""),
    SOBJECT ","
    CHOICE("operation", "\"insert\",\"update\",\"upsert\",\"delete\",\"hardDelete\"", "what to do") ","
    PATTERN("externalIdFieldName", "^" NAME_ "$", "upsert: the field to find records by") ","
    ID("assignmentRuleId", "of cases and leads") ","
    CHOICE("contentType", "\"CSV\"", "default CSV") "," DELIMITERS);
ROUTE(ingest_create, "POST", INGEST, BB_REST_JSON, "", "")
RESUME(ingest_create, sf_object)
OPERATION(ingest_create, 0, "bulk.ingest_jobs.create", "Create an ingest job", NULL, REF("job"), NULL,
    EXAMPLE("accounts", "{\"object\":\"Account\",\"operation\":\"insert\",\"lineEnding\":\"LF\"}"));

static const char ingest_upload_input[] = INPUT(REQUIRED("\"job\""), JOB_ID);
static const sf_route route_ingest_upload = {.rest = {.method = "PUT", .path = INGEST "/{job}/batches"}};
static bb_step start_ingest_upload(bb_call *call) {
    if (bb_content_host(call) == NULL)
        return bb_fail(call, BB_E_UNSUPPORTED, "this hub is too old for files");
    sf_begin(call, &route_ingest_upload.rest);
    sf_options(call);
    bb_content_host(call)->body(call, bb_s("text/csv"), 0, -1);
    return BB_SEND;
}
RESUME(ingest_upload, sf_nothing)
OPERATION(ingest_upload, 0, "bulk.ingest_jobs.upload", "Upload a job's CSV file, once", NULL, "{\"type\":\"null\"}", NULL, A_JOB);

JOB(ingest_close, BB_OP_IDEMPOTENT, "PATCH", "bulk.ingest_jobs.close", INGEST "/{job}", "{\"state\":\"UploadComplete\"}", sf_object,
    "Say that all of a job's records are there: it begins", A_JOB);
JOB(ingest_get, BB_OP_SAFE, "GET", "bulk.ingest_jobs.get", INGEST "/{job}", NULL, sf_object, "Tell how far an ingest job is", A_JOB);
JOB(ingest_abort, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "PATCH", "bulk.ingest_jobs.abort", INGEST "/{job}", "{\"state\":\"Aborted\"}", sf_object,
    "Abort an ingest job: what is processed stays", A_JOB);
JOB(ingest_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "DELETE", "bulk.ingest_jobs.delete", INGEST "/{job}", NULL, sf_nothing,
    "Delete an ingest job that has ended, and its data", A_JOB);

static const char ingest_list_input[] = LIST_INPUT(CHOICE("jobType", "\"BigObjectIngest\",\"Classic\",\"V2Ingest\"", "only such jobs") ",");
LIST(ingest_list, "bulk.ingest_jobs.list", INGEST, "List ingest jobs");

/* clang-format on */

static const char ingest_results_input[] = INPUT(
    REQUIRED("\"job\",\"rows\""),
    JOB_ID "," CHOICE("rows", "\"successful\",\"failed\",\"unprocessed\"", "which of them"));
static const sf_route route_ingest_results = {.rest = {.method = "GET"}};
static bb_step start_ingest_results(bb_call *call) {
    bb_str rows = bb_in_text(call, "rows");
    bulk_job job = {.kind = "ingest"};
    bb_str id = bb_in_text(call, "job");
    snprintf(job.id, sizeof job.id, "%.*s", (int)id.len, id.ptr);
    bulk_begin(call, "GET", &job,
               bb_str_eq(rows, "failed")       ? "failedResults"
               : bb_str_eq(rows, "successful") ? "successfulResults"
                                               : "unprocessedrecords");
    bb_header(call, "Accept", bb_s("text/csv"));
    if (call->cursor.len > 0)
        bb_query(call, "locator", call->cursor);
    return BB_SEND;
}
RESUME(ingest_results, resume_rows)

/* clang-format off */

OPERATION(ingest_results, BB_OP_SAFE | BB_OP_PAGINATED, "bulk.ingest_jobs.results", "Read what became of a job's rows",
    "`sf__Id`, `sf__Created` and `sf__Error` stand beside the row's own columns.", ROWS_OUT, "/records",
    EXAMPLE("those that failed", "{\"job\":\"7505e000000ABCDEAA\",\"rows\":\"failed\"}"));

/* --- query ---------------------------------------------------------------------------------------------- */

static const char queries_create_input[] = INPUT(REQUIRED("\"operation\",\"query\""),
    CHOICE("operation", "\"query\",\"queryAll\"", "queryAll: deleted and archived records too") ","
    STRING("query", "SOQL") ","
    CHOICE("contentType", "\"CSV\"", "default CSV") "," DELIMITERS);
ROUTE(queries_create, "POST", QUERY_JOBS, BB_REST_JSON, "", "")
RESUME(queries_create, sf_object)
OPERATION(queries_create, 0, "bulk.query_jobs.create", "Create a query job", NULL, REF("job"), NULL,
    EXAMPLE("accounts", "{\"operation\":\"query\",\"query\":\"SELECT Id, Name FROM Account\"}"));

JOB(queries_get, BB_OP_SAFE, "GET", "bulk.query_jobs.get", QUERY_JOBS "/{job}", NULL, sf_object, "Tell how far a query job is", A_JOB);
JOB(queries_abort, BB_OP_IDEMPOTENT, "PATCH", "bulk.query_jobs.abort", QUERY_JOBS "/{job}", "{\"state\":\"Aborted\"}", sf_object, "Abort a query job", A_JOB);
JOB(queries_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "DELETE", "bulk.query_jobs.delete", QUERY_JOBS "/{job}", NULL, sf_nothing,
    "Delete a query job that has ended, and its rows", A_JOB);

static const char queries_list_input[] = LIST_INPUT(CHOICE("jobType", "\"Classic\",\"V2Query\"", "only such jobs") ",");
LIST(queries_list, "bulk.query_jobs.list", QUERY_JOBS, "List query jobs");

static const char queries_results_input[] = INPUT(REQUIRED("\"job\""),
    JOB_ID "," COUNT("maxRecords", "1", "1000000", "rows a page; default Salesforce's"));
static const sf_route route_queries_results = {
    .rest = {.method = "GET", .path = QUERY_JOBS "/{job}/results", .cursor = "locator"}};
static bb_step start_queries_results(bb_call *call) {
    sf_send(call, &route_queries_results);
    bb_header(call, "Accept", bb_s("text/csv"));
    return BB_SEND;
}
RESUME(queries_results, resume_rows)
OPERATION(queries_results, BB_OP_SAFE | BB_OP_PAGINATED, "bulk.query_jobs.results", "Read the rows of a query job",
    "Values are texts. Pages follow `Sforce-Locator`.", ROWS_OUT, "/records", A_JOB);

static const char queries_download_input[] = INPUT(REQUIRED("\"job\""),
    JOB_ID "," STRING("locator", "of a further part") "," COUNT("maxRecords", "1", "100000000", "rows of this part; default Salesforce's"));
static const sf_route route_queries_download = {.rest = {.method = "GET", .path = QUERY_JOBS "/{job}/results"}};
static bb_step start_queries_download(bb_call *call) {
    if (bb_content_host(call) == NULL)
        return bb_fail(call, BB_E_UNSUPPORTED, "this hub is too old for files");
    sf_send(call, &route_queries_download);
    bb_header(call, "Accept", bb_s("text/csv"));
    bb_content_host(call)->describe(call, bb_s("rows.csv"), bb_s("text/csv"));
    bb_content_to_output(call);
    return BB_SEND;
}
RESUME(queries_download, resume_download)
OPERATION(queries_download, BB_OP_SAFE, "bulk.query_jobs.download", "Read the rows of a query job, or a part of them, into a CSV file", NULL, "{}", NULL, A_JOB);
