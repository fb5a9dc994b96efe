/* content_call.c - calls of operations that take or give files: from and to the caller's request and answer,
 * or a file of the hub's. */
#include <busbar/content.h>

#include "api/content_call.h"

#include "api/call_reply.h"
#include "content/exchange.h"
#include "content/file.h"

#include <stdlib.h>

typedef struct content_call {
    api *api;
    http_exchange *exchange; /* NULL: the answer's body is under way, and the exchange the server's */
    arena *memory;           /* what must outlive the exchange */
    call_request request;
    call_content content;
    const char *from_file, *to_file;
    call *call;
} content_call;

/* --- what a request is ---------------------------------------------------------------------------------- */

static bool is_json(bb_str type) {
    bb_str media;
    if (!str_split(&type, ';', &media))
        return true;
    media = str_trim(media);
    return media.len == 0 || str_eq_nocase(media, STR("application/json")) ||
           (media.len > 5 && str_eq_nocase(str_of(media.ptr + media.len - 5, 5), STR("+json"))) ||
           /* what clients say who have not been told what they send */
           str_eq_nocase(media, STR("application/x-www-form-urlencoded")) ||
           str_eq_nocase(media, STR("text/plain"));
}

static bool names_input(bb_str query) {
    bb_str part;
    while (str_split(&query, '&', &part))
        if (str_starts(part, STR("input=")))
            return true;
    return false;
}

bool api_streams(const http_request *head, void *ctx) {
    (void)ctx;
    static const char operations[] = "/operations/";
    bool calls = str_starts(head->path, STR("/api/v1/connections/")) &&
                 memmem(head->path.ptr, head->path.len, operations, sizeof operations - 1) != NULL;
    if (!calls)
        return false;
    if (str_eq(head->method, STR("PUT")))
        return true;
    return str_eq(head->method, STR("POST")) &&
           (names_input(head->query) || http_request_header(head, STR("Busbar-Input")).ptr != NULL ||
            !is_json(http_request_header(head, STR("Content-Type"))));
}

/* --- the end -----------------------------------------------------------------------------------------------
 */

static void end(content_call *k) {
    content_source_free(k->content.source);
    content_sink_free(k->content.sink);
    arena_free(k->memory);
    free(k);
}

static void refuse(content_call *k, problem p, bb_str detail) {
    http_exchange_on_gone(k->exchange, NULL, NULL);
    reply_problem(k->exchange, p, detail);
    end(k);
}

static void on_done(call *c, const call_result *r, void *ctx) {
    content_call *k = ctx;
    if (k->exchange != NULL) {
        call_reply reply;
        http_exchange_on_gone(k->exchange, NULL, NULL);
        call_reply_make(http_exchange_arena(k->exchange), c, r, &reply);
        call_reply_send(k->exchange, &reply);
        call_reply_free(&reply);
    }
    call_free(c);
    end(k); /* an answer that is not whole is cut off with its sink */
}

/* --- the call ----------------------------------------------------------------------------------------------
 */

static void on_gone(http_exchange *x, void *ctx) {
    (void)x;
    content_call *k = ctx;
    call_cancel(k->call);
}

/* The answer's body begins: what happens to it from now on is the flow's. */
static const char *on_answered(void *ctx) {
    content_call *k = ctx;
    http_exchange_on_gone(k->exchange, NULL, NULL);
    k->exchange = NULL;
    return call_id(k->call);
}

static void on_begun(call *c, void *ctx) {
    content_call *k = ctx;
    k->call = c;
    http_exchange_on_gone(k->exchange, on_gone, k);
}

static void begin(content_call *k) {
    if ((k->request.op->content & BB_CONTENT_GIVES) != 0 && k->content.sink == NULL) {
        k->content.sink = content_response_sink(k->api->worker->loop, k->exchange, on_answered, k);
        if (k->content.sink == NULL) {
            refuse(k, PROBLEM_OVERLOADED, STR("no memory for the call"));
            return;
        }
    }
    k->request.content = &k->content;
    if (!call_begin(k->api->worker, &k->request, on_begun, on_done, k))
        refuse(k, PROBLEM_OVERLOADED, STR("no memory for the call"));
}

/* --- files of the hub --------------------------------------------------------------------------------------
 */

static void open_files(content_call *k);

