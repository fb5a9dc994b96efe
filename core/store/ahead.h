/* ahead.h - what comes in, noted in a file of its own before it is in the database. On the writer's thread,
 * but for opening and closing. */
#ifndef STORE_AHEAD_H
#define STORE_AHEAD_H

#include "store/store_internal.h"

#define AHEAD_GROUP_MAX (1u << 20) /* bytes of records: what is larger is committed */
#define AHEAD_RECORD_MAX (256u << 10)

/* Takes what was left by a process that was killed, by `redo`. False: it can be neither read nor passed over.
 * Where it is in order, but there can be no file, true too. [main] */
bool ahead_open(store *s, store_result (*redo)(store *s));
/* After the database was closed. [main] */
void ahead_close(store *s);

/* Writes the notes of a group's jobs, which are done in the open transaction, or will be. False: it has to be
 * committed. *wrote: something is to be synced. */
bool ahead_note(store *s, const store_job *first, bool *wrote);
/* The last group that was noted is not done in this transaction, and those who wait for it are told so. */
void ahead_take_back(store *s);

/* Within the transaction, and when it is over, either way. */
store_result ahead_before_commit(store *s, database *d);
void ahead_after_commit(store *s, store_result r);
/* All that is committed is on disk, and what was noted last may not be: it is not gone on behind that. */
void ahead_begin_anew(store *s);
/* Does again, in a transaction, what was noted and lost. */
store_result ahead_redo(store *s, database *d);

#endif
