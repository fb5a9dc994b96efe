/* trace_read on anything: a line of traceparent, the rest is tracestate. What is taken is written again and
 * read the same. */
#include "observe/trace.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const trace_context *c) {
    char text[TRACEPARENT_SIZE];
    trace_context again;
    trace_write(c->trace_id, c->parent_id, c->flags, text);
    trace_read(str_from(text), c->state, &again);
    if (!again.present || again.flags != c->flags || memcmp(again.trace_id, c->trace_id, 16) != 0 ||
        memcmp(again.parent_id, c->parent_id, 8) != 0 || !str_eq(again.state, c->state))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bb_str rest = str_of(data, size), parent = {NULL, 0};
    trace_context c;
    str_split(&rest, '\n', &parent);
    trace_read(parent, rest, &c);
    if (c.present)
        check_again(&c);
    else if (c.state.ptr != NULL)
        abort();
    for (size_t i = 0; i < c.state.len; i++)
        if ((c.state.ptr[i] < ' ' && c.state.ptr[i] != '\t') || c.state.ptr[i] > '~')
            abort();
    return 0;
}
