/* webhook_jobs.c - endpoints, subscriptions and event types that the API creates, changes and deletes: as
 * files in conf.d, checked before they are written, and read anew. */
#include "hub/internal.h"

#include "base/file.h"
#include "base/log.h"
#include "webhook/document.h"
#include "webhook/subscription.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LARGEST ((size_t)1 << 20)

typedef struct change_job {
    hub *h;
    api_job *job;
    webhook_kind kind;
    const webhook_reader *reader;
    const webhook_entry *entry; /* as it is before; NULL: there is none */
    const char *path,
        *real; /* as it stands in conf.d; what a link there leads to, NULL: there is no file yet */
} change_job;

static void refuse(change_job *c, problem p, const char *text) {
    hub_job_refuse(c->job, p, text);
    hub_job_finish(c->h, c->job);
}

static const char *path_of(const change_job *c, bb_str id) {
    if (c->entry != NULL)
        return arena_strdup(c->job->memory, str_from(c->entry->file));
    return arena_printf(c->job->memory, "%s/%.*s%s", c->h->settings.conf_dir, STR_FMT(id),
                        webhook_kind_suffix(c->kind))
        .ptr;
}

/* --- answers ------------------------------------------------------------------------------------------ */

static void answer(change_job *c, bb_str id, unsigned status) {
    const webhook_entry *now = webhook_find(c->h->webhooks.set, c->kind, id);
    json_writer w;
    json_writer_init(&w, &c->job->answer);
    json_object(&w);
    json_member_string(&w, STR("id"), id);
    if (now != NULL && now->item != NULL) {
        json_member_string(&w, STR("file"), str_from(now->file));
        json_keyl(&w, "configuration");
        json_put_raw(&w, now->item->conf_json);
        if (c->job->secret.ptr != NULL)
            json_member_string(&w, STR("secret"), c->job->secret);
        if (c->job->public_key.ptr != NULL)
            json_member_string(&w, STR("public_key"), c->job->public_key);
    } else {
        json_member_bool(&w, STR("deleted"), true);
    }
    json_object_end(&w);
    c->job->status = status;
    hub_webhooks_wait(c->h, c->job);
}

/* --- writing, and taking back --------------------------------------------------------------------------- */

/* The file as it was comes back by a rename, for which there is room on any disk. */
static void take_back(const change_job *c, const char *kept) {
    if (kept != NULL ? rename(kept, c->real) != 0 : unlink(c->path) != 0)
        log_error("%s: a refused change cannot be taken back: %s%s%s", c->path, strerror(errno),
                  kept != NULL ? "; as it was it is " : "", kept != NULL ? kept : "");
    hub_webhooks_reread(c->h, c->kind, c->path);
}

static bool is_same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The file could not be written, or not for sure: as it was it is to be. Where it still is what was kept, its
 * second name alone goes. */
static void give_up(const change_job *c, const char *kept) {
    if (kept != NULL && is_same_file(kept, c->real))
        unlink(kept);
    else if (kept != NULL || access(c->path, F_OK) == 0)
        take_back(c, kept);
}

/* Where the disk has no second names for a file. */
static bool keep_copy(const char *from, const char *to, err *e) {
    buf text;
    buf_init(&text);
    bool ok = file_read(from, FILE_LARGEST, &text, NULL, e) && conf_write_file(to, buf_str(&text), e);
    buf_wipe(&text);
    return ok;
}

/* Keeps the file as it is under another name, NAME.conf~, until the change is in force. *kept NULL: there is
 * none. False: it cannot be kept, so nothing is to be changed. */
static bool keep(change_job *c, const char **kept, err *e) {
    char real[PATH_MAX];
    *kept = NULL;
    if (realpath(c->path, real) == NULL)
        return errno == ENOENT || err_set(e, "%s: %s", c->path, strerror(errno));
    c->real = arena_strdup(c->job->memory, str_from(real));
    *kept = arena_printf(c->job->memory, "%s~", real).ptr;
    if (c->real == NULL || *kept == NULL)
        return err_set(e, "%s: no memory", real);
    unlink(*kept); /* of a hub that ended in the middle of this */
    return link(c->real, *kept) == 0 || keep_copy(c->real, *kept, e);
}

/* --- whose a subscription is ------------------------------------------------------------------------------
 */

