/* plan.c - what a reload would do, found out in a child process, so that nothing of it stays: no code is
 * mapped, no instance made, no file of the state folder replaced but staged copies. */
#include "registry/build.h"

#include "base/clock.h"
#include "base/log.h"
#include "observe/metrics.h"
#include "plugin/child.h"
#include "plugin/host.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLAN_TIMEOUT_MS 60000u

static void write_baseline(const registry *r, json_writer *w) {
    json_keyl(w, "connections");
    json_array(w);
    for (size_t i = 0; i < r->current->count; i++) {
        const connection *c = r->current->entries[i].conn;
        json_object(w);
        json_member_string(w, STR("id"), r->current->entries[i].id);
        json_member_string(w, STR("fingerprint"), c != NULL ? str_from(c->fingerprint) : STR(""));
        json_member_string(w, STR("sha256"), c != NULL ? str_from(c->module->sha256) : STR(""));
        json_object_end(w);
    }
    json_array_end(w);
    json_keyl(w, "plugins");
    json_array(w);
    for (size_t i = 0; i < r->current->plugin_count; i++) {
        const plugin_module *m = r->current->plugins[i].module;
        if (m == NULL)
            continue;
        json_object(w);
        json_member_string(w, STR("id"), m->id);
        json_member_string(w, STR("sha256"), str_from(m->sha256));
        json_object_end(w);
    }
    json_array_end(w);
    json_keyl(w, "quarantine");
    quarantine_write(r->quarantine, w);
}

static void write_request(const registry *r, buf *out) {
    json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_member_string(&w, STR("conf"), str_from(r->options.conf_dir));
    json_member_string(&w, STR("plugins_dir"), str_from(r->options.plugins_dir));
    json_member_string(&w, STR("state"), str_from(r->options.state_dir));
    json_member_string(&w, STR("store"),
                       str_from(r->options.store_file != NULL ? r->options.store_file : ""));
    if (r->options.master_key_file != NULL)
        json_member_string(&w, STR("master_key"), str_from(r->options.master_key_file));
    json_member_string(&w, STR("program"), str_from(r->options.program));
    json_member_u64(&w, STR("memory"), ledger_limit());
    json_member_u64(&w, STR("generation"), r->generation);
    json_member_u64(&w, STR("probe_timeout_ms"), r->options.probe_timeout_ms);
    json_keyl(&w, "version");
    json_put_string(&w, str_from(host_get()->version));
    json_keyl(&w, "policy");
    trust_policy_write(r->policy, &w);
    if (r->policy_error != NULL)
        json_member_string(&w, STR("policy_error"), str_from(r->policy_error));
    write_baseline(r, &w);
    json_object_end(&w);
}

/* False: it did not end in time. */
static bool read_answer(int fd, buf *out) {
    uint64_t deadline = clock_ns() / 1000000u + PLAN_TIMEOUT_MS;
    for (;;) {
        uint64_t now = clock_ns() / 1000000u;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = now < deadline ? poll(&p, 1, (int)(deadline - now)) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0 || !buf_reserve(out, 65536))
            return false;
        ssize_t n = read(fd, out->ptr + out->len, 65536);
        if (n <= 0)
            return n == 0;
        out->len += (size_t)n;
    }
}

bb_str registry_plan(registry *r, arena *a, err *e) {
    child process;
    buf request, answer;
    buf_init(&request);
    buf_init(&answer);
    write_request(r, &request);
    bb_str text = {NULL, 0};
    if (!child_start(&process, r->options.program, "plan")) {
        err_set(e, "the process that plans cannot be started: %s", strerror(errno));
    } else {
        child_tell(&process, buf_str(&request));
        bool ended = read_answer(process.from, &answer);
        int status = child_end(&process, !ended);
        text = arena_copy(a, buf_str(&answer));
        if (!ended || status != 0 || json_read(a, text, NULL, NULL) == NULL) {
            err_set(e, "the process that plans %s; the hub's log may say more",
                    ended ? "failed" : "did not end in time");
            text = (bb_str){NULL, 0};
        }
    }
    buf_free(&request);
    buf_free(&answer);
    return text;
}

/* --- the child -------------------------------------------------------------------------------------------
 */

