/* How many signed posts a second one loop makes of 0.9 kB events, to a receiver on loopback that has a thread
 * of its own: bench_webhook_post [POSTS [IN FLIGHT]]. Alone on two cores it says what sending costs at all.
 */
#include "base/clock.h"
#include "http/server.h"
#include "webhook/post.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static posts *sender;
static post_what what;
static unsigned long wanted, begun, failed;
static atomic_ulong over;
static uint64_t cpu_from, cpu_to;

static void receive(http_exchange *x, void *ctx) {
    (void)ctx;
    http_respond(x, &(http_response){.status = 204});
}

/* Of the loop's own thread: what others do on this machine is not in it. */
static uint64_t cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void begin_one(void);

static void on_done(const post_result *r, void *ctx) {
    (void)ctx;
    failed += r->failure != POST_OK;
    if (begun < wanted)
        begin_one();
    cpu_to = cpu_ns();
    atomic_fetch_add(&over, 1);
}

static void begin_one(void) {
    begun++;
    if (post_begin(sender, &what, on_done, NULL) == NULL)
        abort();
}

static void begin_all(loop *l, void *arg) {
    (void)l;
    cpu_from = cpu_ns();
    for (unsigned i = 0; i < *(unsigned *)arg && begun < wanted; i++)
        begin_one();
}

static void measure(const char *name, loop *l, unsigned in_flight) {
    uint64_t from = clock_ns();
    begun = failed = 0;
    atomic_store(&over, 0);
    loop_post(l, begin_all, &in_flight);
    while (atomic_load(&over) < wanted)
        usleep(1000);
    printf("%-16s %8.0f posts/s, %5.2f us of the sending thread each, %lu failed\n", name,
           (double)wanted * 1e9 / (double)(clock_ns() - from),
           (double)(cpu_to - cpu_from) / 1e3 / (double)wanted, failed);
}

int main(int argc, char **argv) {
    char payload[900];
    err e = {""};
    int fd;
    wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    unsigned in_flight = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 64;
    signal(SIGPIPE, SIG_IGN);
    arena *a = arena_new(0);
    uint16_t port = http_bind(STR("127.0.0.1:0"), &fd, 1, &e);
    loop *receiver = loop_new(0), *l = loop_new(1);
    http_server *server = http_server_new(receiver, fd, &(http_server_limits){0}, receive, NULL, &e);
    post_rules rules = {.guard = {.plain = true}};
    http_ranges_read(a, STR("127.0.0.1"), &rules.guard.allow, &e);
    sender = posts_new(l, &e);
    if (port == 0 || server == NULL || sender == NULL || !loop_start(receiver) || !loop_start(l)) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    memset(payload, 'x', sizeof payload);
    memcpy(payload, "{\"text\":\"", 9);
    memcpy(payload + sizeof payload - 2, "\"}", 2);
    delivery event = {.event = STR("evt_01m7za3mjmbqy2sbj1znavppq8"),
                      .source = STR("api"),
                      .type = STR("invoice.paid"),
                      .content_type = STR("application/json"),
                      .payload = str_of(payload, sizeof payload)};
    post_destination to = {.url = arena_printf(a, "http://127.0.0.1:%u/", port).ptr,
                           .target = post_target(&rules),
                           .standard = true,
                           .timeout_ms = 60000};
    what = (post_what){.to = &to, .events = &event, .count = 1, .now_ms = clock_wall_ms()};
    measure("not signed", l, in_flight);
    to.keys = signing_keys_read(STR("a secret of the bench"), &e);
    measure("v1", l, in_flight);
    to.format = POST_CLOUDEVENTS;
    measure("v1, CloudEvents", l, in_flight);
    return 0; /* by exit: the loops are not worth stopping */
}
