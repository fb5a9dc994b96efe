/* Whatever is read is written back as the same value, and never read past its end. */
#include "json/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    arena *a = arena_new(0);
    const json_value *v = json_read(a, str_of(data, size), NULL, NULL);
    if (v != NULL) {
        buf out;
        buf_init(&out);
        json_pretty(v, 1, &out);
        const json_value *again = json_read(a, buf_str(&out), NULL, NULL);
        double number;
        int64_t integer;
        if (again == NULL || !json_equal(v, again))
            abort();
        json_to_double(v, &number);
        json_to_i64(v, &integer);
        buf_free(&out);
    }
    arena_free(a);
    return 0;
}
