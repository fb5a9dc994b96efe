/* Room access: who may do what: API keys, roles, bindings, and the limits of a key. It includes limit, store,
 * plugin's crypto, json and base; pipeline, api and hub include it. */

/* access.h - the keys of a hub, found by their text without a lock.
 *
 * A key is "bb_ID_SECRET"; only its SHA-256 is kept. Entries are added and marked by the main thread and
 * never freed while the hub runs, so that a call may hold one without counting. */
#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

#include "base/pattern.h"
#include "limit/gcra.h"
#include "limit/quota.h"
#include "store/keys.h"
#include "json/json.h"

/* Each may do what those before it may. */
typedef enum {
    ROLE_NONE,     /* without a key */
    ROLE_VIEWER,   /* reads: connectors, connections, executions, health */
    ROLE_CALLER,   /* calls operations, within its bindings */
    ROLE_OPERATOR, /* reloads, tests, purges caches, resets breakers, reads the audit log */
    ROLE_ADMIN     /* changes connections, keys and secrets, gives consent */
} access_role;

typedef struct principal {
    bb_str id, name;
    access_role role;
    patterns connections, operations; /* bindings; none: all */
    gcra_policy rate;                 /* of calls; interval 0: none */
    uint64_t quota[QUOTA_PERIODS];    /* 0: none */
    uint64_t created_ms, expires_ms;  /* expires 0: never */
    bb_str limits; /* the JSON object that connections, operations, rate and quota came from */
    /* private: */
    uint8_t hash[32];
    _Atomic(uint64_t) revoked_ms, last_used_ms;
    gcra tat;
    quotas *used;
    struct principal *next;
    _Atomic(struct principal *) next_made;
} principal;

typedef struct access access_keys;

access_keys *access_new(quota_book *quotas); /* the book outlives it */
void access_free(access_keys *a);

/* The admin's own key, from its file. [main] */
bool access_add_admin(access_keys *a, bb_str key);
/* Those of the store. A row that cannot be understood is left out and logged. [main] */
store_result access_load(access_keys *a, store *s);

/* Makes a key by {"name", "role", "connections", "operations", "rate", "burst", "quota", "expires_in" or
 * "expires_at"}, stores it and gives its text, which is nowhere else, in `memory`. Absent: *e, and *p is
 * PROBLEM_INVALID_INPUT or what the store gave. [main] */
bb_str access_create(access_keys *a, store *s, const json_value *wish, uint64_t now_ms, arena *memory,
                     principal **made, problem *p, err *e);
/* STORE_NOT_FOUND: there is none of that id; the admin's own key cannot be revoked: its file is replaced.
 * [main] */
store_result access_revoke(access_keys *a, store *s, bb_str id, uint64_t now_ms);

/* Whose key this is; NULL: nobody's, or revoked, or expired. [any-thread] */
principal *access_find(access_keys *a, bb_str key, uint64_t now_ms);
const principal *access_by_id(const access_keys *a, bb_str id); /* also revoked ones [any-thread] */

/* {"id", "name", "role", ...}, without the key. [any-thread] */
void access_write(const principal *p, uint64_t now_ms, json_writer *w);
void access_write_all(const access_keys *a, uint64_t now_ms,
                      json_writer *w); /* an array; the admin's own first */

const char *access_role_name(access_role r);

/* Whether the key's bindings cover it. */
bool access_sees(const principal *p, bb_str connection);
bool access_calls(const principal *p, bb_str connection, bb_str operation);

/* Counts a call against the key's rate and quotas. False: *problem says which, and retry_after_ms when. */
typedef struct access_limits {
    bool limited; /* the key has a rate: the following tell of it */
    uint64_t rate, period_s, left, reset_s;
    bool has_quota; /* likewise */
    quota_period period;
    uint64_t quota, quota_left, quota_reset_s;
    problem problem;
    uint64_t retry_after_ms;
} access_limits;
bool access_count(principal *p, uint64_t now_ns, uint64_t wall_ms, access_limits *out);
/* The call that was counted last was refused for what is not the key's: its quotas get it back. */
void access_uncount(principal *p);

#endif
