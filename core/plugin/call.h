/* Room plugin: connectors as the hub holds them: staged, admitted, loaded, probed, and their steps run. It
 * includes base, json and the SDK's headers; registry and pipeline include it. It opens no connection and
 * knows no connector by name. */

/* call.h - one call as a connector's steps see it: the SDK's bb_call, with what its steps have said so far.
 *
 * Pure: a step turns input and answer into a request, an output or an error, all in the call's arena. Who
 * owns a plugin_call resets it between calls; it is used by one loop at a time. */
#ifndef PLUGIN_CALL_H
#define PLUGIN_CALL_H

#include "base/arena.h"
#include "base/buf.h"
#include "json/json.h"

#include <busbar/plugin.h>
#include <stdatomic.h>

/* What a step asked to have sent. Slices are in the call's arena or buffers, valid until the next step. */
typedef struct plugin_request {
    bb_str method;
    buf url; /* whole, with the query */
    bool begun;
    bool foreign;    /* of another origin than the connection's own: gets no credentials */
    bool bare;       /* ... nor does this one: the step has said so */
    bb_str *headers; /* "Name: value", NUL behind */
    size_t header_count, header_cap;
    enum {
        PLUGIN_BODY_NONE,
        PLUGIN_BODY_BYTES,
        PLUGIN_BODY_FORM,
        PLUGIN_BODY_MULTIPART, /* becomes one of its neighbours */
        PLUGIN_BODY_CONTENT    /* a range of the call's content, within `body` */
    } body_kind;
    bb_str body;
    buf form;
    bool has_content; /* the range is part of the body; at `content_at` of its other bytes */
    size_t content_at;
    uint64_t content_offset; /* the range */
    uint64_t content_length; /* UINT64_MAX: to the content's end */
    bb_str route, scope;     /* whose limit it counts against; absent: the service has one for all */
    bool to_output;          /* the body of a 2xx answer is the call's content */
    bool is_part;            /* ... or a part of it, behind what came before */
    bool skips_line;         /* ... but for its first line */
    enum { PLUGIN_REPEAT_UNSAID, PLUGIN_REPEAT_YES, PLUGIN_REPEAT_NO } repeatable;
    uint64_t after_ms; /* it goes out so much later; 0: now */
} plugin_request;

static inline bool plugin_request_unsigned(const plugin_request *r) {
    return r->foreign || r->bare;
}

typedef struct plugin_answer {
    int32_t status;
    const str_pair *headers;
    size_t header_count;
    bb_str body;
    const json_value *json; /* read when first asked for */
    bool json_tried;
} plugin_answer;

/* What an answer told of the service's limit, as the connector reads it. */
typedef struct plugin_limit {
    bool told;
    uint64_t left, for_ms;
} plugin_limit;

typedef struct plugin_error {
    bb_code code;
    bb_str message, pointer, upstream_code;
    int32_t upstream_status;
    bb_retry retry;
} plugin_error;

/* How far the steps say that their call is. */
typedef struct plugin_progress {
    uint64_t done, total;     /* UINT64_MAX: unknown */
    char unit[32], stage[96]; /* "": not said */
} plugin_progress;

#define PLUGIN_DIGESTS_MAX 4

typedef struct plugin_digest {
    int32_t kind;   /* bb_digest */
    uint64_t block; /* bytes; 0: over the whole */
    char hex[65];   /* "" : cannot be told */
} plugin_digest;

/* What steps see of the call's content (busbar.content/1), and say of it. No bytes: it may be sent to where
 * the steps run, and back. */
typedef struct plugin_content {
    bool given;      /* there is content to be taken */
    bool wanted;     /* there is a place for content that is given */
    uint64_t length; /* of what is given; UINT64_MAX: unknown */
    bb_str type, name;
    bb_str saved;    /* JSON text of a call that broke off; absent: none */
    uint64_t passed; /* bytes sent, or received */
    plugin_digest digests[PLUGIN_DIGESTS_MAX];
    size_t digest_count;
    /* said by the steps */
    bool saves; /* `save` replaces what was saved; absent: it cannot go on any more */
    bb_str save;
    bb_str out_type, out_name; /* of what is given out; absent: as the answer says */
    bb_str out_version;        /* absent: what the answer says tells alone */
    bool to_output;            /* a request of the call has said so */
    bool in_parts;             /* and others may */
} plugin_content;

