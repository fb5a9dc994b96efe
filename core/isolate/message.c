/* message.c - a step's input and result as frames. */
#include "isolate/internal.h"

#define FIELDS_MAX 10000u

void message_start(buf *out, uint32_t slot, uint32_t turn, uint32_t op, const plugin_call *c) {
    size_t at = frame_begin(out, FRAME_START, slot, turn);
    frame_u32(out, op);
    frame_u64(out, c->deadline_ns);
    frame_str(out, json_raw((const json_value *)c->abi.input));
    frame_str(out, c->abi.cursor);
    message_put_content(out, c);
    frame_end(out, at);
}

void message_resume(buf *out, uint32_t slot, uint32_t turn, const plugin_call *c) {
    const plugin_answer *answer = &c->answer;
    size_t at = frame_begin(out, FRAME_RESUME, slot, turn);
    frame_u32(out, (uint32_t)answer->status);
    frame_u32(out, (uint32_t)answer->header_count);
    for (size_t i = 0; i < answer->header_count; i++) {
        frame_str(out, answer->headers[i].name);
        frame_str(out, answer->headers[i].value);
    }
    frame_str(out, answer->body);
    message_put_passed(out, c);
    frame_end(out, at);
}

void message_abandon(buf *out, uint32_t slot, uint32_t turn, bb_code why, uint64_t deadline_ns) {
    size_t at = frame_begin(out, FRAME_ABANDON, slot, turn);
    frame_u32(out, (uint32_t)why);
    frame_u64(out, deadline_ns);
    frame_end(out, at);
}

/* --- the child's answers ---------------------------------------------------------------------------- */

static void put_request(buf *out, const plugin_request *r) {
    frame_str(out, r->method);
    frame_str(out, buf_str(&r->url));
    frame_u32(out, (uint32_t)r->header_count);
    for (size_t i = 0; i < r->header_count; i++)
        frame_str(out, r->headers[i]);
    frame_u32(out, r->body_kind != PLUGIN_BODY_NONE);
    frame_str(out, r->body_kind == PLUGIN_BODY_FORM ? buf_str(&r->form) : r->body);
    frame_u32(out, (uint32_t)r->repeatable);
    frame_u32(out, (uint32_t)r->after_ms);
    frame_str(out, r->route);
    frame_str(out, r->scope);
    frame_u32(out, r->bare);
    message_put_range(out, r);
}

static void put_error(buf *out, const plugin_error *e) {
    frame_u32(out, (uint32_t)e->code);
    frame_u32(out, (uint32_t)e->retry);
    frame_u32(out, (uint32_t)e->upstream_status);
    frame_str(out, e->message);
    frame_str(out, e->pointer);
    frame_str(out, e->upstream_code);
}

void message_answer(buf *out, uint32_t slot, uint32_t turn, const plugin_call *c, plugin_outcome outcome) {
    frame_kind kind = outcome == PLUGIN_SEND   ? FRAME_REQUEST
                      : outcome == PLUGIN_DONE ? FRAME_OUTPUT
                                               : FRAME_FAIL;
    size_t at = frame_begin(out, kind, slot, turn);
    message_put_said(out, c);
    if (kind == FRAME_REQUEST) {
        put_request(out, &c->request);
    } else if (kind == FRAME_OUTPUT) {
        bool body = c->output_kind == PLUGIN_OUT_BODY;
        frame_u32(out, body);
        frame_str(out, body ? (bb_str){NULL, 0} : c->output);
        frame_str(out, c->next_cursor);
    } else {
        put_error(out, &c->error);
    }
    if (c->limit.told) {
        frame_u64(out, c->limit.left);
        frame_u64(out, c->limit.for_ms);
    }
    frame_end(out, at);
}

/* --- taken by the hub ------------------------------------------------------------------------------- */

static bool take_line(plugin_call *c, bb_str line) {
    const char *colon = line.len > 0 ? memchr(line.ptr, ':', line.len) : NULL;
    bb_str name, value = STR("");
    if (colon != NULL) {
        name = str_of(line.ptr, (size_t)(colon - line.ptr));
        value = str_trim(str_of(colon + 1, line.len - name.len - 1));
    } else if (str_ends(line, STR(";"))) { /* libcurl's way of a field without a value */
        name = str_of(line.ptr, line.len - 1);
    } else {
        return false;
    }
    host_http.header(&c->abi, name, value);
    return true;
}

static bool take_request(frame *f, plugin_call *c) {
    bb_str method = frame_get_str(f), url = frame_get_str(f);
    if (!str_starts(url, STR("http://")) && !str_starts(url, STR("https://")))
        return false;
    host_http.begin(&c->abi, method, url); /* tells what is foreign */
    uint32_t n = frame_get_u32(f);
    if (n > FIELDS_MAX)
        return false;
    while (n-- > 0 && !f->bad)
        if (!take_line(c, frame_get_str(f)))
            return false;
    uint32_t has_body = frame_get_u32(f);
    bb_str body = frame_get_str(f);
    if (has_body != 0)
        host_http.body(&c->abi, STR(""), body); /* its type is among the lines */
    uint32_t repeatable = frame_get_u32(f);
    if (repeatable > PLUGIN_REPEAT_NO)
        return false;
    if (repeatable != PLUGIN_REPEAT_UNSAID)
        host_http.repeatable(&c->abi, repeatable == PLUGIN_REPEAT_YES);
    uint32_t after_ms = frame_get_u32(f);
    if (after_ms > 0)
        host_http.after(&c->abi, after_ms);
    bb_str route = frame_get_str(f), scope = frame_get_str(f);
    if (route.len > 0)
        host_http.counts_against(&c->abi, route, scope);
    if (frame_get_u32(f) != 0)
        host_http.without_credentials(&c->abi);
    return message_take_range(f, c);
}

