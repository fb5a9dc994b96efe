/* quarantine.c - STATE/quarantine.json: {"format": 1, "builds": [{"sha256", "action", "plugin", "version",
 * "reason", "at"}, ...]}, oldest first. */
#include "plugin/quarantine.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "json/json.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)4 << 20)
#define ENTRIES_MAX 4096u /* builds that crash are few; a loop that makes new ones must not fill the disk */
#define HASH_LEAST 8u     /* digits of a hash that name a build */

struct quarantine {
    char *path; /* NULL: nothing is kept */
    arena *memory;
    quarantine_entry *entries;
    size_t count, cap;
};

const char *quarantine_action_name(quarantine_action action) {
    static const char *const actions[] = {"none", "isolate", "off"};
    return actions[action];
}

/* --- entries in memory ----------------------------------------------------------------------------- */

static quarantine_entry *find(const quarantine *q, const char *sha256) {
    for (size_t i = 0; i < q->count; i++)
        if (strcmp(q->entries[i].sha256, sha256) == 0)
            return &q->entries[i];
    return NULL;
}

static const char *kept_text(quarantine *q, const char *text) {
    return arena_strdup(q->memory, str_from(text != NULL ? text : ""));
}

static bool fill(quarantine *q, quarantine_entry *to, const quarantine_entry *from) {
    quarantine_entry e = *from;
    e.plugin = kept_text(q, from->plugin);
    e.version = kept_text(q, from->version);
    e.reason = kept_text(q, from->reason);
    if (e.plugin == NULL || e.version == NULL || e.reason == NULL)
        return false;
    *to = e;
    return true;
}

static void drop(quarantine *q, size_t index) {
    q->count--;
    memmove(&q->entries[index], &q->entries[index + 1], (q->count - index) * sizeof q->entries[0]);
}

static bool add(quarantine *q, const quarantine_entry *entry) {
    if (q->count == ENTRIES_MAX)
        drop(q, 0);
    if (q->count == q->cap) {
        size_t cap = q->cap == 0 ? 8 : q->cap * 2;
        void *grown = realloc(q->entries, cap * sizeof q->entries[0]);
        if (grown == NULL)
            return false;
        q->entries = grown;
        q->cap = cap;
    }
    q->count += fill(q, &q->entries[q->count], entry);
    return true;
}

/* --- the file ---------------------------------------------------------------------------------------- */

static bool is_hash(bb_str s, size_t least) {
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f')))
            return false;
    return s.len >= least && s.len <= 64;
}

static bool read_entry(quarantine *q, arena *scratch, const json_value *v) {
    bb_str sha256 = json_string(json_getl(v, "sha256")), action = json_string(json_getl(v, "action"));
    quarantine_entry e = {.action = str_eq(action, STR("off"))       ? QUARANTINE_OFF
                                    : str_eq(action, STR("isolate")) ? QUARANTINE_ISOLATE
                                                                     : QUARANTINE_NONE};
    if (!is_hash(sha256, 64) || e.action == QUARANTINE_NONE || !json_to_u64(json_getl(v, "at"), &e.at_ms))
        return false;
    str_put(e.sha256, sizeof e.sha256, sha256);
    e.plugin = arena_strdup(scratch, json_string(json_getl(v, "plugin")));
    e.version = arena_strdup(scratch, json_string(json_getl(v, "version")));
    e.reason = arena_strdup(scratch, json_string(json_getl(v, "reason")));
    return find(q, e.sha256) != NULL || add(q, &e);
}

bool quarantine_read(quarantine *q, const json_value *entries) {
    arena *scratch = arena_new(0);
    bool ok = scratch != NULL && json_is(entries, JSON_ARRAY);
    for (json_iter it = json_iterate(entries); ok && json_next(&it);)
        ok = read_entry(q, scratch, it.value);
    arena_free(scratch);
    return ok;
}

static bool read_text(quarantine *q, bb_str text, err *e) {
    uint64_t format = 0;
    json_error where;
    arena *scratch = arena_new(0);
    const json_value *file = scratch != NULL ? json_read(scratch, text, NULL, &where) : NULL;
    bool ok = json_to_u64(json_getl(file, "format"), &format) && format == 1 &&
              quarantine_read(q, json_getl(file, "builds"));
    if (!ok)
        err_set(e, "%s: is not a list of builds as this hub writes it", q->path);
    arena_free(scratch);
    return ok;
}

/* What is there and cannot be understood may be the only trace of a build that crashes: it is kept. */
static void put_aside(const quarantine *q, const err *why) {
    char bad[PATH_MAX];
    snprintf(bad, sizeof bad, "%s.bad", q->path);
    bool moved = rename(q->path, bad) == 0;
    log_warn("%s; builds that were in quarantine are tried again%s%s", why->text,
             moved ? "; it is kept as " : "", moved ? bad : "");
}

