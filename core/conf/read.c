/* read.c - the text of one conf file, through inih.
 *
 * Debian builds inih with lines of 200 bytes (what is longer becomes another line), names of 50 (what is
 * longer is cut off) and without line numbers. The reader here makes up for that. It sees every line first,
 * notes its number, refuses what inih would pass over in silence, cuts off the inline comment by inih's own
 * rule, and hands a long value over in pieces, of which all but the first look like continuation lines. Each
 * cut is fenced by a MARK on both sides, so that it may fall anywhere: beside a blank (inih trims lines),
 * before "#" or ";" (inih takes such a line for a comment). The handler takes the marks off and puts the
 * pieces together again. */
#include "conf/conf.h"

#include <ini.h>

#define MARK '\x01'      /* cannot stand in the text: control characters are refused */
#define NAME_LONGEST 49u /* inih's MAX_NAME and MAX_SECTION, less the NUL */
#define SECTIONS_MAX 64u /* a file that has more is no conf file; they also bound the search for doubles */
#define KEYS_MAX 1024u   /* of one section */

typedef enum { LINE_EMPTY, LINE_SECTION, LINE_KEY, LINE_MORE } line_kind;

typedef struct reading {
    arena *memory;
    conf_file *file;
    bb_str text;       /* lines to come */
    bb_str line;       /* what inih has not had yet of the value at work */
    unsigned line_no;  /* of the line at work, from 1 */
    line_kind kind;    /* of the line at work */
    bb_str name;       /* its key */
    bool first, last;  /* the piece handed over is the line's first, last */
    bool taken;        /* the handler had that piece */
    bool has_key;      /* an indented line has something to continue */
    size_t key_indent; /* of the line that began the latest key */
    conf_section *sections;
    conf_entry *entries; /* of all sections, one after the other */
    size_t entry_count, entry_cap;
    buf value;   /* of the latest key */
    bool failed; /* file->error is set */
} reading;

static void refuse(reading *r, const char *text) {
    if (!r->failed)
        conf_fail(&r->file->error, r->file, r->line_no, "%s", text);
    r->failed = true;
}

static void refuse_again(reading *r, const char *what, bb_str name, unsigned line, const char *remedy) {
    if (!r->failed)
        conf_fail(&r->file->error, r->file, r->line_no, "%s %.*s stands here again, it began at line %u: %s",
                  what, STR_FMT(name), line, remedy);
    r->failed = true;
}

/* --- what is found ---------------------------------------------------------------------------------- */

static void end_entry(reading *r) {
    if (!r->has_key || r->failed)
        return;
    bb_str value = arena_copy(r->memory, buf_str(&r->value));
    if (value.ptr == NULL || r->value.failed)
        refuse(r, "no memory");
    r->entries[r->entry_count - 1].value = value;
    r->has_key = false;
}

static bool entry_room(reading *r) {
    if (r->entry_count < r->entry_cap)
        return true;
    size_t cap = r->entry_cap == 0 ? 16 : r->entry_cap * 2;
    conf_entry *entries = arena_grow(r->memory, r->entries, r->entry_cap * sizeof *entries,
                                     cap * sizeof *entries);
    if (entries == NULL)
        return false;
    r->entries = entries;
    r->entry_cap = cap;
    return true;
}

static void begin_entry(reading *r, bb_str key) {
    conf_section *s = &r->sections[r->file->count - 1];
    const conf_entry *of_section = s->count > 0 ? r->entries + (r->entry_count - s->count) : NULL;
    for (size_t i = 0; i < s->count; i++)
        if (str_eq(of_section[i].key, key)) {
            refuse_again(r, "key", key, of_section[i].line, "remove one of them");
            return;
        }
    if (s->count == KEYS_MAX) {
        refuse(r, "there are over 1024 keys in this section");
        return;
    }
    bb_str copy = arena_copy(r->memory, key);
    if (copy.ptr == NULL || !entry_room(r)) {
        refuse(r, "no memory");
        return;
    }
    r->entries[r->entry_count++] = (conf_entry){.key = copy, .line = r->line_no};
    s->count++;
    r->has_key = true;
    buf_clear(&r->value);
}

