/* sqlite - reads and writes one SQLite database file (https://www.sqlite.org/cintro.html).
 *
 * A session is one connection of the library's to that file. The library locks the file against other
 * programs and other sessions: who has to wait waits for busy_timeout_ms. */
#include "sqlite.h"

#include "schemas.h"

#include <stdlib.h>

/* --- sessions
 * ------------------------------------------------------------------------------------------------- */

static int is_set(bb_session *session, const char *name) {
    return session->host->json->to_bool(session->host->json->get(session->settings, bb_s(name)), 0);
}

static bb_str text_of(bb_session *session, const char *name) {
    return session->host->json->string(session->host->json->get(session->settings, bb_s(name)));
}

/* "keep" leaves the file's mode as it is; the others are written into it. */
static int set_journal(database *d, bb_str mode) {
    static const char *const modes[] = {"wal", "delete", "truncate", "persist", NULL};
    char sql[64];
    for (int i = 0; modes[i] != NULL; i++)
        if (bb_str_eq(mode, modes[i])) {
            snprintf(sql, sizeof sql, "PRAGMA journal_mode=%s", modes[i]);
            return run_own(d, sql);
        }
    return SQLITE_OK;
}

/* Reads the file's first page: it is there, and a database. */
static int set_up(database *d) {
    bb_session *session = d->session;
    int read_only = is_set(session, "read_only");
    guard_begin(d);
    int code = run_own(d, is_set(session, "foreign_keys") ? "PRAGMA foreign_keys=ON"
                                                          : "PRAGMA foreign_keys=OFF");
    if (code == SQLITE_OK)
        code = read_only ? run_own(d, "PRAGMA query_only=ON")
                         : set_journal(d, text_of(session, "journal_mode"));
    return code == SQLITE_OK ? run_own(d, "SELECT count(*) FROM sqlite_schema") : code;
}

static int open_file(bb_session *session, database *d) {
    bb_str file = text_of(session, "file"); /* a JSON string: it may lie in the text, without a NUL behind */
    char *path = strndup(file.ptr != NULL ? file.ptr : "", file.len);
    int flags = is_set(session, "read_only") ? SQLITE_OPEN_READONLY
                : is_set(session, "create")  ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                             : SQLITE_OPEN_READWRITE;
    int code = path == NULL
                   ? SQLITE_NOMEM
                   : sqlite3_open_v2(path, &d->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    free(path);
    return code;
}

static bb_code open_session(bb_session *session) {
    database *d = calloc(1, sizeof *d);
    if (d == NULL)
        return bb_session_fail(session, BB_E_NO_MEMORY, "no memory for a session");
    d->session = session;
    session->host->json->to_int64(session->host->json->get(session->settings, bb_s("busy_timeout_ms")),
                                  &d->busy_ms);
    int code = open_file(session, d);
    if (code == SQLITE_OK)
        code = set_up(d);
    if (code == SQLITE_OK) {
        session->handle = d;
        return BB_OK;
    }
    bb_code why = fail_to_open(session, d->db, code);
    sqlite3_close(d->db);
    free(d);
    return why;
}

/* The file may have been replaced or damaged meanwhile. */
static bb_code check_session(bb_session *session) {
    database *d = session->handle;
    int good = !guard_has_moved(d) && run_own(d, "SELECT count(*) FROM sqlite_schema") == SQLITE_OK;
    return good ? BB_OK : BB_E_UPSTREAM;
}

static void close_session(bb_session *session) {
    database *d = session->handle;
    sqlite3_close(d->db);
    free(d);
}

static void interrupt_session(bb_session *session) {
    database *d = session->handle;
    sqlite3_interrupt(d->db);
}

static const bb_session_operation query_session = {BB_SIZE(bb_session_operation), .operation = "query",
                                                   .run = query_run};
static const bb_session_operation execute_session = {BB_SIZE(bb_session_operation), .operation = "execute",
                                                     .run = execute_run};
static const bb_session_operation transaction_session = {BB_SIZE(bb_session_operation),
                                                         .operation = "transaction", .run = transaction_run};
static const bb_session_operation schema_session = {BB_SIZE(bb_session_operation), .operation = "schema",
                                                    .run = schema_run};
static const bb_session_operation *const session_operations[] = {&query_session, &execute_session,
                                                                 &transaction_session, &schema_session, NULL};
static const bb_session_extension sessions = {
    BB_SIZE(bb_session_extension), .open = open_session,           .check = check_session,
    .close = close_session,        .interrupt = interrupt_session, .operations = session_operations};

/* --- the descriptor
 * ------------------------------------------------------------------------------------------- */

static const bb_operation query = {BB_SIZE(bb_operation),
                                   .flags = BB_OP_SAFE | BB_OP_PAGINATED,
                                   .id = "query",
                                   .summary = "Rows of a SELECT, page by page",
                                   .input_schema = query_input,
                                   .output_schema = query_output,
                                   .examples = query_examples,
                                   .items = "/rows",
                                   .start = bb_session_start};
static const bb_operation execute = {BB_SIZE(bb_operation),
                                     .flags = BB_OP_DESTRUCTIVE,
                                     .id = "execute",
                                     .summary = "One statement that changes something",
                                     .input_schema = execute_input,
                                     .output_schema = execute_output,
                                     .examples = execute_examples,
                                     .start = bb_session_start};
static const bb_operation transaction = {BB_SIZE(bb_operation),
                                         .flags = BB_OP_DESTRUCTIVE,
                                         .id = "transaction",
                                         .summary = "Several statements: all or nothing",
                                         .input_schema = transaction_input,
                                         .output_schema = transaction_output,
                                         .examples = transaction_examples,
                                         .start = bb_session_start};
static const bb_operation schema = {BB_SIZE(bb_operation),
                                    .flags = BB_OP_SAFE,
                                    .id = "schema",
                                    .summary = "Tables, columns, indexes and foreign keys",
                                    .input_schema = schema_input,
                                    .output_schema = schema_output,
                                    .examples = schema_examples,
                                    .start = bb_session_start};
static const bb_operation *const operations[] = {&query, &execute, &transaction, &schema, NULL};

static const bb_plugin plugin = {BB_SIZE(bb_plugin),
                                 .id = "sqlite",
                                 .name = "SQLite",
                                 .version = "1.0.0",
                                 .summary = "Reads and writes a SQLite database file",
                                 .homepage = "https://www.sqlite.org",
                                 .settings_schema = settings_schema,
                                 .operations = operations,
                                 .test_operation = "schema"};
static const bb_extension extensions[] = {{BB_EXT_SESSION, &sessions}, {NULL, NULL}};
BUSBAR_PLUGIN_WITH(plugin, extensions);
