/* crew.h - several threads that do the same at once, and random numbers that are the same in every run. */
#ifndef LIMIT_CREW_H
#define LIMIT_CREW_H

#include "unit.h"

#include <pthread.h>
#include <stdint.h>

#define CREW 8u

/* What each thread is given: its number, its own random state, and what all of them work on. Checks stay out
 * of the threads: Check's assertions are for one. */
typedef struct hand {
    unsigned number;
    uint64_t random;
    void *shared;
    pthread_t thread;
} hand;

/* splitmix64: any seed will do. */
static inline uint64_t chance(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline uint64_t between(uint64_t *state, uint64_t least, uint64_t most) {
    return least + chance(state) % (most - least + 1);
}

/* Runs `work` in CREW threads and waits for all. */
static inline void crew_run(void *(*work)(void *), void *shared, uint64_t seed) {
    hand hands[CREW];
    for (unsigned i = 0; i < CREW; i++) {
        hands[i] = (hand){.number = i, .random = seed * CREW + i, .shared = shared};
        ck_assert_int_eq(pthread_create(&hands[i].thread, NULL, work, &hands[i]), 0);
    }
    for (unsigned i = 0; i < CREW; i++)
        pthread_join(hands[i].thread, NULL);
}

#endif
