/* events_internal.h - what the files of the queue share.
 *
 * An event's row number is its place in the order of arrival; the deliveries of event N have the numbers
 * N * EVENT_DELIVERIES and up, so that those of an event lie together, behind those of the events before it,
 * and are found without an index. They are added and removed at the ends of their tables: few pages change in
 * a group. */
#ifndef STORE_EVENTS_INTERNAL_H
#define STORE_EVENTS_INTERNAL_H

#include "store/events.h"
#include "store/events_clock.h"
#include "store/events_dedup_filter.h"
#include "store/store_internal.h"

#define EVENT_SHIFT 16
#define EVENT_DELIVERIES EVENT_TARGETS_MAX /* 1 << EVENT_SHIFT */
#define ANSWER_MAX 1024u                   /* bytes kept of an attempt's text */

/* What is in the column `state`: a delivery_state, and these, which are DELIVERY_PENDING to everybody else.
 * What is 0 may be had at any time, in the order of the numbers. */
#define STATE_WAITING (-1) /* behind another of its target and key: until that one has ended */
#define STATE_LATER (-2)   /* not before due_ms */

/* A target as it is known in memory; never freed before the store is closed. */
typedef struct target target;
struct target {
    target *next;                      /* of the same slot */
    target *touched;                   /* the next one that this group changed */
    int64_t number;                    /* in the file */
    bool saved;                        /* it has a row */
    bool in_group;                     /* is in the list of those touched */
    bool oldest_gone;                  /* `oldest` has ended: look for the next */
    int64_t oldest;                    /* delivery; 0: none is pending */
    uint64_t oldest_ms;                /* of its event */
    int64_t pending, dead, done, rows; /* what this group adds to the row */
    target_counts fresh;               /* what the row has then */
    /* under events.lock: what others see */
    target_counts counts;
    char *state;
    size_t state_len;
    size_t name_len;
    char name[];
};

/* What a job did to what is in memory, so that it can be taken back alone. */
typedef struct count_change {
    uint64_t seen; /* a hash that was added; else: */
    target *t;
    bool made; /* its row was made */
    int pending, dead, done, rows;
} count_change;

/* events_dedup.c: what has been seen, and until when it is a repeat */
typedef struct dedup_entry {
    uint64_t hash, until_ms;
    int64_t number; /* of the event; 0: it is not there any more, or of a file of version 1 */
} dedup_entry;

typedef struct dedup_memory {
    dedup_entry *young; /* not in the table: a hash table; 0: an empty slot */
    size_t slots, count;
    dedup_entry *merging;                   /* on its way into the table, sorted; NULL: none is */
    size_t merge_count, merge_at, merge_to; /* merged: on disk; with this group */
    int64_t merge_until;                    /* events up to here are in the table then */
    int64_t seen, seen_before;              /* the last event known; as it was before this group */
    int64_t sweep_at;                       /* in the table: where to look for what is over */
    bool swept;                             /* to its end, since the last merge began */
    bool looked;                            /* by this group: what others have added */
    dedup_filter filter;                    /* of the table */
} dedup_memory;

typedef struct events {
    pthread_mutex_t lock; /* guards the slots, of each target what others see, and the clock */
    events_clock clock;
    _Atomic(int64_t) shift_ms; /* of it, for those who look without the lock */
    bool clock_unsaved;
    char boot[CLOCK_BOOT_MAX]; /* which one of the machine this is */
    target **slots;
    size_t slot_count, target_count;
    uint64_t secret[2]; /* of the hashes in the file */
    int64_t owner;      /* of leases: this process */
    int owners;         /* the file of those who live; -1: none */
    _Atomic(uint64_t) keep_ms, dead_ms, keep_bytes;
    _Atomic(bool) keep_told;        /* how long and how much */
    _Atomic(bool) keep_asked;       /* a job for it is queued */
    _Atomic(int64_t) room;          /* bytes of events that the disk has room for, */
    _Atomic(int64_t) own_room;      /* and for the hub's own, by the last look, */
    _Atomic(int64_t) room_taken;    /* of which so many are queued */
    bool no_room;                   /* for any [writer] */
    uint64_t room_ns, room_told_ns; /* when it was looked for; when the log was told [writer] */
    _Atomic(bool) keep_more;        /* the sweep has not come to its end */
    _Atomic(bool) keep_busy;        /* others write meanwhile */
    _Atomic(bool) stopping;         /* no changes by hand any more */

    /* the writer's own */
    uint64_t clock_again_ns; /* when the time is noted in the file again */
    target **numbers;        /* by number; holes are NULL */
    size_t number_cap;
    count_change *changes; /* of the group */
    size_t change_count, change_cap;
    target *touched;
    int64_t keep_at;        /* events up to here have been looked at by this sweep */
    uint64_t keep_again_ns; /* when the next sweep may begin */
    bool keep_turn;         /* this group was asked to */
    uint64_t keep_rest_ns;  /* while others write: not before then */
    int64_t future_until;   /* of events from the future: until there, their time is */
    uint64_t future_ms;
    size_t removed, added; /* events: by this sweep; by this group */
    dedup_memory dedup;
} events;

