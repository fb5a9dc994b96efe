#include "hub/settings.h"

#include "base/log.h"
#include "conf/conf.h"
#include "plugin/ledger.h"
#include "plugin/url.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const sections[] = {"hub",        "server",      "secrets",  "store",  "cache",
                                       "executions", "idempotency", "trace",    "alerts", "plugins",
                                       "pins",       "files",       "webhooks", "events", NULL};
static const char *const hub_keys[] = {"listen",
                                       "plugins",
                                       "state",
                                       "loops",
                                       "log_level",
                                       "strict",
                                       "drain_soft",
                                       "drain_hard",
                                       "shutdown",
                                       "public_url",
                                       "step_warning",
                                       "step_limit",
                                       "connection_memory",
                                       "tls_listen",
                                       "tls_certificate",
                                       "tls_key",
                                       "tls_client_ca",
                                       "tls_client_required",
                                       NULL};
static const char *const server_keys[] = {"max_header",      "max_headers", "max_body",     "header_timeout",
                                          "body_timeout",    "body_total",  "idle_timeout", "write_timeout",
                                          "max_connections", NULL};

static const char *const secrets_keys[] = {"master_key_file", NULL};
static const char *const store_keys[] = {"file", NULL};

/* busbar.conf in the folder that holds conf.d. */
static const char *file_beside(arena *a, const char *conf_dir) {
    bb_str dir = str_from(conf_dir);
    while (dir.len > 1 && dir.ptr[dir.len - 1] == '/')
        dir.len--;
    const char *slash = memrchr(dir.ptr, '/', dir.len);
    return slash != NULL ? arena_printf(a, "%.*s/busbar.conf", (int)(slash - dir.ptr), dir.ptr).ptr
                         : "busbar.conf";
}

/* Installed under PREFIX/bin, the connectors are in PREFIX/lib/busbar/plugins; in a build folder beside bin/.
 */
static const char *default_plugins(arena *a) {
    const char *named = getenv("BUSBAR_PLUGINS");
    if (named != NULL && named[0] != '\0')
        return arena_strdup(a, str_from(named));
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(self, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    const char *const places[] = {"%s/plugins", "%s/" BUSBAR_LIBDIR "/busbar/plugins",
                                  "%s/lib/busbar/plugins"};
    bb_str path = {NULL, 0};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        bb_str pattern = str_from(places[i]);
        path = arena_printf(a, "%s%.*s", self, (int)(pattern.len - 2), pattern.ptr + 2);
        if (path.ptr != NULL && access(path.ptr, R_OK) == 0)
            break;
    }
    return path.ptr;
}

static unsigned cores(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > LOOP_MAX ? LOOP_MAX : (unsigned)n;
}

/* Unless the command line has said it. */
static bool read_text(arena *a, const conf_file *f, const conf_section *s, bb_str key, const char **out,
                      err *e) {
    return *out != NULL || conf_text(a, f, conf_find(s, key), out, e);
}

static bool read_level(arena *a, const conf_file *f, const conf_section *s, err *e) {
    const conf_entry *entry = conf_find(s, STR("log_level"));
    bb_str value;
    log_level level;
    if (entry == NULL)
        return true;
    if (!conf_expand(a, f, entry, &value, NULL, e))
        return false;
    if (!log_level_from(value, &level))
        return conf_fail(e, f, entry->line,
                         "log_level is \"%.*s\": allowed are debug, info, warn, error, off", STR_FMT(value));
    log_set_level(level);
    return true;
}

/* Without a slash at its end: paths are put behind it, and services sign what comes of that. */
static bool read_public_url(arena *a, const conf_file *f, const conf_section *s, hub_settings *out, err *e) {
    err why = {""};
    if (!read_text(a, f, s, STR("public_url"), &out->public_url, e))
        return false;
    if (out->public_url == NULL)
        return true;
    bb_str url = str_from(out->public_url);
    if (!url_check_base(url, &why))
        return conf_fail(e, f, conf_find(s, STR("public_url"))->line, "public_url %s", why.text);
    while (url.ptr[url.len - 1] == '/')
        url.len--;
    out->public_url = arena_strdup(a, url);
    return out->public_url != NULL || err_set(e, "no memory");
}

static bool read_hub(arena *a, const conf_file *f, hub_settings *out, err *e) {
    const conf_section *s = conf_find_section(f, STR("hub"));
    uint64_t loops;
    if (s != NULL && !conf_check_keys(f, s, hub_keys, e))
        return false;
    bool ok =
        read_text(a, f, s, STR("listen"), &out->listen, e) &&
        read_text(a, f, s, STR("plugins"), &out->plugins_dir, e) &&
        read_text(a, f, s, STR("state"), &out->state_dir, e) && read_public_url(a, f, s, out, e) &&
        read_level(a, f, s, e) &&
        conf_u64(a, f, conf_find(s, STR("loops")), 1, LOOP_MAX, cores(), &loops, e) &&
        conf_bool(a, f, conf_find(s, STR("strict")), false, &out->strict, e) &&
        conf_duration_ms(a, f, conf_find(s, STR("drain_soft")), 0, 86400000, 30000, &out->drain_soft_ms, e) &&
        conf_duration_ms(a, f, conf_find(s, STR("drain_hard")), 0, 86400000, 60000, &out->drain_hard_ms, e) &&
        conf_duration_ms(a, f, conf_find(s, STR("shutdown")), 0, 3600000, 10000, &out->shutdown_ms, e) &&
        conf_duration_ms(a, f, conf_find(s, STR("step_warning")), 0, 3600000, 50, &out->step_warning_ms, e) &&
        conf_duration_ms(a, f, conf_find(s, STR("step_limit")), 0, 3600000, 1000, &out->step_limit_ms, e) &&
        conf_size(a, f, conf_find(s, STR("connection_memory")), 0, (uint64_t)1 << 40, LEDGER_LIMIT_DEFAULT,
                  &out->connection_memory, e);
    if (ok && out->loops == 0)
        out->loops = (unsigned)loops;
    return ok;
}

