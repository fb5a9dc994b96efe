/*
 * busbar/test.h - the mock host: a connector's steps run against scripted answers, without a hub and
 * without a network. For tests of connectors; a connector itself never includes it.
 *
 * The library busbar-sdk-test is made of the hub's own sources: JSON, URLs, schemas, crypto and the errors of
 * misuse are the same, byte for byte. What it leaves out is what the hub does around the steps: it
 * adds no credentials of the hub's own schemes, repeats nothing, and caches nothing. A scheme of the
 * connector's own (auth.h) does run: bb_test_auth.
 *
 *     cc my_test.c my.c $(pkg-config --cflags --libs busbar-sdk-test)
 *
 *     bb_test *t = bb_test_new(&busbar_entry);
 *     bb_test_connect(t, "{\"base_url\":\"https://api.example.com\"}");
 *     BB_TEST_EXCHANGE(t, .method = "GET", .url = "/things/7", .answer = "{\"id\":7}");
 *     BB_CHECK(t, bb_test_call(t, "things.get", "{\"id\":\"7\"}")->code == BB_OK);
 *     return bb_test_end(t);
 *
 * Time stands still at 2026-01-01T00:00:00Z but for `takes_ms`, and random bytes are the same in every
 * run (bb_auth_request; not those of crypto.random): a test that passes once passes always.
 *
 * Texts given are copied; texts that come back are NUL-terminated, never NULL, and stay until the next
 * call on the same bb_test. A text of the library's own goes to standard error where a check fails. Thread:
 * one at a time in the process.
 */
#ifndef BUSBAR_TEST_H
#define BUSBAR_TEST_H

#include <busbar/plugin.h>

BB_BEGIN_DECLS

/* A mock host with one connector and one connection of it. Owner: the test; bb_test_end frees it. */
typedef struct bb_test bb_test;

/* --- the connector and its connection ------------------------------------------------------------ */

/* The entry of the connector that is linked into the test. */
extern const bb_entry busbar_entry;

/* A connector linked in, or loaded from a file ID.so; checked as the hub does when it admits one. Never
 * NULL: what is wrong is said by the first bb_test_connect or bb_test_call, and by bb_test_problem. */
bb_test *bb_test_new(const bb_entry *entry);
bb_test *bb_test_load(const char *path);

/* Makes the connection: settings as a JSON object, checked against the settings schema, defaults filled in,
 * then `create`. An earlier one is destroyed. NULL: no settings. 1, or 0: bb_test_problem says why. */
int bb_test_connect(bb_test *t, const char *settings);

/* Puts one of the connector's own auth schemes to work: fields as a JSON object of strings. From then on a
 * token is acquired before it is needed (its requests are part of the script, ahead of the call's own),
 * kept until it expires or a 401 is answered (BB_AUTH_RENEW), and requests to base_url's origin are signed.
 * scheme NULL: none any more. 1, or 0: bb_test_problem says why. */
int bb_test_auth(bb_test *t, const char *scheme, const char *fields);

/* Why a function here last gave 0 (bb_test_connect, _auth, _record, _replay); "": none has since the last
 * connection that was made. */
const char *bb_test_problem(const bb_test *t);

/* --- the script ---------------------------------------------------------------------------------- */

/* One request that is expected, and the answer to it. Members that are NULL or 0 ask for nothing. */
typedef struct bb_test_exchange {
    uint32_t size;              /* sizeof(bb_test_exchange) */
    int32_t status;             /* of the answer; 0: 200 */
    const char *method;         /* "GET" */
    const char *url;            /* whole, or what follows base_url: path and query as they are sent */
    const char *const *headers; /* "Name: value" that must be there, "Name:" that must not; ends with NULL */
    const char *body;           /* compared as JSON where both are, else byte by byte; "": none */
    size_t body_len;            /* its bytes; 0: up to the NUL */
    const char *const *answer_headers; /* "Name: value"; ends with NULL */
    const char *answer;                /* the body of the answer */
    size_t answer_len;                 /* its bytes; 0: up to the NUL */
    uint64_t takes_ms;                 /* how long the service takes, by the mock's clock */
} bb_test_exchange;

