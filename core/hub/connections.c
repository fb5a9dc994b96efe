/* connections.c - connections that the API creates, changes and deletes: as files in conf.d, followed by a
 * reload.
 *
 * A change is checked before it is written; one that the reload then refuses (the connector's `create` has
 * the last word) is taken back. */
#include "hub/internal.h"

#include "base/log.h"
#include "conf/conf.h"
#include "registry/settings.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static void refuse(hub *h, api_job *job, problem p, const char *text) {
    hub_job_refuse(job, p, text);
    hub_job_finish(h, job);
}

static const char *path_of(hub *h, api_job *job, bb_str id) {
    const snapshot_entry *entry = snapshot_find(registry_current(h->registry), id);
    if (entry != NULL)
        return arena_strdup(job->memory, str_from(entry->file));
    return arena_printf(job->memory, "%s/%.*s.conf", h->settings.conf_dir, STR_FMT(id)).ptr;
}

/* --- the document -----------------------------------------------------------------------------------------
 */

static bool is_head(bb_str key) {
    return str_eq(key, STR("id")) || str_eq(key, STR("plugin")) || str_eq(key, STR("name"));
}

static bool is_section(bb_str key) {
    for (const char *const *s = settings_sections(); *s != NULL; s++)
        if (str_eq(key, str_from(*s)))
            return !str_eq(key, STR("connection"));
    return false;
}

static const char *nearest_member(bb_str key) {
    static const char *const head[] = {"id", "plugin", "name", NULL};
    const char *near = str_nearest(key, head);
    return near != NULL ? near : str_nearest(key, settings_sections());
}

static bool check_members(const json_value *root, err *e) {
    if (!json_is(root, JSON_OBJECT))
        return err_set(e, "the body is an object: {\"id\", \"plugin\", \"name\", \"settings\", \"auth\", "
                          "\"retry\", \"limits\", ...}");
    if (json_getl(root, "connection") != NULL)
        return err_set(e, "\"connection\" is a section of the file: here \"plugin\" and \"name\" are members "
                          "of the body itself");
    for (json_iter it = json_iterate(root); json_next(&it);)
        if (!is_head(it.key) && !is_section(it.key)) {
            char name[65] = "";
            memcpy(name, it.key.ptr, it.key.len < 64 ? it.key.len : 64);
            const char *near = nearest_member(it.key);
            return err_set(e, "unknown member \"%s\"%s%s%s", name, near != NULL ? "; did you mean \"" : "",
                           near != NULL ? near : "", near != NULL ? "\"?" : "");
        }
    return true;
}

/* The API's shape {"plugin", "name", "settings", ...} as the file's {"connection": {...}, "settings": {...},
 * ...}. */
static bb_str file_shape(arena *a, const json_value *root) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    json_keyl(&w, "connection");
    json_object(&w);
    static const char *const head[] = {"plugin", "name"};
    for (size_t i = 0; i < 2; i++) {
        const json_value *v = json_get(root, str_from(head[i]));
        if (v != NULL && !json_is(v, JSON_NULL)) {
            json_key(&w, str_from(head[i]));
            json_put_value(&w, v);
        }
    }
    json_object_end(&w);
    for (const char *const *s = settings_sections(); *s != NULL; s++) {
        const json_value *v = json_get(root, str_from(*s));
        if (v != NULL && !json_is(v, JSON_NULL)) {
            json_key(&w, str_from(*s));
            json_put_value(&w, v);
        }
    }
    json_object_end(&w);
    bb_str text = json_writer_take(&w, a);
    return text;
}

/* The file's content in the API's shape: what a merge starts from. Secrets in the clear are in it: it stays
 * here. */
static const json_value *current_document(arena *a, const char *path, err *e) {
    conf_file f;
    if (!conf_read_file(a, path, &f)) {
        *e = f.error;
        return NULL;
    }
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    for (size_t i = 0; i < f.count; i++) {
        bool head = str_eq(f.sections[i].name, STR("connection"));
        if (!head) {
            json_key(&w, f.sections[i].name);
            json_object(&w);
        }
        for (size_t k = 0; k < f.sections[i].count; k++)
            json_member_string(&w, f.sections[i].entries[k].key, f.sections[i].entries[k].value);
        if (!head)
            json_object_end(&w);
    }
    json_object_end(&w);
    bb_str text = json_writer_take(&w, a);
    return json_read(a, text, NULL, NULL);
}

