/* store_internal.h - what the files of this room share: jobs, the two queues, the connections. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "base/buf.h"
#include "store/database.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <time.h>

/* A piece of work for the store. `write` runs on the writer's thread, in a group with others; `read` on the
 * reader's, after the writes that were queued before the job. One of them is NULL. */
typedef struct store_job store_job;
struct store_job {
    store_result (*write)(store *s, database *d, store_job *job);
    store_result (*read)(store *s, database *d, store_job *job);
    /* Once `result` holds: of a read on the reader's thread, of a write on one of those that sync, or the
     * writer's where it changed nothing, after the group is on disk. Owns the job from then on. */
    void (*finish)(store_job *job);
    store_result result;
    /* Of a write that can be done again (store_kind.redo): adds what that takes, nothing where nothing was
     * changed. False: it is too much. NULL: it cannot be done again. It is called after `write`, or, of a
     * `single` one, also before: what is refused is refused again then, where it is done again. */
    bool (*note)(const store_job *job, buf *out);
    bool single; /* what may be refused comes before all that changes: it needs no savepoint */
    store_job *next;
};

typedef struct job_queue {
    store_job *first, **last;
    size_t length;
} job_queue;

typedef struct store_kind store_kind;

/* What has been committed and is not known to be on disk (syncer.c); under store.lock. The groups are counted
 * from 0. */
#define SYNC_GROUPS 64 /* committed and not told of: then the writer waits */
#define SYNC_THREADS 16
#define SYNC_NO_GROUP UINT64_MAX
typedef enum { SYNC_NONE, SYNC_LOG = 1, SYNC_AHEAD = 2 } sync_what; /* flags: the files */
typedef struct sync_group {
    store_job *first;
    store_result result;
    unsigned what;
    size_t jobs;
} sync_group;
/* A sync that is under way, or over before another one of its files that began before it: that may have taken
 * the device's word of what both were to write (fsync(2), "Errors": an error is told of once). */
typedef struct sync_run {
    uint64_t number; /* in the order in which they began; 0: none */
    unsigned what;   /* files */
    bool ended;
    uint64_t until, in_log; /* what it makes durable: groups, and of the log what ahead_state.safe has */
} sync_run;
#define SYNC_RUNS (SYNC_THREADS + 2) /* those of groups, and of the log alone */
typedef struct sync_state {
    sync_group groups[SYNC_GROUPS];
    uint64_t written, started, durable, told; /* up to here; `started`: a sync of it has begun */
    uint64_t undone;                          /* the one that is not told of before it is done */
    size_t jobs;                              /* written and not told of */
    sync_run runs[SYNC_RUNS];
    uint64_t begun;             /* runs */
    unsigned under_way;         /* runs */
    uint64_t began_ns, took_ns; /* the last one for groups that has begun; that has ended */
    bool telling, waits;        /* waits: a thread does, for the time of its sync */
    int fd;                     /* of the log; -1: not open yet */
    _Atomic(int) failed;        /* store_result: not STORE_OK until the log has been mended */
    pthread_cond_t time, room;  /* time: nobody tells of it, it comes */
} sync_state;

/* The log, and who takes it into the database (log.c). */
typedef enum { LOG_SHORT, LOG_LONG, LOG_REST } log_turn; /* nobody's, the thread's, the writer's */
typedef struct log_state {
    _Atomic(size_t) frames; /* its length in pages, set by the writer */
    _Atomic(size_t) pages;  /* it is taken into the database from here on */
    _Atomic(int) result;    /* store_result of the last time that it was */
    _Atomic(uint64_t) complained_ns;
    int index;                    /* of its index, the file -shm; -1: not open */
    uint64_t tried_ns, mended_ns; /* [writer] */
    store_result mended;          /* the last time [writer] */
    size_t next, limited;         /* when something is to be done; the file is cut by so many [writer] */
    log_turn turn;                /* under store.lock */
    bool asked;                   /* the thread, since the log last began anew [writer] */
    bool stop, runs;
    size_t part;   /* pages: about as long, for the file's sake; 0: it may be of any size; and */
    bool roomy;    /* the disk has room for a long one; these and the next under store.lock */
    size_t synced; /* pages when its last sync began, or, of another round of it, anything */
    pthread_cond_t come;
    pthread_t thread;
    database db; /* the thread's own */
} log_state;

