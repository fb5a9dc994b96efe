/* steps.c - how an input becomes a request, and an answer an output or an error.
 *
 * Slack answers 200 also where it refuses: {"ok": false, "error": "..."} is an error here. */
#include "slack.h"

/* --- requests --------------------------------------------------------------------------------------- */

/* With its charset: Slack warns where it is missing. */
static void put_json(bb_call *call, bb_str json) {
    call->host->http->body(call, bb_s("application/json; charset=utf-8"), json);
}

bb_step slack_start(bb_call *call, const bb_rest_route *route) {
    if (route->members != BB_REST_JSON)
        return bb_rest_send(call, route);
    bb_rest_begin(call, route);
    put_json(call, bb_rest_json(call, route));
    return BB_SEND;
}

bb_step slack_post(bb_call *call, const char *path, bb_str json) {
    bb_request(call, "POST", path);
    put_json(call, json);
    return BB_SEND;
}

/* --- errors ----------------------------------------------------------------------------------------- */

/* What Slack's codes mean, and the argument that is at fault where it is always the same. All others were
 * refused for what was asked. */
/* clang-format off */
static const struct {
    const char *error;
    bb_code code;
    const char *member;
} errors[] = {
    {"invalid_auth", BB_E_UPSTREAM_AUTH, NULL},
    {"not_authed", BB_E_UPSTREAM_AUTH, NULL},
    {"account_inactive", BB_E_UPSTREAM_AUTH, NULL},
    {"token_revoked", BB_E_UPSTREAM_AUTH, NULL},
    {"token_expired", BB_E_UPSTREAM_AUTH, NULL},
    {"user_removed_from_team", BB_E_UPSTREAM_AUTH, NULL},
    {"missing_scope", BB_E_UPSTREAM_FORBIDDEN, NULL},
    {"not_allowed_token_type", BB_E_UPSTREAM_FORBIDDEN, NULL},
    {"no_permission", BB_E_UPSTREAM_FORBIDDEN, NULL},
    {"restricted_action", BB_E_UPSTREAM_FORBIDDEN, NULL},
    {"access_denied", BB_E_UPSTREAM_FORBIDDEN, NULL},
    {"ekm_access_denied", BB_E_UPSTREAM_FORBIDDEN, NULL},
    {"org_login_required", BB_E_UPSTREAM_FORBIDDEN, NULL},
    {"team_access_not_granted", BB_E_UPSTREAM_FORBIDDEN, NULL},
    {"accesslimited", BB_E_UPSTREAM_FORBIDDEN, NULL},
    {"two_factor_setup_required", BB_E_UPSTREAM_FORBIDDEN, NULL},
    {"user_is_restricted", BB_E_UPSTREAM_FORBIDDEN, NULL},
    {"user_is_ultra_restricted", BB_E_UPSTREAM_FORBIDDEN, NULL},
    {"user_is_bot", BB_E_UPSTREAM_FORBIDDEN, NULL},
    {"method_not_supported_for_channel_type", BB_E_UPSTREAM_FORBIDDEN, "channel"},
    {"cant_update_message", BB_E_UPSTREAM_FORBIDDEN, "ts"},
    {"cant_delete_message", BB_E_UPSTREAM_FORBIDDEN, "ts"},
    {"cant_delete_file", BB_E_UPSTREAM_FORBIDDEN, "file"},
    {"cant_archive_general", BB_E_UPSTREAM_FORBIDDEN, "channel"},
    {"cant_leave_general", BB_E_UPSTREAM_FORBIDDEN, "channel"},
    {"cant_kick_from_general", BB_E_UPSTREAM_FORBIDDEN, "channel"},
    {"cant_kick_self", BB_E_UPSTREAM_REJECTED, "user"},
    {"cant_invite_self", BB_E_UPSTREAM_REJECTED, "users"},
    {"not_in_channel", BB_E_UPSTREAM_FORBIDDEN, "channel"},
    {"user_not_in_channel", BB_E_UPSTREAM_REJECTED, "user"},
    {"channel_not_found", BB_E_UPSTREAM_NOT_FOUND, "channel"},
    {"invalid_channel", BB_E_UPSTREAM_REJECTED, "channel"},
    {"message_not_found", BB_E_UPSTREAM_NOT_FOUND, "ts"},
    {"thread_not_found", BB_E_UPSTREAM_NOT_FOUND, "ts"},
    {"user_not_found", BB_E_UPSTREAM_NOT_FOUND, "user"},
    {"users_not_found", BB_E_UPSTREAM_NOT_FOUND, "email"},
    {"team_not_found", BB_E_UPSTREAM_NOT_FOUND, "team"},
    {"bot_not_found", BB_E_UPSTREAM_NOT_FOUND, "bot"},
    {"file_not_found", BB_E_UPSTREAM_NOT_FOUND, "file"},
    {"file_deleted", BB_E_UPSTREAM_NOT_FOUND, "file"},
    {"view_not_found", BB_E_UPSTREAM_NOT_FOUND, "view_id"},
    {"not_found", BB_E_UPSTREAM_NOT_FOUND, NULL},
    {"no_item_specified", BB_E_UPSTREAM_REJECTED, NULL},
    {"no_reaction", BB_E_UPSTREAM_NOT_FOUND, "name"},
    {"no_pin", BB_E_UPSTREAM_NOT_FOUND, "timestamp"},
    {"bookmark_not_found", BB_E_UPSTREAM_NOT_FOUND, "bookmark_id"},
    {"invalid_scheduled_message_id", BB_E_UPSTREAM_NOT_FOUND, "scheduled_message_id"},
    {"is_archived", BB_E_UPSTREAM_CONFLICT, "channel"},
    {"already_archived", BB_E_UPSTREAM_CONFLICT, "channel"},
    {"not_archived", BB_E_UPSTREAM_CONFLICT, "channel"},
    {"already_in_channel", BB_E_UPSTREAM_CONFLICT, "users"},
    {"name_taken", BB_E_UPSTREAM_CONFLICT, "name"},
    {"already_reacted", BB_E_UPSTREAM_CONFLICT, "name"},
    {"already_pinned", BB_E_UPSTREAM_CONFLICT, "timestamp"},
    {"edit_window_closed", BB_E_UPSTREAM_CONFLICT, "ts"},
    {"hash_conflict", BB_E_UPSTREAM_CONFLICT, "hash"},
    {"duplicate_external_id", BB_E_UPSTREAM_CONFLICT, "view"},
    {"exchanged_trigger_id", BB_E_UPSTREAM_CONFLICT, "trigger_id"},
    {"expired_trigger_id", BB_E_UPSTREAM_REJECTED, "trigger_id"},
    {"invalid_trigger_id", BB_E_UPSTREAM_REJECTED, "trigger_id"},
    {"no_text", BB_E_UPSTREAM_REJECTED, "text"},
    {"msg_too_long", BB_E_UPSTREAM_REJECTED, "text"},
    {"invalid_blocks", BB_E_UPSTREAM_REJECTED, "blocks"},
    {"invalid_attachments", BB_E_UPSTREAM_REJECTED, "attachments"},
    {"invalid_name", BB_E_UPSTREAM_REJECTED, "name"},
    {"invalid_name_specials", BB_E_UPSTREAM_REJECTED, "name"},
    {"invalid_cursor", BB_E_UPSTREAM_REJECTED, "cursor"},
    {"invalid_timestamp", BB_E_UPSTREAM_REJECTED, "timestamp"},
    {"time_in_past", BB_E_UPSTREAM_REJECTED, "post_at"},
    {"time_too_far", BB_E_UPSTREAM_REJECTED, "post_at"},
    {"invalid_time", BB_E_UPSTREAM_REJECTED, "post_at"},
    {"ratelimited", BB_E_UPSTREAM_RATE_LIMITED, NULL},
    {"rate_limited", BB_E_UPSTREAM_RATE_LIMITED, NULL},
    {"message_limit_exceeded", BB_E_UPSTREAM_RATE_LIMITED, NULL},
    {"restricted_too_many", BB_E_UPSTREAM_RATE_LIMITED, NULL},
    {"fatal_error", BB_E_UPSTREAM, NULL},
    {"internal_error", BB_E_UPSTREAM, NULL},
    {"request_timeout", BB_E_UPSTREAM_TIMEOUT, NULL},
    {"service_unavailable", BB_E_UPSTREAM_UNAVAILABLE, NULL},
    {"team_added_to_org", BB_E_UPSTREAM_UNAVAILABLE, NULL},
};
/* clang-format on */

