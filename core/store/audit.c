#include "store/audit.h"

#include "store/store_internal.h"

#include <stdlib.h>

typedef struct audit_job {
    loop_job loop;
    audit_entry e;
    store_audit_told done;
    void *ctx;
    char texts[];
} audit_job;

static store_result insert(store *s, database *d, store_job *job) {
    (void)s;
    const audit_entry *e = &((audit_job *)job)->e;
    sqlite3_stmt *stmt = database_prepare(
        d, "INSERT INTO audit(at_ms, actor, actor_name, peer, action, target, outcome, detail, count) "
           "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
    database_u64(stmt, 1, e->at_ms);
    database_text(stmt, 2, e->actor);
    database_text(stmt, 3, e->actor_name);
    database_text(stmt, 4, e->from);
    database_text(stmt, 5, e->action);
    database_text(stmt, 6, e->target);
    database_text(stmt, 7, e->outcome);
    database_text(stmt, 8, e->detail);
    database_u64(stmt, 9, e->count > 0 ? e->count : 1);
    return database_done(stmt);
}

static audit_job *copy(const audit_entry *e) {
    size_t bytes = e->actor.len + e->actor_name.len + e->from.len + e->action.len + e->target.len +
                   e->outcome.len + e->detail.len;
    audit_job *j = malloc(sizeof *j + bytes);
    if (j == NULL)
        return NULL;
    char *at = j->texts;
    *j = (audit_job){.loop = {.job = {.write = insert, .finish = store_job_free, .single = true}}, .e = *e};
    j->e.actor = job_text(&at, e->actor);
    j->e.actor_name = job_text(&at, e->actor_name);
    j->e.from = job_text(&at, e->from);
    j->e.action = job_text(&at, e->action);
    j->e.target = job_text(&at, e->target);
    j->e.outcome = job_text(&at, e->outcome);
    j->e.detail = job_text(&at, e->detail);
    return j;
}

bool store_audit_add(store *s, const audit_entry *e) {
    audit_job *j = copy(e);
    return store_submit_or_drop(s, j != NULL ? &j->loop.job : NULL);
}

static void tell(loop *l, void *arg) {
    audit_job *j = arg;
    (void)l;
    j->done(j->loop.job.result, j->ctx);
    free(j);
}

bool store_audit_add_told(store *s, const audit_entry *e, loop *l, store_audit_told done, void *ctx) {
    audit_job *j = copy(e);
    if (j != NULL) {
        j->loop.job.finish = loop_job_finish;
        j->loop.l = l;
        j->loop.deliver = tell;
        j->done = done;
        j->ctx = ctx;
    }
    return store_submit_or_drop(s, j != NULL ? &j->loop.job : NULL);
}

store_result store_audit_add_now(store *s, const audit_entry *e) {
    audit_job j = {.loop = {.job = {.write = insert, .single = true}}, .e = *e};
    return store_run(s, &j.loop.job);
}
