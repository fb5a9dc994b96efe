/* abandons.c - calls that are given up at each step: what the service is told then is a request, or nothing.
 */
#include "check/drive.h"

#define STEPS_TRIED 4u

static void run(const specimen *s, const sample *x, const answer *a, const run_options *o, run_end *end) {
    run_call(s, x, &(script){a, a, 0}, o, end);
    judge(end);
}

static const char *name_of(bb_code why) {
    return why == BB_E_CANCELLED ? "BB_E_CANCELLED" : "BB_E_DEADLINE";
}

/* False: the call ends before it has had so many answers. */
static bool give_up(const specimen *s, const sample *x, const answer *a, unsigned after, bb_code why,
                    unsigned *host_calls) {
    run_end end;
    at("%s, given up (%s) after %u answers: %s", sample_name(x), name_of(why), after, a->label);
    run(s, x, a, &(run_options){.give_up = why, .give_up_after = after}, &end);
    if (end.given_up && end.outcome == PLUGIN_FAILED && !end.misused)
        wrong("abandon fails: %s; where there is nothing to be dropped, it is BB_DONE", end.message);
    bool reached = end.given_up;
    *host_calls = end.host_calls;
    run_free(&end);
    return reached;
}

static void give_up_without_memory(const specimen *s, const sample *x, const answer *a, unsigned after,
                                   unsigned host_calls) {
    for (unsigned n = 1; n <= host_calls; n++) {
        run_end end;
        at("%s, given up after %u answers, host call %u failing", sample_name(x), after, n);
        run(s, x, a, &(run_options){.give_up = BB_E_CANCELLED, .give_up_after = after, .fail_at = n}, &end);
        run_free(&end);
    }
}

static void check_answer(const specimen *s, const sample *x, const answer *a, bool faults) {
    unsigned host_calls, unused;
    for (unsigned after = 0; after < STEPS_TRIED; after++) {
        if (!give_up(s, x, a, after, BB_E_CANCELLED, &host_calls))
            break;
        give_up(s, x, a, after, BB_E_DEADLINE, &unused);
        if (faults)
            give_up_without_memory(s, x, a, after, host_calls);
    }
}

void check_abandons(trial *t) {
    size_t count = 0, operations = 0;
    specimen s;
    if (!trial_load(t) || !trial_instance(t, &s))
        return;
    poison_loud(true); /* there is no answer to look at */
    sample *samples = samples_of(t, &count);
    for (size_t i = 0; i < count; i++) {
        const sample *x = &samples[i];
        if (x->scheme != NULL || x->op->abandon == NULL)
            continue;
        operations++;
        check_answer(&s, x, x->good, true);
        for (const answer *a = bad_answers(t, x); a->label != NULL; a++)
            check_answer(&s, x, a, false);
    }
    poison_loud(false);
    at("%s", "");
    if (operations == 0)
        note("it declares no operations that may be abandoned");
    specimen_destroy(&s);
}
