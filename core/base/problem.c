#include "base/problem.h"

static const problem_kind kinds[PROBLEM_COUNT] = {
    [PROBLEM_NONE] = {"ok", 200, false, "No problem", ""},
    [PROBLEM_BAD_REQUEST] = {"bad-request", 400, false, "The request cannot be understood",
                             "Mend the request."},
    [PROBLEM_INVALID_JSON] = {"invalid-json", 400, false, "The body is not JSON",
                              "Send one JSON text (RFC 8259)."},
    [PROBLEM_INVALID_INPUT] =
        {"invalid-input", 422, false, "The input does not fit the operation",
         "Mend what `errors` points to; the operation's input_schema says what is expected."},
    [PROBLEM_UNAUTHORIZED] =
        {"unauthorized", 401, false, "A key is required",
         "Send `Authorization: Bearer KEY`; the first start wrote the admin's key to the state folder."},
    [PROBLEM_NOT_FOUND] = {"not-found", 404, false, "There is no such resource", "Check the path."},
    [PROBLEM_CONNECTION_NOT_FOUND] = {"connection-not-found", 404, false, "There is no such connection",
                                      "GET /api/v1/connections lists them."},
    [PROBLEM_OPERATION_NOT_FOUND] = {"operation-not-found", 404, false,
                                     "The connection has no such operation",
                                     "GET /api/v1/connections/{id}/operations lists them."},
    [PROBLEM_PLUGIN_NOT_FOUND] = {"plugin-not-found", 404, false, "There is no such connector",
                                  "GET /api/v1/plugins lists them."},
    [PROBLEM_METHOD_NOT_ALLOWED] = {"method-not-allowed", 405, false,
                                    "The resource does not take this method",
                                    "The header field Allow names those it takes."},
    [PROBLEM_UNSUPPORTED_MEDIA_TYPE] = {"unsupported-media-type", 415, false,
                                        "The body is in a format that is not understood",
                                        "Send it as JSON; `detail` says which format it is."},
    [PROBLEM_CONFLICT] = {"conflict", 409, false, "The change conflicts with what is there",
                          "Read the resource again first."},
    [PROBLEM_CONNECTION_REFUSED] = {"connection-refused", 503, false,
                                    "The connection's configuration is refused",
                                    "Mend the file that `detail` names and reload."},
    [PROBLEM_INVALID_CONFIG] = {"invalid-config", 422, false, "The configuration is refused",
                                "Mend what `detail` names; nothing was changed."},
    [PROBLEM_OVERLOADED] = {"overloaded", 503, true, "The hub has no room for this now", "Try again later."},
    [PROBLEM_FORBIDDEN] =
        {"forbidden", 403, false, "The key does not allow this",
         "Use a key whose role and bindings cover it; GET /api/v1/keys/self tells this one's."},
    [PROBLEM_RATE_LIMITED] = {"rate-limited", 429, true, "The hub limits the rate",
                              "Wait as Retry-After says."},
    [PROBLEM_QUOTA_EXCEEDED] = {"quota-exceeded", 429, false, "The quota is used up",
                                "Wait for the next period, as Retry-After says, or have the quota raised."},
    [PROBLEM_STORE_UNAVAILABLE] =
        {"store-unavailable", 503, true, "The hub's store cannot take this now",
         "The operator frees space, or makes the state folder writable; the hub recovers "
         "by itself."},
    [PROBLEM_IDEMPOTENCY_MISMATCH] = {"idempotency-mismatch", 422, false,
                                      "The Idempotency-Key was used for another request",
                                      "Take a new key for a new request."},
    [PROBLEM_IDEMPOTENCY_RUNNING] = {"idempotency-running", 409, true,
                                     "The call of this Idempotency-Key has no answer yet",
                                     "Repeat the same request later."},
    [PROBLEM_IDEMPOTENCY_UNKNOWN] = {"idempotency-unknown", 409, false,
                                     "It is not known whether the call acted",
                                     "Look at the service, then take a new key."},
    [PROBLEM_NOT_CACHED] = {"not-cached", 504, false, "The cache has no such answer",
                            "Leave only-if-cached out."},
    [PROBLEM_UPSTREAM_ERROR] = {"upstream-error", 502, true, "The service failed", "Try again later."},
    [PROBLEM_UPSTREAM_INVALID] = {"upstream-invalid", 502, false, "The service's answer cannot be understood",
                                  "Check the connection's base_url: something else may answer there."},
    [PROBLEM_UPSTREAM_REJECTED] = {"upstream-rejected", 422, false, "The service rejects the request",
                                   "Mend the input."},
    [PROBLEM_UPSTREAM_AUTH] = {"upstream-auth", 502, false,
                               "The service does not accept the connection's credentials",
                               "The admin checks the connection's [auth]."},
    [PROBLEM_UPSTREAM_FORBIDDEN] = {"upstream-forbidden", 502, false,
                                    "The connection's credentials do not allow this",
                                    "The admin grants the missing scope or role at the service."},
    [PROBLEM_UPSTREAM_NOT_FOUND] = {"upstream-not-found", 404, false, "The service has no such thing",
                                    "Check the ids in the input."},
    [PROBLEM_UPSTREAM_CONFLICT] = {"upstream-conflict", 409, false, "The service reports a conflict",
                                   "Read the thing's state again first."},
    [PROBLEM_UPSTREAM_RATE_LIMITED] = {"upstream-rate-limited", 429, true, "The service limits the rate",
                                       "Wait as Retry-After says."},
    [PROBLEM_UPSTREAM_UNAVAILABLE] = {"upstream-unavailable", 503, true, "The service is unavailable for now",
                                      "Wait as Retry-After says, or try again later."},
    [PROBLEM_UPSTREAM_TIMEOUT] = {"upstream-timeout", 504, true, "The service did not answer in time",
                                  "Try again later."},
    [PROBLEM_UPSTREAM_UNREACHABLE] = {"upstream-unreachable", 502, true, "The service cannot be reached",
                                      "Check base_url and the network."},
    [PROBLEM_CIRCUIT_OPEN] = {"circuit-open", 503, true, "The service has failed of late and is not asked",
                              "Wait as Retry-After says."},
    [PROBLEM_CREDENTIALS_UNAVAILABLE] =
        {"credentials-unavailable", 502, false, "The connection has no valid credentials",
         "The admin runs `busbar test CONNECTION`, and `busbar auth CONNECTION` "
         "where consent is missing."},
    [PROBLEM_TRANSFORM_FAILED] = {"transform-failed", 502, false, "The connection's transform fails",
                                  "The admin mends [transform]."},
    [PROBLEM_OUTPUT_INVALID] = {"output-invalid", 502, false,
                                "The output does not fit the operation's schema",
                                "Report it to the connector's vendor, or set `[validation] output = count`."},
    [PROBLEM_DEADLINE_EXCEEDED] = {"deadline-exceeded", 504, true, "The call's time is over",
                                   "Allow it more time."},
    [PROBLEM_CANCELLED] = {"cancelled", 499, true, "The call was cancelled", "Call again."},
    [PROBLEM_TOO_LARGE] = {"too-large", 502, false, "The service's answer is too large",
                           "Ask for less at once, or raise max_response in the connection's [http]."},
    [PROBLEM_CONTENT_FAILED] = {"content-failed", 503, true, "The content cannot be read or stored",
                                "Mend what `detail` names, and send it again."},
    [PROBLEM_UNSUPPORTED] = {"unsupported", 501, false, "This is not supported", ""},
    [PROBLEM_CONNECTOR_DEFECT] = {"connector-defect", 502, false, "The connector is defective",
                                  "Report it to its vendor."},
    [PROBLEM_CONNECTOR_CRASHED] = {"connector-crashed", 502, true, "The connector's process ended",
                                   "Try again: it is started anew. Report it to its vendor."},
};

