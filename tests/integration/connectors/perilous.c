/* perilous.c - a connector that does, when told to, what no connector may: crash in every place, block, and
 * forget memory: settings `keep` (bytes of the host's), `forget`. */
#include <busbar/auth.h>
#include <busbar/busbar.h>
#include <busbar/memory.h>

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int *volatile nowhere = (int *)64;
static volatile unsigned deep;

static unsigned recurse(unsigned n) {
    volatile char here[512];
    here[n % 512] = (char)n;
    if (deep == 0)
        deep = recurse(n + 1) + (unsigned)here[7];
    return deep;
}

static void block(int64_t ms) {
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static void do_as_told(bb_call *call) {
    bb_str how = bb_in_text(call, "how");
    int64_t ms = 0;
    if (bb_str_eq(how, "segv"))
        *nowhere = 1;
    else if (bb_str_eq(how, "abort"))
        abort();
    else if (bb_str_eq(how, "fpe"))
        raise(SIGFPE);
    else if (bb_str_eq(how, "overflow"))
        recurse(0);
    else if (bb_str_eq(how, "block") && call->host->json->to_int64(bb_in(call, "ms"), &ms))
        block(ms);
}

#define INPUT \
    "{\"type\":\"object\",\"properties\":{\"how\":{\"type\":\"string\"},\"ms\":{\"type\":\"integer\"}}}"

static bb_step go_start(bb_call *call) {
    do_as_told(call);
    return bb_done_text(call, bb_s("{\"ok\":true}"));
}
static const bb_operation go = {BB_SIZE(bb_operation), .id = "go", .summary = "does it at once",
                                .input_schema = INPUT, .start = go_start};

static bb_step send_start(bb_call *call) {
    bb_request(call, "GET", "/");
    return BB_SEND;
}
static bb_step send_resume(bb_call *call) {
    do_as_told(call);
    return bb_done_text(call, bb_s("{\"ok\":true}"));
}
static const bb_operation later = {
    BB_SIZE(bb_operation), .id = "send",        .summary = "does it once there is an answer",
    .input_schema = INPUT, .start = send_start, .resume = send_resume};

#ifndef PLAIN
static bb_step sign(bb_call *call, const bb_auth_request *request) {
    if (memmem(request->url.ptr, request->url.len, "/sign", 5) != NULL)
        *nowhere = 1;
    bb_auth_header(call, "Authorization", bb_s("x"));
    return BB_DONE;
}
#endif
static bb_step sign_start(bb_call *call) {
    bb_request(call, "GET", "/sign");
    return BB_SEND;
}
static const bb_operation signed_one = {BB_SIZE(bb_operation), .id = "sign",
                                        .summary = "does it while it is signed", .start = sign_start};

#ifndef PLAIN
static const bb_custom_auth odd = {BB_SIZE(bb_custom_auth), .id = "odd", .summary = "signs oddly",
                                   .sign = sign};
static const bb_custom_auth *const schemes[] = {&odd, NULL};
static const bb_auth_extension extension = {BB_SIZE(bb_auth_extension), .schemes = schemes};
static const void *get_extension(const char *id) {
    return strcmp(id, BB_EXT_AUTH) == 0 ? &extension : NULL;
}
#endif

/* The process that tries it out is let off. */
static int is_tried(void) {
    char text[4096] = "";
    FILE *f = fopen("/proc/self/cmdline", "r");
    size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f != NULL)
        fclose(f);
    return memmem(text, n, "\0probe", 6) != NULL || memmem(text, n, "\0plan", 5) != NULL;
}

typedef struct holding {
    const bb_connection *connection;
    void *kept;
    int forget;
} holding;

static bb_code create(const bb_connection *c, void **instance) {
    bb_str how = c->host->json->string(c->host->json->get(c->settings, bb_s("create")));
    int64_t keep = 0;
    if (bb_str_eq(how, "segv") && !is_tried())
        *nowhere = 1;
    holding *h = bb_connection_zalloc(c, sizeof *h);
    if (h == NULL)
        return BB_E_NO_MEMORY;
    h->connection = c;
    h->forget = c->host->json->to_bool(c->host->json->get(c->settings, bb_s("forget")), 0);
    if (c->host->json->to_int64(c->host->json->get(c->settings, bb_s("keep")), &keep))
        h->kept = bb_connection_zalloc(c, (size_t)keep);
    *instance = h;
    if (keep == 0 || h->kept != NULL)
        return BB_OK;
    bb_connection_free(c, h);
    c->host->reject(c, "/keep", "there is not so much memory");
    return BB_E_CONFIG;
}
static void destroy(void *instance) {
    holding *h = instance;
    const bb_connection *c = h->connection;
    if (!h->forget)
        bb_connection_free(c, h->kept);
    bb_connection_free(c, h);
}

static const bb_operation *const operations[] = {&go, &later, &signed_one, NULL};
static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "perilous",
    .name = "Perilous",
    .version = "1.2.3",
    .summary = "what no connector may do",
    .settings_schema = "{\"type\":\"object\",\"properties\":{\"base_url\":{\"type\":\"string\"},\"create\":{"
                       "\"type\":\"string\"},"
                       "\"keep\":{\"type\":\"integer\"},\"forget\":{\"type\":\"boolean\"}}}",
    .operations = operations,
    .create = create,
    .destroy = destroy,
};
#ifdef PLAIN /* nothing but operations: it can run in a process of its own */
BUSBAR_PLUGIN(plugin);
#else
BUSBAR_PLUGIN_EXT(plugin, get_extension);
#endif
