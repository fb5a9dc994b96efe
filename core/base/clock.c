#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static clock_source source;

void clock_inject(clock_source injected) {
    source = injected;
}

uint64_t clock_ns(void) {
    if (source.ns != NULL)
        return source.ns();
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_wall_ns(void) {
    if (source.wall_ms != NULL)
        return source.wall_ms() * 1000000u;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_wall_ms(void) {
    return clock_wall_ns() / 1000000u;
}

void clock_rfc3339(uint64_t wall_ms, char out[CLOCK_RFC3339_SIZE]) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    char date[32];
    if (gmtime_r(&seconds, &tm) == NULL || strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm) != 19) {
        snprintf(out, CLOCK_RFC3339_SIZE, "0000-00-00T00:00:00.000Z");
        return;
    }
    snprintf(out, CLOCK_RFC3339_SIZE, "%.19s.%03uZ", date, (unsigned)(wall_ms % 1000));
}
