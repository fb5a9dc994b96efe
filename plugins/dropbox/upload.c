/* upload.c - files.upload: a file of any size. Up to upload_single MiB it goes in one request; a larger one
 * by an upload session, chunk by chunk, which goes on where it stands after a break, or after the hub's end:
 * the session's id and offset are saved, and Dropbox says where it stands when asked with another offset
 * (https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-append). */
#include "dropbox.h"
#include "schemas.h"

#include <inttypes.h>

#define MIB (INT64_C(1) << 20)
#define ROUTE "/2/files/upload"
#define SESSION ROUTE "_session/"
#define BUSY_MAX 4u   /* times that it waits because too much is written at once */
#define TURNS_MAX 20u /* corrected offsets without a chunk between them */

enum { SINGLE, OPEN, PROBE, APPEND, FINISH, LOOK };

typedef struct upload {
    int32_t phase;
    uint32_t busy, turns, anew;
    int64_t at, sending; /* bytes that the session has; bytes under way */
    char session[512];
} upload;

static const bb_rest_route commit = {.path = "", .members = BB_REST_JSON, .aside = WHO " content_hash"};
static const bb_rest_route argument = {.path = "", .members = BB_REST_JSON, .aside = WHO};

static int64_t mib_of(bb_call *call, const char *setting) {
    int64_t n = 0;
    call->host->json->to_int64(bb_get(call, (const bb_json *)call->instance, setting), &n);
    return n * MIB;
}

/* --- what is sent ----------------------------------------------------------------------------------- */

static void put_cursor(bb_call *call, bb_json_writer *w) {
    const bb_json_api *json = call->host->json;
    const upload *u = (const upload *)call->state;
    json->key(w, bb_s("cursor"));
    json->begin_object(w);
    json->key(w, bb_s("session_id"));
    json->put_string(w, bb_s(u->session));
    json->key(w, bb_s("offset"));
    json->put_int64(w, u->at);
    json->end_object(w);
}

/* {"cursor"}, and to finish {"cursor", "commit"}. */
static bb_str cursor_of(bb_call *call, int finish) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    put_cursor(call, w);
    if (finish) {
        json->key(w, bb_s("commit"));
        json->put_value(w, json->parse(call, bb_rest_json(call, &commit)));
    }
    json->end_object(w);
    return json->finish(w);
}

/* What a call that goes on begins with. */
static void save(bb_call *call, int finish) {
    const bb_json_api *json = call->host->json;
    const upload *u = (const upload *)call->state;
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    json->key(w, bb_s("session_id"));
    json->put_string(w, bb_s(u->session));
    json->key(w, bb_s("offset"));
    json->put_int64(w, u->at);
    json->key(w, bb_s("finish"));
    json->put_bool(w, finish);
    json->end_object(w);
    bb_content_save(call, json->finish(w));
}

/* A request without a byte of the file; sent twice it does no harm. */
static bb_step send_empty(bb_call *call, int32_t phase, const char *path, bb_str json) {
    ((upload *)call->state)->phase = phase;
    if (!dx_begin_argued(call, path, json))
        return BB_FAIL;
    call->host->http->body(call, bb_s("application/octet-stream"), bb_s(""));
    call->host->http->repeatable(call, 1);
    return BB_SEND;
}

static bb_step send_finish(bb_call *call) {
    save(call, 1);
    return send_empty(call, FINISH, SESSION "finish", cursor_of(call, 1));
}

/* Whether the content is the one that the caller named. */
static int is_asked_for(bb_call *call) {
    return dx_hash_fits(call, bb_in_text(call, "content_hash"), "the file is not the one of content_hash");
}

static bb_step send_next(bb_call *call) {
    upload *u = (upload *)call->state;
    int64_t left = bb_content_length(call) - u->at, chunk = mib_of(call, "upload_chunk");
    if (left <= 0) /* before there is a file: it may be another than was asked for */
        return is_asked_for(call) ? send_finish(call) : BB_FAIL;
    u->phase = APPEND;
    u->sending = left < chunk ? left : chunk;
    save(call, 0);
    if (!dx_begin_argued(call, SESSION "append_v2", cursor_of(call, 0)))
        return BB_FAIL;
    bb_content_host(call)->body(call, bb_s("application/octet-stream"), u->at, u->sending);
    call->host->http->repeatable(call, 1); /* bytes that it has already are an incorrect_offset */
    return BB_SEND;
}

