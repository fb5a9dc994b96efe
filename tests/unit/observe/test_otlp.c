/* Spans to a collector: what is sent, what is repeated, what is dropped. The collector is a thread of this
 * program behind a real socket; it answers by a script. */
#include <busbar/busbar.h>

#include "observe/otlp.h"
#include "observe/otlp_json.h"
#include "observe/otlp_ring.h"
#include "json/json.h"

#include "unit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODIES_MAX 512u

/* --- the collector ---------------------------------------------------------------------------------------
 */

static struct {
    int listener;
    char url[64];
    pthread_t thread;
    const char *const *script; /* what to answer; the last one for all that follow; NULL text: silence */
    pthread_mutex_t lock;      /* guards the rest */
    pthread_cond_t came;
    buf bodies[BODIES_MAX];
    char head[4096]; /* of the last request */
    unsigned requests;
    bool quit;
} collector = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
#define BUSY_ANSWER "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"

/* A whole request: its head and its body, by Content-Length. False: the other side has gone. */
static bool read_request(int fd, buf *all, size_t *head) {
    *head = 0;
    size_t need = SIZE_MAX;
    while (all->len < need) {
        ck_assert(buf_reserve(all, 65536));
        ssize_t n = read(fd, all->ptr + all->len, 65536);
        if (n <= 0)
            return false;
        all->len += (size_t)n;
        char *end = *head == 0 ? memmem(all->ptr, all->len, "\r\n\r\n", 4) : NULL;
        if (end != NULL) {
            *head = (size_t)(end + 4 - all->ptr);
            char *length = memmem(all->ptr, *head, "Content-Length: ", 16);
            ck_assert_ptr_nonnull(length);
            need = *head + strtoul(length + 16, NULL, 10);
        }
    }
    return true;
}

static const char *keep(const buf *all, size_t head) {
    pthread_mutex_lock(&collector.lock);
    unsigned i = collector.requests;
    ck_assert_uint_lt(i, BODIES_MAX);
    buf_add(&collector.bodies[i], all->ptr + head, all->len - head);
    snprintf(collector.head, sizeof collector.head, "%.*s", (int)head, all->ptr);
    collector.requests++;
    const char *const *script = collector.script;
    while (i > 0 && script[1] != NULL) {
        script++;
        i--;
    }
    pthread_cond_broadcast(&collector.came);
    pthread_mutex_unlock(&collector.lock);
    return script[0];
}

static void serve(int fd) {
    buf all;
    size_t head;
    buf_init(&all);
    while (read_request(fd, &all, &head)) {
        const char *answer = keep(&all, head);
        buf_clear(&all);
        if (answer[0] == '\0')
            break; /* closed without an answer */
        if (answer[0] == '-') {
            char c;
            if (read(fd, &c, 1) <= 0) /* silence, until the other side gives up */
                break;
        }
        if (write(fd, answer, strlen(answer)) < 0)
            break;
    }
    buf_free(&all);
    close(fd);
}

static void *collect(void *unused) {
    (void)unused;
    for (;;) {
        int fd = accept4(collector.listener, NULL, NULL, SOCK_CLOEXEC);
        pthread_mutex_lock(&collector.lock);
        bool quit = collector.quit;
        pthread_mutex_unlock(&collector.lock);
        if (quit || fd < 0) {
            close(fd);
            return NULL;
        }
        serve(fd);
    }
}

static void listen_somewhere(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    collector.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(collector.listener, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(collector.listener, 16), 0);
    ck_assert_int_eq(getsockname(collector.listener, (struct sockaddr *)&at, &size), 0);
    snprintf(collector.url, sizeof collector.url, "http://127.0.0.1:%u/v1/traces", ntohs(at.sin_port));
}

static void collector_start(const char *const *script) {
    for (unsigned i = 0; i < BODIES_MAX; i++)
        buf_free(&collector.bodies[i]);
    collector.script = script;
    collector.requests = 0;
    collector.quit = false;
    listen_somewhere();
    ck_assert_int_eq(pthread_create(&collector.thread, NULL, collect, NULL), 0);
}

static void collector_stop(void) {
    pthread_mutex_lock(&collector.lock);
    collector.quit = true;
    pthread_mutex_unlock(&collector.lock);
    shutdown(collector.listener, SHUT_RDWR);
    pthread_join(collector.thread, NULL);
    close(collector.listener);
}

static unsigned requests(void) {
    pthread_mutex_lock(&collector.lock);
    unsigned n = collector.requests;
    pthread_mutex_unlock(&collector.lock);
    return n;
}

static void wait_for_requests(unsigned n) {
    pthread_mutex_lock(&collector.lock);
    while (collector.requests < n)
        pthread_cond_wait(&collector.came, &collector.lock);
    pthread_mutex_unlock(&collector.lock);
}

