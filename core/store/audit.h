/* audit.h - who did what, when and from where. Entries are only ever added: the database itself refuses to
 * change or delete one. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/store.h"

typedef struct audit_entry {
    uint64_t at_ms;    /* wall clock */
    bb_str actor;      /* a key's id; "" : nobody known; "signal", "system" */
    bb_str actor_name; /* of the key; may be empty */
    bb_str from;       /* the peer's address; may be empty */
    bb_str action;     /* "connection.create", "call", "key.revoke", ... */
    bb_str target;     /* "shop", "shop/customers.list", ... */
    bb_str outcome;    /* "done", "denied", "failed" */
    bb_str detail;     /* a sentence; may be empty; never a secret */
    uint64_t count;    /* alike ones that this entry stands for; at least 1 */
} audit_entry;

/* Copied and queued. False: the queue is full, the entry is counted as dropped. [any-thread] */
bool store_audit_add(store *s, const audit_entry *e);
/* As that, and `done` runs on loop `l` once it is on disk, or could not be put there. [any-thread] */
typedef void (*store_audit_told)(store_result r, void *ctx);
bool store_audit_add_told(store *s, const audit_entry *e, loop *l, store_audit_told done, void *ctx);
/* On disk when it returns STORE_OK. [main] */
store_result store_audit_add_now(store *s, const audit_entry *e);

typedef struct audit_filter {
    bb_str actor, action, target, outcome; /* absent: any; action and target: "x*" is a prefix */
    uint64_t since_ms, until_ms;           /* 0: open */
    uint64_t after; /* sequence number: only later entries (oldest first); 0 with `newest`: the end */
    bool newest;    /* newest first, then `after` means older than it (0: from the end) */
    size_t limit;   /* at most 10000 */
} audit_filter;

/* `json`: the entries as JSON lines, one object each:
 * {"sequence","at","actor","actor_name","from","action","target","outcome","detail","count"}, `at` as
 * RFC 3339. `last`: the sequence number of the last line, 0 if there is none. Lives until done returns. */
typedef void (*store_audit_done)(store_result r, bb_str json, uint64_t last, void *ctx);
/* `done` runs on loop `l`, once. False: no memory, and it never runs. The filter is copied. [any-thread] */
bool store_audit_query(store *s, const audit_filter *f, loop *l, store_audit_done done, void *ctx);

#endif
