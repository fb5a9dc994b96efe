/* settings_again.c - busbar.conf at a reload: [webhooks] and [events] take effect, but for the queue's file;
 * what else has been changed in it is told of, since it waits for the next start. ([plugins] and [pins]:
 * policy.c, certificates: tls.c.) */
#include "hub/internal.h"

#include "base/log.h"

#include <stdlib.h>

/* Rules of where events may be sent are looked at by posts under way, whenever these end. */
struct settings_kept {
    arena *memory;
    post_rules post;
    struct settings_kept *next;
};

/* --- what waits for the next start ------------------------------------------------------------------------
 */

static bool is_live(bb_str section, bb_str key) {
    static const struct {
        const char *section, *key; /* key NULL: all of it */
    } live[] = {{"webhooks", NULL},
                {"plugins", NULL},
                {"pins", NULL},
                {"events", "keep"},
                {"events", "size"},
                {"events", "keep_dead"},
                {"events", "abandon"},
                {"hub", "tls_certificate"},
                {"hub", "tls_key"},
                {"hub", "tls_client_ca"},
                {"hub", "tls_client_required"}};
    for (size_t i = 0; i < sizeof live / sizeof live[0]; i++)
        if (str_eq(section, str_from(live[i].section)) &&
            (live[i].key == NULL || str_eq(key, str_from(live[i].key))))
            return true;
    return false;
}

static const conf_entry *find(const conf_file *f, bb_str section, bb_str key) {
    return conf_find(conf_find_section(f, section), key);
}

/* What `a` has and `b` has not, or otherwise; `both`: what both have, too, lest it be told twice. */
static void tell_changes(const conf_file *a, const conf_file *b, const char *path, bool both) {
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < a->sections[i].count; k++) {
            const conf_entry *mine = &a->sections[i].entries[k];
            const conf_entry *other = find(b, a->sections[i].name, mine->key);
            bool changed = other == NULL || (both && !str_eq(mine->value, other->value));
            if (changed && !is_live(a->sections[i].name, mine->key))
                log_warn("%s: [%.*s] %.*s has been changed: that takes effect at the next start", path,
                         STR_FMT(a->sections[i].name), STR_FMT(mine->key));
        }
}

/* --- what takes effect now --------------------------------------------------------------------------------
 */

static bool same_ranges(const http_ranges *a, const http_ranges *b) {
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof *a->items) == 0);
}

static bool same_rules(const post_rules *a, const post_rules *b) {
    bool same_ca = a->ca_file == b->ca_file ||
                   (a->ca_file != NULL && b->ca_file != NULL && strcmp(a->ca_file, b->ca_file) == 0);
    return same_ca && a->guard.plain == b->guard.plain && same_ranges(&a->guard.allow, &b->guard.allow) &&
           same_ranges(&a->guard.deny, &b->guard.deny);
}

/* Who has the rules before is bound by these at once: a subscription that they refuse stays as it was, and
 * must not go on under what allowed it. False: no memory. */
static bool take_rules(hub *h, arena *memory, const hub_settings *next) {
    struct settings_kept *kept = malloc(sizeof *kept);
    if (kept == NULL)
        return false;
    *kept = (struct settings_kept){.memory = memory, .post = next->post, .next = h->kept};
    atomic_store_explicit(&h->settings.post.guard.replaced_by, &kept->post.guard, memory_order_release);
    for (struct settings_kept *k = h->kept; k != NULL; k = k->next)
        atomic_store_explicit(&k->post.guard.replaced_by, &kept->post.guard, memory_order_release);
    h->kept = kept;
    h->webhooks.post = &kept->post; /* what subscriptions are read by from now on */
    log_info("%s: where events may be sent is changed", next->conf.path);
    return true;
}

static void take(hub *h, const hub_settings *next) {
    hub_settings *s = &h->settings;
    if (s->events_ms != next->events_ms || s->events_dead_ms != next->events_dead_ms ||
        s->events_bytes != next->events_bytes)
        log_info("%s: how long and how many events are kept is changed", next->conf.path);
    s->events_ms = next->events_ms;
    s->events_dead_ms = next->events_dead_ms;
    s->events_bytes = next->events_bytes;
    s->events_abandon_ms = next->events_abandon_ms;
    h->webhooks.subscriptions_per_key = next->subscriptions_per_key;
    atomic_store_explicit(&h->webhooks.known_types, next->known_types, memory_order_relaxed);
}

void hub_settings_reload(hub *h, report *told) {
    hub_settings next;
    err why = {""};
    if (h->loop_count == 0) /* the start has just read it */
        return;
    arena *memory = arena_new(0);
    if (memory == NULL || !hub_settings_again(memory, &h->settings, &next, &why)) {
        err_prefix(&why, "[webhooks] and [events] go on as they were: ");
        hub_settings_note(told, &why);
        arena_free(memory);
        return;
    }
    take(h, &next);
    tell_changes(&next.conf, &h->settings.conf, next.conf.path, true);
    tell_changes(&h->settings.conf, &next.conf, next.conf.path, false);
    if (same_rules(&next.post, h->webhooks.post) || !take_rules(h, memory, &next))
        arena_free(memory);
}

bool hub_settings_check(const hub *h, err *e) {
    hub_settings next;
    arena *memory = arena_new(0);
    bool ok = memory == NULL || hub_settings_again(memory, &h->settings, &next, e) ||
              err_prefix(e, "[webhooks] and [events] go on as they are: ");
    arena_free(memory);
    return ok;
}

void hub_settings_close(hub *h) {
    for (struct settings_kept *k = h->kept, *next; k != NULL; k = next) {
        next = k->next;
        arena_free(k->memory);
        free(k);
    }
    h->kept = NULL;
}
