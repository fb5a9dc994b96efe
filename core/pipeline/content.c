/* content.c - a call whose content passes in pieces: what its request's body is read from, where its answer's
 * goes, how it goes on after a break.
 *
 * Its deadline counts inactivity: as long as bytes pass, it moves on. */
#include <busbar/content.h>

#include "pipeline/call_internal.h"

#include "base/clock.h"
#include "content/digest.h"
#include "content/spool.h"

#include <stdio.h>

#define FORGIVEN_MAX 1000u /* requests of an upload that broke off, and got so far: each more counts */
#define PROGRESS_BYTES (64u << 10) /* an attempt that got so far does not count as one without success */

typedef struct content_run {
    call_content *io;
    plugin_content steps; /* what they see */
    http_upload upload;
    http_download download;
    content_digest *digests[PLUGIN_DIGESTS_MAX];
    content_spool *spool;
    uint64_t moved, moved_seen; /* bytes in either direction; as of the last look of the watch */
    uint64_t moved_before;      /* as of the attempt's beginning */
    uint64_t received;          /* of what is given out */
    uint64_t total;             /* of what is given out; FLOW_UNKNOWN */
    uint64_t part_at;           /* of what is given out: where the answer that comes now began */
    uint64_t part_dropped;      /* bytes of it that were left out */
    bool skip_line;             /* its first line is still to be left out */
    char validator[128];        /* a strong ETag or a date, for If-Range; "=" and a step's word; "" : none */
    void (*after_keep)(call *c);
    bool finishing;
    unsigned restarts; /* without progress */
    unsigned forgiven; /* requests of an upload that failed, but got on */
    uint64_t restarted_at;
} content_run;

static uint64_t patience_ns(const call *c) {
    return call_allowed_ms(c) * 1000000u;
}

static void be_patient(call *c) {
    c->deadline_ns = c->last_deadline_ns = clock_ns() + patience_ns(c);
    c->steps.deadline_ns = c->deadline_ns;
}

/* --- what the steps see -----------------------------------------------------------------------------------
 */

static content_run *run_of(call *c) {
    if (c->content != NULL || c->request.content == NULL)
        return c->content;
    content_run *k = arena_zalloc(c->memory, sizeof *k);
    if (k == NULL)
        return NULL;
    c->content = k;
    k->io = c->request.content;
    k->steps.saved = k->io->saved;
    k->received = k->io->offset;
    if (k->io->offset > 0 && k->io->validator != NULL)
        str_put(k->validator, sizeof k->validator, str_from(k->io->validator));
    return k;
}

plugin_content *content_of_steps(call *c) {
    content_run *k = run_of(c);
    if (k == NULL)
        return NULL;
    const content_source *s = k->io->source;
    bb_str saved = k->steps.saved;
    uint64_t passed = k->steps.passed;
    k->steps = (plugin_content){.given = s != NULL,
                                .wanted = k->io->sink != NULL,
                                .length = FLOW_UNKNOWN,
                                .saved = saved,
                                .passed = passed};
    if (s != NULL) {
        k->steps.length = s->info.length;
        k->steps.type = s->info.type[0] != '\0' ? str_from(s->info.type) : (bb_str){NULL, 0};
        k->steps.name = s->info.name[0] != '\0' ? str_from(s->info.name) : (bb_str){NULL, 0};
        atomic_store_explicit(&k->io->total_bytes, s->info.length, memory_order_relaxed);
    }
    return &k->steps;
}

static void digest(content_run *k, uint64_t offset, bb_str bytes) {
    for (size_t i = 0; i < k->steps.digest_count; i++) {
        plugin_digest *d = &k->steps.digests[i];
        if (k->digests[i] == NULL)
            k->digests[i] = content_digest_new(d->kind, d->block);
        if (k->digests[i] != NULL)
            content_digest_add(k->digests[i], offset, bytes);
    }
}

static void tell_digests(content_run *k) {
    for (size_t i = 0; i < k->steps.digest_count; i++) {
        plugin_digest *d = &k->steps.digests[i];
        if (k->digests[i] == NULL) /* of nothing, perhaps */
            k->digests[i] = content_digest_new(d->kind, d->block);
        if (k->digests[i] != NULL)
            content_digest_hex(k->digests[i], k->steps.passed, d->hex);
    }
}

