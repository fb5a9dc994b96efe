/* Room conf: configuration files, read, checked and written. It includes json and base; auth, registry and
 * hub include it. */

/* conf.h - conf.d as the admin wrote it: files, sections and keys, each with its place, checked and typed.
 *
 * inih reads the files. Nothing here knows a connector: what stands in [settings] and [auth] is checked by
 * whoever knows the schema, with conf_fail naming the place. Values are kept as written; ${env:NAME},
 * ${file:PATH}, ${credential:NAME} and ${secret:NAME} are put in by conf_expand, at the moment of use. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/arena.h"
#include "base/err.h"
#include "json/json.h"

typedef struct conf_entry {
    bb_str key, value; /* value: as written, references not expanded; lines of one value are joined by \n */
    unsigned line;
} conf_entry;

typedef struct conf_section {
    bb_str name;
    unsigned line; /* of its first entry, or header where known */
    const conf_entry *entries;
    size_t count;
} conf_section;

typedef struct conf_file {
    const char *path; /* as opened: "conf.d/shop.conf" */
    bb_str id;        /* "shop": the file's name without .conf; [a-z0-9][a-z0-9_-]{0,63} */
    const conf_section *sections;
    size_t count;
    err error; /* text[0] != 0: the file is refused for this reason ("FILE:LINE: what, remedy") */
} conf_file;

/* All of a configuration folder. Everything lives in its arena. */
typedef struct conf_set {
    arena *memory;
    conf_file *files; /* by depth, then by path */
    size_t count;
} conf_set;

/* Reads every *.conf below `dir`, also in subfolders (hidden and editor's files are passed over: .x, x~,
 * x.swp, x.conf.bak, ...; and
 * files of another kind, see below). A file that cannot be read, is over 1 MiB, has a syntax error, a
 * key twice in a section, a name that is no id, or an id that an earlier file has, is in the set with its
 * `error`; the others are not touched by it. NULL and *e only where the folder itself cannot be read or
 * memory is used up. */
conf_set *conf_read_dir(const char *dir, err *e);
/* The same of another kind of file, whose name ends so. */
#define CONF_CONNECTION ".conf"
#define CONF_HOOK ".hook.conf"                 /* an endpoint that takes webhooks */
#define CONF_SUBSCRIPTION ".subscription.conf" /* who gets events */
#define CONF_EVENT ".event.conf"               /* a type of event */
conf_set *conf_read_kind(const char *dir, const char *suffix, err *e);
bb_str conf_suffix_of(bb_str name); /* one of them; absent: none */
void conf_set_free(conf_set *s);

/* A line may be of any length. An indented line (more than its key) continues the value; a ";" after a blank
 * begins a comment; quotes are part of the value. At most 64 sections, 1024 keys in each, names of 49 bytes.
 * Files that everybody can write and whatever is no regular file are refused, and never waited for. On an
 * error the file still has its path and id.
 *
 * Reads one file, or a text (for checks before it is written: `path` only names it). False: out->error says
 * why. */
bool conf_read_file(arena *a, const char *path, conf_file *out);
bool conf_read_text(arena *a, const char *path, bb_str text, conf_file *out);

/* Whether a name can be a connection's id; and the name of a path's file without its suffix ({NULL, 0}: no
 * memory). */
bool conf_id_ok(bb_str id);
bb_str conf_id_of(arena *a, const char *path);

const conf_section *conf_find_section(const conf_file *f, bb_str name); /* NULL: none */
const conf_entry *conf_find(const conf_section *s, bb_str key);         /* of NULL: NULL */

/* Sets "PATH:LINE: text". Gives false. */
__attribute__((format(printf, 4, 5))) bool conf_fail(err *e, const conf_file *f, unsigned line,
                                                     const char *format, ...);
/* Refuses keys of a section that are not in `known` (ends with NULL): PATH:LINE: unknown key "tokn" in
 * [auth], did you mean "token"? (known: ...) */
bool conf_check_keys(const conf_file *f, const conf_section *s, const char *const *known, err *e);
bool conf_check_sections(const conf_file *f, const char *const *known, err *e);

/* The value with its references put in, in `a`. ${file:}: relative to the configuration file's folder, at
 * most 64 KiB, one line break at its end is cut off; ${credential:}: a file in $CREDENTIALS_DIRECTORY;
 * ${secret:}: see conf_secret_resolver; "$${" is a literal "${". *had_reference (may be NULL) tells whether
 * there was one. An unset variable, an unreadable file, an unknown kind: false, and the error names the place
 * and the remedy, never a value. */
