#include "limit/rate.h"

#define SECOND_NS 1000000000ull

bool rate_read(bb_str value, uint32_t burst, gcra_policy *out) {
    bb_str rest = value, count;
    uint64_t rate, period = SECOND_NS;
    if (!str_split(&rest, '/', &count) || !str_to_u64(str_trim(count), &rate))
        return false;
    if (rest.ptr != NULL) {
        bb_str unit = str_trim(rest);
        static const struct {
            const char *name;
            uint64_t seconds;
        } units[] = {{"s", 1},       {"sec", 1},  {"second", 1},  {"m", 60},    {"min", 60},
                     {"minute", 60}, {"h", 3600}, {"hour", 3600}, {"d", 86400}, {"day", 86400}};
        size_t i = 0;
        while (i < sizeof units / sizeof units[0] && !str_eq(unit, str_from(units[i].name)))
            i++;
        if (i == sizeof units / sizeof units[0])
            return false;
        period = units[i].seconds * SECOND_NS;
    }
    return gcra_policy_of(rate, period, burst, out);
}

bool quota_read(bb_str value, uint64_t out[QUOTA_PERIODS]) {
    uint64_t found[QUOTA_PERIODS] = {0};
    bb_str rest = value;
    for (bb_str part; str_split(&rest, ',', &part);) {
        bb_str count, unit = str_trim(part);
        uint64_t n;
        if (!str_split(&unit, '/', &count) || !str_to_u64(str_trim(count), &n) || n == 0)
            return false;
        unit = str_trim(unit);
        bool day = str_eq(unit, STR("day")) || str_eq(unit, STR("d"));
        quota_period period = day ? QUOTA_DAY : QUOTA_MONTH;
        if ((!day && !str_eq(unit, STR("month"))) || found[period] != 0)
            return false;
        found[period] = n;
    }
    memcpy(out, found, sizeof found);
    return value.ptr != NULL;
}
