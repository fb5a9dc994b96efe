/* set_claims.c - what one item of a kind alone may have, as the type that an event type declares: who has it
 * keeps it, and of those that are new the first by id gets it. */
#include "webhook/set_internal.h"

#include <stdlib.h>

typedef struct claim {
    webhook_entry *entry;
    bool held; /* it was its own before */
} claim;

static bool is_refused(const webhook_entry *e) {
    return e->error.ptr != NULL; /* its item is the one before */
}

static bool was_its_own(const webhook_set *before, const webhook_entry *e) {
    const webhook_entry *old = before != NULL ? webhook_find(before, e->item->kind, e->id) : NULL;
    return old != NULL && old->item != NULL && str_eq(old->item->claim, e->item->claim);
}

static int by_claim(const void *a, const void *b) {
    const claim *x = a, *y = b;
    bb_str one = x->entry->item->claim, two = y->entry->item->claim;
    size_t n = one.len < two.len ? one.len : two.len;
    int order = memcmp(one.ptr, two.ptr, n);
    if (order != 0 || one.len != two.len)
        return order != 0 ? order : one.len < two.len ? -1 : 1;
    if (x->held != y->held)
        return x->held ? -1 : 1;
    return x->entry < y->entry ? -1 : 1;
}

static size_t gather(const webhook_list *list, const webhook_set *before, claim *claims) {
    size_t n = 0;
    for (size_t i = 0; i < list->count; i++) {
        webhook_entry *e = &list->entries[i];
        if (e->item != NULL && e->item->claim.ptr != NULL)
            claims[n++] = (claim){e, is_refused(e) || was_its_own(before, e)};
    }
    return n;
}

void set_claim_error(const webhook_item *item, const webhook_entry *holder, err *e) {
    err_set(e, "%s:%u: type: \"%.*s\" is declared in %s already", item->file, item->claim_line,
            STR_FMT(item->claim), holder->file);
}

/* What the file was until now stays, where that is another claim. */
static bool lose(webhook_set *s, webhook_entry *loser, const webhook_entry *holder,
                 const webhook_set *before) {
    webhook_item *item = loser->item;
    const webhook_entry *old = before != NULL ? webhook_find(before, item->kind, loser->id) : NULL;
    bool keeps = !is_refused(loser) && old != NULL && old->item != NULL &&
                 !str_eq(old->item->claim, item->claim);
    err e = {""};
    set_claim_error(item, holder, &e);
    loser->error = arena_copy(s->memory, str_from(e.text));
    loser->claimed = true;
    loser->item = keeps ? webhook_item_ref(old->item) : NULL;
    webhook_item_unref(item);
    return loser->error.ptr != NULL;
}

/* *lost: how many there were. What they fall back to may in turn be what a new one claims. */
static bool settle_once(webhook_set *s, webhook_list *list, const webhook_set *before, size_t *lost) {
    claim *claims = arena_alloc(s->memory, (list->count + 1) * sizeof *claims);
    size_t n = claims != NULL ? gather(list, before, claims) : 0, holder = 0;
    bool ok = claims != NULL;
    *lost = 0;
    if (n > 1)
        qsort(claims, n, sizeof *claims, by_claim);
    for (size_t i = 1; ok && i < n; i++) {
        if (!str_eq(claims[i].entry->item->claim, claims[holder].entry->item->claim)) {
            holder = i;
            continue;
        }
        ok = lose(s, claims[i].entry, claims[holder].entry, before);
        ++*lost;
    }
    return ok;
}

bool set_settle_claims(webhook_set *s, webhook_kind kind, const webhook_set *before) {
    size_t lost = 1;
    bool ok = true;
    while (ok && lost > 0) /* who loses once does not again: it ends */
        ok = settle_once(s, &s->lists[kind], before, &lost);
    return ok;
}

bool set_claims_wait(const webhook_set *s, webhook_kind kind) {
    for (size_t i = 0; i < s->lists[kind].count; i++)
        if (s->lists[kind].entries[i].claimed)
            return true;
    return false;
}

const webhook_entry *set_claim_holder(const webhook_set *s, const webhook_item *item) {
    const webhook_list *list = &s->lists[item->kind];
    for (size_t i = 0; item->claim.ptr != NULL && i < list->count; i++) {
        const webhook_entry *e = &list->entries[i];
        if (e->item != NULL && str_eq(e->item->claim, item->claim) && !str_eq(e->id, item->id))
            return e;
    }
    return NULL;
}
