/* schema.c - the tables, one step a version. A step that has been released is never changed: a new one is
 * added. */
#include "store/store_internal.h"

/* Times are wall clock milliseconds since 1970. Ids of executions sort by time.
 *
 * audit: AUTOINCREMENT, so that no number is given twice; the triggers refuse every statement that would
 * change or remove an entry, also by way of INSERT OR REPLACE. */
static const char version_1[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE keys(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, role TEXT "
    "NOT NULL,"
    " limits TEXT NOT NULL, hash BLOB NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
    " revoked_ms INTEGER NOT NULL);"
    "CREATE TABLE audit(sequence INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT "
    "NULL,"
    " actor_name TEXT NOT NULL, peer TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,"
    " outcome TEXT NOT NULL, detail TEXT NOT NULL, count INTEGER NOT NULL);"
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;"
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;"
    "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit"
    " WHEN EXISTS(SELECT 1 FROM audit WHERE sequence = NEW.sequence)"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;"
    "CREATE TABLE executions(number INTEGER PRIMARY KEY, first_id TEXT NOT NULL, last_id TEXT NOT NULL,"
    " first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, count INTEGER NOT NULL, failed INTEGER NOT NULL,"
    " lines BLOB NOT NULL);"
    /* all that a walk asks before it reads a segment, and what keeping counts */
    "CREATE INDEX executions_by_id ON executions(last_id, number, first_id, first_ms, last_ms, count);"
    "CREATE TABLE quotas(subject TEXT NOT NULL, period TEXT NOT NULL, start_ms INTEGER NOT NULL,"
    " used INTEGER NOT NULL, PRIMARY KEY(subject, period, start_ms)) WITHOUT ROWID;"
    "CREATE TABLE idempotency(number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, request BLOB NOT NULL,"
    " boot BLOB NOT NULL, done INTEGER NOT NULL, status INTEGER NOT NULL, content_type TEXT NOT NULL,"
    " body BLOB NOT NULL, expires_ms INTEGER NOT NULL);"
    "CREATE INDEX idempotency_by_end ON idempotency(expires_ms);"
    "CREATE TABLE tokens(name TEXT PRIMARY KEY, sealed BLOB NOT NULL, updated_ms INTEGER NOT NULL) WITHOUT "
    "ROWID;"
    "CREATE TABLE secrets(name TEXT PRIMARY KEY, sealed BLOB NOT NULL, created_ms INTEGER NOT NULL,"
    " updated_ms INTEGER NOT NULL);"
    /* data keys, wrapped; the one with the highest number seals */
    "CREATE TABLE secret_keys(number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,"
    " wrapped BLOB NOT NULL, created_ms INTEGER NOT NULL);";

static const migration migrations[] = {{version_1}};

/* What a hub cannot do without comes first; the history of calls, most of the bytes, last. */
static const char *const checks[] = {"PRAGMA quick_check('secret_keys')", "PRAGMA quick_check('secrets')",
                                     "PRAGMA quick_check('tokens')",      "PRAGMA quick_check('keys')",
                                     "PRAGMA quick_check('quotas')",      "PRAGMA quick_check('idempotency')",
                                     "PRAGMA quick_check('audit')",       "PRAGMA quick_check('executions')"};

const store_kind store_main = {
    .application_id = 0x42534252, /* "BSBR" */
    .migrations = migrations,
    .version = sizeof migrations / sizeof migrations[0],
    .checks = checks,
    .check_count = sizeof checks / sizeof checks[0],
    .lost = "API keys, secrets, audit log and history",
    .syncs = 1,
    .log_pages = 2000, /* 8 MiB */
};
