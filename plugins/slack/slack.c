/* slack - messages, conversations and users, by Slack's Web API (https://docs.slack.dev/apis/web-api/).
 *
 * Slack answers 200 also where it refuses: {"ok": false, "error": "..."} is an error here. */
#include "schemas.h"
#include "webhook.h"

#include <busbar/busbar.h>

/* --- requests --------------------------------------------------------------------------------------- */

static bb_step post_json(bb_call *call, const char *method) {
    bb_request(call, "POST", method);
    call->host->http->body(call, bb_s("application/json; charset=utf-8"),
                           call->host->json->text(call->input));
    return BB_SEND;
}

static bb_step get_page(bb_call *call, const char *method) {
    bb_json_iter it = {0};
    bb_request(call, "GET", method);
    while (call->host->json->next(call->input, &it))
        call->host->http->query(call, it.key, bb_text(call, it.value));
    if (call->cursor.len > 0)
        bb_query(call, "cursor", call->cursor);
    return BB_SEND;
}

static bb_step post_message_start(bb_call *call) {
    return post_json(call, "/chat.postMessage");
}
static bb_step update_start(bb_call *call) {
    return post_json(call, "/chat.update");
}
static bb_step conversations_list_start(bb_call *call) {
    return get_page(call, "/conversations.list");
}
static bb_step history_start(bb_call *call) {
    return get_page(call, "/conversations.history");
}
static bb_step users_list_start(bb_call *call) {
    return get_page(call, "/users.list");
}
static bb_step auth_test_start(bb_call *call) {
    bb_request(call, "POST", "/auth.test");
    return BB_SEND;
}

/* --- answers ---------------------------------------------------------------------------------------- */

static const struct {
    const char *error;
    bb_code code;
} errors[] = {
    {"invalid_auth", BB_E_UPSTREAM_AUTH},
    {"not_authed", BB_E_UPSTREAM_AUTH},
    {"account_inactive", BB_E_UPSTREAM_AUTH},
    {"token_revoked", BB_E_UPSTREAM_AUTH},
    {"token_expired", BB_E_UPSTREAM_AUTH},
    {"missing_scope", BB_E_UPSTREAM_FORBIDDEN},
    {"not_allowed_token_type", BB_E_UPSTREAM_FORBIDDEN},
    {"no_permission", BB_E_UPSTREAM_FORBIDDEN},
    {"restricted_action", BB_E_UPSTREAM_FORBIDDEN},
    {"access_denied", BB_E_UPSTREAM_FORBIDDEN},
    {"ekm_access_denied", BB_E_UPSTREAM_FORBIDDEN},
    {"org_login_required", BB_E_UPSTREAM_FORBIDDEN},
    {"team_access_not_granted", BB_E_UPSTREAM_FORBIDDEN},
    {"cant_update_message", BB_E_UPSTREAM_FORBIDDEN},
    {"not_in_channel", BB_E_UPSTREAM_FORBIDDEN},
    {"channel_not_found", BB_E_UPSTREAM_NOT_FOUND},
    {"message_not_found", BB_E_UPSTREAM_NOT_FOUND},
    {"user_not_found", BB_E_UPSTREAM_NOT_FOUND},
    {"thread_not_found", BB_E_UPSTREAM_NOT_FOUND},
    {"team_not_found", BB_E_UPSTREAM_NOT_FOUND},
    {"is_archived", BB_E_UPSTREAM_CONFLICT},
    {"edit_window_closed", BB_E_UPSTREAM_CONFLICT},
    {"ratelimited", BB_E_UPSTREAM_RATE_LIMITED},
    {"rate_limited", BB_E_UPSTREAM_RATE_LIMITED},
    {"message_limit_exceeded", BB_E_UPSTREAM_RATE_LIMITED},
    {"fatal_error", BB_E_UPSTREAM},
    {"internal_error", BB_E_UPSTREAM},
    {"request_timeout", BB_E_UPSTREAM_TIMEOUT},
    {"service_unavailable", BB_E_UPSTREAM_UNAVAILABLE},
    {"team_added_to_org", BB_E_UPSTREAM_UNAVAILABLE},
};

