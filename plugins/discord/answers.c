/* answers.c - what comes back: objects, lists, nothing, and errors with where they stand in the input. */
#include "discord.h"

#define POINTER_MAX 240u
#define DEPTH_MAX 16u
#define SAID_MAX 3u /* problems that the text names */

/* --- errors ----------------------------------------------------------------------------------------- */

/* {"code": 50035, "message": "Invalid Form Body", "errors": {"embeds": {"0": {"title": {"_errors":
 * [{"code": "BASE_TYPE_MAX_LENGTH", "message": "..."}]}}}}}
 * (https://docs.discord.com/developers/reference#error-messages). The text gets the first few, the pointer
 * the first. */
typedef struct findings {
    char text[480];
    size_t length;
    char pointer[POINTER_MAX];
    unsigned count;
} findings;

static void say(findings *f, bb_str text) {
    size_t room = sizeof f->text - f->length;
    if (text.len > room)
        for (text.len = room; text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xc0u) == 0x80u;)
            text.len--;
    if (text.len > 0)
        memcpy(f->text + f->length, text.ptr, text.len);
    f->length += text.len;
}

static void add_finding(bb_call *call, findings *f, const char *path, const bb_json *errors) {
    bb_json_iter it = {0};
    while (call->host->json->next(errors, &it)) {
        if (f->count++ == 0)
            snprintf(f->pointer, sizeof f->pointer, "%s", path);
        if (f->count > SAID_MAX)
            continue;
        say(f, bb_s(f->count == 1 ? ": " : "; "));
        say(f, bb_s(path));
        say(f, bb_s(path[0] != '\0' ? " " : ""));
        say(f, bb_text(call, bb_get(call, it.value, "message")));
        say(f, bb_s(" ("));
        say(f, bb_text(call, bb_get(call, it.value, "code")));
        say(f, bb_s(")"));
    }
}

/* The path and one name more, as a JSON Pointer (RFC 6901); gives the length, `cap` where it does not fit. */
static size_t extend(char *path, size_t n, size_t cap, bb_str name) {
    if (n + 1 >= cap)
        return cap;
    path[n++] = '/';
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (n + 2 >= cap)
            return cap;
        if (c == '~' || c == '/') {
            path[n++] = '~';
            path[n++] = c == '~' ? '0' : '1';
        } else {
            path[n++] = c;
        }
    }
    path[n] = '\0';
    return n;
}

/* `path` has n bytes, and takes POINTER_MAX. */
static void walk(bb_call *call, findings *f, const bb_json *errors, char *path, size_t n, unsigned depth) {
    bb_json_iter it = {0};
    if (depth > DEPTH_MAX || !bb_is(call, errors, BB_JSON_OBJECT))
        return;
    while (call->host->json->next(errors, &it)) {
        path[n] = '\0';
        if (bb_str_eq(it.key, "_errors")) {
            add_finding(call, f, path, it.value);
            continue;
        }
        size_t longer = extend(path, n, POINTER_MAX, it.key);
        if (longer < POINTER_MAX)
            walk(call, f, it.value, path, longer, depth + 1);
    }
}

/* What Discord's own code says beyond the status
 * (https://docs.discord.com/developers/topics/opcodes-and-status-codes). */
static bb_code code_of(bb_call *call, int64_t code) {
    bb_code by_status = bb_code_from_http(bb_status(call));
    if (code == 130000) /* the API is overloaded */
        return BB_E_UPSTREAM_UNAVAILABLE;
    if (by_status != BB_E_UPSTREAM_REJECTED && by_status != BB_OK)
        return by_status;
    if (code > 10000 && code < 20000) /* Unknown account, application, channel, ... */
        return BB_E_UPSTREAM_NOT_FOUND;
    if (code == 50001 || code == 50013) /* missing access, missing permissions */
        return BB_E_UPSTREAM_FORBIDDEN;
    if (code == 40060 || code == 50083) /* the interaction is answered already; the thread is archived */
        return BB_E_UPSTREAM_CONFLICT;
    return by_status != BB_OK ? by_status : BB_E_UPSTREAM_INVALID;
}

