/* read.c - one conf file, through inih.
 *
 * Debian builds inih with lines of 200 bytes, names of 50, and without line numbers. The reader here makes up
 * for that: it hands a long line to inih in pieces, all but the first looking like continuation lines, and
 * remembers which line each came from. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((off_t)1 << 20)
#define NAME_MAX_BYTES 49u /* inih's MAX_NAME and MAX_SECTION, less the NUL */
#define PIECE 150          /* of a long line: well below inih's 200 */

typedef struct reading {
    arena *memory;
    conf_file *file;
    bb_str rest;       /* lines to come */
    bb_str line;       /* left of the one at work, where it is handed over in pieces */
    unsigned line_no;  /* of the line at work, from 1 */
    size_t key_indent; /* of the line that began the latest key */
    bool in_pieces;    /* what was handed over last continues a long line */
    bool continues;    /* ... or is an indented continuation line */
    unsigned *origins; /* line of each piece handed to inih */
    size_t origin_count, origin_cap;
    conf_section *sections;
    conf_entry **entries; /* of each section */
    size_t *caps;
    size_t section_cap;
    bool failed; /* file->error is set */
} reading;

static void refuse(reading *r, unsigned line, const char *text) {
    if (!r->failed)
        conf_fail(&r->file->error, r->file, line, "%s", text);
    r->failed = true;
}

/* --- lines for inih ---------------------------------------------------------------------------------------
 */

static bool blank(char c) {
    return c == ' ' || c == '\t';
}

static size_t indent_of(bb_str line) {
    size_t n = 0;
    while (n < line.len && blank(line.ptr[n]))
        n++;
    return n;
}

/* Where inih sees an inline comment: a ";" after a blank. */
static size_t without_comment(bb_str line) {
    for (size_t i = 1; i < line.len; i++)
        if (line.ptr[i] == ';' && blank(line.ptr[i - 1]))
            return i;
    return line.len;
}

static bool note_origin(reading *r) {
    if (r->origin_count == r->origin_cap) {
        size_t cap = r->origin_cap == 0 ? 64 : r->origin_cap * 2;
        unsigned *origins = arena_grow(r->memory, r->origins, r->origin_cap * sizeof *origins,
                                       cap * sizeof *origins);
        if (origins == NULL)
            return false;
        r->origins = origins;
        r->origin_cap = cap;
    }
    r->origins[r->origin_count++] = r->line_no;
    return true;
}

/* A place to cut a long line: not beside a blank, and not before a ";" that would begin a comment. */
static size_t cut_at(bb_str line) {
    size_t n = PIECE;
    while (n > 1 && (blank(line.ptr[n]) || blank(line.ptr[n - 1]) || line.ptr[n] == ';'))
        n--;
    return n;
}

static char *hand_over(reading *r, char *out, bb_str piece, bool as_continuation) {
    size_t n = 0;
    if (as_continuation)
        out[n++] = ' ';
    memcpy(out + n, piece.ptr, piece.len);
    n += piece.len;
    out[n++] = '\n';
    out[n] = '\0';
    return note_origin(r) ? out : NULL;
}

/* An indented line continues a value only where it is indented more than its key: keys may be indented
 * themselves. */
static bb_str unindent(reading *r, bb_str line) {
    size_t indent = indent_of(line);
    if (indent == line.len)
        return (bb_str){line.ptr, 0};
    char first = line.ptr[indent];
    bool comment = first == ';' || first == '#', section = first == '[';
    r->continues = !comment && !section && indent > r->key_indent && r->key_indent != SIZE_MAX;
    if (r->continues)
        return line;
    if (section)
        r->key_indent = SIZE_MAX; /* no key yet */
    else if (!comment)
        r->key_indent = indent;
    return str_of(line.ptr + indent, line.len - indent);
}

static void check_line(reading *r, bb_str line) {
    const char *end = line.len > 0 && line.ptr[0] == '[' ? memchr(line.ptr, ']', line.len) : NULL;
    if (end != NULL && (size_t)(end - line.ptr) - 1 > NAME_MAX_BYTES)
        refuse(r, r->line_no, "a section's name has at most 49 characters");
    const char *equals = line.len > 0 && !r->continues ? memchr(line.ptr, '=', line.len) : NULL;
    if (equals != NULL && line.ptr[0] != ';' && line.ptr[0] != '#' && line.ptr[0] != '[' &&
        str_trim(str_of(line.ptr, (size_t)(equals - line.ptr))).len > NAME_MAX_BYTES)
        refuse(r, r->line_no, "a key has at most 49 characters");
}

