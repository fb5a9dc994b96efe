#include "registry/report.h"

#include "base/clock.h"
#include "base/log.h"

static const char *const names[] = {"unchanged", "settings", "code", "added", "removed", "refused"};

const char *change_name(change c) {
    return names[c];
}

void report_write_items(json_writer *w, const report_item *items, size_t n) {
    json_array(w);
    for (size_t i = 0; i < n; i++) {
        json_object(w);
        json_member_string(w, STR("id"), items[i].id);
        json_member_string(w, STR("change"), str_from(change_name(items[i].change)));
        if (items[i].sha256.ptr != NULL)
            json_member_string(w, STR("sha256"), items[i].sha256);
        if (items[i].note.ptr != NULL)
            json_member_string(w, STR("note"), items[i].note);
        if (items[i].error.ptr != NULL) {
            json_member_string(w, STR("error"), items[i].error);
            json_member_bool(w, STR("kept"), items[i].kept);
        }
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_items(json_writer *w, bb_str key, const report_item *items, size_t n) {
    json_key(w, key);
    report_write_items(w, items, n);
}

static void write_errors(json_writer *w, const report *r) {
    json_keyl(w, "errors");
    json_array(w);
    if (r->refusal.ptr != NULL)
        json_put_string_lossy(w, r->refusal);
    if (r->settings_error.ptr != NULL)
        json_put_string_lossy(w, r->settings_error);
    for (size_t i = 0; i < r->plugin_count; i++)
        if (r->plugins[i].error.ptr != NULL)
            json_put_string_lossy(w, r->plugins[i].error);
    for (size_t i = 0; i < r->connection_count; i++)
        if (r->connections[i].error.ptr != NULL)
            json_put_string_lossy(w, r->connections[i].error);
    for (size_t i = 0; i < r->webhook_count; i++)
        if (r->webhooks[i].error.ptr != NULL)
            json_put_string_lossy(w, r->webhooks[i].error);
    json_array_end(w);
}

void report_write(const report *r, json_writer *w) {
    char time[CLOCK_RFC3339_SIZE];
    clock_rfc3339(r->started_ms, time);
    json_object(w);
    json_member_u64(w, STR("generation"), r->generation);
    json_member_bool(w, STR("committed"), r->committed);
    json_member_bool(w, STR("dry_run"), r->dry_run);
    json_member_bool(w, STR("drained"), r->drained);
    json_member_string(w, STR("started_at"), str_from(time));
    json_keyl(w, "duration_ms");
    json_put_double(w, r->duration_ms);
    write_items(w, STR("connections"), r->connections, r->connection_count);
    write_items(w, STR("plugins"), r->plugins, r->plugin_count);
    write_items(w, STR("webhooks"), r->webhooks, r->webhook_count);
    write_errors(w, r);
    json_object_end(w);
}

size_t report_refused(const report *r) {
    size_t n = (r->refusal.ptr != NULL) + (size_t)(r->settings_error.ptr != NULL);
    for (size_t i = 0; i < r->plugin_count; i++)
        n += r->plugins[i].error.ptr != NULL;
    for (size_t i = 0; i < r->connection_count; i++)
        n += r->connections[i].error.ptr != NULL;
    for (size_t i = 0; i < r->webhook_count; i++)
        n += r->webhooks[i].error.ptr != NULL;
    return n;
}

static void log_items(const char *what, const report_item *items, size_t n, size_t counts[6]) {
    for (size_t i = 0; i < n; i++) {
        counts[items[i].change]++;
        if (items[i].error.ptr != NULL)
            log_error("%s %.*s refused%s: %.*s", what, STR_FMT(items[i].id),
                      items[i].kept ? ", the one before goes on" : "", STR_FMT(items[i].error));
        else if (items[i].change != CHANGE_UNCHANGED)
            log_info("%s %.*s: %s%s%.*s", what, STR_FMT(items[i].id), change_name(items[i].change),
                     items[i].note.ptr != NULL ? "; " : "", STR_FMT(items[i].note));
    }
}

void report_log(const report *r) {
    size_t plugins[6] = {0}, connections[6] = {0};
    log_items("connector", r->plugins, r->plugin_count, plugins);
    log_items("connection", r->connections, r->connection_count, connections);
    if (r->settings_error.ptr != NULL)
        log_error("%.*s", STR_FMT(r->settings_error));
    if (r->refusal.ptr != NULL)
        log_error("configuration rolled back: %.*s", STR_FMT(r->refusal));
    log_info("configuration %llu %s in %.1f ms: connections %zu unchanged, %zu settings, %zu code, %zu "
             "added, %zu removed, "
             "%zu refused",
             (unsigned long long)r->generation, r->committed ? "in force" : "unchanged", r->duration_ms,
             connections[CHANGE_UNCHANGED], connections[CHANGE_SETTINGS], connections[CHANGE_CODE],
             connections[CHANGE_ADDED], connections[CHANGE_REMOVED], connections[CHANGE_REFUSED]);
}