/* RFC 7396 */
static void merge(json_writer *w, const json_value *base, const json_value *patch) {
    if (!json_is(patch, JSON_OBJECT)) {
        json_put_value(w, patch);
        return;
    }
    json_object(w);
    if (json_is(base, JSON_OBJECT)) {
        for (json_iter it = json_iterate(base); json_next(&it);) {
            if (json_get(patch, it.key) == NULL) {
                json_key(w, it.key);
                json_put_value(w, it.value);
            }
        }
    }
    for (json_iter it = json_iterate(patch); json_next(&it);) {
        if (json_is(it.value, JSON_NULL))
            continue;
        json_key(w, it.key);
        merge(w, json_get(base, it.key), it.value);
    }
    json_object_end(w);
}

static const json_value *merged(arena *a, const json_value *base, const json_value *patch) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    merge(&w, base, patch);
    bb_str text = json_writer_take(&w, a);
    return json_read(a, text, NULL, NULL);
}

/* --- writing, and taking back ----------------------------------------------------------------------- */

static bool read_whole(arena *a, const char *path, bb_str *out) {
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    buf text;
    buf_init(&text);
    char part[4096];
    size_t n;
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_add(&text, part, n);
    fclose(f);
    *out = arena_copy(a, buf_str(&text));
    buf_free(&text);
    return out->ptr != NULL;
}

static const report_item *item_of(const report *r, bb_str id) {
    for (size_t i = 0; i < r->connection_count; i++)
        if (str_eq(r->connections[i].id, id))
            return &r->connections[i];
    return NULL;
}

static void take_back(hub *h, const char *path, bool existed, bb_str before) {
    err e = {""};
    if (existed ? !conf_write_file(path, before, &e) : unlink(path) != 0)
        log_error("%s: a refused change cannot be taken back: %s", path, existed ? e.text : strerror(errno));
    hub_reload(h);
}

static void answer_connection(hub *h, api_job *job, bb_str id, unsigned status) {
    const snapshot_entry *entry = snapshot_find(registry_current(h->registry), id);
    json_writer w;
    json_writer_init(&w, &job->answer);
    json_object(&w);
    json_member_string(&w, STR("id"), id);
    json_member_string(&w, STR("plugin"), entry != NULL ? entry->plugin : STR(""));
    json_member_string(&w, STR("status"),
                       entry != NULL && entry->conn != NULL ? STR("ready") : STR("refused"));
    json_member_string(&w, STR("file"), entry != NULL ? str_from(entry->file) : STR(""));
    json_member_u64(&w, STR("generation"), h->last->generation);
    json_object_end(&w);
    job->status = status;
    hub_job_finish(h, job);
}

static void put(hub *h, api_job *job, bb_str id, const json_value *root, bool exists) {
    err e = {""};
    const char *path = path_of(h, job, id);
    bb_str shape = check_members(root, &e) ? file_shape(job->memory, root) : (bb_str){NULL, 0};
    bb_str text, before = {NULL, 0};
    const json_value *document = shape.ptr != NULL ? json_read(job->memory, shape, NULL, NULL) : NULL;
    if (document == NULL || !conf_text_from_json(job->memory, document, &text, &e) ||
        !registry_check_text(h->registry, path, text, &e)) {
        refuse(h, job, PROBLEM_INVALID_CONFIG,
               e.text[0] != '\0' ? e.text : "the body cannot be written as a conf file");
        return;
    }
    bool existed = exists && read_whole(job->memory, path, &before);
    if (!conf_write_file(path, text, &e)) {
        refuse(h, job, PROBLEM_OVERLOADED, e.text);
        return;
    }
    hub_reload(h);
    const report_item *item = item_of(h->last, id);
    if (!h->last->committed || item == NULL || item->error.ptr != NULL) {
        bb_str why = item != NULL && item->error.ptr != NULL ? item->error : h->last->refusal;
        job->detail = arena_copy(job->memory, why);
        take_back(h, path, existed, before);
        job->problem = PROBLEM_INVALID_CONFIG;
        hub_job_finish(h, job);
        return;
    }
    answer_connection(h, job, id, existed ? 200 : 201);
}