static bb_code code_of(bb_str error) {
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (bb_str_eq(error, errors[i].error))
            return errors[i].code;
    return BB_E_UPSTREAM_REJECTED;
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
    char text[480];
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

static bb_step resume(bb_call *call) {
    const bb_json *answer = bb_response(call), *ok = bb_get(call, answer, "ok");
    if (bb_is(call, ok, BB_JSON_BOOL) && !call->host->json->to_bool(ok, 0))
        return fail(call, answer);
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_s(NULL));
    if (!call->host->json->to_bool(ok, 0))
        return bb_fail(call, BB_E_UPSTREAM_INVALID, "the answer has no \"ok\": is base_url Slack's API?");
    log_warnings(call, answer);
    call->host->call->next_cursor(
        call, bb_text(call, bb_get(call, bb_get(call, answer, "response_metadata"), "next_cursor")));
    return bb_done_body(call);
}

/* --- what it declares ------------------------------------------------------------------------------- */

static const bb_operation post_message = {
    BB_SIZE(bb_operation),
    .id = "chat.postMessage",
    .summary = "Send a message to a conversation",
    .description = "Not repeated after a failure that may have reached Slack: it would stand there twice.",
    .input_schema = post_message_input,
    .output_schema = message_output,
    .examples = "[{\"summary\":\"plain text\",\"input\":{\"channel\":\"C0123456789\",\"text\":\"Deployed "
                "*v1.4.2*\"}},{\"summary\":\"in a thread\",\"input\":"
                "{\"channel\":\"C0123456789\",\"thread_ts\":\"1503435956.000247\",\"text\":\"done\"}}]",
    .start = post_message_start,
    .resume = resume,
};
static const bb_operation update = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_IDEMPOTENT,
    .id = "chat.update",
    .summary = "Change a message",
    .input_schema = update_input,
    .output_schema = message_output,
    .examples = "[{\"summary\":\"other "
                "text\",\"input\":{\"channel\":\"C0123456789\",\"ts\":\"1503435956.000247\",\"text\":"
                "\"Deployed *v1.4.3*\"}}]",
    .start = update_start,
    .resume = resume,
};
static const bb_operation conversations_list = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE | BB_OP_PAGINATED,
    .id = "conversations.list",
    .summary = "List channels",
    .input_schema = conversations_list_input,
    .output_schema = conversations_output,
    .examples = "[{\"summary\":\"public and private "
                "ones\",\"input\":{\"types\":\"public_channel,private_channel\",\"limit\":200}}]",
    .items = "/channels",
    .start = conversations_list_start,
    .resume = resume,
};
static const bb_operation history = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE | BB_OP_PAGINATED,
    .id = "conversations.history",
    .summary = "Read a conversation's messages, the newest first",
    .input_schema = history_input,
    .output_schema = history_output,
    .examples = "[{\"summary\":\"the last ten\",\"input\":{\"channel\":\"C0123456789\",\"limit\":10}}]",
    .items = "/messages",
    .start = history_start,
    .resume = resume,
};
static const bb_operation users_list = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE | BB_OP_PAGINATED,
    .id = "users.list",
    .summary = "List the workspace's users",
    .input_schema = users_list_input,
    .output_schema = users_output,
    .examples = "[{\"summary\":\"a page\",\"input\":{\"limit\":200}}]",
    .items = "/members",
    .start = users_list_start,
    .resume = resume,
};
static const bb_operation auth_test = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE,
    .id = "auth.test",
    .summary = "Show whom the token belongs to",
    .input_schema = empty_input,
    .output_schema = auth_test_output,
    .examples = "[{\"summary\":\"who am I\",\"input\":{}}]",
    .start = auth_test_start,
    .resume = resume,
};

static const bb_operation *const operations[] = {
    &post_message, &update, &conversations_list, &history, &users_list, &auth_test, NULL};

static const bb_auth_scheme bearer = {
    BB_SIZE(bb_auth_scheme), .scheme = "bearer",
    .summary = "token: a bot token (xoxb-...) of your app, OAuth & Permissions; least scopes: chat:write to "
               "send, channels:read, "
               "channels:history and users:read to read"};
static const bb_auth_scheme *const schemes[] = {&bearer, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "slack",
    .name = "Slack",
    .version = "1.0.0",
    .summary = "Messages, conversations and users",
    .vendor = "Busbar",
    .homepage = "https://docs.slack.dev/apis/web-api/",
    .settings_schema = settings_schema,
    .operations = operations,
    .auth_schemes = schemes,
    .test_operation = "auth.test",
};

static const bb_extension extensions[] = {{BB_EXT_WEBHOOK, &slack_webhooks}, {NULL, NULL}};
BUSBAR_PLUGIN_WITH(plugin, extensions);
