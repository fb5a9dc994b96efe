#include "hub/internal.h"

#include "base/log.h"
#include "observe/metrics.h"
#include "plugin/host.h"
#include "plugin/ledger.h"
#include "plugin/probe.h"
#include "transform/transform.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define EXECUTIONS_PER_LOOP 1024

/* --- the main loop's events ------------------------------------------------------------------------- */

static void on_wake(uv_async_t *wake) {
    hub *h = wake->data;
    hub_take_releases(h);
    hub_take_accusations(h);
    hub_take_looping(h);
    hub_webhooks_finish(h);
    if (h->reload_wanted) {
        h->reload_wanted = false;
        hub_reload(h);
        hub_audit_system(h, "signal", "reload", STR("SIGHUP"));
    }
    hub_run_jobs(h);
    hub_stop_check(h);
    pthread_mutex_lock(&h->lock);
    bool stop = h->stop;
    pthread_mutex_unlock(&h->lock);
    if (stop)
        uv_stop(&h->uv);
}

static void on_signal(uv_signal_t *handle, int number) {
    hub *h = handle->data;
    if (number == SIGHUP) {
        /* libuv delivers all HUPs that came during a reload before it runs on_wake: they fold into one more.
         */
        h->reload_wanted = true;
        uv_async_send(&h->wake);
        return;
    }
    if (h->stopping) { /* the loop is at work on it: it must not be left before */
        log_info("%s: stopping already; SIGKILL ends it at once", strsignal(number));
        return;
    }
    log_info("%s: stopping", strsignal(number));
    uv_stop(&h->uv);
}

static bool start_main_loop(hub *h, err *e) {
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};
    if (uv_loop_init(&h->uv) != 0 || uv_async_init(&h->uv, &h->wake, on_wake) != 0 ||
        uv_timer_init(&h->uv, &h->drain_timer) != 0)
        return err_set(e, "the event loop cannot be made: are there file descriptors left?");
    h->wake.data = h->drain_timer.data = h;
    for (size_t i = 0; !h->settings.offline && i < 3; i++) {
        uv_signal_init(&h->uv, &h->signals[i]);
        h->signals[i].data = h;
        uv_signal_start(&h->signals[i], on_signal, numbers[i]);
    }
    return true;
}

/* --- the loops -------------------------------------------------------------------------------------- */

static uint64_t http_connections(void *ctx) {
    hub *h = ctx;
    uint64_t n = 0;
    pthread_mutex_lock(&h->lock);
    for (unsigned i = 0; i < h->loop_count; i++)
        n += h->loops[i].closing ? 0 : http_server_connections(h->loops[i].server);
    pthread_mutex_unlock(&h->lock);
    return n;
}

/* -1: it does not listen by TLS. */
static void close_both(int fd, int tls_fd) {
    close(fd);
    if (tls_fd >= 0)
        close(tls_fd);
}

static bool make_server(hub_loop *l, int fd, int tls_fd, err *e) {
    hub *h = l->hub;
    l->server = http_server_new(l->loop, fd, &h->settings.limits, api_handle, &l->api, e);
    if (l->server == NULL && tls_fd >= 0)
        close(tls_fd);
    if (l->server == NULL || (tls_fd >= 0 && !http_server_listen_tls(l->server, tls_fd, h->tls, e)))
        return false;
    http_server_streams(l->server, api_streams);
    return true;
}

/* The descriptors are the loop's from here on. */
static bool make_loop(hub *h, unsigned number, int fd, int tls_fd, err *e) {
    hub_loop *l = &h->loops[number];
    l->hub = h;
    l->loop = loop_new(number);
    if (l->loop == NULL) {
        close_both(fd, tls_fd);
        return err_set(e, "an event loop cannot be made: are there file descriptors left?");
    }
    h->loop_count = number + 1;
    const worker_shared shared = {.executions = h->executions,
                                  .cache = h->cache,
                                  .otlp = h->otlp,
                                  .sample = h->settings.trace_sample,
                                  .released = hub_released,
                                  .released_ctx = h};
    if (!worker_init(&l->worker, l->loop, number, registry_current(h->registry), &shared, e) ||
        !webhook_loop_init(&l->webhooks, &h->webhooks, &l->worker, e)) {
        close_both(fd, tls_fd);
        return false;
    }
    l->api = (api){.shared = &h->shared, .worker = &l->worker, .webhooks = &l->webhooks};
    return make_server(l, fd, tls_fd, e);
}

