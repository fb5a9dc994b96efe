/*
 * busbar/host.h - what the host offers a connector, beyond a single call.
 *
 * bb_host is frozen since SDK 1.0. What comes later comes as an extension, asked for by its id;
 * a method added to an extension comes at its end, and the extension's `size` tells whether it is there
 * (BB_HAS).
 */
#ifndef BUSBAR_HOST_H
#define BUSBAR_HOST_H

#include <busbar/crypto.h>
#include <busbar/http.h>
#include <busbar/json.h>
#include <busbar/types.h>

BB_BEGIN_DECLS

/* The ids of the extensions that every host of ABI 1 has. */
#define BB_EXT_LOG "busbar.log/1"
#define BB_EXT_JSON "busbar.json/1"
#define BB_EXT_CRYPTO "busbar.crypto/1"
#define BB_EXT_HTTP "busbar.http/1"
#define BB_EXT_CALL "busbar.call/1"

/* Whether a vtable is new enough to have a method. */
#define BB_HAS(vtable, method) \
    ((vtable) != NULL && (vtable)->size >= offsetof(__typeof__(*(vtable)), method) + sizeof((vtable)->method))

typedef int32_t bb_log_level;
enum { BB_LOG_DEBUG = 0, BB_LOG_INFO = 1, BB_LOG_WARN = 2, BB_LOG_ERROR = 3 };

typedef struct bb_log_api {
    uint32_t size; /* sizeof(bb_log_api) of the host */
    uint32_t reserved;
    /* Writes a line to the hub's log, named after the connector. Line breaks and control characters are
     * escaped, the line is cut at 2 KiB. [any-thread] [no-block]. */
    void (*write)(const bb_host *host, bb_log_level level, bb_str text);
    /* The same, named after the call's connection and execution too. The step's thread. */
    void (*write_call)(bb_call *call, bb_log_level level, bb_str text);
} bb_log_api;

typedef struct bb_call_api {
    uint32_t size; /* sizeof(bb_call_api) of the host */
    uint32_t reserved;

    /* Memory that the host frees when the call ends, aligned for any type, not zeroed. NULL: none is left
     * (the call's limit is 64 MiB). The step's thread, [no-block]. */
    void *(*alloc)(bb_call *call, size_t bytes);

    /* The output: a JSON text, which is copied and checked (a text that is not JSON fails the call). */
    void (*done_text)(bb_call *call, bb_str json);
    /* The output: a value, written as it came. */
    void (*done_value)(bb_call *call, const bb_json *value);
    /* The output: the answer's body, untouched. One that is not JSON fails the call with
     * BB_E_UPSTREAM_INVALID. An empty one (204) gives null. The cheapest way to answer. */
    void (*done_body)(bb_call *call);
    /* There is a further page: a call with this cursor continues after this one. Before or after `done_*`; an
     * absent or empty cursor says that this was the last. Operations marked BB_OP_PAGINATED. */
    void (*next_cursor)(bb_call *call, bb_str cursor);
    /* The call fails. The last of `fail` and `done_*` wins. */
    void (*fail)(bb_call *call, const bb_error *error);

    /* 1 once nobody waits for this call any more. For steps that compute long. [any-thread]. */
    int32_t (*cancelled)(const bb_call *call);
    /* Milliseconds left until the deadline; 0 when it has passed. [any-thread]. */
    int64_t (*time_left_ms)(const bb_call *call);

    /* --- not in the first hubs: ask BB_HAS(call->host->call, progress), or use bb_progress ----------- */

    /* Tells how far the call is, for whoever asks about it while it runs: `done` of `total`, counted in
     * `unit`
     * ("records", "bytes", "entries"; at most 31 bytes), and what it is at (the service's own word for the
     * state of a job, "InProgress"; at most 95 bytes). -1: unknown; absent: nothing to say. Each replaces the
     * one before; a longer text is left out. Where content passes, the hub counts its bytes by itself. A
     * step, or `run` of a session operation, as often as it knows something new. The step's thread,
     * [no-block]. */
    void (*progress)(bb_call *call, int64_t done, int64_t total, bb_str unit, bb_str stage);
} bb_call_api;

struct bb_host {
    uint32_t size; /* sizeof(bb_host) of the host */
    uint32_t abi_major;
    uint32_t abi_minor;
    uint32_t reserved;
    const char *name;    /* "busbar", "busbar-mock", ... */
    const char *version; /* of the hub */

    /* An extension's vtable, or NULL: unsupported. Owner: the host, for the life of the process.
     * [any-thread] [no-block]. */
    const void *(*get_extension)(const bb_host *host, const char *id);

    /* For `create` only: says what is wrong with the settings. `pointer` is a JSON Pointer into
     * them ("/base_url"). Both are copied. [init]. */
    void (*reject)(const bb_connection *connection, const char *pointer, const char *message);

    /* The extensions of SDK 1.0, never NULL. */
    const bb_log_api *log;
    const bb_json_api *json;
    const bb_crypto_api *crypto;
    const bb_http_api *http;
    const bb_call_api *call;
};

BB_END_DECLS

#endif
