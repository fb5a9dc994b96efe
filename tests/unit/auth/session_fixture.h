/* session_fixture.h - a token endpoint on loopback that answers as the test says, some loops with clients,
 * and a clock that only the test moves. All waiting is bounded. */
#ifndef UNIT_AUTH_SESSION_FIXTURE_H
#define UNIT_AUTH_SESSION_FIXTURE_H

#include "fixture.h"

#include "auth/oauth2_consent.h"
#include "auth/session.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define RIG_LOOPS 3
#define RIG_WAIT_S 60
#define RIG_HELD 64
#define RIG_SEEN 64

typedef struct rig rig;
struct rig {
    auth_runtime *runtime;
    store *store;               /* NULL: none */
    loop *loops[RIG_LOOPS + 1]; /* the last is the service's */
    auth_loop auth_loops[RIG_LOOPS + 1];
    http_server *server;
    uint16_t port;
    atomic_bool closed;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by the lock */
    bool hold;                     /* requests are kept unanswered */
    http_exchange *held[RIG_HELD]; /* the service loop's */
    unsigned held_count;
    unsigned requests;
    char paths[RIG_SEEN][200], bodies[RIG_SEEN][4096], authorizations[RIG_SEEN][1000];
    unsigned status;   /* of the next answers; 0: 200 */
    char answer[4096]; /* ""; a token whose name counts up */
    char header[100];  /* of the answer: "Retry-After: 7"; "": none */
    uint64_t expires_in;
    const char *refresh_prefix; /* a refresh token in each answer; NULL: none */
    unsigned answers_by_path_count;
    struct {
        char path[100], body[4096];
        unsigned status;
    } by_path[8];
};

/* --- the clock --------------------------------------------------------------------------------------- */

static _Atomic(uint64_t) rig_clock_ms = 1000000;
#define RIG_EPOCH_MS 1700000000000u

static inline uint64_t rig_ns(void) {
    return atomic_load(&rig_clock_ms) * 1000000u;
}
static inline uint64_t rig_wall_ms(void) {
    return RIG_EPOCH_MS + atomic_load(&rig_clock_ms);
}
static inline void rig_pass(uint64_t ms) {
    atomic_fetch_add(&rig_clock_ms, ms);
}

/* --- the service ------------------------------------------------------------------------------------- */

static inline void rig_cut(char *to, size_t cap, bb_str text) {
    snprintf(to, cap, "%.*s", STR_FMT(text));
}

static inline void rig_see(rig *r, http_exchange *x) {
    const http_request *q = http_exchange_request(x);
    unsigned i = r->requests < RIG_SEEN ? r->requests : RIG_SEEN - 1;
    rig_cut(r->paths[i], sizeof r->paths[i], q->target);
    rig_cut(r->bodies[i], sizeof r->bodies[i], q->body);
    rig_cut(r->authorizations[i], sizeof r->authorizations[i], http_request_header(q, STR("Authorization")));
    r->requests++;
    pthread_cond_broadcast(&r->changed);
}

static inline void rig_write_answer(rig *r, http_exchange *x, unsigned *status, char *out, size_t cap) {
    bb_str path = http_exchange_request(x)->path;
    *status = r->status != 0 ? r->status : 200;
    for (unsigned i = 0; i < r->answers_by_path_count; i++)
        if (str_eq(path, str_from(r->by_path[i].path))) {
            *status = r->by_path[i].status;
            snprintf(out, cap, "%s", r->by_path[i].body);
            return;
        }
    if (r->answer[0] != '\0') {
        snprintf(out, cap, "%s", r->answer);
        return;
    }
    char refresh[100] = "";
    if (r->refresh_prefix != NULL)
        snprintf(refresh, sizeof refresh, ",\"refresh_token\":\"%s-%u\"", r->refresh_prefix, r->requests);
    snprintf(out, cap, "{\"access_token\":\"access-%u\",\"token_type\":\"Bearer\",\"expires_in\":%llu%s}",
             r->requests, (unsigned long long)r->expires_in, refresh);
}

