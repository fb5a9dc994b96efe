/* connections.c - connections as they are configured, and how they fare. */
#include "api/routes.h"

#include "auth/session.h"
#include "base/clock.h"
#include "base/metric.h"

/* A key that is bound to other connections learns nothing of this one, not even whether it exists. */
const snapshot_entry *find_entry(api *a, http_exchange *x, const principal *who, bb_str id) {
    if (!access_sees(who, id)) {
        audit_denied(a, x, who, "connection", id, "the key is bound to other connections");
        reply_problem(x, PROBLEM_FORBIDDEN, STR("the key's bindings do not cover this connection"));
        return NULL;
    }
    const snapshot_entry *entry = snapshot_find(a->worker->snapshot, id);
    if (entry == NULL)
        reply_problemf(x, PROBLEM_CONNECTION_NOT_FOUND, "there is no connection \"%.*s\"", STR_FMT(id));
    return entry;
}

const snapshot_entry *find_connection(api *a, http_exchange *x, const principal *who, bb_str id) {
    const snapshot_entry *entry = find_entry(a, x, who, id);
    if (entry != NULL && entry->conn == NULL) {
        reply_problem(x, PROBLEM_CONNECTION_REFUSED, entry->error);
        return NULL;
    }
    return entry;
}

/* The members that list and single answer share; the object is left open. */
static void write_head(json_writer *w, const snapshot_entry *entry) {
    const connection *c = entry->conn;
    json_object(w);
    json_member_string(w, STR("id"), entry->id);
    json_member_string(w, STR("plugin"), entry->plugin);
    json_member_string(w, STR("name"), c != NULL ? c->name : entry->id);
    json_member_string(w, STR("status"), c != NULL ? STR("ready") : STR("refused"));
    json_member_string(w, STR("file"), str_from(entry->file));
    if (entry->error.ptr != NULL)
        json_member_string(w, STR("error"), entry->error);
    if (c != NULL) {
        json_member_u64(w, STR("generation"), c->generation);
        json_member_u64(w, STR("calls"), metric_get(&c->stats->calls));
        json_member_u64(w, STR("errors"), metric_get(&c->stats->failures));
        write_sessions(w, c);
    }
}

void route_connections(api *a, http_exchange *x, const route_params *p) {
    const snapshot *s = a->worker->snapshot;
    buf body;
    json_writer w = reply_list_begin(&body, "connections");
    for (size_t i = 0; i < s->count; i++) {
        if (!access_sees(p->who, s->entries[i].id))
            continue;
        write_head(&w, &s->entries[i]);
        json_object_end(&w);
    }
    reply_list_end(x, &w, &body);
}

static bool is_secret(const connection *c, bb_str value) {
    for (size_t i = 0; i < c->secret_setting_count; i++)
        if (str_eq(c->secret_settings[i], value))
            return true;
    return false;
}

/* Settings as they are in force: typed, defaults filled in, but a value that came by a reference, or that is
 * a secret, as conf_json has it: as it was written, or replaced. */
static void write_settings(json_writer *w, const connection *c, const json_value *written) {
    json_keyl(w, "settings");
    json_object(w);
    for (json_iter it = json_iterate(c->instance.settings); json_next(&it);) {
        bb_str text = json_string(json_get(written, it.key));
        json_key(w, it.key);
        bool secret = is_secret(c, json_string(it.value));
        if (secret || (text.len > 0 && memmem(text.ptr, text.len, "${", 2) != NULL))
            json_put_string_lossy(w, text.len > 0 ? text : STR("[redacted]"));
        else
            json_put_value(w, it.value);
    }
    json_object_end(w);
}

/* What the connection holds of the hub at this moment. */
static void write_ledger(json_writer *w, const connection *c) {
    connection_ledger l;
    connection_held(c, &l);
    json_keyl(w, "ledger");
    json_object(w);
    json_member_u64(w, STR("memory_bytes"), l.memory_bytes);
    json_member_u64(w, STR("memory_blocks"), l.memory_blocks);
    json_member_u64(w, STR("memory_limit_bytes"), l.memory_limit);
    json_member_u64(w, STR("calls"), l.calls);
    json_member_u64(w, STR("call_memory_bytes"), l.call_bytes);
    json_member_u64(w, STR("transfers"), l.transfers);
    json_member_u64(w, STR("timers"), l.waits);
    json_member_u64(w, STR("json_writers"), l.writers);
    json_member_u64(w, STR("sessions"), l.sessions);
    json_object_end(w);
}

