/* errors.c - what Salesforce's error codes mean here: its own code is kept in upstream.code.
 * https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm */
#include "salesforce.h"

/* clang-format off */
static const struct {
    const char *code;
    bb_code means;
} codes[] = {
    {"INVALID_SESSION_ID", BB_E_UPSTREAM_AUTH},
    {"INVALID_AUTH_HEADER", BB_E_UPSTREAM_AUTH},
    {"INVALID_LOGIN", BB_E_UPSTREAM_AUTH},
    {"Bad_OAuth_Token", BB_E_UPSTREAM_AUTH},
    {"Missing_OAuth_Token", BB_E_UPSTREAM_AUTH},
    {"Wrong_Org", BB_E_UPSTREAM_AUTH},
    {"API_DISABLED_FOR_ORG", BB_E_UPSTREAM_FORBIDDEN},
    {"API_CURRENTLY_DISABLED", BB_E_UPSTREAM_FORBIDDEN},
    {"FUNCTIONALITY_NOT_ENABLED", BB_E_UPSTREAM_FORBIDDEN},
    {"FeatureNotEnabled", BB_E_UPSTREAM_FORBIDDEN},
    {"INSUFFICIENT_ACCESS", BB_E_UPSTREAM_FORBIDDEN},
    {"INSUFFICIENT_ACCESS_OR_READONLY", BB_E_UPSTREAM_FORBIDDEN},
    {"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", BB_E_UPSTREAM_FORBIDDEN},
    {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", BB_E_UPSTREAM_REJECTED},
    {"INVALID_OPERATION_WITH_EXPIRED_PASSWORD", BB_E_UPSTREAM_AUTH},
    {"NOT_FOUND", BB_E_UPSTREAM_NOT_FOUND},
    {"ENTITY_IS_DELETED", BB_E_UPSTREAM_NOT_FOUND},
    {"DUPLICATES_DETECTED", BB_E_UPSTREAM_CONFLICT},
    {"DUPLICATE_VALUE", BB_E_UPSTREAM_CONFLICT},
    {"DUPLICATE_EXTERNAL_ID", BB_E_UPSTREAM_CONFLICT},
    {"UNABLE_TO_LOCK_ROW", BB_E_UPSTREAM_CONFLICT},
    {"ENTITY_IS_LOCKED", BB_E_UPSTREAM_CONFLICT},
    {"CONTENT_MODIFIED", BB_E_UPSTREAM_CONFLICT},
    {"INVALIDJOBSTATE", BB_E_UPSTREAM_CONFLICT},
    {"InvalidJobState", BB_E_UPSTREAM_CONFLICT},
    {"REQUEST_LIMIT_EXCEEDED", BB_E_UPSTREAM_RATE_LIMITED},
    {"LIMIT_EXCEEDED", BB_E_UPSTREAM_RATE_LIMITED},
    {"ExceededQuota", BB_E_UPSTREAM_RATE_LIMITED},
    {"QUERY_TIMEOUT", BB_E_UPSTREAM_TIMEOUT},
    {"SERVER_UNAVAILABLE", BB_E_UPSTREAM_UNAVAILABLE},
    {"UNKNOWN_EXCEPTION", BB_E_UPSTREAM},
};
/* clang-format on */

bb_code sf_code_of(bb_str code, bb_code otherwise) {
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (bb_str_eq(code, codes[i].code))
            return codes[i].means;
    return otherwise;
}

/* --- where an error stands in the answer ------------------------------------------------------------ */

typedef struct said {
    bb_str code, message;
    const bb_json *fields;
} said;

static void read_error(bb_call *call, const bb_json *e, said *out) {
    static const char *const names[] = {"errorCode", "statusCode", "error"};
    for (size_t i = 0; i < 3 && out->code.len == 0; i++)
        out->code = bb_text(call, bb_get(call, e, names[i]));
    out->message = bb_text(call, bb_get(call, e, "message"));
    if (out->message.len == 0)
        out->message = bb_text(call, bb_get(call, e, "error_description"));
    out->fields = bb_get(call, e, "fields");
}

/* composite/tree: {"hasErrors": true, "results": [{"referenceId", "errors": [...]}]}; the first that has one.
 */
static const bb_json *first_of_results(bb_call *call, const bb_json *answer) {
    bb_json_iter it = {0};
    while (call->host->json->next(bb_get(call, answer, "results"), &it)) {
        const bb_json *error = call->host->json->at(bb_get(call, it.value, "errors"), 0);
        if (error != NULL)
            return error;
    }
    return NULL;
}

/* The body, where it is nothing but a code. */
static bb_str word_of(bb_str body) {
    for (size_t i = 0; i < body.len; i++) {
        char letter = (char)(body.ptr[i] | 32);
        if (i == 64 || ((letter < 'a' || letter > 'z') && body.ptr[i] != '_'))
            return bb_s(NULL);
    }
    return body;
}

/* [{"message", "errorCode", "fields"}] for nearly all; {"error", "error_description"} of OAuth; a mere word
 * ("Bad_OAuth_Token") of userinfo. */
static said read_answer(bb_call *call) {
    said out = {{NULL, 0}, {NULL, 0}, NULL};
    const bb_json *answer = bb_response(call), *e = answer;
    if (answer == NULL)
        out.code = word_of(call->host->http->response_body(call));
    if (bb_is(call, answer, BB_JSON_ARRAY))
        e = call->host->json->at(answer, 0);
    else if (bb_get(call, answer, "results") != NULL)
        e = first_of_results(call, answer);
    read_error(call, e, &out);
    return out;
}

int sf_answered(bb_call *call, const char *code) {
    return bb_str_eq(read_answer(call).code, code);
}

/* --- the failure ------------------------------------------------------------------------------------ */

/* The member of the input that is at fault; "": none is known. */
static void pointer_of(bb_call *call, const said *s, bb_code code, char *out, size_t cap) {
    bb_str field = bb_text(call, call->host->json->at(s->fields, 0));
    if (field.len > 0 && bb_in(call, "record") != NULL && memchr(field.ptr, '/', field.len) == NULL)
        snprintf(out, cap, "/record/%.*s", (int)field.len, field.ptr);
    else if (code == BB_E_UPSTREAM_REJECTED && bb_in(call, "q") != NULL)
        snprintf(out, cap, "/q");
}

/* Beyond what the status says. */
static const char *advice_of(bb_str code) {
    if (bb_str_eq(code, "INVALID_QUERY_LOCATOR"))
        return " (a cursor is good for two days: begin the list anew)";
    if (bb_str_eq(code, "DUPLICATES_DETECTED"))
        return " (allow_duplicates saves it all the same, where the rule allows)";
    if (bb_str_eq(code, "API_DISABLED_FOR_ORG"))
        return " (the org's edition has no API, or the user's profile lacks API Enabled)";
    return "";
}

#define MESSAGE_MAX 1024u

/* Not within a character. */
static int cut(bb_str text, size_t most) {
    size_t n = text.len < most ? text.len : most;
    while (n < text.len && n > 0 && ((unsigned char)text.ptr[n] & 0xc0u) == 0x80u)
        n--;
    return (int)n;
}

bb_step sf_fail(bb_call *call) {
    said s = read_answer(call);
    bb_code by_status = bb_code_from_http(bb_status(call));
    char text[MESSAGE_MAX], pointer[128] = "";
    bb_error e;
    memset(&e, 0, sizeof e);
    e.size = (uint32_t)sizeof e;
    e.code = sf_code_of(s.code, by_status != BB_OK ? by_status : BB_E_UPSTREAM_INVALID);
    e.upstream_code = s.code;
    if (s.message.len > 0) {
        snprintf(text, sizeof text, "%.*s%s", cut(s.message, MESSAGE_MAX - 128), s.message.ptr,
                 advice_of(s.code));
        e.message = bb_s(text);
    }
    pointer_of(call, &s, e.code, pointer, sizeof pointer);
    e.pointer = bb_s(pointer[0] != '\0' ? pointer : NULL);
    if (bb_str_eq(s.code, "UNABLE_TO_LOCK_ROW"))
        e.retry = BB_RETRY_YES;
    call->host->call->fail(call, &e);
    return BB_FAIL;
}