/* --- the cases -------------------------------------------------------------------------------------------
 */

static trace_span a_span(unsigned n) {
    trace_span s = {.kind = SPAN_CLIENT, .start_ns = 1700000000000000001u, .end_ns = 1700000000250000000u};
    memset(s.trace_id, 0xab, sizeof s.trace_id);
    s.span_id[6] = (uint8_t)(n >> 8);
    s.span_id[7] = (uint8_t)n;
    snprintf(s.name, sizeof s.name, "GET %u", n);
    return s;
}

static otlp *start(unsigned batch, unsigned queue, const char *const *headers) {
    otlp_options o = {.endpoint = collector.url,
                      .headers = headers,
                      .version = "1.2.3",
                      .instance = "here",
                      .loops = 1,
                      .batch = batch,
                      .queue = queue,
                      .interval_ms = 20,
                      .timeout_ms = 5000,
                      .retry_ms = 1};
    err e = {""};
    otlp *started = otlp_start(&o, &e);
    ck_assert_msg(started != NULL, "%s", e.text);
    return started;
}

static void put(otlp *o, unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        trace_span s = a_span(i);
        otlp_add(o, 0, &s);
    }
}

static otlp_counts counts_of(const otlp *o) {
    otlp_counts c;
    otlp_count(o, &c);
    return c;
}

static const json_value *span_of(const json_value *root, uint32_t i) {
    return json_at(json_pointer(root, STR("/resourceSpans/0/scopeSpans/0/spans")), i);
}

static const json_value *attribute_of(const json_value *list, const char *name) {
    for (json_iter it = json_iterate(list); json_next(&it);)
        if (str_eq(json_string(json_getl(it.value, "key")), str_from(name)))
            return json_getl(it.value, "value");
    return NULL;
}

static void is_text(const json_value *v, const char *expected) {
    ck_assert_msg(str_eq(json_string(v), str_from(expected)), "%.*s, not %s", STR_FMT(json_raw(v)), expected);
}

START_TEST(the_encoding) {
    trace_span s[2] = {a_span(7), a_span(8)};
    memset(s[1].parent_id, 0xcd, 8);
    s[1].kind = SPAN_SERVER;
    s[1].cached = true;
    s[1].outcome = PROBLEM_UPSTREAM_TIMEOUT;
    s[1].http_status = 504;
    s[1].attempt = 3;
    strcpy(s[1].connection, "shop");
    strcpy(s[1].plugin, "rest");
    strcpy(s[1].operation, "items.list");
    strcpy(s[1].execution, "ex_1");
    strcpy(s[1].name, "a \"name\" \xff");
    otlp_resource resource = {"busbar", "1.2.3", "host-1"};
    buf out;
    buf_init(&out);
    ck_assert(otlp_write_json(&out, &resource, s, 2));
    arena *a = arena_new(0);
    const json_value *root = json_read(a, buf_str(&out), NULL, NULL);
    ck_assert_ptr_nonnull(root);
    const json_value *about = json_pointer(root, STR("/resourceSpans/0/resource/attributes"));
    is_text(json_getl(attribute_of(about, "service.name"), "stringValue"), "busbar");
    is_text(json_getl(attribute_of(about, "service.version"), "stringValue"), "1.2.3");
    is_text(json_getl(attribute_of(about, "service.instance.id"), "stringValue"), "host-1");
    const json_value *first = span_of(root, 0), *second = span_of(root, 1);
    is_text(json_getl(first, "traceId"), "abababababababababababababababab");
    is_text(json_getl(first, "spanId"), "0000000000000007");
    ck_assert_ptr_null(json_getl(first, "parentSpanId"));
    is_text(json_getl(first, "startTimeUnixNano"), "1700000000000000001");
    is_text(json_getl(first, "endTimeUnixNano"), "1700000000250000000");
    ck_assert(str_eq(json_raw(json_getl(first, "kind")), STR("3")));
    ck_assert(str_eq(json_raw(json_getl(first, "status")), STR("{}")));
    ck_assert_uint_eq(json_count(json_getl(first, "attributes")), 0);
    ck_assert(str_eq(json_raw(json_getl(second, "kind")), STR("2")));
    is_text(json_getl(second, "parentSpanId"), "cdcdcdcdcdcdcdcd");
    is_text(json_getl(second, "name"), "a \"name\" \xef\xbf\xbd");
    ck_assert(str_eq(json_raw(json_pointer(second, STR("/status/code"))), STR("2")));
    is_text(json_pointer(second, STR("/status/message")), "upstream-timeout");
    const json_value *list = json_getl(second, "attributes");
    is_text(json_getl(attribute_of(list, "busbar.connection"), "stringValue"), "shop");
    is_text(json_getl(attribute_of(list, "busbar.plugin"), "stringValue"), "rest");
    is_text(json_getl(attribute_of(list, "busbar.operation"), "stringValue"), "items.list");
    is_text(json_getl(attribute_of(list, "busbar.execution.id"), "stringValue"), "ex_1");
    is_text(json_getl(attribute_of(list, "busbar.attempt"), "intValue"), "3");
    is_text(json_getl(attribute_of(list, "http.response.status_code"), "intValue"), "504");
    is_text(json_getl(attribute_of(list, "error.type"), "stringValue"), "upstream-timeout");
    ck_assert(json_bool(json_getl(attribute_of(list, "busbar.cached"), "boolValue"), false));
    arena_free(a);
    buf_free(&out);
}
END_TEST