static bool read_ms(arena *a, const conf_file *f, const conf_section *s, bb_str key, uint64_t otherwise,
                    uint32_t *out, err *e) {
    uint64_t ms;
    bool ok = conf_duration_ms(a, f, conf_find(s, key), 1, 86400000, otherwise, &ms, e);
    if (ok)
        *out = (uint32_t)ms;
    return ok;
}

static bool read_server(arena *a, const conf_file *f, http_server_limits *l, err *e) {
    const conf_section *s = conf_find_section(f, STR("server"));
    uint64_t header = 0, fields = 0, connections = 0;
    if (s != NULL && !conf_check_keys(f, s, server_keys, e))
        return false;
    bool ok = conf_size(a, f, conf_find(s, STR("max_header")), 512, 1 << 20, 16384, &header, e) &&
              conf_u64(a, f, conf_find(s, STR("max_headers")), 1, 1000, 100, &fields, e) &&
              conf_size(a, f, conf_find(s, STR("max_body")), 1, 1u << 30, 10u << 20, &l->max_body_bytes, e) &&
              read_ms(a, f, s, STR("header_timeout"), 10000, &l->header_timeout_ms, e) &&
              read_ms(a, f, s, STR("body_timeout"), 20000, &l->body_timeout_ms, e) &&
              read_ms(a, f, s, STR("body_total"), 120000, &l->body_total_ms, e) &&
              read_ms(a, f, s, STR("idle_timeout"), 75000, &l->idle_timeout_ms, e) &&
              read_ms(a, f, s, STR("write_timeout"), 30000, &l->write_timeout_ms, e) &&
              conf_u64(a, f, conf_find(s, STR("max_connections")), 1, 1000000, 4096, &connections, e);
    l->max_header_bytes = (uint32_t)header;
    l->max_headers = (uint32_t)fields;
    l->max_connections = (uint32_t)connections;
    return ok;
}

static bool read_storage(arena *a, const conf_file *f, hub_settings *out, err *e) {
    const conf_section *secret = conf_find_section(f, STR("secrets")),
                       *kept = conf_find_section(f, STR("store"));
    return (secret == NULL || conf_check_keys(f, secret, secrets_keys, e)) &&
           (kept == NULL || conf_check_keys(f, kept, store_keys, e)) &&
           read_text(a, f, secret, STR("master_key_file"), &out->master_key_file, e) &&
           read_text(a, f, kept, STR("file"), &out->store_file, e);
}

/* No such file: nothing is said. */
static bool read_conf(arena *a, const char *conf_dir, conf_file *f, err *e) {
    const char *path = file_beside(a, conf_dir);
    *f = (conf_file){.path = path};
    if (path == NULL)
        return err_set(e, "no memory");
    if (access(path, F_OK) == 0 && !conf_read_file(a, path, f)) {
        *e = f->error;
        return false;
    }
    return conf_check_sections(f, sections, e);
}

bool hub_settings_tls(arena *a, const char *conf_dir, tls_files *out, err *e) {
    conf_file f;
    const char *listen = NULL;
    *out = (tls_files){.key = NULL};
    return read_conf(a, conf_dir, &f, e) && hub_settings_read_tls(a, &f, &listen, out, e);
}

bool hub_settings_again(arena *a, const hub_settings *now, hub_settings *out, err *e) {
    *out = (hub_settings){.state_dir = now->state_dir};
    return read_conf(a, now->conf_dir, &out->conf, e) && hub_settings_read_webhooks(a, &out->conf, out, e) &&
           hub_settings_read_events(a, &out->conf, out, e);
}

bool hub_settings_policy(arena *a, const char *conf_dir, plugin_policy *out, err *e) {
    conf_file f;
    return read_conf(a, conf_dir, &f, e) && hub_settings_read_plugins(a, &f, out, e);
}

bool hub_settings_read(arena *a, const hub_options *options, hub_settings *out, err *e) {
    *out = (hub_settings){.conf_dir = options->conf_dir != NULL ? options->conf_dir : "conf.d",
                          .state_dir = options->state_dir,
                          .plugins_dir = options->plugins_dir,
                          .listen = options->listen,
                          .loops = options->loops,
                          .offline = options->offline};
    conf_file f;
    bool read = read_conf(a, out->conf_dir, &f, e);
    out->conf = f;
    if (!read || !read_hub(a, &f, out, e) || !hub_settings_read_tls(a, &f, &out->tls_listen, &out->tls, e) ||
        !read_server(a, &f, &out->limits, e) || !read_storage(a, &f, out, e) ||
        !hub_settings_read_stages(a, &f, out, e) || !hub_settings_read_webhooks(a, &f, out, e) ||
        !hub_settings_read_alerts(a, &f, out, e))
        return false;
    if (out->state_dir == NULL)
        out->state_dir = "var";
    if (!hub_settings_read_files(a, &f, out, e) || !hub_settings_read_events(a, &f, out, e))
        return false;
    if (out->store_file == NULL)
        out->store_file = arena_printf(a, "%s/busbar.db", out->state_dir).ptr;
    if (out->listen == NULL)
        out->listen = "127.0.0.1:8420";
    if (out->plugins_dir == NULL)
        out->plugins_dir = default_plugins(a);
    if (options->offline) {
        out->listen = "127.0.0.1:0";
        out->tls_listen = NULL;
        out->loops = 1;
    }
    return true;
}
