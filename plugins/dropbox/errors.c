/* errors.c - what Dropbox refuses, and why
 * (https://www.dropbox.com/developers/documentation/http/documentation#error-handling).
 *
 * An endpoint's own errors come with 409 and a union of tags, whose tags error_summary has laid end to end:
 * "path/not_found/..". They stay the upstream's code; the last of them say what the hub takes it for. */
#include "dropbox.h"

/* --- the tags --------------------------------------------------------------------------------------- */

/* Dropbox puts dots behind, so that nobody compares the whole. */
static bb_str without_dots(bb_str summary) {
    while (summary.len > 0 && (summary.ptr[summary.len - 1] == '.' || summary.ptr[summary.len - 1] == '/'))
        summary.len--;
    return summary;
}

#define TAGS_MAX 8

/* {".tag": "path", "path": {".tag": "not_found"}} as "path/not_found". */
static bb_str tags_of(bb_call *call, const bb_json *error) {
    bb_str parts[TAGS_MAX], out = {NULL, 0};
    size_t count = 0, size = 0;
    while (count < TAGS_MAX) {
        bb_str tag = bb_is(call, error, BB_JSON_STRING) ? bb_text(call, error)
                                                        : bb_text(call, bb_get(call, error, ".tag"));
        if (tag.len == 0)
            break;
        parts[count++] = tag;
        size += tag.len + 1;
        const bb_json *inner = call->host->json->get(error, tag), *reason = bb_get(call, error, "reason");
        error = bb_is(call, inner, BB_JSON_OBJECT) ? inner : reason;
    }
    char *text = count > 0 ? (char *)call->host->call->alloc(call, size) : NULL;
    if (text == NULL)
        return out;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text[out.len++] = '/';
        memcpy(text + out.len, parts[i].ptr, parts[i].len);
        out.len += parts[i].len;
    }
    out.ptr = text;
    return out;
}

bb_str dx_error_code(bb_call *call) {
    const bb_json *answer = bb_response(call), *error = bb_get(call, answer, "error");
    bb_str summary = without_dots(bb_text(call, bb_get(call, answer, "error_summary")));
    if (summary.len > 0 && summary.len <= 200)
        return summary;
    return bb_is(call, error, BB_JSON_OBJECT) ? tags_of(call, error) : bb_s(NULL);
}

int dx_error_has(bb_str code, const char *tag) {
    size_t n = strlen(tag);
    for (size_t at = 0; at + n <= code.len; at++) {
        int begins = at == 0 || code.ptr[at - 1] == '/', ends = at + n == code.len || code.ptr[at + n] == '/';
        if (begins && ends && memcmp(code.ptr + at, tag, n) == 0)
            return 1;
    }
    return 0;
}

/* --- what they mean --------------------------------------------------------------------------------- */

