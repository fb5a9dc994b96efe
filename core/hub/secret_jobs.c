/* secret_jobs.c - what the API asks of the secret store. */
#include "hub/internal.h"

#include "base/log.h"

#include <stdio.h>

static void refuse(hub *h, api_job *job, problem p, const char *text) {
    hub_job_refuse(job, p, text);
    hub_job_finish(h, job);
}

static void refuse_result(hub *h, api_job *job, store_result r, const err *e) {
    if (h->settings.offline && r == STORE_READ_ONLY)
        refuse(h, job, PROBLEM_UNSUPPORTED, "an offline hub only reads: give the command to a hub that runs");
    else
        refuse(h, job, store_result_problem(r), e->text[0] != '\0' ? e->text : store_result_text(r));
}

static bool name_fits(hub *h, api_job *job) {
    if (secrets_name_ok(job->id))
        return true;
    refuse(h, job, PROBLEM_BAD_REQUEST, "a secret's name is of the form [a-z0-9][a-z0-9._-]{0,63}");
    return false;
}

/* --- who uses it ------------------------------------------------------------------------ */

static bool has(bb_str text, bb_str word) {
    return text.len > 0 && memmem(text.ptr, text.len, word.ptr, word.len) != NULL;
}

/* By the reference in its file, or, where it was refused for want of the secret, by the reason. */
static bool uses(const snapshot_entry *entry, bb_str reference, bb_str complaint) {
    return (entry->conn != NULL && has(entry->conn->conf_json, reference)) || has(entry->error, complaint);
}

static bool hook_uses(const webhook_entry *entry, bb_str name, bb_str complaint) {
    for (size_t i = 0; entry->item != NULL && i < entry->item->secret_count; i++)
        if (str_eq(entry->item->secrets[i], name))
            return true;
    return has(entry->error, complaint);
}

/* Gives whether there are any. */
static bool write_hooks(const hub *h, const api_job *job, bb_str complaint, json_writer *w) {
    bool any = false;
    json_keyl(w, "webhooks");
    json_array(w);
    for (size_t k = 0; k < WEBHOOK_KINDS; k++) {
        const webhook_list *list = &h->webhooks.set->lists[k];
        for (size_t i = 0; i < list->count; i++) {
            if (!hook_uses(&list->entries[i], job->id, complaint))
                continue;
            json_put_string(w, webhook_name(job->memory, (webhook_kind)k, list->entries[i].id));
            any = true;
        }
    }
    json_array_end(w);
    return any;
}

/* "connections": [...], "webhooks": [...] and whether a reload is needed for them to notice. */
static void write_users(const hub *h, const api_job *job, json_writer *w) {
    bb_str reference = arena_printf(job->memory, "${secret:%.*s}", STR_FMT(job->id)),
           complaint = arena_printf(job->memory, "no secret \"%.*s\"", STR_FMT(job->id));
    const snapshot *s = registry_current(h->registry);
    bool any = false;
    json_keyl(w, "connections");
    json_array(w);
    for (size_t i = 0; i < s->count; i++) {
        if (!uses(&s->entries[i], reference, complaint))
            continue;
        json_put_string(w, s->entries[i].id);
        any = true;
    }
    json_array_end(w);
    any = write_hooks(h, job, complaint, w) || any;
    json_member_bool(w, STR("reload_needed"), any);
}

/* --- one secret -------------------------------------------------------------------------------------- */

static void list(hub *h, api_job *job) {
    bb_str text;
    store_result r = secrets_list(h->secrets, job->memory, &text);
    if (r != STORE_OK) {
        refuse(h, job, store_result_problem(r), store_result_text(r));
        return;
    }
    buf_str_add(&job->answer, text);
    hub_job_finish(h, job);
}

static void get(hub *h, api_job *job) {
    err e = {""};
    bb_str value;
    store_result r = secrets_get(h->secrets, job->memory, job->id, &value, &e);
    if (r != STORE_OK) {
        refuse_result(h, job, r, &e);
        return;
    }
    json_writer w;
    json_writer_init(&w, &job->answer);
    json_object(&w);
    json_member_string(&w, STR("name"), job->id);
    json_member_string(&w, STR("value"), value);
    json_object_end(&w);
    str_wipe(value);
    hub_job_finish(h, job);
}

/* {"value": "..."} and nothing else. Decoded strings lie in the job's memory. */
static bb_str value_of(hub *h, api_job *job) {
    const json_value *root = json_read(job->memory, job->body, NULL, NULL), *value = json_getl(root, "value");
    if (root == NULL)
        refuse(h, job, PROBLEM_INVALID_JSON, "the body is no JSON text: {\"value\": \"...\"} is expected");
    else if (json_count(root) != 1 || !json_is(value, JSON_STRING))
        refuse(h, job, PROBLEM_BAD_REQUEST, "the body is an object {\"value\": \"...\"}, the value a string");
    else if (json_string(value).len == 0)
        refuse(h, job, PROBLEM_BAD_REQUEST, "the value is empty; DELETE removes a secret");
    else if (json_string(value).len > SECRETS_VALUE_MAX)
        refuse(h, job, PROBLEM_BAD_REQUEST, "the value is over 64 KiB");
    else
        return json_string(value);
    return (bb_str){NULL, 0};
}