static bool take_output(frame *f, plugin_call *c) {
    uint32_t body = frame_get_u32(f);
    bb_str text = frame_get_str(f), cursor = frame_get_str(f);
    if (body > 1 || f->bad)
        return false;
    if (body == 1)
        host_call.done_body(&c->abi);
    else
        host_call.done_text(&c->abi, text);
    host_call.next_cursor(&c->abi, cursor);
    return true;
}

static bool take_error(frame *f, plugin_call *c) {
    bb_error e = {.size = sizeof e};
    e.code = (bb_code)frame_get_u32(f);
    e.retry = (bb_retry)frame_get_u32(f);
    e.upstream_status = (int32_t)frame_get_u32(f);
    e.message = frame_get_str(f);
    e.pointer = frame_get_str(f);
    e.upstream_code = frame_get_str(f);
    if (f->bad || e.retry < BB_RETRY_UNKNOWN || e.retry > BB_RETRY_NO)
        return false;
    host_call.fail(&c->abi, &e);
    return true;
}

/* --- how far a call is ------------------------------------------------------------------------------- */

void message_progress(buf *out, uint32_t slot, uint32_t turn, const plugin_progress *p) {
    size_t at = frame_begin(out, FRAME_PROGRESS, slot, turn);
    frame_u64(out, p->done);
    frame_u64(out, p->total);
    frame_str(out, str_from(p->unit));
    frame_str(out, str_from(p->stage));
    frame_end(out, at);
}

bool message_take_progress(frame *f, plugin_progress *p) {
    int64_t done = (int64_t)frame_get_u64(f), total = (int64_t)frame_get_u64(f);
    bb_str unit = frame_get_str(f), stage = frame_get_str(f);
    *p = plugin_progress_of(done, total, unit, stage);
    return frame_done(f);
}

/* --- session operations -------------------------------------------------------------------------------- */

enum { RESULT_NONE, RESULT_OUTPUT, RESULT_ERROR };

void message_ran(buf *out, uint32_t slot, uint32_t turn, const session_job *job) {
    size_t at = frame_begin(out, FRAME_RAN, slot, turn);
    bool ran = job->end == SESSION_RAN;
    frame_u32(out, (uint32_t)job->end);
    frame_u32(out, job->begun);
    frame_u32(out, job->broken);
    frame_u32(out, job->acted);
    frame_u64(out, job->retry_after_ms);
    if (ran && job->outcome == PLUGIN_DONE) {
        frame_u32(out, RESULT_OUTPUT);
        frame_u32(out, 0);
        frame_str(out, job->call.output);
        frame_str(out, job->call.next_cursor);
    } else if (ran || job->end == SESSION_NOT_OPENED) {
        frame_u32(out, RESULT_ERROR);
        put_error(out, &job->call.error);
    } else {
        frame_u32(out, RESULT_NONE);
    }
    frame_end(out, at);
}

bool message_take_ran(frame *f, session_job *job, plugin_outcome *out) {
    uint32_t end = frame_get_u32(f);
    job->begun = frame_get_u32(f) != 0;
    job->broken = frame_get_u32(f) != 0;
    job->acted = frame_get_u32(f) != 0;
    job->retry_after_ms = frame_get_u64(f);
    uint32_t result = frame_get_u32(f);
    bool ran = end == SESSION_RAN;
    if (f->bad || end > SESSION_RETIRED || job->retry_after_ms > 86400000u ||
        (result == RESULT_NONE) != (!ran && end != SESSION_NOT_OPENED) || (result == RESULT_OUTPUT && !ran))
        return false;
    job->end = (session_end)end;
    job->outcome = *out = PLUGIN_FAILED;
    if (result == RESULT_NONE)
        return frame_done(f);
    bool ok = result == RESULT_OUTPUT ? take_output(f, &job->call)
                                      : result == RESULT_ERROR && take_error(f, &job->call);
    if (!ok || !frame_done(f))
        return false;
    job->outcome = *out = plugin_finish(&job->call, result == RESULT_OUTPUT ? BB_DONE : BB_FAIL);
    return true;
}

bool message_take(frame *f, plugin_call *c, plugin_outcome *out) {
    bb_step step = BB_FAIL;
    bool ok = false;
    bool webhook = c->webhook != NULL; /* ends by an answer of its own kind, or fails */
    if (f->head.kind == FRAME_VERIFIED ? !webhook : webhook && f->head.kind != FRAME_FAIL)
        return false;
    if (f->head.kind != FRAME_VERIFIED && !message_take_said(f, c))
        return false;
    if (f->head.kind == FRAME_REQUEST) {
        ok = take_request(f, c);
        step = BB_SEND;
    } else if (f->head.kind == FRAME_OUTPUT) {
        ok = take_output(f, c);
        step = BB_DONE;
    } else if (f->head.kind == FRAME_VERIFIED) {
        ok = message_take_verified(f, c);
        step = BB_DONE;
    } else if (f->head.kind == FRAME_FAIL) {
        ok = take_error(f, c);
    }
    if (ok && !frame_done(f)) {
        uint64_t left = frame_get_u64(f), for_ms = frame_get_u64(f);
        if (!f->bad && left <= INT64_MAX && for_ms <= INT64_MAX)
            host_http.limit_left(&c->abi, (int64_t)left, (int64_t)for_ms);
    }
    if (!ok || !frame_done(f))
        return false;
    *out = !webhook                     ? plugin_finish(c, step)
           : c->webhook->sample != NULL ? plugin_sample_signed(c, step)
                                        : plugin_verified(c, step);
    return true;
}