static const struct meaning {
    const char *tag;
    bb_code code;
    const char *text;
} meanings[] = {
    {"too_many_write_operations", BB_E_UPSTREAM_RATE_LIMITED,
     "too much is being written to this Dropbox at once: try again, and write less in parallel"},
    {"too_many_requests", BB_E_UPSTREAM_RATE_LIMITED, "too many requests in the past few minutes: wait"},
    {"rate_limit", BB_E_UPSTREAM_RATE_LIMITED, "no more invitations may be sent today"},
    {"expired_access_token", BB_E_UPSTREAM_AUTH,
     "the access token has expired: let the hub renew it (scheme oauth2), or give another"},
    {"invalid_access_token", BB_E_UPSTREAM_AUTH,
     "this is no access token of Dropbox's, or it was taken back"},
    {"missing_scope", BB_E_UPSTREAM_FORBIDDEN,
     "the app lacks a scope: tick it on the app's Permissions page, then get a new token"},
    {"invalid_select_user", BB_E_UPSTREAM_AUTH,
     "the member of select_user is not, or no longer, in the team"},
    {"invalid_select_admin", BB_E_UPSTREAM_AUTH, "the member of select_admin is no admin of the team"},
    {"user_suspended", BB_E_UPSTREAM_AUTH, "the user is suspended"},
    {"not_found", BB_E_UPSTREAM_NOT_FOUND, "there is nothing of that name or id"},
    {"shared_link_not_found", BB_E_UPSTREAM_NOT_FOUND, "there is no such shared link"},
    {"no_account", BB_E_UPSTREAM_NOT_FOUND, "there is no such account"},
    {"invalid_id", BB_E_UPSTREAM_NOT_FOUND, "there is no such shared folder"},
    {"invalid_async_job_id", BB_E_UPSTREAM_NOT_FOUND, "there is no such job, or it was too long ago"},
    {"invalid_revision", BB_E_UPSTREAM_NOT_FOUND, "there is no such revision, or it is of a deleted file"},
    {"conflict", BB_E_UPSTREAM_CONFLICT,
     "something is in the way: mode or autorename say what to do about that"},
    {"shared_link_already_exists", BB_E_UPSTREAM_CONFLICT,
     "there is such a link already: sharing.list_shared_links finds it"},
    {"incorrect_offset", BB_E_UPSTREAM_CONFLICT, "the upload session stands at another offset"},
    {"closed", BB_E_UPSTREAM_CONFLICT, "the upload session is closed"},
    {"lock_conflict", BB_E_UPSTREAM_CONFLICT, "somebody else has locked the file"},
    {"locked", BB_E_UPSTREAM_CONFLICT, "the file is locked"},
    {"reset", BB_E_UPSTREAM_CONFLICT, "the cursor is no longer good: begin anew with files.list_folder"},
    {"content_hash_mismatch", BB_E_UPSTREAM_CONFLICT, "what arrived has another content hash than was said"},
    {"no_write_permission", BB_E_UPSTREAM_FORBIDDEN, "the user may not write there"},
    {"access_restricted", BB_E_UPSTREAM_FORBIDDEN, "an admin of the team does not allow it"},
    {"access_denied", BB_E_UPSTREAM_FORBIDDEN, "the user may not do so"},
    {"shared_link_access_denied", BB_E_UPSTREAM_FORBIDDEN,
     "the link is not for this user, or has a password"},
    {"no_permission", BB_E_UPSTREAM_FORBIDDEN, "the user may not do so"},
    {"not_authorized", BB_E_UPSTREAM_FORBIDDEN, "the user may not do so; some settings need a paid account"},
    {"not_allowed", BB_E_UPSTREAM_FORBIDDEN, "the user may not do so"},
    {"not_a_member", BB_E_UPSTREAM_FORBIDDEN, "the user is not a member of the shared folder"},
    {"email_not_verified", BB_E_UPSTREAM_FORBIDDEN, "the user's email address is not verified"},
    {"email_unverified", BB_E_UPSTREAM_FORBIDDEN, "the user's email address is not verified"},
    {"restricted_content", BB_E_UPSTREAM_FORBIDDEN, "the content is restricted"},
    {"invalid_root", BB_E_UPSTREAM_REJECTED, "path_root is not the user's root namespace (any more)"},
    {"internal_error", BB_E_UPSTREAM, "something went wrong at Dropbox: see what was done, then try again"},
    {"insufficient_space", BB_E_UPSTREAM_REJECTED, "there is not enough space"},
    {"insufficient_quota", BB_E_UPSTREAM_REJECTED, "there is not enough space"},
    {"malformed_path", BB_E_UPSTREAM_REJECTED, "this is not a path as Dropbox writes it"},
    {"not_file", BB_E_UPSTREAM_REJECTED, "this is not a file"},
    {"not_folder", BB_E_UPSTREAM_REJECTED, "this is not a folder"},
    {"disallowed_name", BB_E_UPSTREAM_REJECTED, "Dropbox does not take such a name"},
    {"payload_too_large", BB_E_UPSTREAM_REJECTED, "at most 150 MiB go into one request"},
    {"unsupported_file", BB_E_UPSTREAM_REJECTED, "it cannot be downloaded as it is: use files.export"},
    {"non_exportable", BB_E_UPSTREAM_REJECTED, "it cannot be exported: use files.download"},
    {"too_many_files", BB_E_UPSTREAM_REJECTED, "these are too many files for one request"},
};

/* By the first of the table that it has. */
static const struct meaning *meaning_of(bb_str code) {
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (dx_error_has(code, meanings[i].tag))
            return &meanings[i];
    return NULL;
}

/* The member of the input that the first tag speaks of; NULL: none of it. */
static const char *pointer_of(bb_call *call, bb_str code) {
    static const char *const places[][2] = {{"from_lookup", "from_path"},
                                            {"from_write", "from_path"},
                                            {"to", "to_path"},
                                            {"path", "path"},
                                            {"path_lookup", "path"},
                                            {"path_write", "path"},
                                            {"bad_path", "path"},
                                            {"invalid_revision", "rev"},
                                            {"settings_error", "settings"},
                                            {"bad_member", "members"},
                                            {"access_error", "shared_folder_id"},
                                            {"lookup_failed", "cursor"},
                                            {"shared_link_not_found", "url"},
                                            {"shared_link_access_denied", "url"},
                                            {"no_account", "account_id"},
                                            {"invalid_async_job_id", "async_job_id"},
                                            {"reset", "cursor"}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        size_t n = strlen(places[i][0]);
        if (code.len >= n && memcmp(code.ptr, places[i][0], n) == 0 &&
            (code.len == n || code.ptr[n] == '/') && bb_in(call, places[i][1]) != NULL)
            return places[i][1];
    }
    return NULL;
}