static void set(hub *h, api_job *job) {
    err e = {""};
    bool created = false;
    bb_str value = name_fits(h, job) ? value_of(h, job) : (bb_str){NULL, 0};
    if (value.ptr == NULL)
        return;
    store_result r = secrets_set(h->secrets, job->id, value, &created, &e);
    str_wipe(value);
    if (r != STORE_OK) {
        refuse_result(h, job, r, &e);
        return;
    }
    json_writer w;
    json_writer_init(&w, &job->answer);
    json_object(&w);
    json_member_string(&w, STR("name"), job->id);
    json_member_bool(&w, STR("created"), created);
    write_users(h, job, &w);
    json_object_end(&w);
    job->status = created ? 201 : 200;
    log_info("secret %.*s: %s", STR_FMT(job->id), created ? "set" : "changed");
    hub_job_finish(h, job);
}

static void remove_(hub *h, api_job *job) {
    err e = {""};
    store_result r = secrets_remove(h->secrets, job->id, &e);
    if (r != STORE_OK) {
        refuse_result(h, job, r, &e);
        return;
    }
    json_writer w;
    json_writer_init(&w, &job->answer);
    json_object(&w);
    json_member_string(&w, STR("name"), job->id);
    json_member_bool(&w, STR("removed"), true);
    write_users(h, job, &w); /* which the next reload will refuse */
    json_object_end(&w);
    log_info("secret %.*s: removed", STR_FMT(job->id));
    hub_job_finish(h, job);
}

/* --- rotation ---------------------------------------------------------------------------------------- */

/* {} or {"new_master_key_file": "/..."}: a path of the hub's machine. False: the job is answered. */
static bool read_rotation(hub *h, api_job *job, const char **file) {
    *file = NULL;
    if (job->body.len == 0)
        return true;
    const json_value *root = json_read(job->memory, job->body, NULL, NULL),
                     *path = json_getl(root, "new_master_key_file");
    bb_str text = json_string(path);
    if (!json_is(root, JSON_OBJECT) || json_count(root) != (path != NULL) ||
        (path != NULL && (text.len == 0 || text.ptr[0] != '/' || memchr(text.ptr, '\0', text.len) != NULL))) {
        refuse(
            h, job, PROBLEM_BAD_REQUEST,
            "the body is {} or {\"new_master_key_file\": \"/...\"}, an absolute path on the hub's machine");
        return false;
    }
    if (path != NULL)
        *file = arena_strdup(job->memory, text);
    return true;
}

static bool begin(hub *h, api_job *job) {
    const char *file;
    err e = {""};
    if (!read_rotation(h, job, &file))
        return false;
    if (h->rotating) {
        refuse(h, job, PROBLEM_CONFLICT, "the secrets are being rotated already");
        return false;
    }
    store_result r = secrets_rotate_begin(h->secrets, file, &e);
    if (r != STORE_OK) {
        if (file != NULL && r == STORE_FAILED)
            refuse(h, job, PROBLEM_BAD_REQUEST, e.text);
        else
            refuse_result(h, job, r, &e);
        return false;
    }
    job->begun = h->rotating = true;
    job->wait = file != NULL;
    return true;
}

/* Absent where there is nothing to do by hand. */
static bb_str advice_of(const hub *h, api_job *job) {
    return job->wait && !secrets_master_is_own(h->secrets)
               ? arena_printf(
                     job->memory,
                     "Before the hub starts again, put the new master key into %s: the old one opens "
                     "nothing any more.",
                     secrets_master_place(h->secrets))
               : (bb_str){NULL, 0};
}

static void write_rotation(const hub *h, api_job *job) {
    char key[SECRETS_KEY_ID_SIZE];
    bb_str advice = advice_of(h, job);
    json_writer w;
    secrets_key(h->secrets, key);
    json_writer_init(&w, &job->answer);
    json_object(&w);
    json_member_string(&w, STR("key"), str_from(key));
    json_member_u64(&w, STR("re_encrypted"), job->done);
    json_member_bool(&w, STR("master_key_changed"), job->wait);
    if (advice.ptr != NULL)
        json_member_string(&w, STR("advice"), advice);
    json_object_end(&w);
    log_info("the secrets are under data key %s%s: %llu re-encrypted", key,
             job->wait ? " and a new master key" : "", (unsigned long long)job->done);
}

static void give_up(hub *h, api_job *job, problem p, const char *why) {
    bb_str advice = advice_of(h, job),
           text = arena_printf(job->memory, "%s%s%.*s", why, advice.ptr != NULL ? ". " : "", STR_FMT(advice));
    refuse(h, job, p, text.ptr != NULL ? text.ptr : why);
}

/* One step, then to the end of the queue: calls' jobs and reloads come between. */
static void rotate(hub *h, api_job *job) {
    size_t left = 0, before;
    err e = {""};
    if (!job->begun && !begin(h, job))
        return;
    store_result r = secrets_rotate_step(h->secrets, &left, &before, &e);
    job->done += before;
    if (r == STORE_OK && left > 0 && !h->stopping && hub_submit(h, job))
        return;
    h->rotating = false;
    if (r != STORE_OK) {
        give_up(h, job, store_result_problem(r), e.text);
    } else if (left > 0) {
        give_up(h, job, PROBLEM_OVERLOADED, "the hub stops: its next start re-encrypts what is left");
    } else {
        write_rotation(h, job);
        hub_job_finish(h, job);
    }
}

void hub_secret_job(hub *h, api_job *job) {
    switch (job->kind) {
    case JOB_SECRET_LIST: list(h, job); break;
    case JOB_SECRET_GET: get(h, job); break;
    case JOB_SECRET_SET: set(h, job); break;
    case JOB_SECRET_REMOVE: remove_(h, job); break;
    default: rotate(h, job); break;
    }
}
