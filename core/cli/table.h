/* table.h - a table for people, and the paths of requests. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/cli.h"

#define TABLE_COLUMNS 8

/* Rows wait until table_flush prints them, fitted to the terminal: the last column is cut. Columns keep the
 * widths they once had, so that a long table may be printed in parts. */
typedef struct table {
    const char *headings[TABLE_COLUMNS + 1]; /* ends with NULL */
    /* private: */
    arena *memory; /* of the rows that wait */
    struct table_row *first, *last;
    int widths[TABLE_COLUMNS];
    bool headed;
} table;

/* `cells`: one for each heading; `note`: a line below the row, or absent. All live until the flush. */
void table_add(table *t, const bb_str *cells, bb_str note);
void table_flush(table *t); /* with its headings the first time; frees what waits */

/* "2026-01-31T12:00:00.123Z" as "2026-01-31T12:00:00Z": people need no more, and tables no wider columns. */
bb_str to_second(arena *a, bb_str time);

/* "PATH?name=value&..." piece by piece, encoded: a query that begins with ? or goes on with &. */
typedef struct query {
    buf text;
    bool begun;
} query;
void query_add(query *q, const char *name, const char *value); /* NULL: left out */

#endif
