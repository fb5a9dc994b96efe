/* operations.c - query, execute and transaction. */
#include "sqlite.h"

#include <stdlib.h>

static statement statement_of(bb_call *call, const bb_json *from, const char *pointer) {
    statement of;
    of.sql = call->host->json->string(bb_get(call, from, "sql"));
    of.parameters = bb_get(call, from, "parameters");
    of.pointer = pointer;
    of.as_array = bb_str_eq(bb_in_text(call, "rows_as"), "arrays");
    return of;
}

/* A statement that was stopped in the middle of a transaction may have left it open. */
static void leave_none_open(database *d) {
    if (!sqlite3_get_autocommit(d->db) && run_own(d, "ROLLBACK") != SQLITE_OK &&
        !sqlite3_get_autocommit(d->db))
        bb_session_broken(d->session, 1);
}

/* --- query
 * -------------------------------------------------------------------------------------------------- */

/* Two columns of one name would be one member. */
static int names_differ(bb_call *call, sqlite3_stmt *s) {
    int n = sqlite3_column_count(s);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(sqlite3_column_name(s, i), sqlite3_column_name(s, j)) == 0)
                return bb_fail_input(call, "/sql",
                                     "two columns are named \"%.100s\": name one by AS, or set rows_as to "
                                     "\"arrays\"",
                                     sqlite3_column_name(s, i)) == BB_DONE;
    return 1;
}

static int check_query(bb_call *call, sqlite3_stmt *s, const statement *of) {
    if (!sqlite3_stmt_readonly(s))
        return bb_fail_input(call, "/sql",
                             "the statement changes something: that is what `execute` is for") == BB_DONE;
    return of->as_array || names_differ(call, s);
}

/* The cursor is the number of rows that were given before. */
static int skip_rows(bb_call *call, database *d, sqlite3_stmt *s, int64_t *skipped) {
    char text[24], *end;
    *skipped = 0;
    if (call->cursor.len == 0)
        return 1;
    snprintf(text, sizeof text, "%.*s", (int)(call->cursor.len < 20 ? call->cursor.len : 20),
             call->cursor.ptr);
    int64_t wanted = strtoll(text, &end, 10);
    if (*end != '\0' || wanted <= 0)
        return bb_fail(call, BB_E_INVALID_INPUT, "the cursor is none of this operation's") == BB_DONE;
    while (*skipped < wanted) {
        int code = sqlite3_step(s);
        if (code == SQLITE_DONE)
            return 1; /* rows have gone since: the page is empty */
        if (code != SQLITE_ROW)
            return fail_by_database(call, d, "/sql") == BB_DONE;
        ++*skipped;
    }
    return 1;
}

/* The rows of one page. 0: the call has failed; *more: it is not the last one. */
static int write_page(bb_call *call, database *d, sqlite3_stmt *s, const statement *of, bb_json_writer *w,
                      int64_t *count, int *more) {
    int64_t limit = 100, bytes = 0;
    int code = SQLITE_ROW;
    call->host->json->to_int64(bb_in(call, "limit"), &limit);
    for (*count = 0; (code = sqlite3_step(s)) == SQLITE_ROW; ++*count) {
        if (*count >= limit || bytes >= PAGE_MAX_BYTES)
            break;
        int64_t row = write_row(call, w, s, of->as_array);
        if (row < 0)
            return 0;
        bytes += row;
    }
    *more = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE || fail_by_database(call, d, "/sql") == BB_DONE;
}

static int write_query(bb_call *call, database *d, sqlite3_stmt *s, const statement *of, bb_json_writer *w) {
    const bb_json_api *json = call->host->json;
    int64_t skipped, count;
    int more;
    char cursor[24];
    if (!check_query(call, s, of) || !skip_rows(call, d, s, &skipped))
        return 0;
    json->begin_object(w);
    write_columns(call, w, s);
    json->key(w, bb_s("rows"));
    json->begin_array(w);
    if (!write_page(call, d, s, of, w, &count, &more))
        return 0;
    json->end_array(w);
    json->end_object(w);
    snprintf(cursor, sizeof cursor, "%lld", (long long)(skipped + count));
    call->host->call->next_cursor(call, bb_s(more ? cursor : NULL));
    return 1;
}

bb_step query_run(bb_call *call, bb_session *session) {
    database *d = session->handle;
    if (!guard_call(call, d))
        return BB_FAIL;
    statement of = statement_of(call, call->input, "");
    bb_json_writer *w = call->host->json->writer(call);
    sqlite3_stmt *s = statement_begin(call, d, &of);
    int ok = s != NULL && write_query(call, d, s, &of, w);
    sqlite3_finalize(s);
    leave_none_open(d);
    return ok ? bb_done_writer(call, w) : BB_FAIL;
}

/* --- execute, transaction
 * ------------------------------------------------------------------------------------- */

bb_step execute_run(bb_call *call, bb_session *session) {
    database *d = session->handle;
    if (!guard_call(call, d))
        return BB_FAIL;
    statement of = statement_of(call, call->input, "");
    bb_json_writer *w = call->host->json->writer(call);
    int ok = statement_execute(call, d, &of, w);
    leave_none_open(d);
    return ok ? bb_done_writer(call, w) : BB_FAIL;
}

static const char *begin_of(bb_call *call) {
    bb_str mode = bb_in_text(call, "mode");
    if (bb_str_eq(mode, "deferred"))
        return "BEGIN DEFERRED";
    return bb_str_eq(mode, "exclusive") ? "BEGIN EXCLUSIVE" : "BEGIN IMMEDIATE";
}

static int run_all(bb_call *call, database *d, bb_json_writer *w) {
    bb_json_iter it = {0};
    while (call->host->json->next(bb_in(call, "statements"), &it)) {
        char pointer[40];
        snprintf(pointer, sizeof pointer, "/statements/%zu", it.index);
        statement of = statement_of(call, it.value, pointer);
        if (!statement_execute(call, d, &of, w))
            return 0;
    }
    return 1;
}

bb_step transaction_run(bb_call *call, bb_session *session) {
    const bb_json_api *json = call->host->json;
    database *d = session->handle;
    bb_json_writer *w = json->writer(call);
    if (!guard_call(call, d))
        return BB_FAIL;
    if (run_own(d, begin_of(call)) != SQLITE_OK)
        return fail_by_database(call, d, NULL);
    json->begin_object(w);
    json->key(w, bb_s("results"));
    json->begin_array(w);
    int ok = run_all(call, d, w);
    json->end_array(w);
    json->end_object(w);
    if (ok && run_own(d, "COMMIT") != SQLITE_OK)
        ok = fail_by_database(call, d, NULL) == BB_DONE;
    leave_none_open(d);
    return ok ? bb_done_writer(call, w) : BB_FAIL;
}
