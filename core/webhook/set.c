#include "webhook/set_internal.h"

#include "webhook/document.h"

#include <stdlib.h>

/* A kind that nobody reads yet has no files. */
static const webhook_reader *const readers[WEBHOOK_KINDS] = {
    [WEBHOOK_ENDPOINT] = &endpoint_reader,
    [WEBHOOK_SUBSCRIPTION] = &subscription_reader,
    [WEBHOOK_EVENT_TYPE] = &event_type_reader,
};

static const char *const names[WEBHOOK_KINDS] = {"endpoint", "subscription", "event type"};
static const char *const suffixes[WEBHOOK_KINDS] = {CONF_HOOK, CONF_SUBSCRIPTION, CONF_EVENT};

const char *webhook_kind_name(webhook_kind k) {
    return names[k];
}

const char *webhook_kind_suffix(webhook_kind k) {
    return suffixes[k];
}

const webhook_reader *webhook_reader_of(webhook_kind k) {
    return readers[k];
}

/* --- counting --------------------------------------------------------------------------------------- */

webhook_item *webhook_item_ref(webhook_item *i) {
    atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
    return i;
}

void webhook_item_unref(webhook_item *i) {
    if (i == NULL || atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (readers[i->kind]->end != NULL)
        readers[i->kind]->end(i);
    arena_free(i->memory);
}

webhook_set *webhook_set_empty(void) {
    arena *a = arena_new_sized(0, 1024);
    webhook_set *s = a != NULL ? arena_zalloc(a, sizeof *s) : NULL;
    if (s == NULL) {
        arena_free(a);
        return NULL;
    }
    s->memory = a;
    atomic_store(&s->refs, 1);
    return s;
}

webhook_set *webhook_set_ref(webhook_set *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void webhook_set_unref(webhook_set *s) {
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t k = 0; k < WEBHOOK_KINDS; k++)
        for (size_t i = 0; i < s->lists[k].count; i++)
            webhook_item_unref(s->lists[k].entries[i].item);
    arena_free(s->memory);
}

/* --- reading ---------------------------------------------------------------------------------------- */

/* Values as they are in force: two readings of the same files under other secrets differ. What cannot be put
 * in here, the reader says. */
static uint64_t fingerprint_of(arena *a, const conf_file *f) {
    uint64_t h = 0;
    for (size_t i = 0; i < f->count; i++)
        for (size_t k = 0; k < f->sections[i].count; k++) {
            const conf_entry *entry = &f->sections[i].entries[k];
            bb_str value = {NULL, 0};
            bool reference = false;
            conf_expand(a, f, entry, &value, &reference, NULL);
            h = (h ^ str_hash(f->sections[i].name)) * 0x9e3779b97f4a7c15u;
            h = (h ^ str_hash(entry->key)) * 0x9e3779b97f4a7c15u;
            h = (h ^ str_hash(value)) * 0x9e3779b97f4a7c15u;
            if (reference)
                str_wipe(value);
        }
    return h;
}

static webhook_item *read_item(webhook_kind kind, const webhook_reading *r, const conf_file *f,
                               const webhook_item *before, err *e) {
    arena *a = arena_new_sized(0, 2048);
    if (a == NULL) {
        err_set(e, "%s: no memory", f->path);
        return NULL;
    }
    webhook_item *item = readers[kind]->read(r, f, a, before, e);
    if (item == NULL) {
        if (e->text[0] == '\0')
            err_set(e, "%s: no memory", f->path);
        arena_free(a);
        return NULL;
    }
    item->kind = kind;
    item->id = arena_copy(a, f->id);
    item->file = arena_strdup(a, str_from(f->path));
    item->memory = a;
    item->fingerprint = fingerprint_of(a, f);
    item->conf_json = document_of_file(a, readers[kind], f, item);
    item->secrets = conf_secret_names(a, f, &item->secret_count);
    for (size_t i = 0; i < item->target_count; i++)
        ((target *)(uintptr_t)item->targets[i])->item = item; /* in its own memory */
    atomic_store(&item->refs, 1);
    if (item->id.ptr != NULL && item->file != NULL && item->conf_json.ptr != NULL && item->secrets != NULL)
        return item;
    err_set(e, "%s: no memory", f->path);
    webhook_item_unref(item);
    return NULL;
}

static bool uses_what_is_gone(const webhook_item *item) {
    for (size_t i = 0; item != NULL && i < item->secret_count; i++)
        if (conf_secret_gone(item->secrets[i]))
            return true;
    return false;
}

bool set_read_entry(webhook_set *s, webhook_kind kind, const webhook_reading *r, const conf_file *f,
                    const webhook_set *before, webhook_entry *out) {
    err e = f->error;
    const webhook_entry *old = before != NULL ? webhook_find(before, kind, f->id) : NULL;
    out->id = arena_copy(s->memory, f->id);
    out->file = arena_strdup(s->memory, str_from(f->path));
    if (e.text[0] == '\0')
        out->item = read_item(kind, r, f, old != NULL ? old->item : NULL, &e);
    if (out->item == NULL) {
        out->error = arena_copy(s->memory, str_from(e.text));
        out->item = old != NULL && old->item != NULL ? webhook_item_ref(old->item) : NULL;
        out->gone = uses_what_is_gone(out->item);
    }
    return out->id.ptr != NULL && out->file != NULL && (out->item != NULL || out->error.ptr != NULL);
}

int set_by_id(const void *a, const void *b) {
    bb_str x = ((const webhook_entry *)a)->id, y = ((const webhook_entry *)b)->id;
    size_t n = x.len < y.len ? x.len : y.len;
    int order = n > 0 ? memcmp(x.ptr, y.ptr, n) : 0;
    return order != 0 ? order : x.len < y.len ? -1 : x.len > y.len;
}

/* A second file of one id has its error in its own entry, under the same id: the first is the one in force.
 */
static bool is_second(const conf_set *files, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (str_eq(files->files[i].id, files->files[at].id))
            return true;
    return false;
}

static bool read_kind(webhook_set *s, webhook_kind kind, const char *conf_dir, const webhook_reading *r,
                      const webhook_set *before, err *e) {
    conf_set *files = conf_read_kind(conf_dir, suffixes[kind], e);
    if (files == NULL)
        return false;
    webhook_list *list = &s->lists[kind];
    list->entries = arena_zalloc(s->memory, (files->count + 1) * sizeof *list->entries);
    bool ok = list->entries != NULL;
    for (size_t i = 0; ok && i < files->count; i++) {
        bool second = is_second(files, i);
        ok = set_read_entry(s, kind, r, &files->files[i], second ? NULL : before,
                            &list->entries[list->count]);
        list->count++;
    }
    conf_set_free(files);
    if (ok && list->count > 1)
        qsort(list->entries, list->count, sizeof *list->entries, set_by_id);
    ok = ok && set_settle_claims(s, kind, before);
    return ok || err_set(e, "no memory to read the webhooks");
}

static int by_name(const void *a, const void *b) {
    bb_str x = (*(const target *const *)a)->name, y = (*(const target *const *)b)->name;
    size_t n = x.len < y.len ? x.len : y.len;
    int order = n > 0 ? memcmp(x.ptr, y.ptr, n) : 0;
    return order != 0 ? order : x.len < y.len ? -1 : x.len > y.len;
}

bool set_gather_targets(webhook_set *s) {
    size_t n = 0;
    for (size_t k = 0; k < WEBHOOK_KINDS; k++)
        for (size_t i = 0; i < s->lists[k].count; i++)
            n += s->lists[k].entries[i].item != NULL ? s->lists[k].entries[i].item->target_count : 0;
    s->targets = arena_alloc(s->memory, (n + 1) * sizeof *s->targets);
    if (s->targets == NULL)
        return false;
    for (size_t k = 0; k < WEBHOOK_KINDS; k++)
        for (size_t i = 0; i < s->lists[k].count; i++) {
            const webhook_item *item = s->lists[k].entries[i].item;
            for (size_t t = 0; item != NULL && t < item->target_count; t++)
                s->targets[s->target_count++] = item->targets[t];
        }
    if (n > 1)
        qsort(s->targets, n, sizeof *s->targets, by_name);
    return true;
}

void webhook_set_shut(const webhook_set *s) {
    for (size_t k = 0; k < WEBHOOK_KINDS; k++)
        for (size_t i = 0; i < s->lists[k].count; i++)
            if (s->lists[k].entries[i].gone)
                atomic_store_explicit(&s->lists[k].entries[i].item->gone, true, memory_order_relaxed);
}

webhook_set *webhook_set_read(const char *conf_dir, const webhook_reading *r, const webhook_set *before,
                              err *e) {
    webhook_set *s = webhook_set_empty();
    bool ok = s != NULL || err_set(e, "no memory to read the webhooks");
    for (size_t k = 0; ok && k < WEBHOOK_KINDS; k++)
        ok = readers[k] == NULL || read_kind(s, (webhook_kind)k, conf_dir, r, before, e);
    ok = ok && (set_gather_targets(s) || err_set(e, "no memory to read the webhooks"));
    if (ok) {
        s->generation = before != NULL ? before->generation + 1 : 1;
        return s;
    }
    webhook_set_unref(s);
    return NULL;
}

bool webhook_check_text(webhook_kind kind, const char *path, bb_str text, const webhook_reading *r,
                        const webhook_set *now, bool *claimed, err *e) {
    arena *a = arena_new(0);
    conf_file f;
    bool ok = a != NULL || err_set(e, "no memory");
    if (ok && !conf_read_text(a, path, text, &f)) {
        *e = f.error;
        ok = false;
    }
    const webhook_entry *old = ok && now != NULL ? webhook_find(now, kind, f.id) : NULL;
    webhook_item *item = ok ? read_item(kind, r, &f, old != NULL ? old->item : NULL, e) : NULL;
    const webhook_entry *holder = item != NULL && now != NULL ? set_claim_holder(now, item) : NULL;
    *claimed = holder != NULL;
    if (holder != NULL)
        set_claim_error(item, holder, e);
    webhook_item_unref(item);
    arena_free(a);
    return item != NULL && holder == NULL;
}

/* --- finding ---------------------------------------------------------------------------------------- */

const webhook_entry *webhook_find(const webhook_set *s, webhook_kind kind, bb_str id) {
    const webhook_list *list = &s->lists[kind];
    const webhook_entry key = {.id = id};
    const webhook_entry *found = list->count > 0
                                     ? bsearch(&key, list->entries, list->count, sizeof key, set_by_id)
                                     : NULL;
    while (found != NULL && found > list->entries && str_eq(found[-1].id, id))
        found--;
    for (const webhook_entry *at = found; /* of several of one id, the one in force */
         at != NULL && at < list->entries + list->count && str_eq(at->id, id); at++)
        if (at->item != NULL)
            return at;
    return found;
}

const target *webhook_target(const webhook_set *s, bb_str name) {
    const target key = {.name = name};
    const target *at = &key;
    const target **found = s->target_count > 0 ? bsearch(&at, s->targets, s->target_count, sizeof at, by_name)
                                               : NULL;
    return found != NULL ? *found : NULL;
}

/* --- who gets an event ------------------------------------------------------------------------------- */

/* The payload is read once, and only where somebody's order depends on it. */
typedef struct keys {
    arena *memory;
    bb_str payload;
    const json_value *root;
    bool tried;
} keys;

static bb_str key_of(keys *k, const target *t) {
    if (t->key.ptr == NULL)
        return target_key(t, NULL);
    if (!k->tried)
        k->root = json_read(k->memory, k->payload, NULL, NULL);
    k->tried = true;
    return target_key(t, k->root);
}

bool webhook_targets(const webhook_set *set, bb_str source, bb_str type, bb_str payload, uint64_t now_ms,
                     arena *a, event_target **out, size_t *count) {
    keys k = {.memory = a, .payload = payload};
    size_t cap = 0;
    *out = NULL;
    *count = 0;
    for (size_t i = 0; i < set->target_count; i++) {
        const target *t = set->targets[i];
        if (!target_wants(t, source, type))
            continue;
        if (*count == cap) {
            size_t more = cap == 0 ? 4 : cap * 2;
            *out = arena_grow(a, *out, cap * sizeof **out, more * sizeof **out);
            cap = more;
            if (*out == NULL)
                return false;
        }
        event_target *to = &(*out)[(*count)++];
        *to = (event_target){.target = arena_copy(a, t->name), /* the set may go before the queue answers */
                             .key = key_of(&k, t),
                             .due_ms = t->delay_ms > 0 ? now_ms + t->delay_ms : 0};
        if (to->target.ptr == NULL)
            return false;
    }
    return true;
}
