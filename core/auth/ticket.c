#include "auth/session_internal.h"

auth_state auth_ticket_get(auth_ticket *t) {
    const auth_ops *ops = t->auth->scheme->ops;
    return t->state = ops->get != NULL ? ops->get(t) : AUTH_READY;
}

void auth_ticket_cancel(auth_ticket *t) {
    if (t->wait != NULL)
        auth_wait_cancel(t);
}

bool auth_ticket_sign(auth_ticket *t, const sign_request *r, sign_addition *out, err *e) {
    const auth *a = t->auth;
    *out = (sign_addition){.query = a->query};
    if (a->scheme->ops->sign != NULL)
        return a->scheme->ops->sign(t, r, out, e);
    if (a->header.len > 0)
        out->headers[out->header_count++] = a->header;
    return true;
}

const char *const *auth_ticket_fields(const auth *a) {
    return a->fields;
}

bool auth_ticket_rejected(auth_ticket *t, const http_answer *answer) {
    const auth_ops *ops = t->auth->scheme->ops;
    if (ops->rejected == NULL || t->renewals > 0 || !ops->rejected(t, answer))
        return false;
    t->renewals++;
    return true;
}

auth_state auth_ticket_fail(auth_ticket *t, problem p, bool retryable, bb_str detail) {
    t->problem = p;
    t->retryable = retryable;
    t->detail = detail;
    return t->state = AUTH_FAILED;
}

bool auth_sign_token(const auth_ticket *t, bb_str lead, sign_addition *out, err *e) {
    char *text = arena_alloc(t->memory, lead.len + t->token.len + 1);
    if (text == NULL || t->token.len == 0)
        return err_set(e, text == NULL ? "no memory for the request" : "the token cannot be signed");
    memcpy(text, lead.ptr, lead.len);
    memcpy(text + lead.len, t->token.ptr, t->token.len);
    text[lead.len + t->token.len] = '\0';
    out->headers[out->header_count++] = str_of(text, lead.len + t->token.len);
    return true;
}

bb_str auth_ticket_redact(const auth_ticket *t, arena *a, bb_str text) {
    return auth_redact_one(a, t->token, auth_redact(a, t->auth, text));
}
