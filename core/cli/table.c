#include "cli/table.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GAP 2 /* blanks between columns */

typedef struct table_row {
    bb_str cells[TABLE_COLUMNS], note;
    struct table_row *next;
} table_row;

static int terminal_width(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 120;
}

static size_t columns_of(const table *t) {
    size_t n = 0;
    while (t->headings[n] != NULL)
        n++;
    return n;
}

/* A cell is of others: a line break within it must not look like a row. */
static void print_cell(bb_str text) {
    for (size_t i = 0; i < text.len;) {
        size_t n = i;
        while (n < text.len && text.ptr[n] != '\n' && text.ptr[n] != '\t')
            n++;
        print_text(stdout, str_of(text.ptr + i, n - i));
        if (n < text.len)
            putchar('?');
        i = n + 1;
    }
}

static void print_row(const table *t, const bb_str *cells, int room) {
    size_t columns = columns_of(t);
    for (size_t c = 0; c < columns; c++) {
        bool last = c + 1 == columns;
        bb_str text = cells[c];
        int blanks = t->widths[c] - (int)text_columns(text) + GAP;
        if (last && (int)text_columns(text) > room)
            text.len = text_cut(text, room > 0 ? (size_t)room : 0);
        print_cell(text);
        printf("%*s", last ? 0 : blanks, "");
        room -= t->widths[c] + GAP;
    }
    putchar('\n');
}

static void widen(table *t, const bb_str *cells) {
    for (size_t c = 0; t->headings[c] != NULL; c++)
        if ((int)text_columns(cells[c]) > t->widths[c])
            t->widths[c] = (int)text_columns(cells[c]);
}

void table_add(table *t, const bb_str *cells, bb_str note) {
    if (t->memory == NULL)
        t->memory = arena_new(0);
    table_row *row = t->memory != NULL ? arena_zalloc(t->memory, sizeof *row) : NULL;
    if (row == NULL)
        return;
    memcpy(row->cells, cells, columns_of(t) * sizeof *cells);
    row->note = note;
    if (t->last != NULL)
        t->last->next = row;
    else
        t->first = row;
    t->last = row;
    widen(t, cells);
}

void table_flush(table *t) {
    int width = terminal_width();
    bb_str headings[TABLE_COLUMNS];
    if (!t->headed) {
        for (size_t c = 0; t->headings[c] != NULL; c++)
            headings[c] = str_from(t->headings[c]);
        widen(t, headings);
        print_row(t, headings, width);
        t->headed = true;
    }
    for (const table_row *row = t->first; row != NULL; row = row->next) {
        print_row(t, row->cells, width);
        if (row->note.len == 0)
            continue;
        fputs("  ", stdout);
        print_cell(row->note);
        putchar('\n');
    }
    fflush(stdout);
    arena_free(t->memory);
    t->memory = NULL;
    t->first = t->last = NULL;
}

bb_str to_second(arena *a, bb_str time) {
    return time.len > 20 && time.ptr[19] == '.' ? arena_printf(a, "%.19sZ", time.ptr) : time;
}

void query_add(query *q, const char *name, const char *value) {
    if (value == NULL)
        return;
    arena *a = arena_new(0);
    if (a == NULL)
        return;
    buf_printf(&q->text, "%c%s=%s", q->begun ? '&' : '?', name, encoded(a, value));
    q->begun = true;
    arena_free(a);
}
