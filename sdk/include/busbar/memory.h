/*
 * busbar/memory.h - extension "busbar.memory/1": memory of a connection's instance that the host counts.
 *
 * For what `create` builds and `destroy` frees: tables, compiled templates, caches of the connector's own.
 * The host shows an admin how much of it each connection holds, keeps it below a limit, and says at `destroy`
 * what has not been given back, which it then frees itself: a connector that forgets a piece costs nothing
 * but a line in the log, however often it is reloaded. malloc works as ever, but nobody counts it.
 *
 * What a single call needs comes from bb_call_api.alloc (host.h), which is faster and needs no free.
 *
 * `connection` is the one that `create` was given: keep the pointer, it is valid until `destroy` returns.
 */
#ifndef BUSBAR_MEMORY_H
#define BUSBAR_MEMORY_H

#include <busbar/plugin.h>
#include <string.h>

BB_BEGIN_DECLS

#define BB_EXT_MEMORY "busbar.memory/1"

typedef struct bb_memory_api {
    uint32_t size; /* sizeof(bb_memory_api) of the host */
    uint32_t reserved;
    /* Memory of the instance, aligned for any type, not zeroed. 0 bytes give a piece that must not be read.
     * NULL: none is left, or the connection's limit is reached (64 MiB, unless the admin says otherwise).
     * Owner: the connector, until it frees it; at the latest until `destroy` returns. From `create` to
     * `destroy`, [any-thread] [no-block]. */
    void *(*alloc)(const bb_connection *connection, size_t bytes);
    /* Makes a piece larger or smaller; it may move. NULL as `piece`: as alloc. NULL as the answer: as for
     * alloc, and the piece stays as it is. [any-thread] [no-block]. */
    void *(*realloc)(const bb_connection *connection, void *piece, size_t bytes);
    /* Gives a piece back; NULL is fine. [any-thread] [no-block]. */
    void (*free)(const bb_connection *connection, void *piece);
} bb_memory_api;

/* --- short names -------------------------------------------------------------------------------- */

/* NULL on a host that is older than this extension. */
static inline const bb_memory_api *bb_memory_host(const bb_connection *connection) {
    return (const bb_memory_api *)connection->host->get_extension(connection->host, BB_EXT_MEMORY);
}

/* Zeroed; NULL also on a host that is older than this extension. */
static inline void *bb_connection_zalloc(const bb_connection *connection, size_t bytes) {
    const bb_memory_api *memory = bb_memory_host(connection);
    void *piece = memory != NULL ? memory->alloc(connection, bytes) : NULL;
    if (piece != NULL)
        memset(piece, 0, bytes);
    return piece;
}
static inline void bb_connection_free(const bb_connection *connection, void *piece) {
    const bb_memory_api *memory = bb_memory_host(connection);
    if (memory != NULL)
        memory->free(connection, piece);
}

BB_END_DECLS

#endif
