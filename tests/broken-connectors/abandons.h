/* abandons.h - a connector that passes every check, whose calls wait for a job. Each file beside this one
 * breaks one thing in it, by a macro that stands before the include. */
#ifndef ABANDONS_H
#define ABANDONS_H

#include <busbar/abandon.h>

#ifndef NAMED
#define NAMED "jobs.run"
#endif
#ifndef IN_RESUME
#define IN_RESUME
#endif

typedef struct job {
    char id[40];
    bb_str seen; /* of the last answer: not to be used behind its step */
} job;

#ifndef ABANDON
#define ABANDON abandon
static bb_step abandon(bb_call *call, bb_code why) {
    const job *j = call->state;
    (void)why;
    if (j->id[0] == '\0')
        return BB_DONE;
#ifdef IN_ABANDON
    IN_ABANDON
#endif
    bb_request(call, "DELETE", "/jobs");
    bb_segment(call, bb_s(j->id));
    return BB_SEND;
}
#endif

static bb_step start(bb_call *call) {
    bb_request(call, "POST", "/jobs");
    return BB_SEND;
}

static bb_step resume(bb_call *call) {
    job *j = call->state;
    IN_RESUME
    bb_str id = bb_text(call, bb_get(call, bb_response(call), "id"));
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_s(NULL));
    if (id.len == 0 || id.len >= sizeof j->id || memchr(id.ptr, '\0', id.len) != NULL)
        return bb_fail(call, BB_E_UPSTREAM_INVALID, "the answer has no id");
    if (call->step > 2)
        return bb_done_body(call);
    memcpy(j->id, id.ptr, id.len);
    bb_request(call, "GET", "/jobs");
    bb_segment(call, bb_s(j->id));
    return BB_SEND;
}

#define OUTPUT "{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":\"string\"}}}"

static const bb_operation run = {
    BB_SIZE(bb_operation),
    .state_size = sizeof(job),
    .id = "jobs.run",
    .summary = "Run a job",
    .input_schema = "{\"type\":\"object\",\"additionalProperties\":false}",
    .output_schema = OUTPUT,
    .examples = "[{\"summary\":\"one\",\"input\":{},\"output\":{\"id\":\"j1\"}}]",
    .start = start,
    .resume = resume};
static const bb_operation *const operations[] = {&run, NULL};
static const bb_abandon_operation given_up = {BB_SIZE(bb_abandon_operation), .operation = NAMED,
                                              .abandon = ABANDON};
static const bb_abandon_operation *const abandons[] = {&given_up, NULL};
static const bb_abandon_extension declared = {BB_SIZE(bb_abandon_extension), .operations = abandons};
static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = ID,
    .name = "Jobs",
    .version = "1.0.0",
    .summary = "Runs jobs",
    .settings_schema = "{\"type\":\"object\",\"required\":[\"base_url\"],\"additionalProperties\":false,"
                       "\"properties\":{\"base_url\":{\"type\":\"string\"}}}",
    .operations = operations};
static const bb_extension extensions[] = {{BB_EXT_ABANDON, &declared}, {NULL, NULL}};
BUSBAR_PLUGIN_WITH(plugin, extensions);

#endif