static bool listen_on(hub *h, const char *address, const char *scheme, int *fds, char **url, err *e) {
    uint16_t port = http_bind(str_from(address), fds, h->settings.loops, e);
    const char *colon = strrchr(address, ':');
    if (port == 0)
        return false;
    *url = (char *)(uintptr_t)arena_printf(h->memory, "%s://%.*s:%u", scheme, (int)(colon - address), address,
                                           port)
               .ptr;
    return true;
}

static bool start_listening(hub *h, int *fds, int *tls_fds, err *e) {
    unsigned n = h->settings.loops;
    for (unsigned i = 0; i < n; i++)
        tls_fds[i] = -1;
    if (!listen_on(h, h->settings.listen, "http", fds, &h->url, e))
        return false;
    if (h->tls == NULL || listen_on(h, h->settings.tls_listen, "https", tls_fds, &h->tls_url, e))
        return true;
    for (unsigned i = 0; i < n; i++)
        close(fds[i]);
    return err_prefix(e, "tls_listen: ");
}

static bool start_loops(hub *h, err *e) {
    int fds[LOOP_MAX], tls_fds[LOOP_MAX];
    unsigned n = h->settings.loops;
    if (!start_listening(h, fds, tls_fds, e))
        return false;
    h->loops = calloc(n, sizeof *h->loops);
    bool ok = h->loops != NULL || err_set(e, "no memory");
    for (unsigned i = 0; i < n; i++) {
        if (ok)
            ok = make_loop(h, i, fds[i], tls_fds[i], e);
        else
            close_both(fds[i], tls_fds[i]);
    }
    for (unsigned i = 0; ok && i < n; i++)
        h->workers[i] = &h->loops[i].worker;
    h->shared.workers = h->workers;
    h->shared.worker_count = n;
    ok = ok && hub_auth_serve(h, e) && hub_transfers_load(h, e);
    for (unsigned i = 0; ok && i < n; i++) /* once all are made: they look at each other for the metrics */
        ok = (hub_pulse_start(&h->loops[i]) && loop_start(h->loops[i].loop)) ||
             err_set(e, "a thread cannot be started");
    return ok;
}

/* --- start ------------------------------------------------------------------------------------------ */

static void raise_limits(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
}

/* From another thread. */
static void hub_wake(void *ctx) {
    hub *h = ctx;
    uv_async_send(&h->wake);
}

static bool start_registry(hub *h, err *e) {
    registry_options options = {.conf_dir = h->settings.conf_dir,
                                .plugins_dir = h->settings.plugins_dir,
                                .state_dir = h->settings.state_dir,
                                .store_file = h->settings.store_file,
                                .master_key_file = h->settings.master_key_file,
                                .program = "/proc/self/exe",
                                .loops = h->settings.loops,
                                .strict = h->settings.strict,
                                .policy = h->policy,
                                .quotas = h->quotas,
                                .quarantine = h->quarantine,
                                .auth = h->auth,
                                .shared_state = h->settings.offline};
    metrics_init(h->settings.loops);
    ledger_set_limit(h->settings.connection_memory);
    h->executions = executions_new(h->settings.loops, EXECUTIONS_PER_LOOP);
    h->isolates = isolates_new(options.program, options.loops, hub_wake, h, e);
    if (h->isolates == NULL)
        return false;
    options.isolates = h->isolates;
    h->registry = registry_new(&options, e);
    if (h->executions == NULL || h->registry == NULL)
        return err_set(e, "no memory");
    hub_reload(h);
    if (h->last == NULL || !h->last->committed)
        return err_set(e, "%.*s", h->last != NULL ? (int)h->last->refusal.len : 9,
                       h->last != NULL ? h->last->refusal.ptr : "no memory");
    return true;
}

