/* errors.c - what Google's answers mean. The reason tells more than the status: a 403 is a rate, a quota, a
 * scope, or a permission (https://developers.google.com/workspace/drive/api/guides/handle-errors). */
#include "google_drive.h"

/* clang-format off */
static const struct {
    const char *reason;
    bb_code code;
    bb_retry retry;
    const char *advice; /* what Google's own text leaves out */
} reasons[] = {
    {"rateLimitExceeded", BB_E_UPSTREAM_RATE_LIMITED, BB_RETRY_YES, NULL},
    {"userRateLimitExceeded", BB_E_UPSTREAM_RATE_LIMITED, BB_RETRY_YES, NULL},
    {"RATE_LIMIT_EXCEEDED", BB_E_UPSTREAM_RATE_LIMITED, BB_RETRY_YES, NULL},
    {"sharingRateLimitExceeded", BB_E_UPSTREAM_RATE_LIMITED, BB_RETRY_NO, "the sharing quota comes back within a day; sendNotificationEmail=false spares some of it"},
    {"dailyLimitExceeded", BB_E_UPSTREAM_RATE_LIMITED, BB_RETRY_NO, "the project's quota for the day is used up: raise it in the Google Cloud console"},
    {"quotaExceeded", BB_E_UPSTREAM_RATE_LIMITED, BB_RETRY_NO, NULL},
    {"downloadQuotaExceeded", BB_E_UPSTREAM_RATE_LIMITED, BB_RETRY_NO, NULL},
    {"uploadLimitExceeded", BB_E_UPSTREAM_RATE_LIMITED, BB_RETRY_NO, NULL},
    {"activeItemCreationLimitExceeded", BB_E_UPSTREAM_REJECTED, BB_RETRY_NO, NULL},
    {"storageQuotaExceeded", BB_E_UPSTREAM_REJECTED, BB_RETRY_NO, "a service account has no storage of its own: give it a folder of a shared drive, or a user to act for (subject)"},
    {"numChildrenInNonRootLimitExceeded", BB_E_UPSTREAM_REJECTED, BB_RETRY_NO, NULL},
    {"teamDriveFileLimitExceeded", BB_E_UPSTREAM_REJECTED, BB_RETRY_NO, NULL},
    {"teamDriveHierarchyTooDeep", BB_E_UPSTREAM_REJECTED, BB_RETRY_NO, NULL},
    {"exportSizeLimitExceeded", BB_E_UPSTREAM_REJECTED, BB_RETRY_NO, "an export has at most 10 MB"},
    {"fileNotDownloadable", BB_E_UPSTREAM_REJECTED, BB_RETRY_NO, "files.export gives it as another type"},
    {"fileNotExportable", BB_E_UPSTREAM_REJECTED, BB_RETRY_NO, "files.download gives its bytes"},
    {"cannotDownloadAbusiveFile", BB_E_UPSTREAM_FORBIDDEN, BB_RETRY_NO, "acknowledgeAbuse=true takes the risk"},
    {"insufficientPermissions", BB_E_UPSTREAM_FORBIDDEN, BB_RETRY_NO, "the token's scopes do not allow this: widen scope in [auth], then `busbar auth`"},
    {"ACCESS_TOKEN_SCOPE_INSUFFICIENT", BB_E_UPSTREAM_FORBIDDEN, BB_RETRY_NO, "the token's scopes do not allow this: widen scope in [auth], then `busbar auth`"},
    {"insufficientFilePermissions", BB_E_UPSTREAM_FORBIDDEN, BB_RETRY_NO, NULL},
    {"appNotAuthorizedToFile", BB_E_UPSTREAM_FORBIDDEN, BB_RETRY_NO, "the scope drive.file reaches only files that this application made or was given"},
    {"accessNotConfigured", BB_E_UPSTREAM_FORBIDDEN, BB_RETRY_NO, "enable the Google Drive API in the project: console.cloud.google.com, APIs & Services"},
    {"SERVICE_DISABLED", BB_E_UPSTREAM_FORBIDDEN, BB_RETRY_NO, "enable the Google Drive API in the project: console.cloud.google.com, APIs & Services"},
    {"authError", BB_E_UPSTREAM_AUTH, BB_RETRY_UNKNOWN, NULL},
    {"required", BB_E_UPSTREAM_REJECTED, BB_RETRY_NO, NULL}, /* of a parameter; with 401 it is the login */
    {"fileIdAlreadyExists", BB_E_UPSTREAM_CONFLICT, BB_RETRY_NO, NULL},
    {"backendError", BB_E_UPSTREAM, BB_RETRY_YES, NULL},
    {"internalError", BB_E_UPSTREAM, BB_RETRY_YES, NULL},
    {"transientError", BB_E_UPSTREAM_UNAVAILABLE, BB_RETRY_YES, NULL},
};
/* clang-format on */

