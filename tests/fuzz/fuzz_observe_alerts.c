/* The rules of alerts on anything: a refusal says where; what is taken has values in their bounds. */
#include "observe/alerts_rule.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    alert_rule r;
    err e = {""};
    if (!alert_rule_read(str_of(data, size), &r, &e)) {
        if (!str_starts(str_from(e.text), STR("column ")))
            abort();
        return 0;
    }
    if (e.text[0] != '\0' || !isfinite(r.threshold) || r.threshold < 0 || r.over_ms > 3600000 ||
        r.for_ms > 86400000 || r.min_calls == 0 || r.pattern[0] == '\0')
        abort();
    alert_rule_matches(&r, str_of(data, size < 64 ? size : 64));
    alert_rule_beyond(&r, r.threshold, true);
    return 0;
}
