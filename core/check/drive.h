/* drive.h - instances made, and calls run from start to end against answers by a script. */
#ifndef CHECK_DRIVE_H
#define CHECK_DRIVE_H

#include "check/host.h"
#include "check/internal.h"
#include "plugin/ledger.h"

#define STEPS_MAX 1000u /* the hub ends a call after as many requests */

/* --- instances ----------------------------------------------------------------------------------- */

typedef struct specimen {
    const plugin_module *module;
    bb_connection abi;
    ledger held; /* directly behind */
    void *ptr;
    arena *memory;
    bb_str base_url;
} specimen;
LEDGER_STANDS(specimen, abi, held);

/* Calls `create`; `settings` is a JSON object's text, of the schema's liking. False: it refuses (`refusal`
 * gets the text), which is wrong only without a reason: that has been said. */
bool specimen_create(specimen *s, const plugin_module *m, const char *id, bb_str settings, err *refusal);
void specimen_destroy(specimen *s);

/* The settings to try a connector with: those given, else its defaults and what its schema asks for. Absent:
 * that has been said. */
bb_str trial_settings(trial *t);
/* Both; where it refuses them, that is said. */
bool trial_instance(trial *t, specimen *s);

/* --- calls --------------------------------------------------------------------------------------- */

typedef struct answer {
    const char *label; /* "200 with a body cut short" */
    int32_t status;
    const str_pair *headers;
    size_t header_count;
    bb_str body;
    bool fits; /* the service as it should be: what the operation makes of it fits its output schema */
} answer;

/* Answers from the `bad_at`th on (from 0) are `bad`, before it `good`. */
typedef struct script {
    const answer *good, *bad;
    unsigned bad_at;
} script;

typedef struct sample {
    const answer *good; /* the service as it should be */
    const plugin_op *op;
    unsigned number; /* of the example, from 1; 0: generated */
    bb_str input;
    bool content;             /* the call comes with a file */
    const json_value *output; /* the example's; NULL: none */
    /* Steps of an auth scheme of the connector's own, in place of an operation's; `op` is made up around
     * them. */
    const bb_custom_auth *scheme;
    enum { SAMPLE_STEPS, SAMPLE_SIGN, SAMPLE_SIGN_EMPTY } part; /* sign: a request with a body, or without */
} sample;

#define CONTENT_BYTES \
    5000000u /* of the file that an operation is given: two parts of what services ask for */

/* The file of a call, where it is another than usual. */
typedef struct run_file {
    uint64_t length; /* UINT64_MAX: unknown */
    bb_str saved;    /* what a call that broke off had saved; absent: none. Its digests cannot be told */
} run_file;

typedef struct run_options {
    const run_file *file; /* NULL: CONTENT_BYTES, and nothing was saved */
    bb_str cursor;
    bool late;        /* cancelled, and its time over */
    unsigned fail_at; /* the host function to fail; 0: none */
    unsigned max_steps;
    bb_code give_up;         /* why; BB_OK: it is not */
    unsigned give_up_after;  /* so many answers */
    plugin_session *session; /* of a session operation: runs on it */
} run_options;

/* What became of a call's content. */
typedef struct run_content {
    bool sent, given;  /* a request had a range of it; an answer was to be it */
    bool again;        /* bytes were asked for that had been sent already */
    uint64_t reached;  /* behind the last byte that was asked for */
    uint64_t twice_at; /* with `again`: from where */
    buf saved;         /* what was saved last; empty: nothing */
} run_content;

typedef struct run_end {
    run_content content;
    plugin_outcome outcome;
    unsigned answers; /* taken */
    unsigned host_calls;
    const char *failed;
    bool endless, misused, broken_memory;
    bool given_up; /* the call asked for something then: the rest is what `abandon` came to */
    bb_code code;
    char message[400];
    bb_str cursor;
    buf trace;  /* all that left the connector: requests, and how it ended */
    buf output; /* of PLUGIN_DONE */
} run_end;

/* Runs a call; says nothing itself but where it is. The end's buffers are the caller's to free by run_free.
 */
void run_call(const specimen *s, const sample *x, const script *answers, const run_options *o, run_end *end);
void run_free(run_end *end);
/* What is wrong with any end, whatever the answers: endless, broken memory, a defect the host has found. */
void judge(const run_end *end);

/* The samples of all operations that are steps: its examples, else a generated input; and those of its auth
 * schemes. In the trial's memory. */
sample *samples_of(trial *t, size_t *count);
sample *session_samples_of(trial *t, size_t *count); /* of those that run on sessions */
/* A scheme's fields that are required or have a default, as an admin fills them in: a JSON object's text. */
bb_str sample_fields(trial *t, const bb_auth_field *const *fields);
const char *sample_name(const sample *x); /* "operation x, example 1"; until the next call */

/* A good answer for a sample: the example's output, or one by the output schema. In the trial's memory. */
const answer *good_answer(trial *t, const sample *x);
/* The service at its worst. Ends with a label of NULL. */
const answer *bad_answers(trial *t, const sample *x);

#endif