/* --- telling ---------------------------------------------------------------------------------------- */

static bb_step fail_with_code(bb_call *call, bb_code otherwise, bb_str code, bb_str said) {
    const struct meaning *m = meaning_of(code);
    const char *member = pointer_of(call, code);
    char text[512], pointer[64];
    bb_error e;
    memset(&e, 0, sizeof e);
    snprintf(pointer, sizeof pointer, "/%s", member != NULL ? member : "");
    if (said.len == 0)
        said = bb_s(m != NULL ? m->text : NULL);
    if (said.len > 0 && code.len > 0)
        snprintf(text, sizeof text, "%.*s (%.*s)", (int)(said.len > 300 ? 300 : said.len), said.ptr,
                 (int)code.len, code.ptr);
    else if (said.len > 0)
        snprintf(text, sizeof text, "%.*s", (int)(said.len > 500 ? 500 : said.len), said.ptr);
    else
        snprintf(text, sizeof text, "Dropbox refused: %.*s", (int)code.len, code.ptr);
    e.size = (uint32_t)sizeof e;
    e.code = m != NULL ? m->code : otherwise;
    e.message = said.len > 0 || code.len > 0 ? bb_s(text) : bb_s(NULL);
    e.upstream_code = code;
    e.pointer = bb_s(member != NULL ? pointer : NULL);
    if (dx_error_has(code, "too_many_write_operations")) /* nothing was done: the hub begins anew later */
        e.retry = BB_RETRY_YES;
    call->host->call->fail(call, &e);
    return BB_FAIL;
}

/* A body of plain text, in one line: why a request is malformed (400). Absent: it says nothing to a person.
 */
static bb_str plain_text(bb_call *call) {
    bb_str type = call->host->http->response_header(call, bb_s("Content-Type")),
           body = call->host->http->response_body(call), none = {NULL, 0};
    if (type.len < 10 || memcmp(type.ptr, "text/plain", 10) != 0)
        return none;
    if (body.len > 400)
        body.len = 400;
    for (size_t i = 0; i < body.len; i++)
        if (((unsigned char)body.ptr[i] < 0x20 && body.ptr[i] != '\n') || (unsigned char)body.ptr[i] >= 0x7f)
            return none;
    return body;
}

/* What Dropbox has written for a person, if it has. */
static bb_str said_by(bb_call *call) {
    const bb_json *answer = bb_response(call), *scope = NULL;
    bb_str text = bb_text(call, bb_get(call, bb_get(call, answer, "user_message"), "text"));
    if (text.len > 0)
        return text;
    if (bb_is(call, bb_get(call, answer, "error"), BB_JSON_STRING))
        return bb_text(call, bb_get(call, answer, "error"));
    scope = bb_get(call, bb_get(call, answer, "error"), "required_scope");
    if (bb_text(call, scope).len > 0) {
        char *told = (char *)call->host->call->alloc(call, 256);
        bb_str name = bb_text(call, scope);
        if (told != NULL && name.len < 100)
            return snprintf(told, 256,
                            "the app lacks the scope %.*s: tick it on the app's Permissions page, then get a "
                            "new token",
                            (int)name.len, name.ptr),
                   bb_s(told);
    }
    return plain_text(call);
}

bb_step dx_fail(bb_call *call) {
    bb_code code = bb_code_from_http(bb_status(call));
    if (code == BB_OK)
        return dx_not_understood(call);
    if (bb_status(call) == 409) /* of any kind; the table knows the conflicts */
        code = BB_E_UPSTREAM_REJECTED;
    return fail_with_code(call, code, dx_error_code(call), said_by(call));
}

bb_step dx_fail_job(bb_call *call, const bb_json *error) {
    return fail_with_code(call, BB_E_UPSTREAM_REJECTED, tags_of(call, error), bb_s(NULL));
}

bb_step dx_not_understood(bb_call *call) {
    return bb_fail(call, BB_E_UPSTREAM_INVALID,
                   "the answer is not what Dropbox gives there: are base_url, content_url and notify_url "
                   "Dropbox's?");
}
