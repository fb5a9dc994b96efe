/* told_read on anything: the status on the first line, then header fields. What it believes is within bounds,
 * and nothing else in the answer changes it. */
#include "pipeline/told.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS 32
#define NOW 1769860800000ull
#define DAY_MS 86400000u

static size_t read_fields(bb_str rest, str_pair out[FIELDS]) {
    size_t n = 0;
    for (bb_str line; n < FIELDS && str_split(&rest, '\n', &line); n++) {
        str_split(&line, ':', &out[n].name);
        out[n].value = str_trim(line);
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bb_str rest = str_of(data, size), first = {NULL, 0};
    str_pair fields[FIELDS + 2] = {{STR("Content-Type"), STR("text/plain")}};
    uint64_t status = 0;
    told t, again;
    str_split(&rest, '\n', &first);
    str_to_u64(first, &status);
    size_t n = read_fields(rest, fields + 1);
    told_read(fields + 1, n, (unsigned)status, NOW, &t);
    if (t.reset_ms > DAY_MS || t.wait_ms > DAY_MS)
        abort();
    if (!t.has_left && (t.left != 0 || t.reset_ms != 0))
        abort();
    if (t.wait_ms != 0 && (unsigned)status != 429 && (unsigned)status != 503)
        abort();
    fields[n + 1] = (str_pair){STR("RateLimit-Policy"), STR("\"d\";q=1;w=1")};
    told_read(fields, n + 2, (unsigned)status, NOW, &again);
    if (again.has_left != t.has_left || again.left != t.left || again.reset_ms != t.reset_ms ||
        again.wait_ms != t.wait_ms)
        abort();
    return 0;
}
