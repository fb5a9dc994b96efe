/* sqlite.h - what the connector's files share. */
#ifndef SQLITE_CONNECTOR_H
#define SQLITE_CONNECTOR_H

#include <busbar/busbar.h>
#include <busbar/session.h>
#include <sqlite3.h>

/* session->handle */
typedef struct database {
    sqlite3 *db;
    bb_session *session;
    int64_t busy_ms; /* the longest wait for a lock of somebody else's */
    int ours;        /* the connector's own statement is being prepared: the authorizer lets it pass */
} database;

/* errors.c */
const char *code_name(int code); /* "SQLITE_CONSTRAINT_UNIQUE", of an extended code */
/* Fails the call by what SQLite says of its last error; `pointer`: the part of the input at fault, or NULL.
 */
bb_step fail_by_database(bb_call *call, database *d, const char *pointer);
bb_code fail_to_open(bb_session *session, sqlite3 *db, int code);

/* guard.c: what a statement may do, and for how long */
void guard_begin(database *d);
/* The file that is open is no longer the one of that name: what is written to it would be lost. */
int guard_has_moved(database *d);
/* Before a call's first statement. 0: the call has failed; it can be repeated on another session. */
int guard_call(bb_call *call, database *d);

/* values.c */
/* Binds `parameters` (array: by place, object: by name, NULL: none). 0: the call has failed. */
int bind_parameters(bb_call *call, sqlite3_stmt *s, const bb_json *parameters, const char *pointer);
/* The row at which the statement stands, as an object or an array. Gives the bytes of its values.
 * -1: the call has failed. */
int64_t write_row(bb_call *call, bb_json_writer *w, sqlite3_stmt *s, int as_array);
void write_columns(bb_call *call, bb_json_writer *w, sqlite3_stmt *s);
void write_text(bb_call *call, bb_json_writer *w, const char *text); /* NULL: null */

/* statement.c: one statement of the caller's */
typedef struct statement {
    bb_str sql;
    const bb_json *parameters;
    const char *pointer; /* to the object that has the two; "" for the input itself */
    int as_array;
} statement;

/* Compiled and bound; NULL: the call has failed. To be ended by sqlite3_finalize. */
sqlite3_stmt *statement_begin(bb_call *call, database *d, const statement *of);
/* Runs it to its end and writes {"changes", "last_insert_rowid", "columns"?, "rows"?}. 0: the call has
 * failed. */
int statement_execute(bb_call *call, database *d, const statement *of, bb_json_writer *w);
/* Runs one of the connector's own. SQLITE_OK, or SQLite's code. */
int run_own(database *d, const char *sql);
sqlite3_stmt *prepare_own(database *d, const char *sql);

/* The operations. [worker] */
bb_step query_run(bb_call *call, bb_session *session);
bb_step execute_run(bb_call *call, bb_session *session);
bb_step transaction_run(bb_call *call, bb_session *session);
bb_step schema_run(bb_call *call, bb_session *session);

#define ROWS_MAX 10000
#define PAGE_MAX_BYTES (8 << 20)
#define VALUE_MAX_BYTES (16 << 20)

#endif