/* The place of an error in the table; its size: it is none of those. */
static size_t place_of(bb_str error) {
    size_t i = 0;
    while (i < sizeof errors / sizeof errors[0] && !bb_str_eq(error, errors[i].error))
        i++;
    return i;
}

static bb_code code_of(bb_str error) {
    size_t i = place_of(error);
    return i < sizeof errors / sizeof errors[0] ? errors[i].code : BB_E_UPSTREAM_REJECTED;
}

/* "/channel" for channel_not_found, where the input has one. Writes to `out`, of 64 bytes. */
static bb_str member_of(bb_call *call, bb_str error, char *out) {
    size_t i = place_of(error);
    bb_str pointer = {NULL, 0};
    if (i == sizeof errors / sizeof errors[0] || errors[i].member == NULL ||
        bb_in(call, errors[i].member) == NULL)
        return pointer;
    snprintf(out, 64, "/%s", errors[i].member);
    return bb_s(out);
}

/* Adds to a text of n bytes what fits of `prefix` and `more`, and never half a UTF-8 character. */
static size_t add(char *text, size_t n, size_t cap, const char *prefix, bb_str more) {
    size_t room, head = strlen(prefix);
    if (more.len == 0 || n + head >= cap)
        return n;
    room = cap - n - head;
    if (more.len > room)
        for (more.len = room; more.len > 0 && ((unsigned char)more.ptr[more.len] & 0xc0u) == 0x80u;)
            more.len--;
    memcpy(text + n, prefix, head);
    memcpy(text + n + head, more.ptr, more.len);
    return n + head + more.len;
}