static void on_opened(void *ctx, content_source *source, content_sink *sink, folders_result result,
                      const char *failure) {
    content_call *k = ctx;
    if (result != FOLDERS_OK) {
        refuse(k, result == FOLDERS_OUTSIDE ? PROBLEM_FORBIDDEN : PROBLEM_BAD_REQUEST, str_from(failure));
        return;
    }
    if (source != NULL)
        k->content.source = source;
    else
        k->content.sink = sink;
    open_files(k);
}

static void open_files(content_call *k) {
    loop *l = k->api->worker->loop;
    const content_folders *folders = k->api->shared->folders;
    bool ok = true;
    if (k->from_file != NULL && k->content.source == NULL)
        ok = content_file_open(l, folders, k->from_file, on_opened, k);
    else if (k->to_file != NULL && k->content.sink == NULL)
        ok = content_file_create(l, folders, k->to_file, on_opened, k);
    else
        begin(k);
    if (!ok)
        refuse(k, PROBLEM_OVERLOADED, STR("no memory for the call"));
}

/* --- what the caller asks for ------------------------------------------------------------------------------
 */

static const char *file_named(content_call *k, bb_str parameter) {
    bb_str text;
    if (!http_exchange_query(k->exchange, parameter, &text))
        return NULL;
    return memchr(text.ptr, '\0', text.len) != NULL ? "" : arena_strdup(k->memory, text);
}

static const char *wrong_with(const content_call *k, bool sent, bool has_key) {
    uint32_t flags = k->request.op->content;
    bool takes = (flags & BB_CONTENT_TAKES) != 0, optional = (flags & BB_CONTENT_OPTIONAL) != 0;
    if (!takes && (sent || k->from_file != NULL))
        return "this operation takes no file: its input is a JSON body, with Content-Type: application/json";
    if (sent && k->from_file != NULL)
        return "the request has a file in its body and names another by from_file: leave one of them out";
    if (takes && !optional && !sent && k->from_file == NULL)
        return "this operation takes a file: send it as the body, with the operation's input in the query as "
               "?input={...}, or name one of the hub's by from_file";
    if (k->to_file != NULL && (flags & BB_CONTENT_GIVES) == 0)
        return "this operation gives no file: leave to_file out";
    return has_key ? "Idempotency-Key does not go with files: they are not kept to be compared" : NULL;
}

static bool describe_source(content_call *k) {
    const http_request *r = http_exchange_request(k->exchange);
    bb_str name;
    k->content.source = content_request_source(k->api->worker->loop, k->exchange);
    if (k->content.source == NULL)
        return false;
    content_info *info = &k->content.source->info;
    str_put(info->type, sizeof info->type, http_request_header(r, STR("Content-Type")));
    if (http_exchange_query(k->exchange, STR("name"), &name))
        str_put(info->name, sizeof info->name, name);
    return true;
}

/* The JSON input: of the query, a header field, or the body where that is no file. */
static void read_input(content_call *k, bool sent) {
    const http_request *r = http_exchange_request(k->exchange);
    bb_str input = sent ? STR("") : r->body, named = http_request_header(r, STR("Busbar-Input"));
    if (named.ptr != NULL)
        input = named;
    http_exchange_query(k->exchange, STR("input"), &input);
    k->request.input = arena_copy(k->memory, input);
    k->request.trace.state = arena_copy(k->memory, k->request.trace.state);
    k->request.label = arena_copy(k->memory, k->request.label);
}

void content_call_begin(api *a, http_exchange *x, const call_request *request, bool has_key) {
    uint64_t length;
    bool sent = http_exchange_streams(x, &length) ||
                str_eq(http_exchange_request(x)->method,
                       STR("PUT")); /* an empty file has no body to stream */
    content_call *k = calloc(1, sizeof *k);
    arena *memory = arena_new(0);
    if (k == NULL || memory == NULL) {
        free(k);
        arena_free(memory);
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for the call"));
        return;
    }
    *k = (content_call){.api = a, .exchange = x, .memory = memory, .request = *request};
    k->content.folders = a->shared->folders;
    atomic_init(&k->content.done_bytes, 0);
    atomic_init(&k->content.total_bytes, FLOW_UNKNOWN);
    k->from_file = file_named(k, STR("from_file"));
    k->to_file = file_named(k, STR("to_file"));
    read_input(k, sent);
    const char *wrong = wrong_with(k, sent, has_key);
    if (wrong != NULL)
        refuse(k, PROBLEM_BAD_REQUEST, str_from(wrong));
    else if (sent && !describe_source(k))
        refuse(k, PROBLEM_OVERLOADED, STR("no memory for the call"));
    else
        open_files(k);
}
