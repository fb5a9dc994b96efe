/* prometheus - queries and state of a Prometheus server, by its HTTP API v1
 * (https://prometheus.io/docs/prometheus/latest/querying/api/).
 *
 * Queries go as POST with a form: a long PromQL text does not fit into a URL. They only read, so the host may
 * repeat them. */
#include "schemas.h"

#include <busbar/busbar.h>

/* --- requests --------------------------------------------------------------------------------------- */

/* An input member as a parameter: scalars as they are, lists repeated under name[] as the API wants it. */
static void put(bb_call *call, void (*add)(bb_call *, bb_str, bb_str), const char *name, const char *param) {
    const bb_json *value = bb_in(call, name);
    bb_json_iter it = {0};
    if (bb_is(call, value, BB_JSON_ARRAY))
        while (call->host->json->next(value, &it))
            add(call, bb_s(param), bb_text(call, it.value));
    else if (value != NULL)
        add(call, bb_s(param), bb_text(call, value));
}

static void form(bb_call *call, const char *name) {
    put(call, call->host->http->form, name, name);
}

static void query(bb_call *call, const char *name) {
    put(call, call->host->http->query, name, name);
}

static bb_step query_start(bb_call *call) {
    bb_request(call, "POST", "/api/v1/query");
    form(call, "query");
    form(call, "time");
    form(call, "timeout");
    return BB_SEND;
}

static bb_step query_range_start(bb_call *call) {
    bb_request(call, "POST", "/api/v1/query_range");
    form(call, "query");
    form(call, "start");
    form(call, "end");
    form(call, "step");
    form(call, "timeout");
    return BB_SEND;
}

static bb_step series_start(bb_call *call) {
    bb_request(call, "POST", "/api/v1/series");
    put(call, call->host->http->form, "match", "match[]");
    form(call, "start");
    form(call, "end");
    return BB_SEND;
}

static bb_step labels_start(bb_call *call) {
    bb_request(call, "POST", "/api/v1/labels");
    put(call, call->host->http->form, "match", "match[]");
    form(call, "start");
    form(call, "end");
    return BB_SEND;
}

static bb_step label_values_start(bb_call *call) {
    bb_request(call, "GET", "/api/v1/label");
    bb_segment(call, bb_in_text(call, "label"));
    bb_segment(call, bb_s("values"));
    put(call, call->host->http->query, "match", "match[]");
    query(call, "start");
    query(call, "end");
    return BB_SEND;
}

static bb_step targets_start(bb_call *call) {
    bb_request(call, "GET", "/api/v1/targets");
    query(call, "state");
    put(call, call->host->http->query, "scrape_pool", "scrapePool");
    return BB_SEND;
}

static bb_step alerts_start(bb_call *call) {
    bb_request(call, "GET", "/api/v1/alerts");
    return BB_SEND;
}

static bb_step rules_start(bb_call *call) {
    bb_request(call, "GET", "/api/v1/rules");
    query(call, "type");
    put(call, call->host->http->query, "rule_name", "rule_name[]");
    put(call, call->host->http->query, "rule_group", "rule_group[]");
    put(call, call->host->http->query, "file", "file[]");
    return BB_SEND;
}

static bb_step metadata_start(bb_call *call) {
    bb_request(call, "GET", "/api/v1/metadata");
    query(call, "limit");
    query(call, "metric");
    return BB_SEND;
}

static bb_step buildinfo_start(bb_call *call) {
    bb_request(call, "GET", "/api/v1/status/buildinfo");
    return BB_SEND;
}

/* --- answers ---------------------------------------------------------------------------------------- */

/* The API's errorType, where it tells more than the status. */
static bb_code code_of(bb_call *call, bb_str type) {
    static const struct {
        const char *type;
        bb_code code;
    } types[] = {{"bad_data", BB_E_UPSTREAM_REJECTED},
                 {"execution", BB_E_UPSTREAM_REJECTED},
                 {"timeout", BB_E_UPSTREAM_TIMEOUT},
                 {"canceled", BB_E_UPSTREAM_TIMEOUT},
                 {"unavailable", BB_E_UPSTREAM_UNAVAILABLE},
                 {"not_found", BB_E_UPSTREAM_NOT_FOUND},
                 {"internal", BB_E_UPSTREAM}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (bb_str_eq(type, types[i].type))
            return types[i].code;
    bb_code code = bb_code_from_http(bb_status(call));
    return code != BB_OK ? code : BB_E_UPSTREAM;
}

static bb_step fail(bb_call *call, const bb_json *answer) {
    bb_str type = bb_text(call, bb_get(call, answer, "errorType")),
           text = bb_text(call, bb_get(call, answer, "error"));
    return bb_fail_with(call, code_of(call, type), type, text);
}

static void put_member(bb_call *call, bb_json_writer *w, const char *name, const bb_json *value) {
    if (value == NULL)
        return;
    call->host->json->key(w, bb_s(name));
    call->host->json->put_value(w, value);
}

/* {"status","data","warnings","infos"} becomes {"data","warnings","infos"}. */
static bb_step resume(bb_call *call) {
    const bb_json_api *json = call->host->json;
    const bb_json *answer = bb_response(call);
    bb_str status = bb_text(call, bb_get(call, answer, "status"));
    if (answer != NULL && bb_str_eq(status, "error"))
        return fail(call, answer);
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_s(NULL));
    if (!bb_str_eq(status, "success"))
        return bb_fail(
            call, BB_E_UPSTREAM_INVALID,
            "the answer is not Prometheus' {\"status\":\"success\"}: is base_url a Prometheus server?");
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    json->key(w, bb_s("data"));
    json->put_value(w, bb_get(call, answer, "data"));
    put_member(call, w, "warnings", bb_get(call, answer, "warnings"));
    put_member(call, w, "infos", bb_get(call, answer, "infos"));
    json->end_object(w);
    return bb_done_writer(call, w);
}