static void drop_digests(content_run *k) {
    for (size_t i = 0; i < PLUGIN_DIGESTS_MAX; i++) {
        content_digest_free(k->digests[i]);
        k->digests[i] = NULL;
    }
}

static void moved(content_run *k, uint64_t position, size_t n) {
    k->moved += n;
    if (position > k->steps.passed)
        k->steps.passed = position;
    atomic_store_explicit(&k->io->done_bytes, position, memory_order_relaxed);
}

/* --- what must be known as a whole ------------------------------------------------------------------------
 */

static void on_spooled(void *ctx, content_source *whole, const char *failure) {
    call *c = ctx;
    content_run *k = c->content;
    k->spool = NULL;
    call_wait_over(c);
    if (whole == NULL) {
        call_fail(c, PROBLEM_CONTENT_FAILED, str_from(failure));
        call_end(c);
        return;
    }
    content_source_free(k->io->source);
    k->io->source = whole;
    be_patient(c);
    call_go_on(c);
}

static void watch_spool(call *c) {
    content_run *k = c->content;
    uint64_t now = content_spool_bytes(k->spool);
    if (now != k->moved_seen) {
        k->moved_seen = now;
        be_patient(c);
        call_wait(c, call_allowed_ms(c), watch_spool);
        return;
    }
    call_abandon(c);
    call_fail(c, PROBLEM_DEADLINE_EXCEEDED,
              STR("no byte of the content came for as long as the call may wait"));
    call_end(c);
}

stage_result stage_content(call *c) {
    uint32_t flags = c->op->content;
    content_run *k = run_of(c);
    if (c->request.content == NULL)
        return STAGE_NEXT;
    if (k == NULL)
        return call_fail(c, PROBLEM_OVERLOADED, STR("no memory for the call"));
    content_source *s = k->io->source;
    bool whole = s != NULL && (((flags & BB_CONTENT_LENGTH) != 0 && s->info.length == FLOW_UNKNOWN) ||
                               ((flags & BB_CONTENT_AGAIN) != 0 && !s->rewinds));
    be_patient(c);
    if (!whole)
        return STAGE_NEXT;
    err e = {""};
    k->spool = content_spool_begin(c->worker->loop, k->io->folders, s, on_spooled, c, &e);
    if (k->spool == NULL)
        return call_fail(c, PROBLEM_CONTENT_FAILED, str_from(e.text));
    call_wait(c, call_allowed_ms(c), watch_spool);
    return STAGE_WAIT;
}

/* --- the request ------------------------------------------------------------------------------------------
 */

static void on_upload(void *ctx, bb_str bytes) {
    content_run *k = ((call *)ctx)->content;
    content_source *s = k->io->source;
    digest(k, s->at, bytes);
    s->at += bytes.len;
    moved(k, s->at, bytes.len);
}

static bool upload_again(void *ctx) {
    call *c = ctx;
    content_run *k = c->content;
    err e = {""};
    if (!content_source_at(k->io->source, c->steps.request.content_offset, &e))
        return false;
    k->upload.flow = k->io->source->flow;
    return true;
}

static bool describe_upload(call *c) {
    content_run *k = c->content;
    const plugin_request *r = &c->steps.request;
    err e = {""};
    if (!content_source_at(k->io->source, r->content_offset, &e)) {
        call_fail(c, PROBLEM_CONTENT_FAILED, str_from(e.text));
        return false;
    }
    k->upload = (http_upload){.before = str_of(r->body.ptr, r->body.len > 0 ? r->content_at : 0),
                              .flow = k->io->source->flow,
                              .length = r->content_length,
                              .again = upload_again,
                              .passed = on_upload,
                              .ctx = c};
    if (r->body.len > r->content_at)
        k->upload.after = str_of(r->body.ptr + r->content_at, r->body.len - r->content_at);
    c->send.upload = &k->upload;
    c->send.has_body = false;
    /* The service may stand further on than where this range begins: the connector asks it, libcurl does not.
     */
    c->send.once = c->send.once || k->steps.saved.len > 0;
    c->request_bytes += r->content_length != FLOW_UNKNOWN ? r->content_length : 0;
    return true;
}

static bool on_header(void *ctx, unsigned status, const http_header *headers, size_t count);

static void on_download(void *ctx, bb_str bytes) {
    content_run *k = ((call *)ctx)->content;
    digest(k, k->received, bytes);
    k->received += bytes.len;
    moved(k, k->received, bytes.len);
}