/* What comes in, noted before it is in the database (ahead.c). */
typedef struct ahead_state {
    char *path;
    int fd;                            /* -1: there is none */
    bool usable;                       /* it takes notes; else each group is committed */
    bool broken;                       /* what comes next must not stand behind what is there [writer] */
    bool owed;                         /* what is in `open` is in no transaction [writer] */
    uint64_t salt[2];                  /* of this time with the file */
    unsigned half;                     /* that is being filled [writer] */
    off_t at;                          /* in it [writer] */
    uint64_t number, marked;           /* the last group; that the database has [writer] */
    uint64_t last[2];                  /* of each half [writer] */
    uint64_t asked;                    /* for a sync that has this group [writer] */
    buf frame;                         /* a group's, as it is written [writer] */
    buf open;                          /* records of the open transaction [writer] */
    size_t open_before;                /* bytes of it, without those of the last group [writer] */
    _Atomic(uint64_t) committed, safe; /* in the database; on disk, there */
    bool wanted;                       /* a sync of the log, by its thread; under store.lock */
    dev_t device;                      /* of the file */
    ino_t inode;
    struct ahead_state *next; /* of those that this process has open */
} ahead_state;

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
    bool reader_runs;
    pthread_t reader;

    /* Those that commit and sync (threads.c) */
    pthread_t threads[SYNC_THREADS + 1];
    unsigned thread_count, idle; /* idle: wait for `work` */
    bool writing, written_all; /* it is some thread's turn to commit; there is nothing more to be committed */
    bool slow_disk;            /* a sync takes much longer than a commit */
    pthread_cond_t work;

    sync_state sync;
    log_state log;
    ahead_state ahead;

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
    uint64_t began_ns, commit_ns;                 /* when the last group began, and what it took */
    bool open;                                    /* a transaction is, */
    bool may_hold;                                /* and may stay so, */
    uint64_t open_ns;                             /* since then, */
    unsigned open_jobs;                           /* and has done so many */
    uint64_t opened_ns;                           /* when its connection was last taken anew */
    uint64_t room_ns;                             /* when the log was last emptied for want of room */
    uint64_t complained_ns;                       /* when a failure was last logged */
    bool empty_log;                               /* asked for by a job of the group */
    bool complained;                              /* the log is to be told when it is over */
};

#define STORE_PAGE 4096u /* bytes, SQLite's own choice */
#define STORE_FRAME_HEADER \
    24u /* bytes before a page in the log, https://sqlite.org/fileformat2.html#walformat */
#define STORE_TELL_NS 10000000000u /* between two words of the same trouble in the hub's log */

/* What threads wait by: not clock_ns, which a test may stand still. */
static inline uint64_t store_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
/* pthread_cond_timedwait until then. */
static inline int store_wait_until(pthread_cond_t *c, pthread_mutex_t *lock, uint64_t ns) {
    const struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
    return pthread_cond_timedwait(c, lock, &t);
}

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
    loop_task task;
} loop_job;
void loop_job_finish(store_job *job);
/* finish of a job that nobody waits for: frees it. */
void store_job_free(store_job *job);
/* Queues what nobody waits for: counts it as dropped, and frees it, where that fails. */
bool store_submit_or_drop(store *s, store_job *job);

void queue_init(job_queue *q);
void queue_add(job_queue *q, store_job *job);

/* store.c: the threads leave all signals to the main thread. `gives_way`: woken, it does not push aside what
 * runs. */
