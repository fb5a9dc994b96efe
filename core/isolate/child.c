/* child.c - the process of one connection: set up, confined, and its connector loaded. */
#include "isolate/child.h"

#include "isolate/isolate.h"
#include "plugin/host.h"
#include "plugin/mark.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the control socket ------------------------------------------------------------------------------ */

static pthread_mutex_t control_lock = PTHREAD_MUTEX_INITIALIZER; /* sessions' threads log, too */

static bool send_all(const buf *out) {
    for (size_t at = 0; !out->failed && at < out->len;) {
        ssize_t n = send(CHILD_CONTROL, out->ptr + at, out->len - at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return !out->failed;
}

bool control_send(const buf *out) {
    pthread_mutex_lock(&control_lock);
    bool ok = send_all(out);
    pthread_mutex_unlock(&control_lock);
    return ok;
}

static void say(frame_kind kind, uint32_t level, bb_str text) {
    buf out;
    buf_init(&out);
    size_t at = frame_begin(&out, kind, 0, 0);
    if (kind == FRAME_LOG)
        frame_u32(&out, level);
    if (kind != FRAME_READY)
        frame_str(&out, text);
    frame_end(&out, at);
    if (!control_send(&out))
        _exit(0); /* the hub has gone */
    buf_free(&out);
}

static void on_log(bb_call *call, bb_log_level level, bb_str text) {
    uint32_t known = level < BB_LOG_DEBUG   ? BB_LOG_DEBUG
                     : level > BB_LOG_ERROR ? BB_LOG_ERROR
                                            : (uint32_t)level;
    if (call == NULL || !serve_log(call, known, text))
        say(FRAME_LOG, known, text);
}

static bool receive(buf *in, frame *out) {
    size_t size;
    frame_found found;
    while ((found = frame_read(buf_str(in), FRAME_MAX_FROM_HUB, out, &size)) == FRAME_MORE) {
        if (!buf_reserve(in, 65536))
            return false;
        ssize_t n = recv(CHILD_CONTROL, in->ptr + in->len, 65536, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        in->len += (size_t)n;
    }
    return found == FRAME_WHOLE;
}

/* --- the connector ------------------------------------------------------------------------------------ */

typedef struct setup {
    bb_str path, sha256, plugin, connection, settings, base_url;
    uint64_t memory;
    bool wide, filtered;
    session_policy sessions; /* where it is wide */
    str_pair *credentials;
    size_t credential_count;
} setup;

static bool read_sessions(arena *a, frame *f, setup *s) {
    bb_str policy = s->wide ? frame_get_str(f) : STR("");
    if (s->wide && policy.len == sizeof s->sessions)
        memcpy(&s->sessions, policy.ptr, sizeof s->sessions);
    s->credential_count = frame_get_u32(f);
    s->credentials = arena_alloc(a, (s->credential_count + 1) * sizeof *s->credentials);
    for (size_t i = 0; s->credentials != NULL && i < s->credential_count && !f->bad; i++) {
        bb_str name = frame_get_str(f), value = frame_get_str(f);
        s->credentials[i] = (str_pair){arena_copy(a, name), arena_copy(a, value)};
    }
    return s->credentials != NULL && policy.len == (s->wide ? sizeof s->sessions : 0);
}

static bool read_setup(arena *a, frame *f, setup *s) {
    s->path = frame_get_str(f);
    s->sha256 = frame_get_str(f);
    s->plugin = frame_get_str(f);
    s->connection = frame_get_str(f);
    s->settings = frame_get_str(f);
    s->base_url = frame_get_str(f);
    s->memory = frame_get_u64(f);
    s->wide = frame_get_u32(f) != 0;
    return f->head.kind == FRAME_SETUP && read_sessions(a, f, s) && frame_done(f) && s->sha256.len == 64;
}

static bool self_test(const plugin_module *m, err *e) {
    if (m->desc->self_test == NULL)
        return true;
    mark *here = mark_enter(m, NULL, "self_test");
    bb_code code = m->desc->self_test(host_get());
    mark_leave(here);
    return code == BB_OK || err_set(e, "its self-test fails with code %d", (int)code);
}

static bool open_sessions(const setup *s, const plugin_instance *instance, err *e) {
    if (instance->module->sessions == NULL)
        return true;
    const session_setup pool = {.module = instance->module,
                                .connection = &instance->abi,
                                .instance = instance->ptr,
                                .credentials = s->credentials,
                                .credential_count = s->credential_count,
                                .policy = s->sessions};
    return serve_sessions(&pool) || err_set(e, "no memory");
}

static bool open_connector(arena *a, const setup *s, plugin_instance *instance, err *e) {
    char sha256[65];
    const char *path = arena_strdup(a, s->path);
    str_put(sha256, sizeof sha256, s->sha256);
    plugin_module *m = path != NULL ? module_load(path, sha256, path, arena_copy(a, s->plugin), e) : NULL;
    if (m == NULL)
        return false;
    if (!s->wide && s->filtered && !confine_strict()) {
        module_unref(m);
        return err_set(e, "its process cannot be confined: %s", strerror(errno));
    }
    return self_test(m, e) && instance_create(instance, m, s->connection, s->settings, e) &&
           open_sessions(s, instance, e);
}

static void ignore_signals(void) {
    /* Sent to the whole group, by a terminal or a service manager, these are the hub's: it finishes its
     * calls. */
    static const int ignored[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
}

int isolate_child_main(const char *text) {
    uint64_t loops = 0;
    setup s;
    frame f;
    buf in;
    err e = {""};
    plugin_instance instance = {0};
    if (text == NULL || !str_to_u64(str_from(text), &loops) || loops > LOOP_MAX)
        return CHILD_NO_START;
    ignore_signals();
    mallopt(M_ARENA_MAX, 2); /* each takes 64 MiB of the address space, of which there is a limit */
    host_log_to(on_log);
    buf_init(&in);
    arena *a = arena_new(0);
    if (!confine_begin((unsigned)loops) || a == NULL || !receive(&in, &f) || !read_setup(a, &f, &s) ||
        !serve_open((unsigned)loops) || !confine_load(s.memory, s.wide, &s.filtered))
        return CHILD_NO_START;
    if (!s.filtered)
        say(FRAME_LOG, BB_LOG_WARN,
            STR("this kernel has no filters for system calls: the connector's process is "
                "confined by its limits alone"));
    if (!open_connector(a, &s, &instance, &e)) {
        say(FRAME_REFUSED, 0, str_from(e.text));
        return 0;
    }
    say(FRAME_READY, 0, STR(""));
    serve(&instance, s.base_url);
    instance_destroy(&instance);
    arena_free(a);
    buf_free(&in);
    return 0;
}
