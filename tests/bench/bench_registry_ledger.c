/* What the ledger adds to a call: `ledger.call NANOSECONDS ns`, the least of several rounds, by one thread
 * and by as many as there are processors, each with a line of its own, as loops have. */
#include "base/clock.h"
#include "registry/connection.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS 7
#define TIMES 10000000u
#define THREADS_MAX 16u

static connection shared;

/* What a call with one request and one JSON writer does. */
static void *calls(void *arg) {
    unsigned loop_number = *(unsigned *)arg;
    ledger_share *s = &shared.holds[loop_number].share;
    for (unsigned i = 0; i < TIMES; i++) {
        connection_enter(&shared, loop_number);
        ledger_add(&s->writers, 1);
        ledger_take(&s->writers, 1);
        ledger_add(&s->call_bytes, 4096);
        ledger_add(&s->transfers, 1);
        ledger_take(&s->transfers, 1);
        ledger_take(&s->call_bytes, 4096);
        if (connection_leave(&shared, loop_number))
            abort();
    }
    return NULL;
}

static double measure(unsigned threads) {
    pthread_t ids[THREADS_MAX];
    unsigned numbers[THREADS_MAX];
    uint64_t began = clock_ns();
    for (unsigned i = 0; i < threads; i++) {
        numbers[i] = i;
        if (pthread_create(&ids[i], NULL, calls, &numbers[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    return (double)(clock_ns() - began) / TIMES;
}

static double least(unsigned threads) {
    double best = measure(threads);
    for (int round = 1; round < ROUNDS; round++) {
        double each = measure(threads);
        best = each < best ? each : best;
    }
    return best;
}

int main(void) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = n < 1 ? 1 : n > (long)THREADS_MAX ? THREADS_MAX : (unsigned)n;
    shared.holds = aligned_alloc(64, threads * sizeof *shared.holds);
    if (shared.holds == NULL)
        return 1;
    memset(shared.holds, 0, threads * sizeof *shared.holds);
    printf("ledger.call %.2f ns\n", least(1));
    printf("ledger.call.%u_threads %.2f ns\n", threads, least(threads));
    free(shared.holds);
    return 0;
}