static inline events *events_of(const store *s) {
    return s->state;
}

extern const char events_version_1[];

/* --- events_targets.c, events_counts.c --------------------------------------------------------------- */

bool targets_load(store *s, err *e);
void targets_free(events *v);
/* Known by its name; [any-thread], under the lock. */
target *targets_find(const events *v, bb_str name);
/* With a row and a number. [writer] */
store_result targets_get(store *s, database *d, bb_str name, target **out);
store_result targets_get_numbered(store *s, database *d, int64_t number, target **out);

/* The change is taken back with its job or its group. False: no memory. [writer] */
bool counts_change(events *v, count_change c);
void counts_undo(events *v, size_t down_to);
store_result counts_save(store *s, database *d);
void counts_publish(store *s, store_result r);
/* `oldest` of a target, looked up. */
store_result counts_oldest(database *d, target *t);

/* A job's own work, taken back from memory too where it fails. */
#define events_job(s, call)                          \
    do {                                             \
        size_t before_ = events_of(s)->change_count; \
        int64_t seen_ = events_of(s)->dedup.seen;    \
        store_result result_ = (call);               \
        if (result_ != STORE_OK) {                   \
            counts_undo(events_of(s), before_);      \
            events_of(s)->dedup.seen = seen_;        \
        }                                            \
        return result_;                              \
    } while (0)

/* --- deliveries_row.c -------------------------------------------------------------------------------- */

/* A delivery as its row says. */
typedef struct delivery_row {
    int64_t id, target;
    int state;
    uint64_t attempts, due_ms, hash;
    int64_t batch;
} delivery_row;
store_result delivery_read(database *d, int64_t id, delivery_row *out); /* STORE_NOT_FOUND: it is gone */
/* What becomes pending may have to wait for others of its key: `is` says. */
store_result delivery_write(store *s, database *d, const delivery_row *was, delivery_row *is);
/* With its attempts. It is not pending. */
store_result delivery_remove(store *s, database *d, const delivery_row *row);

/* --- deliveries -------------------------------------------------------------------------------------- */

typedef struct delivery_new {
    int64_t id;
    target *t;
    bb_str key;
    uint64_t due_ms, event_ms;
    bool later; /* due_ms is to come */
} delivery_new;
/* deliveries_add.c */
store_result deliveries_add(store *s, database *d, const delivery_new *n);
uint64_t key_hash(const events *v, bb_str key); /* 0: there is no key */
/* One of this target and key has ended: the next one's turn. */
store_result deliveries_next_of_key(database *d, int64_t target, uint64_t hash);
store_result deliveries_is_key_taken(database *d, int64_t target, uint64_t hash, bool *taken);

/* events_owners.c */
bool owners_open(store *s, err *e);
void owners_close(events *v);
bool owners_alone(store *s); /* no other process has the file */
bool owners_lives(const events *v, int64_t owner);
/* Whether the target's lease has been over for `idle_ms`, or there was none. [writer] */
store_result owners_idle(const store *s, database *d, int64_t number, uint64_t idle_ms, bool *idle);

/* events_time.c: what time it is, and was */
bool time_load(store *s, err *e);
store_result time_save_some(store *s, database *d); /* [writer] */
void time_now(const store *s, events_clock *out);
uint64_t time_due(const store *s,
                  uint64_t wall_ms); /* what is written as due_ms of what is pending, and of leases */
uint64_t time_due_about(const events *v, uint64_t wall_ms); /* by the last look: cheap */
uint64_t time_wall(const store *s, uint64_t due_ms);        /* and for people */

/* events_put.c: events as a job carries them. */
typedef struct event_list {
    size_t count;
    event_new *events;
    bool *repeated;
} event_list;
size_t event_list_size(const event_new *list, size_t count); /* bytes of a copy */
/* To `at`, aligned as a pointer is; gives what is behind it. */
char *event_list_copy(event_list *l, const event_new *list, size_t count, void *at);
store_result event_list_put(store *s, database *d, const event_list *l);           /* [writer] */
store_result event_put(store *s, database *d, const event_new *n, bool *repeated); /* [writer] */

/* events_notes.c: a job's events as a record of those that were written, and written again. [writer] */
void event_notes_add(const event_list *l, buf *out);
/* One event off the record, in `a`; false: it is cut short. */
bool event_notes_read(bb_str *record, arena *a, event_new *out);
store_result event_notes_redo(store *s, database *d, bb_str record);

/* events_room.c: looks for it, now and then. Not within a transaction. [writer] */
void room_look(store *s);
/* False: there is none for so many bytes of events. Else they are given back as they are written.
 * [any-thread] */
bool room_take(store *s, uint64_t bytes, bool own);
void room_give_back(store *s, uint64_t bytes);
void room_spend(store *s, uint64_t bytes); /* written: less room, until somebody looks again */

/* events_keep.c: some of what is too old or too much. */
store_result keep_some(store *s, database *d);

/* Sends a job; one that cannot be done because the store is only read is told of all the same. False: it is
 * the caller's still. */
bool events_submit(store *s, loop_job *j);

#endif
