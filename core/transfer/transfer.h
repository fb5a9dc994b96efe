/* Room transfer: content from one connection's operation into another's, in one piece of work that outlives
 * the hub's process. It includes pipeline, content, secret, store, access, json and base; api and hub include
 * it. */

/* transfer.h - the hub's transfers: begun, told of, cancelled, and gone on with after a restart.
 *
 * A transfer is two calls at a time, on one loop, with a flow between them: one gives the content, the other
 * takes it. It is in the store before it begins, with what the taking operation saves to go on by
 * (bb_content_save), sealed. */
#ifndef TRANSFER_TRANSFER_H
#define TRANSFER_TRANSFER_H

#include "access/access.h"
#include "content/folders.h"
#include "pipeline/worker.h"
#include "secret/secret.h"

typedef struct transfers transfers; /* of one hub */
typedef struct transfer transfer;

typedef struct transfers_options {
    store *store;
    secrets *secrets;
    access_keys *access;
    const content_folders *folders;
} transfers_options;

transfers *transfers_new(const transfers_options *options);
void transfers_free(transfers *all); /* the loops have ended; NULL is fine */

/* Reads those of the store; those that ran go on, on these workers' loops. False: *e. [main], before the
 * loops run. */
bool transfers_load(transfers *all, worker *const *workers, unsigned count, err *e);
/* From now on calls that are cancelled are the hub's end, and go on at its next start. [any-thread] */
void transfers_stop(transfers *all);

/* One side: an operation of a connection, or a file of the hub's. */
typedef struct transfer_end {
    bb_str connection, operation;
    bb_str input; /* JSON text */
    bb_str file;  /* instead: absolute path; absent: none */
} transfer_end;

/* Stores it and begins; `stored` is called on the worker's loop once it is on disk (`t`), or cannot be (NULL,
 * with a problem). The ends are copied. False: no memory, and it is not called. [loop] */
typedef void (*transfer_stored)(void *ctx, const transfer *t, problem p);
bool transfer_begin(transfers *all, worker *w, principal *who, const transfer_end *from,
                    const transfer_end *to, transfer_stored stored, void *ctx);

/* {"id", "status", "from", "to", "content": {"done", "total"}, ...}. [any-thread] */
void transfer_write(const transfer *t, json_writer *w);
/* False: there is none of that id that `who` may see. [any-thread] */
bool transfers_write_one(transfers *all, bb_str id, const principal *who, json_writer *w);
void transfers_write(transfers *all, const principal *who, size_t limit, json_writer *w); /* newest first */
/* Whether there is one that runs, and `who` may see it. It ends soon. [any-thread] */
bool transfers_cancel(transfers *all, bb_str id, const principal *who);

#endif