static void load(quarantine *q) {
    buf text;
    err e = {""};
    bool missing = false;
    buf_init(&text);
    bool ok = file_read(q->path, FILE_MAX, &text, &missing, &e) && read_text(q, buf_str(&text), &e);
    if (!ok)
        q->count = 0;
    if (!ok && !missing)
        put_aside(q, &e);
    buf_free(&text);
}

static void write_entry(json_writer *w, const quarantine_entry *e) {
    json_object(w);
    json_member_string(w, STR("sha256"), str_from(e->sha256));
    json_member_string(w, STR("action"), str_from(quarantine_action_name(e->action)));
    json_keyl(w, "plugin");
    json_put_string_lossy(w, str_from(e->plugin));
    json_keyl(w, "version");
    json_put_string_lossy(w, str_from(e->version));
    json_keyl(w, "reason");
    json_put_string_lossy(w, str_from(e->reason));
    json_member_u64(w, STR("at"), e->at_ms);
    json_object_end(w);
}

void quarantine_write(const quarantine *q, json_writer *w) {
    json_array(w);
    for (size_t i = 0; i < q->count; i++)
        write_entry(w, &q->entries[i]);
    json_array_end(w);
}

static bool save(const quarantine *q, err *e) {
    buf text;
    json_writer w;
    if (q->path == NULL)
        return true;
    buf_init(&text);
    json_writer_init(&w, &text);
    json_object(&w);
    json_member_u64(&w, STR("format"), 1);
    json_keyl(&w, "builds");
    quarantine_write(q, &w);
    json_object_end(&w);
    buf_char(&text, '\n');
    bool ok = !text.failed ? file_replace(q->path, buf_str(&text), 0600, e)
                           : err_set(e, "no memory to write %s", q->path);
    buf_free(&text);
    return ok;
}

/* --- what others call --------------------------------------------------------------------------------- */

quarantine *quarantine_open(const char *state_dir, err *e) {
    quarantine *q = calloc(1, sizeof *q);
    bb_str path = {NULL, 0};
    if (q != NULL && (q->memory = arena_new(0)) != NULL && state_dir != NULL)
        path = arena_printf(q->memory, "%s/quarantine.json", state_dir);
    if (q == NULL || q->memory == NULL || (state_dir != NULL && path.ptr == NULL)) {
        quarantine_close(q);
        err_set(e, "no memory");
        return NULL;
    }
    q->path = (char *)(uintptr_t)path.ptr;
    if (q->path != NULL)
        load(q);
    return q;
}

void quarantine_close(quarantine *q) {
    if (q == NULL)
        return;
    arena_free(q->memory);
    free(q->entries);
    free(q);
}

const quarantine_entry *quarantine_find(const quarantine *q, const char *sha256) {
    return find(q, sha256);
}

quarantine_action quarantine_action_of(const quarantine *q, const char *sha256) {
    const quarantine_entry *e = find(q, sha256);
    return e != NULL ? e->action : QUARANTINE_NONE;
}

bool quarantine_put(quarantine *q, const quarantine_entry *entry, err *e) {
    quarantine_entry *known = find(q, entry->sha256);
    if (known != NULL && known->action >= entry->action)
        return true;
    bool kept = known != NULL ? fill(q, known, entry) : add(q, entry);
    return kept ? save(q, e) : err_set(e, "no memory to put a build into quarantine");
}

bool quarantine_allow(quarantine *q, bb_str hash, char gone[65], err *e) {
    size_t fits = 0, at = 0;
    if (!is_hash(hash, HASH_LEAST))
        return err_set(e, "\"%.80s\" is not a build's hash: give 8 or more of its hex digits, in lower case",
                       hash.ptr != NULL ? hash.ptr : "");
    for (size_t i = 0; i < q->count; i++) {
        if (str_starts(str_from(q->entries[i].sha256), hash)) {
            at = i;
            fits++;
        }
    }
    if (fits == 0)
        return err_set(e, "no build whose hash begins with %.*s is in quarantine", STR_FMT(hash));
    if (fits > 1)
        return err_set(e, "%zu builds in quarantine have hashes that begin with %.*s: give more digits", fits,
                       STR_FMT(hash));
    memcpy(gone, q->entries[at].sha256, 65);
    drop(q, at);
    return save(q, e);
}

const quarantine_entry *quarantine_at(const quarantine *q, size_t index) {
    return index < q->count ? &q->entries[index] : NULL;
}