/* --- what it declares ------------------------------------------------------------------------------- */

#define OPERATION(name, text, in, out, example)                             \
    static const bb_operation op_##name = {                                 \
        BB_SIZE(bb_operation), .flags = BB_OP_SAFE,   .id = #name,          \
        .summary = text,       .input_schema = in,    .output_schema = out, \
        .examples = example,   .start = name##_start, .resume = resume}

OPERATION(query, "Evaluate an expression at one moment", query_input, query_output,
          "[{\"summary\":\"which targets are up\",\"input\":{\"query\":\"up\"}}]");
OPERATION(query_range, "Evaluate an expression over a range of time", query_range_input, query_output,
          "[{\"summary\":\"an hour, a value a "
          "minute\",\"input\":{\"query\":\"up\",\"start\":\"2026-01-01T00:00:00Z\",\"end\":"
          "\"2026-01-01T01:00:00Z\",\"step\":\"1m\"}}]");
OPERATION(series, "Find series by label matchers", series_input, label_sets_output,
          "[{\"summary\":\"all series of a metric\",\"input\":{\"match\":[\"up\"]}}]");
OPERATION(labels, "List label names", labels_input, names_output, "[{\"summary\":\"all\",\"input\":{}}]");
OPERATION(label_values, "List the values of a label", label_values_input, names_output,
          "[{\"summary\":\"all jobs\",\"input\":{\"label\":\"job\"}}]");
OPERATION(targets, "Show the targets that are scraped", targets_input, object_output,
          "[{\"summary\":\"the active ones\",\"input\":{\"state\":\"active\"}}]");
OPERATION(alerts, "List active alerts", empty_input, object_output, "[{\"summary\":\"all\",\"input\":{}}]");
OPERATION(rules, "List alerting and recording rules", rules_input, object_output,
          "[{\"summary\":\"alerting rules\",\"input\":{\"type\":\"alert\"}}]");
OPERATION(metadata, "Show metadata of metrics", metadata_input, object_output,
          "[{\"summary\":\"of one metric\",\"input\":{\"metric\":\"up\"}}]");
OPERATION(buildinfo, "Show the server's version", empty_input, object_output,
          "[{\"summary\":\"version\",\"input\":{}}]");

static const bb_operation *const operations[] = {&op_query,        &op_query_range, &op_series, &op_labels,
                                                 &op_label_values, &op_targets,     &op_alerts, &op_rules,
                                                 &op_metadata,     &op_buildinfo,   NULL};

static const bb_auth_scheme none = {BB_SIZE(bb_auth_scheme), .scheme = "none",
                                    .summary = "as Prometheus comes: no credentials"};
static const bb_auth_scheme basic = {BB_SIZE(bb_auth_scheme), .scheme = "basic",
                                     .summary = "a user of the server's web.config.file"};
static const bb_auth_scheme bearer = {BB_SIZE(bb_auth_scheme), .scheme = "bearer",
                                      .summary = "a token for a proxy before it"};
static const bb_auth_scheme api_key = {BB_SIZE(bb_auth_scheme), .scheme = "api_key",
                                       .summary = "a key for a hosted Prometheus"};
static const bb_auth_scheme *const schemes[] = {&none, &basic, &bearer, &api_key, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "prometheus",
    .name = "Prometheus",
    .version = "1.0.0",
    .summary = "Queries, targets, alerts and rules of a Prometheus server",
    .vendor = "Busbar",
    .homepage = "https://prometheus.io/",
    .settings_schema = settings_schema,
    .operations = operations,
    .auth_schemes = schemes,
    .test_operation = "buildinfo",
};

BUSBAR_PLUGIN(plugin);