/* Adds to the end of the script. */
void bb_test_expect(bb_test *t, const bb_test_exchange *exchange);
/* The same, in C, as BB_TEST_EXCHANGE(t, .url = "/x", .answer = "{}"); header lists: BB_TEST_HEADERS("A: b",
 * "C: d")
 */
#define BB_TEST_EXCHANGE(t, ...) \
    bb_test_expect((t), &(const bb_test_exchange){.size = (uint32_t)sizeof(bb_test_exchange), __VA_ARGS__})
#define BB_TEST_HEADERS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* --- calls --------------------------------------------------------------------------------------- */

/* How a call ended. */
typedef struct bb_test_result {
    uint32_t size;             /* sizeof(bb_test_result) of the library */
    bb_code code;              /* BB_OK, or what it failed with */
    const char *output;        /* a JSON text; "" where it failed */
    const char *next_cursor;   /* ""; or there is a further page */
    const char *message;       /* of the failure, as a caller of the hub would read it */
    const char *pointer;       /* into the input */
    const char *upstream_code; /* the service's own */
    int32_t upstream_status;   /* of the last answer, or what the connector said; 0: none */
    bb_retry retry;
    uint32_t requests; /* how many were made */
    /* "": requests and script fit together. Else what does not, and `code` is BB_E_PLUGIN. */
    const char *mismatch;
} bb_test_result;

/* Calls an operation: the input is checked against its schema, the steps run, each request takes the next
 * exchange of the script, and the output is checked against the output schema (one that does not fit
 * fails the call with BB_E_PLUGIN; a hub only counts it unless told to be strict). Owner of the result: t,
 * until the next call. */
const bb_test_result *bb_test_call(bb_test *t, const char *operation, const char *input);
/* The same, from a cursor on; NULL: from the beginning. */
const bb_test_result *bb_test_page(bb_test *t, const char *operation, const char *input, const char *cursor);

/* For the next call alone: its steps find that nobody waits for it any more; it has so many milliseconds
 * (else the operation's timeout_ms, or 30 s). A time that is over between two steps ends the call with
 * BB_E_DEADLINE, as the hub does. */
void bb_test_cancel(bb_test *t);
void bb_test_deadline(bb_test *t, uint64_t ms);

/* Gives the next call up while its request number `request` (from 1) waits for an answer, which is none of
 * the script's: it fails with `why`, BB_E_CANCELLED or BB_E_DEADLINE, and what its operation has the service
 * told then (abandon.h) is the next that the script expects. A call that ends before it gets so far is not
 * given up. */
void bb_test_give_up(bb_test *t, uint32_t request, bb_code why);

/* A request that the last call made, counted from 0. */
typedef struct bb_test_request {
    uint32_t size;   /* sizeof(bb_test_request) of the library */
    int32_t foreign; /* 1: not the origin of base_url, or bb_without_credentials: a hub sends none with it */
    const char *method, *url;
    const char *const *headers; /* "Name: value"; ends with NULL */
    const char *body;
    size_t body_len;
} bb_test_request;

/* NULL: it made fewer. */
const bb_test_request *bb_test_request_at(const bb_test *t, size_t index);
/* The value of a header field of that request; "": it has none of that name (in any case). */
const char *bb_test_header(const bb_test *t, size_t index, const char *name);

/* 1 where the last output is that JSON value, whatever the notation and the order of members. */
int bb_test_output_is(const bb_test *t, const char *json);

/* What the last call said of how far it is (bb_progress), as a hub keeps it. */
typedef struct bb_test_progress {
    uint32_t size; /* sizeof(bb_test_progress) of the library */
    uint32_t reserved;
    int64_t done, total;      /* -1: unknown */
    const char *unit, *stage; /* "": not said, or too long */
} bb_test_progress;

/* Counted from 0. NULL: it said so less often. */
const bb_test_progress *bb_test_progress_at(const bb_test *t, size_t index);

/* --- content (content.h) -------------------------------------------------------------------------- */

/* Of the next call alone: the file that it comes with, and a place for one that it gives. */
typedef struct bb_test_content {
    uint32_t size;     /* sizeof(bb_test_content) */
    uint32_t unknown;  /* 1: nobody knows the length ahead */
    const char *bytes; /* of an upload: they go into the requests that name ranges of them; NULL: none */
    size_t len;        /* 0: up to the NUL */
    const char *type, *name; /* NULL: unknown */
    const char *saved;       /* what a call that broke off had saved, a JSON text; NULL: nothing */
} bb_test_content;
void bb_test_give(bb_test *t, const bb_test_content *content);