static size_t owned_by(const hub *h, bb_str key) {
    const webhook_list *list = &h->webhooks.set->lists[WEBHOOK_SUBSCRIPTION];
    size_t n = 0;
    for (size_t i = 0; i < list->count; i++)
        n += list->entries[i].item != NULL && str_eq(subscription_of(list->entries[i].item)->owner, key);
    return n;
}

/* Of a new one the key that makes it, of another the one that did; absent: a file of the admin's. */
static bb_str owner_of(const change_job *c) {
    bool known = c->entry != NULL && c->entry->item != NULL;
    return known ? subscription_of(c->entry->item)->owner : c->job->actor;
}

static const json_value *with_owner(arena *a, const json_value *root, bb_str owner) {
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    json_object(&w);
    for (json_iter it = json_iterate(root); json_next(&it);)
        if (!str_eq(it.key, STR("owner"))) {
            json_key(&w, it.key);
            json_put_value(&w, it.value);
        }
    if (owner.ptr != NULL)
        json_member_string(&w, STR("owner"), owner);
    json_object_end(&w);
    bb_str text = json_writer_take(&w, a);
    return text.ptr != NULL ? json_read(a, text, NULL, NULL) : NULL;
}

/* Here, where one change comes after the other: so that no key has more than it may. NULL: refused. */
static const json_value *owned(change_job *c, const json_value *root) {
    const hub *h = c->h;
    const json_value *said = json_getl(root, "owner");
    bb_str owner = owner_of(c);
    if (c->kind != WEBHOOK_SUBSCRIPTION)
        return root;
    bool merged = c->entry != NULL && c->job->kind != JOB_WEBHOOK_REPLACE; /* it has all that was there */
    if ((said != NULL || merged) && !str_eq(json_string(said), owner)) {
        refuse(c, PROBLEM_INVALID_CONFIG,
               "`owner` is the key that made the subscription: it cannot be changed");
        return NULL;
    }
    bool becomes_its = c->entry == NULL || c->entry->item == NULL;
    if (becomes_its && owned_by(h, owner) >= h->webhooks.subscriptions_per_key) {
        bb_str text = arena_printf(
            c->job->memory,
            "this key has made %u subscriptions, which is as many as it may: remove one, or "
            "raise [webhooks] subscriptions in busbar.conf",
            h->webhooks.subscriptions_per_key);
        refuse(c, PROBLEM_CONFLICT, text.ptr != NULL ? text.ptr : "too many subscriptions of this key");
        return NULL;
    }
    root = with_owner(c->job->memory, root, owner);
    if (root == NULL)
        refuse(c, PROBLEM_OVERLOADED, "no memory for this");
    return root;
}

static void put_text(change_job *c, bb_str id, bb_str text) {
    err e = {""};
    const webhook_reading reading = hub_webhooks_reading(c->h);
    const char *kept;
    bool claimed = false;
    if (!webhook_check_text(c->kind, c->path, text, &reading, c->h->webhooks.set, &claimed, &e)) {
        refuse(c, claimed ? PROBLEM_CONFLICT : PROBLEM_INVALID_CONFIG, e.text);
        return;
    }
    if (!keep(c, &kept, &e)) {
        refuse(c, PROBLEM_OVERLOADED, e.text);
        return;
    }
    if (!conf_write_file(c->real != NULL ? c->real : c->path, text, &e)) {
        give_up(c, kept);
        refuse(c, PROBLEM_OVERLOADED, e.text);
        return;
    }
    bool existed = c->entry != NULL;
    uint64_t before = c->h->webhooks.set->generation;
    c->entry = NULL; /* of a set that goes */
    hub_webhooks_reread(c->h, c->kind, c->path);
    const webhook_entry *now = webhook_find(c->h->webhooks.set, c->kind, id);
    bool changed = c->h->webhooks.set->generation != before; /* else another file holds all back */
    if (changed && now != NULL && now->item != NULL && now->error.ptr == NULL) {
        if (kept != NULL)
            unlink(kept);
        answer(c, id, existed ? 200 : 201);
        return;
    }
    bb_str why = changed && now != NULL && now->error.ptr != NULL
                     ? arena_copy(c->job->memory, now->error)
                     : STR("another file is refused, and [hub] strict is set");
    take_back(c, kept);
    c->job->detail = why;
    c->job->problem = PROBLEM_INVALID_CONFIG;
    hub_job_finish(c->h, c->job);
}