static void begin_section(reading *r, bb_str name) {
    conf_file *f = r->file;
    for (size_t i = 0; i < f->count; i++)
        if (str_eq(r->sections[i].name, name)) {
            refuse_again(r, "section", name, r->sections[i].line, "put them together");
            return;
        }
    bb_str copy = arena_copy(r->memory, name);
    if (f->count == SECTIONS_MAX || copy.ptr == NULL) {
        refuse(r, copy.ptr == NULL ? "no memory" : "there are over 64 sections");
        return;
    }
    r->sections[f->count++] = (conf_section){.name = copy, .line = r->line_no};
}

/* ini_handler. The section is the one that the reader has noted. */
static int on_piece(void *ctx, const char *section, const char *name, const char *value) {
    reading *r = ctx;
    bb_str part = str_from(value);
    (void)section;
    r->taken = true;
    if (r->failed)
        return 1;
    if (r->kind == LINE_KEY && r->first)
        begin_entry(r, str_from(name));
    if (!r->first)
        part = str_of(part.ptr + 1, part.len - 1);
    if (!r->last)
        part.len--;
    if (r->kind == LINE_MORE && r->first && r->value.len > 0)
        buf_char(&r->value, '\n');
    buf_str_add(&r->value, part);
    return 1;
}

/* --- lines ------------------------------------------------------------------------------------------ */

static bool blank(char c) {
    return c == ' ' || c == '\t';
}

/* inih's rule: a ";" after a blank begins a comment. */
static bb_str without_comment(bb_str line) {
    for (size_t i = 1; i < line.len; i++)
        if (line.ptr[i] == ';' && blank(line.ptr[i - 1]))
            return str_trim(str_of(line.ptr, i));
    return str_trim(line);
}

static bool has_blank(bb_str s) {
    for (size_t i = 0; i < s.len; i++)
        if (blank(s.ptr[i]))
            return true;
    return false;
}

/* Of files that are no connections, [route invoices] too: a word and a name. */
static bool is_section_name(const reading *r, bb_str name) {
    const char *at = name.len > 0 ? memchr(name.ptr, ' ', name.len) : NULL;
    size_t n = at != NULL ? (size_t)(at - name.ptr) + 1 : 0;
    bool may = at != NULL && n > 1 && !str_eq(conf_suffix_of(str_from(r->file->path)), STR(CONF_CONNECTION));
    return name.len > 0 && !has_blank(may ? str_of(name.ptr, n - 1) : name) &&
           !(may && (n == name.len || has_blank(str_of(name.ptr + n, name.len - n))));
}

static void read_header(reading *r, bb_str line) {
    const char *end = memchr(line.ptr, ']', line.len);
    bb_str name = end != NULL ? str_of(line.ptr + 1, (size_t)(end - line.ptr) - 1) : line;
    end_entry(r);
    if (end == NULL)
        refuse(r, "a section begins with [NAME]: the \"]\" is missing");
    else if (!is_section_name(r, name))
        refuse(r, "a section's name is one word, without blanks: [NAME]");
    else if (name.len > NAME_LONGEST)
        refuse(r, "a section's name has at most 49 characters");
    else if (end + 1 != line.ptr + line.len)
        refuse(r, "after [NAME] the line ends: put what follows on a line of its own");
    else
        begin_section(r, name);
    r->line = line;
}

static void read_key(reading *r, bb_str line) {
    size_t n = 0;
    while (n < line.len && line.ptr[n] != '=' && line.ptr[n] != ':')
        n++;
    r->name = str_trim(str_of(line.ptr, n));
    end_entry(r);
    if (n == line.len)
        refuse(r, "this line is neither `key = value`, [section] nor a comment (; or #)");
    else if (r->name.len == 0)
        refuse(r, "there is no key before the \"=\"");
    else if (has_blank(r->name))
        refuse(r, "a key is one word, without blanks: is the \"=\" in its place?");
    else if (r->name.len > NAME_LONGEST)
        refuse(r, "a key has at most 49 characters");
    else if (r->file->count == 0)
        refuse(r, "a key stands before the first section: put it below a [section]");
    else
        r->line = str_trim(str_of(line.ptr + n + 1, line.len - n - 1));
}

