/* quarantine_jobs.c - what the API asks of the quarantine. */
#include "hub/internal.h"

#include "base/clock.h"
#include "base/log.h"

static void write_entry(json_writer *w, const quarantine_entry *entry) {
    json_object(w);
    json_member_string(w, STR("sha256"), str_from(entry->sha256));
    json_member_string(w, STR("action"), str_from(quarantine_action_name(entry->action)));
    json_member_string(w, STR("plugin"), str_from(entry->plugin));
    if (entry->version[0] != '\0')
        json_member_string(w, STR("version"), str_from(entry->version));
    json_member_string(w, STR("reason"), str_from(entry->reason));
    json_member_time(w, STR("at"), entry->at_ms);
    json_object_end(w);
}

static void list(hub *h, api_job *job) {
    const quarantine_entry *entry;
    json_writer w;
    json_writer_init(&w, &job->answer);
    json_object(&w);
    json_keyl(&w, "quarantine");
    json_array(&w);
    for (size_t i = 0; (entry = quarantine_at(h->quarantine, i)) != NULL; i++)
        write_entry(&w, entry);
    json_array_end(&w);
    json_object_end(&w);
}

/* "plugins": those whose file is this build and which do not run it in the hub; and whether a reload would
 * look at it anew. */
static void write_waiting(const hub *h, const char *sha256, json_writer *w) {
    const snapshot *s = registry_current(h->registry);
    bool any = false;
    json_keyl(w, "plugins");
    json_array(w);
    for (size_t i = 0; i < s->plugin_count; i++) {
        const snapshot_plugin *p = &s->plugins[i];
        bool runs = p->module != NULL && strcmp(p->module->sha256, sha256) == 0;
        if (strcmp(p->found, sha256) != 0 || (runs && !p->module->declared))
            continue;
        json_put_string_lossy(w, p->id);
        any = true;
    }
    json_array_end(w);
    json_member_bool(w, STR("reload_needed"), any);
}

static void allow(hub *h, api_job *job) {
    char gone[65] = "";
    err e = {""};
    bool ok = quarantine_allow(h->quarantine, job->id, gone, &e);
    if (gone[0] == '\0') {
        bool hash = job->id.len >= 8 && job->id.len <= 64;
        for (size_t i = 0; i < job->id.len; i++)
            hash = hash && memchr("0123456789abcdef", job->id.ptr[i], 16) != NULL;
        hub_job_refuse(job, hash ? PROBLEM_NOT_FOUND : PROBLEM_BAD_REQUEST, e.text);
        return;
    }
    job->target = arena_copy(job->memory, str_from(gone));
    if (!ok) {
        log_error("build %.12s is allowed until the hub ends only: %s", gone, e.text);
        hub_job_refuse(job, PROBLEM_STORE_UNAVAILABLE, e.text);
        return;
    }
    json_writer w;
    json_writer_init(&w, &job->answer);
    json_object(&w);
    json_member_string(&w, STR("sha256"), str_from(gone));
    json_member_bool(&w, STR("allowed"), true);
    write_waiting(h, gone, &w);
    json_object_end(&w);
    log_info("build %.12s is out of quarantine", gone);
}

void hub_quarantine_job(hub *h, api_job *job) {
    if (job->kind == JOB_QUARANTINE_LIST)
        list(h, job);
    else
        allow(h, job);
    hub_job_finish(h, job);
}