/* --- the jobs --------------------------------------------------------------------------------------- */

static void create(hub *h, api_job *job, const json_value *root) {
    bb_str id = json_string(json_getl(root, "id"));
    job->target = id;
    if (!conf_id_ok(id))
        refuse(h, job, PROBLEM_INVALID_CONFIG,
               "`id` is missing, or not of the form [a-z0-9][a-z0-9_-]{0,63}");
    else if (snapshot_find(registry_current(h->registry), id) != NULL)
        refuse(h, job, PROBLEM_CONFLICT, "there is a connection of this id; PUT or PATCH changes it");
    else if (access(path_of(h, job, id), F_OK) == 0)
        refuse(h, job, PROBLEM_CONFLICT,
               "conf.d has a file of this name that is not in force yet; reload first");
    else
        put(h, job, id, root, false);
}

static void change_(hub *h, api_job *job, const json_value *root, bool exists) {
    if (!exists && !(job->kind == JOB_REPLACE && conf_id_ok(job->id))) {
        refuse(h, job, PROBLEM_CONNECTION_NOT_FOUND, "there is no such connection");
        return;
    }
    if (!exists && access(path_of(h, job, job->id), F_OK) == 0) {
        refuse(h, job, PROBLEM_CONFLICT,
               "conf.d has a file of this name that is not in force yet; reload first");
        return;
    }
    const json_value *id = json_getl(root, "id");
    if (id != NULL && !str_eq(json_string(id), job->id)) {
        refuse(h, job, PROBLEM_INVALID_CONFIG, "a connection's id cannot be changed: it is its file's name");
        return;
    }
    err e = {""};
    if (job->kind == JOB_MERGE) {
        const json_value *now = current_document(job->memory, path_of(h, job, job->id), &e);
        root = now != NULL && json_is(root, JSON_OBJECT) ? merged(job->memory, now, root) : NULL;
    }
    if (root == NULL)
        refuse(h, job, PROBLEM_INVALID_CONFIG,
               e.text[0] != '\0' ? e.text : "the body is an object of what is to change");
    else
        put(h, job, job->id, root, exists);
}

static void answer_deleted(hub *h, api_job *job) {
    json_writer w;
    json_writer_init(&w, &job->answer);
    json_object(&w);
    json_member_string(&w, STR("id"), job->id);
    json_member_bool(&w, STR("deleted"), true);
    json_member_u64(&w, STR("generation"), h->last->generation);
    json_object_end(&w);
    hub_job_finish(h, job);
}

static void delete_(hub *h, api_job *job) {
    const char *path = path_of(h, job, job->id);
    const connection *conn = snapshot_find(registry_current(h->registry), job->id)->conn;
    bb_str before;
    bool existed = read_whole(job->memory, path, &before);
    if (unlink(path) != 0 && errno != ENOENT) {
        bb_str text = arena_printf(job->memory, "%s: cannot be removed: %s", path, strerror(errno));
        refuse(h, job, PROBLEM_OVERLOADED, text.ptr);
        return;
    }
    hub_reload(h);
    if (!h->last->committed) {
        job->detail = arena_copy(job->memory, h->last->refusal);
        if (existed)
            take_back(h, path, true, before);
        job->problem = PROBLEM_INVALID_CONFIG;
        hub_job_finish(h, job);
        return;
    }
    if (conn != NULL)
        hub_auth_forget(h, conn); /* it is retired, and freed by this thread: not before this function ends */
    answer_deleted(h, job);
}

void hub_connection_job(hub *h, api_job *job) {
    bool exists = job->id.len > 0 && snapshot_find(registry_current(h->registry), job->id) != NULL;
    if (job->kind == JOB_DELETE) {
        if (exists)
            delete_(h, job);
        else
            refuse(h, job, PROBLEM_CONNECTION_NOT_FOUND, "there is no such connection");
        return;
    }
    json_error error;
    const json_value *root = json_read(job->memory, job->body, NULL, &error);
    if (root == NULL) {
        bb_str text = arena_printf(job->memory, "line %u, column %u: %s", error.line, error.column,
                                   error.reason);
        refuse(h, job, PROBLEM_INVALID_JSON, text.ptr);
    } else if (job->kind == JOB_CREATE) {
        create(h, job, root);
    } else {
        change_(h, job, root, exists);
    }
}
