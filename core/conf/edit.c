/* edit.c - one key of a file that somebody has written, changed where it stands: all else, comments too,
 * stays as it is. */
#include "conf/conf.h"

typedef struct edit {
    bb_str section, key, value; /* value absent: the key goes */
} edit;

/* The n-th line, from 1, without its end. Absent: there is none. */
static bb_str line_at(bb_str text, unsigned n) {
    bb_str line = {NULL, 0};
    while (n-- > 0)
        if (!str_split(&text, '\n', &line))
            return (bb_str){NULL, 0};
    return line;
}

/* From the blank before its ";" on, as the reader cuts it off; empty: there is none. */
static bb_str comment_of(bb_str line) {
    for (size_t i = 1; i < line.len; i++)
        if (line.ptr[i] == ';' && (line.ptr[i - 1] == ' ' || line.ptr[i - 1] == '\t')) {
            while (i > 0 && (line.ptr[i - 1] == ' ' || line.ptr[i - 1] == '\t'))
                i--;
            return str_of(line.ptr + i, line.len - i);
        }
    return str_of(line.ptr + line.len, 0);
}

/* As the line of the key beside it: what is indented further would go on with that one. */
static bb_str indent_of(bb_str line) {
    size_t n = 0;
    while (n < line.len && (line.ptr[n] == ' ' || line.ptr[n] == '\t'))
        n++;
    return str_of(line.ptr, n);
}

static void put_key(buf *out, const edit *x, bb_str indent, bb_str comment) {
    if (x->value.ptr != NULL)
        buf_printf(out, "%.*s%.*s = %.*s%.*s\n", STR_FMT(indent), STR_FMT(x->key), STR_FMT(x->value),
                   STR_FMT(comment));
    else if (comment.len > 0)
        buf_printf(out, "%.*s\n", STR_FMT(str_trim(comment)));
}

/* In the place of the key's line, before the section's first key, or behind the section's own line. */
static bool put_all(buf *out, const edit *x, bb_str text, const conf_section *s, const conf_entry *entry) {
    const conf_entry *at = entry != NULL ? entry : s->count > 0 ? &s->entries[0] : NULL;
    bb_str line = line_at(text, at != NULL ? at->line : s->line);
    if (line.ptr == NULL)
        return false;
    size_t begin = (size_t)(line.ptr - text.ptr), end = begin + line.len;
    size_t next = end < text.len ? end + 1 : end;
    size_t before = at != NULL ? begin : next, after = entry != NULL ? next : before;
    buf_add(out, text.ptr, before);
    if (before > 0 && text.ptr[before - 1] != '\n')
        buf_char(out, '\n');
    put_key(out, x, at != NULL ? indent_of(line) : STR(""), entry != NULL ? comment_of(line) : STR(""));
    buf_add(out, text.ptr + after, text.len - after);
    return !out->failed;
}

static size_t entries_of(const conf_file *f) {
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++)
        n += f->sections[i].count;
    return n;
}

/* All values of the one but that key's stand in the other. */
static bool same_but(const edit *x, const conf_file *a, const conf_file *b) {
    for (size_t i = 0; i < a->count; i++) {
        const conf_section *s = &a->sections[i], *other = conf_find_section(b, s->name);
        if (other == NULL)
            return false;
        for (size_t k = 0; k < s->count; k++) {
            const conf_entry *found = conf_find(other, s->entries[k].key);
            bool is_it = str_eq(s->name, x->section) && str_eq(s->entries[k].key, x->key);
            if (!is_it && (found == NULL || !str_eq(found->value, s->entries[k].value)))
                return false;
        }
    }
    return a->count == b->count;
}

static bool proves(arena *a, const edit *x, const conf_file *f, bb_str text) {
    conf_file now;
    if (!conf_read_text(a, f->path, text, &now))
        return false;
    const conf_entry *was = conf_find(conf_find_section(f, x->section), x->key),
                     *is = conf_find(conf_find_section(&now, x->section), x->key);
    return same_but(x, f, &now) && entries_of(&now) == entries_of(f) - (was != NULL) + (is != NULL) &&
           (x->value.ptr != NULL ? is != NULL && str_eq(is->value, x->value) : is == NULL);
}

bool conf_text_with_key(arena *a, const char *path, bb_str text, bb_str section, bb_str key, bb_str value,
                        bb_str *out) {
    const edit x = {section, key, value};
    conf_file f;
    if (!conf_read_text(a, path, text, &f))
        return false;
    const conf_section *s = conf_find_section(&f, section);
    const conf_entry *entry = conf_find(s, key);
    if (s == NULL || (entry != NULL && memchr(entry->value.ptr, '\n', entry->value.len) != NULL))
        return false;
    if (entry == NULL && value.ptr == NULL) {
        *out = text;
        return true;
    }
    buf edited;
    buf_init(&edited);
    bool ok = put_all(&edited, &x, text, s, entry);
    *out = arena_copy(a, buf_str(&edited));
    ok = ok && out->ptr != NULL && proves(a, &x, &f, *out);
    buf_wipe(&edited); /* secrets may stand in it */
    return ok;
}
