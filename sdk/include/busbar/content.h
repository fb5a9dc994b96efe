/*
 * busbar/content.h - extension "busbar.content/1": files, of any size, up and down.
 *
 * The content of a call is a run of bytes beside its JSON input and output: what an upload takes, what a
 * download gives. It passes through the host in bounded memory, from and to a file of the host's, the
 * caller's own request or answer, or another connection. A step never sees a byte of it; it names it:
 *
 *     upload     `start` says that the request's body is a range of the content (bb_content_body), alone or
 * as a part of a multipart; `resume` may ask for the next range: a resumable upload in pieces. download
 * `start` says that the answer's body is the call's content (bb_content_to_output). An answer that is not 2xx
 * stays in memory, for the error. After a break in the middle the host asks for the rest itself (Range, RFC
 * 9110 section 14), with the same request.
 *
 * `resume` is called as ever, once the whole body has passed.
 *
 * Both sides ask for it by the same id, as for "busbar.auth/1" (auth.h): the host reads the connector's list
 * of extensions and finds a bb_content_extension, which says what operations take and give content; the steps
 * call host->get_extension and get a bb_content_api (bb_content_host does). A host that does not know the
 * extension never reads the list, and get_extension gives NULL there.
 *
 * An upload that goes on after a break, or after the host's own end (kill -9), needs a resume state: a small
 * JSON text, which a step saves with bb_content_save (an upload session's URL), and which `start` finds in
 * bb_content_saved when the call is made again: it then asks the service how far it got.
 *
 * Thread: [step] as in plugin.h.
 */
#ifndef BUSBAR_CONTENT_H
#define BUSBAR_CONTENT_H

#include <busbar/busbar.h>

BB_BEGIN_DECLS

#define BB_EXT_CONTENT "busbar.content/1"

/* --- what the connector declares: static, const ------------------------------------------------- */

/* Flags of an operation. */
enum {
    BB_CONTENT_TAKES = 1u << 0, /* an upload: a call of it comes with content */
    BB_CONTENT_GIVES = 1u << 1, /* a download */
    /* With BB_CONTENT_TAKES: a call may come without. An example of a call that comes with content says
     * "content": true then, beside its input. */
    BB_CONTENT_OPTIONAL = 1u << 2,
    /* The length must be known before the first byte goes: what comes without one is kept in a file first. */
    BB_CONTENT_LENGTH = 1u << 3,
    /* Ranges may be asked for more than once, or not in their order: what cannot be rewound is kept in a file
     * first. Unset: each byte is asked for once, but for repeats after a failure where they are possible. */
    BB_CONTENT_AGAIN = 1u << 4
};

typedef struct bb_content_operation {
    uint32_t size;         /* sizeof(bb_content_operation) */
    uint32_t flags;        /* BB_CONTENT_TAKES, ... */
    const char *operation; /* its id, as in bb_operation */
} bb_content_operation;

/* What the connector declares for BB_EXT_CONTENT. */
typedef struct bb_content_extension {
    uint32_t size; /* sizeof(bb_content_extension) */
    uint32_t reserved;
    const bb_content_operation *const *operations; /* ends with NULL; at least one, at most 1,000 */
} bb_content_extension;

/* --- what the host offers to the steps ---------------------------------------------------------- */

/* A digest over the whole content as it passes, from its first byte on. */
typedef int32_t bb_digest;
enum { BB_DIGEST_SHA256 = 1, BB_DIGEST_MD5 = 2, BB_DIGEST_SHA1 = 3 };

/* Errors are kept by the call, as in http.h: a misuse makes the step fail with a text that says what. Every
 * slice given is copied. The step's thread, [no-block]. */
