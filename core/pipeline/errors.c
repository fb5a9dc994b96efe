/* errors.c - failures of connectors, services and the way to them, as the hub's problems. */
#include "pipeline/call_internal.h"

#include <stdarg.h>

#define DETAIL_MAX 2048

/* c->ticket has no auth before the first request: the configuration's secrets are known all the same. */
bb_str call_redact(call *c, bb_str text) {
    c->ticket.auth = &c->conn->auth;
    for (size_t i = 0; i < c->conn->secret_setting_count; i++)
        text = auth_redact_one(c->memory, c->conn->secret_settings[i], text);
    return auth_ticket_redact(&c->ticket, c->memory, text);
}

/* An application may have a secret of its own to hand over, in a member that the operation's schema marks
 * "writeOnly" (JSON Schema validation, section 9.4): it then stands in a path that an error may tell of. */
static bool may_be_secret(const call *c) {
    static const char mark[] = "\"writeOnly\"";
    bb_str shape = c->op != NULL ? c->op->input_text : STR("");
    return json_is(c->input, JSON_OBJECT) && shape.len > 0 &&
           memmem(shape.ptr, shape.len, mark, sizeof mark - 1) != NULL;
}

static bool list_secrets(call *c) {
    const json_value *shape = json_read(c->memory, c->op->input_text, NULL, NULL);
    const json_value *properties = json_getl(shape, "properties");
    size_t n = 0;
    for (json_iter it = json_iterate(c->input); json_next(&it);)
        n++;
    bb_str *texts = arena_alloc(c->memory, (n + 1) * sizeof *texts);
    if (shape == NULL || texts == NULL)
        return false;
    c->secrets = texts;
    c->secret_count = 0;
    for (json_iter it = json_iterate(c->input); json_next(&it);)
        if (json_bool(json_getl(json_get(properties, it.key), "writeOnly"), false))
            texts[c->secret_count++] = json_string(it.value);
    return true;
}

/* Once for each input: a job that is waited for says how far it is some thousand times. */
static bool know_secrets(call *c) {
    if (c->input == NULL || c->input == c->secrets_of)
        return true;
    c->secret_count = 0;
    if (may_be_secret(c) && !list_secrets(c))
        return false;
    c->secrets_of = c->input;
    return true;
}

bool call_keep_secrets(call *c) {
    if (!know_secrets(c))
        return false;
    for (size_t i = 0; i < c->secret_count; i++) {
        bb_str *text = &c->secrets[i], copy = arena_copy(c->memory, *text);
        if (text->len > 0 && copy.ptr == NULL)
            return false;
        *text = copy;
    }
    return true;
}

static bb_str without_inputs(call *c, bb_str text) {
    if (!know_secrets(c))
        return STR("[redacted]");
    for (size_t i = 0; i < c->secret_count; i++)
        text = auth_redact_one(c->memory, c->secrets[i], text);
    return text;
}

/* Cut only where no secret can be cut through: a part of one is not known as such. */
bb_str call_shown(call *c, bb_str text) {
    bb_str clean = without_inputs(c, call_redact(c, text));
    return clean.len > DETAIL_MAX ? str_of(clean.ptr, DETAIL_MAX) : clean;
}

stage_result call_fail(call *c, problem p, bb_str detail) {
    c->result.problem = p;
    c->result.retryable = problem_of(p)->retryable;
    c->result.detail = arena_copy(c->memory, call_shown(c, detail));
    return STAGE_END;
}

stage_result call_failf(call *c, problem p, const char *format, ...) {
    buf text;
    buf_init(&text);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    call_fail(c, p, buf_str(&text));
    buf_free(&text);
    return STAGE_END;
}

/* --- what the connector said ------------------------------------------------------------------------------
 */

static bb_code code_of(const call *c) {
    const plugin_error *e = &c->steps.error;
    int32_t status = c->steps.answer.status;
    bool unsaid = e->code == BB_E_UPSTREAM && e->message.len == 0 && status != 0;
    if (!unsaid)
        return e->code;
    bb_code code = bb_code_from_http(status); /* what the status alone tells */
    return code != BB_OK ? code : BB_E_UPSTREAM_INVALID;
}

