/* store_internal.h - what the files of this room share: jobs, the two queues, the connections. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "base/buf.h"
#include "store/database.h"

#include <pthread.h>
#include <stdatomic.h>

/* A piece of work for the store. `write` runs on the writer's thread, in a group with others; `read` on the
 * reader's, after the writes that were queued before the job. One of them is NULL. */
typedef struct store_job store_job;
struct store_job {
    store_result (*write)(store *s, database *d, store_job *job);
    store_result (*read)(store *s, database *d, store_job *job);
    /* On the thread that ran it, once `result` holds: for a write, after the group's commit. Owns the job
     * from then on. */
    void (*finish)(store_job *job);
    store_result result;
    bool single; /* one statement that changes: needs no savepoint to be all or nothing */
    store_job *next;
};

typedef struct job_queue {
    store_job *first, **last;
    size_t length;
} job_queue;

typedef struct store_kind store_kind;

struct store {
    const store_kind *kind;
    void *state; /* the kind's own */
    char *path;
    uint8_t boot[16];     /* of this process's time with the store */
    bool read_only;       /* no writer */
    pthread_mutex_t lock; /* guards the queues and `stop` */
    pthread_cond_t writes_come, reads_come, finished;
    job_queue writes, reads;
    size_t wanted; /* the writer is woken once so many wait */
    bool stop_writer, stop_reader;
    bool writer_runs, reader_runs;
    pthread_t writer, reader;

    database write; /* the writer's own */
    database read;  /* the reader's own */
    database main;  /* of blocking reads, under main_lock */
    pthread_mutex_t main_lock;

    _Atomic(int) health; /* store_result */
    _Atomic(uint64_t) commits, written, failures, dropped;
    _Atomic(uint64_t) keep_count, keep_ms; /* of executions */

    /* the writer's own */
    unsigned executions_added, idempotency_begun; /* what is done now and then counts these */
    unsigned last_group;                          /* jobs */
    uint64_t commit_ns;                           /* that the last group took */
    uint64_t opened_ns;                           /* when its connection was last taken anew */
    uint64_t room_ns;                             /* when the log was last emptied for want of room */
    uint64_t complained_ns;                       /* when a failure was last logged */
    bool empty_log;                               /* asked for by a job of the group */
    bool complained;                              /* the log is to be told when it is over */
};

/* --- jobs -------------------------------------------------------------------------------------------- */

/* STORE_OK: queued, `finish` will run. Else it will not, and the job is the caller's still. [any-thread] */
store_result store_submit(store *s, store_job *job);
/* Runs a write and waits for its commit. `job` may be on the stack; `finish` is not called. */
store_result store_run(store *s, store_job *job);

/* A job that is told of on a loop: `deliver` runs there and frees it. */
typedef struct loop_job {
    store_job job;
    loop *l; /* NULL: nobody is told, the job is freed */
    loop_fn deliver;
} loop_job;
void loop_job_finish(store_job *job);
/* finish of a job that nobody waits for: frees it. */
void store_job_free(store_job *job);
/* Queues what nobody waits for: counts it as dropped, and frees it, where that fails. */
bool store_submit_or_drop(store *s, store_job *job);

void queue_init(job_queue *q);
void queue_add(job_queue *q, store_job *job);

/* writer.c, reader.c */
void *writer_main(void *s);
void *reader_main(void *s);
/* PRAGMAs of a connection that writes. */
store_result writer_configure(database *d, const store_kind *kind);

/* migrate.c */
typedef struct migration {
    const char *sql; /* from the version before to this one: the first leads from nothing to version 1 */
} migration;

/* --- kinds ------------------------------------------------------------------------------------------- */

/* What a file holds: one machinery, several files, each with a writer of its own. */
struct store_kind {
    int application_id; /* tells the file from other SQLite databases */
    const migration *migrations;
    unsigned version;          /* how many there are */
    const char *const *checks; /* of a file too large to be checked whole: the most needed first */
    size_t check_count;
    const char *lost; /* what is in it, for people: "API keys, ..." */
    const char *create,
        *configure; /* PRAGMAs of a file to be made, and of a connection that writes; or NULL */
    /* The file is there, no thread runs yet. Each may be NULL. */
    bool (*open)(store *s, err *e);
    void (*close)(store *s); /* no thread runs any more */
    /* On the writer's thread: within the group's transaction, after its jobs; and when it has been committed,
     * or (not STORE_OK) is undone. */
    store_result (*before_commit)(store *s, database *d);
    void (*after_group)(store *s, store_result r);
};
extern const store_kind store_main; /* schema.c */

store *store_open_kind(const char *path, const store_kind *kind, err *e);

/* Brings the file to version `count`; makes PATH.before-vCOUNT first where it holds an older one. */
bool store_migrate(database *d, const char *path, const store_kind *kind, err *e);
/* That a file that is only read is of this version. */
bool store_check_version(database *d, const char *path, unsigned version, err *e);

/* integrity.c: gives false for a damaged file, and *e says what to do. */
bool store_check_integrity(database *d, const char *path, const store_kind *kind, err *e);
bool store_damaged(const char *path, const store_kind *kind, const char *what, err *e);

/* Copies into `*at`, which is moved on: for jobs that carry their texts behind themselves. */
static inline bb_str job_text(char **at, bb_str s) {
    bb_str out = {*at, s.len};
    if (s.len > 0)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return out;
}

#endif