START_TEST(what_a_collector_refuses) {
    ck_assert_uint_eq(otlp_rejected(STR("{}"), 9), 0);
    ck_assert_uint_eq(otlp_rejected(STR(""), 9), 0);
    ck_assert_uint_eq(otlp_rejected(STR("{\"partialSuccess\":{}}"), 9), 0);
    ck_assert_uint_eq(otlp_rejected(STR("{\"partialSuccess\":{\"rejectedSpans\":\"3\"}}"), 9), 3);
    ck_assert_uint_eq(otlp_rejected(STR("{\"partialSuccess\":{\"rejectedSpans\":4}}"), 9), 4);
    ck_assert_uint_eq(otlp_rejected(STR("{\"partialSuccess\":{\"rejectedSpans\":-4}}"), 9), 0);
    ck_assert_uint_eq(otlp_rejected(STR("{\"partialSuccess\":{\"rejectedSpans\":\"99\"}}"), 9), 9);
}
END_TEST

static unsigned spans_in(const buf *body) {
    arena *a = arena_new(0);
    const json_value *root = json_read(a, buf_str(body), NULL, NULL);
    ck_assert_ptr_nonnull(root);
    unsigned n = json_count(json_pointer(root, STR("/resourceSpans/0/scopeSpans/0/spans")));
    arena_free(a);
    return n;
}

START_TEST(batches) {
    static const char *const script[] = {OK_ANSWER, NULL};
    static const char *const headers[] = {"Authorization: Bearer secret", "X-Scope: a", NULL};
    collector_start(script);
    otlp *o = start(10, 64, headers);
    put(o, 0, 25);
    wait_for_requests(1);
    otlp_stop(o, 10000);
    unsigned all = 0;
    for (unsigned i = 0; i < requests(); i++) {
        ck_assert_uint_le(spans_in(&collector.bodies[i]), 10);
        all += spans_in(&collector.bodies[i]);
    }
    ck_assert_uint_eq(all, 25);
    ck_assert_ptr_nonnull(strstr(collector.head, "POST /v1/traces HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(collector.head, "Content-Type: application/json\r\n"));
    ck_assert_ptr_nonnull(strstr(collector.head, "Authorization: Bearer secret\r\n"));
    ck_assert_ptr_nonnull(strstr(collector.head, "X-Scope: a\r\n"));
    ck_assert_ptr_nonnull(strstr(collector.head, "User-Agent: busbar/1.2.3\r\n"));
    ck_assert_ptr_null(strstr(collector.head, "Expect:"));
    collector_stop();
}
END_TEST

/* The counts follow the answer: wait for them, bounded by the unit's own time limit. */
static void until_counted(const otlp *o, uint64_t exported, uint64_t dropped) {
    for (otlp_counts c = counts_of(o); c.exported + c.dropped < exported + dropped; c = counts_of(o))
        usleep(1000);
    otlp_counts c = counts_of(o);
    ck_assert_uint_eq(c.exported, exported);
    ck_assert_uint_eq(c.dropped, dropped);
}

START_TEST(repeats) {
    static const char *const script[] = {BUSY_ANSWER, "", "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n",
                                         OK_ANSWER, NULL};
    collector_start(script);
    otlp *o = start(10, 64, NULL);
    put(o, 0, 1);
    until_counted(o, 1, 0);
    /* libcurl itself sends once more on a connection that it reused and that was closed on it */
    ck_assert_uint_ge(requests(), 4);
    ck_assert(str_eq(buf_str(&collector.bodies[0]), buf_str(&collector.bodies[3])));
    ck_assert_uint_ge(counts_of(o).failed_requests, 2);
    otlp_stop(o, 10000);
    collector_stop();
}
END_TEST

START_TEST(waits_as_it_is_told) {
    static const char *const script[] = {
        "HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n", OK_ANSWER, NULL};
    collector_start(script);
    otlp *o = start(10, 64, NULL);
    put(o, 0, 1);
    wait_for_requests(1);
    usleep(200000); /* left to itself, it would have repeated within a few milliseconds */
    ck_assert_uint_eq(requests(), 1);
    otlp_stop(o, 10000); /* what is left is tried at once */
    ck_assert_uint_eq(requests(), 2);
    collector_stop();
}
END_TEST

START_TEST(gives_up) {
    static const char *const script[] = {BUSY_ANSWER, BUSY_ANSWER, BUSY_ANSWER, BUSY_ANSWER, OK_ANSWER, NULL};
    collector_start(script);
    otlp *o = start(10, 64, NULL);
    put(o, 0, 3);
    until_counted(o, 0, 3);
    ck_assert_uint_eq(counts_of(o).failed_requests, 4);
    put(o, 3, 5); /* the next ones are sent again */
    until_counted(o, 2, 3);
    buf metrics;
    buf_init(&metrics);
    otlp_render(o, &metrics);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&metrics), "\nbusbar_trace_spans_exported_total 2\n"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&metrics), "\nbusbar_trace_spans_dropped_total 3\n"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&metrics), "\nbusbar_trace_export_failures_total 4\n"));
    buf_free(&metrics);
    otlp_stop(o, 10000);
    collector_stop();
}
END_TEST

