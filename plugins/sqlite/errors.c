/* errors.c - SQLite's result codes (https://www.sqlite.org/rescode.html) by their names, and as the hub's. */
#include "sqlite.h"

#define NAME(code) \
    { code, #code }

static const struct {
    int code;
    const char *name;
} names[] = {
    NAME(SQLITE_ERROR),
    NAME(SQLITE_INTERNAL),
    NAME(SQLITE_PERM),
    NAME(SQLITE_ABORT),
    NAME(SQLITE_ABORT_ROLLBACK),
    NAME(SQLITE_BUSY),
    NAME(SQLITE_BUSY_RECOVERY),
    NAME(SQLITE_BUSY_SNAPSHOT),
    NAME(SQLITE_BUSY_TIMEOUT),
    NAME(SQLITE_LOCKED),
    NAME(SQLITE_LOCKED_SHAREDCACHE),
    NAME(SQLITE_LOCKED_VTAB),
    NAME(SQLITE_NOMEM),
    NAME(SQLITE_READONLY),
    NAME(SQLITE_READONLY_CANTINIT),
    NAME(SQLITE_READONLY_CANTLOCK),
    NAME(SQLITE_READONLY_DBMOVED),
    NAME(SQLITE_READONLY_DIRECTORY),
    NAME(SQLITE_READONLY_RECOVERY),
    NAME(SQLITE_READONLY_ROLLBACK),
    NAME(SQLITE_INTERRUPT),
    NAME(SQLITE_IOERR),
    NAME(SQLITE_IOERR_READ),
    NAME(SQLITE_IOERR_SHORT_READ),
    NAME(SQLITE_IOERR_WRITE),
    NAME(SQLITE_IOERR_FSYNC),
    NAME(SQLITE_IOERR_DELETE),
    NAME(SQLITE_IOERR_LOCK),
    NAME(SQLITE_IOERR_SHMMAP),
    NAME(SQLITE_CORRUPT),
    NAME(SQLITE_CORRUPT_INDEX),
    NAME(SQLITE_CORRUPT_SEQUENCE),
    NAME(SQLITE_CORRUPT_VTAB),
    NAME(SQLITE_NOTFOUND),
    NAME(SQLITE_FULL),
    NAME(SQLITE_CANTOPEN),
    NAME(SQLITE_CANTOPEN_ISDIR),
    NAME(SQLITE_CANTOPEN_FULLPATH),
    NAME(SQLITE_CANTOPEN_SYMLINK),
    NAME(SQLITE_PROTOCOL),
    NAME(SQLITE_SCHEMA),
    NAME(SQLITE_TOOBIG),
    NAME(SQLITE_CONSTRAINT),
    NAME(SQLITE_CONSTRAINT_CHECK),
    NAME(SQLITE_CONSTRAINT_COMMITHOOK),
    NAME(SQLITE_CONSTRAINT_DATATYPE),
    NAME(SQLITE_CONSTRAINT_FOREIGNKEY),
    NAME(SQLITE_CONSTRAINT_FUNCTION),
    NAME(SQLITE_CONSTRAINT_NOTNULL),
    NAME(SQLITE_CONSTRAINT_PINNED),
    NAME(SQLITE_CONSTRAINT_PRIMARYKEY),
    NAME(SQLITE_CONSTRAINT_ROWID),
    NAME(SQLITE_CONSTRAINT_TRIGGER),
    NAME(SQLITE_CONSTRAINT_UNIQUE),
    NAME(SQLITE_CONSTRAINT_VTAB),
    NAME(SQLITE_MISMATCH),
    NAME(SQLITE_MISUSE),
    NAME(SQLITE_NOLFS),
    NAME(SQLITE_AUTH),
    NAME(SQLITE_RANGE),
    NAME(SQLITE_NOTADB),
};

static const char *find_name(int code) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].code == code)
            return names[i].name;
    return NULL;
}

const char *code_name(int code) {
    const char *name = find_name(code);
    if (name == NULL)
        name = find_name(code & 0xff); /* an extended code of a later SQLite */
    return name != NULL ? name : "SQLITE_ERROR";
}

static bb_code constraint_code(int code) {
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
    case SQLITE_CONSTRAINT_FOREIGNKEY: return BB_E_UPSTREAM_CONFLICT;
    default: return BB_E_UPSTREAM_REJECTED;
    }
}

static bb_code code_of(int code) {
    if (code == SQLITE_READONLY_DBMOVED) /* nobody forbids it: another session opens what is there now */
        return BB_E_UPSTREAM_UNAVAILABLE;
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT: return constraint_code(code);
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_SCHEMA: return BB_E_UPSTREAM_REJECTED;
    case SQLITE_TOOBIG: return BB_E_LIMIT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return BB_E_UPSTREAM_UNAVAILABLE;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return BB_E_UPSTREAM_FORBIDDEN;
    case SQLITE_NOMEM: return BB_E_NO_MEMORY;
    default: return BB_E_UPSTREAM;
    }
}

/* The file is not what it was: another session may find it well again. */
static int is_broken(int code) {
    switch (code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL: return 1;
    default: return code == SQLITE_READONLY_DBMOVED;
    }
}

static void say(bb_call *call, bb_code code, int sqlite_code, const char *message, const char *pointer) {
    bb_error error;
    memset(&error, 0, sizeof error);
    error.size = (uint32_t)sizeof error;
    error.code = code;
    error.message = bb_s(message);
    error.pointer = bb_s(pointer);
    error.upstream_code = bb_s(code_name(sqlite_code));
    error.retry = code == BB_E_UPSTREAM_UNAVAILABLE ? BB_RETRY_YES : BB_RETRY_UNKNOWN;
    call->host->call->fail(call, &error);
}

bb_step fail_by_database(bb_call *call, database *d, const char *pointer) {
    int code = sqlite3_extended_errcode(d->db);
    char text[600];
    if ((code & 0xff) == SQLITE_INTERRUPT)
        return call->host->call->cancelled(call) && call->host->call->time_left_ms(call) > 0
                   ? bb_fail(call, BB_E_CANCELLED, "the statement was stopped: nobody waits for it any more")
                   : bb_fail(call, BB_E_DEADLINE, "the statement was stopped: the call's time is over");
    int at = sqlite3_error_offset(d->db);
    int wrong_sql = (code & 0xff) == SQLITE_ERROR;
    snprintf(text, sizeof text, wrong_sql && at >= 0 ? "%.500s, at byte %d of the statement" : "%.500s",
             sqlite3_errmsg(d->db), at);
    say(call, code_of(code), code, text, wrong_sql ? pointer : NULL);
    if (is_broken(code))
        bb_session_broken(d->session, 1);
    return BB_FAIL;
}

bb_code fail_to_open(bb_session *session, sqlite3 *db, int code) {
    char text[700];
    bb_error error;
    int extended = db != NULL ? sqlite3_extended_errcode(db) : code;
    snprintf(text, sizeof text, "the database file cannot be opened: %.500s",
             db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code));
    memset(&error, 0, sizeof error);
    error.size = (uint32_t)sizeof error;
    error.code = code_of(extended);
    if ((extended & 0xff) == SQLITE_CANTOPEN || (extended & 0xff) == SQLITE_NOTADB)
        error.code = BB_E_CONFIG;
    error.message = bb_s(text);
    error.upstream_code = bb_s(code_name(extended));
    bb_session_host(session)->fail(session, &error);
    return error.code;
}
