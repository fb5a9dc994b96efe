/* probe_child.c - the child's side of a probe: see probe.c for the lines. */
#include "plugin/host.h"
#include "plugin/instance.h"
#include "plugin/mark.h"
#include "plugin/probe.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static int answers = -1; /* the pipe to the hub; not descriptor 1, which a connector may print to */

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
    char line[1200];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof line - 2 ? (size_t)n : sizeof line - 2;
    for (size_t i = 0; i < len; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[len] = '\n';
    if (write(answers, line, len + 1) != (ssize_t)(len + 1))
        _exit(3); /* the hub has gone */
}

static void confine(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_CPU, &(struct rlimit){30, 30});
    if (nice(10) == -1)
        return; /* a courtesy to the calls that run meanwhile */
}

static bool read_all(int fd, buf *out) {
    for (;;) {
        if (!buf_reserve(out, 65536))
            return false;
        ssize_t n = read(fd, out->ptr + out->len, 65536);
        if (n <= 0)
            return n == 0;
        out->len += (size_t)n;
    }
}

static void try_connection(plugin_module *m, uint64_t job, const json_value *connection) {
    uint64_t n = 0;
    json_to_u64(json_getl(connection, "n"), &n);
    say("C %llu %llu", (unsigned long long)job, (unsigned long long)n);
    err e = {""};
    plugin_instance instance;
    if (!instance_create(&instance, m, json_string(json_getl(connection, "id")),
                         json_string(json_getl(connection, "settings")), &e)) {
        say("Y %llu %llu %s", (unsigned long long)job, (unsigned long long)n, e.text);
        return;
    }
    instance_destroy(&instance);
    say("c %llu %llu", (unsigned long long)job, (unsigned long long)n);
}

static bb_code self_test(const plugin_module *m) {
    if (m->desc->self_test == NULL)
        return BB_OK;
    mark *here = mark_enter(m, NULL, "self_test");
    bb_code code = m->desc->self_test(host_get());
    mark_leave(here);
    return code;
}

/* Staged copies are named ID.SHA256.so. */
static const char *hash_of(bb_str path) {
    static const char unknown[] = "0000000000000000000000000000000000000000000000000000000000000000";
    static char hash[sizeof unknown];
    size_t end = path.len - 3;
    if (path.len < sizeof unknown + 3 || path.ptr[end - sizeof unknown] != '.')
        return unknown;
    str_put(hash, sizeof hash, str_of(path.ptr + end - (sizeof unknown - 1), sizeof unknown - 1));
    return hash;
}

static void try_job(arena *a, bb_str line) {
    const json_value *job = json_read(a, line, NULL, NULL);
    uint64_t number = 0, memory = LEDGER_LIMIT_DEFAULT;
    json_to_u64(json_getl(job, "job"), &number);
    json_to_u64(json_getl(job, "memory"), &memory);
    ledger_set_limit(memory);
    say("L %llu", (unsigned long long)number);
    char *path = arena_strdup(a, json_string(json_getl(job, "path")));
    err e = {""};
    plugin_module *m = path != NULL ? module_load(path, hash_of(str_from(path)), path,
                                                  json_string(json_getl(job, "id")), &e)
                                    : NULL;
    bb_code code = m != NULL ? self_test(m) : BB_OK;
    if (m == NULL || code != BB_OK) {
        if (m != NULL)
            err_set(&e, "its self-test fails with code %d", (int)code);
        say("X %llu %s", (unsigned long long)number, e.text);
        module_unref(m);
        return;
    }
    say("l %llu", (unsigned long long)number);
    for (json_iter it = json_iterate(json_getl(job, "connections")); json_next(&it);)
        try_connection(m, number, it.value);
    module_unref(m);
}

int probe_child(void) {
    answers = fcntl(1, F_DUPFD_CLOEXEC, 100);
    if (answers < 0 || dup2(2, 1) < 0)
        return 2;
    confine();
    buf text;
    buf_init(&text);
    arena *a = arena_new(0);
    if (a == NULL || !read_all(0, &text))
        return 2;
    bb_str rest = buf_str(&text), line;
    while (str_split(&rest, '\n', &line))
        if (line.len > 0)
            try_job(a, line);
    arena_free(a);
    buf_free(&text);
    return 0;
}
