/* wild.c - a connector for isolation.test.mjs that does what no connector should: each operation is one such
 * thing, named `do` in the input where there are several.
 *
 *     echo     a request to the service, and its answer: what goes well
 *     pages    three pages of three items each
 *     twice    two requests, with a value kept between them
 *     harm     in its first step, or with "late" after an answer: crash, abort, exit, hang, leak, garbage,
 *              close, pause
 *     attempt  what its confinement must not let it: gives errno, or what it found
 *     output   gives "text" as its output, whatever that is
 *
 * Settings: "when" - what it does in `create`: refuse, crash, hang, or in a constructor (built with
 * -DCONSTRUCTOR). */
#include <busbar/busbar.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int is(bb_call *call, const bb_json *from, const char *member, const char *value) {
    bb_str text = bb_text(call, bb_get(call, from, member));
    return text.len == strlen(value) && memcmp(text.ptr, value, text.len) == 0;
}

/* --- what goes well ------------------------------------------------------------------------------ */

static bb_step echo_start(bb_call *call) {
    bb_request(call, "GET", "/echo");
    call->host->http->query(call, bb_s("say"), bb_text(call, bb_get(call, call->input, "say")));
    call->host->http->header(call, bb_s("X-Wild"), bb_s(""));
    call->host->log->write_call(call, BB_LOG_INFO, bb_s("about to echo"));
    return BB_SEND;
}

static bb_step pages_start(bb_call *call) {
    char text[200];
    int page = call->cursor.len > 0 ? call->cursor.ptr[0] - '0' : 0;
    int n = snprintf(text, sizeof text, "{\"items\":[%d,%d,%d]}", page * 3, page * 3 + 1, page * 3 + 2);
    call->host->call->done_text(call, (bb_str){text, (size_t)n});
    char next = (char)('0' + page + 1);
    if (page < 2)
        call->host->call->next_cursor(call, (bb_str){&next, 1});
    return BB_DONE;
}

static bb_step twice_start(bb_call *call) {
    *(const bb_json **)call->state = call->input;
    bb_request(call, "POST", "/echo");
    call->host->http->body_json(call, call->input);
    return BB_SEND;
}

static bb_step twice_resume(bb_call *call) {
    const bb_json **kept = call->state;
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_s(NULL));
    if (call->step == 1) {
        *kept = bb_get(call, bb_response(call), "method"); /* of an answer whose buffer is used again */
        bb_request(call, "PUT", "/echo");
        call->host->http->form(call, bb_s("a b"), bb_s("c&d"));
        return BB_SEND;
    }
    call->host->call->done_value(call, *kept);
    return BB_DONE;
}

/* --- harm ---------------------------------------------------------------------------------------- */

static void *keep_all;

static void leak(void) {
    for (int i = 0; i < 1 << 20; i++) {
        char *piece = malloc(1 << 20);
        if (piece == NULL)
            abort();
        memset(piece, i, 1 << 20);
        keep_all = piece;
    }
}

static void garbage(void) {
    char noise[4096];
    memset(noise, 0xff, sizeof noise);
    for (int fd = 3; fd < 16; fd++)
        (void)!write(fd, noise, sizeof noise);
}

static bb_step do_harm(bb_call *call) {
    const bb_json *in = call->input;
    if (is(call, in, "do", "crash"))
        *(volatile int *)8 = 1;
    else if (is(call, in, "do", "abort"))
        abort();
    else if (is(call, in, "do", "exit"))
        exit(7);
    else if (is(call, in, "do", "hang"))
        for (;;)
            (void)*(volatile int *)in;
    else if (is(call, in, "do", "pause"))
        usleep(100000);
    else if (is(call, in, "do", "leak"))
        leak();
    else if (is(call, in, "do", "garbage"))
        garbage();
    else if (is(call, in, "do", "close"))
        for (int fd = 3; fd < 16; fd++)
            close(fd);
    else if (is(call, in, "do", "print"))
        for (int i = 0; i < 1000; i++)
            fprintf(stderr, "line %d\n", i);
    call->host->call->done_text(call, bb_s("{\"harmless\":true}"));
    return BB_DONE;
}