/* What the last call gave out, *len bytes; NULL: nothing. */
const char *bb_test_given(const bb_test *t, size_t *len);
/* What it saved last, a JSON text; "": nothing. */
const char *bb_test_saved(const bb_test *t);

/* --- webhooks ------------------------------------------------------------------------------------ */

/* A request that the service sends to the hub. Members that are NULL or 0: see behind. */
typedef struct bb_test_webhook {
    uint32_t size; /* sizeof(bb_test_webhook) */
    uint32_t reserved;
    const char *method;         /* "POST" */
    const char *url;            /* "https://hub.example/hooks/test" */
    const char *const *headers; /* "Name: value"; ends with NULL; none */
    const char *body;           /* empty */
    size_t body_len;            /* its bytes; 0: up to the NUL */
} bb_test_webhook;

typedef struct bb_test_event {
    const char *id, *type; /* "": not given */
    const char *payload;   /* a JSON text */
} bb_test_event;

/* What the scheme made of it. */
typedef struct bb_test_received {
    uint32_t size; /* sizeof(bb_test_received) of the library */
    bb_code code;  /* BB_OK; BB_E_UPSTREAM_AUTH: refused; or what it failed with */
    const char *message;
    const bb_test_event *events;
    size_t event_count;
    int32_t status; /* of the answer: 200 where the scheme gives none */
    const char *content_type, *answer;
    int64_t signed_at_ms; /* 0: not said. A hub compares it with its clock; here nothing does */
} bb_test_received;

/* Puts a request before one of the connector's webhook schemes: fields as a JSON object of strings. Owner of
 * the result: t, until the next call. */
const bb_test_received *bb_test_receive(bb_test *t, const char *scheme, const char *fields,
                                        const bb_test_webhook *webhook);
/* The same, in C, as BB_TEST_RECEIVE(t, "things_v1", "{\"secret\":\"s\"}", .body = "{}") */
#define BB_TEST_RECEIVE(t, scheme, fields, ...) \
    bb_test_receive((t), (scheme), (fields),    \
                    &(const bb_test_webhook){.size = (uint32_t)sizeof(bb_test_webhook), __VA_ARGS__})

/* What a scheme is to sign. Members that are NULL or 0: see behind. */
typedef struct bb_test_sample {
    uint32_t size; /* sizeof(bb_test_sample) */
    uint32_t reserved;
    const char *url;     /* "https://hub.example/hooks/test" */
    const char *id;      /* "sample-1" */
    const char *type;    /* "sample.made" */
    const char *payload; /* a JSON text; the scheme makes one up */
    uint64_t now_ms;     /* the mock's clock */
} bb_test_sample;

/* What it made of it: a request to be put before `verify`. */
typedef struct bb_test_signed {
    uint32_t size; /* sizeof(bb_test_signed) of the library */
    bb_code code;  /* BB_OK; BB_E_UNSUPPORTED: the scheme has no `sign`; or what it failed with */
    const char *message;
    const char *url;            /* with the query, if any */
    const char *const *headers; /* "Name: value"; ends with NULL */
    const char *body;           /* ends with NUL */
    size_t body_len;
} bb_test_signed;

/* Has one of the connector's webhook schemes sign a sample. Owner of the result: t, which keeps it until it
 * signs another: bb_test_receive may be given its parts. */
const bb_test_signed *bb_test_sign(bb_test *t, const char *scheme, const char *fields,
                                   const bb_test_sample *sample);
/* The same, in C, as BB_TEST_SIGN(t, "things_v1", "{\"secret\":\"s\"}", .id = "7") */
#define BB_TEST_SIGN(t, scheme, fields, ...) \
    bb_test_sign((t), (scheme), (fields),    \
                 &(const bb_test_sample){.size = (uint32_t)sizeof(bb_test_sample), __VA_ARGS__})

/* --- sessions ------------------------------------------------------------------------------------ */

/* Session operations (session.h) run on one session: the first call of one opens it; it stays open over
 * calls, until it is broken, the connection is made anew, or the test ends. An opening that fails is the
 * call's failure. All on the thread of the test, but for `interrupt`. */

