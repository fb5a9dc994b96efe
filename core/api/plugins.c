/* plugins.c - what is plugged in: connectors, their operations, schemas and auth schemes. */
#include <busbar/content.h>

#include "api/routes.h"

#include "auth/custom.h"
#include "plugin/trust.h"

static void member_opt(json_writer *w, bb_str key, const char *value) {
    if (value != NULL)
        json_member_string(w, key, str_from(value));
}

static void member_raw(json_writer *w, bb_str key, bb_str json) {
    json_key(w, key);
    json_put_raw(w, json);
}

/* --- operations -------------------------------------------------------------------------------------------
 */

static void write_flags(json_writer *w, const plugin_op *op) {
    json_member_bool(w, STR("safe"), (op->desc->flags & BB_OP_SAFE) != 0);
    json_member_bool(w, STR("idempotent"), (op->desc->flags & (BB_OP_SAFE | BB_OP_IDEMPOTENT)) != 0);
    json_member_bool(w, STR("paginated"), (op->desc->flags & BB_OP_PAGINATED) != 0);
    json_member_bool(w, STR("destructive"), (op->desc->flags & BB_OP_DESTRUCTIVE) != 0);
    json_member_bool(w, STR("session"), op->session != NULL);
    if (op->content == 0)
        return;
    json_keyl(w, "content");
    json_object(w);
    json_member_bool(w, STR("takes"), (op->content & BB_CONTENT_TAKES) != 0);
    json_member_bool(w, STR("gives"), (op->content & BB_CONTENT_GIVES) != 0);
    json_object_end(w);
}

void write_operation_summary(json_writer *w, const plugin_op *op) {
    json_object(w);
    json_member_string(w, STR("id"), op->id);
    member_opt(w, STR("summary"), op->desc->summary);
    write_flags(w, op);
    json_object_end(w);
}

void write_operations(json_writer *w, const plugin_module *m) {
    json_keyl(w, "operations");
    json_array(w);
    for (size_t i = 0; i < m->op_count; i++)
        write_operation_summary(w, &m->ops[i]);
    json_array_end(w);
}

void write_operation(json_writer *w, const plugin_module *m, const plugin_op *op) {
    json_object(w);
    json_member_string(w, STR("id"), op->id);
    json_member_string(w, STR("plugin"), m->id);
    member_opt(w, STR("summary"), op->desc->summary);
    member_opt(w, STR("description"), op->desc->description);
    write_flags(w, op);
    json_member_u64(w, STR("timeout_ms"), op->desc->timeout_ms != 0 ? op->desc->timeout_ms : 30000);
    member_opt(w, STR("idempotency_header"), op->desc->idempotency_header);
    member_opt(w, STR("items"), op->desc->items);
    member_raw(w, STR("input_schema"), op->input_text);
    member_raw(w, STR("output_schema"), op->output_text);
    member_raw(w, STR("examples"), op->examples_text);
    json_object_end(w);
}

/* --- connectors -------------------------------------------------------------------------------------------
 */

static void write_connections_of(json_writer *w, const snapshot *s, bb_str plugin, const principal *who) {
    json_keyl(w, "connections");
    json_array(w);
    for (size_t i = 0; i < s->count; i++)
        if (str_eq(s->entries[i].plugin, plugin) && access_sees(who, s->entries[i].id))
            json_put_string_lossy(w, s->entries[i].id);
    json_array_end(w);
}

/* Who vouches for it, as the last reload found it. `found`: the file's hash, where another build runs or
 * none. */
static void write_trust(json_writer *w, const snapshot_plugin *p) {
    const trust *t = p->trust;
    if (p->found[0] != '\0' && (p->module == NULL || strcmp(p->found, p->module->sha256) != 0))
        json_member_string(w, STR("file_sha256"), str_from(p->found));
    if (t != NULL) {
        json_member_string(w, STR("signature"), str_from(trust_signature_name(t->signature)));
        member_opt(w, STR("signer"), t->signer);
        if (t->key[0] != '\0')
            json_member_string(w, STR("key"), str_from(t->key));
        json_member_time(w, STR("signed_at"), t->signed_ms);
        json_member_bool(w, STR("pinned"), t->pinned);
    }
    if (p->quarantine == NULL)
        return;
    json_keyl(w, "quarantine");
    json_object(w);
    json_member_string(w, STR("action"), str_from(quarantine_action_name(p->quarantine->action)));
    json_member_string(w, STR("reason"), str_from(p->quarantine->reason));
    json_member_time(w, STR("at"), p->quarantine->at_ms);
    json_object_end(w);
}