bool content_describe(call *c) {
    content_run *k = c->content;
    const plugin_request *r = &c->steps.request;
    be_patient(c);
    c->send.timeout_ms = 0; /* watched: see content_sent */
    k->moved_before = k->moved;
    if (r->has_content && !describe_upload(c))
        return false;
    if (r->to_output) {
        k->download = (http_download){.flow = k->io->sink->flow,
                                      .begin = on_header,
                                      .passed = on_download,
                                      .ctx = c,
                                      .skip_line = &k->skip_line,
                                      .dropped = &k->part_dropped};
        c->send.download = &k->download;
    }
    return true;
}

/* A request's first attempt: what comes goes behind what is there. */
static void begin_part(call *c) {
    content_run *k = c->content;
    const plugin_request *r = &c->steps.request;
    if (c->attempt > 0 || !r->is_part)
        return;
    k->part_at = k->received;
    k->part_dropped = 0;
    k->skip_line = r->skips_line;
    k->validator[0] = '\0';
}

/* Bytes of the answer that were there before it broke off. */
static uint64_t came_before(const content_run *k) {
    return k->received - k->part_at + k->part_dropped;
}

/* RFC 9110 sections 14.2 and 13.1.5. */
size_t content_fields(call *c, bb_str *fields) {
    const content_run *k = c->content;
    size_t n = 0;
    begin_part(c);
    if (!c->steps.request.to_output || came_before(k) == 0)
        return 0;
    fields[n] = arena_printf(c->steps.memory, "Range: bytes=%llu-", (unsigned long long)came_before(k));
    n += fields[n].ptr != NULL;
    if (k->validator[0] != '\0' && k->validator[0] != '=') {
        fields[n] = arena_printf(c->steps.memory, "If-Range: %s", k->validator);
        n += fields[n].ptr != NULL;
    }
    return n;
}

static void watch(call *c) {
    content_run *k = c->content;
    if (k->moved != k->moved_seen) {
        k->moved_seen = k->moved;
        be_patient(c);
        call_wait(c, call_allowed_ms(c), watch);
        return;
    }
    http_answer answer = {.failure = HTTP_FAIL_TIMEOUT, .sent = true, .starts = 1, .body = &c->answer_body};
    snprintf(answer.detail, sizeof answer.detail, "no byte passed for %llu ms",
             (unsigned long long)call_allowed_ms(c));
    http_transfer_cancel(c->transfer);
    call_answered(c, &answer);
}

void content_sent(call *c) {
    content_run *k = c->content;
    k->moved_seen = k->moved;
    call_wait(c, call_allowed_ms(c), watch);
}

/* --- the answer -------------------------------------------------------------------------------------------
 */

/* filename="..." of a Content-Disposition, without what looks like a path (RFC 6266 section 4.3). */
static void read_name(bb_str disposition, char *out, size_t cap) {
    const char *at = disposition.len > 0 ? memmem(disposition.ptr, disposition.len, "filename=", 9) : NULL;
    if (at == NULL)
        return;
    bb_str value = str_of(at + 9, disposition.len - (size_t)(at + 9 - disposition.ptr)), part;
    if (value.len > 0 && value.ptr[0] == '"') {
        value = str_of(value.ptr + 1, value.len - 1);
        if (str_split(&value, '"', &part))
            value = part;
    } else if (str_split(&value, ';', &part)) {
        value = str_trim(part);
    }
    for (size_t i = value.len; i > 0; i--) {
        if (value.ptr[i - 1] == '/' || value.ptr[i - 1] == '\\') {
            value = str_of(value.ptr + i, value.len - i);
            break;
        }
    }
    str_put(out, cap, value);
}

static void read_validator(const http_header *headers, size_t count, char *out, size_t cap) {
    bb_str etag = str_pair_find(headers, count, STR("ETag")),
           modified = str_pair_find(headers, count, STR("Last-Modified"));
    bool strong = etag.len > 1 && !str_starts(etag, STR("W/"));
    bb_str best = strong ? etag : modified;
    str_put(out, cap, best.len < cap ? best : STR("")); /* a part of one would never fit */
}

/* What tells this state of the content from another: the answer's word, or else the step's. */
static void find_validator(const content_run *k, const http_header *headers, size_t count, char *out,
                           size_t cap) {
    bb_str version = k->steps.out_version;
    read_validator(headers, count, out, cap);
    if (out[0] == '\0' && version.len > 0 && version.len + 2 <= cap)
        snprintf(out, cap, "=%.*s", STR_FMT(version));
}