static void write_detail(json_writer *w, arena *memory, const connection *c) {
    const json_value *conf = json_read(memory, c->conf_json, NULL, NULL);
    write_settings(w, c, json_getl(conf, "settings"));
    write_ledger(w, c);
    json_keyl(w, "auth");
    json_object(w);
    json_member_string(w, STR("scheme"), str_from(c->auth.scheme->id));
    for (json_iter it = json_iterate(json_getl(conf, "auth")); json_next(&it);) {
        if (str_eq(it.key, STR("scheme")))
            continue;
        json_key(w, it.key);
        json_put_value(w, it.value);
    }
    json_object_end(w);
    for (json_iter it = json_iterate(conf); json_next(&it);) {
        bool told = str_eq(it.key, STR("connection")) || str_eq(it.key, STR("settings")) ||
                    str_eq(it.key, STR("auth"));
        if (!told) {
            json_key(w, it.key);
            json_put_value(w, it.value);
        }
    }
    write_operations(w, c->module);
}

void route_connection(api *a, http_exchange *x, const route_params *p) {
    const snapshot_entry *entry = find_entry(a, x, p->who, p->part[0]);
    if (entry == NULL)
        return;
    buf body;
    json_writer w = reply_begin(&body);
    write_head(&w, entry);
    if (entry->conn != NULL)
        write_detail(&w, http_exchange_arena(x), entry->conn);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

void route_connection_operations(api *a, http_exchange *x, const route_params *p) {
    const snapshot_entry *entry = find_connection(a, x, p->who, p->part[0]);
    if (entry == NULL)
        return;
    buf body;
    json_writer w = reply_begin(&body);
    json_object(&w);
    write_operations(&w, entry->conn->module);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

void route_connection_operation(api *a, http_exchange *x, const route_params *p) {
    const snapshot_entry *entry = find_connection(a, x, p->who, p->part[0]);
    const plugin_op *op = entry != NULL ? find_operation(x, entry->conn->module, p->part[1]) : NULL;
    if (op == NULL)
        return;
    buf body;
    json_writer w = reply_begin(&body);
    write_operation(&w, entry->conn->module, op);
    reply_json(x, 200, &body);
}

/* --- health ----------------------------------------------------------------------------------------- */

static void write_health(json_writer *w, const snapshot_entry *entry) {
    json_object(w);
    json_member_string(w, STR("id"), entry->id);
    if (entry->error.ptr != NULL)
        json_member_string(w, STR("error"), entry->error);
    if (entry->conn == NULL) {
        json_member_string(w, STR("state"), STR("refused"));
        json_object_end(w);
        return;
    }
    const connection_stats *s = entry->conn->stats;
    uint32_t failing = atomic_load_explicit((_Atomic(uint32_t) *)(uintptr_t)&s->failing,
                                            memory_order_relaxed);
    uint64_t success = metric_get(&s->last_success_ms), failure = metric_get(&s->last_failure_ms);
    json_member_string(w, STR("state"),
                       failing > 0   ? STR("failing")
                       : success > 0 ? STR("ok")
                                     : STR("unknown"));
    json_member_u64(w, STR("consecutive_failures"), failing);
    json_member_time(w, STR("last_success_at"), success);
    json_member_time(w, STR("last_failure_at"), failure);
    int last = atomic_load_explicit((_Atomic(int) *)(uintptr_t)&s->last_problem, memory_order_relaxed);
    if (failure > 0 && last > PROBLEM_NONE && last < PROBLEM_COUNT) {
        json_member_string(w, STR("last_error"), str_from(problem_of((problem)last)->name));
        json_member_string(w, STR("advice"), str_from(problem_of((problem)last)->advice));
    }
    write_limits(w, entry->conn);
    if (entry->conn->auth.session != NULL) {
        json_keyl(w, "auth");
        auth_session_write_state(&entry->conn->auth, w);
    }
    json_object_end(w);
}

void route_health(api *a, http_exchange *x, const route_params *p) {
    (void)p;
    const snapshot *s = a->worker->snapshot;
    buf body;
    json_writer w = reply_list_begin(&body, "connections");
    for (size_t i = 0; i < s->count; i++)
        if (access_sees(p->who, s->entries[i].id))
            write_health(&w, &s->entries[i]);
    reply_list_end(x, &w, &body);
}
