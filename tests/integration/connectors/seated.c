/* seated.c - a connector on sessions that fails in every way there is, for tests of the hub's pool. Built by
 * them. Its settings say where a file is that has to be there for a session to open. */
#include <busbar/busbar.h>
#include <busbar/session.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static _Atomic(int) opens, runs, broken;

static bb_code open_session(bb_session *session) {
    char path[512];
    bb_str gate = session->host->json->string(session->host->json->get(session->settings, bb_s("gate")));
    snprintf(path, sizeof path, "%.*s", (int)gate.len, gate.ptr);
    opens++;
    if (access(path, R_OK) != 0)
        return bb_session_fail(session, BB_E_UPSTREAM_UNAVAILABLE, "the gate is shut");
    session->handle = malloc(1);
    return session->handle != NULL ? BB_OK : BB_E_NO_MEMORY;
}

static void close_session(bb_session *session) {
    free(session->handle);
}

static bb_step count_run(bb_call *call, bb_session *session) {
    bb_json_writer *w = call->host->json->writer(call);
    (void)session;
    call->host->json->begin_object(w);
    call->host->json->key(w, bb_s("opens"));
    call->host->json->put_int64(w, opens);
    call->host->json->key(w, bb_s("runs"));
    call->host->json->put_int64(w, runs);
    call->host->json->end_object(w);
    return bb_done_writer(call, w);
}

/* An error that quotes what the hub must not let out. */
static bb_step login_run(bb_call *call, bb_session *session) {
    bb_str user = bb_session_credential(session, "username"),
           password = bb_session_credential(session, "password");
    return bb_fail(call, BB_E_UPSTREAM_AUTH, "%.*s may not come in with %.*s", (int)user.len, user.ptr,
                   (int)password.len, password.ptr);
}

/* The session breaks in every first run of two. */
static bb_step lose_run(bb_call *call, bb_session *session) {
    runs++;
    if (broken++ % 2 == 0) {
        bb_session_broken(session, call->host->json->to_bool(bb_in(call, "acted"), 0));
        return bb_fail(call, BB_E_UPSTREAM_UNAVAILABLE, "the connection was lost");
    }
    return bb_done_value(call, call->input);
}

/* Comes back when it likes, whatever anybody says. */
static bb_step deaf_run(bb_call *call, bb_session *session) {
    int64_t ms = 0;
    (void)session;
    call->host->json->to_int64(bb_in(call, "ms"), &ms);
    for (; ms > 0; ms -= 10)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    return bb_done_value(call, call->input);
}

/* Says how far it is, faster than anybody can hear it, and stays until a file is there, or its time is over.
 */
static bb_step tell_run(bb_call *call, bb_session *session) {
    char path[512], state[64];
    bb_str file = bb_in_text(call, "until"), password = bb_session_credential(session, "password");
    int64_t steps = 0;
    call->host->json->to_int64(bb_in(call, "steps"), &steps);
    snprintf(path, sizeof path, "%.*s", (int)file.len, file.ptr);
    snprintf(state, sizeof state, "for %.*s", (int)password.len, password.ptr);
    for (int64_t i = 1; i <= steps; i++)
        bb_progress(call, i, steps, "steps", bb_s(state));
    while (access(path, R_OK) != 0 && !bb_session_cancelled(session))
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    return bb_done_value(call, call->input);
}

#define OPERATION(name, op_flags)                                                                     \
    static const bb_operation name = {BB_SIZE(bb_operation), .flags = (op_flags), .id = #name,        \
                                      .summary = #name, .start = bb_session_start};                   \
    static const bb_session_operation name##_on = {BB_SIZE(bb_session_operation), .operation = #name, \
                                                   .run = name##_run}
OPERATION(count, BB_OP_SAFE);
OPERATION(login, BB_OP_SAFE);
OPERATION(lose, 0);
OPERATION(deaf, 0);
OPERATION(tell, BB_OP_SAFE);

static const bb_operation *const operations[] = {&count, &login, &lose, &deaf, &tell, NULL};
static const bb_session_operation *const on_sessions[] = {&count_on, &login_on, &lose_on,
                                                          &deaf_on,  &tell_on,  NULL};
static const bb_session_extension sessions = {BB_SIZE(bb_session_extension), .sessions = 2,
                                              .open = open_session, .close = close_session,
                                              .operations = on_sessions};
static const bb_auth_scheme basic = {BB_SIZE(bb_auth_scheme), .scheme = "basic", .summary = "a user"};
static const bb_auth_scheme *const schemes[] = {&basic, NULL};
static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "seated",
    .name = "Seated",
    .version = "1.0.0",
    .summary = "For tests of sessions",
    .settings_schema = "{\"type\":\"object\",\"required\":[\"gate\"],\"properties\":"
                       "{\"gate\":{\"type\":\"string\"}}}",
    .operations = operations,
    .auth_schemes = schemes};
static const bb_extension extensions[] = {{BB_EXT_SESSION, &sessions}, {NULL, NULL}};
BUSBAR_PLUGIN_WITH(plugin, extensions);