/* Bytes of this answer's body, where it says so, and they are not coded. */
static uint64_t length_of(const http_header *headers, size_t count) {
    uint64_t length;
    bool said = str_to_u64(str_pair_find(headers, count, STR("Content-Length")), &length) &&
                str_pair_find(headers, count, STR("Transfer-Encoding")).ptr == NULL;
    return said ? length : FLOW_UNKNOWN;
}

static void begin_output(call *c, uint64_t total, const http_header *headers, size_t count) {
    content_run *k = c->content;
    plugin_content *said = &k->steps;
    content_info info = {.length = total};
    str_put(info.type, sizeof info.type,
            said->out_type.len > 0 ? said->out_type : str_pair_find(headers, count, STR("Content-Type")));
    if (said->out_name.len > 0)
        str_put(info.name, sizeof info.name, said->out_name);
    else
        read_name(str_pair_find(headers, count, STR("Content-Disposition")), info.name, sizeof info.name);
    find_validator(k, headers, count, k->validator, sizeof k->validator);
    memcpy(info.validator, k->validator, sizeof info.validator);
    k->total = total;
    said->out_type = arena_copy(c->memory, str_from(info.type));
    said->out_name = arena_copy(c->memory, str_from(info.name));
    atomic_store_explicit(&k->io->total_bytes, info.length, memory_order_relaxed);
    k->io->sink->begin(k->io->sink, &info);
}

/* "bytes 100-199/200" */
static bool continues(bb_str range, uint64_t from) {
    bb_str first;
    uint64_t at;
    if (!str_starts(range, STR("bytes ")))
        return false;
    bb_str rest = str_of(range.ptr + 6, range.len - 6);
    return str_split(&rest, '-', &first) && str_to_u64(first, &at) && at == from;
}

/* All of it once more, and nothing says that it is another: what is there already is passed over. */
static bool is_same(const content_run *k, const http_header *headers, size_t count, uint64_t length) {
    char now[sizeof k->validator];
    find_validator(k, headers, count, now, sizeof now);
    if (k->validator[0] != '\0' || now[0] != '\0')
        return strcmp(k->validator, now) == 0;
    return k->io->sink->begun && k->total != FLOW_UNKNOWN && length == k->total;
}

/* A range of what it was: the service has compared by If-Range, or the step knows. */
static bool is_rest(const content_run *k, unsigned status, const http_header *headers, size_t count) {
    char now[sizeof k->validator];
    if (status != 206 || !continues(str_pair_find(headers, count, STR("Content-Range")), came_before(k)))
        return false;
    if (k->validator[0] != '=' || came_before(k) == 0)
        return true;
    find_validator(k, headers, count, now, sizeof now);
    return strcmp(k->validator, now) == 0;
}

static bool on_header(void *ctx, unsigned status, const http_header *headers, size_t count) {
    call *c = ctx;
    content_run *k = c->content;
    content_sink *sink = k->io->sink;
    bool part = c->steps.request.is_part;
    uint64_t length = length_of(headers, count), from = came_before(k);
    if (status < 200 || status > 299)
        return false;
    bool rest = is_rest(k, status, headers, count);
    bool all = status != 206 && (from == 0 || is_same(k, headers, count, length));
    if (part && k->io->offset > 0)
        flow_fail(sink->flow, "a content that comes in parts cannot go on where it broke off: begin anew");
    else if (!rest && !all)
        flow_fail(sink->flow,
                  "the service broke off, and does not give the rest: it knows no ranges, or the file "
                  "has changed");
    else if (!sink->begun)
        begin_output(c,
                     part                             ? FLOW_UNKNOWN
                     : length != FLOW_UNKNOWN && rest ? from + length
                                                      : length,
                     headers, count);
    else if (part && from == 0)
        find_validator(k, headers, count, k->validator, sizeof k->validator);
    k->download.skip = all ? from : 0;
    return true;
}

bool content_got_on(const call *c) {
    const content_run *k = c->content;
    return k != NULL && k->moved - k->moved_before >= PROGRESS_BYTES;
}

bool content_goes_on(const call *c) {
    return c->content->steps.saved.len > 0;
}