bool store_start_thread(pthread_t *thread, void *(*run)(void *), store *s, const char *name, bool gives_way);

/* writer.c, reader.c */
void *reader_main(void *s);
/* Waits for jobs, and does them. False: there are none, and none will come. [writer: whose turn it is] */
bool writer_take_turn(store *s);
/* What a process that was killed has noted and not committed. False: it cannot be read. [main] */
bool writer_open(store *s);
/* Tells of a group that is durable, or not STORE_OK. */
void store_finish_group(store *s, store_job *first, store_result r);

/* threads.c */
bool threads_start(store *s, err *e);
void threads_stop(store *s); /* once all that is queued is committed, synced and told of */

/* syncer.c, under store.lock: the group is told of once it is on disk, behind those before it. `what`: where
 * it wrote something, of sync_what. `undone`: and once syncer_done says what became of it, before the next
 * one is added. [writer] */
void syncer_add(store *s, store_job *first, store_result r, unsigned what, bool undone);
void syncer_done(store *s, store_result r);
/* Its jobs; NULL: there is none. Without the lock: nobody else changes it. [writer] */
store_job *syncer_undone(store *s);
/* Whether a sync is to begin: SYNC_LATER, at *at (of store_now_ns). */
typedef enum { SYNC_NOT, SYNC_NOW, SYNC_LATER } sync_due;
sync_due syncer_due(const store *s, uint64_t *at);
void syncer_sync(store *s);     /* unlocks meanwhile */
void syncer_sync_log(store *s); /* for ahead.c: what is committed by now; unlocks meanwhile */
bool syncer_open(store *s);     /* the log's file */
void syncer_close(store *s);

/* log.c [writer] */
bool log_start(store *s, err *e);
void log_stop(store *s);               /* the writer has ended */
void log_closed(store *s);             /* and so have all connections */
void log_watch(store *s);              /* of a connection that was opened */
void log_shorten(store *s);            /* takes it into the database, where it is long */
void log_taken_in(store *s, int code); /* what SQLite has said of that; errno too */
store_result log_health(store *s);     /* whether it may grow on */
/* After a sync that failed. STORE_OK: all that was committed is on disk. */
store_result log_mend(store *s);
/* Of a log that was there before: nobody knows whether it is on disk. [main] */
store_result log_make_durable(store *s);
/* No longer than a part of the file, 0: of any size; longer where the disk has so much free. [any-thread] */
void log_limit(store *s, uint64_t file_bytes);
void log_room(store *s, uint64_t free_bytes);
/* log_file.c: writes a file -wal once more, and syncs it, where at least so many of its pages are whole. */
store_result log_renew(const char *path, size_t least, size_t *whole);
/* Of a file -wal, from its beginning: pages that are as they were written. */
size_t log_whole_frames(const char *path);
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
    unsigned syncs;   /* at the same time, 1 .. SYNC_THREADS */
    size_t log_pages; /* the log is taken into the database from here on (log.c) */
    const char *create,
        *configure; /* PRAGMAs of a file to be made, and of a connection that writes; or NULL */
    /* Tells others that this process comes to have the file, before it asks for anything of it; or NULL. */
    bool (*announce)(store *s, err *e);
    /* The file is there, no thread runs yet. Each may be NULL. */
    bool (*open)(store *s, err *e);
    void (*close)(store *s); /* no thread runs any more */
    /* On the writer's thread: within the group's transaction, after its jobs; and when it has been committed,
     * or (not STORE_OK) is undone. */
    store_result (*before_commit)(store *s, database *d);
    void (*after_group)(store *s, store_result r);
    /* Does again what job.note noted; what is there already, or has been refused, is passed over. NULL: there
     * are no such jobs. [writer] */
    store_result (*redo)(store *s, database *d, bb_str record);
    /* Whether no other process writes the file: a transaction may stay open then. NULL: none may. [writer] */
    bool (*is_alone)(store *s);
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
