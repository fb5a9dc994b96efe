#include "api/idempotency.h"

#include "api/call_reply.h"
#include "base/clock.h"
#include "base/log.h"
#include "plugin/host_crypto.h"

#define KEY_MAX 255u

/* A call on its way; in the exchange's memory, which stays until the exchange is answered. */
typedef struct keyed_call {
    api *api;
    http_exchange *x;
    route_params params;
    call_request request;
    uint8_t key[32], fingerprint[32];
    bb_str body; /* of the answer */
    call_reply reply;
} keyed_call;

/* --- hashes ----------------------------------------------------------------------------------------------
 */

bool idempotency_hash(buf *text, uint8_t out[32]) {
    uint8_t digest[BB_HASH_MAX];
    bool ok = !text->failed && host_crypto.digest(BB_SHA256, buf_str(text), digest) == 32;
    memcpy(out, digest, 32);
    buf_free(text);
    return ok;
}

/* A key belongs to whoever uses it: two callers' never meet. */
static bool hash_key(keyed_call *k, bb_str key) {
    buf text;
    buf_init(&text);
    buf_part(&text, k->params.who->id);
    buf_part(&text, key);
    return idempotency_hash(&text, k->key);
}

static bool hash_request(keyed_call *k) {
    const http_request *r = http_exchange_request(k->x);
    buf text;
    buf_init(&text);
    buf_part(&text, k->params.part[0]);
    buf_part(&text, k->params.part[1]);
    buf_part(&text, r->query);
    buf_part(&text, r->body);
    return idempotency_hash(&text, k->fingerprint);
}

/* What the service is given: the same for every repeat, also after a restart. */
static bb_str upstream_key(keyed_call *k) {
    char hex[64];
    size_t n = host_crypto.hex_encode(str_of(k->key, 16), hex, sizeof hex);
    return arena_printf(http_exchange_arena(k->x), "busbar-%.*s", (int)n, hex);
}

/* --- the answer ------------------------------------------------------------------------------------------
 */

/* No trace of the call at the service, or none that a repeat would double: the key may be used anew. */
static bool did_not_act(const call *c, const call_result *r) {
    if (r->problem == PROBLEM_NONE || r->unsure)
        return false;
    if (r->upstream_status == 0 || r->upstream_status == 429) /* RFC 6585 section 4: turned away */
        return true;
    return r->retryable && call_op_repeatable(call_operation(c));
}

static void send_answer(keyed_call *k) {
    k->reply.parts[0] = k->body;
    k->reply.parts[1] = k->reply.parts[2] = STR("");
    call_reply_send(k->x, &k->reply);
}

static void on_kept(store_result r, void *ctx) {
    keyed_call *k = ctx;
    if (r != STORE_OK)
        log_error("an answer to an Idempotency-Key could not be kept: %s", store_result_text(r));
    send_answer(k);
}

static void on_done(call *c, const call_result *r, void *ctx) {
    keyed_call *k = ctx;
    arena *a = http_exchange_arena(k->x);
    store *s = k->api->shared->store;
    call_reply_make(a, c, r, &k->reply);
    const bb_str *p = k->reply.parts;
    k->body = arena_printf(a, "%.*s%.*s%.*s", STR_FMT(p[0]), STR_FMT(p[1]), STR_FMT(p[2]));
    k->reply.failed = k->reply.failed || k->body.ptr == NULL;
    bool forget = did_not_act(c, r);
    call_reply_free(&k->reply);
    call_free(c);
    idempotency_answer answer = {
        .status = k->reply.status, .content_type = k->reply.content_type, .body = k->body};
    if (forget)
        store_idempotency_forget(s, k->key);
    else if (!k->reply.failed &&
             store_idempotency_finish(s, k->key, &answer, k->api->worker->loop, on_kept, k))
        return;
    send_answer(k);
}

/* --- the beginning ---------------------------------------------------------------------------------------
 */

/* The configuration may have changed while the store was asked. */
static void run(keyed_call *k) {
    const snapshot_entry *entry = find_connection(k->api, k->x, k->params.who, k->params.part[0]);
    const plugin_op *op = entry != NULL ? find_operation(k->x, entry->conn->module, k->params.part[1]) : NULL;
    if (op == NULL) {
        store_idempotency_forget(k->api->shared->store, k->key);
        return;
    }
    k->request.conn = entry->conn;
    k->request.op = op;
    k->request.idempotency = upstream_key(k);
    if (call_begin(k->api->worker, &k->request, NULL, on_done, k))
        return;
    store_idempotency_forget(k->api->shared->store, k->key);
    reply_problem(k->x, PROBLEM_OVERLOADED, STR("no memory for the call"));
}