static inline void rig_respond(rig *r, http_exchange *x) {
    char text[4096], name[100] = "", value[100] = "";
    unsigned status;
    pthread_mutex_lock(&r->lock);
    rig_write_answer(r, x, &status, text, sizeof text);
    sscanf(r->header, "%99[^:]: %99[^\n]", name, value);
    pthread_mutex_unlock(&r->lock);
    http_header field = {str_from(name), str_from(value)};
    bb_str body = str_from(text);
    http_respond(x, &(http_response){.status = status,
                                     .content_type = STR("application/json"),
                                     .headers = &field,
                                     .header_count = name[0] != '\0',
                                     .body = &body,
                                     .body_parts = 1});
}

static inline void rig_handle(http_exchange *x, void *ctx) {
    rig *r = ctx;
    pthread_mutex_lock(&r->lock);
    rig_see(r, x);
    bool hold = r->hold;
    if (hold)
        r->held[r->held_count++] = x;
    pthread_mutex_unlock(&r->lock);
    if (!hold)
        rig_respond(r, x);
}

static inline void rig_release_on_loop(loop *l, void *arg) {
    rig *r = arg;
    (void)l;
    pthread_mutex_lock(&r->lock);
    unsigned n = r->held_count;
    http_exchange *held[RIG_HELD];
    memcpy(held, r->held, sizeof held);
    r->held_count = 0;
    pthread_mutex_unlock(&r->lock);
    for (unsigned i = 0; i < n; i++)
        rig_respond(r, held[i]);
}

static inline void rig_hold(rig *r, bool hold) {
    pthread_mutex_lock(&r->lock);
    r->hold = hold;
    pthread_mutex_unlock(&r->lock);
    if (!hold)
        loop_post(r->loops[RIG_LOOPS], rig_release_on_loop, r);
}

/* What the service answers from now on; NULL: tokens. */
static inline void rig_answer(rig *r, unsigned status, const char *body) {
    pthread_mutex_lock(&r->lock);
    r->status = status;
    snprintf(r->answer, sizeof r->answer, "%s", body != NULL ? body : "");
    pthread_mutex_unlock(&r->lock);
}

static inline void rig_answer_at(rig *r, const char *path, unsigned status, const char *body) {
    pthread_mutex_lock(&r->lock);
    unsigned i = r->answers_by_path_count++;
    snprintf(r->by_path[i].path, sizeof r->by_path[i].path, "%s", path);
    snprintf(r->by_path[i].body, sizeof r->by_path[i].body, "%s", body);
    r->by_path[i].status = status;
    pthread_mutex_unlock(&r->lock);
}

static inline unsigned rig_requests(rig *r) {
    pthread_mutex_lock(&r->lock);
    unsigned n = r->requests;
    pthread_mutex_unlock(&r->lock);
    return n;
}

static inline struct timespec rig_limit(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RIG_WAIT_S;
    return until;
}

static inline void rig_await_requests(rig *r, unsigned n) {
    struct timespec until = rig_limit();
    pthread_mutex_lock(&r->lock);
    int late = 0;
    while (r->requests < n && late == 0)
        late = pthread_cond_timedwait(&r->changed, &r->lock, &until);
    pthread_mutex_unlock(&r->lock);
    ck_assert_msg(late == 0, "the service was asked less than %u times", n);
}

/* --- begin and end ----------------------------------------------------------------------------------- */

