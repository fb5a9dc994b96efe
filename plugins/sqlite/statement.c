/* statement.c - one statement of the caller's: compiled, bound, run. */
#include "sqlite.h"

sqlite3_stmt *prepare_own(database *d, const char *sql) {
    sqlite3_stmt *s = NULL;
    d->ours = 1;
    sqlite3_prepare_v2(d->db, sql, -1, &s, NULL);
    d->ours = 0;
    return s;
}

int run_own(database *d, const char *sql) {
    sqlite3_stmt *s = prepare_own(d, sql);
    if (s == NULL)
        return sqlite3_extended_errcode(d->db);
    while (sqlite3_step(s) == SQLITE_ROW) /* a PRAGMA tells what it has set */
        ;
    return sqlite3_finalize(s);
}

static const char *member_at(bb_call *call, const statement *of, const char *member) {
    size_t cap = strlen(of->pointer) + strlen(member) + 2;
    char *text = call->host->call->alloc(call, cap);
    if (text == NULL)
        return member; /* the failure it is for is one of memory, too */
    snprintf(text, cap, "%s/%s", of->pointer, member);
    return text;
}

/* What is behind the first statement: nothing, or blanks and comments, which compile to nothing. */
static int is_empty(database *d, const char *tail, const char *end) {
    while (tail < end) {
        sqlite3_stmt *more = NULL;
        const char *next = tail;
        if (sqlite3_prepare_v2(d->db, tail, (int)(end - tail), &more, &next) != SQLITE_OK)
            return 0;
        if (more != NULL) {
            sqlite3_finalize(more);
            return 0;
        }
        if (next == tail)
            break;
        tail = next;
    }
    return 1;
}

static sqlite3_stmt *compile(bb_call *call, database *d, const statement *of) {
    sqlite3_stmt *s = NULL;
    const char *tail = NULL, *pointer = member_at(call, of, "sql");
    if (memchr(of->sql.ptr, '\0', of->sql.len) != NULL) { /* SQLite would stop there */
        bb_fail_input(call, pointer, "the statement has a NUL character");
        return NULL;
    }
    if (sqlite3_prepare_v2(d->db, of->sql.ptr, (int)of->sql.len, &s, &tail) != SQLITE_OK) {
        fail_by_database(call, d, pointer);
        return NULL;
    }
    if (s == NULL)
        bb_fail_input(call, pointer, "there is no statement in it");
    else if (!is_empty(d, tail, of->sql.ptr + of->sql.len))
        bb_fail_input(call, pointer, "it is more than one statement: `transaction` takes several");
    else
        return s;
    sqlite3_finalize(s);
    return NULL;
}

sqlite3_stmt *statement_begin(bb_call *call, database *d, const statement *of) {
    sqlite3_stmt *s = compile(call, d, of);
    if (s != NULL && !bind_parameters(call, s, of->parameters, member_at(call, of, "parameters"))) {
        sqlite3_finalize(s);
        return NULL;
    }
    return s;
}

/* The rows that it gives (RETURNING): all of them have to be stepped through, and all fit. */
static int write_rows(bb_call *call, database *d, const statement *of, sqlite3_stmt *s, bb_json_writer *w) {
    const bb_json_api *json = call->host->json;
    int64_t bytes = 0, count = 0;
    int code;
    write_columns(call, w, s);
    json->key(w, bb_s("rows"));
    json->begin_array(w);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        int64_t row = write_row(call, w, s, of->as_array);
        if (row < 0)
            return 0;
        bytes += row;
        if (++count > ROWS_MAX || bytes > PAGE_MAX_BYTES)
            return bb_fail(call, BB_E_LIMIT,
                           "the statement gives more than %d rows or 8 MiB: `query` reads them "
                           "page by page",
                           ROWS_MAX) == BB_DONE;
    }
    json->end_array(w);
    return code == SQLITE_DONE || fail_by_database(call, d, member_at(call, of, "sql")) == BB_DONE;
}

static int run_to_end(bb_call *call, database *d, const statement *of, sqlite3_stmt *s, bb_json_writer *w) {
    if (sqlite3_column_count(s) > 0)
        return write_rows(call, d, of, s, w);
    return sqlite3_step(s) == SQLITE_DONE || fail_by_database(call, d, member_at(call, of, "sql")) == BB_DONE;
}

int statement_execute(bb_call *call, database *d, const statement *of, bb_json_writer *w) {
    const bb_json_api *json = call->host->json;
    sqlite3_stmt *s = statement_begin(call, d, of);
    if (s == NULL)
        return 0;
    int reads_only = sqlite3_stmt_readonly(s);
    json->begin_object(w);
    int ok = run_to_end(call, d, of, s, w);
    json->key(w, bb_s("changes"));
    json->put_int64(w, reads_only ? 0 : sqlite3_changes64(d->db));
    json->key(w, bb_s("last_insert_rowid"));
    json->put_int64(w, sqlite3_last_insert_rowid(d->db));
    json->end_object(w);
    sqlite3_finalize(s);
    return ok;
}