/* A 429 says how long to wait, and for what: {"message", "retry_after", "global"}. */
static void add_limit(bb_call *call, findings *f, const bb_json *answer) {
    bb_str seconds = bb_text(call, bb_get(call, answer, "retry_after"));
    if (bb_status(call) != 429 || seconds.len == 0)
        return;
    say(f, bb_s(call->host->json->to_bool(bb_get(call, answer, "global"), 0) ? " (of the whole bot; again in "
                                                                             : " (of this route; again in "));
    say(f, seconds);
    say(f, bb_s(" s)"));
}

bb_step dc_fail(bb_call *call) {
    const bb_json *answer = bb_response(call);
    bb_str message = bb_text(call, bb_get(call, answer, "message"));
    int64_t code = 0;
    char path[POINTER_MAX] = "";
    findings f;
    bb_error e;
    memset(&f, 0, sizeof f);
    memset(&e, 0, sizeof e);
    dc_guard_count(call);
    call->host->json->to_int64(bb_get(call, answer, "code"), &code);
    e.size = (uint32_t)sizeof e;
    e.code = code_of(call, code);
    if (code != 0) /* 0 says no more than the status */
        e.upstream_code = bb_text(call, bb_get(call, answer, "code"));
    if (message.len == 0)
        return bb_fail_with(call, e.code, e.upstream_code, bb_s(NULL));
    say(&f, message);
    add_limit(call, &f, answer);
    walk(call, &f, bb_get(call, answer, "errors"), path, 0, 0);
    e.message.ptr = f.text;
    e.message.len = f.length;
    e.pointer = bb_s(f.pointer[0] != '\0' ? f.pointer : NULL);
    call->host->call->fail(call, &e);
    return BB_FAIL;
}

/* --- what was asked for ----------------------------------------------------------------------------- */

static bb_step not_understood(bb_call *call, const char *expected) {
    return bb_fail(call, BB_E_UPSTREAM_INVALID,
                   "the answer is no %s of Discord's: is base_url Discord's API, with its version?",
                   expected);
}

bb_step dc_object_resume(bb_call *call) {
    if (!bb_ok(call))
        return dc_fail(call);
    if (!bb_is(call, bb_response(call), BB_JSON_OBJECT))
        return not_understood(call, "object");
    return bb_done_body(call);
}

bb_step dc_array_resume(bb_call *call) {
    if (!bb_ok(call))
        return dc_fail(call);
    if (!bb_is(call, bb_response(call), BB_JSON_ARRAY))
        return not_understood(call, "list");
    return bb_done_body(call);
}

static int is_empty(bb_call *call) {
    return call->host->http->response_body(call).len == 0;
}

bb_step dc_none_resume(bb_call *call) {
    if (!bb_ok(call))
        return dc_fail(call);
    if (!is_empty(call) && !bb_is(call, bb_response(call), BB_JSON_OBJECT))
        return not_understood(call, "answer");
    return bb_done_text(call, bb_s("null"));
}

bb_step dc_maybe_resume(bb_call *call) {
    if (bb_ok(call) && is_empty(call))
        return bb_done_text(call, bb_s("null"));
    return dc_object_resume(call);
}

/* --- pages ------------------------------------------------------------------------------------------ */

/* "user.id" of an item. */
static bb_str name_of(bb_call *call, const bb_json *item, const char *id) {
    const char *dot = strchr(id, '.');
    bb_str head = {id, dot != NULL ? (size_t)(dot - id) : strlen(id)};
    const bb_json *value = call->host->json->get(item, head);
    return dot != NULL ? name_of(call, value, dot + 1) : bb_text(call, value);
}

bb_step dc_page_done(bb_call *call, const char *id, const char *default_limit, int first_is_edge) {
    const bb_json *page = bb_response(call), *edge = NULL;
    bb_json_iter it = {0};
    size_t count = 0;
    int64_t limit = 0;
    if (!bb_ok(call) || !bb_is(call, page, BB_JSON_ARRAY))
        return dc_array_resume(call);
    if (!call->host->json->to_int64(bb_in(call, "limit"), &limit))
        for (const char *digit = default_limit; *digit != '\0'; digit++)
            limit = 10 * limit + (*digit - '0');
    while (call->host->json->next(page, &it)) {
        if (count++ == 0 || !first_is_edge)
            edge = it.value;
    }
    if (limit > 0 && count >= (size_t)limit)
        call->host->call->next_cursor(call, name_of(call, edge, id));
    return bb_done_body(call);
}
