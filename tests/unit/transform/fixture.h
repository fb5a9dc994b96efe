/* fixture.h - a loop and its transforms, turned by the test itself. The children are this same program: the
 * constructor takes the place of `busbar transform`. */
#ifndef TRANSFORM_FIXTURE_H
#define TRANSFORM_FIXTURE_H

#include <busbar/busbar.h>

#include "transform/transform.h"
#include "unit.h"
#include "json/json.h"

#include <signal.h>
#include <stdio.h>

#define LIMIT_MS 60000u /* far more than any run here needs */
#define LIMIT_BYTES (16u << 20)

__attribute__((constructor)) static void be_the_child(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "transform") == 0)
        _exit(transform_child_main());
}

typedef struct outcome {
    bool over;
    transform_outcome kind;
    buf json, detail;
} outcome;

static loop *turned;
static transforms *jq;

static inline void begin(void) {
    err e = {""};
    signal(SIGPIPE, SIG_IGN); /* as the hub does */
    turned = loop_new(0);
    ck_assert_ptr_nonnull(turned);
    jq = transforms_new(turned, &e);
    ck_assert_msg(jq != NULL, "%s", e.text);
}

static inline void end(void) {
    transforms_free(jq);
    loop_free(turned);
}

static inline void on_done(transform_outcome kind, bb_str json, bb_str detail, void *ctx) {
    outcome *o = ctx;
    ck_assert(!o->over);
    *o = (outcome){.over = true, .kind = kind};
    buf_str_add(&o->json, json);
    buf_str_add(&o->detail, detail);
}

static inline void turn_until(const bool *over) {
    while (!*over)
        uv_run(loop_uv(turned), UV_RUN_ONCE);
}

static inline void outcome_free(outcome *o) {
    buf_free(&o->json);
    buf_free(&o->detail);
}

static inline transform_run *start_for(uint64_t owner, const char *program, bb_str input, bb_str variables,
                                       uint64_t timeout_ms, size_t max_result, transform_done done,
                                       void *ctx) {
    const transform_job job = {.program = program,
                               .input = input,
                               .variables = variables,
                               .owner = owner,
                               .timeout_ms = timeout_ms,
                               .max_result = max_result};
    return transform_start(jq, &job, done, ctx);
}

static inline outcome run_with(const char *program, bb_str input, const char *variables, uint64_t timeout_ms,
                               size_t max_result) {
    outcome o = {0};
    transform_run *r = start_for(0, program, input, str_from(variables), timeout_ms, max_result, on_done, &o);
    ck_assert_ptr_nonnull(r);
    ck_assert_msg(!o.over, "done was called from within transform_start");
    turn_until(&o.over);
    return o;
}

static inline outcome run(const char *program, const char *input) {
    return run_with(program, str_from(input), NULL, LIMIT_MS, LIMIT_BYTES);
}

/* The result as it is written. */
static inline void gives(const char *program, const char *input, const char *expected) {
    outcome o = run(program, input);
    ck_assert_msg(o.kind == TRANSFORM_OK && str_eq(buf_str(&o.json), str_from(expected)),
                  "%s on %s: outcome %d, \"%s\"%s, not %s", program, input, (int)o.kind, buf_cstr(&o.json),
                  buf_cstr(&o.detail), expected);
    outcome_free(&o);
}

static inline void ends_as(outcome o, transform_outcome kind, const char *part) {
    ck_assert_msg(o.kind == kind && strstr(buf_cstr(&o.detail), part) != NULL,
                  "outcome %d \"%s\", not %d \"%s\"", (int)o.kind, buf_cstr(&o.detail), (int)kind, part);
    ck_assert_uint_eq(o.json.len, 0);
    outcome_free(&o);
}

static inline void fails(const char *program, const char *input, const char *part) {
    ends_as(run(program, input), TRANSFORM_FAILED, part);
}

#endif