/* The pointer in a message such as "[ERROR] missing required field: type [json-pointer:/blocks/0]". */
static bb_str pointer_in(bb_str message) {
    static const char mark[] = "[json-pointer:";
    bb_str pointer = {NULL, 0};
    size_t length = sizeof mark - 1;
    for (size_t i = 0; i + length < message.len; i++) {
        const char *from = message.ptr + i + length;
        const char *end = memcmp(message.ptr + i, mark, length) == 0
                              ? (const char *)memchr(from, ']', message.len - i - length)
                              : NULL;
        if (end != NULL && *from == '/') {
            pointer.ptr = from;
            pointer.len = (size_t)(end - from);
            return pointer;
        }
    }
    return pointer;
}

/* Slack's code, the scopes that are missing, and Slack's messages about arguments. */
static bb_step fail(bb_call *call, const bb_json *answer) {
    const bb_json *messages = bb_get(call, bb_get(call, answer, "response_metadata"), "messages");
    bb_str code = bb_text(call, bb_get(call, answer, "error")),
           needed = bb_text(call, bb_get(call, answer, "needed"));
    bb_json_iter it = {0};
    char text[480], member[64];
    size_t n = add(text, 0, sizeof text, "Slack answers ", code.len > 0 ? code : bb_s("no error code"));
    bb_error error;
    memset(&error, 0, sizeof error);
    if (needed.len > 0) {
        n = add(text, n, sizeof text, "; needed scope ", needed);
        n = add(text, n, sizeof text, ", the token has ", bb_text(call, bb_get(call, answer, "provided")));
    }
    while (call->host->json->next(messages, &it)) {
        bb_str message = bb_text(call, it.value);
        n = add(text, n, sizeof text, "; ", message);
        if (error.pointer.len == 0)
            error.pointer = pointer_in(message);
    }
    if (error.pointer.len == 0)
        error.pointer = member_of(call, code, member);
    error.size = (uint32_t)sizeof error;
    error.code = code.len > 0 ? code_of(code) : BB_E_UPSTREAM_INVALID;
    error.upstream_code = code;
    error.message.ptr = text;
    error.message.len = n;
    call->host->call->fail(call, &error);
    return BB_FAIL;
}

static void log_warnings(bb_call *call, const bb_json *answer) {
    bb_str warning = bb_text(call, bb_get(call, answer, "warning"));
    if (warning.len > 0)
        bb_log(call, BB_LOG_WARN, "Slack warns: %.*s", (int)(warning.len < 300 ? warning.len : 300),
               warning.ptr);
}

int slack_ok(bb_call *call) {
    const bb_json *answer = bb_response(call), *ok = bb_get(call, answer, "ok");
    if (bb_is(call, ok, BB_JSON_BOOL) && !call->host->json->to_bool(ok, 0))
        fail(call, answer);
    else if (!bb_ok(call))
        bb_fail_http(call, bb_s(NULL), bb_s(NULL));
    else if (!call->host->json->to_bool(ok, 0))
        bb_fail(call, BB_E_UPSTREAM_INVALID, "the answer has no \"ok\": is base_url Slack's API?");
    else
        return 1;
    return 0;
}

/* --- answers ---------------------------------------------------------------------------------------- */

bb_step slack_resume(bb_call *call, const bb_rest_route *route) {
    (void)route;
    if (!slack_ok(call))
        return BB_FAIL;
    log_warnings(call, bb_response(call));
    return bb_done_body(call);
}

bb_step slack_list_resume(bb_call *call, const bb_rest_route *route) {
    const bb_json *more = bb_get(call, bb_response(call), "response_metadata");
    call->host->call->next_cursor(call, bb_text(call, bb_get(call, more, "next_cursor")));
    return slack_resume(call, route);
}

/* Files tell their pages in "paging", searches in a member for each kind: {"messages": {"paging": ...}}. */
static const bb_json *paging_of(bb_call *call) {
    const bb_json *answer = bb_response(call), *paging = bb_get(call, answer, "paging");
    if (paging == NULL)
        paging = bb_get(call, bb_get(call, answer, "messages"), "paging");
    return paging != NULL ? paging : bb_get(call, bb_get(call, answer, "files"), "paging");
}

/* Slack gives no page behind the hundredth. */
#define LAST_PAGE 100

bb_step slack_pages_resume(bb_call *call, const bb_rest_route *route) {
    const bb_json *paging = paging_of(call);
    int64_t page, pages;
    char next[24];
    if (call->host->json->to_int64(bb_get(call, paging, "page"), &page) &&
        call->host->json->to_int64(bb_get(call, paging, "pages"), &pages) && page > 0 && page < pages &&
        page < LAST_PAGE) {
        snprintf(next, sizeof next, "%lld", (long long)page + 1);
        call->host->call->next_cursor(call, bb_s(next));
    }
    return slack_resume(call, route);
}