void idempotency_replay(http_exchange *x, const idempotency_answer *answer) {
    http_header replayed = {STR("Idempotency-Replayed"), STR("true")};
    http_response response = {.status = answer->status,
                              .content_type = answer->content_type,
                              .headers = &replayed,
                              .header_count = 1,
                              .body = &answer->body,
                              .body_parts = 1};
    http_respond(x, &response);
}

/* Kept as the key's answer, so that every repeat is told the same. */
static void answer_unknown(keyed_call *k) {
    json_writer w;
    json_writer_init(&w, &k->reply.tail);
    reply_problem_head(
        &w, PROBLEM_IDEMPOTENCY_UNKNOWN,
        STR("the hub was stopped while the call of this key ran; it may or may not have acted"), false);
    json_object_end(&w);
    k->body = arena_copy(http_exchange_arena(k->x), buf_str(&k->reply.tail));
    k->reply.status = problem_of(PROBLEM_IDEMPOTENCY_UNKNOWN)->status;
    k->reply.content_type = STR("application/problem+json");
    k->reply.failed = k->body.ptr == NULL;
    call_reply_free(&k->reply);
    idempotency_answer answer = {
        .status = k->reply.status, .content_type = k->reply.content_type, .body = k->body};
    if (!store_idempotency_finish(k->api->shared->store, k->key, &answer, k->api->worker->loop, on_kept, k))
        send_answer(k);
}

/* The hub was stopped while the call ran. What can be told from its repeat is run again under the same key of
 * the service; of anything else nobody here knows whether it acted. */
static void resume_lost(keyed_call *k) {
    const snapshot_entry *entry = snapshot_find(k->api->worker->snapshot, k->params.part[0]);
    const plugin_op *op = entry != NULL && entry->conn != NULL
                              ? module_op(entry->conn->module, k->params.part[1])
                              : NULL;
    if (op == NULL || call_op_repeatable(op)) {
        run(k);
        return;
    }
    answer_unknown(k);
}

static void on_begun(store_result r, idempotency_state state, const idempotency_answer *answer, void *ctx) {
    keyed_call *k = ctx;
    if (r != STORE_OK) {
        reply_problem(k->x, store_result_problem(r), str_from(store_result_text(r)));
        return;
    }
    switch (state) {
    case IDEMPOTENCY_NEW: run(k); return;
    case IDEMPOTENCY_LOST: resume_lost(k); return;
    case IDEMPOTENCY_DONE: idempotency_replay(k->x, answer); return;
    case IDEMPOTENCY_RUNNING:
        reply_problem(k->x, PROBLEM_IDEMPOTENCY_RUNNING, STR("the first call of this key is under way"));
        return;
    case IDEMPOTENCY_MISMATCH:
        reply_problem(k->x, PROBLEM_IDEMPOTENCY_MISMATCH,
                      STR("operation, query or body differ from those of the key's first call"));
        return;
    }
}

bool idempotency_key(http_exchange *x, bb_str *key) {
    *key = str_trim(*key);
    if (key->len >= 2 && key->ptr[0] == '"' && key->ptr[key->len - 1] == '"')
        *key = str_of(key->ptr + 1, key->len - 2);
    if (key->len > 0 && key->len <= KEY_MAX)
        return true;
    reply_problem(x, PROBLEM_BAD_REQUEST, STR("Idempotency-Key has 1 to 255 characters"));
    return false;
}

void idempotent_call(api *a, http_exchange *x, const route_params *p, const call_request *request,
                     bb_str key) {
    keyed_call *k = arena_zalloc(http_exchange_arena(x), sizeof *k);
    if (!idempotency_key(x, &key))
        return;
    if (a->shared->store == NULL) {
        reply_problem(x, PROBLEM_STORE_UNAVAILABLE,
                      STR("this hub runs offline: it keeps no Idempotency-Keys"));
        return;
    }
    if (k != NULL)
        *k = (keyed_call){.api = a, .x = x, .params = *p, .request = *request};
    if (k != NULL && hash_key(k, key) && hash_request(k) &&
        store_idempotency_begin(a->shared->store, k->key, k->fingerprint, clock_wall_ms(),
                                a->shared->idempotency_keep_ms, a->worker->loop, on_begun, k))
        return;
    reply_problem(x, PROBLEM_OVERLOADED, STR("the store takes no more for now"));
}
