#include "base/clock.h"
#include "base/metric.h"
#include "pipeline/retry.h"
#include "webhook/post_internal.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define IDLE_MAX 64u
#define KEPT_MAX (64u << 10) /* bytes of a buffer that an idle post keeps */
#define ANSWER_MAX (64u << 10)
#define CONNECT_MS 10000u /* or the destination's time, where that is shorter */

/* --- settings ----------------------------------------------------------------------------------------- */

bool post_format_from(bb_str name, post_format *out) {
    static const char *const names[] = {"plain", "standard", "cloudevents", "cloudevents-binary"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(name, str_from(names[i]))) {
            *out = (post_format)i;
            return true;
        }
    return false;
}

const char *post_failure_name(post_failure f) {
    static const char *const names[] = {"ok",      "status", "refused",   "connect",  "tls",
                                        "timeout", "broken", "cancelled", "no-memory"};
    return names[f];
}

http_target post_target(const post_rules *rules) {
    return (http_target){.ca_file = rules->ca_file,
                         .guard = &rules->guard,
                         .connect_timeout_ms = CONNECT_MS,
                         .max_response_bytes = ANSWER_MAX};
}

/* RFC 9110 section 5.6.2 */
static bool is_token(bb_str s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return s.len > 0;
}

/* Fields that say where a request ends, where it goes, what its body is, or that are signed. */
static bool is_own(bb_str name) {
    static const char *const own[] = {"host",
                                      "content-length",
                                      "content-type",
                                      "content-encoding",
                                      "transfer-encoding",
                                      "trailer",
                                      "connection",
                                      "keep-alive",
                                      "upgrade",
                                      "te",
                                      "expect",
                                      "accept-encoding",
                                      "proxy-connection",
                                      "proxy-authorization",
                                      "webhook-id",
                                      "webhook-timestamp",
                                      "webhook-signature",
                                      "webhook-type"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (str_eq_nocase(name, str_from(own[i])))
            return true;
    return name.len >= 3 && str_eq_nocase(str_of(name.ptr, 3), STR("ce-"));
}

bool post_header_check(bb_str line, err *e) {
    bb_str value = line, name;
    if (!str_split(&value, ':', &name) || name.len == line.len || !is_token(name))
        return err_set(e, "a header field is \"Name: value\", with a name of letters, digits and \"-\"");
    if (is_own(name))
        return err_set(e, "the header field %.*s is the hub's own: remove it", STR_FMT(name));
    value = str_trim(value);
    if (value.len == 0) /* libcurl would take the field away */
        return err_set(e, "the header field %.*s has no value", STR_FMT(name));
    for (size_t i = 0; i < value.len; i++)
        if (((unsigned char)value.ptr[i] < 0x20 && value.ptr[i] != '\t') || value.ptr[i] == 0x7f)
            return err_set(e, "the header field %.*s has a control character in its value", STR_FMT(name));
    return true;
}

/* --- posts -------------------------------------------------------------------------------------------- */

posts *posts_new(loop *l, err *e) {
    posts *p = calloc(1, sizeof *p);
    if (p == NULL) {
        err_set(e, "no memory");
        return NULL;
    }
    p->loop = l;
    p->client = http_client_new(l, e);
    if (p->client == NULL) {
        free(p);
        return NULL;
    }
    return p;
}

static void post_free(post *p) {
    arena_free(p->memory);
    buf_free(&p->content);
    buf_free(&p->answer);
    buf_free(&p->text);
    free(p);
}

void posts_free(posts *p) {
    if (p == NULL)
        return;
    http_client *client = p->client;
    p->client = NULL; /* nothing is begun by those who are called now */
    http_client_free(client);
    assert(p->active == NULL);
    while (p->idle != NULL) {
        post *one = p->idle;
        p->idle = one->next;
        post_free(one);
    }
    free(p);
}

static post *take(posts *owner) {
    post *p = owner->idle;
    if (p != NULL) {
        owner->idle = p->next;
        owner->idle_count--;
    } else {
        p = calloc(1, sizeof *p);
        if (p == NULL)
            return NULL;
        p->owner = owner;
        p->memory = arena_new(0);
        if (p->memory == NULL) {
            free(p);
            return NULL;
        }
    }
    p->previous = NULL;
    p->next = owner->active;
    if (owner->active != NULL)
        owner->active->previous = p;
    owner->active = p;
    return p;
}

static void trim(buf *b) {
    if (b->cap > KEPT_MAX) {
        buf_free(b);
        buf_init(b);
    }
    buf_clear(b);
}

static void give_back(post *p) {
    posts *owner = p->owner;
    if (p->previous != NULL)
        p->previous->next = p->next;
    else
        owner->active = p->next;
    if (p->next != NULL)
        p->next->previous = p->previous;
    p->transfer = NULL;
    if (owner->idle_count >= IDLE_MAX) {
        post_free(p);
        return;
    }
    arena_reset(p->memory);
    trim(&p->content);
    trim(&p->answer);
    trim(&p->text);
    p->next = owner->idle;
    owner->idle = p;
    owner->idle_count++;
}

/* --- judging -------------------------------------------------------------------------------------------- */

static _Atomic(uint64_t) outcomes[POST_NO_MEMORY + 1]; /* of the process */

/* A refusal stands whatever becomes of the body behind it: what it says of the receiver (gone, busy, for how
 * long) is in its status and its header. Of a 2xx all must be there. */
static post_failure unless_refused(const http_answer *answer, post_failure otherwise) {
    return answer->status >= 300 ? POST_STATUS : otherwise;
}

static post_failure failure_of(const http_answer *answer) {
    switch (answer->failure) {
    case HTTP_FAIL_TOO_LARGE: /* nobody asked for that much, but the status stands */
    case HTTP_FAIL_NONE: return answer->status >= 200 && answer->status < 300 ? POST_OK : POST_STATUS;
    case HTTP_FAIL_REFUSED: return POST_REFUSED;
    case HTTP_FAIL_CONNECT: return POST_CONNECT;
    case HTTP_FAIL_TLS: return POST_TLS;
    case HTTP_FAIL_TIMEOUT: return unless_refused(answer, POST_TIMEOUT);
    case HTTP_FAIL_CANCELLED: return POST_CANCELLED;
    default: return unless_refused(answer, POST_BROKEN);
    }
}

static bool is_whole(const http_answer *answer) {
    return answer->failure == HTTP_FAIL_NONE || answer->failure == HTTP_FAIL_TOO_LARGE;
}

static uint64_t asked_wait(const http_answer *answer, uint64_t now_ms) {
    uint64_t ms = 0;
    for (size_t i = 0; i < answer->header_count; i++)
        if (str_eq_nocase(answer->headers[i].name, STR("Retry-After")) &&
            retry_after_ms(answer->headers[i].value, now_ms, &ms))
            return ms;
    return 0;
}

static void tell(post *p, const http_answer *answer, post_failure failure) {
    const post_destination *to = p->what.to;
    bool answered = failure == POST_OK || failure == POST_STATUS;
    if (failure == POST_STATUS)
        buf_printf(&p->text, "answered %u%s%s%s", answer->status,
                   answer->status >= 300 && answer->status < 400 ? ", and redirects are not followed" : "",
                   is_whole(answer) ? "" : ", not all of it came", answer->body->len > 0 ? ": " : "");
    if (answered)
        post_text_add(&p->text, buf_str(answer->body), to);
    else
        post_text_add(&p->text, str_from(answer->detail), to);
    if (failure == POST_REFUSED)
        post_text_add(&p->text, STR(", and nothing is sent there ([webhooks] allow in busbar.conf)"), to);
}

static void on_answer(const http_answer *answer, void *ctx) {
    post *p = ctx;
    post_failure failure = failure_of(answer);
    tell(p, answer, failure);
    atomic_fetch_add_explicit(&outcomes[failure], 1, memory_order_relaxed);
    post_result result = {.failure = failure,
                          .status = answer->status,
                          .duration_ms = (clock_ns() - p->began_ns) / 1000000,
                          .text = buf_str(&p->text)};
    if (failure == POST_STATUS)
        result.retry_after_ms = asked_wait(answer, p->what.now_ms);
    post_done done = p->done;
    void *done_ctx = p->ctx;
    p->transfer = NULL;
    done(&result, done_ctx);
    give_back(p);
}

post *post_begin(posts *owner, const post_what *what, post_done done, void *ctx) {
    assert(what->count > 0 && loop_is_current(owner->loop));
    post *p = owner->client != NULL ? take(owner) : NULL;
    if (p == NULL)
        return NULL;
    p->what = *what;
    p->done = done;
    p->ctx = ctx;
    p->began_ns = clock_ns();
    if (post_build(p))
        p->transfer = http_client_send(owner->client, &p->send, on_answer, p);
    if (p->transfer != NULL)
        return p;
    atomic_fetch_add_explicit(&outcomes[POST_NO_MEMORY], 1, memory_order_relaxed);
    give_back(p);
    return NULL;
}

void post_cancel(post *p) {
    http_transfer_cancel(p->transfer);
    give_back(p);
}

void posts_render(buf *out) {
    metric_head(out, "busbar_posts_total", "counter",
                "Requests that took events to URLs, by what became of them.");
    for (int f = POST_OK; f <= POST_NO_MEMORY; f++)
        buf_printf(out, "busbar_posts_total{outcome=\"%s\"} %llu\n", post_failure_name((post_failure)f),
                   (unsigned long long)atomic_load_explicit(&outcomes[f], memory_order_relaxed));
}
