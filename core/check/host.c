#include "check/host.h"

#include "check/internal.h"
#include "plugin/host.h"
#include "plugin/host_crypto.h"
#include "plugin/ledger.h"

#include <stdio.h>

#define CALL_MEMORY_MAX ((size_t)64 << 20) /* host.h: the call's limit */
#define GUARDED_MAX 512u                   /* pieces of one call with a page of their own */

static _Thread_local struct {
    check_phase phase;
    driven *call;
    const bb_connection *connection;
    char rejection[512];
    bool rejected;
} now;

static bool loud;
static uint64_t seed_;

static const char *phase_name(void) {
    static const char *const names[] = {"a thread of its own, or after its function had returned",
                                        "self_test",
                                        "create",
                                        "destroy",
                                        "start",
                                        "resume",
                                        "sign",
                                        "verify",
                                        "a webhook scheme's sign",
                                        "a session's open",
                                        "a session's check",
                                        "a session operation's run",
                                        "a session's close",
                                        "a session's interrupt",
                                        "abandon"};
    return names[now.phase];
}

static bool misplaced(const char *function, const char *rule) {
    if (loud)
        wrong("it calls host->%s in %s: %s", function, phase_name(), rule);
    return false;
}

/* A function of steps, with the call that is under way on this thread. */
static bool in_step(const bb_call *call, const char *function) {
    if (now.call != NULL && call == &now.call->c.abi)
        return true;
    return misplaced(function, now.call == NULL ? "it belongs to the thread of a step, and to its time"
                                                : "with another call than the one that the step was given");
}

static bool in_resume(const bb_call *call, const char *function) {
    return in_step(call, function) &&
           (now.phase == PHASE_RESUME || misplaced(function, "there is no answer yet, only in resume"));
}

/* True: this call of a function that can fail is the one that shall. */
static bool fails(const char *function) {
    driven *d = now.call;
    if (d == NULL || ++d->host_calls != d->fail_at)
        return false;
    d->failed = function;
    return true;
}

/* Of functions whose failures the call keeps (http.h). */
static bool keeps_failure(bb_call *call, const char *function) {
    if (!in_step(call, function))
        return true;
    if (!fails(function))
        return false;
    plugin_misuse(plugin_call_of(call), BB_E_NO_MEMORY, "no memory for the request");
    return true;
}

/* Every byte of what the host is given is read, as the hub does. */
static void read_slice(bb_str s) {
    volatile unsigned char sum = 0;
    for (size_t i = 0; i < s.len; i++)
        sum = (unsigned char)(sum + (unsigned char)s.ptr[i]);
}

/* --- busbar.log/1 -------------------------------------------------------------------------------- */

static void log_write_(const bb_host *host, bb_log_level level, bb_str text) {
    (void)host, (void)level;
    read_slice(text);
}

static void log_call(bb_call *call, bb_log_level level, bb_str text) {
    (void)level;
    if (in_step(call, "log->write_call"))
        read_slice(text);
}

static const bb_log_api log_api = {.size = sizeof log_api, .write = log_write_, .write_call = log_call};

/* --- busbar.json/1 ------------------------------------------------------------------------------- */

static const bb_json *parse(bb_call *call, bb_str text) {
    if (!in_step(call, "json->parse"))
        return NULL;
    if (!fails("json->parse"))
        return host_json.parse(call, text);
    plugin_call *c = plugin_call_of(call);
    if (c->error.code == BB_OK)
        c->error = (plugin_error){.code = BB_E_UPSTREAM_INVALID, .message = STR("not JSON")};
    return NULL;
}

static bb_json_writer *writer(bb_call *call) {
    driven *d = now.call;
    if (!in_step(call, "json->writer")) {
        static driven nowhere; /* a writer that takes everything and gives nothing */
        static bool ready;
        if (!ready)
            plugin_call_init(&nowhere.c);
        ready = true;
        return host_json.writer(&nowhere.c.abi);
    }
    bb_json_writer *w = host_json.writer(call);
    if (fails("json->writer")) {
        plugin_misuse(&d->c, BB_E_NO_MEMORY, "no memory for a JSON writer");
        d->dead = w;
    }
    return w;
}

static bb_str finish(bb_json_writer *w) {
    driven *d = now.call;
    if (d == NULL) {
        misplaced("json->finish", "it belongs to the thread of a step");
        return (bb_str){NULL, 0};
    }
    if (w != d->dead && !fails("json->finish"))
        return host_json.finish(w);
    plugin_misuse(&d->c, BB_E_NO_MEMORY, "no memory for the text");
    return (bb_str){NULL, 0};
}

static bb_json_api json_api;

/* --- busbar.crypto/1 ----------------------------------------------------------------------------- */

/* splitmix64: the same bytes in every run. */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bb_code random_(void *out, size_t n) {
    uint64_t state = seed_ + 7;
    if (fails("crypto->random")) {
        memset(out, 0xA5, n);
        return BB_E_PLUGIN;
    }
    uint64_t *at_ = now.call != NULL ? &now.call->random : &state;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)next_random(at_);
    return BB_OK;
}