bool conf_expand(arena *a, const conf_file *f, const conf_entry *entry, bb_str *out, bool *had_reference,
                 err *e);

/* Who knows the values of ${secret:NAME}. Set before configuration is read, by the thread that reads it;
 * NULL: nobody. The value is in `a`. False: *e says why, without a place; *gone: because there is no such
 * secret, and not because none can be read now. */
typedef bool (*conf_secret_get)(void *ctx, arena *a, bb_str name, bb_str *value, bool *gone, err *e);
void conf_secret_resolver(conf_secret_get get, void *ctx);
/* The names of the secrets that a file refers to, in `a`. NULL: no memory. */
const bb_str *conf_secret_names(arena *a, const conf_file *f, size_t *count);
/* Whether it is known that there is no such secret. */
bool conf_secret_gone(bb_str name);

/* Typed values, after expansion. Absent entry: `otherwise`, true. Units: durations as str_to_duration_ms,
 * sizes "64k", "10m", "1g" or bytes, yes/no/true/false/on/off/1/0. False: *e names place, what is allowed,
 * and the value unless it held a reference. */
bool conf_u64(arena *a, const conf_file *f, const conf_entry *entry, uint64_t min, uint64_t max,
              uint64_t otherwise, uint64_t *out, err *e);
bool conf_duration_ms(arena *a, const conf_file *f, const conf_entry *entry, uint64_t min, uint64_t max,
                      uint64_t otherwise, uint64_t *out, err *e);
bool conf_size(arena *a, const conf_file *f, const conf_entry *entry, uint64_t min, uint64_t max,
               uint64_t otherwise, uint64_t *out, err *e);
bool conf_bool(arena *a, const conf_file *f, const conf_entry *entry, bool otherwise, bool *out, err *e);
/* As a text with a NUL behind; where there is no entry *out stays as it is. */
bool conf_text(arena *a, const conf_file *f, const conf_entry *entry, const char **out, err *e);

/* A section as a JSON object's text (in `a`), typed by a JSON Schema's `properties` (local $ref followed;
 * without `type`, by its enum, const, anyOf or oneOf): an integer or number stays as written if it is one,
 * booleans as conf_bool, arrays as comma-separated scalars or JSON, objects as JSON, strings as they are.
 * `type` may be a list: what the text can be at all is tried in the order number, boolean (1 and 0 only where
 * no string may stand), null, array, object, string. Values are taken as they stand, without conf_expand: to
 * have references put in, give a section of expanded entries; so no error shows a value. Keys unknown to the
 * schema are errors (conf_check_keys' words) unless its additionalProperties is true or a schema. Absent
 * properties that have a "default" get it. `section` may be NULL: only defaults. Does not validate otherwise:
 * the caller does. */
bool conf_section_to_json(arena *a, const conf_file *f, const conf_section *section, const json_value *schema,
                          bb_str *out, err *e);

/* --- writing: what the API changes, it changes in these same files -------------------------------- */

/* The text of a conf file from {"connection": {...}, "settings": {...}, "auth": {...}, ...}: every member of
 * the root is a section, every member of a section a key; scalars as they are, arrays and objects as JSON.
 * Refused: null, control characters and line breaks (they could forge keys), names that are no
 * [a-z][a-z0-9_]*, "[redacted]" (what stands where a secret is not shown), and whatever conf_read_text would
 * not read back the same. A leading comment says where the file comes from. */
bool conf_text_from_json(arena *a, const json_value *root, bb_str *out, err *e);
/* The same for files of other kinds: values may have several lines, and sections names ("route invoices"). */
bool conf_text_with_lines(arena *a, const json_value *root, bb_str *out, err *e);
/* The text of such a file with one key of one line changed, made (behind the section's line) or, `value`
 * absent, removed: every other line, comments too, stays as it is. False: that cannot be done where it
 * stands, or no memory. */
bool conf_text_with_key(arena *a, const char *path, bb_str text, bb_str section, bb_str key, bb_str value,
                        bb_str *out);
/* Writes a file as a whole or not at all: temporary file beside it, 0600, fsync, rename, fsync of the folder.
 */
bool conf_write_file(const char *path, bb_str text, err *e);

#endif
