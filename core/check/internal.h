/* internal.h - what the checks share: where they are, what they say, and what they are given. */
#ifndef CHECK_INTERNAL_H
#define CHECK_INTERNAL_H

#include "base/arena.h"
#include "base/sanitized.h"
#include "check/check.h"
#include "plugin/module.h"

#include <stdatomic.h>

#define CHECK_SLOWER (SANITIZED ? 8u : 1u) /* what a sanitizer costs: limits of time are as much longer */

/* What a check's process and the one that waits for it share: memory that outlives a crash. */
typedef struct check_board {
    _Atomic unsigned count, dropped;
    check_finding findings[CHECK_FINDINGS_MAX];
    char where[240];
    char note[160];
    char doing[48];            /* the connector's function at work */
    _Atomic uint64_t since_ns; /* when it was called; 0: none is at work */
    _Atomic uint64_t limit_ns; /* how long it may take */
    _Atomic unsigned finished;
    _Atomic unsigned operations; /* that the connector has: many take longer */
} check_board;

/* A check's own process. */
typedef struct trial {
    const check_options *o;
    bb_str file; /* its bytes */
    bb_str id;
    arena *memory;
    plugin_module *module; /* loaded by checks that need it */
} trial;

extern check_board *board;

/* Where the check is: "operation x, example 1". Named in what is said from now on. */
__attribute__((format(printf, 1, 2))) void at(const char *format, ...);
/* The check fails; or a warning. A text that was said before at the same place is not said again. */
__attribute__((format(printf, 1, 2))) void wrong(const char *format, ...);
__attribute__((format(printf, 1, 2))) void warning(const char *format, ...);
__attribute__((format(printf, 1, 2))) void note(const char *format, ...);
bool said_wrong(void); /* something has been found wrong already */

#define INIT_LIMIT_MS 5000u  /* plugin.h: [init] may take 5 s */
#define STEP_LIMIT_MS 2000u  /* a step never blocks: this is a hang by any measure */
#define SESSION_RUN_MS 1000u /* the time that a session operation is given: it is to come back by then */
/* Around each call into the connector. */
void enter(const char *doing, unsigned limit_ms);
void leave(void);
void one_of_many(void); /* this thread's calls are not timed one by one: who waits for it has entered */

/* --- the checks ---------------------------------------------------------------------------------- */

typedef struct check_def {
    const char *name, *about;
    enum { NEEDS_NOTHING, NEEDS_FILE, NEEDS_LOAD } needs;
    void (*run)(trial *t);
} check_def;

extern const check_def check_list[];

void check_file(trial *t);
void check_exports(trial *t);
void check_linking(trial *t);
void check_libraries(trial *t);
void check_imports(trial *t);
void check_constructors(trial *t);
void check_load(trial *t);
void check_descriptor(trial *t);
void check_schemas(trial *t);
void check_lifecycle(trial *t);
void check_settings(trial *t);
void check_threads(trial *t);
void check_steps(trial *t);
void check_deadline(trial *t);
void check_determinism(trial *t);
void check_webhooks(trial *t);
/* webhook_samples.c: what the scheme signs it verifies, and what is signed with another secret it does not.
 * `input`: its fields. */
struct bb_webhook_scheme;
struct specimen;
void check_webhook_sample(trial *t, const struct specimen *s, const struct bb_webhook_scheme *scheme,
                          bb_str input);
void check_sessions(trial *t);
void check_contents(trial *t);
void check_abandons(trial *t);
void check_faults(trial *t);
void check_leaks(trial *t);

/* Loads and admits the connector; false: it has been said why not. */
bool trial_load(trial *t);

#endif
