/* pool.h - a loop's children and runs. Private to this room. Everything here is [loop].
 *
 * pool.c owns the runs, turns.c says which is next, worker.c owns the children. */
#ifndef TRANSFORM_POOL_H
#define TRANSFORM_POOL_H

#include "transform/frame.h"
#include "transform/transform.h"

#define KNOWN 32u /* programs that a child is remembered to have compiled */

typedef struct worker {
    struct worker *next;
    transforms *pool;
    uv_process_t process;
    uv_pipe_t pipe;
    buf in;             /* what it has said and is not taken yet */
    transform_run *run; /* NULL: idle */
    bool ready;         /* it has said so */
    bool dismissed;     /* killed or ended: it gets nothing more */
    bool silent, exited;
    unsigned open; /* handles not closed yet */
    int64_t exit_code;
    int exit_signal;
    uint64_t known[KNOWN]; /* hashes */
    unsigned known_at;
} worker;

typedef struct turn turn;

typedef struct run_list {
    transform_run *first, **last;
} run_list;

struct transform_run {
    transform_run *next, **back; /* in `in` */
    run_list *in;                /* NULL: it is with a child, or over */
    transforms *pool;
    worker *by; /* NULL: it waits */
    turn *turn;
    uv_timer_t timer;
    transform_job job;
    uint64_t program_hash;
    uint64_t since_ms; /* loop time at which it came */
    uint64_t begun_ns; /* with `by` */
    bool check;
    bool cut;            /* less time than the job says was left for it */
    bool killed;         /* its child was killed from outside: it is begun once more, and no third time */
    transform_done done; /* NULL: cancelled */
    void *ctx;
    const char *failure; /* told by the timer: what kept it from starting */
};

/* Programs that have cost a child its life are kept apart for a while: they share one child, so that however
 * often they are called, the others go on. */
#define SUSPICIONS 16u
#define SUSPECT_MS 30000u
typedef struct suspicion {
    uint64_t program_hash, until_ms;
} suspicion;

/* So long without an order, and a child ends: its memory goes back. */
#define IDLE_MS 60000u

struct transforms {
    loop *on;
    uint32_t idle_ms;
    worker *workers;  /* dismissed ones too, until they are closed */
    unsigned serving; /* not dismissed */
    run_list failing;
    turn *turns;       /* of owners and programs; the runs that wait are theirs */
    uint64_t floor_ns; /* where the owners are: turns.c */
    uint64_t sweep_ns;
    suspicion suspicions[SUSPICIONS];
    unsigned suspected; /* ever */
    unsigned runs;      /* whose timers are not closed yet */
    bool closing;
};

/* Starts a child. NULL: *code is libuv's reason. */
worker *worker_new(transforms *pool, int *code);
/* Hands an idle child a run. False: it cannot be written to; it is dismissed. */
bool worker_order(worker *w, transform_run *r);
/* Nothing of the order is left to write: the caller's texts are not needed any more. */
bool worker_written(const worker *w);
bool worker_knows(const worker *w, uint64_t program_hash);
/* Kills it and closes its handles; its run, if any, is no longer its own. */
void worker_dismiss(worker *w);

/* A run that waits, until pool_next. NULL: no memory. */
transform_run *pool_add(transforms *pool, const transform_job *job, transform_done done, void *ctx);

/* What worker.c tells pool.c: the run is over, the child idle or gone. */
void pool_answer(transforms *pool, transform_run *r, transform_outcome outcome, bb_str json, bb_str detail);
void pool_again(transforms *pool, transform_run *r); /* the child ended before it took the order */
void pool_ready(transform_run *r);                   /* its child is, from now on */
void pool_next(transforms *pool);
void pool_worker_closed(transforms *pool, worker *w);
/* The run has ended its child. */
void pool_suspect(transforms *pool, const transform_run *r);
bool pool_is_suspect(transforms *pool, uint64_t program_hash);
bool pool_suspect_runs(transforms *pool);

#endif
