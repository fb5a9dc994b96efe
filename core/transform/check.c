/* check.c - whether a program compiles, asked by the main thread. */
#include "transform/pool.h"

#include <stdlib.h>

#define CHECK_MS 5000u
/* Compiling takes libjq 1.6 some 20 ms, and a configuration is read again and again: so many good programs
 * are remembered, for as long as the process lives. */
#define GOOD_MAX 1024u

static char *good[GOOD_MAX];
static size_t good_count;

static bool is_known(const char *program) {
    for (size_t i = 0; i < GOOD_MAX && good[i] != NULL; i++)
        if (strcmp(good[i], program) == 0)
            return true;
    return false;
}

static void remember(const char *program) {
    char **place = &good[good_count++ % GOOD_MAX];
    free(*place);
    *place = strdup(program);
}

typedef struct checking {
    bool over, ok;
    err *e;
} checking;

static void on_checked(transform_outcome outcome, bb_str json, bb_str detail, void *ctx) {
    checking *c = ctx;
    (void)json;
    c->over = true;
    c->ok = outcome == TRANSFORM_OK;
    if (outcome == TRANSFORM_TIMEOUT)
        err_set(c->e, "the program did not compile within %u s", CHECK_MS / 1000);
    else if (!c->ok)
        err_set(c->e, "%.*s", STR_FMT(detail));
}

/* A loop of its own that this thread turns until the answer is there. */
bool transform_check(const char *program, err *e) {
    checking c = {.e = e};
    if (is_known(program))
        return true;
    loop *l = loop_new(0);
    transforms *t = l != NULL ? transforms_new(l, e) : NULL;
    const transform_job job = {.program = program, .timeout_ms = CHECK_MS};
    transform_run *r = t != NULL ? pool_add(t, &job, on_checked, &c) : NULL;
    if (r != NULL) {
        r->check = true;
        pool_next(t);
        while (!c.over)
            uv_run(loop_uv(l), UV_RUN_ONCE);
    } else {
        err_set(e, "no memory to check a jq program");
    }
    transforms_free(t);
    loop_free(l); /* turns the loop until all is closed */
    if (c.ok)
        remember(program);
    return c.ok;
}
