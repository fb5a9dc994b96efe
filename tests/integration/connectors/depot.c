/* depot - a connector for tests: files up and down, whole, and in pieces that go on after a break. */
#include <busbar/busbar.h>
#include <busbar/content.h>
#include <stdlib.h>

#define PIECE (8 * 1024 * 1024) /* of a resumable upload, a request */
#define BLOCK (4 * 1024 * 1024) /* of the block digest */

static const bb_content_api *content(bb_call *call) {
    return bb_content_host(call);
}

/* --- down --------------------------------------------------------------------------------------------- */

static bb_step get_start(bb_call *call) {
    bb_request(call, "GET", "/files");
    bb_segment(call, bb_in_text(call, "name"));
    content(call)->want_digest(call, BB_DIGEST_SHA256, 0);
    content(call)->want_digest(call, BB_DIGEST_MD5, 0);
    bb_content_to_output(call);
    return BB_SEND;
}

static void put_digests(bb_call *call, bb_json_writer *w) {
    const bb_json_api *json = call->host->json;
    bb_str sha = content(call)->digest(call, BB_DIGEST_SHA256, 0),
           md5 = content(call)->digest(call, BB_DIGEST_MD5, 0),
           block = content(call)->digest(call, BB_DIGEST_SHA256, BLOCK);
    json->key(w, bb_s("passed"));
    json->put_int64(w, content(call)->passed(call));
    json->key(w, bb_s("sha256"));
    json->put_string(w, sha);
    json->key(w, bb_s("md5"));
    json->put_string(w, md5);
    json->key(w, bb_s("blocks"));
    json->put_string(w, block);
}

static bb_step done(bb_call *call) {
    bb_json_writer *w = call->host->json->writer(call);
    call->host->json->begin_object(w);
    put_digests(call, w);
    call->host->json->end_object(w);
    return bb_done_writer(call, w);
}

static bb_step get_resume(bb_call *call) {
    return bb_ok(call) ? done(call) : bb_fail_http(call, bb_s(NULL), bb_s(NULL));
}

/* --- up, as a whole ------------------------------------------------------------------------------------- */

static bb_step put_start(bb_call *call) {
    bb_request(call, "PUT", "/files");
    bb_segment(call, bb_in_text(call, "name"));
    content(call)->want_digest(call, BB_DIGEST_SHA256, 0);
    content(call)->want_digest(call, BB_DIGEST_SHA256, BLOCK);
    bb_content_body(call);
    return BB_SEND;
}

static bb_step put_resume(bb_call *call) {
    return bb_ok(call) ? done(call) : bb_fail_http(call, bb_s(NULL), bb_s(NULL));
}

/* --- up, in pieces: a session, its pieces, and where it stands ------------------------------------------ */

typedef struct pieces {
    char session[64];
    int64_t at;
    int asking; /* for where it stands */
} pieces;

static bb_step send_piece(bb_call *call) {
    pieces *p = call->state;
    char range[96];
    int64_t left = bb_content_length(call) - p->at, n = left < PIECE ? left : PIECE;
    bb_request(call, "PUT", "/sessions");
    bb_segment(call, bb_s(p->session));
    snprintf(range, sizeof range, "bytes %lld-%lld/%lld", (long long)p->at, (long long)(p->at + n - 1),
             (long long)bb_content_length(call));
    bb_header(call, "Content-Range", bb_s(range));
    bb_content_range(call, p->at, n);
    p->asking = 0;
    return BB_SEND;
}

static bb_step ask(bb_call *call) {
    pieces *p = call->state;
    bb_request(call, "GET", "/sessions");
    bb_segment(call, bb_s(p->session));
    p->asking = 1;
    return BB_SEND;
}

