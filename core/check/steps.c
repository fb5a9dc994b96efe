/* steps.c - operations run from start to end: against good answers and bad ones, late, twice, and with the
 * host failing. */
#include "check/drive.h"

#include <stdio.h>

#define BAD_AT_MAX 3u    /* a bad answer at each of the first so many steps */
#define FAULTS_MAX 2000u /* host calls of one run that are made to fail, one a run */

typedef void (*sample_check)(trial *t, const specimen *s, const sample *x);

static void for_each_sample(trial *t, sample_check check) {
    size_t count = 0;
    specimen s;
    if (!trial_load(t) || !trial_instance(t, &s))
        return;
    sample *samples = samples_of(t, &count);
    for (size_t i = 0; i < count; i++) {
        at("%s", sample_name(&samples[i]));
        check(t, &s, &samples[i]);
    }
    at("%s", "");
    specimen_destroy(&s);
}

/* --- steps --------------------------------------------------------------------------------------- */

static void check_output(const sample *x, const run_end *end) {
    schema_issues issues = {0};
    arena *scratch = arena_new(0);
    const json_value *v = json_read(scratch, buf_str(&end->output), NULL, NULL);
    if (v == NULL)
        wrong("its output is not JSON");
    else if (!schema_validate(x->op->output, v, scratch, &issues))
        wrong("the answer fits, but its output does not fit the output schema: %.*s %.*s",
              STR_FMT(issues.count > 0 && issues.items[0].pointer.len > 0 ? issues.items[0].pointer
                                                                          : STR("it")),
              STR_FMT(issues.count > 0 ? issues.items[0].message : STR("is not what it describes")));
    arena_free(scratch);
}

/* Where start fails, no answer is tried: it has to be known. */
static void judge_start(const sample *x, const run_end *end) {
    if (x->number > 0)
        wrong("start fails for its own example: %s", end->message);
    else if (x->part != SAMPLE_STEPS && end->code == BB_E_CONFIG && !end->misused)
        return; /* what the fields are made of here fits no scheme that looks closely, and has no example */
    else if (end->misused && end->code == BB_E_CONFIG)
        wrong("start fails: %s; describe base_url in settings_schema", end->message);
    else
        warning("start fails for an input made up from its schema, and its resume is not tried: %s; give it "
                "an example",
                end->message);
}

static void run_good(const specimen *s, const sample *x, const answer *good, run_end *end) {
    if (x->part == SAMPLE_STEPS)
        at("%s, after %s", sample_name(x), good->label);
    run_call(s, x, &(script){good, good, 0}, &(run_options){.fail_at = 0}, end);
    judge(end);
    if (end->outcome == PLUGIN_DONE && good->fits && x->scheme == NULL)
        check_output(x, end);
    if (end->outcome == PLUGIN_FAILED && end->answers == 0)
        judge_start(x, end);
    if (end->outcome == PLUGIN_FAILED && end->answers > 0 && x->output != NULL && end->code != BB_E_PLUGIN &&
        x->op->desc->resume == NULL)
        wrong("the answer is what its example promises, and yet it fails: %s", end->message);
}

/* False: it came to no end, and will not with the other answers. */
static bool run_bad(const specimen *s, const sample *x, const answer *good, const answer *bad,
                    unsigned bad_at) {
    run_end end;
    if (bad_at == 0)
        at("%s, after %s", sample_name(x), bad->label);
    else
        at("%s, after %u good answers and then %s", sample_name(x), bad_at, bad->label);
    run_call(s, x, &(script){good, bad, bad_at}, &(run_options){.fail_at = 0}, &end);
    judge(&end);
    if (end.outcome == PLUGIN_DONE && bad->status >= 500 && end.answers > bad_at)
        warning("it takes a %d for a success: look at bb_ok(call) first", bad->status);
    run_free(&end);
    return !end.endless;
}

/* Cursors come from callers, who send what they like. */
static void run_cursors(const specimen *s, const sample *x, const answer *good) {
    static const char *const cursors[] = {"2",     "0",         "-1",       "99999999999999999999",
                                          "../..", "a\r\nX: y", "\xff",     "http://other.test/",
                                          "%00",   " ",         "{\"a\":1}"};
    run_end end;
    char longest[8193];
    memset(longest, 'c', sizeof longest);
    for (size_t i = 0; i <= sizeof cursors / sizeof cursors[0]; i++) {
        bool last = i == sizeof cursors / sizeof cursors[0];
        bb_str cursor = last ? str_of(longest, sizeof longest) : str_from(cursors[i]);
        at("%s, with the cursor \"%.*s\"", sample_name(x), last ? 8 : (int)cursor.len, cursor.ptr);
        run_call(s, x, &(script){good, good, 0}, &(run_options){.cursor = cursor}, &end);
        judge(&end);
        run_free(&end);
    }
}

