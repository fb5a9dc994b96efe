/* session.h - a connector on sessions that passes every check: an eventfd that a wait ends by. Each file
 * beside this one breaks one thing in it, by a macro that stands before the include. */
#ifndef SESSION_H
#define SESSION_H

#include <busbar/busbar.h>
#include <busbar/session.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#ifndef IN_OPEN
#define IN_OPEN
#endif
#ifndef IN_CHECK
#define IN_CHECK
#endif
#ifndef IN_RUN
#define IN_RUN
#endif
#ifndef CLOSE
#define CLOSE(fd) close(fd)
#endif
#ifndef IN_CLOSE
#define IN_CLOSE
#endif
#ifndef RUN_ID
#define RUN_ID "wait"
#endif

typedef struct link {
    int fd;
} link_;

static bb_code open_session(bb_session *session) {
    IN_OPEN
    link_ *l = malloc(sizeof *l);
    if (l == NULL)
        return bb_session_fail(session, BB_E_NO_MEMORY, "no memory");
    l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    session->handle = l;
    return BB_OK;
}

static bb_code check_session(bb_session *session) {
    IN_CHECK
    return ((link_ *)session->handle)->fd >= 0 ? BB_OK : BB_E_UPSTREAM;
}

static void close_session(bb_session *session) {
    link_ *l = session->handle;
    IN_CLOSE
    CLOSE(l->fd);
    free(l);
}

static void interrupt_session(bb_session *session) {
    uint64_t one = 1;
    if (write(((link_ *)session->handle)->fd, &one, sizeof one) < 0)
        return;
}

/* Waits as long as it is told, or until it is interrupted. */
static bb_step wait_run(bb_call *call, bb_session *session) {
    int64_t ms = 0, left = call->host->call->time_left_ms(call);
    struct pollfd p = {.fd = ((link_ *)session->handle)->fd, .events = POLLIN};
    uint64_t drop;
    IN_RUN
    call->host->json->to_int64(bb_in(call, "ms"), &ms);
    poll(&p, 1, (int)(ms < left ? ms : left));
    if (read(p.fd, &drop, sizeof drop) > 0 || call->host->call->cancelled(call))
        return bb_fail(call, BB_E_CANCELLED, "nobody waits");
    bb_json_writer *w = call->host->json->writer(call);
    call->host->json->put_int64(w, ms);
    return bb_done_writer(call, w);
}

static const bb_operation wait_ = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE,
    .id = "wait",
    .summary = "Waits",
    .input_schema = "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":"
                    "{\"ms\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":60000}}}",
    .output_schema = "{\"type\":\"integer\"}",
    .examples = "[{\"summary\":\"long\",\"input\":{\"ms\":20},\"output\":20}]",
    .start = bb_session_start};
static const bb_operation *const operations[] = {&wait_, NULL};
static const bb_session_operation waiting = {BB_SIZE(bb_session_operation), .operation = RUN_ID,
                                             .run = wait_run};
static const bb_session_operation *const on_sessions[] = {&waiting, NULL};
static const bb_session_extension sessions = {BB_SIZE(bb_session_extension),  .open = open_session,
                                              .check = check_session,         .close = close_session,
                                              .interrupt = interrupt_session, .operations = on_sessions};
static const bb_plugin plugin = {BB_SIZE(bb_plugin),
                                 .id = ID,
                                 .name = "Session",
                                 .version = "1.0.0",
                                 .summary = "For the tests of busbar check",
                                 .operations = operations};
static const bb_extension extensions[] = {{BB_EXT_SESSION, &sessions}, {NULL, NULL}};
BUSBAR_PLUGIN_WITH(plugin, extensions);

#endif
