#include "observe/otlp.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "observe/otlp_json.h"
#include "observe/otlp_ring.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define REPEATS 3u
#define PAUSE_MAX_MS 30000u
#define ANSWER_MAX (64u << 10) /* of a collector's answer, what is read */

typedef _Atomic(uint64_t) counter;

struct otlp {
    otlp_resource resource;
    char *texts[4]; /* the options' texts, copied: endpoint, service, version, instance */
    struct curl_slist *headers;
    unsigned loops, batch, interval_ms, timeout_ms, retry_ms;
    otlp_ring *rings;
    int wake; /* an eventfd: a ring has a batch, or otlp_stop was called */
    pthread_t thread;
    atomic_bool stopping;
    _Atomic(uint64_t) stop_at; /* clock_ns; set before `stopping` */
    counter exported, lost, failed_requests;
    /* the thread's own */
    CURLM *multi;
    CURL *easy;
    trace_span *spans;
    buf body, answer;
    unsigned seed;
    bool failing; /* it has been logged */
};

static void add(counter *c, uint64_t n) {
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

/* --- the loops' side ---------------------------------------------------------------------------------- */

void otlp_add(otlp *o, unsigned loop_index, const trace_span *span) {
    if (o == NULL || loop_index >= o->loops)
        return;
    /* Once a batch: a write to an eventfd does not block before 2^64 of them. */
    if (ring_put(&o->rings[loop_index], span) == o->batch && eventfd_write(o->wake, 1) != 0)
        return; /* then the interval wakes it */
}

void otlp_count(const otlp *o, otlp_counts *out) {
    *out = (otlp_counts){0};
    if (o == NULL)
        return;
    out->exported = metric_get(&o->exported);
    out->failed_requests = metric_get(&o->failed_requests);
    out->dropped = metric_get(&o->lost);
    for (unsigned i = 0; i < o->loops; i++)
        out->dropped += metric_get(&o->rings[i].dropped);
}

void otlp_render(const otlp *o, buf *out) {
    otlp_counts counts;
    if (o == NULL)
        return;
    otlp_count(o, &counts);
    metric_put(out, "busbar_trace_spans_exported_total", "counter", "Spans that the collector took.",
               counts.exported);
    metric_put(out, "busbar_trace_spans_dropped_total", "counter", "Spans that were dropped.",
               counts.dropped);
    metric_put(out, "busbar_trace_export_failures_total", "counter", "Requests to the collector that failed.",
               counts.failed_requests);
}

/* --- waiting ---------------------------------------------------------------------------------------------
 */

static bool stopping(otlp *o) {
    return atomic_load_explicit(&o->stopping, memory_order_acquire);
}

/* Milliseconds that the thread may still work; while nobody stops it, more than it ever needs. */
static uint64_t time_left_ms(otlp *o) {
    if (!stopping(o))
        return UINT32_MAX;
    uint64_t now = clock_ns(), at = atomic_load_explicit(&o->stop_at, memory_order_relaxed);
    return now < at ? (at - now + 999999) / 1000000 : 0;
}

/* Until the eventfd wakes it, curl has something to do, or the time is over. */
static void wait_ms(otlp *o, uint64_t ms) {
    struct curl_waitfd wake = {.fd = o->wake, .events = CURL_WAIT_POLLIN};
    uint64_t left = time_left_ms(o);
    ms = ms < left ? ms : left;
    if (curl_multi_poll(o->multi, &wake, 1, (int)(ms < INT32_MAX ? ms : INT32_MAX), NULL) != CURLM_OK)
        usleep(10000);
    eventfd_t n;
    if (wake.revents != 0 && eventfd_read(o->wake, &n) != 0)
        return; /* read already */
}

/* A pause that a full ring does not cut short, but otlp_stop does. */
static void pause_ms(otlp *o, uint64_t ms) {
    uint64_t until = clock_ns() + ms * 1000000;
    for (uint64_t now = clock_ns(); now < until && !stopping(o); now = clock_ns())
        wait_ms(o, (until - now + 999999) / 1000000);
}

/* --- requests --------------------------------------------------------------------------------------------
 */

static size_t on_answer(char *bytes, size_t one, size_t n, void *ctx) {
    otlp *o = ctx;
    size_t room = ANSWER_MAX - o->answer.len, all = one * n;
    buf_add(&o->answer, bytes, all < room ? all : room);
    return all;
}

static CURLcode perform(otlp *o) {
    CURLcode code = CURLE_OPERATION_TIMEDOUT;
    int running = 1, left;
    curl_multi_add_handle(o->multi, o->easy);
    while (time_left_ms(o) > 0 && curl_multi_perform(o->multi, &running) == CURLM_OK && running > 0)
        wait_ms(o, 1000);
    for (CURLMsg *m; (m = curl_multi_info_read(o->multi, &left)) != NULL;)
        if (m->msg == CURLMSG_DONE)
            code = m->data.result;
    curl_multi_remove_handle(o->multi, o->easy);
    return code;
}

typedef enum { SENT, REPEAT, REFUSED } verdict;

static verdict judge(CURLcode code, long status) {
    if (code != CURLE_OK)
        return REPEAT;
    if (status >= 200 && status < 300)
        return SENT;
    return status == 429 || status == 502 || status == 503 || status == 504 ? REPEAT : REFUSED;
}

/* One line when it begins to fail and one when it works again, however many batches there are. */
static void tell(otlp *o, verdict v, CURLcode code, long status, uint64_t spans) {
    if (v == SENT && o->failing)
        log_info("traces: the collector takes spans again");
    else if (v != SENT && !o->failing && code != CURLE_OK)
        log_warn(
            "traces: the collector cannot be reached (%s), %llu spans dropped; see otlp_endpoint in [trace] "
            "of busbar.conf",
            curl_easy_strerror(code), (unsigned long long)spans);
    else if (v != SENT && !o->failing)
        log_warn(
            "traces: the collector answered %ld, %llu spans dropped; see otlp_endpoint and otlp_headers in "
            "[trace] of busbar.conf",
            status, (unsigned long long)spans);
    o->failing = v != SENT;
}

/* Exponential with full jitter, or what the collector asks for. */
static uint64_t next_pause(otlp *o, unsigned repeat) {
    curl_off_t asked = 0;
    uint64_t most = (uint64_t)o->retry_ms << repeat;
    if (curl_easy_getinfo(o->easy, CURLINFO_RETRY_AFTER, &asked) == CURLE_OK && asked > 0)
        return asked < PAUSE_MAX_MS / 1000 ? (uint64_t)asked * 1000 : PAUSE_MAX_MS;
    most = most < PAUSE_MAX_MS ? most : PAUSE_MAX_MS;
    return 1 + (uint64_t)rand_r(&o->seed) % (most > 0 ? most : 1);
}

static verdict send_once(otlp *o, CURLcode *code, long *status) {
    uint64_t left = time_left_ms(o);
    buf_clear(&o->answer);
    curl_easy_setopt(o->easy, CURLOPT_TIMEOUT_MS, (long)(left < o->timeout_ms ? left : o->timeout_ms));
    curl_easy_setopt(o->easy, CURLOPT_POSTFIELDS, o->body.ptr);
    curl_easy_setopt(o->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)o->body.len);
    *code = perform(o);
    *status = 0;
    curl_easy_getinfo(o->easy, CURLINFO_RESPONSE_CODE, status);
    verdict v = judge(*code, *status);
    if (v != SENT)
        add(&o->failed_requests, 1);
    return v;
}

