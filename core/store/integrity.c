/* integrity.c - whether the file is sound, before anything relies on it. */
#include "store/store_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define WHOLE_MAX (64u << 20)      /* bytes: up to here all is checked, some 0.1 s */
#define BUDGET_NS 1000000000u      /* of a larger one: its kind's checks, as far as it goes */
#define STEPS_BETWEEN_LOOKS 100000 /* of SQLite's machine: some milliseconds */

bool store_damaged(const char *path, const store_kind *kind, const char *what, err *e) {
    const char *line = strncmp(what, "*** ", 4) == 0 ? strchr(what, '\n') : NULL; /* quick_check's heading */
    what = line != NULL ? line + 1 : what;
    return err_set(
        e,
        "%s: the store is damaged (%.*s): stop the hub and restore the file from a backup, or move it "
        "away (with its -wal and -shm) to begin anew: %s are then lost",
        path, (int)strcspn(what, "\n"), what, kind->lost);
}

static int time_is_up(void *until) {
    return clock_ns() > *(uint64_t *)until;
}

/* SQLITE_OK: sound; SQLITE_INTERRUPT: the time is up; else `why` tells. */
static int check(database *d, const char *sql, char *why, size_t cap) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(d->sq, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        bool sound = text != NULL && strcmp(text, "ok") == 0;
        snprintf(why, cap, "%s", text != NULL ? text : "no answer");
        code = sound ? SQLITE_OK : SQLITE_CORRUPT;
    } else {
        snprintf(why, cap, "%s", sqlite3_errmsg(d->sq));
    }
    sqlite3_finalize(stmt);
    return code;
}

static int check_large(database *d, const char *path, const store_kind *kind, char *why, size_t cap) {
    uint64_t until = clock_ns() + BUDGET_NS;
    int code = SQLITE_OK;
    sqlite3_progress_handler(d->sq, STEPS_BETWEEN_LOOKS, time_is_up, &until);
    for (size_t i = 0; code == SQLITE_OK && i < kind->check_count; i++)
        code = check(d, kind->checks[i], why, cap);
    sqlite3_progress_handler(d->sq, 0, NULL, NULL);
    if ((code & 0xff) != SQLITE_INTERRUPT)
        return code;
    log_info("%s: too large to be checked whole at each start; what was checked is sound", path);
    return SQLITE_OK;
}

bool store_check_integrity(database *d, const char *path, const store_kind *kind, err *e) {
    char why[256] = "";
    struct stat st = {0};
    errno = 0;
    bool large = stat(path, &st) == 0 && st.st_size > (off_t)WHOLE_MAX &&
                 database_number(d, "PRAGMA user_version", 0) > 0;
    int code = large ? check_large(d, path, kind, why, sizeof why)
                     : check(d, "PRAGMA quick_check(1)", why, sizeof why);
    if (code == SQLITE_OK)
        return true;
    store_result r = database_result(code, errno);
    bool damage = (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
    return damage || r == STORE_OK
               ? store_damaged(path, kind, why, e)
               : err_set(e, "%s: the store cannot be read: %s; %s", path, why, store_result_text(r));
}
