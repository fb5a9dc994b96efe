/* fixture.h - a store in a folder of its own, and a loop to be told on. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <busbar/busbar.h>

#include "store/audit.h"
#include "store/executions.h"
#include "store/idempotency.h"
#include "store/keys.h"
#include "store/quota.h"
#include "store/store_internal.h"
#include "store/tokens.h"

#include <semaphore.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

typedef struct fixture {
    char folder[64], path[128];
    store *s;
    loop *l;
    arena *a;
    sem_t sem; /* posted by a callback on the loop */
} fixture;

static inline void fixture_open(fixture *f) {
    *f = (fixture){.folder = "/tmp/busbar-store-XXXXXX"};
    err e = {""};
    ck_assert_ptr_nonnull(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/busbar.db", f->folder);
    f->s = store_open(f->path, &e);
    ck_assert_msg(f->s != NULL, "%s", e.text);
    f->l = loop_new(0);
    f->a = arena_new(0);
    ck_assert(f->l != NULL && f->a != NULL && loop_start(f->l));
    sem_init(&f->sem, 0, 0);
}

static inline void fixture_reopen(fixture *f) {
    err e = {""};
    store_close(f->s);
    f->s = store_open(f->path, &e);
    ck_assert_msg(f->s != NULL, "%s", e.text);
}

static inline void fixture_close(fixture *f) {
    char command[160];
    store_close(f->s);
    loop_join(f->l);
    loop_free(f->l);
    arena_free(f->a);
    sem_destroy(&f->sem);
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    ck_assert_int_eq(system(command), 0);
}

/* Runs SQL on the writer's thread, as a job of its own. */
typedef struct sql_job {
    store_job job;
    const char *sql;
} sql_job;

static inline store_result sql_run(store *s, database *d, store_job *job) {
    (void)s;
    return database_exec(d, ((sql_job *)job)->sql);
}

static inline store_result fixture_sql(fixture *f, const char *sql) {
    sql_job j = {.job = {.write = sql_run}, .sql = sql};
    return store_run(f->s, &j.job);
}

/* For callbacks that only tell a result. */
typedef struct told {
    fixture *f;
    store_result r;
} told;

static inline void note_result(store_result r, void *ctx) {
    told *o = ctx;
    o->r = r;
    sem_post(&o->f->sem);
}

#endif