/* An indented line continues a value where it is indented more than its key: keys may be indented too. */
static void read_line(reading *r, bb_str line) {
    size_t indent = 0;
    while (indent < line.len && blank(line.ptr[indent]))
        indent++;
    line = str_of(line.ptr + indent, line.len - indent);
    r->first = r->last = true;
    r->line = (bb_str){NULL, 0};
    r->kind = LINE_EMPTY;
    if (line.len == 0 || line.ptr[0] == ';' || line.ptr[0] == '#')
        return;
    line = without_comment(line);
    r->kind = r->has_key && indent > r->key_indent ? LINE_MORE : line.ptr[0] == '[' ? LINE_SECTION : LINE_KEY;
    if (r->kind == LINE_MORE) {
        r->line = line;
    } else if (r->kind == LINE_SECTION) {
        read_header(r, line);
    } else {
        read_key(r, line);
        r->key_indent = indent;
    }
}

static bool next_line(reading *r) {
    bb_str line;
    if (!str_split(&r->text, '\n', &line))
        return false;
    r->line_no++;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    read_line(r, line);
    return !r->failed;
}

/* --- handing over ----------------------------------------------------------------------------------- */

static void append(char *out, size_t *n, bb_str s) {
    if (s.len > 0)
        memcpy(out + *n, s.ptr, s.len);
    *n += s.len;
}

/* Writes the next piece of r->line: "key=...", " ...", "[section]" or "". */
static void put_piece(reading *r, char *out, size_t cap) {
    size_t n = 0;
    if (r->kind == LINE_KEY && r->first) {
        append(out, &n, r->name);
        out[n++] = '=';
    } else if (r->kind == LINE_KEY || r->kind == LINE_MORE) {
        out[n++] = ' ';
    }
    if (!r->first)
        out[n++] = MARK;
    size_t room = cap - n - 3; /* MARK, line break, NUL */
    bb_str part = str_of(r->line.ptr, r->line.len < room ? r->line.len : room);
    append(out, &n, part);
    r->line = str_of(r->line.ptr != NULL ? r->line.ptr + part.len : NULL, r->line.len - part.len);
    r->last = r->line.len == 0;
    if (!r->last)
        out[n++] = MARK;
    out[n++] = '\n';
    out[n] = '\0';
}

/* ini_reader */
static char *read_piece(char *out, int cap, void *ctx) {
    reading *r = ctx;
    if ((r->kind == LINE_KEY || r->kind == LINE_MORE) && !r->taken)
        refuse(r, "inih does not take this line");
    if (r->failed)
        return NULL;
    r->first = r->last;
    if (r->first && !next_line(r))
        return NULL;
    r->taken = false;
    put_piece(r, out, (size_t)cap);
    return out;
}

/* --- a text ----------------------------------------------------------------------------------------- */

static const char *defect_of(bb_str line) {
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];
        if (c == '\0')
            return "there is a NUL byte: this is no text file";
        if ((c < 0x20 && c != '\t' && !(c == '\r' && i + 1 == line.len)) || c == 0x7f)
            return "there is a control character: remove it";
    }
    return json_utf8_valid(line) ? NULL : "this is not UTF-8: save the file as UTF-8";
}

static bool check_bytes(reading *r) {
    bb_str rest = r->text, line;
    while (!r->failed && str_split(&rest, '\n', &line)) {
        r->line_no++;
        const char *defect = defect_of(line);
        if (defect != NULL)
            refuse(r, defect);
    }
    r->line_no = 0;
    return !r->failed;
}

static void give_entries(reading *r) {
    size_t at = 0;
    for (size_t i = 0; i < r->file->count; i++) {
        r->sections[i].entries = r->sections[i].count > 0 ? r->entries + at : NULL;
        at += r->sections[i].count;
    }
    r->file->sections = r->sections;
}

static bool parse(reading *r) {
    r->sections = arena_zalloc(r->memory, SECTIONS_MAX * sizeof *r->sections);
    if (r->sections == NULL)
        return err_set(&r->file->error, "%s: no memory", r->file->path);
    if (ini_parse_stream(read_piece, r, on_piece, r) != 0 && !r->failed)
        refuse(r, "inih does not take this line");
    end_entry(r);
    give_entries(r);
    return !r->failed;
}

bool conf_read_text(arena *a, const char *path, bb_str text, conf_file *out) {
    *out = (conf_file){.path = arena_strdup(a, str_from(path)), .id = conf_id_of(a, path)};
    if (out->path == NULL || out->id.ptr == NULL)
        return err_set(&out->error, "%s: no memory", path);
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_of(text.ptr + 3, text.len - 3);
    reading r = {.memory = a, .file = out, .text = text, .first = true, .last = true};
    buf_init(&r.value);
    bool ok = check_bytes(&r) && parse(&r);
    buf_free(&r.value);
    return ok;
}
