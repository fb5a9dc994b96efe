/* A connector of SDK 1.0 that uses what a simple one does not: an instance, a self-test, state between steps,
 * pages, settings that it refuses, and errors of each kind. */
#include <busbar/busbar.h>
#include <stdlib.h>

#ifndef VERSION
#define VERSION "1.0.0"
#endif

typedef struct tally {
    int64_t limit;
    char currency[8];
} tally;

static bb_code create(const bb_connection *connection, void **instance) {
    const bb_json_api *json = connection->host->json;
    bb_str currency = json->string(json->get(connection->settings, bb_s("currency")));
    tally *t = (tally *)calloc(1, sizeof *t);
    if (t == NULL)
        return BB_E_NO_MEMORY;
    if (currency.len != 3 || !json->to_int64(json->get(connection->settings, bb_s("limit")), &t->limit)) {
        connection->host->reject(connection, "/currency", "is no ISO 4217 code");
        free(t);
        return BB_E_CONFIG;
    }
    memcpy(t->currency, currency.ptr, 3);
    *instance = t;
    return BB_OK;
}

static void destroy(void *instance) {
    free(instance);
}

static bb_code self_test(const bb_host *host) {
    uint8_t hash[BB_HASH_MAX];
    char hex[2 * BB_HASH_MAX];
    bb_str bytes = {(const char *)hash, host->crypto->digest(BB_SHA256, bb_s("abc"), hash)};
    bb_str text = {hex, host->crypto->hex_encode(bytes, hex, sizeof hex)};
    return text.len == 64 && memcmp(text.ptr, "ba7816bf", 8) == 0 ? BB_OK : BB_E_PLUGIN;
}

/* --- entries.list: pages by cursor ---------------------------------------------------------------- */

static bb_step list_start(bb_call *call) {
    bb_request(call, "GET", "/entries");
    if (call->cursor.len > 0)
        bb_query(call, "after", call->cursor);
    return BB_SEND;
}

static bb_step list_resume(bb_call *call) {
    const bb_json *body = bb_response(call), *next;
    if (!bb_ok(call))
        return bb_fail_http(call, bb_text(call, bb_get(call, body, "code")),
                            bb_text(call, bb_get(call, body, "message")));
    next = bb_get(call, body, "next");
    if (bb_is(call, next, BB_JSON_STRING))
        call->host->call->next_cursor(call, bb_text(call, next));
    return bb_done_body(call);
}

/* --- entries.post: two requests, and what the first gave kept in the call's state ------------------- */

typedef struct posting {
    int64_t rate;
    uint32_t asked;
} posting;

static bb_step post_start(bb_call *call) {
    const tally *t = (const tally *)call->instance;
    int64_t amount = 0;
    if (!call->host->json->to_int64(bb_in(call, "amount"), &amount) || amount > t->limit)
        return bb_fail_input(call, "/amount", "is over the limit of %lld", (long long)t->limit);
    ((posting *)call->state)->asked = 1;
    bb_request(call, "GET", "/rate");
    bb_query(call, "currency", bb_s(t->currency));
    return BB_SEND;
}

static bb_step post_resume(bb_call *call) {
    posting *p = (posting *)call->state;
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_s(NULL));
    if (p->asked++ == 1) {
        bb_json_writer *w = call->host->json->writer(call);
        if (!call->host->json->to_int64(bb_get(call, bb_response(call), "rate"), &p->rate))
            return bb_fail(call, BB_E_UPSTREAM_INVALID, "there is no rate in the answer");
        call->host->json->begin_object(w);
        call->host->json->key(w, bb_s("amount"));
        call->host->json->put_value(w, bb_in(call, "amount"));
        call->host->json->key(w, bb_s("rate"));
        call->host->json->put_int64(w, p->rate);
        call->host->json->end_object(w);
        bb_request(call, "POST", "/entries");
        call->host->http->body(call, bb_s("application/json"), call->host->json->finish(w));
        return BB_SEND;
    }
    bb_log(call, BB_LOG_INFO, "posted at a rate of %lld", (long long)p->rate);
    return bb_done_body(call);
}

static bb_step version_start(bb_call *call) {
    return bb_done_text(call, bb_s("\"" VERSION "\""));
}

/* --- what it declares -------------------------------------------------------------------------------- */

static const bb_operation list_operation = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE | BB_OP_PAGINATED,
    .id = "entries.list",
    .summary = "Lists entries",
    .input_schema = "{\"type\":\"object\",\"additionalProperties\":false}",
    .output_schema = "{\"type\":\"object\",\"required\":[\"data\"],\"properties\":{\"data\":{\"type\":"
                     "\"array\",\"items\":{\"$ref\":\"entry\"}}}}",
    .examples = "[{\"summary\":\"all\",\"input\":{}}]",
    .items = "/data",
    .start = list_start,
    .resume = list_resume,
};
static const bb_operation post_operation = {
    BB_SIZE(bb_operation),
    .state_size = sizeof(posting),
    .timeout_ms = 10000,
    .id = "entries.post",
    .summary = "Posts an entry at the rate of the day",
    .input_schema =
        "{\"type\":\"object\",\"required\":[\"amount\"],\"properties\":{\"amount\":{\"type\":\"integer\"}}}",
    .idempotency_header = "Idempotency-Key",
    .start = post_start,
    .resume = post_resume,
};
static const bb_operation version_operation = {
    BB_SIZE(bb_operation),  .flags = BB_OP_SAFE, .id = "version", .summary = "Which build answers",
    .start = version_start,
};
static const bb_operation *const operations[] = {&list_operation, &post_operation, &version_operation, NULL};

static const bb_schema entry = {
    BB_SIZE(bb_schema), .name = "entry",
    .text =
        "{\"type\":\"object\",\"required\":[\"amount\"],\"properties\":{\"amount\":{\"type\":\"integer\"}}}"};
static const bb_schema *const schemas[] = {&entry, NULL};

static const bb_auth_scheme bearer = {BB_SIZE(bb_auth_scheme), .scheme = "bearer", .summary = "an API token"};
static const bb_auth_scheme none = {BB_SIZE(bb_auth_scheme), .scheme = "none", .summary = "for tests"};
static const bb_auth_scheme *const auth_schemes[] = {&bearer, &none, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "tally",
    .name = "Tally",
    .version = VERSION,
    .summary = "Entries at the rate of the day",
    .vendor = "Busbar",
    .license = "MIT",
    .settings_schema =
        "{\"type\":\"object\",\"required\":[\"base_url\"],\"additionalProperties\":false,\"properties\":{"
        "\"base_url\":{\"type\":\"string\"},\"currency\":{\"type\":\"string\",\"default\":\"EUR\"},"
        "\"limit\":{\"type\":\"integer\",\"default\":100}}}",
    .operations = operations,
    .auth_schemes = auth_schemes,
    .schemas = schemas,
    .test_operation = "version",
    .create = create,
    .destroy = destroy,
    .self_test = self_test,
};

BUSBAR_PLUGIN(plugin);