const problem_kind *problem_of(problem p) {
    return &kinds[p];
}

problem problem_from_name(bb_str name) {
    int p = 0;
    while (p < PROBLEM_COUNT && !str_eq(name, str_from(kinds[p].name)))
        p++;
    return (problem)p;
}

problem problem_from_code(bb_code code) {
    switch (code) {
    case BB_OK: return PROBLEM_NONE;
    case BB_E_INVALID_INPUT: return PROBLEM_INVALID_INPUT;
    case BB_E_CONFIG: return PROBLEM_CONNECTION_REFUSED;
    case BB_E_UNSUPPORTED: return PROBLEM_UNSUPPORTED;
    case BB_E_NO_MEMORY: return PROBLEM_OVERLOADED;
    case BB_E_LIMIT: return PROBLEM_TOO_LARGE;
    case BB_E_CANCELLED: return PROBLEM_CANCELLED;
    case BB_E_DEADLINE: return PROBLEM_DEADLINE_EXCEEDED;
    case BB_E_UPSTREAM: return PROBLEM_UPSTREAM_ERROR;
    case BB_E_UPSTREAM_INVALID: return PROBLEM_UPSTREAM_INVALID;
    case BB_E_UPSTREAM_REJECTED: return PROBLEM_UPSTREAM_REJECTED;
    case BB_E_UPSTREAM_AUTH: return PROBLEM_UPSTREAM_AUTH;
    case BB_E_UPSTREAM_FORBIDDEN: return PROBLEM_UPSTREAM_FORBIDDEN;
    case BB_E_UPSTREAM_NOT_FOUND: return PROBLEM_UPSTREAM_NOT_FOUND;
    case BB_E_UPSTREAM_CONFLICT: return PROBLEM_UPSTREAM_CONFLICT;
    case BB_E_UPSTREAM_RATE_LIMITED: return PROBLEM_UPSTREAM_RATE_LIMITED;
    case BB_E_UPSTREAM_UNAVAILABLE: return PROBLEM_UPSTREAM_UNAVAILABLE;
    case BB_E_UPSTREAM_TIMEOUT: return PROBLEM_UPSTREAM_TIMEOUT;
    default: return PROBLEM_CONNECTOR_DEFECT;
    }
}
