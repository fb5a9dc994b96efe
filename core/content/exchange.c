#include "content/exchange.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

/* --- a request's body -------------------------------------------------------------------------------------
 */

typedef struct request_source {
    content_source source; /* first */
    loop *loop;
    http_exchange *exchange; /* NULL: received */
} request_source;

static bool seek_request(content_source *s, uint64_t offset, err *e) {
    request_source *r = (request_source *)s;
    if (r->exchange == NULL || offset != 0)
        return err_set(e,
                       "the caller's bytes have passed and cannot be had again: send the file once more, or "
                       "let the hub read it from one of its folders");
    s->flow = flow_new(r->loop, FLOW_USUAL);
    if (s->flow == NULL)
        return err_set(e, "no memory for the content");
    uint64_t length;
    if (http_exchange_streams(r->exchange, &length))
        http_exchange_receive(r->exchange, s->flow);
    else
        flow_end(s->flow); /* empty */
    r->exchange = NULL;
    return true;
}

static void free_request(content_source *s) {
    if (s->flow != NULL)
        flow_fail(s->flow, "the content is not wanted any more");
    flow_unref(s->flow);
    free(s);
}

content_source *content_request_source(loop *l, http_exchange *x) {
    request_source *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    *r = (request_source){.source = {.seek = seek_request, .free = free_request}, .loop = l, .exchange = x};
    if (!http_exchange_streams(x, &r->source.info.length))
        r->source.info.length = 0;
    return &r->source;
}

/* --- an answer's body -------------------------------------------------------------------------------------
 */

typedef struct response_sink {
    content_sink sink; /* first */
    http_exchange *exchange;
    const char *(*answered)(void *ctx);
    void *answered_ctx;
    content_done done;
    void *done_ctx;
} response_sink;

/* RFC 6266: an ASCII name, and the real one where that is another. */
static bb_str disposition(arena *a, const char *name) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_ ()+,";
    static const char hex[] = "0123456789ABCDEF";
    char ascii[256], encoded[800];
    size_t n = strlen(name), at = 0;
    for (size_t i = 0; i <= n; i++)
        ascii[i] = name[i] == '\0' || strchr(plain, name[i]) != NULL ? name[i] : '_';
    if (strcmp(ascii, name) == 0)
        return arena_printf(a, "attachment; filename=\"%s\"", ascii);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        bool kept = strchr(plain, (char)c) != NULL && c != ' ' && c != '(' && c != ')' && c != ',';
        encoded[at++] = kept ? (char)c : '%';
        if (!kept) {
            encoded[at++] = hex[c >> 4];
            encoded[at++] = hex[c & 15];
        }
    }
    return arena_printf(a, "attachment; filename=\"%s\"; filename*=UTF-8''%.*s", ascii, (int)at, encoded);
}

static void begin_response(content_sink *s, const content_info *info) {
    response_sink *r = (response_sink *)s;
    http_exchange *x = r->exchange;
    const char *id = r->answered(r->answered_ctx);
    arena *a = http_exchange_arena(x);
    http_header fields[3];
    size_t n = 0;
    fields[n++] = (http_header){STR("Busbar-Execution"), arena_copy(a, str_from(id))};
    fields[n++] = (http_header){STR("X-Content-Type-Options"), STR("nosniff")};
    if (info->name[0] != '\0')
        fields[n++] = (http_header){STR("Content-Disposition"), disposition(a, info->name)};
    http_response response = {.status = 200,
                              .content_type = info->type[0] != '\0' ? str_from(info->type)
                                                                    : STR("application/octet-stream"),
                              .headers = fields,
                              .header_count = n};
    s->begun = true;
    r->exchange = NULL;
    http_respond_stream(x, &response, s->flow, info->length);
}

static void look(void *ctx) {
    response_sink *r = ctx;
    const char *failure = flow_failure(r->sink.flow);
    if (failure == NULL && !flow_is_over(r->sink.flow))
        return;
    flow_on_room(r->sink.flow, NULL, NULL);
    r->done(r->done_ctx, failure);
}

/* Over once the server has taken all. */
static void finish_response(content_sink *s, content_done done, void *ctx) {
    response_sink *r = (response_sink *)s;
    r->done = done;
    r->done_ctx = ctx;
    flow_end(s->flow);
    flow_on_room(s->flow, look, r);
}

static void free_response(content_sink *s) {
    response_sink *r = (response_sink *)s;
    flow_on_room(s->flow, NULL, NULL);
    if (!flow_is_over(s->flow))
        flow_fail(s->flow, "the content ended early");
    flow_unref(s->flow);
    free(r);
}

content_sink *content_response_sink(loop *l, http_exchange *x, const char *(*answered)(void *ctx),
                                    void *ctx) {
    response_sink *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    *r = (response_sink){.sink = {.begin = begin_response,
                                  .finish = finish_response,
                                  .free = free_response,
                                  .flow = flow_new(l, FLOW_USUAL)},
                         .exchange = x,
                         .answered = answered,
                         .answered_ctx = ctx};
    if (r->sink.flow == NULL) {
        free(r);
        return NULL;
    }
    return &r->sink;
}
