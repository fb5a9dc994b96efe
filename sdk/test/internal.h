/* The mock host of busbar/test.h. It includes the hub's rooms plugin, json and base, of whose sources the
 * library is made, and nothing includes it: what a test sees is busbar/test.h alone.
 *
 * internal.h - what its files share. */
#ifndef SDK_TEST_INTERNAL_H
#define SDK_TEST_INTERNAL_H

#include "base/err.h"
#include "plugin/call.h"
#include "plugin/host_auth.h"
#include "plugin/host_session.h"
#include "plugin/instance.h"
#include "plugin/origin.h"

#include <busbar/test.h>

#define REDACTED "REDACTED"

/* What was exchanged: in the test's memory, until its end. */
typedef struct seen {
    bb_test_request request;
    int32_t status; /* 0: there was no answer */
    const char *const *answer_headers;
    bb_str answer;
} seen;

/* A body given to a step. A buffer of its own, so that a sanitizer sees a step that keeps a slice too long.
 */
typedef struct held_body {
    struct held_body *next;
    char bytes[];
} held_body;

/* What a step said of how far its call is. */
typedef struct told_progress {
    bb_test_progress shown; /* its texts are those of: */
    plugin_progress kept;
} told_progress;

/* The connector's own auth scheme at work. */
typedef struct scheme_state {
    const bb_custom_auth *scheme; /* NULL: none */
    const json_value *input;
    bb_str token;
    uint64_t expires_ns; /* by the mock's clock; 0: not said */
    uint8_t nonces;
} scheme_state;

/* The one session. */
typedef struct session_state {
    plugin_session s;
    bool open, idle;
    str_pair *credentials; /* in the test's memory */
    size_t credential_count;
    bool interrupts; /* in the next call, */
    uint64_t interrupt_ms;
} session_state;

struct bb_test {
    arena *memory;      /* script, exchanges */
    arena *call_memory; /* of one call, and its result */
    plugin_module *module;
    plugin_instance instance;
    bool connected;
    bb_str base_url;
    plugin_origins origins; /* that get credentials beside its */
    err problem;
    scheme_state auth;
    session_state session;
    bb_test_exchange *script;
    size_t script_count, script_cap, script_at;
    seen **seen;
    size_t seen_count, seen_cap, call_begin; /* the first of the last call */
    bb_test_transport live;
    void *live_ctx;
    const char **secrets;
    size_t secret_count, secret_cap;
    held_body *bodies;
    bb_test_result result;
    bb_test_received received;
    told_progress *said; /* of the last call; on the heap */
    size_t said_count, said_cap;
    bb_test_signed signed_;
    plugin_content content; /* of the next call, or the last */
    bb_str content_bytes, content_out;
    bool content_wanted;
    const char *saved;
    bool cancel;
    uint64_t deadline_ms; /* of the next call; 0: the operation's */
    uint32_t give_up_at;  /* in the next call; 0: it is not given up */
    bb_code give_up_why;
    size_t fail_allocation, allocations;
    size_t checks, failed_checks;
};

/* Room for one more in an array that grows; ends the process where there is none: a test without memory
 * tells nothing. */
void *test_room(void *items, size_t count, size_t *cap, size_t item_size);
/* Ends the process where p is NULL. */
void *test_have(void *p);

/* content.c: before the steps; before a request is sent; after its answer; after a step */
plugin_content *test_content_begin(bb_test *t);
bool test_content_send(bb_test *t, plugin_call *c);
void test_content_answered(bb_test *t, plugin_call *c);
void test_content_said(bb_test *t, const plugin_call *c);

/* gate.c */
void test_clock_begin(void);
void test_clock_advance(uint64_t ms);

/* on while steps run */
void test_gate_arm(size_t fail_at, size_t *count);
void test_gate_rest(void);

/* script.c */
const char *test_line(arena *a, bb_str text); /* a copy with its NUL */
const char *const *test_lines(arena *a, const char *const *lines);
/* Where a request is not what the script has next: false, and *out says how. */
bool test_fits(bb_test *t, const bb_test_exchange *x, const bb_test_request *request, bb_str *out);

/* exchange.c: has a request answered by the script or the transport. False: the result says why not. */
typedef struct outgoing {
    bb_str method, url;
    const bb_str *headers; /* "Name: value" */
    size_t header_count;
    bb_str body;
    bool foreign;
} outgoing;
bool test_exchange(bb_test *t, const outgoing *request, plugin_call *c);
outgoing test_outgoing(const plugin_call *c);
void test_drop_bodies(bb_test *t, const held_body *last);

/* auth.c: makes the request one that the service takes. False: the result says why not. */
bool test_sign(bb_test *t, const plugin_call *c, outgoing *request);
/* Whether this answer means another token, which then is to be acquired. */
bool test_renews(bb_test *t, int32_t status);

/* fields.c: those of a scheme, from a JSON object's text; NULL: t->problem says why not. Secrets are noted.
 */
const json_value *test_fields(bb_test *t, const char *kind, const char *id,
                              const bb_auth_field *const *fields, const char *given);

/* call.c */
void test_call_begin(bb_test *t); /* forgets the last call */
__attribute__((format(printf, 3, 4))) void test_fail(bb_test *t, bb_code code, const char *format, ...);
void test_fail_by_steps(bb_test *t, const plugin_call *c);
plugin_outcome test_step(bb_test *t, plugin_call *c, plugin_outcome (*step)(plugin_call *c));

/* progress.c: the on_progress of a call, whose progress_ctx is the test */
void test_progressed(plugin_call *c, const plugin_progress *progress);

/* session.c: opens the session where none is, and runs the operation on it. PLUGIN_SEND: the result is set.
 */
plugin_outcome test_session_run(bb_test *t, plugin_call *c, const plugin_op *op);
void test_session_close(bb_test *t);

/* redact.c */
bool test_is_secret_name(bb_str name);
bb_str test_redact_line(const bb_test *t, arena *a, bb_str line); /* "Name: value" */
bb_str test_redact_url(const bb_test *t, arena *a, bb_str url);
/* A body as a JSON value's text. */
bb_str test_redact_body(const bb_test *t, arena *a, bb_str body);

#endif