typedef struct bb_content_api {
    uint32_t size; /* sizeof(bb_content_api) of the host */
    uint32_t reserved;

    /* --- the content that an upload takes -------------------------------------------------- */

    /* 1: there is content; 0: this call came without, or its operation takes none. */
    int32_t (*given)(bb_call *call);
    /* Bytes; -1: unknown until its end. Known in an operation with BB_CONTENT_LENGTH. */
    int64_t (*length)(bb_call *call);
    /* As the caller says, or the file's name tells; absent: unknown. Owner: the call. */
    bb_str (*type)(bb_call *call);
    bb_str (*name)(bb_call *call);

    /* --- the request's body, after host->http->begin ----------------------------------------- */

    /* The body is `length` bytes of the content from `offset` on; -1: to its end. `content_type` absent: the
     * content's own, or "application/octet-stream". */
    void (*body)(bb_call *call, bb_str content_type, int64_t offset, int64_t length);
    /* The body is a multipart (RFC 2046 section 5.1) of that subtype, "form-data" or "related", whose parts
     * follow, in their order. */
    void (*multipart)(bb_call *call, bb_str subtype);
    /* A part. `name` and `filename` go into Content-Disposition; absent: there is none, or no filename.
     * `content_type` absent: no such field. */
    void (*part)(bb_call *call, bb_str name, bb_str filename, bb_str content_type, bb_str bytes);
    /* A part that is a range of the content, as in `body`. At most one a request. */
    void (*part_content)(bb_call *call, bb_str name, bb_str filename, bb_str content_type, int64_t offset,
                         int64_t length);

    /* --- the content that a download gives ------------------------------------------------- */

    /* The body of a 2xx answer to this request is the call's content. One request a call may say so. */
    void (*to_output)(bb_call *call);
    /* What it is called, and its media type, where the step knows better than the answer's
     * Content-Disposition and Content-Type. Absent: no better. Before that answer comes. */
    void (*describe)(bb_call *call, bb_str name, bb_str type);

    /* --- both -------------------------------------------------------------------------------- */

    /* In `resume`: bytes of the content, from its first on, that have been sent or received so far. */
    int64_t (*passed)(bb_call *call);
    /* In `start`: have this digest made over the content as it passes. `block` not 0: a digest of the digests
     * of its blocks of so many bytes, laid end to end (Dropbox's content_hash: SHA-256, 4 MiB). At most 4. */
    void (*want_digest)(bb_call *call, bb_digest digest, int64_t block);
    /* In `resume`: over what has passed so far, in hexadecimal; absent: it was not asked for, or cannot be
     * told, since the call goes on where another began. Owner: the call, until the step ends. */
    bb_str (*digest)(bb_call *call, bb_digest digest, int64_t block);
    /* Keeps a JSON text of at most 16 KiB, by which this very call can go on after a break. Each replaces the
     * one before; absent: it can no longer. It is stored before the step's request is sent. Put no
     * credentials into it but an upload session's own. */
    void (*save)(bb_call *call, bb_str json);
    /* In `start`: what the call that broke off had saved. NULL: this one begins anew. Owner: the call. */
    const bb_json *(*saved)(bb_call *call);

    /* --- not in the first hubs: ask BB_HAS(content, version), or use bb_content_version -------------- */

    /* What tells one state of the content that a download gives from another (its MD5, a revision), at most
     * 100 bytes, for services whose answers have neither ETag nor Last-Modified: a call that goes on where
     * another broke off fails where it differs, so that nothing is put together of two. Before that answer
     * comes. */
    void (*version)(bb_call *call, bb_str version);

    /* In place of to_output, for a content that comes in several answers: the body of a 2xx answer to this
     * request goes behind what earlier ones of the call gave. `without_first_line` 1: but for its first line
     * (the names of a CSV, which each part has). A transfer that breaks off begins anew. Not in the
     * first hubs either: ask BB_HAS(content, part_to_output). */
    void (*part_to_output)(bb_call *call, int32_t without_first_line);
} bb_content_api;

/* --- short names -------------------------------------------------------------------------------- */

/* NULL: this host has no such thing; an operation that needs it fails with BB_E_UNSUPPORTED then. */
static inline const bb_content_api *bb_content_host(const bb_call *call) {
    return (const bb_content_api *)call->host->get_extension(call->host, BB_EXT_CONTENT);
}

static inline int64_t bb_content_length(bb_call *call) {
    return bb_content_host(call)->length(call);
}
/* The whole content as the request's body. */
static inline void bb_content_body(bb_call *call) {
    bb_str own = {NULL, 0};
    bb_content_host(call)->body(call, own, 0, -1);
}
static inline void bb_content_range(bb_call *call, int64_t offset, int64_t length) {
    bb_str own = {NULL, 0};
    bb_content_host(call)->body(call, own, offset, length);
}
static inline void bb_content_to_output(bb_call *call) {
    bb_content_host(call)->to_output(call);
}
static inline void bb_content_save(bb_call *call, bb_str json) {
    bb_content_host(call)->save(call, json);
}
static inline const bb_json *bb_content_saved(bb_call *call) {
    return bb_content_host(call)->saved(call);
}

/* Nothing on a host that is older than it. */
static inline void bb_content_version(bb_call *call, bb_str version) {
    const bb_content_api *content = bb_content_host(call);
    if (BB_HAS(content, version))
        content->version(call, version);
}

/* Parts of a form that are JSON: a scalar is one part (null: an empty one), nested values go in brackets, as
 * form_json of http.h writes them: {"a":{"b":1},"c":["x"]} gives a[b] and c[0]. `name` absent: an object
 * whose members' names stand alone. `value` NULL: nothing. 0: no memory, and the call has failed: return
 * BB_FAIL. */
static inline int bb_content_parts_json(bb_call *call, bb_str name, const bb_json *value) {
    const bb_json_api *json = call->host->json;
    const bb_str none = {NULL, 0};
    bb_json_type type = json->type(value);
    bb_json_iter it;
    memset(&it, 0, sizeof it);
    if (value == NULL)
        return 1;
    if (type != BB_JSON_ARRAY && type != BB_JSON_OBJECT) {
        bb_str text = type == BB_JSON_STRING ? json->string(value) : json->text(value);
        bb_content_host(call)->part(call, name, none, none, type == BB_JSON_NULL ? none : text);
        return 1;
    }
    while (json->next(value, &it)) {
        bb_str inner = it.key;
        size_t cap = name.len + it.key.len + 24; /* of a place: 20 digits */
        if (name.len > 0) {
            char *text = (char *)call->host->call->alloc(call, cap);
            if (text == NULL) {
                bb_fail(call, BB_E_NO_MEMORY, "no memory for the form");
                return 0;
            }
            inner.ptr = text;
            inner.len = (size_t)(type == BB_JSON_OBJECT
                                     ? snprintf(text, cap, "%.*s[%.*s]", (int)name.len, name.ptr,
                                                (int)it.key.len, it.key.ptr)
                                     : snprintf(text, cap, "%.*s[%zu]", (int)name.len, name.ptr, it.index));
        }
        if (!bb_content_parts_json(call, inner, it.value))
            return 0;
    }
    return 1;
}

BB_END_DECLS

#endif