static inline rig *rig_new_with(store *s, secrets *v) {
    static const clock_source injected = {.ns = rig_ns, .wall_ms = rig_wall_ms};
    rig *r = calloc(1, sizeof *r);
    int fds[1];
    err e = {""};
    ck_assert_ptr_nonnull(r);
    clock_inject(injected);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->expires_in = 3600;
    r->port = http_bind(STR("127.0.0.1:0"), fds, 1, &e);
    ck_assert_msg(r->port != 0, "%s", e.text);
    r->store = s;
    r->runtime = auth_runtime_new(&(auth_runtime_options){.store = s, .secrets = v, .loops = RIG_LOOPS});
    for (unsigned i = 0; i <= RIG_LOOPS; i++) {
        r->loops[i] = loop_new(i);
        r->auth_loops[i] = (auth_loop){r->loops[i], i < RIG_LOOPS ? http_client_new(r->loops[i], &e) : NULL};
    }
    r->server = http_server_new(r->loops[RIG_LOOPS], fds[0], &(http_server_limits){0}, rig_handle, r, &e);
    ck_assert_ptr_nonnull(r->server);
    ck_assert(auth_runtime_serve(r->runtime, "http://hub.example:8420", r->auth_loops));
    for (unsigned i = 0; i <= RIG_LOOPS; i++)
        ck_assert(loop_start(r->loops[i]));
    return r;
}

static inline rig *rig_new(void) {
    return rig_new_with(NULL, NULL);
}

static inline void rig_on_closed(void *ctx) {
    rig *r = ctx;
    atomic_store(&r->closed, true);
}

static inline void rig_close_server(loop *l, void *arg) {
    rig *r = arg;
    (void)l;
    http_server_close(r->server, 1000, rig_on_closed, r);
}

static inline void rig_close_client(loop *l, void *arg) {
    rig *r = arg;
    auth_runtime_close_loop(r->runtime, l);
    http_client_free(r->auth_loops[loop_index(l)].client);
}

/* All auths have been released. */
static inline void rig_free(rig *r) {
    rig_hold(r, false);
    for (unsigned i = 0; i < RIG_LOOPS; i++)
        loop_post(r->loops[i], rig_close_client, r);
    if (r->store != NULL)
        store_flush(r->store); /* while the loops can still be told */
    for (unsigned i = 0; i < RIG_LOOPS; i++)
        loop_join(r->loops[i]);
    loop_post(r->loops[RIG_LOOPS], rig_close_server, r);
    loop_join(r->loops[RIG_LOOPS]);
    auth_runtime_free(r->runtime);
    for (unsigned i = 0; i <= RIG_LOOPS; i++)
        loop_free(r->loops[i]);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->changed);
    free(r);
}

/* --- connections ------------------------------------------------------------------------------------- */

static const http_target rig_target = {.connect_timeout_ms = 5000};

/* `text`: [auth], with %PORT% for the service's port. */
static inline reading rig_connection(rig *r, const char *id, const char *text) {
    buf out;
    buf_init(&out);
    for (const char *at = text, *next; *at != '\0'; at = next) {
        next = strstr(at, "%PORT%");
        buf_str_add(&out, next != NULL ? str_of(at, (size_t)(next - at)) : str_from(at));
        if (next == NULL)
            break;
        buf_u64(&out, r->port);
        next += 6;
    }
    reading c = read_auth(buf_cstr(&out));
    buf_free(&out);
    ck_assert_msg(c.ok, "%s", c.error.text);
    ck_assert(
        auth_attach(r->runtime, str_from(id), STR("http://api.example"), &rig_target, &c.auth, &c.error));
    return c;
}

static inline bb_str rig_state(reading *c) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    auth_session_write_state(&c->auth, &w);
    ck_assert(json_writer_finish(&w));
    bb_str text = arena_copy(c->memory, buf_str(&out));
    buf_free(&out);
    return text;
}

static inline void assert_state(reading *c, const char *state) {
    bb_str text = rig_state(c);
    const json_value *root = json_read(c->memory, text, NULL, NULL);
    ck_assert_msg(str_eq(json_string(json_getl(root, "state")), str_from(state)), "state is not %s: %.*s",
                  state, STR_FMT(text));
    ck_assert_str_eq(auth_session_state(&c->auth), state);
}

/* --- tickets ----------------------------------------------------------------------------------------- */

/* A call's part in it: gets a ticket on a loop. */
typedef struct caller {
    rig *rig;
    const auth *auth;
    unsigned loop_number;
    uint64_t deadline_ns;
    arena *memory;
    auth_ticket ticket;
    bool reject; /* says that the token it got was refused, first */
    bool reject_ok;
    bool waited, done, cancelled; /* guarded by the rig's lock */
    char token[200], header[300], detail[600];
} caller;

