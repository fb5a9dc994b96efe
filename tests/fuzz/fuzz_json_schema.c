/* A schema and an instance, with a NUL between: compiling and validating end, whatever they are. */
#include "json/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bb_str rest = str_of(data, size), text;
    err e;
    if (size == 0 || !str_split(&rest, '\0', &text))
        return 0;
    schema *s = schema_compile(text, STR("busbar:///x/"), NULL, &e);
    arena *a = arena_new(0);
    const json_value *v = json_read(a, rest.ptr != NULL ? rest : STR("{}"), NULL, NULL);
    schema_issues issues = {0};
    if (s != NULL && v != NULL)
        schema_validate(s, v, a, &issues);
    arena_free(a);
    schema_free(s);
    return 0;
}
