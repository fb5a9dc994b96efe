#include "plugin/call.h"

#include "base/clock.h"
#include "plugin/host_content.h"
#include "plugin/mark.h"

#include <stdarg.h>
#include <stdio.h>

#define URL_MAX_BYTES 65536u /* far above what servers take (RFC 9110 section 4.1 asks for 8000) */

void plugin_call_init(plugin_call *c) {
    memset(c, 0, sizeof *c);
    buf_init(&c->request.url);
    buf_init(&c->request.form);
}

static void reset_request(plugin_request *r) {
    buf url = r->url, form = r->form;
    buf_clear(&url);
    buf_clear(&form);
    *r = (plugin_request){.url = url, .form = form};
}

void plugin_call_reset(plugin_call *c) {
    host_json_free_writers(c);
    reset_request(&c->request);
    c->answer = (plugin_answer){0};
    c->in_resume = c->misused = false;
    c->output_kind = PLUGIN_OUT_NONE;
    c->output = c->next_cursor = (bb_str){NULL, 0};
    c->content = NULL;
    c->boundary = (bb_str){NULL, 0};
    c->error = (plugin_error){0};
    atomic_store_explicit(&c->cancelled, 0, memory_order_relaxed);
}

void plugin_call_free(plugin_call *c) {
    host_json_free_writers(c);
    buf_free(&c->request.url);
    buf_free(&c->request.form);
}

void plugin_misuse(plugin_call *c, bb_code code, const char *format, ...) {
    if (c->misused)
        return;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->misused = true;
    c->error = (plugin_error){
        .code = code, .message = arena_copy(c->memory, str_from(text)), .retry = BB_RETRY_NO};
}

/* --- how a step ends ------------------------------------------------------------------------------ */

static plugin_outcome failed(plugin_call *c, bb_code code, const char *text) {
    if (!c->misused) {
        c->misused = true;
        c->error = (plugin_error){.code = code, .message = str_from(text), .retry = BB_RETRY_NO};
    }
    return PLUGIN_FAILED;
}

static plugin_outcome finish_send(plugin_call *c) {
    plugin_request *r = &c->request;
    if (!r->begun)
        return failed(c, BB_E_PLUGIN, "the connector asked to send, but described no request");
    if (r->url.len > URL_MAX_BYTES)
        return failed(c, BB_E_INVALID_INPUT, "the request's URL would be over 64 KiB");
    if (r->url.failed || r->form.failed)
        return failed(c, BB_E_NO_MEMORY, "no memory for the request");
    if (r->body_kind == PLUGIN_BODY_MULTIPART)
        host_content_finish(c);
    if (r->body_kind == PLUGIN_BODY_FORM)
        r->body = buf_str(&r->form);
    return PLUGIN_SEND;
}

/* The answer's body, as JSON; an empty one is null (a 204 has none). */
static plugin_outcome finish_body(plugin_call *c) {
    if (c->relayed)
        return PLUGIN_DONE;
    if (c->content != NULL && c->content->to_output)
        return host_content_output(c) ? PLUGIN_DONE : failed(c, BB_E_NO_MEMORY, "no memory for the output");
    if (c->answer.body.len == 0) {
        c->output = STR("null");
        return PLUGIN_DONE;
    }
    if (c->abi.host->http->response_json(&c->abi) == NULL)
        return failed(c, BB_E_UPSTREAM_INVALID, "the service's answer is not JSON");
    c->output = c->answer.body;
    return PLUGIN_DONE;
}

static plugin_outcome finish_done(plugin_call *c) {
    switch (c->output_kind) {
    case PLUGIN_OUT_TEXT: return PLUGIN_DONE;
    case PLUGIN_OUT_BODY: return finish_body(c);
    default: return failed(c, BB_E_PLUGIN, "the connector says it is done, but gave no output");
    }
}

static plugin_outcome finish_fail(plugin_call *c) {
    if (c->error.code == BB_OK)
        return failed(c, BB_E_PLUGIN, "the connector failed without saying why");
    return PLUGIN_FAILED;
}

plugin_outcome plugin_finish(plugin_call *c, bb_step step) {
    c->abi.step++;
    if (c->misused)
        return PLUGIN_FAILED;
    switch (step) {
    case BB_SEND: return finish_send(c);
    case BB_DONE: return finish_done(c);
    case BB_FAIL: return finish_fail(c);
    default: return failed(c, BB_E_PLUGIN, "the connector's step ended in a way this hub does not know");
    }
}

plugin_outcome plugin_start(plugin_call *c, const bb_operation *op) {
    c->in_resume = c->limit.told = false;
    mark *here = mark_enter_step(c->build, c->connection_id, op->id,
                                 c->auth == NULL ? "start" : "auth start");
    bb_step step = op->start(&c->abi);
    mark_leave(here);
    return plugin_finish(c, step);
}

static bb_step default_resume(bb_call *call) {
    plugin_call *c = plugin_call_of(call);
    if (c->answer.status >= 200 && c->answer.status <= 299) {
        call->host->call->done_body(call);
        return BB_DONE;
    }
    c->error = (plugin_error){.code = BB_E_UPSTREAM}; /* the pipeline words it by the status */
    return BB_FAIL;
}

void plugin_resume_begin(plugin_call *c) {
    reset_request(&c->request);
    c->limit.told = false;
    c->in_resume = true;
}

