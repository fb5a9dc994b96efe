/*
 * busbar/auth.h - extension "busbar.auth/1": auth schemes of a connector's own.
 *
 * For services whose credentials none of the host's schemes can put into a request: a login that
 * gives a token, an HMAC over the request, or both. A scheme is one pair of steps and one function:
 *
 *     start, resume   acquire a token: requests of its own (a login, a token endpoint), as an
 *                     operation's steps make them. The host keeps the token, shares it among the
 *                     calls of the connection, renews it ahead of its end and, where the scheme says
 *                     so, after a 401. However many calls wait, the steps run once.
 *     sign            sees the final request and adds header fields and query parameters to it;
 *                     nothing changes the request after that.
 *
 * Both sides ask for it by the same id: the connector lists it with a bb_auth_extension
 * (BUSBAR_PLUGIN_WITH); the steps call host->get_extension and get a bb_auth_api (bb_auth_host does). A
 * host that does not know the extension never asks.
 *
 * The schemes stand beside those that bb_plugin.auth_schemes names: an admin chooses one of all by
 * `scheme = ID`. A connector that declares schemes here and none there takes no call without one.
 *
 * The bb_call of a scheme's steps differs from an operation's in this: `input` is an object of the
 * scheme's fields as the admin filled them in, each a string, absent where it is neither given nor has
 * a default; `instance` is NULL, since a token outlives a reload and with it what `create` gave;
 * `cursor` is absent; a request gets no credentials but those that the step puts into it. Paths go behind
 * the connection's base_url as ever; any other http(s) URL may be named.
 *
 * Thread: [init] and [step] as in plugin.h.
 */
#ifndef BUSBAR_AUTH_H
#define BUSBAR_AUTH_H

#include <busbar/plugin.h>
#include <string.h>

BB_BEGIN_DECLS

#define BB_EXT_AUTH "busbar.auth/1"

/* --- what the connector declares: static, const ------------------------------------------------- */

/* Flags of a field. */
enum {
    BB_AUTH_REQUIRED = 1u << 0,
    BB_AUTH_SECRET = 1u << 1,   /* removed from every text the host writes; has no default */
    BB_AUTH_MULTILINE = 1u << 2 /* may have line breaks: a key in PEM, a JSON document */
};

/* One key of the [auth] section. */
typedef struct bb_auth_field {
    uint32_t size;           /* sizeof(bb_auth_field) */
    uint32_t flags;          /* BB_AUTH_REQUIRED, ... */
    const char *name;        /* [a-z][a-z0-9_]{0,63}, not "scheme" */
    const char *description; /* one line, for the admin */
    const char *otherwise;   /* optional: the value where none is given; not with BB_AUTH_REQUIRED */
} bb_auth_field;

/* The final request, as `sign` sees it. Owner: the host, until `sign` returns. */
typedef struct bb_auth_request {
    uint32_t size; /* sizeof(bb_auth_request) of the host */
    uint32_t header_count;
    bb_str method;
    bb_str url;            /* whole, with query, as it will be sent */
    const bb_str *headers; /* "Name: value" each; Host and Content-Length are not among them */
    bb_str body;           /* the whole of it; empty where there is none */
    uint64_t now_ms;       /* wall clock: milliseconds since 1970 */
    uint8_t random[16];    /* fresh for each request: for a nonce */
} bb_auth_request;

/* Flags of a scheme. */
enum {
    BB_AUTH_RENEW = 1u << 0,  /* a 401 may mean that the token is used up: acquire another, and repeat the
                                 request, once a call */
    BB_AUTH_STREAMS = 1u << 1 /* `sign` does not look at the body: it may sign a request whose body is a file
                                 (content.h), and sees none of it. Without, such a request is refused */
};

