/* set_changes.c - what a reload does to the webhooks' files. */
#include "webhook/set.h"

#include "registry/report.h"
#include "webhook/endpoint.h"

typedef struct changes {
    const webhook_set *before;
    arena *memory;
    report_item *items;
    size_t count;
} changes;

bb_str webhook_name(arena *a, webhook_kind kind, bb_str id) {
    static const char *const prefixes[WEBHOOK_KINDS] = {"endpoint", "subscription", "event"};
    return arena_printf(a, "%s/%.*s", prefixes[kind], STR_FMT(id));
}

static bool add(changes *c, webhook_kind kind, const webhook_entry *e, change change_) {
    c->items[c->count] = (report_item){.id = webhook_name(c->memory, kind, e->id), .change = change_};
    if (kind == WEBHOOK_ENDPOINT && change_ != CHANGE_REMOVED && change_ != CHANGE_REFUSED &&
        e->item != NULL) {
        const endpoint *p = endpoint_of(e->item);
        const char *note = p->unready != NULL ? p->unready : p->note; /* static */
        c->items[c->count].note = note != NULL ? str_from(note) : (bb_str){NULL, 0};
    }
    if (change_ == CHANGE_REFUSED) {
        c->items[c->count].error = arena_copy(c->memory, e->error);
        c->items[c->count].kept = e->item != NULL && !e->gone;
        if (e->gone)
            c->items[c->count].note =
                kind == WEBHOOK_SUBSCRIPTION
                    ? STR("what comes for it waits: a secret that it was read with is gone")
                    : STR("all requests are refused: a secret that it was read with is gone");
    }
    return c->items[c->count++].id.ptr != NULL;
}

static change change_of(const changes *c, webhook_kind kind, const webhook_entry *e) {
    const webhook_entry *old = c->before != NULL ? webhook_find(c->before, kind, e->id) : NULL;
    if (e->error.ptr != NULL)
        return CHANGE_REFUSED;
    if (old == NULL || old->item == NULL)
        return CHANGE_ADDED;
    bool same = old->item->fingerprint == e->item->fingerprint && !webhook_item_gone(old->item);
    return same ? CHANGE_UNCHANGED : CHANGE_SETTINGS;
}

static size_t count_of(const webhook_set *s) {
    size_t n = 0;
    for (size_t k = 0; s != NULL && k < WEBHOOK_KINDS; k++)
        n += s->lists[k].count;
    return n;
}

report_item *webhook_changes(const webhook_set *before, const webhook_set *now, arena *a, size_t *count) {
    changes c = {.before = before, .memory = a};
    c.items = arena_zalloc(a, (count_of(before) + count_of(now) + 1) * sizeof *c.items);
    bool ok = c.items != NULL;
    for (size_t k = 0; k < WEBHOOK_KINDS; k++) {
        const webhook_list *list = &now->lists[k];
        for (size_t i = 0; ok && i < list->count; i++)
            ok = add(&c, (webhook_kind)k, &list->entries[i],
                     change_of(&c, (webhook_kind)k, &list->entries[i]));
        for (size_t i = 0; ok && before != NULL && i < before->lists[k].count; i++)
            if (webhook_find(now, (webhook_kind)k, before->lists[k].entries[i].id) == NULL)
                ok = add(&c, (webhook_kind)k, &before->lists[k].entries[i], CHANGE_REMOVED);
    }
    *count = c.count;
    return ok ? c.items : NULL;
}