plugin_outcome plugin_resume(plugin_call *c, const bb_operation *op) {
    plugin_resume_begin(c);
    if (op->resume == NULL)
        return plugin_finish(c, default_resume(&c->abi));
    mark *here = mark_enter_step(c->build, c->connection_id, op->id,
                                 c->auth == NULL ? "resume" : "auth resume");
    bb_step step = op->resume(&c->abi);
    mark_leave(here);
    return plugin_finish(c, step);
}

/* --- busbar.call/1 -------------------------------------------------------------------------------- */

static void *alloc_(bb_call *call, size_t bytes) {
    return arena_alloc(plugin_call_of(call)->memory, bytes);
}

static void done_text(bb_call *call, bb_str json) {
    plugin_call *c = plugin_call_of(call);
    bb_str copy = arena_copy(c->memory, json);
    json_error error;
    if (copy.ptr == NULL)
        plugin_misuse(c, BB_E_LIMIT, "the output takes more memory than one call may have");
    else if (c->relayed || json_read(c->memory, copy, NULL, &error) != NULL)
        error.limit = false;
    else if (error.limit)
        plugin_misuse(c, BB_E_LIMIT,
                      "the output takes more memory than one call may have, or is nested too deep");
    else
        plugin_misuse(c, BB_E_PLUGIN, "the connector's output is not JSON: %s at byte %zu", error.reason,
                      error.offset);
    c->output_kind = PLUGIN_OUT_TEXT;
    c->output = copy;
}

static void done_value(bb_call *call, const bb_json *value) {
    plugin_call *c = plugin_call_of(call);
    bb_str raw = json_raw((const json_value *)value);
    c->output_kind = PLUGIN_OUT_TEXT;
    c->output = value != NULL ? raw : STR("null");
}

static void done_body(bb_call *call) {
    plugin_call *c = plugin_call_of(call);
    if (!c->in_resume)
        plugin_misuse(c, BB_E_PLUGIN, "done_body belongs into resume: there is no answer yet");
    c->output_kind = PLUGIN_OUT_BODY;
}

static void next_cursor(bb_call *call, bb_str cursor) {
    plugin_call *c = plugin_call_of(call);
    c->next_cursor = cursor.len > 0 ? arena_copy(c->memory, cursor) : (bb_str){NULL, 0};
    if (cursor.len > 0 && c->next_cursor.ptr == NULL) /* else the list would seem to end here */
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the cursor");
}

bb_code plugin_known_code(bb_code code) {
    bool known = (code >= BB_E_PLUGIN && code <= BB_E_DEADLINE) ||
                 (code >= BB_E_UPSTREAM && code <= BB_E_UPSTREAM_TIMEOUT);
    return known ? code : BB_E_PLUGIN;
}

static void fail(bb_call *call, const bb_error *error) {
    plugin_call *c = plugin_call_of(call);
    if (c->misused)
        return;
    if (error == NULL || error->size < sizeof *error) {
        plugin_misuse(c, BB_E_PLUGIN, "the connector's error has a size this host does not know");
        return;
    }
    arena *a = c->memory;
    c->error = (plugin_error){
        .code = plugin_known_code(error->code),
        .message = error->message.len > 0 ? arena_copy(a, error->message) : (bb_str){NULL, 0},
        .pointer = error->pointer.len > 0 ? arena_copy(a, error->pointer) : (bb_str){NULL, 0},
        .upstream_code = error->upstream_code.len > 0 ? arena_copy(a, error->upstream_code)
                                                      : (bb_str){NULL, 0},
        .upstream_status = error->upstream_status,
        .retry = error->retry,
    };
}

static int32_t cancelled(const bb_call *call) {
    const plugin_call *c = (const plugin_call *)call;
    return atomic_load_explicit(&c->cancelled, memory_order_relaxed);
}

static int64_t time_left_ms(const bb_call *call) {
    const plugin_call *c = (const plugin_call *)call;
    uint64_t now = clock_ns();
    if (c->deadline_ns == 0)
        return INT64_MAX;
    return c->deadline_ns > now ? (int64_t)((c->deadline_ns - now) / 1000000u) : 0;
}

/* Never cut: a part of a secret would not be known as such, where they are taken out. */
static void put_whole(char *to, size_t cap, bb_str from) {
    str_put(to, cap, from.len < cap ? from : (bb_str){NULL, 0});
}

plugin_progress plugin_progress_of(int64_t done, int64_t total, bb_str unit, bb_str stage) {
    plugin_progress p = {.done = done >= 0 ? (uint64_t)done : UINT64_MAX,
                         .total = total >= 0 ? (uint64_t)total : UINT64_MAX};
    put_whole(p.unit, sizeof p.unit, unit);
    put_whole(p.stage, sizeof p.stage, stage);
    return p;
}

static void progress(bb_call *call, int64_t done, int64_t total, bb_str unit, bb_str stage) {
    plugin_call *c = plugin_call_of(call);
    if (c->on_progress == NULL)
        return;
    const plugin_progress p = plugin_progress_of(done, total, unit, stage);
    c->on_progress(c, &p);
}

const bb_call_api host_call = {
    .size = sizeof(bb_call_api),
    .alloc = alloc_,
    .done_text = done_text,
    .done_value = done_value,
    .done_body = done_body,
    .next_cursor = next_cursor,
    .fail = fail,
    .cancelled = cancelled,
    .time_left_ms = time_left_ms,
    .progress = progress,
};
