/* set.h - the webhook configuration in force: endpoints, subscriptions and event types, as their files say.
 *
 * A set is immutable and counted, and so is each of its items: a file that is refused leaves the item before
 * in force. What must outlive a change (counters, rates) is a state of its own that one item hands on to the
 * next. Made by the main thread; references may be taken and given back by any. */
#ifndef WEBHOOK_SET_H
#define WEBHOOK_SET_H

#include "conf/conf.h"
#include "registry/snapshot.h"
#include "store/events.h"
#include "webhook/target.h"

#include <stdatomic.h>

typedef enum { WEBHOOK_ENDPOINT, WEBHOOK_SUBSCRIPTION, WEBHOOK_EVENT_TYPE, WEBHOOK_KINDS } webhook_kind;

const char *webhook_kind_name(webhook_kind k);   /* "endpoint", "subscription", "event type" */
const char *webhook_kind_suffix(webhook_kind k); /* ".hook.conf": of conf.h */

/* What a file says: the first member of an endpoint, a subscription, an event type. */
typedef struct webhook_item {
    webhook_kind kind;
    bb_str id;
    const char *file;
    bb_str conf_json;             /* as written, in the API's shape; secrets replaced. document.h */
    uint64_t fingerprint;         /* of all that was configured, values put in: the same means unchanged */
    const target *const *targets; /* whom it sends events: a subscription one, an endpoint one a route */
    size_t target_count;
    const bb_str *secrets; /* names of those that it refers to */
    size_t secret_count;
    /* One of them was gone when its file was read again, and refused: it takes nothing, and nothing is
     * delivered by it. Of the items that are in force already: they do not wait for the next set. */
    _Atomic(bool) gone;
    bb_str claim; /* what no other of its kind may have, as an event's type; absent: nothing */
    unsigned claim_line;
    arena *memory; /* the item is in it */
    _Atomic(unsigned) refs;
} webhook_item;

static inline bool webhook_item_gone(const webhook_item *i) {
    return atomic_load_explicit((_Atomic(bool) *)(uintptr_t)&i->gone, memory_order_relaxed);
}

/* What a reader may look at. [main] */
typedef struct webhook_reading {
    const snapshot *plugged; /* connections and connectors in force */
    const struct post_rules *post;
    unsigned loops;
    bool asks_clients; /* for certificates */
    uint64_t max_body; /* bytes that the server takes; 0: not known */
} webhook_reading;

/* How one kind is read. `read` makes the item in `memory` (which it leaves alone where it fails); `before` is
 * the one in force until now, or NULL: its state may be taken over. False: *e, with file and line. `end` lets
 * go of what is not in the item's memory, and wipes secrets; NULL: there is nothing. */
typedef struct webhook_reader {
    const char *section; /* "endpoint": what the API has as members of the object itself */
    /* Its other sections: objects in the API, too; ends with NULL. One "route NAME" is an object in the
     * object "routes". */
    const char *const *sections;
    const char *const *lines; /* keys whose values stand one a line; others have commas. Ends with NULL */
    const char *const *json; /* keys whose values are JSON: an array there is no list; NULL: there are none */
    /* Whether what is written there is a secret: the API shows none. */
    bool (*is_secret)(const webhook_item *item, bb_str section, bb_str key);
    webhook_item *(*read)(const webhook_reading *r, const conf_file *f, arena *memory,
                          const webhook_item *before, err *e);
    void (*end)(webhook_item *item);
} webhook_reader;
extern const webhook_reader endpoint_reader, subscription_reader, event_type_reader;
const webhook_reader *webhook_reader_of(webhook_kind k); /* NULL: nobody reads them */

/* An id of one kind: in force, refused, or both (an older one in place of a refused change). */
typedef struct webhook_entry {
    bb_str id;
    const char *file;
    webhook_item *item; /* NULL: refused */
    bb_str error;       /* why the file is refused; absent: it is not */
    bool gone;          /* refused, and a secret of the older one is gone: it does not go on */
    bool claimed;       /* refused as another has what it claims */
} webhook_entry;

typedef struct webhook_list {
    webhook_entry *entries; /* sorted by id */
    size_t count;
} webhook_list;

typedef struct webhook_set {
    uint64_t generation; /* counts the sets made */
    webhook_list lists[WEBHOOK_KINDS];
    const target **targets; /* of all items, sorted by name */
    size_t target_count;
    arena *memory;
    _Atomic(unsigned) refs;
} webhook_set;

/* Reads conf.d. `before` may be NULL. NULL: the folder cannot be read, or no memory: *e. One reference is the
 * caller's. [main] */
webhook_set *webhook_set_read(const char *conf_dir, const webhook_reading *r, const webhook_set *before,
                              err *e);
/* The same where one file alone has changed, come or gone: the others are as they were, and cost next to
 * nothing. NULL with an empty *e: several files claim its id, or wait for what others of the kind claim, so
 * that all have to be read. [main] */
webhook_set *webhook_set_reread(const webhook_set *before, webhook_kind kind, const char *path,
                                const webhook_reading *r, err *e);
/* One without anything in it. */
webhook_set *webhook_set_empty(void);
webhook_set *webhook_set_ref(webhook_set *s);
void webhook_set_unref(webhook_set *s); /* NULL is fine */
webhook_item *webhook_item_ref(webhook_item *i);
void webhook_item_unref(webhook_item *i); /* NULL is fine */

/* How each file has changed from `before` (NULL: nothing) to `now`, as a report's items, in `a`. NULL: no
 * memory. */
struct report_item;
struct report_item *webhook_changes(const webhook_set *before, const webhook_set *now, arena *a,
                                    size_t *count);
/* "endpoint/orders": as a report has it. */
bb_str webhook_name(arena *a, webhook_kind kind, bb_str id);
/* Has the older ones in it that are not to go on do nothing more. [main] */
void webhook_set_shut(const webhook_set *s);

/* NULL: none of that id. */
const webhook_entry *webhook_find(const webhook_set *s, webhook_kind kind, bb_str id);
/* By its name; NULL: nobody. */
const target *webhook_target(const webhook_set *s, bb_str name);

/* Whether a file's text would be taken as it stands now. *claimed: another has what it claims. [main] */
bool webhook_check_text(webhook_kind kind, const char *path, bb_str text, const webhook_reading *r,
                        const webhook_set *now, bool *claimed, err *e);

/* Who gets an event of this source ("endpoint/ID", "api") and type: targets with their names and keys, in
 * `a`: nothing of it is the set's. `payload` is looked into for keys, and kept slices of. False: no memory.
 * [any-thread] */
bool webhook_targets(const webhook_set *set, bb_str source, bb_str type, bb_str payload, uint64_t now_ms,
                     arena *a, event_target **out, size_t *count);

#endif
