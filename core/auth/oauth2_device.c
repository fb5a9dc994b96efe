/* oauth2_device.c - the device authorization grant (RFC 8628): a code that somebody enters elsewhere, while
 * the token endpoint is asked again and again. */
#include "auth/oauth2_internal.h"

#include "base/clock.h"

#define INTERVAL_S 5u /* section 3.2: where the service names none */
#define INTERVAL_MAX_S 60u
#define LIFETIME_MAX_S 3600u

typedef struct device {
    oauth2_begin begin; /* first: the acquisition's work is a begin */
    bb_str code;
    char id[17];
    uint64_t interval_ms, until_ms;
} device;

static void poll(acquire *q);

static void poll_later(acquire *q) {
    device *d = q->work;
    acquire_after(q, d->interval_ms, poll);
}

static void on_end(acquire *q) {
    device *d = q->work;
    if (d->id[0] != '\0')
        oauth2_consent_outcome(q->session, d->id, q->failure.set ? q->failure.text : NULL);
    if (q->failure.set) {
        auth_begun begun = {.problem = PROBLEM_CREDENTIALS_UNAVAILABLE, .detail = str_from(q->failure.text)};
        oauth2_begun(q, &begun);
    }
}

/* --- polling (section 3.4 and 3.5) ------------------------------------------------------------------- */

static void slower(device *d, uint64_t ms) {
    d->interval_ms += ms;
    if (d->interval_ms > INTERVAL_MAX_S * 1000)
        d->interval_ms = INTERVAL_MAX_S * 1000;
}

/* Read in memory of its own: there may be thousands of polls, and answers of 64 KiB. */
static bool is_pending(device *d, const http_answer *answer) {
    arena *scratch = arena_new(0);
    oauth2_answer said = {0};
    if (scratch != NULL)
        oauth2_answer_read(scratch, answer->status, buf_str(answer->body), &said);
    bool slow = str_eq(said.error, STR("slow_down")),
         pending = slow || str_eq(said.error, STR("authorization_pending"));
    if (slow)
        slower(d, 5000);
    arena_free(scratch);
    return pending;
}

static void on_polled(acquire *q, const http_answer *answer) {
    device *d = q->work;
    if (answer->failure != HTTP_FAIL_NONE || answer->status >= 500) {
        slower(d, d->interval_ms); /* section 3.5: exponential, where it cannot be reached */
        poll_later(q);
        return;
    }
    if (is_pending(d, answer))
        poll_later(q);
    else
        oauth2_take_token(q, answer);
}

static void poll(acquire *q) {
    device *d = q->work;
    if (!oauth2_consent_current(q->session, d->id)) { /* another was begun, or the tokens were revoked */
        d->id[0] = '\0';
        acquire_end(q);
    } else if (auth_now_ms() >= d->until_ms) {
        acquire_fail(q, ACQUIRE_CONSENT, "nobody entered the code in time: begin again");
    } else {
        buf_clear(&q->form);
        oauth2_add(&q->form, "grant_type", STR("urn:ietf:params:oauth:grant-type:device_code"));
        oauth2_add(&q->form, "device_code", d->code);
        oauth2_post(q, OAUTH2_ENDPOINT(q, token_url, token), on_polled);
    }
}

/* --- the code (section 3.1 and 3.2) ------------------------------------------------------------------ */

static bb_str own(acquire *q, const json_value *v) {
    bb_str text = json_string(v);
    return text.len > 0 ? arena_copy(q->memory, text) : (bb_str){NULL, 0};
}

static bool is_url(bb_str url) {
    return str_starts(url, STR("https://")) || str_starts(url, STR("http://"));
}

static void begin_polling(acquire *q, device *d, const json_value *root, auth_begun *begun) {
    uint64_t interval = oauth2_seconds(json_getl(root, "interval"), INTERVAL_MAX_S);
    uint64_t lifetime = oauth2_seconds(json_getl(root, "expires_in"), LIFETIME_MAX_S);
    lifetime = lifetime > 0 ? lifetime : 600;
    d->interval_ms = (interval > 0 ? interval : INTERVAL_S) * 1000;
    d->until_ms = auth_now_ms() + lifetime * 1000;
    if (!oauth2_consent_mark(q->session, d->id, lifetime * 1000)) {
        acquire_fail(q, ACQUIRE_RETRY, "the system gives no random bytes");
        return;
    }
    begun->kind = "device_code";
    begun->id = d->id;
    begun->expires_in_s = lifetime;
    oauth2_begun(q, begun);
    poll_later(q);
}

static void on_code(acquire *q, const http_answer *answer) {
    device *d = q->work;
    oauth2_answer said;
    if (answer->failure != HTTP_FAIL_NONE) {
        acquire_fail_by_transport(q, answer);
        return;
    }
    const json_value *root = json_read(q->memory, buf_str(answer->body), NULL, NULL);
    d->code = own(q, json_getl(root, "device_code"));
    auth_begun begun = {.user_code = auth_clean(q->memory, own(q, json_getl(root, "user_code")), 64),
                        .url = own(q, json_getl(root, "verification_uri")),
                        .complete_url = own(q, json_getl(root, "verification_uri_complete"))};
    if (begun.url.len == 0) /* as some services wrote it before the RFC */
        begun.url = own(q, json_getl(root, "verification_url"));
    if (!is_url(begun.complete_url))
        begun.complete_url = (bb_str){NULL, 0};
    if (answer->status == 200 && d->code.len > 0 && begun.user_code.len > 0 && is_url(begun.url)) {
        begin_polling(q, d, root, &begun);
        return;
    }
    oauth2_answer_read(q->memory, answer->status, buf_str(answer->body), &said);
    if (said.error.len == 0)
        said.wrong = "its answer has no device_code, user_code and verification_uri";
    oauth2_fail_by_answer(q, answer, &said);
}

void oauth2_begin_device(acquire *q) {
    const oauth2_settings *s = oauth2_of(q);
    bb_str url = OAUTH2_ENDPOINT(q, device_url, device);
    device *d = arena_zalloc(q->memory, sizeof *d);
    if (url.len == 0 || d == NULL) {
        acquire_fail(q, ACQUIRE_ADMIN, "the issuer names no device authorization endpoint: give device_url");
        return;
    }
    d->begin = *(oauth2_begin *)q->work;
    q->work = d;
    q->done = on_end;
    oauth2_add(&q->form, "scope", s->scope);
    oauth2_add_targets(&q->form, s);
    oauth2_post(q, url, on_code);
}