static bb_step harm_start(bb_call *call) {
    if (!is(call, call->input, "when", "late"))
        return do_harm(call);
    bb_request(call, is(call, call->input, "method", "POST") ? "POST" : "GET", "/echo");
    return BB_SEND;
}

static bb_step harm_resume(bb_call *call) {
    return do_harm(call);
}

/* --- attempts ------------------------------------------------------------------------------------- */

static int try_it(bb_call *call, const bb_json *in) {
    bb_str path = bb_text(call, bb_get(call, in, "path"));
    char name[512];
    snprintf(name, sizeof name, "%.*s", (int)path.len, path.ptr);
    errno = 0;
    if (is(call, in, "do", "open"))
        (void)open(name, O_RDONLY);
    else if (is(call, in, "do", "environ"))
        return getenv("WILD_SECRET") != NULL ? -1 : ENOENT;
    else if (is(call, in, "do", "kill"))
        (void)kill(getppid(), SIGKILL);
    else if (is(call, in, "do", "fork"))
        (void)fork();
    else if (is(call, in, "do", "exec"))
        (void)execl("/bin/true", "true", (char *)NULL);
    else if (is(call, in, "do", "socket"))
        (void)socket(AF_INET, SOCK_STREAM, 0);
    else if (is(call, in, "do", "ptrace"))
        (void)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
    else if (is(call, in, "do", "limit"))
        (void)setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
    else if (is(call, in, "do", "unlink"))
        (void)unlink(name);
    return errno;
}

static bb_step attempt_start(bb_call *call) {
    char text[64];
    int n = snprintf(text, sizeof text, "{\"errno\":%d}", try_it(call, call->input));
    call->host->call->done_text(call, (bb_str){text, (size_t)n});
    return BB_DONE;
}

static bb_step output_start(bb_call *call) {
    call->host->call->done_text(call, bb_text(call, bb_get(call, call->input, "text")));
    return BB_DONE;
}

/* --- life ------------------------------------------------------------------------------------------ */

#ifdef CONSTRUCTOR
__attribute__((constructor)) static void constructor(void) {
    CONSTRUCTOR;
}
#endif

static bb_code create(const bb_connection *c, void **instance) {
    bb_str when = c->host->json->string(c->host->json->get(c->settings, bb_s("when")));
    *instance = NULL;
    if (when.len == 6 && memcmp(when.ptr, "refuse", 6) == 0) {
        c->host->reject(c, "/when", "it shall refuse");
        return BB_E_CONFIG;
    }
    if (when.len == 5 && memcmp(when.ptr, "crash", 5) == 0)
        abort();
    while (when.len == 4 && memcmp(when.ptr, "hang", 4) == 0)
        usleep(1000);
    return BB_OK;
}

static void destroy(void *instance) {
    (void)instance;
}

#define OPERATION(name, flag, bytes, where, step, next)                                                 \
    static const bb_operation name = {BB_SIZE(bb_operation), .flags = (flag),         .id = #name,      \
                                      .state_size = (bytes), .summary = "For a test", .items = (where), \
                                      .start = (step),       .resume = (next)}

OPERATION(echo, BB_OP_SAFE, 0, NULL, echo_start, NULL);
OPERATION(pages, BB_OP_SAFE | BB_OP_PAGINATED, 0, "/items", pages_start, NULL);
OPERATION(twice, 0, sizeof(void *), NULL, twice_start, twice_resume);
OPERATION(harm, 0, 0, NULL, harm_start, harm_resume);
OPERATION(attempt, BB_OP_SAFE, 0, NULL, attempt_start, NULL);
OPERATION(output, BB_OP_SAFE, 0, NULL, output_start, NULL);

static const bb_operation *const operations[] = {&echo, &pages, &twice, &harm, &attempt, &output, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "wild",
    .name = "Wild",
    .version = "1.0.0",
    .summary = "Does what no connector should",
    .settings_schema = "{\"type\":\"object\",\"properties\":{\"base_url\":{\"type\":\"string\"},"
                       "\"when\":{\"type\":\"string\"}},\"additionalProperties\":false}",
    .operations = operations,
    .create = create,
    .destroy = destroy,
};

BUSBAR_PLUGIN(plugin);