/* The members that list and single answer share; the object is left open. */
static void write_plugin_head(json_writer *w, const snapshot *s, const snapshot_plugin *p,
                              const principal *who) {
    const plugin_module *m = p->module;
    json_object(w);
    json_member_string(w, STR("id"), p->id);
    json_member_string(w, STR("status"), m != NULL ? STR("ready") : STR("refused"));
    json_member_string(w, STR("file"), str_from(p->file));
    if (p->error.ptr != NULL)
        json_member_string(w, STR("error"), p->error);
    if (m != NULL) {
        json_member_string(w, STR("name"), str_from(m->desc->name));
        json_member_string(w, STR("version"), str_from(m->desc->version));
        json_member_string(w, STR("summary"), str_from(m->desc->summary));
        json_member_string(w, STR("sha256"), str_from(m->sha256));
        json_member_u64(w, STR("generation"), m->number);
    }
    write_trust(w, p);
    write_connections_of(w, s, p->id, who);
}

void route_plugins(api *a, http_exchange *x, const route_params *params) {
    const snapshot *s = a->worker->snapshot;
    buf body;
    json_writer w = reply_list_begin(&body, "plugins");
    for (size_t i = 0; i < s->plugin_count; i++) {
        write_plugin_head(&w, s, &s->plugins[i], params->who);
        const plugin_module *m = s->plugins[i].module;
        json_member_u64(&w, STR("operations"), m != NULL ? m->op_count : 0);
        json_object_end(&w);
    }
    reply_list_end(x, &w, &body);
}

static void write_field(json_writer *w, const auth_field *f, bb_str otherwise) {
    json_object(w);
    json_member_string(w, STR("name"), str_from(f->name));
    json_member_bool(w, STR("required"), f->required && otherwise.len == 0);
    json_member_bool(w, STR("secret"), f->secret);
    if (otherwise.len > 0)
        json_member_string(w, STR("default"), otherwise);
    json_member_string(w, STR("description"), str_from(f->description));
    json_object_end(w);
}

static void write_fields(json_writer *w, arena *memory, const auth_scheme *scheme, const bb_plugin *plugin) {
    json_keyl(w, "fields");
    json_array(w);
    for (const auth_field *f = scheme->fields; f->name != NULL; f++) {
        bb_str declared = plugin != NULL ? auth_plugin_default(memory, plugin, scheme->id, f->name)
                                         : (bb_str){NULL, 0};
        write_field(w, f, declared.len > 0 ? declared : str_from(f->otherwise));
    }
    json_array_end(w);
}

static void write_custom_schemes(json_writer *w, arena *memory, const plugin_module *m) {
    for (size_t i = 0; m->auth != NULL && m->auth->schemes[i] != NULL; i++) {
        const char *id = m->auth->schemes[i]->id;
        const auth_scheme *scheme = custom_scheme_find(m->desc->id, m->auth, str_from(id));
        if (scheme == NULL)
            continue;
        json_object(w);
        json_member_string(w, STR("scheme"), str_from(id));
        json_member_string(w, STR("summary"), str_from(scheme->summary));
        write_fields(w, memory, scheme, m->desc);
        json_object_end(w);
    }
}

static void write_auth_schemes_of(json_writer *w, arena *memory, const plugin_module *m) {
    const bb_plugin *plugin = m->desc;
    json_keyl(w, "auth_schemes");
    json_array(w);
    for (const bb_auth_scheme *const *s = plugin->auth_schemes; s != NULL && *s != NULL; s++) {
        const auth_scheme *scheme = auth_scheme_find(str_from((*s)->scheme));
        json_object(w);
        json_member_string(w, STR("scheme"), str_from((*s)->scheme));
        json_member_string(w, STR("summary"),
                           str_from((*s)->summary != NULL ? (*s)->summary : scheme->summary));
        write_fields(w, memory, scheme, plugin);
        json_object_end(w);
    }
    write_custom_schemes(w, memory, m);
    json_array_end(w);
}