static void send_batch(otlp *o, size_t n) {
    CURLcode code = CURLE_OUT_OF_MEMORY;
    long status = 0;
    verdict v = REFUSED;
    if (otlp_write_json(&o->body, &o->resource, o->spans, n)) {
        v = send_once(o, &code, &status);
        for (unsigned i = 0; i < REPEATS && v == REPEAT; i++) {
            pause_ms(o, next_pause(o, i));
            if (time_left_ms(o) == 0)
                break;
            v = send_once(o, &code, &status);
        }
    }
    uint64_t rejected = v == SENT ? otlp_rejected(buf_str(&o->answer), n) : n;
    add(&o->exported, n - rejected);
    add(&o->lost, rejected);
    tell(o, v, code, status, n);
}

/* --- the thread --------------------------------------------------------------------------------------------
 */

static uint64_t waiting(const otlp *o) {
    uint64_t n = 0;
    for (unsigned i = 0; i < o->loops; i++)
        n += ring_waiting(&o->rings[i]);
    return n;
}

static size_t take(otlp *o, size_t most) {
    size_t n = 0;
    for (unsigned i = 0; i < o->loops; i++)
        n += ring_take(&o->rings[i], o->spans + n, most - n);
    return n;
}

static void drop_rest(otlp *o) {
    for (size_t n = take(o, o->batch); n > 0; n = take(o, o->batch))
        add(&o->lost, n);
}

static void *run(void *arg) {
    otlp *o = arg;
    for (uint64_t sent_at = clock_ns(); !stopping(o);) {
        uint64_t due = sent_at + (uint64_t)o->interval_ms * 1000000, now = clock_ns();
        if (waiting(o) < o->batch && now < due) {
            wait_ms(o, (due - now + 999999) / 1000000);
            continue;
        }
        size_t n = take(o, o->batch);
        if (n > 0)
            send_batch(o, n);
        sent_at = clock_ns();
    }
    while (time_left_ms(o) > 0 && waiting(o) > 0)
        send_batch(o, take(o, o->batch));
    drop_rest(o);
    return NULL;
}

/* --- start and stop --------------------------------------------------------------------------------------
 */

