/* inspect_connection.c - `busbar inspect CONNECTION`: how it is configured, and what it holds of the hub now.
 */
#include "cli/cli.h"
#include "cli/inspect.h"

#include <stdio.h>
#include <stdlib.h>

static bb_str text_of(const json_value *v, const char *member) {
    return json_string(json_get(v, str_from(member)));
}

static void print_settings(FILE *to, const json_value *settings) {
    if (json_count(settings) == 0)
        fprintf(to, "  none\n");
    for (json_iter it = json_iterate(settings); json_next(&it);)
        fprintf(to, "  %.*s = %.*s\n", STR_FMT(it.key),
                STR_FMT(json_is(it.value, JSON_STRING) ? json_string(it.value) : json_raw(it.value)));
}

/* Its members as they come: "call_memory_bytes" as "call memory bytes". */
static void print_ledger(FILE *to, const json_value *ledger) {
    for (json_iter it = json_iterate(ledger); json_next(&it);) {
        fprintf(to, "  ");
        for (size_t i = 0; i < it.key.len; i++)
            fputc(it.key.ptr[i] == '_' ? ' ' : it.key.ptr[i], to);
        fprintf(to, " %.*s\n", STR_FMT(json_raw(it.value)));
    }
}

static void print_connection(FILE *to, const json_value *c) {
    bb_str error = text_of(c, "error");
    fprintf(to, "%.*s - %.*s\n", STR_FMT(text_of(c, "id")), STR_FMT(text_of(c, "name")));
    fprintf(to, "connector %.*s, file %.*s\n", STR_FMT(text_of(c, "plugin")), STR_FMT(text_of(c, "file")));
    if (error.len > 0)
        fprintf(to, "refused: %.*s\n", STR_FMT(error));
    if (json_getl(c, "ledger") == NULL)
        return;
    fprintf(to, "\nsettings\n");
    print_settings(to, json_getl(c, "settings"));
    fprintf(to, "\nauth scheme\n  %.*s\n", STR_FMT(text_of(json_getl(c, "auth"), "scheme")));
    fprintf(to, "\nholds now\n");
    print_ledger(to, json_getl(c, "ledger"));
}

void inspect_print_connection(const json_value *shown) {
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (to == NULL)
        return;
    print_connection(to, shown);
    if (fclose(to) == 0)
        print_text(stdout, str_of(text, size));
    free(text);
}
