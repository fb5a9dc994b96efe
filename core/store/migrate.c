/* migrate.c - from the version that the file has (PRAGMA user_version) to the one that the hub knows. */
#include "store/store_internal.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool refuse_newer(const char *path, int64_t version, unsigned known, err *e) {
    return err_set(
        e,
        "%s: the store is of version %lld, this hub knows %u: start the newer hub that wrote it, or put "
        "back the copy that it made before (%s.before-v%lld)",
        path, (long long)version, known, path, (long long)version);
}

/* --- the copy ---------------------------------------------------------------------------------------- */

static bool sync_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool copy_pages(database *d, const char *to) {
    database copy;
    if (!database_open(&copy, to, DATABASE_WRITE, NULL))
        return false;
    sqlite3_backup *backup = sqlite3_backup_init(copy.sq, "main", d->sq, "main");
    bool ok = backup != NULL && sqlite3_backup_step(backup, -1) == SQLITE_DONE;
    if (backup != NULL && sqlite3_backup_finish(backup) != SQLITE_OK)
        ok = false;
    database_close(&copy);
    return ok;
}

/* PATH.before-vN, whole and on disk: under another name until it is. One that is there already is kept: it
 * was made before the first attempt at this migration. */
static bool make_copy(database *d, const char *path, unsigned version, err *e) {
    char name[4096], part[4096 + 8];
    if (snprintf(name, sizeof name, "%s.before-v%u", path, version) >= (int)sizeof name)
        return err_set(e, "%s: the path is too long", path);
    if (access(name, F_OK) == 0)
        return true;
    snprintf(part, sizeof part, "%s.part", name);
    unlink(part);
    int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && copy_pages(d, part) && sync_file(part) && rename(part, name) == 0 &&
        file_sync_folder(path)) {
        log_info("%s: copied to %s before the store is brought to version %u", path, name, version);
        return true;
    }
    int why = errno;
    unlink(part);
    return err_set(
        e,
        "%s: the store is to be brought to version %u, but cannot be copied to %s first (%s): free space, "
        "or make the folder writable",
        path, version, name, strerror(why));
}

/* --- the steps --------------------------------------------------------------------------------------- */

static bool run_steps(database *d, const store_kind *kind, unsigned from) {
    char mark[96];
    bool ok = database_exec(d, "BEGIN IMMEDIATE") == STORE_OK;
    for (unsigned v = from; ok && v < kind->version; v++)
        ok = database_exec(d, kind->migrations[v].sql) == STORE_OK;
    snprintf(mark, sizeof mark, "PRAGMA application_id=%d; PRAGMA user_version=%u;", kind->application_id,
             kind->version);
    return ok && database_exec(d, mark) == STORE_OK && database_exec(d, "COMMIT") == STORE_OK;
}

bool store_migrate(database *d, const char *path, const store_kind *kind, err *e) {
    unsigned count = kind->version;
    int64_t version = database_number(d, "PRAGMA user_version", -1),
            tables = database_number(d, "SELECT count(*) FROM sqlite_schema", -1);
    if (version < 0 || tables < 0)
        return store_damaged(path, kind, sqlite3_errmsg(d->sq), e);
    if (tables > 0 && database_number(d, "PRAGMA application_id", 0) != kind->application_id)
        return err_set(
            e, "%s: this is the database of another program: move it away, or name another state folder",
            path);
    if (version > (int64_t)count)
        return refuse_newer(path, version, count, e);
    if (version == (int64_t)count)
        return true;
    if (tables > 0 && !make_copy(d, path, count, e))
        return false;
    if (run_steps(d, kind, (unsigned)version))
        return true;
    err_set(e, "%s: the store cannot be brought from version %lld to %u: %s; it is as it was", path,
            (long long)version, count, sqlite3_errmsg(d->sq));
    if (sqlite3_get_autocommit(d->sq) == 0)
        database_exec(d, "ROLLBACK");
    return false;
}

bool store_check_version(database *d, const char *path, unsigned version, err *e) {
    int64_t found = database_number(d, "PRAGMA user_version", -1);
    if (found < 0)
        return store_damaged(path, &store_main, sqlite3_errmsg(d->sq), e);
    if (found > (int64_t)version)
        return refuse_newer(path, found, version, e);
    return found == (int64_t)version ||
           err_set(e, "%s: the store is of version %lld and must be brought to %u first: start this hub once",
                   path, (long long)found, version);
}
