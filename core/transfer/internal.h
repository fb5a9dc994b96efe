/* internal.h - what the files of this room share. */
#ifndef TRANSFER_INTERNAL_H
#define TRANSFER_INTERNAL_H

#include "content/content.h"
#include "pipeline/call.h"
#include "transfer/transfer.h"

#include <pthread.h>

#define TRANSFERS_KEPT 1000 /* that have ended: told of until then */

struct transfers {
    transfers_options options;
    pthread_mutex_t lock; /* guards the list, and what transfer_write reads */
    transfer *first;      /* newest first */
    size_t ended;
    _Atomic(bool) stopping;
};

typedef enum { TRANSFER_RUNNING, TRANSFER_SUCCEEDED, TRANSFER_FAILED, TRANSFER_CANCELLED } transfer_status;

/* One of the two calls. */
typedef struct transfer_side {
    transfer *transfer;
    call *call; /* NULL: not running */
    call_content content;
} transfer_side;

struct transfer {
    transfer *next;
    transfers *all;
    worker *worker; /* while it runs */
    arena *memory;  /* all texts */

    /* what is stored */
    char id[EXECUTION_ID_SIZE]; /* "tr_..." */
    bb_str key;                 /* of whose key; "" : the hub's own */
    transfer_end from, to;
    uint64_t created_ms, ended_ms;
    transfer_status status;
    content_info info;
    bool has_info;
    buf state; /* what the taking operation saved; empty: nothing */
    bool sent; /* the taking service may have got a part of it */
    unsigned resumed;
    uint64_t bytes; /* as of the last storing */
    problem problem;
    bb_str detail;
    bb_str result; /* JSON: the taking operation's output; absent: none */
    char executions[2][EXECUTION_ID_SIZE];

    /* while it runs: the loop's own */
    transfer_side source_side, target_side;
    content_source *pipe; /* between them; NULL: a file is at one end */
    bool target_begun;
    bool from_failed, from_over;
    problem from_problem;
    bb_str from_detail;
    _Atomic(bool) cancelled; /* by somebody */
    bool ending;
    void (*kept)(void *ctx, bool ok); /* of the storing that is waited for; NULL: nobody waits */
    void *kept_ctx;
    transfer_stored stored;
    void *stored_ctx;
};

/* record.c */
transfer *transfer_new(transfers *all);
void transfer_free(transfer *t);
bool transfer_copy_ends(transfer *t, const transfer_end *from, const transfer_end *to);
bool transfer_read_record(transfer *t, bb_str json);
/* Puts it into the store as it is; `done` later, on its loop; NULL: nobody is told. False: it cannot be. */
bool transfer_store(transfer *t, loop *l, void (*done)(store_result r, void *ctx));

/* run.c: [loop] */
void transfer_run(loop *l, void *t);
void transfer_stop_now(loop *l, void *t); /* somebody has cancelled it */

/* pipe.c */
content_source *transfer_pipe_source(transfer *t);
content_sink *transfer_pipe_sink(transfer *t);

/* run.c, for the pipe: the giving call begins, at that offset; an earlier one is given up. */
bool transfer_give_from(transfer *t, uint64_t offset, err *e);
/* What comes is known. */
void transfer_known(transfer *t, const content_info *info);

#endif