static inline void caller_finish(caller *c) {
    sign_request request = {.method = STR("GET"), .url = STR("http://api.example/"), .now_ms = rig_wall_ms()};
    sign_addition added = {.header_count = 0};
    err e = {""};
    rig_cut(c->token, sizeof c->token, c->ticket.token);
    rig_cut(c->detail, sizeof c->detail, c->ticket.detail);
    if (c->ticket.state == AUTH_READY && auth_ticket_sign(&c->ticket, &request, &added, &e))
        rig_cut(c->header, sizeof c->header, added.header_count > 0 ? added.headers[0] : STR(""));
    pthread_mutex_lock(&c->rig->lock);
    c->done = true;
    pthread_cond_broadcast(&c->rig->changed);
    pthread_mutex_unlock(&c->rig->lock);
}

static inline void caller_woken(auth_ticket *t, void *ctx) {
    (void)t;
    caller_finish(ctx);
}

static inline void caller_begin(loop *l, void *arg) {
    caller *c = arg;
    (void)l;
    c->ticket.auth = c->auth;
    c->ticket.loop = &c->rig->auth_loops[c->loop_number];
    c->ticket.memory = c->memory;
    c->ticket.deadline_ns = c->deadline_ns;
    c->ticket.woken = caller_woken;
    c->ticket.ctx = c;
    if (c->reject)
        c->reject_ok = auth_ticket_rejected(&c->ticket, &(http_answer){.status = 401});
    if (auth_ticket_get(&c->ticket) != AUTH_WAIT) {
        caller_finish(c);
        return;
    }
    pthread_mutex_lock(&c->rig->lock);
    c->waited = true;
    pthread_cond_broadcast(&c->rig->changed);
    pthread_mutex_unlock(&c->rig->lock);
}

static inline void caller_start(caller *c, rig *r, const reading *from, unsigned loop_number) {
    *c = (caller){.rig = r, .auth = &from->auth, .loop_number = loop_number, .memory = arena_new(0)};
    ck_assert(loop_post(r->loops[loop_number], caller_begin, c));
}

static inline void caller_await(caller *c, const bool *what) {
    struct timespec until = rig_limit();
    int late = 0;
    pthread_mutex_lock(&c->rig->lock);
    while (!*what && late == 0)
        late = pthread_cond_timedwait(&c->rig->changed, &c->rig->lock, &until);
    pthread_mutex_unlock(&c->rig->lock);
    ck_assert_msg(late == 0, "a ticket waits in vain");
}

static inline void caller_cancel_on_loop(loop *l, void *arg) {
    caller *c = arg;
    (void)l;
    auth_ticket_cancel(&c->ticket);
    pthread_mutex_lock(&c->rig->lock);
    c->cancelled = true;
    pthread_cond_broadcast(&c->rig->changed);
    pthread_mutex_unlock(&c->rig->lock);
}

static inline void caller_cancel(caller *c) {
    ck_assert(loop_post(c->rig->loops[c->loop_number], caller_cancel_on_loop, c));
    caller_await(c, &c->cancelled);
}

static inline void caller_end(caller *c) {
    arena_free(c->memory);
    c->memory = NULL;
}

/* One call that gets a token, or fails. The outcome stays in *c after caller_end. */
static inline caller rig_get(rig *r, const reading *from, unsigned loop_number) {
    caller c;
    caller_start(&c, r, from, loop_number);
    caller_await(&c, &c.done);
    caller_end(&c);
    return c;
}

/* The same call again, after a 401 to the token it has. */
static inline caller rig_reject(rig *r, caller before) {
    caller c = before;
    c.memory = arena_new(0);
    c.reject = true;
    c.waited = c.done = false;
    c.header[0] = c.token[0] = '\0';
    ck_assert(loop_post(r->loops[c.loop_number], caller_begin, &c));
    caller_await(&c, &c.done);
    caller_end(&c);
    return c;
}

#endif
