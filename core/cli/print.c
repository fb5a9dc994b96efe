/* print.c - JSON for people and for pipes. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool wants_text(const options *o) {
    return o->output == OUTPUT_TEXT || (o->output == OUTPUT_AUTO && isatty(STDOUT_FILENO));
}

void print_json(const options *o, const json_value *v) {
    buf out;
    buf_init(&out);
    bool indent = o->output != OUTPUT_JSON && isatty(STDOUT_FILENO);
    if (indent)
        json_pretty(v, 2, &out);
    else
        buf_str_add(&out, json_raw(v));
    buf_char(&out, '\n');
    fwrite(out.ptr, 1, out.len, stdout);
    fflush(stdout);
    buf_free(&out);
}
