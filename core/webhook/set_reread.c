/* set_reread.c - the next set where one file alone has changed: what the API changes. */
#include "webhook/set_internal.h"

#include <unistd.h>

typedef struct rereading {
    webhook_set *next;
    const webhook_set *before;
    webhook_kind kind;
    const webhook_reading *r;
    const conf_file *file; /* NULL: it is gone */
    bb_str id;
} rereading;

static bool keep(webhook_set *s, webhook_list *to, const webhook_entry *from) {
    webhook_entry *e = &to->entries[to->count++];
    e->id = arena_copy(s->memory, from->id);
    e->file = arena_strdup(s->memory, str_from(from->file));
    e->item = from->item != NULL ? webhook_item_ref(from->item) : NULL;
    e->gone = from->gone;
    e->error = from->error.ptr != NULL ? arena_copy(s->memory, from->error) : from->error;
    e->claimed = from->claimed;
    return e->id.ptr != NULL && e->file != NULL && (from->error.ptr == NULL || e->error.ptr != NULL);
}

static bool add(rereading *n, webhook_list *to) {
    return set_read_entry(n->next, n->kind, n->r, n->file, n->before, &to->entries[to->count++]);
}

static bool copy_kind(rereading *n, webhook_kind kind) {
    const webhook_list *from = &n->before->lists[kind];
    webhook_list *to = &n->next->lists[kind];
    const webhook_entry changed = {.id = n->id};
    bool pending = kind == n->kind && n->file != NULL, ok = true;
    to->entries = arena_zalloc(n->next->memory, (from->count + 2) * sizeof *to->entries);
    if (to->entries == NULL)
        return false;
    for (size_t i = 0; ok && i < from->count; i++) {
        int order = kind == n->kind ? set_by_id(&from->entries[i], &changed) : -1;
        if (pending && order >= 0) {
            pending = false;
            ok = add(n, to);
        }
        if (order != 0)
            ok = ok && keep(n->next, to, &from->entries[i]);
    }
    ok = ok && (!pending || add(n, to));
    return ok && (kind != n->kind || set_settle_claims(n->next, kind, n->before));
}

static bool copy_all(rereading *n) {
    for (size_t k = 0; k < WEBHOOK_KINDS; k++)
        if (!copy_kind(n, (webhook_kind)k))
            return false;
    n->next->generation = n->before->generation + 1;
    return set_gather_targets(n->next);
}

/* The file that has the id until now, if any, is this one. */
static bool is_its_own(const rereading *n, const char *path) {
    const webhook_list *list = &n->before->lists[n->kind];
    const webhook_entry changed = {.id = n->id};
    for (size_t i = 0; i < list->count; i++)
        if (set_by_id(&list->entries[i], &changed) == 0 && strcmp(list->entries[i].file, path) != 0)
            return false;
    return true;
}

webhook_set *webhook_set_reread(const webhook_set *before, webhook_kind kind, const char *path,
                                const webhook_reading *r, err *e) {
    conf_file f;
    arena *a = arena_new(0);
    rereading n = {.next = webhook_set_empty(), .before = before, .kind = kind, .r = r};
    *e = (err){""};
    bool ok = (a != NULL && n.next != NULL) || err_set(e, "no memory to read the webhooks");
    if (ok && access(path, F_OK) == 0) {
        conf_read_file(a, path, &f);
        n.file = &f;
    }
    n.id = ok ? conf_id_of(a, path) : n.id;
    ok = ok && is_its_own(&n, path) && !set_claims_wait(before, kind) &&
         (copy_all(&n) || err_set(e, "no memory to read the webhooks"));
    if (!ok)
        webhook_set_unref(n.next);
    arena_free(a);
    return ok ? n.next : NULL;
}