static bb_crypto_api crypto_api;

/* --- busbar.http/1 ------------------------------------------------------------------------------- */

static void begin(bb_call *call, bb_str method, bb_str url) {
    if (!keeps_failure(call, "http->begin"))
        host_http.begin(call, method, url);
}
static void segment(bb_call *call, bb_str text) {
    if (!keeps_failure(call, "http->segment"))
        host_http.segment(call, text);
}
static void query(bb_call *call, bb_str name, bb_str value) {
    if (!keeps_failure(call, "http->query"))
        host_http.query(call, name, value);
}
static void query_json(bb_call *call, bb_str prefix, const bb_json *value) {
    if (!keeps_failure(call, "http->query_json"))
        host_http.query_json(call, prefix, value);
}
static void header(bb_call *call, bb_str name, bb_str value) {
    if (!keeps_failure(call, "http->header"))
        host_http.header(call, name, value);
}
static void body(bb_call *call, bb_str content_type, bb_str bytes) {
    if (!keeps_failure(call, "http->body"))
        host_http.body(call, content_type, bytes);
}
static void body_json(bb_call *call, const bb_json *value) {
    if (!keeps_failure(call, "http->body_json"))
        host_http.body_json(call, value);
}
static void form(bb_call *call, bb_str name, bb_str value) {
    if (!keeps_failure(call, "http->form"))
        host_http.form(call, name, value);
}
static void form_json(bb_call *call, bb_str prefix, const bb_json *value) {
    if (!keeps_failure(call, "http->form_json"))
        host_http.form_json(call, prefix, value);
}
static void repeatable(bb_call *call, int32_t yes) {
    if (in_step(call, "http->repeatable"))
        host_http.repeatable(call, yes);
}
static void after(bb_call *call, int64_t ms) {
    if (in_resume(call, "http->after"))
        host_http.after(call, ms);
}
static int32_t status(bb_call *call) {
    return in_step(call, "http->status") ? host_http.status(call) : 0;
}
static bb_str response_header(bb_call *call, bb_str name) {
    return in_resume(call, "http->response_header") ? host_http.response_header(call, name)
                                                    : (bb_str){NULL, 0};
}
static bb_str response_body(bb_call *call) {
    return in_resume(call, "http->response_body") ? host_http.response_body(call) : (bb_str){NULL, 0};
}
static const bb_json *response_json(bb_call *call) {
    return in_resume(call, "http->response_json") && !fails("http->response_json")
               ? host_http.response_json(call)
               : NULL;
}

static void limit_left(bb_call *call, int64_t left, int64_t for_ms) {
    if (in_resume(call, "http->limit_left"))
        host_http.limit_left(call, left, for_ms);
}
static void counts_against(bb_call *call, bb_str route, bb_str scope) {
    if (!keeps_failure(call, "http->counts_against"))
        host_http.counts_against(call, route, scope);
}
static void without_credentials(bb_call *call) {
    if (!keeps_failure(call, "http->without_credentials"))
        host_http.without_credentials(call);
}
static const bb_http_api http_api = {
    .size = sizeof http_api,
    .begin = begin,
    .segment = segment,
    .query = query,
    .query_json = query_json,
    .header = header,
    .body = body,
    .body_json = body_json,
    .form = form,
    .form_json = form_json,
    .repeatable = repeatable,
    .status = status,
    .response_header = response_header,
    .response_body = response_body,
    .response_json = response_json,
    .after = after,
    .counts_against = counts_against,
    .limit_left = limit_left,
    .without_credentials = without_credentials,
};

/* --- busbar.call/1 ------------------------------------------------------------------------------- */

/* Not zeroed: full of what no program expects. */
static void *alloc_(bb_call *call, size_t bytes) {
    driven *d = now.call;
    if (!in_step(call, "call->alloc") || fails("call->alloc"))
        return NULL;
    if (bytes > CALL_MEMORY_MAX - d->taken)
        return NULL;
    d->taken += bytes;
    if (++d->piece_count > GUARDED_MAX) { /* a page for each would be too many */
        void *piece = arena_alloc(d->c.memory, bytes);
        if (piece != NULL)
            memset(piece, 0xA5, bytes);
        return piece;
    }
    return guard_alloc(&d->pieces, bytes, 0xA5);
}

static void done_text(bb_call *call, bb_str json) {
    if (!keeps_failure(call, "call->done_text"))
        host_call.done_text(call, json);
}
static void done_value(bb_call *call, const bb_json *value) {
    if (in_step(call, "call->done_value"))
        host_call.done_value(call, value);
}
static void done_body(bb_call *call) {
    if (in_resume(call, "call->done_body"))
        host_call.done_body(call);
}
static void next_cursor(bb_call *call, bb_str cursor) {
    if (in_step(call, "call->next_cursor"))
        host_call.next_cursor(call, cursor);
}
static void fail_(bb_call *call, const bb_error *error) {
    if (in_step(call, "call->fail"))
        host_call.fail(call, error);
}