static void put(change_job *c, bb_str id, const json_value *root) {
    err e = {""};
    bb_str text;
    root = owned(c, root);
    if (root == NULL)
        return;
    if (document_to_text(c->job->memory, c->reader, root, &text, &e))
        put_text(c, id, text);
    else
        refuse(c, PROBLEM_INVALID_CONFIG, e.text);
}

/* --- the jobs ------------------------------------------------------------------------------------------- */

static void create(change_job *c, const json_value *root) {
    bb_str id = json_string(json_getl(root, "id"));
    c->job->target = id;
    if (!conf_id_ok(id)) {
        refuse(c, PROBLEM_INVALID_CONFIG, "`id` is missing, or not of the form [a-z0-9][a-z0-9_-]{0,63}");
        return;
    }
    c->entry = webhook_find(c->h->webhooks.set, c->kind, id);
    c->path = path_of(c, id);
    if (c->entry != NULL)
        refuse(c, PROBLEM_CONFLICT, "there is one of this id; PUT or PATCH changes it");
    else if (access(c->path, F_OK) == 0)
        refuse(c, PROBLEM_CONFLICT, "conf.d has a file of this name that is not in force yet; reload first");
    else
        put(c, id, root);
}

/* What a merge begins from, secrets and all. */
static const json_value *document_now(change_job *c, conf_file *f, err *e) {
    if (!conf_read_file(c->job->memory, c->path, f)) {
        *e = f->error;
        return NULL;
    }
    bb_str text = document_of_file(c->job->memory, c->reader, f, NULL);
    return text.ptr != NULL ? json_read(c->job->memory, text, NULL, NULL) : NULL;
}

/* An endpoint is paused and resumed by its one line: a file that somebody wrote stays as it was written. */
static bool pauses(change_job *c, const json_value *patch, bb_str *text) {
    const json_value *v = json_getl(patch, "paused");
    bool word = json_is(v, JSON_BOOL) || str_eq(json_string(v), STR("yes")) ||
                str_eq(json_string(v), STR("no"));
    if (c->job->kind != JOB_WEBHOOK_MERGE || c->kind != WEBHOOK_ENDPOINT || json_count(patch) != 1 ||
        !(word || json_is(v, JSON_NULL)))
        return false;
    bb_str value = !word ? (bb_str){NULL, 0} : json_is(v, JSON_BOOL) ? json_raw(v) : json_string(v);
    buf now;
    buf_init(&now);
    bb_str before = file_read(c->path, FILE_LARGEST, &now, NULL, NULL)
                        ? arena_copy(c->job->memory, buf_str(&now))
                        : (bb_str){NULL, 0};
    buf_wipe(&now);
    return before.ptr != NULL && conf_text_with_key(c->job->memory, c->path, before,
                                                    str_from(c->reader->section), STR("paused"), value, text);
}

static void change_it(change_job *c, const json_value *root) {
    err e = {"the body is an object of what is to change"};
    conf_file f;
    const json_value *id = json_getl(root, "id");
    if (id != NULL && !str_eq(json_string(id), c->job->id)) {
        refuse(c, PROBLEM_INVALID_CONFIG, "an id cannot be changed: it is its file's name");
        return;
    }
    bb_str text;
    if (pauses(c, root, &text)) {
        put_text(c, c->job->id, text);
        return;
    }
    if (c->job->kind == JOB_WEBHOOK_MERGE && json_is(root, JSON_OBJECT)) {
        const json_value *now = document_now(c, &f, &e);
        root = now != NULL ? document_merge(c->job->memory, now, root) : NULL;
    }
    if (json_is(root, JSON_OBJECT))
        put(c, c->job->id, root);
    else
        refuse(c, PROBLEM_INVALID_CONFIG, e.text);
}

/* Of which kind a line of `secret` is, which may be a reference to it. */
static bool is_pair(const conf_file *f, bb_str line) {
    const conf_entry entry = {.key = STR("secret"), .value = line};
    arena *a = arena_new(0);
    bb_str value = {NULL, 0};
    bool reference = false;
    bool pair = a != NULL && conf_expand(a, f, &entry, &value, &reference, NULL) &&
                str_starts(str_trim(value), STR("whsk_"));
    if (reference)
        str_wipe(value);
    arena_free(a);
    return pair;
}