static bb_step pieces_start(bb_call *call) {
    pieces *p = call->state;
    const bb_json *saved = bb_content_saved(call);
    bb_str session = bb_text(call, bb_get(call, saved, "session"));
    content(call)->want_digest(call, BB_DIGEST_SHA256, 0);
    content(call)->want_digest(call, BB_DIGEST_SHA256, BLOCK);
    if (session.len > 0 && session.len < sizeof p->session) {
        memcpy(p->session, session.ptr, session.len);
        return ask(call);
    }
    bb_request(call, "POST", "/sessions");
    bb_query(call, "name", bb_in_text(call, "name"));
    call->host->http->repeatable(call, 1);
    return BB_SEND;
}

static bb_step pieces_resume(bb_call *call) {
    pieces *p = call->state;
    char text[128];
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_s(NULL));
    const bb_json *answer = bb_response(call);
    if (bb_is(call, bb_get(call, answer, "done"), BB_JSON_BOOL))
        return done(call);
    if (p->session[0] == '\0') {
        bb_str session = bb_text(call, bb_get(call, answer, "session"));
        snprintf(p->session, sizeof p->session, "%.*s", (int)session.len, session.ptr);
        snprintf(text, sizeof text, "{\"session\":\"%s\"}", p->session);
        bb_content_save(call, bb_s(text));
    }
    bb_str at = bb_text(call, bb_get(call, answer, "at"));
    snprintf(text, sizeof text, "%.*s", (int)at.len, at.ptr);
    p->at = strtoll(text, NULL, 10);
    return send_piece(call);
}

/* --- what it declares ------------------------------------------------------------------------------------
 */

#define OPERATION(name, op, begin, go_on, ...)                                     \
    static const bb_operation name = {                                             \
        BB_SIZE(bb_operation),                                                     \
        .id = op,                                                                  \
        .summary = op,                                                             \
        .input_schema = "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":" \
                        "\"string\"}},\"required\":[\"name\"]}",                   \
        .output_schema = "{}",                                                     \
        .start = begin,                                                            \
        .resume = go_on,                                                           \
        __VA_ARGS__}

OPERATION(get, "get", get_start, get_resume, .flags = BB_OP_SAFE);
OPERATION(put, "put", put_start, put_resume, .flags = 0);
OPERATION(put_known, "put_known", put_start, put_resume, .flags = BB_OP_IDEMPOTENT);
OPERATION(upload, "upload", pieces_start, pieces_resume, .state_size = sizeof(pieces));
static const bb_operation *const operations[] = {&get, &put, &put_known, &upload, NULL};

static const bb_content_operation gives = {BB_SIZE(bb_content_operation), BB_CONTENT_GIVES, "get"};
static const bb_content_operation takes = {BB_SIZE(bb_content_operation), BB_CONTENT_TAKES, "put"};
static const bb_content_operation knows = {
    BB_SIZE(bb_content_operation), BB_CONTENT_TAKES | BB_CONTENT_LENGTH | BB_CONTENT_AGAIN, "put_known"};
static const bb_content_operation goes_on = {BB_SIZE(bb_content_operation),
                                             BB_CONTENT_TAKES | BB_CONTENT_LENGTH, "upload"};
static const bb_content_operation *const with_content[] = {&gives, &takes, &knows, &goes_on, NULL};
static const bb_content_extension extension = {BB_SIZE(bb_content_extension), .operations = with_content};
static const bb_extension extensions[] = {{BB_EXT_CONTENT, &extension}, {NULL, NULL}};

static const bb_auth_scheme none = {BB_SIZE(bb_auth_scheme), .scheme = "none", .summary = "no credentials"};
static const bb_auth_scheme bearer = {BB_SIZE(bb_auth_scheme), .scheme = "bearer", .summary = "a token"};
static const bb_auth_scheme sigv4 = {BB_SIZE(bb_auth_scheme), .scheme = "aws_sigv4",
                                     .summary = "a signature"};
static const bb_auth_scheme *const schemes[] = {&none, &bearer, &sigv4, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "depot",
    .name = "Depot",
    .version = "1.0.0",
    .summary = "Files, for tests",
    .settings_schema = "{\"type\":\"object\",\"properties\":{\"base_url\":{\"type\":\"string\"}}}",
    .operations = operations,
    .auth_schemes = schemes,
};

BUSBAR_PLUGIN_WITH(plugin, extensions);
