/* What the queue takes: events stored, and delivered, with so many calls under way.
 *
 *     bench_store_events FOLDER [EVENTS] [UNDER_WAY] [dedup]
 *
 * Writes one line: events a second, and the processor's time of an event, of storing and of delivering. */
#include "base/clock.h"
#include "store/events.h"
#include "store/store_internal.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define PAYLOAD 900u /* bytes: what services post, most of the time */
#define WINDOW 256u  /* deliveries read and finished at once */
#define TARGET STR("subscription/bench")

typedef struct bench {
    store *s;
    loop *l;
    sem_t room, over;
    uint64_t events, stored, delivered;
    int64_t ids[WINDOW];
} bench;

static double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* --- storing ------------------------------------------------------------------------------------------- */

static void stored(store_result r, const bool *repeated, size_t count, void *ctx) {
    bench *b = ctx;
    if (r != STORE_OK || count != 1 || repeated[0]) {
        fprintf(stderr, "not stored: %s\n", store_result_text(r));
        exit(1);
    }
    sem_post(&b->room);
    if (++b->stored == b->events)
        sem_post(&b->over);
}

static void put_all(bench *b, bool dedup) {
    static char payload[PAYLOAD];
    const event_target to = {.target = TARGET};
    memset(payload, 'x', sizeof payload);
    for (uint64_t i = 0; i < b->events; i++) {
        char id[40], key[40];
        uint64_t now = clock_wall_ms();
        snprintf(id, sizeof id, "%012llx%020llu", (unsigned long long)now, (unsigned long long)i);
        snprintf(key, sizeof key, "evt_%llu", (unsigned long long)i);
        event_new n = {.id = str_from(id),
                       .source = STR("endpoint/bench"),
                       .type = STR("invoice.paid"),
                       .attributes = STR("{\"peer\":\"127.0.0.1\"}"),
                       .content_type = STR("application/json"),
                       .payload = str_of(payload, sizeof payload),
                       .dedup = dedup ? str_from(key) : (bb_str){NULL, 0},
                       .dedup_ms = 86400000,
                       .at_ms = now,
                       .targets = &to,
                       .target_count = 1};
        sem_wait(&b->room);
        if (!events_put(b->s, &n, 1, b->l, stored, b))
            exit(1);
    }
    sem_wait(&b->over);
}

/* --- delivering ---------------------------------------------------------------------------------------- */

static void read_more(bench *b);

static void finished(store_result r, void *ctx) {
    bench *b = ctx;
    if (r != STORE_OK)
        exit(1);
    if (b->delivered == b->events)
        sem_post(&b->over);
    else
        read_more(b);
}

static void came(store_result r, const delivery *list, size_t count, uint64_t next_ms, void *ctx) {
    bench *b = ctx;
    delivery_outcome outcomes[WINDOW];
    (void)next_ms;
    if (r != STORE_OK || count == 0)
        exit(1);
    for (size_t i = 0; i < count; i++)
        outcomes[i] = (delivery_outcome){.id = list[i].id,
                                         .state = DELIVERY_DONE,
                                         .attempted = true,
                                         .at_ms = clock_wall_ms(),
                                         .duration_ms = 3,
                                         .status = 200};
    b->delivered += count;
    deliveries_finish(b->s, outcomes, count, (events_with){0}, b->l, finished, b);
}

static void read_more(bench *b) {
    deliveries_due(b->s, TARGET, clock_wall_ms(), NULL, 0, WINDOW, 16u << 20, b->l, came, b);
}

/* --- all ----------------------------------------------------------------------------------------------- */

static void report(const char *what, bench *b, uint64_t since_ns, double since_cpu) {
    double seconds = (double)(clock_ns() - since_ns) / 1e9, events = (double)b->events;
    store_counts c;
    store_count(b->s, &c);
    printf("%s %.0f/s, %.1f us of a core each, %llu commits, file %llu MiB\n", what, events / seconds,
           (cpu_seconds() - since_cpu) / events * 1e6, (unsigned long long)c.commits,
           (unsigned long long)(c.file_bytes >> 20));
    fflush(stdout);
}

int main(int argc, char **argv) {
    char path[4096];
    err e = {""};
    bench b = {.events = argc > 2 ? strtoull(argv[2], NULL, 10) : 100000};
    snprintf(path, sizeof path, "%s/events.db", argc > 1 ? argv[1] : "/tmp");
    b.s = events_open(path, &e);
    b.l = loop_new(0);
    if (b.s == NULL || b.l == NULL || !loop_start(b.l)) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    sem_init(&b.room, 0, argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 64);
    sem_init(&b.over, 0, 0);
    uint64_t since = clock_ns();
    double cpu = cpu_seconds();
    put_all(&b, argc > 4);
    report("stored", &b, since, cpu);
    since = clock_ns();
    cpu = cpu_seconds();
    read_more(&b);
    sem_wait(&b.over);
    report("delivered", &b, since, cpu);
    store_close(b.s);
    loop_join(b.l);
    loop_free(b.l);
    return 0;
}
