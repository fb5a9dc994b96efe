/* Times on anything: what is taken is written again, and read the same. */
#include "base/clock.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LAST_MS 253402300799999u /* of the year 9999 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint64_t ms, again;
    char text[CLOCK_RFC3339_SIZE];
    if (!clock_from_rfc3339(str_of(data, size), &ms))
        return 0;
    clock_rfc3339(ms, text);
    if (strlen(text) != CLOCK_RFC3339_SIZE - 1)
        abort();
    if (ms > LAST_MS) /* an offset may lead beyond what can be written */
        return 0;
    if (!clock_from_rfc3339(str_from(text), &again) || again != ms)
        abort();
    return 0;
}