static bb_step send_open(bb_call *call) {
    upload *u = (upload *)call->state;
    u->at = 0;
    return send_empty(call, OPEN, SESSION "start", bb_s("{\"close\":false}"));
}

/* Twice the same content is no conflict, unless the caller wants it to be one. */
static bb_step send_single(bb_call *call) {
    ((upload *)call->state)->phase = SINGLE;
    if (!dx_begin_argued(call, ROUTE, bb_rest_json(call, &argument)))
        return BB_FAIL;
    bb_content_host(call)->body(call, bb_s("application/octet-stream"), 0, -1);
    call->host->http->repeatable(call, !call->host->json->to_bool(bb_in(call, "strict_conflict"), 0));
    return BB_SEND;
}

/* --- how it begins ---------------------------------------------------------------------------------- */

static int take_session(bb_call *call, const bb_json *id) {
    upload *u = (upload *)call->state;
    bb_str text = bb_text(call, id);
    if (text.len == 0 || text.len >= sizeof u->session || memchr(text.ptr, '\0', text.len) != NULL)
        return 0;
    memcpy(u->session, text.ptr, text.len);
    u->session[text.len] = '\0';
    return 1;
}

static bb_step upload_start(bb_call *call) {
    upload *u = (upload *)call->state;
    if (!dx_has_content(call))
        return BB_FAIL;
    const bb_json *saved = bb_content_saved(call);
    int64_t length = bb_content_length(call);
    bb_content_host(call)->want_digest(call, BB_DIGEST_SHA256, DX_BLOCK);
    if (saved != NULL && take_session(call, bb_get(call, saved, "session_id")) &&
        call->host->json->to_int64(bb_get(call, saved, "offset"), &u->at) && u->at >= 0 && u->at <= length) {
        if (call->host->json->to_bool(bb_get(call, saved, "finish"), 0))
            return send_finish(call);
        return send_empty(call, PROBE, SESSION "append_v2", cursor_of(call, 0));
    }
    return length <= mib_of(call, "upload_single") ? send_single(call) : send_open(call);
}

/* --- what comes back -------------------------------------------------------------------------------- */

static bb_step file_done(bb_call *call) {
    const bb_json *file = bb_response(call);
    bb_str hash = bb_text(call, bb_get(call, file, "content_hash"));
    int64_t size = -1;
    if (!call->host->json->to_int64(bb_get(call, file, "size"), &size) || bb_get(call, file, "rev") == NULL)
        return dx_not_understood(call);
    if (size != bb_content_length(call))
        return bb_fail(call, BB_E_UPSTREAM_INVALID,
                       "the file at Dropbox is not what was sent: it has %" PRId64 " bytes, not %" PRId64,
                       size, bb_content_length(call));
    return dx_hash_fits(call, hash, "the file at Dropbox is not what was sent") ? bb_done_body(call)
                                                                                : BB_FAIL;
}

/* {"error": {".tag": "incorrect_offset", "correct_offset": N}}, or that within lookup_failed. 0: it is none.
 */
static int correct_offset(bb_call *call, int64_t *out) {
    const bb_json *error = bb_get(call, bb_response(call), "error"),
                  *inner = bb_get(call, error, "lookup_failed");
    if (inner != NULL)
        error = inner;
    return dx_error_has(dx_error_code(call), "incorrect_offset") &&
           call->host->json->to_int64(bb_get(call, error, "correct_offset"), out) && *out >= 0;
}

/* Dropbox knows the session no more: from the beginning, once. */
static bb_step begin_anew(bb_call *call) {
    upload *u = (upload *)call->state;
    if (u->anew++ > 0)
        return bb_fail_with(call, BB_E_UPSTREAM_NOT_FOUND, bb_s("lookup_failed/not_found"),
                            bb_s("Dropbox has lost the upload session twice"));
    bb_content_save(call, bb_s(NULL));
    return send_open(call);
}

