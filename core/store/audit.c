#include "store/audit.h"

#include "store/store_internal.h"

#include <stdlib.h>

typedef struct audit_job {
    store_job job;
    audit_entry e;
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

bool store_audit_add(store *s, const audit_entry *e) {
    size_t bytes = e->actor.len + e->actor_name.len + e->from.len + e->action.len + e->target.len +
                   e->outcome.len + e->detail.len;
    audit_job *j = malloc(sizeof *j + bytes);
    if (j == NULL)
        return store_submit_or_drop(s, NULL);
    char *at = j->texts;
    j->job = (store_job){.write = insert, .finish = store_job_free, .single = true};
    j->e = *e;
    j->e.actor = job_text(&at, e->actor);
    j->e.actor_name = job_text(&at, e->actor_name);
    j->e.from = job_text(&at, e->from);
    j->e.action = job_text(&at, e->action);
    j->e.target = job_text(&at, e->target);
    j->e.outcome = job_text(&at, e->outcome);
    j->e.detail = job_text(&at, e->detail);
    return store_submit_or_drop(s, &j->job);
}

store_result store_audit_add_now(store *s, const audit_entry *e) {
    audit_job j = {.job = {.write = insert, .single = true}, .e = *e};
    return store_run(s, &j.job);
}