/* The path that was asked for, without query: that may hold what is not to be shown. */
bb_str call_path_asked(const call *c) {
    bb_str url = buf_str(&c->steps.request.url);
    bb_str scheme_end = STR("://");
    const char *at = url.len > 0 ? memmem(url.ptr, url.len, scheme_end.ptr, scheme_end.len) : NULL;
    if (at == NULL)
        return STR("");
    bb_str rest = str_of(at + 3, url.len - (size_t)(at + 3 - url.ptr)), before;
    str_split(&rest, '?', &before);
    return before;
}

static bb_str worded_by_status(call *c, bb_code code) {
    int32_t status = c->steps.answer.status != 0 ? c->steps.answer.status
                                                 : (int32_t)c->result.upstream_status;
    if (status == 0)
        return str_from(problem_of(problem_from_code(code))->title);
    return arena_printf(c->memory, "the service answered %d to %.*s%s%.*s", (int)status,
                        STR_FMT(c->send.method), c->refused_path.len > 0 ? " " : "",
                        STR_FMT(c->refused_path));
}

/* The conf file has the last word: on the kind, and where it says where the service puts them, on message and
 * code. */
static void apply_mapping(call *c) {
    const mapped_error *m = &c->mapped;
    if (m->problem != PROBLEM_NONE) {
        c->result.problem = m->problem;
        c->result.retryable = problem_of(m->problem)->retryable;
    }
    if (m->message.len > 0)
        c->result.detail = arena_copy(c->memory, call_shown(c, m->message));
    if (m->code.len > 0)
        c->result.upstream_code = arena_copy(c->memory, call_redact(c, m->code));
}

stage_result call_fail_by_steps(call *c) {
    const plugin_error *e = &c->steps.error;
    bb_code code = code_of(c);
    bb_str message = e->message.len > 0 ? e->message : worded_by_status(c, code);
    call_fail(c, problem_from_code(code), message);
    if (e->retry != BB_RETRY_UNKNOWN)
        c->result.retryable = e->retry == BB_RETRY_YES;
    if (e->upstream_status > 0)
        c->result.upstream_status = (unsigned)e->upstream_status;
    c->result.upstream_code = e->upstream_code.len > 0
                                  ? arena_copy(c->memory, call_redact(c, e->upstream_code))
                                  : (bb_str){NULL, 0};
    call_issue *issue = e->pointer.len > 0 ? arena_alloc(c->memory, sizeof *issue) : NULL;
    if (issue != NULL) {
        *issue = (call_issue){.pointer = arena_copy(c->memory, e->pointer), .detail = c->result.detail};
        c->result.issues = issue;
        c->result.issue_count = 1;
    }
    apply_mapping(c);
    return STAGE_END;
}

stage_result call_fail_mapped(call *c) {
    call_fail(c, c->mapped.problem,
              c->mapped.message.len > 0 ? c->mapped.message : worded_by_status(c, BB_E_UPSTREAM));
    apply_mapping(c);
    return STAGE_END;
}

/* --- what happened on the way ------------------------------------------------------------------------------
 */

static problem problem_of_failure(const call *c, const http_answer *answer) {
    switch (answer->failure) {
    case HTTP_FAIL_TIMEOUT:
        return call_left_ms(c) == 0 ? PROBLEM_UPSTREAM_TIMEOUT : PROBLEM_UPSTREAM_UNREACHABLE;
    case HTTP_FAIL_TRUNCATED:
    case HTTP_FAIL_GARBAGE: return PROBLEM_UPSTREAM_INVALID;
    case HTTP_FAIL_TOO_LARGE: return PROBLEM_TOO_LARGE;
    case HTTP_FAIL_FLOW:
        return strcmp(answer->detail, FLOW_GONE) == 0 ? PROBLEM_CANCELLED : PROBLEM_CONTENT_FAILED;
    case HTTP_FAIL_CANCELLED: return PROBLEM_CANCELLED;
    case HTTP_FAIL_OTHER: return PROBLEM_UPSTREAM_ERROR;
    default: return PROBLEM_UPSTREAM_UNREACHABLE;
    }
}

stage_result call_fail_by_transport(call *c, const http_answer *answer) {
    problem p = problem_of_failure(c, answer);
    bool unsafe = answer->sent && !c->repeatable;
    const char *note = unsafe && p != PROBLEM_TOO_LARGE
                           ? "; it may have acted on the request, which is not safe to repeat"
                           : "";
    call_failf(c, p, "%.*s %.*s: %s%s", STR_FMT(c->send.method), STR_FMT(call_path_asked(c)), answer->detail,
               note);
    if (unsafe)
        c->result.retryable = false;
    c->result.unsure = unsafe;
    return STAGE_END;
}