/* ini_reader: gives the next line, or piece of one. */
static char *next_line(char *out, int cap, void *ctx) {
    (void)cap; /* 200; pieces are shorter */
    reading *r = ctx;
    r->in_pieces = r->line.len > 0;
    if (!r->in_pieces) {
        bb_str line;
        if (!str_split(&r->rest, '\n', &line))
            return NULL;
        r->line_no++;
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (r->line_no == 1 && str_starts(line, STR("\xef\xbb\xbf")))
            line = str_of(line.ptr + 3, line.len - 3);
        line = unindent(r, line);
        check_line(r, line);
        line.len = line.len > PIECE ? str_trim(str_of(line.ptr, without_comment(line))).len +
                                          (r->continues ? indent_of(line) : 0)
                                    : line.len;
        r->line = line;
    }
    if (r->line.len == 0)
        return hand_over(r, out, r->line, false);
    bb_str piece = r->line.len <= PIECE ? r->line : str_of(r->line.ptr, cut_at(r->line));
    r->line = str_of(r->line.ptr + piece.len, r->line.len - piece.len);
    return hand_over(r, out, piece, r->in_pieces);
}

/* --- what inih finds ---------------------------------------------------------------------------------------
 */

static conf_section *section_named(reading *r, const char *name) {
    conf_file *f = r->file;
    if (f->count > 0 && str_eq(r->sections[f->count - 1].name, str_from(name)))
        return &r->sections[f->count - 1];
    for (size_t i = 0; i < f->count; i++)
        if (str_eq(r->sections[i].name, str_from(name)) && !r->failed) {
            conf_fail(&f->error, f, r->line_no,
                      "section [%s] stands here again; it began at line %u: put them together", name,
                      r->sections[i].line);
            r->failed = true;
        }
    if (f->count == 16) {
        refuse(r, r->line_no, "there are more than 16 sections");
        return NULL;
    }
    conf_section *s = &r->sections[f->count];
    *s = (conf_section){.name = arena_copy(r->memory, str_from(name)), .line = r->line_no};
    f->count++;
    return s;
}

static void join(reading *r, conf_entry *entry, const char *more) {
    const char *between = r->in_pieces ? "" : "\n";
    entry->value = arena_printf(r->memory, "%.*s%s%s", STR_FMT(entry->value), between, more);
}

static void check_new_key(reading *r, const conf_section *s, bb_str key) {
    if (key.len == 0)
        refuse(r, r->line_no, "there is no key before the \"=\"");
    for (size_t i = 0; i < s->count; i++)
        if (str_eq(s->entries[i].key, key) && !r->failed) {
            conf_fail(&r->file->error, r->file, r->line_no,
                      "key \"%.*s\" stands here again; it was given at line %u: remove one", STR_FMT(key),
                      s->entries[i].line);
            r->failed = true;
        }
}

/* ini_handler */
static int on_entry(void *ctx, const char *section, const char *name, const char *value) {
    reading *r = ctx;
    if (r->failed)
        return 1;
    if (section[0] == '\0') {
        refuse(r, r->line_no, "a key stands before the first section: begin with [connection]");
        return 1;
    }
    conf_section *s = section_named(r, section);
    if (s == NULL || r->failed)
        return 1;
    size_t at = (size_t)(s - r->sections);
    if (s->count > 0 && (r->in_pieces || r->continues)) {
        join(r, &r->entries[at][s->count - 1], value);
        return 1;
    }
    check_new_key(r, s, str_from(name));
    if (s->count == r->caps[at]) {
        size_t cap = r->caps[at] == 0 ? 8 : r->caps[at] * 2;
        r->entries[at] = arena_grow(r->memory, r->entries[at], r->caps[at] * sizeof(conf_entry),
                                    cap * sizeof(conf_entry));
        r->caps[at] = cap;
        s->entries = r->entries[at];
    }
    if (r->entries[at] == NULL)
        return 0;
    r->entries[at][s->count++] = (conf_entry){.key = arena_copy(r->memory, str_from(name)),
                                              .value = arena_copy(r->memory, str_from(value)),
                                              .line = r->line_no};
    return 1;
}