START_TEST(refused_for_good) {
    static const char *const script[] = {
        "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"partialSuccess\":{\"rejectedSpans\":\"1\"}}", NULL};
    collector_start(script);
    otlp *o = start(10, 64, NULL);
    put(o, 0, 2);
    until_counted(o, 0, 2);
    put(o, 2, 4);
    until_counted(o, 0, 4);
    put(o, 4, 7);
    until_counted(o, 2, 5);
    ck_assert_uint_eq(requests(), 3);
    ck_assert_uint_eq(counts_of(o).failed_requests, 2);
    otlp_stop(o, 10000);
    collector_stop();
}
END_TEST

START_TEST(nobody_listens) {
    listen_somewhere();
    close(collector.listener);
    otlp *o = start(10, 64, NULL);
    put(o, 0, 4);
    until_counted(o, 0, 4);
    ck_assert_uint_eq(counts_of(o).failed_requests, 4);
    put(o, 4, 8);
    otlp_stop(o, 0);
}
END_TEST

START_TEST(a_full_ring_drops) {
    static const char *const script[] = {"-", NULL};
    collector_start(script);
    otlp *o = start(4, 16, NULL);
    put(o, 0, 4);
    wait_for_requests(1); /* the thread is busy with these four */
    put(o, 4, 24);
    ck_assert_uint_eq(counts_of(o).dropped, 4); /* 16 wait */
    otlp_stop(o, 0);                            /* a silent collector does not hold it up */
    collector_stop();
}
END_TEST

/* One loop puts while the thread takes: nothing is lost or comes twice, whatever the interleaving. */
START_TEST(ring_of_two_threads) {
    static const char *const script[] = {OK_ANSWER, NULL};
    collector_start(script);
    otlp *o = start(512, 4096, NULL);
    for (unsigned i = 0; i < 20000; i++) {
        trace_span s = a_span(i);
        otlp_add(o, 0, &s);
        if (i % 1000 == 0)
            usleep(2000);
    }
    otlp_counts c = counts_of(o);
    while (c.exported + c.dropped < 20000) {
        usleep(1000);
        c = counts_of(o);
    }
    unsigned all = 0;
    for (unsigned i = 0; i < requests(); i++)
        all += spans_in(&collector.bodies[i]);
    ck_assert_uint_eq(all, c.exported);
    ck_assert_uint_eq(c.exported + c.dropped, 20000);
    otlp_stop(o, 10000);
    collector_stop();
}
END_TEST

START_TEST(options) {
    err e = {""};
    otlp_options o = {.loops = 1};
    ck_assert_ptr_null(otlp_start(&o, &e));
    ck_assert_str_eq(e.text, "");
    static const char *const bad[] = {"", "nonsense", "ftp://127.0.0.1/", "http://", "127.0.0.1:4318"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        o.endpoint = bad[i];
        e.text[0] = '\0';
        ck_assert_ptr_null(otlp_start(&o, &e));
        ck_assert_msg(strstr(e.text, "no http or https URL") != NULL, "%s: %s", bad[i], e.text);
    }
    otlp_stop(NULL, 1);
    otlp_add(NULL, 0, NULL);
    ck_assert_uint_eq(counts_of(NULL).exported, 0);
}
END_TEST

UNIT_MAIN(unit_test(the_encoding), unit_test(what_a_collector_refuses), unit_test(batches),
          unit_test(repeats), unit_test(waits_as_it_is_told), unit_test(gives_up),
          unit_test(refused_for_good), unit_test(nobody_listens), unit_test(a_full_ring_drops),
          unit_test(ring_of_two_threads), unit_test(options))