/* What all loops share beside the configuration. */
static bool start_shared(hub *h, err *e) {
    const otlp_options traces = {.endpoint = h->settings.otlp_endpoint,
                                 .headers = h->settings.otlp_headers,
                                 .service = h->settings.trace_service,
                                 .version = host_get()->version,
                                 .instance = h->settings.listen,
                                 .loops = h->settings.loops};
    h->cache = cache_new(h->settings.cache_bytes);
    h->shared.cache = h->cache;
    h->otlp = traces.endpoint != NULL ? otlp_start(&traces, e) : NULL;
    return (h->cache != NULL || err_set(e, "no memory")) && (traces.endpoint == NULL || h->otlp != NULL);
}

/* Before anything is loaded: what the last run died of goes into it. */
static bool open_quarantine(hub *h, err *e) {
    h->quarantine = quarantine_open(h->settings.offline ? NULL : h->settings.state_dir, e);
    return h->quarantine != NULL;
}

static bool start(hub *h, const hub_options *options, err *e) {
    raise_limits();
    mark_may_block(); /* connectors are created and destroyed here */
    if (!hub_settings_read(h->memory, options, &h->settings, e) || !hub_policy_open(h, e) ||
        !hub_tls_open(h, e) || !hub_state_open(h, options->offline, e) || !hub_storage_open(h, e) ||
        !open_quarantine(h, e) || !hub_crashes_open(h, e) || !hub_keep_load(h, e) || !hub_auth_open(h, e) ||
        !start_main_loop(h, e) || !hub_webhooks_open(h, e) || !start_registry(h, e))
        return false;
    if (!hub_transfers_open(h, e))
        return false;
    h->webhooks.public_url = h->settings.public_url;
    h->shared = (api_shared){.version = host_get()->version,
                             .isolates = h->isolates,
                             .access = h->access,
                             .alerts = h->settings.alerts,
                             .store = h->store,
                             .cache = h->cache,
                             .folders = &h->settings.folders,
                             .transfers = h->transfers,
                             .auth = h->auth,
                             .idempotency_keep_ms = h->settings.idempotency_ms,
                             .executions = h->executions,
                             .tls_not_after = h->tls != NULL ? tls_context_not_after(h->tls) : 0,
                             .http_connections = http_connections,
                             .submit = hub_submit,
                             .ctx = h};
    if (!start_shared(h, e) || !hub_watch_start(h, e) || !start_loops(h, e))
        return false;
    hub_keep_start(h);
    hub_alerts_start(h);
    atomic_store(&h->shared.ready, true);
    return true;
}

hub *hub_start(const hub_options *options, err *e) {
    hub *h = calloc(1, sizeof *h);
    if (h == NULL || (h->memory = arena_new(0)) == NULL) {
        free(h);
        err_set(e, "no memory");
        return NULL;
    }
    host_init(BUSBAR_VERSION);
    h->lock_fd = h->crash_fd = -1;
    h->jobs_end = &h->jobs;
    pthread_mutex_init(&h->lock, NULL);
    if (start(h, options, e))
        return h;
    hub_free(h);
    return NULL;
}

const char *hub_url(const hub *h) {
    return h->url;
}

const char *hub_tls_url(const hub *h) {
    return h->tls_url;
}

const char *hub_key(const hub *h) {
    return h->key;
}

const char *hub_key_file(const hub *h) {
    return h->key_file;
}

void hub_run(hub *h) {
    uv_run(&h->uv, UV_RUN_DEFAULT);
}

void hub_stop(hub *h) {
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_mutex_unlock(&h->lock);
    uv_async_send(&h->wake);
}

int hub_probe_main(void) {
    host_init(BUSBAR_VERSION);
    return probe_child();
}

int hub_plan_main(void) {
    int code = registry_plan_child(hub_storage_of_plan);
    hub_storage_of_plan_end();
    return code;
}

int hub_worker_main(const char *loops) {
    host_init(BUSBAR_VERSION);
    return isolate_child_main(loops);
}

int hub_transform_main(void) {
    return transform_child_main();
}