static void steps_of(trial *t, const specimen *s, const sample *x) {
    const answer *good = x->good, *bad = bad_answers(t, x);
    run_end end;
    run_good(s, x, good, &end);
    unsigned answers = end.answers < BAD_AT_MAX ? end.answers : BAD_AT_MAX;
    bool endless = end.endless;
    run_free(&end);
    if (endless || answers == 0)
        return;
    for (unsigned k = 0; k < answers; k++)
        for (const answer *b = bad; b->label != NULL; b++)
            if (!run_bad(s, x, good, b, k))
                return;
    if ((x->op->desc->flags & BB_OP_PAGINATED) != 0)
        run_cursors(s, x, good);
}

void check_steps(trial *t) {
    for_each_sample(t, steps_of);
}

/* --- deadline ------------------------------------------------------------------------------------ */

static void late_run(trial *t, const specimen *s, const sample *x) {
    const answer *good = x->good, *bad = bad_answers(t, x);
    run_end end;
    at("%s, cancelled and its deadline passed", sample_name(x));
    run_call(s, x, &(script){good, good, 0}, &(run_options){.late = true}, &end);
    judge(&end);
    run_free(&end);
    for (const answer *b = bad; !end.endless && b->label != NULL; b++) {
        if (b->status != 202 && b->status != 503 && b->body.len < 100000)
            continue;
        at("%s, cancelled and its deadline passed, after %s", sample_name(x), b->label);
        run_call(s, x, &(script){good, b, 0}, &(run_options){.late = true}, &end);
        judge(&end);
        run_free(&end);
    }
}

void check_deadline(trial *t) {
    for_each_sample(t, late_run);
}

/* --- determinism --------------------------------------------------------------------------------- */

static void same_twice(trial *t, const specimen *s, const sample *x) {
    const answer *good = x->good;
    run_end one, two;
    (void)t;
    run_call(s, x, &(script){good, good, 0}, &(run_options){.max_steps = 4}, &one);
    run_call(s, x, &(script){good, good, 0}, &(run_options){.max_steps = 4}, &two);
    if (!str_eq(buf_str(&one.trace), buf_str(&two.trace))) {
        size_t i = 0;
        while (i < one.trace.len && i < two.trace.len && one.trace.ptr[i] == two.trace.ptr[i])
            i++;
        size_t from = i > 40 ? i - 40 : 0;
        wrong("the same input gives another request the second time (\"%.*s\", then \"%.*s\"): state of a "
              "call belongs "
              "into call->state, random bytes come from host->crypto->random, memory of host->call->alloc is "
              "not zeroed",
              (int)(one.trace.len - from < 80 ? one.trace.len - from : 80), one.trace.ptr + from,
              (int)(two.trace.len - from < 80 ? two.trace.len - from : 80), two.trace.ptr + from);
    }
    run_free(&one);
    run_free(&two);
}

void check_determinism(trial *t) {
    for_each_sample(t, same_twice);
}

/* --- faults -------------------------------------------------------------------------------------- */

/* Of these, failing is to say "not JSON", which a step may well live with. */
static bool is_an_answer(const char *function) {
    return strcmp(function, "http->response_json") == 0 || strcmp(function, "json->parse") == 0;
}

/* The run with its nth failing host call must fail too, or come to the same as without it. */
static bool fault_at(const specimen *s, const sample *x, const answer *a, unsigned n, const run_end *sound) {
    run_end end;
    at("%s, after %s, host call %u failing", sample_name(x), a->label, n);
    run_call(s, x, &(script){a, a, 0}, &(run_options){.fail_at = n, .max_steps = 8}, &end);
    bool reached = end.failed != NULL;
    if (end.broken_memory)
        judge(&end);
    if (reached && !is_an_answer(end.failed) && end.outcome != PLUGIN_FAILED &&
        !str_eq(buf_str(&end.trace), buf_str(&sound->trace)))
        wrong("host->%s fails, and it goes on as if it had not, with another %s than else: look at what it "
              "gives, and "
              "return bb_fail(call, BB_E_NO_MEMORY, ...)",
              end.failed, end.outcome == PLUGIN_DONE ? "output" : "request");
    run_free(&end);
    return reached;
}

static void faults_with(const specimen *s, const sample *x, const answer *a) {
    run_end sound;
    at("%s, after %s", sample_name(x), a->label);
    run_call(s, x, &(script){a, a, 0}, &(run_options){.max_steps = 8}, &sound);
    for (unsigned n = 1; n <= FAULTS_MAX && fault_at(s, x, a, n, &sound); n++)
        ;
    run_free(&sound);
}

static void faults_of(trial *t, const specimen *s, const sample *x) {
    const answer *bad = bad_answers(t, x);
    faults_with(s, x, x->good);
    for (const answer *b = bad; b->label != NULL; b++)
        if (b->body.len < 4096 && (b->header_count > 1 || b->status == 200))
            faults_with(s, x, b);
}

void check_faults(trial *t) {
    for_each_sample(t, faults_of);
}
