/* webhooks_gone.c - what waits for those that conf.d no longer has: by a reload, which is seen at once; and
 * otherwise, while no hub ran, or where this one was killed before it was done.
 *
 * Of the latter, others with the same queue may still have them, by a configuration of their own. So it is
 * left alone until nobody has had their leases for a while, this hub has run for as long, and no file that it
 * refuses may be theirs. */
#include "hub/internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

#define LOOK_NS 60000000000u /* between two looks for what is abandoned, or shorter where that is meant */

/* --- by a reload ------------------------------------------------------------------------------------- */

struct gone_target {
    gone_target *next;
    size_t len;
    char name[];
};

void hub_gone_note(hub *h, const webhook_set *next) {
    const webhook_set *before = h->webhooks.set;
    for (size_t i = 0; i < before->target_count; i++) {
        bb_str name = before->targets[i]->name;
        if (webhook_target(next, name) != NULL)
            continue;
        gone_target *g = malloc(sizeof *g + name.len);
        if (g == NULL) {
            log_warn("what waits for %.*s could not be cancelled: purge it by hand", STR_FMT(name));
            continue;
        }
        *g = (gone_target){.next = h->gone, .len = name.len};
        memcpy(g->name, name.ptr, name.len);
        h->gone = g;
    }
}

/* What waits is cancelled, from where a redrive brings it back; and another one of its name is neither on
 * hold nor disabled. */
static void cancel(hub *h, bb_str name) {
    store *s = h->webhooks.events;
    const event_query q = {.target = name, .state = DELIVERY_PENDING};
    arena *a = arena_new_sized(0, 1024);
    if (!deliveries_purge(s, &q, NULL, NULL, NULL))
        log_warn("what waits for %.*s could not be cancelled: purge it by hand", STR_FMT(name));
    if (a == NULL || (events_target_state(s, name, a).len > 0 &&
                      !events_target_set_state(s, name, (bb_str){NULL, 0}, NULL, NULL, NULL)))
        log_warn("%.*s could not be forgotten: one of its name is on hold or disabled as it was",
                 STR_FMT(name));
    arena_free(a);
}

/* Not before every loop knows that they are gone: until then, events are stored for them. */
void hub_gone_cancel(hub *h) {
    if (h->gone == NULL || !hub_webhooks_settled(h))
        return;
    gone_target *list = h->gone;
    h->gone = NULL;
    for (gone_target *g = list, *next; g != NULL; g = next) {
        next = g->next;
        bb_str name = str_of(g->name, g->len);
        if (h->webhooks.events != NULL && webhook_target(h->webhooks.set, name) == NULL)
            cancel(h, name);
        free(g);
    }
}

/* --- abandoned --------------------------------------------------------------------------------------- */

void hub_gone_begin(hub *h) {
    if (h->in_force_ns == 0)
        h->in_force_ns = clock_ns();
}

/* "endpoint/ID/ROUTE", "subscription/ID": the ID. */
static bb_str id_of(bb_str name, webhook_kind kind) {
    bb_str rest = name, word;
    const char *first = kind == WEBHOOK_ENDPOINT ? "endpoint" : "subscription";
    if (!str_split(&rest, '/', &word) || !str_eq(word, str_from(first)) || !str_split(&rest, '/', &word))
        return (bb_str){NULL, 0};
    return word;
}

/* Whether a file of that id is refused: what it would say, nobody knows. */
static bool is_refused(const webhook_set *s, webhook_kind kind, bb_str id) {
    const webhook_list *list = &s->lists[kind];
    const webhook_entry *end = list->entries + list->count, *at = webhook_find(s, kind, id);
    while (at != NULL && at > list->entries && str_eq(at[-1].id, id))
        at--;
    for (; at != NULL && at < end && str_eq(at->id, id); at++)
        if (at->error.ptr != NULL)
            return true;
    return false;
}

static bool is_gone(const webhook_set *s, bb_str name) {
    if (webhook_target(s, name) != NULL)
        return false;
    bb_str endpoint = id_of(name, WEBHOOK_ENDPOINT), subscription = id_of(name, WEBHOOK_SUBSCRIPTION);
    bb_str id = endpoint.ptr != NULL ? endpoint : subscription;
    return id.ptr != NULL &&
           !is_refused(s, endpoint.ptr != NULL ? WEBHOOK_ENDPOINT : WEBHOOK_SUBSCRIPTION, id);
}

typedef struct abandoned {
    store *events;
    size_t len;
    char name[];
} abandoned;

/* On a loop. */
static void on_abandoned(store_result r, uint64_t count, void *ctx) {
    abandoned *g = ctx;
    bb_str name = str_of(g->name, g->len);
    if (r == STORE_OK && count > 0)
        log_warn("%.*s is in no file: %llu that waited for it are cancelled; a redrive brings them back",
                 STR_FMT(name), (unsigned long long)count);
    if (r == STORE_OK)
        events_target_set_state(g->events, name, (bb_str){NULL, 0}, NULL, NULL, NULL);
    free(g);
}

static void abandon(hub *h, bb_str name) {
    store *s = h->webhooks.events;
    abandoned *g = malloc(sizeof *g + name.len);
    if (g == NULL)
        return; /* again with the next look */
    *g = (abandoned){.events = s, .len = name.len};
    memcpy(g->name, name.ptr, name.len);
    if (!deliveries_abandon(s, name, h->settings.events_abandon_ms, h->loops[0].loop, on_abandoned, g))
        free(g);
}

void hub_gone_look(hub *h) {
    uint64_t idle_ns = h->settings.events_abandon_ms * 1000000u, now = clock_ns();
    if (idle_ns == 0 || h->stopping || h->webhooks.events == NULL || h->in_force_ns == 0 ||
        now - h->in_force_ns < idle_ns || now - h->gone_looked_ns < (idle_ns < LOOK_NS ? idle_ns : LOOK_NS) ||
        !hub_webhooks_settled(h))
        return;
    size_t n = 0;
    arena *a = arena_new(0);
    const bb_str *names = a != NULL ? events_targets_left(h->webhooks.events, a, &n) : NULL;
    h->gone_looked_ns = now;
    for (size_t i = 0; names != NULL && i < n; i++)
        if (is_gone(h->webhooks.set, names[i]))
            abandon(h, names[i]);
    arena_free(a);
}

void hub_gone_drop(hub *h) {
    for (gone_target *g = h->gone, *next; g != NULL; g = next) {
        next = g->next;
        free(g);
    }
    h->gone = NULL;
}
