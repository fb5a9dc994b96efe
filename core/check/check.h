/* Room check: `busbar check`, the trial of a connector by those who write it. It includes plugin, json and
 * base; cli includes it. It opens no connection: answers come from scripts, and each check runs in a process
 * of its own.
 *
 * check.h - what may be asked of it, and what it found. */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdio.h>

#define CHECK_FINDINGS_MAX 24 /* kept of one check */

typedef struct check_options {
    const char *file;
    const char *only; /* names with commas between; NULL: all */
    uint64_t seed;    /* of all that is generated */
    bb_str settings;  /* a JSON object in place of the generated settings; absent: none */
} check_options;

typedef struct check_finding {
    bool warning;
    char where[240]; /* operation, example, step; "" : the connector as a whole */
    char text[720];  /* what is wrong and what to do: a sentence */
} check_finding;

typedef enum { CHECK_PASSED, CHECK_WARNED, CHECK_FAILED, CHECK_SKIPPED } check_status;

typedef struct check_result {
    const char *name, *about;
    check_status status;
    uint64_t ms;
    check_finding findings[CHECK_FINDINGS_MAX];
    size_t count, dropped; /* dropped: found beyond the most that are kept */
    char note[160];        /* why it was skipped, or what was left out */
} check_result;

typedef struct check_report {
    const char *file;
    bb_str id; /* of the connector, by the file's name */
    uint64_t seed;
    check_result *results;
    size_t count;
} check_report;

extern const char *const check_names[]; /* ends with NULL */

/* Runs the checks, one process each. False: *e says why none could be run (no such file, no memory). The
 * process must have no other threads. */
bool check_run(arena *a, const check_options *o, check_report *r, err *e);

bool check_report_passed(const check_report *r);
void check_report_text(const check_report *r, FILE *to);
void check_report_json(const check_report *r, buf *out);
void check_report_junit(const check_report *r, buf *out);

#endif
