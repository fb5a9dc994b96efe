/* leaver.c - a connector for abandon.test.mjs: one operation that waits for an answer, and has the service
 * told where its call is given up, with a path and a body that are of the call's input. Its setting `gate`,
 * where it is there, names a file without which it does not say what. */
#include <busbar/abandon.h>
#include <busbar/busbar.h>
#include <time.h>
#include <unistd.h>

static bb_step job_start(bb_call *call) {
    bb_str word = bb_in_text(call, "word");
    bb_str parts[] = {bb_s("with "), word};
    call->host->call->progress(call, 1, 2, word, bb_joined(call, parts, 2));
    bb_request(call, "GET", "/job");
    return BB_SEND;
}

static bb_step job_resume(bb_call *call) {
    return bb_done_body(call);
}

static void pass_gate(const bb_call *call) {
    char path[512];
    bb_str gate = bb_text(call, bb_get(call, call->instance, "gate"));
    snprintf(path, sizeof path, "%.*s", (int)gate.len, gate.ptr);
    while (gate.len > 0 && access(path, R_OK) != 0)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
}

static bb_step job_abandon(bb_call *call, bb_code why) {
    pass_gate(call);
    bb_request(call, "DELETE", "/job");
    bb_segment(call, bb_in_text(call, "word"));
    bb_header(call, "Why", bb_s(why == BB_E_DEADLINE ? "deadline" : "cancelled"));
    bb_body_json(call, bb_in(call, "ballast"));
    return BB_SEND;
}

static bb_code create(const bb_connection *connection, void **instance) {
    *instance = (void *)connection->settings;
    return BB_OK;
}

static void destroy(void *instance) {
    (void)instance;
}

static const bb_operation job = {BB_SIZE(bb_operation),
                                 .id = "job",
                                 .summary = "Wait for a job",
                                 .flags = BB_OP_SAFE,
                                 .input_schema = "{\"type\":\"object\",\"properties\":{"
                                                 "\"word\":{\"type\":\"string\",\"writeOnly\":true},"
                                                 "\"ballast\":{\"type\":\"string\"}}}",
                                 .start = job_start,
                                 .resume = job_resume};
static const bb_operation *const operations[] = {&job, NULL};
static const bb_abandon_operation job_left = {BB_SIZE(bb_abandon_operation), .operation = "job",
                                              .abandon = job_abandon};
static const bb_abandon_operation *const left[] = {&job_left, NULL};
static const bb_abandon_extension abandons = {BB_SIZE(bb_abandon_extension), .operations = left};
static const bb_extension extensions[] = {{BB_EXT_ABANDON, &abandons}, {NULL, NULL}};
static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "leaver",
    .name = "Leaver",
    .version = "1.0.0",
    .summary = "Tells its service that nobody waits any more",
    .settings_schema = "{\"type\":\"object\",\"required\":[\"base_url\"],\"properties\":{"
                       "\"base_url\":{\"type\":\"string\"},\"gate\":{\"type\":\"string\"}}}",
    .operations = operations,
    .create = create,
    .destroy = destroy};
BUSBAR_PLUGIN_WITH(plugin, extensions);