static bb_step after_failure(bb_call *call) {
    upload *u = (upload *)call->state;
    bb_str code = dx_error_code(call);
    int64_t at;
    if (bb_status(call) != 409)
        return dx_fail(call);
    if (correct_offset(call, &at)) {
        if (at > bb_content_length(call) || u->turns++ >= TURNS_MAX)
            return dx_fail(call);
        u->at = at;
        return send_next(call);
    }
    int gone = dx_error_has(code, "not_found") || dx_error_has(code, "closed");
    if (u->phase == FINISH && dx_error_has(code, "lookup_failed") && gone) {
        u->phase = LOOK; /* it may be finished already, by a request whose answer was lost */
        bb_json_writer *w = call->host->json->writer(call);
        call->host->json->begin_object(w);
        call->host->json->key(w, bb_s("path"));
        call->host->json->put_value(w, bb_in(call, "path"));
        call->host->json->end_object(w);
        return dx_send_json(call, DX_API, "/2/files/get_metadata", call->host->json->finish(w));
    }
    return u->phase != FINISH && dx_error_has(code, "not_found") ? begin_anew(call) : dx_fail(call);
}

/* Too many writes at once: what was sent is kept in a session, and only has to be finished. 0: it is not so.
 */
static int finish_later(bb_call *call) {
    upload *u = (upload *)call->state;
    const bb_json *id = bb_get(call, bb_get(call, bb_response(call), "error"), "upload_session_id");
    int64_t wait = INT64_C(1000) << u->busy;
    if (bb_status(call) != 409 || !dx_error_has(dx_error_code(call), "too_many_write_operations") ||
        !(u->phase == FINISH || (u->phase == SINGLE && take_session(call, id))))
        return 0;
    if (u->busy++ >= BUSY_MAX || !BB_HAS(call->host->http, after) ||
        call->host->call->time_left_ms(call) < wait + 2000)
        return 0;
    u->at = bb_content_length(call);
    return send_finish(call) == BB_SEND && bb_after(call, wait);
}

/* Whether the file that is there is the one that was sent. Where that cannot be told it is sent again, which
 * makes no second one of the same content. */
static bb_step after_look(bb_call *call) {
    bb_str hash = bb_text(call, bb_get(call, bb_response(call), "content_hash")),
           own = bb_content_host(call)->digest(call, BB_DIGEST_SHA256, DX_BLOCK);
    if (bb_ok(call) && own.len > 0 && own.len == hash.len && memcmp(own.ptr, hash.ptr, own.len) == 0)
        return bb_done_body(call);
    return begin_anew(call);
}

static bb_step upload_resume(bb_call *call) {
    upload *u = (upload *)call->state;
    if (u->phase == LOOK)
        return after_look(call);
    if (!bb_ok(call))
        return finish_later(call) ? BB_SEND : after_failure(call);
    switch (u->phase) {
    case OPEN:
        if (!take_session(call, bb_get(call, bb_response(call), "session_id")))
            return dx_not_understood(call);
        return send_next(call);
    case APPEND:
        u->at += u->sending;
        u->turns = 0;
        return send_next(call);
    case PROBE: return send_next(call);
    default: return file_done(call);
    }
}

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

static const char upload_input[] = INPUT(REQUIRED("\"path\""),
    COMMIT_MEMBERS ","
    HASH("content_hash", "of the file, where it is known: anything else is refused"));

/* clang-format on */

const bb_operation dropbox_upload = {
    BB_SIZE(bb_operation),
    .state_size = sizeof(upload),
    .id = "files.upload",
    .summary = "Upload a file of any size",
    .description =
        "Above upload_single MiB by an upload session, which goes on after a break. What Dropbox then has is "
        "compared with what was sent, by its content hash.",
    .input_schema = upload_input,
    .output_schema = REF("file"),
    .examples = EXAMPLE("in place of what is there",
                        "{\"path\":\"/Homework/math/Matrices.txt\",\"mode\":\"overwrite\",\"mute\":true}"),
    .start = upload_start,
    .resume = upload_resume,
};
