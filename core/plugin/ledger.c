#include "plugin/ledger.h"

#include "base/gate.h"
#include "base/metric.h"

#include <stddef.h>
#include <stdlib.h>

/* Before each piece. Its size is a multiple of 16, as malloc's alignment is. */
struct ledger_piece {
    ledger_piece *next, *previous;
    size_t bytes;
    const ledger *of; /* NULL: given back */
};

_Static_assert(sizeof(ledger_piece) % _Alignof(max_align_t) == 0, "pieces are aligned for any type");

static uint64_t limit = LEDGER_LIMIT_DEFAULT;

void ledger_set_limit(uint64_t bytes) {
    limit = bytes;
}

uint64_t ledger_limit(void) {
    return limit;
}

/* --- the list ---------------------------------------------------------------------------------------- */

static void put(ledger *l, ledger_piece *p) {
    p->of = l;
    p->previous = NULL;
    p->next = l->pieces;
    if (p->next != NULL)
        p->next->previous = p;
    l->pieces = p;
    ledger_add(&l->bytes, p->bytes);
    ledger_add(&l->blocks, 1);
}

static void take_out(ledger *l, ledger_piece *p) {
    if (p->previous != NULL)
        p->previous->next = p->next;
    else
        l->pieces = p->next;
    if (p->next != NULL)
        p->next->previous = p->previous;
    p->of = NULL;
    ledger_take(&l->bytes, p->bytes);
    ledger_take(&l->blocks, 1);
}

static bool fits(const ledger *l, uint64_t held, size_t bytes) {
    return bytes <= SIZE_MAX - sizeof(ledger_piece) && held <= l->limit && bytes <= l->limit - held;
}

/* --- busbar.memory/1 ----------------------------------------------------------------------------------- */

/* NULL: the connection is not one that a connector was given, or its instance is gone. */
static ledger *ledger_of(const bb_connection *connection) {
    ledger *l = connection != NULL ? (ledger *)(uintptr_t)(connection + 1) : NULL;
    return l != NULL && l->of == connection ? l : NULL;
}

static void *alloc_(const bb_connection *connection, size_t bytes) {
    ledger *l = ledger_of(connection);
    if (l == NULL || !memory_gate())
        return NULL;
    pthread_mutex_lock(&l->lock);
    ledger_piece *p = fits(l, l->bytes, bytes) ? malloc(sizeof *p + bytes) : NULL;
    if (p != NULL) {
        p->bytes = bytes;
        put(l, p);
    }
    pthread_mutex_unlock(&l->lock);
    return p != NULL ? p + 1 : NULL;
}

static void *realloc_(const bb_connection *connection, void *piece, size_t bytes) {
    ledger *l = ledger_of(connection);
    ledger_piece *p = piece, *grown = NULL;
    if (piece == NULL)
        return alloc_(connection, bytes);
    p--;
    if (l == NULL || p->of != l || !memory_gate())
        return NULL;
    pthread_mutex_lock(&l->lock);
    take_out(l, p);
    if (fits(l, l->bytes, bytes) && (grown = realloc(p, sizeof *p + bytes)) != NULL) {
        grown->bytes = bytes;
        put(l, grown);
    } else {
        put(l, p);
    }
    pthread_mutex_unlock(&l->lock);
    return grown != NULL ? grown + 1 : NULL;
}

static void free_(const bb_connection *connection, void *piece) {
    ledger *l = ledger_of(connection);
    ledger_piece *p = piece;
    if (l == NULL || piece == NULL || (--p)->of != l)
        return; /* of another connection: it stays in that one's list, and is told of there */
    pthread_mutex_lock(&l->lock);
    take_out(l, p);
    pthread_mutex_unlock(&l->lock);
    free(p);
}

const bb_memory_api host_memory = {
    .size = sizeof(bb_memory_api), .alloc = alloc_, .realloc = realloc_, .free = free_};

/* --- life ------------------------------------------------------------------------------------------------
 */

void ledger_open(ledger *l, const bb_connection *of) {
    *l = (ledger){.of = of, .limit = limit};
    pthread_mutex_init(&l->lock, NULL);
}

ledger_left ledger_close(ledger *l) {
    ledger_left left = {.blocks = l->blocks, .bytes = l->bytes};
    for (ledger_piece *p = l->pieces, *next; p != NULL; p = next) {
        next = p->next;
        free(p);
    }
    l->pieces = NULL;
    l->bytes = l->blocks = 0;
    if (l->of != NULL)
        pthread_mutex_destroy(&l->lock);
    l->of = NULL;
    return left;
}

/* --- leaks, by connector -----------------------------------------------------------------------------------
 */

typedef struct leaks {
    struct leaks *next;
    char plugin[65];
    uint64_t times, bytes;
} leaks;

static leaks *all_leaks; /* only grows */
static pthread_mutex_t leaks_lock = PTHREAD_MUTEX_INITIALIZER;

void ledger_leaked(bb_str plugin, ledger_left left) {
    pthread_mutex_lock(&leaks_lock);
    leaks *k = all_leaks;
    while (k != NULL && !str_eq(str_from(k->plugin), plugin))
        k = k->next;
    if (k == NULL && (k = calloc(1, sizeof *k)) != NULL) {
        str_put(k->plugin, sizeof k->plugin, plugin);
        k->next = all_leaks;
        all_leaks = k;
    }
    if (k != NULL) {
        k->times++;
        k->bytes += left.bytes;
    }
    pthread_mutex_unlock(&leaks_lock);
}

void ledger_render_leaks(buf *out) {
    static const char *const times = "busbar_connection_leaks_total",
                             *const bytes = "busbar_connection_leaked_bytes_total";
    pthread_mutex_lock(&leaks_lock);
    metric_head(out, times, "counter", "Instances that were destroyed with memory of the host's left.");
    for (const leaks *k = all_leaks; k != NULL; k = k->next)
        buf_printf(out, "%s{plugin=\"%s\"} %llu\n", times, k->plugin, (unsigned long long)k->times);
    metric_head(out, bytes, "counter", "What they left, which the hub has freed.");
    for (const leaks *k = all_leaks; k != NULL; k = k->next)
        buf_printf(out, "%s{plugin=\"%s\"} %llu\n", bytes, k->plugin, (unsigned long long)k->bytes);
    pthread_mutex_unlock(&leaks_lock);
}
