#include "http/client_internal.h"

#include "base/clock.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void init_curl(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* --- the answer as it comes in -------------------------------------------------------------------- */

static bool keep_header(http_transfer *t, bb_str line, size_t colon) {
    arena *a = t->send->memory;
    if (t->header_count == t->header_cap) {
        size_t cap = t->header_cap == 0 ? 16 : t->header_cap * 2;
        http_header *headers = arena_grow(a, t->headers, t->header_cap * sizeof *headers,
                                          cap * sizeof *headers);
        if (headers == NULL)
            return false;
        t->headers = headers;
        t->header_cap = cap;
    }
    bb_str copy = arena_copy(a, line);
    if (copy.ptr == NULL)
        return false;
    t->headers[t->header_count++] = (http_header){
        .name = str_of(copy.ptr, colon),
        .value = str_trim(str_of(copy.ptr + colon + 1, copy.len - colon - 1))};
    return true;
}

/* CURLOPT_HEADERFUNCTION: one line at a time. A status line begins anew, as it follows a 1xx. */
static size_t on_header(char *bytes, size_t size, size_t n, void *ctx) {
    http_transfer *t = ctx;
    bb_str line = str_of(bytes, size * n);
    while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    if (str_starts(line, STR("HTTP/"))) {
        t->header_count = 0;
        return size * n;
    }
    const char *colon = line.len > 0 ? memchr(line.ptr, ':', line.len) : NULL;
    if (colon != NULL && t->header_count < 256 && !keep_header(t, line, (size_t)(colon - line.ptr))) {
        t->no_memory = true;
        return 0;
    }
    return size * n;
}

/* CURLOPT_WRITEFUNCTION */
static size_t on_body(char *bytes, size_t size, size_t n, void *ctx) {
    http_transfer *t = ctx;
    buf *body = t->send->answer_body;
    uint64_t limit = t->send->target->max_response_bytes;
    size_t taken;
    if (t->send->download != NULL && client_stream_body(t, str_of(bytes, size * n), &taken))
        return taken;
    if (limit != 0 && body->len + size * n > limit) {
        t->too_large = true;
        return 0;
    }
    buf_add(body, bytes, size * n);
    t->no_memory = body->failed;
    return body->failed ? 0 : size * n;
}

/* CURLOPT_PREREQFUNCTION: runs just before a request is put on the wire. libcurl sends a request again by
 * itself when a kept-alive connection ends without an answer; it cannot know that the service did not act on
 * the first, so a request that must go out once is stopped here. */
static int on_start(void *ctx, char *ip, char *local_ip, int port, int local_port) {
    (void)port;
    http_transfer *t = ctx;
    const http_guard *guard = t->send->target->guard;
    if (t->fd >= 0)
        client_told(t, local_port);
    const char *what = guard != NULL ? http_guard_refuses_connection(guard, ip, local_ip) : NULL;
    if (guard != NULL && what == NULL)
        what = http_guard_refuses_scheme(guard, t->send->url);
    if (what != NULL) {
        client_refused(t, ip, what);
        return CURL_PREREQFUNC_ABORT;
    }
    t->starts++;
    return t->starts > 1 && t->send->once ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* --- transfers ------------------------------------------------------------------------------------ */

static void set_constant_options(http_transfer *t) {
    CURL *e = t->easy;
    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_start);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->detail);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, client_open_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, client_close_socket);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, t->client);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L); /* credentials are the auth schemes' alone */
    curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 16384L);
    char *ca = NULL;
    curl_easy_getinfo(e, CURLINFO_CAINFO, &ca);
    t->system_ca = ca;
}

static http_transfer *take_transfer(http_client *c) {
    http_transfer *t = c->idle;
    if (t != NULL) {
        c->idle = t->next;
        c->idle_count--;
        return t;
    }
    t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->client = c;
    t->easy = curl_easy_init();
    if (t->easy == NULL) {
        free(t);
        return NULL;
    }
    set_constant_options(t);
    return t;
}

static void free_transfer(http_transfer *t) {
    curl_easy_cleanup(t->easy);
    free(t);
}

static void give_back(http_transfer *t) {
    http_client *c = t->client;
    if (t->previous != NULL)
        t->previous->next = t->next;
    else
        c->active = t->next;
    if (t->next != NULL)
        t->next->previous = t->previous;
    if (c->idle_count >= IDLE_MAX || c->closing) {
        free_transfer(t);
        return;
    }
    t->send = NULL;
    t->next = c->idle;
    c->idle = t;
    c->idle_count++;
}

/* The header fields as libcurl's list, with its nodes in the call's memory: libcurl only reads them. */
static bool set_headers(http_transfer *t, const http_send *s) {
    static char no_expect[] = "Expect:", no_type[] = "Content-Type:";
    struct curl_slist *nodes = arena_alloc(s->memory, (s->header_count + 2) * sizeof *nodes);
    if (nodes == NULL)
        return false;
    bool typed = false;
    size_t n = 0;
    for (size_t i = 0; i < s->header_count; i++) {
        typed = typed || str_eq_nocase(str_of(s->headers[i].ptr, s->headers[i].len < 13 ? 0 : 13),
                                       STR("Content-Type:"));
        nodes[n++] = (struct curl_slist){.data = (char *)(uintptr_t)s->headers[i].ptr};
    }
    if ((s->has_body && s->body.len > 1024 * 1024) || s->upload != NULL)
        nodes[n++].data = no_expect; /* or libcurl waits a second for a 100 that few services send */
    if ((s->has_body || s->upload != NULL) && !typed)
        nodes[n++].data = no_type; /* or libcurl says it is a form */
    for (size_t i = 0; i + 1 < n; i++)
        nodes[i].next = &nodes[i + 1];
    if (n > 0)
        nodes[n - 1].next = NULL;
    t->fields = n > 0 ? nodes : NULL;
    return curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->fields) == CURLE_OK;
}

