/* schema.c - tables, views, columns, indexes and foreign keys, as SQLite's own pragmas tell them. */
#include "sqlite.h"

static void put_text(bb_call *call, bb_json_writer *w, const char *name, sqlite3_stmt *s, int column) {
    call->host->json->key(w, bb_s(name));
    write_text(call, w, (const char *)sqlite3_column_text(s, column));
}

static void put_bool(bb_call *call, bb_json_writer *w, const char *name, int value) {
    call->host->json->key(w, bb_s(name));
    call->host->json->put_bool(w, value);
}

static sqlite3_stmt *prepare_about(database *d, const char *sql, const char *name) {
    sqlite3_stmt *s = prepare_own(d, sql);
    if (s != NULL)
        sqlite3_bind_text(s, 1, name, -1, SQLITE_TRANSIENT);
    return s;
}

/* One member, an array of what `one` writes of each row. 0: SQLite has failed. */
static int write_list(bb_call *call, database *d, bb_json_writer *w, const char *member, const char *sql,
                      const char *of, void (*one)(bb_call *, database *, bb_json_writer *, sqlite3_stmt *)) {
    const bb_json_api *json = call->host->json;
    sqlite3_stmt *s = prepare_about(d, sql, of);
    json->key(w, bb_s(member));
    json->begin_array(w);
    while (s != NULL && sqlite3_step(s) == SQLITE_ROW)
        one(call, d, w, s);
    json->end_array(w);
    return s != NULL && sqlite3_finalize(s) == SQLITE_OK;
}

static void write_column(bb_call *call, database *d, bb_json_writer *w, sqlite3_stmt *s) {
    (void)d;
    call->host->json->begin_object(w);
    put_text(call, w, "name", s, 0);
    put_text(call, w, "type", s, 1);
    put_bool(call, w, "not_null", sqlite3_column_int(s, 2));
    put_text(call, w, "default", s, 3);
    call->host->json->key(w, bb_s("primary_key"));
    call->host->json->put_int64(w, sqlite3_column_int(s, 4));
    put_bool(call, w, "generated", sqlite3_column_int(s, 5) >= 2);
    call->host->json->end_object(w);
}

static void write_index_column(bb_call *call, database *d, bb_json_writer *w, sqlite3_stmt *s) {
    (void)d;
    write_text(call, w, (const char *)sqlite3_column_text(s, 0)); /* NULL: an expression */
}

static void write_index(bb_call *call, database *d, bb_json_writer *w, sqlite3_stmt *s) {
    call->host->json->begin_object(w);
    put_text(call, w, "name", s, 0);
    put_bool(call, w, "unique", sqlite3_column_int(s, 1));
    put_text(call, w, "origin", s, 2);
    put_bool(call, w, "partial", sqlite3_column_int(s, 3));
    write_list(call, d, w, "columns", "SELECT name FROM pragma_index_info(?1) ORDER BY seqno",
               (const char *)sqlite3_column_text(s, 0), write_index_column);
    call->host->json->end_object(w);
}

static void write_foreign_key(bb_call *call, database *d, bb_json_writer *w, sqlite3_stmt *s) {
    (void)d;
    call->host->json->begin_object(w);
    put_text(call, w, "column", s, 0);
    put_text(call, w, "table", s, 1);
    put_text(call, w, "to", s, 2);
    put_text(call, w, "on_update", s, 3);
    put_text(call, w, "on_delete", s, 4);
    call->host->json->end_object(w);
}

static void write_table(bb_call *call, database *d, bb_json_writer *w, sqlite3_stmt *s) {
    const char *name = (const char *)sqlite3_column_text(s, 0);
    call->host->json->begin_object(w);
    put_text(call, w, "name", s, 0);
    put_text(call, w, "type", s, 1);
    put_text(call, w, "sql", s, 2);
    write_list(
        call, d, w, "columns",
        "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1) ORDER BY cid",
        name, write_column);
    write_list(call, d, w, "indexes",
               "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1) ORDER BY name", name,
               write_index);
    write_list(call, d, w, "foreign_keys",
               "SELECT \"from\", \"table\", \"to\", on_update, on_delete FROM pragma_foreign_key_list(?1) "
               "ORDER BY id, seq",
               name, write_foreign_key);
    call->host->json->end_object(w);
}

/* Without a name all of them, but for SQLite's own. */
bb_step schema_run(bb_call *call, bb_session *session) {
    static const char all[] =
        "SELECT name, type, sql FROM sqlite_schema WHERE type IN ('table', 'view') AND "
        "(?1 IS NULL OR name = ?1 COLLATE NOCASE) AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "ORDER BY name";
    database *d = session->handle;
    bb_str table = bb_in_text(call, "table");
    char *name = NULL;
    if (!guard_call(call, d))
        return BB_FAIL;
    if (table.ptr != NULL && (name = call->host->call->alloc(call, table.len + 1)) != NULL) {
        memcpy(name, table.ptr, table.len);
        name[table.len] = '\0';
    }
    bb_json_writer *w = call->host->json->writer(call);
    call->host->json->begin_object(w);
    if (!write_list(call, d, w, "tables", all, name, write_table))
        return fail_by_database(call, d, NULL);
    call->host->json->end_object(w);
    return bb_done_writer(call, w);
}
