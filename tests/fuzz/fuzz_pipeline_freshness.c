/* Cache-Control on the first line, Age on the second: whatever stands there, nothing is kept for longer than
 * a year, a no-store at the end is never overlooked, and the caller's side reads the same as the service's.
 */
#include "base/buf.h"
#include "pipeline/freshness.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define YEAR_MS 31536000000ull

static void check_no_store(bb_str control) {
    freshness f;
    buf text;
    buf_init(&text);
    buf_str_add(&text, control);
    buf_lit(&text, ", no-store");
    freshness_read(buf_str(&text), (bb_str){NULL, 0}, &f);
    buf_free(&text);
    if (!f.no_store)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bb_str age = str_of(data, size), control = {NULL, 0};
    freshness f, young, by_fields;
    cache_wish w;
    str_split(&age, '\n', &control);
    freshness_read(control, age, &f);
    freshness_read(control, (bb_str){NULL, 0}, &young);
    freshness_wish(control, &w);
    if (f.max_age_ms > young.max_age_ms || young.max_age_ms > YEAR_MS)
        abort();
    if (!f.has_max_age && f.max_age_ms != 0)
        abort();
    if (w.no_cache != f.no_cache || w.no_store != f.no_store || w.has_max_age != f.has_max_age ||
        w.max_age_ms != young.max_age_ms)
        abort();
    const str_pair fields[] = {{STR("Age"), age}, {STR("cache-control"), control}};
    freshness_of(fields, 2, &by_fields);
    if (by_fields.no_store != f.no_store || by_fields.max_age_ms != f.max_age_ms)
        abort();
    check_no_store(control);
    return 0;
}
