/* clock.h - what time it is. Thread: any. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

uint64_t clock_ns(void);      /* CLOCK_MONOTONIC: for durations and deadlines */
uint64_t clock_boot_ns(void); /* CLOCK_BOOTTIME: as that, and it goes on while the machine sleeps */
uint64_t clock_wall_ns(void); /* CLOCK_REALTIME, nanoseconds since 1970 */
uint64_t clock_wall_ms(void); /* CLOCK_REALTIME: milliseconds since 1970, for people and records */

/* Another source of time, for tests that must not wait: NULL members are the system's, but for boot_ns, which
 * goes as wall_ms does then: a clock that never jumps. Other threads come to go by it one after the other. */
typedef struct clock_source {
    uint64_t (*ns)(void);
    uint64_t (*wall_ms)(void);
    uint64_t (*boot_ns)(void);
} clock_source;
void clock_inject(clock_source source);

#define CLOCK_RFC3339_SIZE 25
/* "2026-01-31T12:00:00.123Z" and a NUL. */
void clock_rfc3339(uint64_t wall_ms, char out[CLOCK_RFC3339_SIZE]);

/* RFC 3339, with or without fraction, "Z" or an offset; or the date alone, which is its midnight UTC. */
bool clock_from_rfc3339(bb_str text, uint64_t *wall_ms);
/* As the RFC's section 5.6 has it, for a time that is given on: with "T", whole, of any year. */
bool clock_is_rfc3339(bb_str text);

#endif