/* Each new secret, and behind it the first of its kind until now. */
static void write_rotated(json_writer *w, const conf_file *f, bb_str before, bb_str fresh) {
    for (bb_str made; str_split(&fresh, '\n', &made);) {
        bool pair = str_starts(made, STR("whsk_")), found = false;
        json_put_string_lossy(w, made);
        for (bb_str rest = before, line; !found && str_split(&rest, '\n', &line);) {
            line = str_trim(line);
            found = line.len > 0 && is_pair(f, line) == pair;
            if (found)
                json_put_string_lossy(w, line);
        }
    }
}

static const json_value *rotated(change_job *c, const conf_file *f, bb_str before) {
    buf text;
    json_writer w;
    buf_init(&text);
    json_writer_init(&w, &text);
    json_object(&w);
    json_keyl(&w, "secret");
    json_array(&w);
    write_rotated(&w, f, before, c->job->secret);
    json_array_end(&w);
    json_object_end(&w);
    bb_str json = json_writer_take(&w, c->job->memory);
    return json.ptr != NULL ? json_read(c->job->memory, json, NULL, NULL) : NULL;
}

/* The new secret signs beside the one that was the first of its kind until now, and receivers change over at
 * their leisure; what was before that is over. */
static void rotate(change_job *c) {
    err e = {"no memory for this"};
    conf_file f;
    const json_value *now = document_now(c, &f, &e), *patch = NULL;
    if (now != NULL)
        patch = rotated(c, &f, json_string(json_getl(now, "secret")));
    if (patch != NULL)
        put(c, c->job->id, document_merge(c->job->memory, now, patch));
    else
        refuse(c, PROBLEM_INVALID_CONFIG, e.text);
}

/* Another file of that id, which would come in force; absent: there is none. */
static bb_str second_of(const change_job *c) {
    const webhook_list *list = &c->h->webhooks.set->lists[c->kind];
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->entries[i].id, c->job->id) && strcmp(list->entries[i].file, c->path) != 0)
            return str_from(list->entries[i].file);
    return (bb_str){NULL, 0};
}

static void delete_it(change_job *c) {
    bb_str second = second_of(c);
    if (second.ptr != NULL) {
        bb_str text = arena_printf(
            c->job->memory,
            "%.*s has this id, too, and would come in force: remove it, or give it another name, and reload",
            STR_FMT(second));
        refuse(c, PROBLEM_CONFLICT, text.ptr);
        return;
    }
    c->entry = NULL;
    if (unlink(c->path) != 0 && errno != ENOENT) {
        bb_str text = arena_printf(c->job->memory, "%s: cannot be removed: %s", c->path, strerror(errno));
        refuse(c, PROBLEM_OVERLOADED, text.ptr);
        return;
    }
    hub_webhooks_reread(c->h, c->kind, c->path);
    answer(c, c->job->id, 200);
}

static bool find(change_job *c) {
    c->entry = webhook_find(c->h->webhooks.set, c->kind, c->job->id);
    bool may_make = c->job->kind == JOB_WEBHOOK_REPLACE && conf_id_ok(c->job->id);
    if (c->entry == NULL && !may_make) {
        bb_str text = arena_printf(c->job->memory, "there is no such %s", webhook_kind_name(c->kind));
        refuse(c, PROBLEM_NOT_FOUND, text.ptr);
        return false;
    }
    c->path = path_of(c, c->job->id);
    if (c->entry == NULL && access(c->path, F_OK) == 0) {
        refuse(c, PROBLEM_CONFLICT, "conf.d has a file of this name that is not in force yet; reload first");
        return false;
    }
    return true;
}

static const json_value *body_of(change_job *c) {
    json_error error;
    const json_value *root = json_read(c->job->memory, c->job->body, NULL, &error);
    if (root == NULL) {
        bb_str text = arena_printf(c->job->memory, "line %u, column %u: %s", error.line, error.column,
                                   error.reason);
        refuse(c, PROBLEM_INVALID_JSON, text.ptr);
    }
    return root;
}

void hub_webhook_job(hub *h, api_job *job) {
    change_job c = {.h = h, .job = job, .kind = (webhook_kind)job->webhook_kind};
    c.reader = webhook_reader_of(c.kind);
    if (job->kind == JOB_WEBHOOK_DELETE) {
        if (find(&c))
            delete_it(&c);
        return;
    }
    if (job->kind == JOB_WEBHOOK_ROTATE) {
        if (find(&c))
            rotate(&c);
        return;
    }
    const json_value *root = body_of(&c);
    if (root == NULL)
        return;
    if (job->kind == JOB_WEBHOOK_CREATE)
        create(&c, root);
    else if (find(&c))
        change_it(&c, root);
}
