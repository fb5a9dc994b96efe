/* database.h - one SQLite connection, used by one thread at a time. The only place besides the domains' own
 * statements that speaks SQLite; nothing outside the room includes it. */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "store/store.h"

#include <sqlite3.h>

#define DATABASE_BUSY_MS 5000 /* another process may hold the file for the time of a checkpoint */

/* A statement is prepared once a connection, and found by the address of its text: texts are literals. */
typedef struct database_statement {
    const char *sql; /* NULL: an empty slot */
    sqlite3_stmt *stmt;
} database_statement;

typedef struct database {
    sqlite3 *sq; /* NULL: not open */
    database_statement *cached;
    size_t slots, count; /* a hash table: slots is a power of two, or 0 */
} database;

typedef enum { DATABASE_WRITE, DATABASE_CREATE, DATABASE_READ } database_mode;

bool database_open(database *d, const char *path, database_mode mode, err *e);
void database_close(database *d);

/* What an SQLite result means to the store; `number` is errno as the call left it. */
store_result database_result(int code, int number);

/* The statement, reset and unbound; NULL: see sqlite3_errcode. */
sqlite3_stmt *database_prepare(database *d, const char *sql);
/* Runs statements without results: literals or PRAGMAs, several in one text. */
store_result database_exec(database *d, const char *sql);
/* The first column of the first row as a number; `otherwise` where there is none. */
int64_t database_number(database *d, const char *sql, int64_t otherwise);

/* Steps a statement that gives no rows, resets it. STORE_OK, or what went wrong. */
store_result database_done(sqlite3_stmt *stmt);
/* Steps to the next row. False: *r is STORE_OK at the end, or what went wrong; the statement is reset. */
bool database_row(sqlite3_stmt *stmt, store_result *r);

/* Slices are bound without a copy: they live until the statement is reset. Absent ones as "". */
void database_text(sqlite3_stmt *stmt, int at, bb_str s);
void database_blob(sqlite3_stmt *stmt, int at, const void *bytes, size_t len);
void database_u64(sqlite3_stmt *stmt, int at, uint64_t n); /* above INT64_MAX: that */
/* Columns as they lie in the row: until the next step or reset. */
bb_str database_column(sqlite3_stmt *stmt, int at);
uint64_t database_column_u64(sqlite3_stmt *stmt, int at);

#endif
