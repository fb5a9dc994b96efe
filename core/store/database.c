#include "store/database.h"

#include "store/file_writes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- results ----------------------------------------------------------------------------------------- */

/* What a device error is: SQLite itself tells only ENOSPC apart. Its own sqlite3_system_errno is empty after
 * sqlite3_step; errno, set to 0 before, still has the reason after it. */
static store_result by_errno(int number) {
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return STORE_FULL;
    case EROFS:
    case EACCES:
    case EPERM: return STORE_READ_ONLY;
    default: return STORE_FAILED;
    }
}

store_result database_result(int code, int number) {
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return STORE_OK;
    case SQLITE_FULL: return STORE_FULL;
    case SQLITE_READONLY: return STORE_READ_ONLY;
    case SQLITE_CONSTRAINT: return STORE_EXISTS;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: return by_errno(number);
    default: return STORE_FAILED;
    }
}

/* --- opening ----------------------------------------------------------------------------------------- */

bool database_open(database *d, const char *path, database_mode mode, err *e) {
    int flags = mode == DATABASE_READ    ? SQLITE_OPEN_READONLY
                : mode == DATABASE_WRITE ? SQLITE_OPEN_READWRITE
                                         : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    *d = (database){0};
    int code = sqlite3_open_v2(path, &d->sq, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI,
                               file_writes_vfs());
    if (code != SQLITE_OK) {
        err_set(e, "%s: the store cannot be opened: %s", path,
                d->sq != NULL ? sqlite3_errmsg(d->sq) : "no memory");
        database_close(d);
        return false;
    }
    sqlite3_extended_result_codes(d->sq, 1);
    sqlite3_busy_timeout(d->sq, DATABASE_BUSY_MS);
    sqlite3_db_config(d->sq, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(d->sq, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return true;
}

void database_close(database *d) {
    for (size_t i = 0; i < d->slots; i++)
        sqlite3_finalize(d->cached[i].stmt);
    free(d->cached);
    d->cached = NULL;
    d->slots = d->count = 0;
    sqlite3_close_v2(d->sq);
    d->sq = NULL;
}

/* --- statements -------------------------------------------------------------------------------------- */

#define SLOTS_FIRST 64u

/* Its slot, or the empty one that it would get. There is always one. */
static database_statement *slot_of(database_statement *slots, size_t count, const char *sql) {
    size_t at = (size_t)(((uintptr_t)sql * 0x9e3779b97f4a7c15u) >> 32) & (count - 1);
    while (slots[at].sql != NULL && slots[at].sql != sql)
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static bool grow(database *d) {
    size_t count = d->slots > 0 ? d->slots * 2 : SLOTS_FIRST;
    database_statement *slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return false;
    for (size_t i = 0; i < d->slots; i++)
        if (d->cached[i].sql != NULL)
            *slot_of(slots, count, d->cached[i].sql) = d->cached[i];
    free(d->cached);
    d->cached = slots;
    d->slots = count;
    return true;
}

sqlite3_stmt *database_prepare(database *d, const char *sql) {
    database_statement *slot = d->slots > 0 ? slot_of(d->cached, d->slots, sql) : NULL;
    if (slot != NULL && slot->sql != NULL) {
        sqlite3_clear_bindings(slot->stmt);
        return slot->stmt;
    }
    sqlite3_stmt *stmt = NULL;
    if (d->sq == NULL || (2 * (d->count + 1) > d->slots && !grow(d)) ||
        sqlite3_prepare_v3(d->sq, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        return NULL;
    *slot_of(d->cached, d->slots, sql) = (database_statement){sql, stmt};
    d->count++;
    return stmt;
}

store_result database_exec(database *d, const char *sql) {
    if (d->sq == NULL)
        return STORE_FAILED;
    errno = 0;
    int code = sqlite3_exec(d->sq, sql, NULL, NULL, NULL);
    return database_result(code, errno);
}

int64_t database_number(database *d, const char *sql, int64_t otherwise) {
    sqlite3_stmt *stmt = NULL;
    int64_t n = otherwise;
    if (sqlite3_prepare_v2(d->sq, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return n;
}

bool database_row(sqlite3_stmt *stmt, store_result *r) {
    if (stmt == NULL) {
        *r = STORE_FAILED; /* no memory, or a damaged schema */
        return false;
    }
    errno = 0;
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        return true;
    *r = database_result(code, errno);
    sqlite3_reset(stmt);
    return false;
}

store_result database_done(sqlite3_stmt *stmt) {
    store_result r = STORE_OK;
    if (database_row(stmt, &r))
        sqlite3_reset(stmt);
    return r;
}

void database_text(sqlite3_stmt *stmt, int at, bb_str s) {
    if (stmt != NULL)
        sqlite3_bind_text64(stmt, at, s.ptr != NULL ? s.ptr : "", s.len, SQLITE_STATIC, SQLITE_UTF8);
}

void database_blob(sqlite3_stmt *stmt, int at, const void *bytes, size_t len) {
    if (stmt != NULL)
        sqlite3_bind_blob64(stmt, at, bytes != NULL ? bytes : "", len, SQLITE_STATIC);
}

void database_u64(sqlite3_stmt *stmt, int at, uint64_t n) {
    if (stmt != NULL)
        sqlite3_bind_int64(stmt, at, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

bb_str database_column(sqlite3_stmt *stmt, int at) {
    const void *bytes = sqlite3_column_blob(stmt, at); /* of a text too: its UTF-8 bytes */
    return bytes != NULL ? str_of(bytes, (size_t)sqlite3_column_bytes(stmt, at)) : STR("");
}

uint64_t database_column_u64(sqlite3_stmt *stmt, int at) {
    int64_t n = sqlite3_column_int64(stmt, at);
    return n > 0 ? (uint64_t)n : 0;
}
