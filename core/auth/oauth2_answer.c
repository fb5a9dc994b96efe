/* oauth2_answer.c - what token endpoints answer: RFC 6749 sections 5.1 and 5.2, and what services make of
 * them. */
#include "auth/oauth2.h"

#define TEXT_MAX 200 /* of a service's words in a message, bytes */

uint64_t oauth2_seconds(const json_value *v, uint64_t max) {
    uint64_t n = 0;
    double d;
    bb_str text = json_string(v);
    if (text.len > 0)
        return str_to_u64(text, &n) ? (n < max ? n : max) : 0;
    if (json_to_u64(v, &n))
        return n < max ? n : max;
    if (!json_to_double(v, &d) || !(d >= 1))
        return 0;
    return d < (double)max ? (uint64_t)d : max;
}

static bool can_be_sent(bb_str token) {
    for (size_t i = 0; i < token.len; i++)
        if ((unsigned char)token.ptr[i] < 0x20 || (unsigned char)token.ptr[i] >= 0x7f)
            return false;
    return token.len > 0;
}

/* Some services leave token_type out, or spell it as they like; what is neither is another kind of token. */
static bool is_bearer(bb_str type) {
    return type.len == 0 || str_eq_nocase(type, STR("Bearer"));
}

void oauth2_answer_read(arena *a, unsigned status, bb_str body, oauth2_answer *out) {
    static const json_limits limits = {.max_depth = 32, .max_bytes = 1 << 20};
    const json_value *root = json_read(a, body, &limits, NULL);
    *out = (oauth2_answer){0};
    if (!json_is(root, JSON_OBJECT)) {
        out->wrong = "its answer is not a JSON object";
        return;
    }
    out->root = root;
    out->error = json_string(json_getl(root, "error"));
    out->description = json_string(json_getl(root, "error_description"));
    if (out->error.len > 0) /* some give errors with status 200 */
        return;
    if (status < 200 || status > 299) {
        out->wrong = "its answer says nothing of why";
        return;
    }
    out->access_token = json_string(json_getl(root, "access_token"));
    out->refresh_token = json_string(json_getl(root, "refresh_token"));
    out->token_type = json_string(json_getl(root, "token_type"));
    out->scope = json_string(json_getl(root, "scope"));
    out->lifetime_ms = oauth2_seconds(json_getl(root, "expires_in"), 365u * 86400u) * 1000;
    if (!can_be_sent(out->access_token))
        out->wrong = "its answer has no access_token that can be sent";
    else if (!is_bearer(out->token_type))
        out->wrong = "its answer has a token_type other than Bearer";
    else if (out->refresh_token.len > 0 && !can_be_sent(out->refresh_token))
        out->wrong = "its answer has a refresh_token with control characters";
}

/* --- failures ---------------------------------------------------------------------------------------- */

static const struct error_advice {
    const char *error;
    unsigned flags;
    const char *advice;
} errors[] = {
    {"invalid_client", ACQUIRE_ADMIN, "check client_id, client_secret and client_auth"},
    {"unauthorized_client", ACQUIRE_ADMIN, "allow this grant for the client at the service"},
    {"unsupported_grant_type", ACQUIRE_ADMIN, "the service does not have this grant: choose another"},
    {"invalid_scope", ACQUIRE_ADMIN, "check scope"},
    {"invalid_target", ACQUIRE_ADMIN, "check resource and audience"},
    {"invalid_request", ACQUIRE_ADMIN, "check what the service wants besides, and give it in parameters"},
    {"access_denied", ACQUIRE_ADMIN, "consent was refused"},
    {"temporarily_unavailable", ACQUIRE_RETRY, "it is tried again"},
    {"server_error", ACQUIRE_RETRY, "it is tried again"},
    {"slow_down", ACQUIRE_RETRY, "it is tried again"},
    {NULL, ACQUIRE_ADMIN, "see the service's documentation of this error"},
};

static const struct error_advice *advice_of(bb_str error) {
    size_t i = 0;
    while (errors[i].error != NULL && !str_eq(error, str_from(errors[i].error)))
        i++;
    return &errors[i];
}

static uint64_t retry_after(const http_answer *answer) {
    uint64_t seconds = 0;
    for (size_t i = 0; i < answer->header_count; i++)
        if (str_eq_nocase(answer->headers[i].name, STR("Retry-After")) &&
            str_to_u64(answer->headers[i].value, &seconds))
            return seconds < 300 ? seconds * 1000 : 300000;
    return 0;
}

/* A grant that is used up: where it came by consent, only consent helps. */
static void fail_by_grant(acquire *q, bb_str host, bb_str said) {
    if (oauth2_needs_consent(q->config))
        acquire_fail(q, ACQUIRE_CONSENT, "%.*s refuses the grant (%.*s): run `busbar auth %s`", STR_FMT(host),
                     STR_FMT(said), q->session->connection);
    else
        acquire_fail(
            q, ACQUIRE_ADMIN,
            "%.*s refuses the grant (%.*s): check refresh_token, key or subject_token, and the clock",
            STR_FMT(host), STR_FMT(said));
}

void oauth2_fail_by_answer(acquire *q, const http_answer *answer, const oauth2_answer *said) {
    bb_str host = acquire_host(q->url);
    q->failure.retry_after_ms = retry_after(answer);
    bb_str words = acquire_clean(q, said->description, TEXT_MAX);
    bb_str what = arena_printf(q->memory, "%.*s%s%.*s", STR_FMT(acquire_clean(q, said->error, 64)),
                               words.len > 0 ? ", " : "", STR_FMT(words));
    if (str_eq(said->error, STR("invalid_grant"))) {
        fail_by_grant(q, host, what);
    } else if (said->error.len > 0) {
        const struct error_advice *advice = advice_of(said->error);
        unsigned flags = answer->status >= 500 || answer->status == 429 ? ACQUIRE_RETRY : advice->flags;
        acquire_fail(q, flags, "%.*s gives no token (%.*s): %s", STR_FMT(host), STR_FMT(what),
                     advice->advice);
    } else {
        bool retry = answer->status >= 500 || answer->status == 429 || answer->status == 408;
        acquire_fail(q, retry ? ACQUIRE_RETRY : ACQUIRE_ADMIN, "%.*s gives no token (status %u): %s",
                     STR_FMT(host), answer->status, said->wrong != NULL ? said->wrong : "no reason is given");
    }
}