static bool read_items(arena *a, const json_value *from, baseline_item **items, size_t *count) {
    *items = arena_zalloc(a, (json_count(from) + 1) * sizeof **items);
    if (*items == NULL)
        return false;
    for (json_iter it = json_iterate(from); json_next(&it);) {
        baseline_item *item = &(*items)[(*count)++];
        bb_str fingerprint = json_string(json_getl(it.value, "fingerprint")),
               sha = json_string(json_getl(it.value, "sha256"));
        item->id = json_string(json_getl(it.value, "id"));
        memcpy(item->fingerprint, fingerprint.ptr != NULL ? fingerprint.ptr : "",
               fingerprint.len < 64 ? fingerprint.len : 64);
        memcpy(item->sha256, sha.ptr != NULL ? sha.ptr : "", sha.len < 64 ? sha.len : 64);
    }
    return true;
}

static char *text_of(arena *a, const json_value *request, const char *key) {
    return arena_strdup(a, json_string(json_get(request, str_from(key))));
}

/* Nothing is called here: no process ends again and again. */
static void no_wake(void *ctx) {
    (void)ctx;
}

static registry *registry_of(arena *a, const json_value *request, baseline *before,
                             bool (*prepare)(const registry_options *options, err *e)) {
    uint64_t generation = 0, timeout = 0;
    json_to_u64(json_getl(request, "generation"), &generation);
    json_to_u64(json_getl(request, "probe_timeout_ms"), &timeout);
    host_init(text_of(a, request, "version"));
    registry_options options = {
        .conf_dir = text_of(a, request, "conf"),
        .plugins_dir = text_of(a, request, "plugins_dir"),
        .state_dir = text_of(a, request, "state"),
        .store_file = text_of(a, request, "store"),
        .master_key_file = json_getl(request, "master_key") != NULL ? text_of(a, request, "master_key")
                                                                    : NULL,
        .program = text_of(a, request, "program"),
        .loops = 1,
        .probe_timeout_ms = (unsigned)timeout,
        .policy = trust_policy_read(a, json_getl(request, "policy")),
    };
    if (options.policy == NULL)
        return NULL;
    err why = {""};
    if (prepare != NULL && !prepare(&options, &why))
        log_error("the plan cannot look into the secret store: %s", why.text);
    metrics_init(1);
    uint64_t memory = LEDGER_LIMIT_DEFAULT;
    json_to_u64(json_getl(request, "memory"), &memory);
    ledger_set_limit(memory);
    options.isolates = isolates_new(options.program, 1, no_wake, NULL, &why);
    registry *r = registry_new(&options, NULL);
    if (r == NULL ||
        !read_items(a, json_getl(request, "connections"), &before->connections, &before->connection_count) ||
        !read_items(a, json_getl(request, "plugins"), &before->plugins, &before->plugin_count))
        return NULL;
    r->generation = generation;
    if (json_getl(request, "policy_error") != NULL)
        r->policy_error = text_of(a, request, "policy_error");
    r->other = before;
    quarantine_read(r->quarantine, json_getl(request, "quarantine"));
    return r;
}

static bool read_input(buf *out) {
    for (;;) {
        if (!buf_reserve(out, 65536))
            return false;
        ssize_t n = read(0, out->ptr + out->len, 65536);
        if (n <= 0)
            return n == 0;
        out->len += (size_t)n;
    }
}

static bool write_report(registry *r, int fd) {
    registry_change made = registry_reload(r);
    if (made.report == NULL)
        return false;
    made.report->dry_run = true;
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    report_write(made.report, &w);
    bool ok = json_writer_finish(&w);
    for (size_t done = 0; ok && done < out.len;) {
        ssize_t n = write(fd, out.ptr + done, out.len - done);
        ok = n > 0;
        done += n > 0 ? (size_t)n : 0;
    }
    buf_free(&out);
    report_free(made.report);
    return ok;
}

int registry_plan_child(bool (*prepare)(const registry_options *options, err *e)) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int answers = dup(1); /* a connector may print to descriptor 1 */
    buf text;
    buf_init(&text);
    arena *a = arena_new(0);
    baseline before = {0};
    if (answers < 0 || dup2(2, 1) < 0 || a == NULL || !read_input(&text))
        return 2;
    registry *r = registry_of(a, json_read(a, buf_str(&text), NULL, NULL), &before, prepare);
    bool ok = r != NULL && write_report(r, answers);
    isolates *processes = r != NULL ? r->options.isolates : NULL;
    registry_free(r);
    isolates_free(processes);
    arena_free(a);
    buf_free(&text);
    return ok ? 0 : 2;
}