static void progress(bb_call *call, int64_t done, int64_t total, bb_str unit, bb_str stage) {
    if (!in_step(call, "call->progress"))
        return;
    read_slice(unit);
    read_slice(stage);
    host_call.progress(call, done, total, unit, stage);
}

static bb_call_api call_api;

/* --- busbar.memory/1 ----------------------------------------------------------------------------- */

static void *memory_alloc(const bb_connection *connection, size_t bytes) {
    void *piece = fails("memory->alloc") ? NULL : host_memory.alloc(connection, bytes);
    if (piece != NULL)
        memset(piece, 0xA5, bytes); /* not zeroed */
    return piece;
}
static void *memory_realloc(const bb_connection *connection, void *piece, size_t bytes) {
    return fails("memory->realloc") ? NULL : host_memory.realloc(connection, piece, bytes);
}

static bb_memory_api memory_api;

/* --- busbar.session/1 ----------------------------------------------------------------------------- */

static void session_fail(bb_session *s, const bb_error *error) {
    if (now.phase == PHASE_OPEN || now.phase == PHASE_CHECK || now.phase == PHASE_RUN)
        host_session.fail(s, error);
    else
        misplaced("session->fail", "it is for open and check");
}

static bb_str credential(bb_session *s, const char *name) {
    if (now.phase >= PHASE_OPEN && now.phase <= PHASE_CLOSE)
        return host_session.credential(s, name);
    misplaced("session->credential", "it belongs to the session's own thread");
    return (bb_str){NULL, 0};
}

static void broken(bb_session *s, int32_t acted) {
    if (now.phase == PHASE_RUN)
        host_session.broken(s, acted);
    else
        misplaced("session->broken", "it is for run: a session that does not open, or whose check fails, is "
                                     "not used anyway");
}

static bb_session_api session_api;

/* --- bb_host ------------------------------------------------------------------------------------- */

static void reject(const bb_connection *connection, const char *pointer, const char *message) {
    if (now.phase != PHASE_CREATE || connection != now.connection) {
        misplaced("reject", "it is for create only, with the connection that create was given");
        return;
    }
    now.rejected = true;
    snprintf(now.rejection, sizeof now.rejection, "%s%s%s", pointer != NULL ? pointer : "",
             pointer != NULL && pointer[0] != '\0' ? ": " : "", message != NULL ? message : "");
}

static bb_host host;

static const void *get_extension(const bb_host *h, const char *id) {
    (void)h;
    static const struct {
        const char *id;
        const void *vtable;
    } ours[] = {{BB_EXT_LOG, &log_api},        {BB_EXT_JSON, &json_api}, {BB_EXT_CRYPTO, &crypto_api},
                {BB_EXT_HTTP, &http_api},      {BB_EXT_CALL, &call_api}, {BB_EXT_MEMORY, &memory_api},
                {BB_EXT_SESSION, &session_api}};
    for (size_t i = 0; id != NULL && i < sizeof ours / sizeof ours[0]; i++)
        if (strcmp(id, ours[i].id) == 0)
            return ours[i].vtable;
    return host_get()->get_extension(host_get(), id);
}

void poison_init(uint64_t seed) {
    seed_ = seed;
    json_api = host_json;
    json_api.parse = parse;
    json_api.writer = writer;
    json_api.finish = finish;
    crypto_api = host_crypto;
    crypto_api.random = random_;
    call_api = host_call;
    call_api.alloc = alloc_;
    call_api.done_text = done_text;
    call_api.done_value = done_value;
    call_api.done_body = done_body;
    call_api.next_cursor = next_cursor;
    call_api.fail = fail_;
    call_api.progress = progress;
    memory_api = host_memory;
    memory_api.alloc = memory_alloc;
    memory_api.realloc = memory_realloc;

    session_api = host_session;
    session_api.fail = session_fail;
    session_api.credential = credential;
    session_api.broken = broken;
    host = *host_get();
    host.name = "busbar-check";
    host.get_extension = get_extension;
    host.reject = reject;
    host.log = &log_api;
    host.json = &json_api;
    host.crypto = &crypto_api;
    host.http = &http_api;
    host.call = &call_api;
}

const bb_host *poison_host(void) {
    return &host;
}

void poison_phase(check_phase phase) {
    now.phase = phase;
    now.call = NULL;
}

void poison_step(check_phase phase, driven *d) {
    now.phase = phase;
    now.call = d;
}

void poison_loud(bool yes) {
    loud = yes;
}

void poison_connection(const bb_connection *connection) {
    now.connection = connection;
    now.rejected = false;
    now.rejection[0] = '\0';
}

const char *poison_rejection(void) {
    return now.rejected ? now.rejection : NULL;
}