static void write_schemas(json_writer *w, const bb_plugin *plugin, bool whole) {
    json_keyl(w, "schemas");
    json_array(w);
    for (const bb_schema *const *s = plugin->schemas; s != NULL && *s != NULL; s++) {
        if (!whole) {
            json_put_string_lossy(w, str_from((*s)->name));
            continue;
        }
        json_object(w);
        json_member_string(w, STR("name"), str_from((*s)->name));
        member_raw(w, STR("schema"), str_from((*s)->text));
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_whole_operations(json_writer *w, const plugin_module *m) {
    json_keyl(w, "operations");
    json_array(w);
    for (size_t i = 0; i < m->op_count; i++)
        write_operation(w, m, &m->ops[i]);
    json_array_end(w);
}

void write_declarations(json_writer *w, arena *memory, const plugin_module *m, bool whole) {
    const bb_plugin *desc = m->desc;
    member_opt(w, STR("vendor"), desc->vendor);
    member_opt(w, STR("homepage"), desc->homepage);
    member_opt(w, STR("license"), desc->license);
    member_opt(w, STR("test_operation"), desc->test_operation);
    member_raw(w, STR("settings_schema"), m->settings_text);
    write_auth_schemes_of(w, memory, m);
    (whole ? write_whole_operations : write_operations)(w, m);
    write_schemas(w, desc, whole);
}

static const snapshot_plugin *find_plugin(api *a, http_exchange *x, bb_str id, bool loaded) {
    const snapshot_plugin *p = snapshot_plugin_find(a->worker->snapshot, id);
    if (p == NULL || (loaded && p->module == NULL)) {
        reply_problemf(x, PROBLEM_PLUGIN_NOT_FOUND, "there is no connector \"%.*s\"%s", STR_FMT(id),
                       p != NULL ? " in force: it is refused" : "");
        return NULL;
    }
    return p;
}

void route_plugin(api *a, http_exchange *x, const route_params *params) {
    const snapshot_plugin *p = find_plugin(a, x, params->part[0], false);
    if (p == NULL)
        return;
    buf body;
    json_writer w = reply_begin(&body);
    write_plugin_head(&w, a->worker->snapshot, p, params->who);
    if (p->module != NULL)
        write_declarations(&w, http_exchange_arena(x), p->module, false);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

const plugin_op *find_operation(http_exchange *x, const plugin_module *m, bb_str id) {
    const plugin_op *op = module_op(m, id);
    if (op != NULL)
        return op;
    const char **names = arena_zalloc(http_exchange_arena(x), (m->op_count + 1) * sizeof *names);
    for (size_t i = 0; names != NULL && i < m->op_count; i++)
        names[i] = m->ops[i].desc->id;
    const char *near = names != NULL ? str_nearest(id, names) : NULL;
    reply_problemf(x, PROBLEM_OPERATION_NOT_FOUND, "connector %s has no operation \"%.*s\"%s%s%s",
                   m->desc->id, STR_FMT(id), near != NULL ? "; did you mean \"" : "",
                   near != NULL ? near : "", near != NULL ? "\"?" : "");
    return NULL;
}

void route_plugin_operation(api *a, http_exchange *x, const route_params *params) {
    const snapshot_plugin *p = find_plugin(a, x, params->part[0], true);
    const plugin_op *op = p != NULL ? find_operation(x, p->module, params->part[1]) : NULL;
    if (op == NULL)
        return;
    buf body;
    json_writer w = reply_begin(&body);
    write_operation(&w, p->module, op);
    reply_json(x, 200, &body);
}

/* --- schemas, auth schemes -------------------------------------------------------------------------- */

void route_schemas(api *a, http_exchange *x, const route_params *params) {
    (void)params;
    const snapshot *s = a->worker->snapshot;
    buf body;
    json_writer w = reply_list_begin(&body, "schemas");
    for (size_t i = 0; i < s->plugin_count; i++) {
        const plugin_module *m = s->plugins[i].module;
        for (const bb_schema *const *at = m != NULL ? m->desc->schemas : NULL; at != NULL && *at != NULL;
             at++) {
            json_object(&w);
            json_member_string(&w, STR("plugin"), m->id);
            json_member_string(&w, STR("name"), str_from((*at)->name));
            json_object_end(&w);
        }
    }
    reply_list_end(x, &w, &body);
}

void route_schema(api *a, http_exchange *x, const route_params *params) {
    const snapshot_plugin *p = find_plugin(a, x, params->part[0], true);
    if (p == NULL)
        return;
    for (const bb_schema *const *at = p->module->desc->schemas; at != NULL && *at != NULL; at++) {
        if (str_eq(params->part[1], str_from((*at)->name))) {
            bb_str text = str_from((*at)->text);
            http_response response = {.status = 200,
                                      .content_type = STR("application/schema+json"),
                                      .body = &text,
                                      .body_parts = 1};
            http_respond(x, &response);
            return;
        }
    }
    reply_problemf(x, PROBLEM_NOT_FOUND, "connector %s has no schema \"%.*s\"", p->module->desc->id,
                   STR_FMT(params->part[1]));
}

void route_auth_schemes(api *a, http_exchange *x, const route_params *params) {
    (void)params;
    const snapshot *s = a->worker->snapshot;
    buf body;
    json_writer w = reply_list_begin(&body, "auth_schemes");
    for (const auth_scheme *scheme = auth_schemes; scheme->id != NULL; scheme++) {
        json_object(&w);
        json_member_string(&w, STR("scheme"), str_from(scheme->id));
        json_member_string(&w, STR("summary"), str_from(scheme->summary));
        write_fields(&w, http_exchange_arena(x), scheme, NULL);
        json_keyl(&w, "plugins");
        json_array(&w);
        for (size_t i = 0; i < s->plugin_count; i++) {
            const plugin_module *m = s->plugins[i].module;
            for (const bb_auth_scheme *const *at = m != NULL ? m->desc->auth_schemes : NULL;
                 at != NULL && *at != NULL; at++)
                if (strcmp((*at)->scheme, scheme->id) == 0)
                    json_put_string_lossy(&w, m->id);
        }
        json_array_end(&w);
        json_object_end(&w);
    }
    reply_list_end(x, &w, &body);
}