static bool make_rings(otlp *o, unsigned queue) {
    uint64_t size = 2;
    while (size < queue)
        size *= 2;
    o->rings = aligned_alloc(64, o->loops * sizeof *o->rings);
    if (o->rings == NULL)
        return false;
    memset(o->rings, 0, o->loops * sizeof *o->rings);
    bool ok = true;
    for (unsigned i = 0; i < o->loops; i++) {
        o->rings[i].size = size;
        o->rings[i].slots = calloc(size, sizeof *o->rings[i].slots);
        ok = ok && o->rings[i].slots != NULL;
    }
    return ok;
}

static bool make_headers(otlp *o, const char *const *headers) {
    static const char *const own[] = {"Content-Type: application/json", "Expect:", NULL};
    const char *const *const lists[] = {own, headers};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; lists[l] != NULL && lists[l][i] != NULL; i++) {
            struct curl_slist *more = curl_slist_append(o->headers, lists[l][i]);
            if (more == NULL)
                return false;
            o->headers = more;
        }
    return true;
}

static bool make_client(otlp *o) {
    char agent[64];
    curl_global_init(CURL_GLOBAL_DEFAULT);
    o->multi = curl_multi_init();
    o->easy = curl_easy_init();
    if (o->multi == NULL || o->easy == NULL)
        return false;
    snprintf(agent, sizeof agent, "busbar/%s", o->resource.version != NULL ? o->resource.version : "");
    curl_easy_setopt(o->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(o->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(o->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(o->easy, CURLOPT_USERAGENT, agent);
    curl_easy_setopt(o->easy, CURLOPT_HTTPHEADER, o->headers);
    curl_easy_setopt(o->easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(o->easy, CURLOPT_WRITEDATA, o);
    curl_easy_setopt(o->easy, CURLOPT_POST, 1L);
    return curl_easy_setopt(o->easy, CURLOPT_URL, o->texts[0]) == CURLE_OK;
}

static bool start_thread(otlp *o) {
    sigset_t all, before;
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&o->thread, NULL, run, o) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok)
        pthread_setname_np(o->thread, "traces");
    return ok;
}

static void wipe_headers(struct curl_slist *headers) {
    for (struct curl_slist *h = headers; h != NULL; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(headers);
}

static void discard(otlp *o) {
    curl_easy_cleanup(o->easy);
    curl_multi_cleanup(o->multi);
    wipe_headers(o->headers);
    for (unsigned i = 0; o->rings != NULL && i < o->loops; i++)
        free(o->rings[i].slots);
    for (size_t i = 0; i < sizeof o->texts / sizeof o->texts[0]; i++)
        free(o->texts[i]);
    if (o->wake >= 0)
        close(o->wake);
    free(o->rings);
    free(o->spans);
    buf_free(&o->body);
    buf_free(&o->answer);
    free(o);
}

static unsigned or_default(unsigned value, unsigned otherwise) {
    return value > 0 ? value : otherwise;
}

static bool prepare(otlp *o, const otlp_options *options) {
    const char *const texts[] = {options->endpoint, options->service != NULL ? options->service : "busbar",
                                 options->version, options->instance};
    for (size_t i = 0; i < 4; i++)
        if (texts[i] != NULL && (o->texts[i] = strdup(texts[i])) == NULL)
            return false;
    o->resource = (otlp_resource){o->texts[1], o->texts[2], o->texts[3]};
    o->loops = or_default(options->loops, 1);
    o->batch = or_default(options->batch, 512);
    o->interval_ms = or_default(options->interval_ms, 1000);
    o->timeout_ms = or_default(options->timeout_ms, 10000);
    o->retry_ms = or_default(options->retry_ms, 500);
    o->seed = (unsigned)(clock_ns() ^ (uintptr_t)o);
    o->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    o->spans = calloc(o->batch, sizeof *o->spans);
    return o->wake >= 0 && o->spans != NULL && make_rings(o, or_default(options->queue, 4096)) &&
           make_headers(o, options->headers) && make_client(o);
}

static bool is_http_url(const char *text) {
    CURLU *url = curl_url();
    char *scheme = NULL;
    bool ok = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
              curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_url_cleanup(url);
    return ok;
}

otlp *otlp_start(const otlp_options *options, err *e) {
    if (options->endpoint == NULL)
        return NULL;
    if (!is_http_url(options->endpoint)) { /* it is not shown: it may hold a password */
        err_set(e, "the endpoint for traces is no http or https URL; it looks like "
                   "http://127.0.0.1:4318/v1/traces");
        return NULL;
    }
    otlp *o = calloc(1, sizeof *o);
    if (o != NULL)
        o->wake = -1;
    if (o != NULL && prepare(o, options) && start_thread(o))
        return o;
    err_set(e, "the export of traces cannot start: no memory or no descriptors");
    if (o != NULL)
        discard(o);
    return NULL;
}

void otlp_stop(otlp *o, uint64_t grace_ms) {
    if (o == NULL)
        return;
    atomic_store_explicit(&o->stop_at, clock_ns() + grace_ms * 1000000, memory_order_relaxed);
    atomic_store_explicit(&o->stopping, true, memory_order_release);
    eventfd_write(o->wake, 1);
    pthread_join(o->thread, NULL);
    discard(o);
}