bool content_at_begin(const call *c) {
    const content_run *k = c->content;
    const content_source *s = k->io->source;
    bool given = k->io->sink != NULL && k->io->sink->begun;
    return !given && (s == NULL || s->rewinds || s->flow == NULL || s->at == 0);
}

void content_restart(call *c) {
    content_run *k = c->content;
    k->steps.passed = 0;
    plugin_call_reset(&c->steps);
    call_drop_kept(c);
    call_restart(c);
}

/* An upload that saved how it can go on: from `start`, which asks the service how far it got. */
static bool try_restart(call *c, const http_answer *answer) {
    content_run *k = c->content;
    if (!c->steps.request.has_content || k->steps.saved.len == 0)
        return false;
    if (k->moved - k->restarted_at >= PROGRESS_BYTES && k->forgiven < FORGIVEN_MAX)
        k->restarts = 0;
    k->restarted_at = k->moved;
    retry_question question = {.failure = answer->failure,
                               .sent = answer->sent,
                               .status = answer->status,
                               .retry_after = call_answer_field(answer, STR("Retry-After")),
                               .repeatable = true,
                               .attempt = ++k->restarts};
    return call_begin_later(c, &question, content_restart);
}

bool content_answered(call *c, const http_answer *answer) {
    content_run *k = c->content;
    call_wait_over(c);
    be_patient(c);
    bool got_on = content_got_on(c);
    bool failed = answer->failure != HTTP_FAIL_NONE || answer->status >= 400;
    if (got_on && failed && c->steps.request.has_content)
        k->forgiven++; /* what a service takes and does not keep could be sent for ever */
    if (got_on && k->forgiven < FORGIVEN_MAX)
        c->attempt = 1; /* it gets on: the attempts without success are counted anew */
    if (answer->failure == HTTP_FAIL_NONE && answer->status < 300)
        tell_digests(k);
    return try_restart(c, answer);
}

uint64_t content_moved(const call *c) {
    return c->content != NULL ? c->content->moved : 0;
}

bool content_may_repeat(const call *c) {
    const content_run *k = c->content;
    const plugin_request *r = &c->steps.request;
    const content_source *s = k->io->source;
    return !r->has_content || s->rewinds || s->flow == NULL || s->at == r->content_offset;
}

/* --- keeping and ending -----------------------------------------------------------------------------------
 */

static void on_kept(void *ctx, bool ok) {
    call *c = ctx;
    content_run *k = c->content;
    void (*go_on)(call * c) = k->after_keep;
    call_wait_over(c);
    k->after_keep = NULL;
    if (ok) {
        go_on(c);
        return;
    }
    call_fail(c, PROBLEM_STORE_UNAVAILABLE, STR("how the upload can go on cannot be stored"));
    call_end(c);
}

stage_result content_keep(call *c, void (*go_on)(call *c)) {
    content_run *k = c->content;
    plugin_content *said = &k->steps;
    if (!said->saves)
        return STAGE_NEXT;
    said->saves = false;
    said->saved = said->save.len > 0 ? arena_copy(c->memory, said->save) : (bb_str){NULL, 0};
    if (k->io->save == NULL || go_on == NULL)
        return STAGE_NEXT;
    k->after_keep = go_on;
    if (k->io->save(k->io->ctx, said->saved, on_kept, c))
        return STAGE_WAIT;
    return call_fail(c, PROBLEM_STORE_UNAVAILABLE, STR("how the upload can go on cannot be stored"));
}

static void on_finished(void *ctx, const char *failure) {
    call *c = ctx;
    c->content->finishing = false;
    call_wait_over(c);
    if (failure == NULL) {
        call_go_on(c);
        return;
    }
    call_fail(c, strcmp(failure, FLOW_GONE) == 0 ? PROBLEM_CANCELLED : PROBLEM_CONTENT_FAILED,
              str_from(failure));
    call_end(c);
}

stage_result stage_content_end(call *c) {
    content_run *k = c->content;
    if (k == NULL || k->io->sink == NULL)
        return STAGE_NEXT;
    if (!k->steps.to_output)
        return call_fail(c, PROBLEM_CONNECTOR_DEFECT, STR("the connector's operation gave no file"));
    k->finishing = true;
    k->io->sink->finish(k->io->sink, on_finished, c);
    return STAGE_WAIT;
}

void content_leave(call *c) {
    content_run *k = c->content;
    if (k == NULL)
        return;
    content_spool_cancel(k->spool);
    k->spool = NULL;
    drop_digests(k);
}
