/* guard.c - what a caller's statement may do, and for how long.
 *
 * A statement reaches the one file of the connection and no other: no ATTACH (which VACUUM needs too), no
 * extensions. Transactions are the connector's own, since a session serves one caller after the other. */
#include "sqlite.h"

#include <time.h>

/* --- what it may do ------------------------------------------------------------------------------------- */

/* Those that only tell, and change no setting of the session. */
static const char *const readable[] = {
    "table_info",      "table_xinfo",      "table_list",        "index_list",     "index_info",
    "index_xinfo",     "foreign_key_list", "foreign_key_check", "quick_check",    "page_count",
    "integrity_check", "compile_options",  "freelist_count",    "collation_list", NULL};
/* Those that tell as long as they are given no value. */
static const char *const readable_bare[] = {"user_version", "application_id", "page_size",    "encoding",
                                            "journal_mode", "foreign_keys",   "data_version", NULL};

/* They load code: load_extension from a file, fts3_tokenizer from an address that its parameter gives (it
 * tells such addresses, too). */
static const char *const loading[] = {"load_extension", "fts3_tokenizer", NULL};

static int is_one_of(const char *name, const char *const *list) {
    for (; name != NULL && *list != NULL; list++)
        if (sqlite3_stricmp(name, *list) == 0)
            return 1;
    return 0;
}

static int may_do(void *ctx, int action, const char *first, const char *second, const char *database_,
                  const char *trigger) {
    const database *d = ctx;
    (void)database_, (void)trigger;
    if (d->ours)
        return SQLITE_OK;
    switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT: return SQLITE_DENY;
    case SQLITE_FUNCTION: return is_one_of(second, loading) ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:
        return is_one_of(first, readable) || (second == NULL && is_one_of(first, readable_bare))
                   ? SQLITE_OK
                   : SQLITE_DENY;
    default: return SQLITE_OK;
    }
}

/* --- for how long -----------------------------------------------------------------------------------------
 */

static int is_over(void *ctx) {
    const database *d = ctx;
    return bb_session_cancelled(d->session);
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* SQLite's own busy handler would sleep on after the call's end. */
static int wait_for_lock(void *ctx, int times) {
    static _Thread_local int64_t since;
    const database *d = ctx;
    if (times == 0)
        since = now_ms();
    if (bb_session_cancelled(d->session) || now_ms() - since >= d->busy_ms)
        return 0;
    struct timespec pause = {0, (times < 10 ? 1 : 10) * 1000000L};
    nanosleep(&pause, NULL);
    return 1;
}

void guard_begin(database *d) {
    sqlite3_set_authorizer(d->db, may_do, d);
    sqlite3_progress_handler(d->db, 10000, is_over, d);
    sqlite3_busy_handler(d->db, wait_for_lock, d);
    sqlite3_limit(d->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(d->db, SQLITE_LIMIT_LENGTH, VALUE_MAX_BYTES);
    sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(d->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(d->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
}

/* --- on which file ----------------------------------------------------------------------------------------
 */

/* SQLite itself looks only where it makes a rollback journal, never in WAL mode. */
int guard_has_moved(database *d) {
    int moved = 0;
    return sqlite3_file_control(d->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

int guard_call(bb_call *call, database *d) {
    sqlite3_set_last_insert_rowid(d->db, 0); /* of the session's last caller */
    if (!guard_has_moved(d))
        return 1;
    bb_session_broken(d->session, 0);
    return bb_fail(call, BB_E_UPSTREAM_UNAVAILABLE,
                   "the database file was removed or replaced since the session was opened") == BB_DONE;
}