/* --- a text, a file
 * ------------------------------------------------------------------------------------------ */

static bool is_id(bb_str id) {
    bool ok = id.len > 0 && id.len <= 64 && id.ptr[0] != '-' && id.ptr[0] != '_';
    for (size_t i = 0; ok && i < id.len; i++) {
        char c = id.ptr[i];
        ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    }
    return ok;
}

static bb_str id_of(const char *path) {
    const char *slash = strrchr(path, '/');
    bb_str name = str_from(slash != NULL ? slash + 1 : path);
    return str_ends(name, STR(".conf")) ? str_of(name.ptr, name.len - 5) : name;
}

static bool parse(arena *a, bb_str text, conf_file *out) {
    reading r = {.memory = a, .file = out, .rest = text, .key_indent = SIZE_MAX};
    conf_entry *entries[16] = {0};
    size_t caps[16] = {0};
    r.sections = arena_zalloc(a, 16 * sizeof *r.sections);
    r.entries = entries;
    r.caps = caps;
    if (r.sections == NULL)
        return err_set(&out->error, "%s: no memory", out->path);
    out->sections = r.sections;
    int bad = ini_parse_stream(next_line, &r, on_entry, &r);
    if (bad > 0 && !r.failed) {
        unsigned line = (size_t)bad <= r.origin_count ? r.origins[bad - 1] : 1;
        conf_fail(&out->error, out, line,
                  "this line is neither `key = value`, [section] nor a comment (; or #)");
        r.failed = true;
    } else if (bad < 0 && !r.failed) {
        err_set(&out->error, "%s: no memory", out->path);
        r.failed = true;
    }
    return !r.failed;
}

bool conf_read_text(arena *a, const char *path, bb_str text, conf_file *out) {
    *out = (conf_file){.path = arena_strdup(a, str_from(path))};
    out->id = arena_copy(a, id_of(path));
    if (out->path == NULL || out->id.ptr == NULL)
        return err_set(&out->error, "%s: no memory", path);
    if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
        return err_set(&out->error, "%s: it has a NUL byte: it is no text file", path);
    if (!json_utf8_valid(text))
        return err_set(&out->error, "%s: it is not UTF-8: save it as UTF-8", path);
    return text.len == 0 || parse(a, text, out);
}

static bool check_kind(const char *path, const struct stat *st, err *e) {
    if (!S_ISREG(st->st_mode))
        return err_set(e, "%s: it is not a regular file", path);
    if ((st->st_mode & S_IWOTH) != 0)
        return err_set(
            e, "%s: everybody can write it (mode %03o), and so send credentials elsewhere: chmod o-w it",
            path, st->st_mode & 0777);
    if (st->st_size > FILE_MAX)
        return err_set(e, "%s: it is over 1 MiB", path);
    return true;
}

static bool read_bytes(arena *a, int fd, size_t size, bb_str *out) {
    char *bytes = arena_alloc(a, size + 1);
    size_t n = 0;
    while (bytes != NULL && n < size) {
        ssize_t got = read(fd, bytes + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *out = str_of(bytes, n);
    return bytes != NULL;
}

bool conf_read_file(arena *a, const char *path, conf_file *out) {
    struct stat st;
    bb_str text;
    *out = (conf_file){.path = arena_strdup(a, str_from(path)), .id = arena_copy(a, id_of(path))};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not stop the hub */
    if (fd < 0 || fstat(fd, &st) != 0) {
        int why = errno;
        if (fd >= 0)
            close(fd);
        return err_set(&out->error, "%s: cannot be read: %s", path, strerror(why));
    }
    bool ok = check_kind(path, &st, &out->error) && (read_bytes(a, fd, (size_t)st.st_size, &text) ||
                                                     err_set(&out->error, "%s: cannot be read", path));
    close(fd);
    return ok && conf_read_text(a, path, text, out);
}

bool conf_id_ok(bb_str id) {
    return is_id(id);
}
