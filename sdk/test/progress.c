/* progress.c - what steps say of how far their call is. */
#include "internal.h"

void test_progressed(plugin_call *c, const plugin_progress *progress) {
    bb_test *t = c->progress_ctx;
    t->said = test_room(t->said, t->said_count, &t->said_cap, sizeof *t->said);
    t->said[t->said_count++].kept = *progress;
}

static int64_t number(uint64_t n) {
    return n <= INT64_MAX ? (int64_t)n : -1;
}

const bb_test_progress *bb_test_progress_at(const bb_test *t, size_t index) {
    if (index >= t->said_count)
        return NULL;
    told_progress *s = &t->said[index];
    s->shown = (bb_test_progress){.size = sizeof s->shown,
                                  .done = number(s->kept.done),
                                  .total = number(s->kept.total),
                                  .unit = s->kept.unit,
                                  .stage = s->kept.stage};
    return &s->shown;
}