static bool set_method(http_transfer *t, const http_send *s) {
    CURL *e = t->easy;
    bool plain = str_eq(s->method, s->upload != NULL ? STR("PUT") : s->has_body ? STR("POST") : STR("GET"));
    curl_easy_setopt(e, CURLOPT_NOBODY, 0L);
    curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    if ((s->upload != NULL || s->download != NULL || t->streaming) && !client_stream_set(t, s))
        return false;
    if (s->has_body && s->upload == NULL) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, s->body.ptr != NULL ? s->body.ptr : "");
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->body.len);
    }
    if (str_eq(s->method, STR("HEAD")) && !s->has_body && s->upload == NULL)
        return curl_easy_setopt(e, CURLOPT_NOBODY, 1L) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, NULL) == CURLE_OK;
    char *method = plain ? NULL : arena_strdup(s->memory, s->method);
    return (plain || method != NULL) && curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

static bool set_target(http_transfer *t, const http_send *s) {
    CURL *e = t->easy;
    const http_target *target = s->target;
    if (s->probe != NULL || t->probing)
        client_probe_set(t, s);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(s->timeout_ms < INT32_MAX ? s->timeout_ms : INT32_MAX));
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)target->connect_timeout_ms);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, target->insecure ? 0L : 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, target->insecure ? 0L : 2L);
    curl_easy_setopt(e, CURLOPT_CAINFO, target->ca_file != NULL ? target->ca_file : t->system_ca);
    curl_easy_setopt(e, CURLOPT_SSLCERT, target->cert_file);
    curl_easy_setopt(e, CURLOPT_SSLKEY, target->key_file);
    curl_easy_setopt(e, CURLOPT_PROXY, target->proxy != NULL ? target->proxy : "");
    return curl_easy_setopt(e, CURLOPT_URL, s->url) == CURLE_OK;
}

http_transfer *http_client_send(http_client *c, const http_send *send, http_done done, void *ctx) {
    assert(loop_is_current(c->loop));
    http_transfer *t = take_transfer(c);
    if (t == NULL)
        return NULL;
    t->send = send;
    t->done = done;
    t->ctx = ctx;
    t->fd = -1;
    t->headers = NULL;
    t->header_count = t->header_cap = 0;
    t->no_memory = t->too_large = t->guarded = t->opened = false;
    t->failure[0] = '\0';
    t->detail[0] = '\0';
    buf_clear(send->answer_body);
    bool set = set_target(t, send) && set_method(t, send) && set_headers(t, send);
    t->starts = 0;
    t->previous = NULL;
    t->next = c->active;
    if (c->active != NULL)
        c->active->previous = t;
    c->active = t;
    if (!set || curl_multi_add_handle(c->multi, t->easy) != CURLM_OK) {
        give_back(t);
        return NULL;
    }
    return t;
}

void http_transfer_cancel(http_transfer *t) {
    if (t->streaming)
        client_stream_over(t);
    curl_multi_remove_handle(t->client->multi, t->easy);
    give_back(t);
}

static void finish(http_transfer *t, CURLcode code) {
    http_answer answer = {
        .headers = t->headers, .header_count = t->header_count, .body = t->send->answer_body};
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    answer.status = (unsigned)status;
    answer.starts = t->starts;
    if (t->streaming && code == CURLE_OK)
        client_stream_end(t);
    client_failure(t, code, &answer);
    if (t->probing)
        client_probe_read(t);
    http_done done = t->done;
    void *ctx = t->ctx;
    http_transfer_cancel(t); /* takes the handle out of the multi, for the next user */
    done(&answer, ctx);
}

void client_collect(http_client *c) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(c->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        http_transfer *t = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        finish(t, code);
    }
}

/* --- the client ----------------------------------------------------------------------------------- */

http_client *http_client_new(loop *l, err *e) {
    pthread_once(&curl_once, init_curl);
    http_client *c = calloc(1, sizeof *c);
    CURLM *multi = curl_multi_init();
    if (c == NULL || multi == NULL) {
        free(c);
        curl_multi_cleanup(multi);
        err_set(e, "no memory for the HTTP client");
        return NULL;
    }
    c->multi = multi;
    c->loop = l;
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 2048L);
    if (!client_sockets_init(c)) {
        curl_multi_cleanup(multi);
        c->multi = NULL;
        client_sockets_close(c);
        err_set(e, "libcurl does not take its callbacks: is it older than 7.85?");
        return NULL;
    }
    return c;
}

void http_client_free(http_client *c) {
    if (c == NULL)
        return;
    while (c->active != NULL) {
        http_transfer *t = c->active;
        http_answer answer = {.failure = HTTP_FAIL_CANCELLED, .sent = true, .body = t->send->answer_body};
        http_done done = t->done;
        void *ctx = t->ctx;
        http_transfer_cancel(t);
        done(&answer, ctx);
    }
    c->closing = true;
    while (c->idle != NULL) {
        http_transfer *t = c->idle;
        c->idle = t->next;
        free_transfer(t);
    }
    curl_multi_cleanup(c->multi);
    client_sockets_close(c);
}