typedef struct plugin_call {
    bb_call abi; /* first: the connector's bb_call pointer is a plugin_call pointer */
    arena *memory;
    bb_str base_url;                      /* of the connection, without a slash at its end; may be empty */
    const struct plugin_origins *origins; /* that get credentials beside base_url's; NULL: none */
    const char *plugin_id, *connection_id, *execution_id; /* for the log */
    /* for reports of a crash (plugin/mark.h); connection_id lives as long as the process, then */
    const struct mark_build *build;
    struct ledger_share *share; /* where JSON writers are counted; NULL: nowhere */
    plugin_request request;
    plugin_answer answer;
    plugin_limit limit; /* of the last answer */
    bool in_resume;
    enum { PLUGIN_OUT_NONE, PLUGIN_OUT_TEXT, PLUGIN_OUT_BODY } output_kind;
    bb_str output; /* a JSON text */
    bb_str next_cursor;
    plugin_error error;
    bb_str boundary;                /* of multiparts, where the execution's id is not known; else absent */
    plugin_content *content;        /* NULL: the call has none */
    struct plugin_auth *auth;       /* while steps of an auth scheme run, not of an operation; else NULL */
    struct plugin_webhook *webhook; /* while a webhook scheme's verify runs; else NULL */
    struct plugin_session *session; /* while a session operation runs; else NULL */
    bool relayed;                   /* what it says goes to the hub by a socket, and is checked there */
    bool misused; /* a host function was used in a way that cannot be carried out; `error` says how */
    struct bb_json_writer *writers; /* list: their buffers are the call's */
    /* Told how far the steps say they are, on their thread; NULL: nobody listens. Stays over a reset. */
    void (*on_progress)(struct plugin_call *c, const plugin_progress *progress);
    void *progress_ctx;
    _Atomic(int) cancelled;
    uint64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none */
} plugin_call;

/* What a step came to. */
typedef enum { PLUGIN_SEND, PLUGIN_DONE, PLUGIN_FAILED } plugin_outcome;

void plugin_call_init(
    plugin_call *c); /* zero, with empty buffers; `memory` and the rest are set by the caller */
void plugin_call_reset(plugin_call *c); /* ready for another call; buffers are kept */
void plugin_call_free(plugin_call *c);

/* Runs `start`. PLUGIN_SEND: c->request is whole. PLUGIN_DONE: c->output is a JSON text that has been read
 * (it is JSON). PLUGIN_FAILED: c->error. c->abi's fields are set by the caller. */
plugin_outcome plugin_start(plugin_call *c, const bb_operation *op);
/* Runs `resume` on c->answer (or the default one, where the connector has none). */
plugin_outcome plugin_resume(plugin_call *c, const bb_operation *op);

/* Ready for what a resume says that runs elsewhere. */
void plugin_resume_begin(plugin_call *c);

/* Keeps the first misuse: the step fails with it. */
__attribute__((format(printf, 3, 4))) void plugin_misuse(plugin_call *c, bb_code code, const char *format,
                                                         ...);

/* What a function of the connector's that ended so came to; the two above, and session operations, end by it.
 */
plugin_outcome plugin_finish(plugin_call *c, bb_step step);
/* Codes of a newer SDK than this host's, and nonsense, are the connector's defect. */
bb_code plugin_known_code(bb_code code);

/* What was said, as it is kept: numbers below 0 are unknown, texts too long are left out. */
plugin_progress plugin_progress_of(int64_t done, int64_t total, bb_str unit, bb_str stage);

static inline plugin_call *plugin_call_of(bb_call *abi) {
    return (plugin_call *)abi;
}

extern const bb_json_api host_json;
extern const bb_http_api host_http;
extern const bb_call_api host_call;
void host_json_free_writers(plugin_call *c);

#endif
