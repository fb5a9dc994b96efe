/* print.c - texts and JSON for people and for pipes. */
#include "cli/cli.h"

#include <stdlib.h>
#include <unistd.h>

bool wants_text(const options *o) {
    return o->output == OUTPUT_TEXT || (o->output == OUTPUT_AUTO && isatty(STDOUT_FILENO));
}

/* --- texts -------------------------------------------------------------------------------------------------
 */

static bool continues(char c) { /* a byte within a UTF-8 character (RFC 3629) */
    return ((unsigned char)c & 0xC0u) == 0x80u;
}

void print_text(FILE *to, bb_str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        /* C1 controls are U+0080 to U+009F: C2 80 to C2 9F */
        bool c1 = c == 0xC2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xA0;
        if (c1)
            i++;
        fputc(c1 || (c < ' ' && c != '\n' && c != '\t') || c == 127 ? '?' : c, to);
    }
}

size_t text_columns(bb_str text) {
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += !continues(text.ptr[i]);
    return n;
}

size_t text_cut(bb_str text, size_t columns) {
    size_t i = 0;
    while (i < text.len && (columns > 0 || continues(text.ptr[i])))
        columns -= !continues(text.ptr[i++]);
    return i;
}

/* --- JSON --------------------------------------------------------------------------------------------------
 */

static size_t string_end(bb_str json, size_t at) {
    for (at++; at < json.len && json.ptr[at] != '"'; at++)
        at += json.ptr[at] == '\\';
    return at + 1 < json.len ? at + 1 : json.len;
}

static size_t word_end(bb_str json, size_t at) {
    while (at < json.len && strchr(",]}\n ", json.ptr[at]) == NULL)
        at++;
    return at;
}

/* SGR sequences (ECMA-48): names blue, strings green, numbers cyan, the rest magenta. */
static void print_coloured(bb_str json) {
    for (size_t i = 0; i < json.len;) {
        char c = json.ptr[i];
        if (strchr("{}[],: \n", c) != NULL) {
            putchar(c);
            i++;
            continue;
        }
        size_t end = c == '"' ? string_end(json, i) : word_end(json, i);
        bool name = c == '"' && end < json.len && json.ptr[end] == ':';
        const char *colour = name ? "34" : c == '"' ? "32" : strchr("-0123456789", c) != NULL ? "36" : "35";
        printf("\033[%sm%.*s\033[0m", colour, (int)(end - i), json.ptr + i);
        i = end;
    }
}

static bool wants_colour(void) {
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

void print_json(const options *o, const json_value *v) {
    buf out;
    buf_init(&out);
    if (!o->compact && (o->output == OUTPUT_TEXT || isatty(STDOUT_FILENO)))
        json_pretty(v, 2, &out);
    else
        buf_str_add(&out, json_raw(v));
    if (wants_colour())
        print_coloured(buf_str(&out));
    else
        fwrite(out.ptr, 1, out.len, stdout);
    putchar('\n');
    fflush(stdout);
    buf_free(&out);
}

void print_lines(const json_value *items) {
    for (json_iter it = json_iterate(items); json_next(&it);)
        printf("%.*s\n", STR_FMT(json_raw(it.value)));
}