typedef struct bb_custom_auth {
    uint32_t size;       /* sizeof(bb_custom_auth) */
    uint32_t flags;      /* BB_AUTH_RENEW, BB_AUTH_STREAMS, or 0 */
    uint32_t state_size; /* bytes of bb_call.state in start and resume, at most 64 KiB */
    uint32_t timeout_ms; /* of acquiring a token, all its requests together, at most 300,000; 0: the host's
                            (30 s) */
    const char *id;      /* [a-z][a-z0-9_]{0,63}, and no scheme of the host's */
    const char *summary; /* one line, for the admin: what it is, and where to get the credentials */
    const bb_auth_field *const *fields; /* ends with NULL, at most 16; NULL: none */
    /* Names of the header fields that `sign` may set; the host removes them from a request before it is
     * signed. At most 6, ends with NULL; NULL: "Authorization". */
    const char *const *headers;
    /* Acquire a token: both, or neither. They end as an operation's steps do: BB_SEND; BB_DONE after
     * bb_auth_api.done_token; or BB_FAIL, where BB_E_UPSTREAM_AUTH, _FORBIDDEN, _REJECTED and BB_E_CONFIG say
     * that the admin has to do something, and everything else that trying again later may help. [step] */
    bb_step (*start)(bb_call *call);
    bb_step (*resume)(bb_call *call);
    /* Adds to the request by bb_auth_api.header and .query, and returns BB_DONE, or BB_FAIL with the error
     * set. It describes no request. NULL: the token goes as "Authorization: Bearer TOKEN". [step] */
    bb_step (*sign)(bb_call *call, const bb_auth_request *request);
} bb_custom_auth;

/* What the connector declares under BB_EXT_AUTH. */
typedef struct bb_auth_extension {
    uint32_t size; /* sizeof(bb_auth_extension) */
    uint32_t reserved;
    const bb_custom_auth *const *schemes; /* ends with NULL; at least one, at most 16 */
} bb_auth_extension;

/* --- what the host offers to the steps ---------------------------------------------------------- */

/* Errors are kept by the call, as in http.h: a misuse makes the step fail with a text that says what. Every
 * slice given is copied. The step's thread, [no-block]. */
typedef struct bb_auth_api {
    uint32_t size; /* sizeof(bb_auth_api) of the host */
    uint32_t reserved;
    /* The connection's settings: an object, checked, defaults filled in. Owner: the call. */
    const bb_json *(*settings)(bb_call *call);
    /* In start and resume: the token, not empty, without control characters, at most 64 KiB; and the seconds
     * until the service no longer takes it, counted from now; 0 or less: it does not say, so the token
     * is used until it is refused. */
    void (*done_token)(bb_call *call, bb_str token, int64_t expires_in_s);
    /* In sign: the token; absent where the scheme acquires none. Owner: the call. */
    bb_str (*token)(bb_call *call);
    /* In sign: adds a header field, one that the scheme declares. */
    void (*header)(bb_call *call, bb_str name, bb_str value);
    /* In sign: adds name=value to the query, behind what the URL has, both percent-encoded. */
    void (*query)(bb_call *call, bb_str name, bb_str value);

    /* --- not in the first hubs: ask BB_HAS(bb_auth_host(call), target), or use bb_auth_target -------------
     */

    /* In sign: the path, with its query, to ask for in place of the request's, percent-encoded and from its
     * "/" on, at most 8 KiB: for services whose secret is a URL. Scheme, host and port stay those of the
     * request; what the host tells of the request (log, trace, errors) stays as the operation made it. */
    void (*target)(bb_call *call, bb_str path);
} bb_auth_api;

/* --- short names -------------------------------------------------------------------------------- */

static inline const bb_auth_api *bb_auth_host(const bb_call *call) {
    return (const bb_auth_api *)call->host->get_extension(call->host, BB_EXT_AUTH);
}

/* How start or resume ends: return bb_done_token(call, token, 3600); */
static inline bb_step bb_done_token(bb_call *call, bb_str token, int64_t expires_in_s) {
    bb_auth_host(call)->done_token(call, token, expires_in_s);
    return BB_DONE;
}
static inline bb_str bb_auth_token(bb_call *call) {
    return bb_auth_host(call)->token(call);
}
static inline void bb_auth_header(bb_call *call, const char *name, bb_str value) {
    bb_str text;
    text.ptr = name;
    text.len = strlen(name);
    bb_auth_host(call)->header(call, text, value);
}
static inline void bb_auth_query(bb_call *call, const char *name, bb_str value) {
    bb_str text;
    text.ptr = name;
    text.len = strlen(name);
    bb_auth_host(call)->query(call, text, value);
}
/* Fails the step on a host without it; then return BB_FAIL. */
static inline int bb_auth_target(bb_call *call, bb_str path) {
    const bb_auth_api *api = bb_auth_host(call);
    bb_error error;
    if (BB_HAS(api, target)) {
        api->target(call, path);
        return 1;
    }
    memset(&error, 0, sizeof error);
    error.size = (uint32_t)sizeof error;
    error.code = BB_E_UNSUPPORTED;
    error.message.ptr = "this hub is too old for credentials that are a URL";
    error.message.len = strlen(error.message.ptr);
    call->host->call->fail(call, &error);
    return 0;
}

BB_END_DECLS

#endif
