/* ledger.h - what a connection holds of the hub: memory of its instance, and what its calls have under way.
 *
 * Memory is the extension "busbar.memory/1" (busbar/memory.h): every piece is in the connection's own list,
 * so that what `destroy` leaves behind is known, said, and freed. The rest is counted by each loop in a line
 * of its own, without a lock or a locked addition, and added up when somebody asks. */
#ifndef PLUGIN_LEDGER_H
#define PLUGIN_LEDGER_H

#include "base/buf.h"

#include <busbar/memory.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* --- what calls have under way ---------------------------------------------------------------------------
 */

/* One loop's share, written by that loop alone. */
typedef struct ledger_share {
    _Alignas(64) _Atomic(uint64_t) calls;
    _Atomic(uint64_t) call_bytes; /* of their arenas and answers, as of the end of their last step */
    _Atomic(uint64_t) waits;      /* timers */
    _Atomic(uint64_t) transfers;  /* requests to the service */
    _Atomic(uint64_t) writers;    /* JSON writers begun and not finished */
} ledger_share;

static inline void ledger_add(_Atomic(uint64_t) *n, uint64_t more) {
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + more, memory_order_relaxed);
}
static inline void ledger_take(_Atomic(uint64_t) *n, uint64_t less) {
    ledger_add(n, (uint64_t)0 - less);
}

/* --- memory of an instance ---------------------------------------------------------------------------------
 */

typedef struct ledger_piece ledger_piece;

/* Stands directly behind the bb_connection that the connector is given: that is how the host finds it. */
typedef struct ledger {
    const bb_connection *of; /* the one before it; NULL: closed */
    pthread_mutex_t lock;    /* guards the list */
    ledger_piece *pieces;
    uint64_t limit;
    _Atomic(uint64_t) bytes, blocks; /* read by anyone, written under the lock */
} ledger;

/* Asserts that a struct has its ledger where it belongs. */
#define LEDGER_STANDS(type, connection_member, ledger_member)                     \
    _Static_assert(offsetof(type, ledger_member) ==                               \
                       offsetof(type, connection_member) + sizeof(bb_connection), \
                   "a ledger stands directly behind its bb_connection")

/* What was left behind. */
typedef struct ledger_left {
    uint64_t blocks, bytes;
} ledger_left;

#define LEDGER_LIMIT_DEFAULT ((uint64_t)64 << 20)
/* Bytes that each connection may have from now on; 64 MiB until it is said. [main] */
void ledger_set_limit(uint64_t bytes);
uint64_t ledger_limit(void);

/* Before `create`; then after `destroy`, or after a `create` that has refused: frees what is left. */
void ledger_open(ledger *l, const bb_connection *of);
ledger_left ledger_close(ledger *l);

/* Leaks of a connector, for the metrics: they outlive its builds. [any-thread] */
void ledger_leaked(bb_str plugin, ledger_left left);
/* busbar_connection_leaks_total and busbar_connection_leaked_bytes_total, by connector. [any-thread] */
void ledger_render_leaks(buf *out);

extern const bb_memory_api host_memory;

#endif