static const bb_json *error_of(bb_call *call) {
    return bb_get(call, bb_response(call), "error");
}

static const bb_json *first(bb_call *call, const bb_json *list) {
    return call->host->json->at(list, 0);
}

/* The older form's errors[0].reason; the newer one's details[].reason, or status. */
bb_str gd_reason(bb_call *call) {
    const bb_json *error = error_of(call), *details = bb_get(call, error, "details");
    bb_str reason = bb_text(call, bb_get(call, first(call, bb_get(call, error, "errors")), "reason"));
    bb_json_iter it = {0};
    while (reason.len == 0 && call->host->json->next(details, &it))
        reason = bb_text(call, bb_get(call, it.value, "reason"));
    if (reason.len == 0)
        reason = bb_text(call, bb_get(call, error, "status"));
    return reason.len > 0 ? reason : bb_text(call, error); /* OAuth: {"error": "invalid_token"} */
}

/* "/fileId", where Google names a parameter that the input has. Writes to `out`, of 64 bytes. */
static bb_str pointer_of(bb_call *call, char *out) {
    const bb_json *one = first(call, bb_get(call, error_of(call), "errors"));
    bb_str name = bb_text(call, bb_get(call, one, "location")), none = {NULL, 0};
    if (!bb_str_eq(bb_text(call, bb_get(call, one, "locationType")), "parameter") || name.len == 0 ||
        name.len > 60 || call->host->json->get(call->input, name) == NULL)
        return none;
    snprintf(out, 64, "/%.*s", (int)name.len, name.ptr);
    return bb_s(out);
}

static size_t place_of(bb_str reason) {
    size_t i = 0;
    while (i < sizeof reasons / sizeof reasons[0] && !bb_str_eq(reason, reasons[i].reason))
        i++;
    return i;
}

bb_step gd_fail(bb_call *call) {
    bb_str reason = gd_reason(call), message = bb_text(call, bb_get(call, error_of(call), "message"));
    size_t i = place_of(reason);
    int known = i < sizeof reasons / sizeof reasons[0] && bb_status(call) != 401;
    const char *advice = known ? reasons[i].advice : NULL;
    bb_code code = bb_code_from_http(bb_status(call));
    char text[512], pointer[64];
    bb_error error;
    memset(&error, 0, sizeof error);
    error.size = (uint32_t)sizeof error;
    error.code = known && bb_status(call) < 500 ? reasons[i].code
                 : code != BB_OK                ? code
                                                : BB_E_UPSTREAM_INVALID;
    error.retry = known ? reasons[i].retry : BB_RETRY_UNKNOWN;
    error.upstream_code = reason;
    error.pointer = pointer_of(call, pointer);
    error.message = message;
    if (message.len > 0 && advice != NULL) {
        if (message.len > 300) /* and no part of a character */
            for (message.len = 300;
                 message.len > 0 && ((unsigned char)message.ptr[message.len] & 0xc0u) == 0x80u;)
                message.len--;
        snprintf(text, sizeof text, "%.*s (%s)", (int)message.len, message.ptr, advice);
        error.message = bb_s(text);
    }
    call->host->call->fail(call, &error);
    return BB_FAIL;
}