/* What bb_session_api.credential gives from the next opening on: a JSON object of strings. 1, or 0:
 * bb_test_problem says why. */
int bb_test_credentials(bb_test *t, const char *fields);
/* 1 while a session is open. */
int bb_test_session_open(const bb_test *t);
/* The session has lain idle: the next call checks it, and opens another where it is not good any more. */
void bb_test_session_idle(bb_test *t);
/* Closes the session, as a hub does when its idle time is over. */
void bb_test_session_close(bb_test *t);
/* For the next call alone: once its `run` has been under way for so long, nobody waits for it any more, and
 * `interrupt` is called on a thread of its own, again every few milliseconds until `run` comes back. These
 * are milliseconds of the machine's clock. */
void bb_test_interrupt(bb_test *t, uint64_t after_ms);

/* --- failures on purpose ------------------------------------------------------------------------- */

/* For the next call alone: the n-th piece of memory (from 1) that the steps ask the host for, in whatever
 * way, is refused. */
void bb_test_fail_allocation(bb_test *t, size_t n);
/* How many pieces the last call's steps asked for. */
size_t bb_test_allocations(const bb_test *t);

/* Calls the operation with the script as it stands, then again with each of its pieces of memory refused in
 * turn, each time from the same place of the script. 1 where every run either fails or gives the
 * right output and cursor; 0, and a line on standard error, where one gives others or asks for something
 * else. A crash is a crash: run it under AddressSanitizer. */
int bb_test_torture(bb_test *t, const char *operation, const char *input);

/* --- exchanges kept in files --------------------------------------------------------------------- */

/* Writes what was exchanged since bb_test_new, secrets taken out, as JSON:
 *
 *     {"format": "busbar-exchanges/1", "exchanges": [
 *        {"request":  {"method", "url", "headers": {"Name": "value"}, "body"},
 *         "response": {"status", "headers": {...}, "body"}}]}
 *
 * A body is a JSON value where it is JSON, {"base64": TEXT} where it is not UTF-8, else a text. "REDACTED"
 * takes the place of: header fields, query parameters, form fields and JSON members whose names say that they
 * hold credentials (Authorization, Cookie, X-Api-Key, access_token, client_secret, signature, ...), and of
 * every value that bb_test_secret named, wherever it stands. The url's origin is kept; read a file before
 * you publish it all the same. 1, or 0: the file cannot be written (bb_test_problem). */
int bb_test_record(bb_test *t, const char *path);
/* A text, at least 4 bytes long, that no file may have. Secret fields given to bb_test_auth are known. */
void bb_test_secret(bb_test *t, const char *text);

/* Adds the exchanges of such a file to the script. Expected are method, url (what follows base_url, where
 * the file's has one, else the whole) and body; a part that was redacted fits anything. 1, or 0:
 * bb_test_problem says why. */
int bb_test_replay(bb_test *t, const char *path);

/* Instead of the script, where that is used up: has a function answer requests. It fills in *answer (as
 * in the script: status, answer_headers, answer, answer_len; kept until it is called again) and gives 1; 0:
 * the service cannot be reached. What it exchanges can be recorded. NULL: none. */
typedef int (*bb_test_transport)(void *ctx, const bb_test_request *request, bb_test_exchange *answer);
void bb_test_live(bb_test *t, bb_test_transport transport, void *ctx);
/* Such a function, which runs the program `curl`; ctx: header fields added to requests that are not
 * foreign, "Name: value" each, ending with NULL (const char *const *), or NULL. Their values are secret. */
int bb_test_curl(void *ctx, const bb_test_request *request, bb_test_exchange *answer);

/* --- checks -------------------------------------------------------------------------------------- */

/* Counts a condition that does not hold, and says on standard error where it stands and how the last
 * call ended. Gives `holds`. */
int bb_test_check(bb_test *t, int holds, const char *condition, const char *file, int line);
#define BB_CHECK(t, condition) bb_test_check((t), (condition) ? 1 : 0, #condition, __FILE__, __LINE__)

/* Checks that the whole script was used, destroys the connection, frees all, and gives the exit code of a
 * test: 0 where every check held and at least one was made, else 1. Says on standard output how many were. */
int bb_test_end(bb_test *t);

BB_END_DECLS

#endif
