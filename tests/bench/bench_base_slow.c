/* bench_base_slow - both ends of slow calls, in one thread that costs next to nothing:
 *
 *   bench_base_slow PORT DELAY_MS HUB_PORT KEY COUNT
 *
 * Serves HTTP on PORT (0: one that the kernel picks), answering each request after DELAY_MS; and keeps COUNT
 * calls under way at the hub, the i-th on connection "slowI", each on a connection of its own, each repeated
 * when it is answered. Prints "ready PORT", then on SIGTERM "{"answered": N, "failed": N, "most": N}". */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct peer {
    int fd;
    bool server; /* the service's side of a connection from the hub */
    unsigned number;
    size_t got;
    uint64_t due_ms; /* server: when to answer; 0: no request yet */
    struct peer *next_due;
    char input[4096];
} peer;

static int epoll, listener;
static uint64_t delay_ms;
static unsigned hub_port, count, failed, answered, held, most;
static const char *key;
static peer *due_first,
    **due_end = &due_first; /* in the order of their times: the delay is the same for all */
static volatile sig_atomic_t stopped;

static uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void on_term(int number) {
    (void)number;
    stopped = 1;
}

static void watch(peer *p) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
    epoll_ctl(epoll, EPOLL_CTL_ADD, p->fd, &e);
}

static struct sockaddr_in loopback(unsigned port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static unsigned serve(unsigned port) {
    struct sockaddr_in a = loopback(port);
    socklen_t len = sizeof a;
    int on = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 4096) != 0 ||
        getsockname(listener, (struct sockaddr *)&a, &len) != 0)
        return 0;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
    return ntohs(a.sin_port);
}

static void take_connections(void) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        peer *p = calloc(1, sizeof *p);
        if (p == NULL) {
            close(fd);
            return;
        }
        p->fd = fd;
        p->server = true;
        watch(p);
    }
}

static void ask(peer *p) {
    char text[1024];
    int n = snprintf(
        text, sizeof text,
        "POST /api/v1/connections/slow%u/operations/get HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer "
        "%s\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"path\":\"/x\"}",
        p->number, key);
    if (write(p->fd, text, (size_t)n) != n)
        failed++;
}

static bool call(unsigned number) {
    struct sockaddr_in a = loopback(hub_port);
    peer *p = calloc(1, sizeof *p);
    if (p == NULL)
        return false;
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    p->number = number;
    if (connect(p->fd, (struct sockaddr *)&a, sizeof a) != 0) {
        close(p->fd);
        free(p);
        return false;
    }
    fcntl(p->fd, F_SETFL, O_NONBLOCK);
    watch(p);
    ask(p);
    return true;
}

/* A whole message is there: a request without a body, or an answer that ends with the execution's object. */
static void on_message(peer *p) {
    if (p->server) {
        p->due_ms = now_ms() + delay_ms;
        p->next_due = NULL;
        *due_end = p;
        due_end = &p->next_due;
        most = ++held > most ? held : most;
        return;
    }
    if (strncmp(p->input, "HTTP/1.1 200", 12) == 0)
        answered++;
    else
        failed++;
    ask(p);
}

static bool is_whole(const peer *p) {
    const char *end = strstr(p->input, "\r\n\r\n"), *length = strcasestr(p->input, "content-length:");
    if (end == NULL)
        return false;
    size_t body = length != NULL && length < end ? strtoul(length + 15, NULL, 10) : 0;
    return p->got >= (size_t)(end + 4 - p->input) + body;
}

static void on_readable(peer *p) {
    ssize_t n = read(p->fd, p->input + p->got, sizeof p->input - 1 - p->got);
    if (n <= 0) {
        if (n < 0 && errno == EAGAIN)
            return;
        failed += !p->server && !stopped;
        epoll_ctl(epoll, EPOLL_CTL_DEL, p->fd, NULL);
        close(p->fd);
        p->fd = -1;
        return;
    }
    p->got += (size_t)n;
    p->input[p->got] = '\0';
    if (!is_whole(p))
        return;
    p->got = 0;
    on_message(p);
}

static int answer_due(void) {
    static const char text[] =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"slow\":true}";
    uint64_t now = now_ms();
    while (due_first != NULL && due_first->due_ms <= now) {
        peer *p = due_first;
        due_first = p->next_due;
        if (due_first == NULL)
            due_end = &due_first;
        held--;
        if (p->fd >= 0 && write(p->fd, text, sizeof text - 1) < 0)
            failed++;
    }
    return due_first != NULL ? (int)(due_first->due_ms - now) + 1 : 100;
}

/* Spread over one delay, so that they are answered one after the other ever after. Gives ms until the next;
 * -1: all are begun.
 */
static int begin_due(uint64_t began) {
    static unsigned begun;
    while (begun < count && now_ms() >= began + begun * delay_ms / count)
        failed += !call(begun++);
    return begun < count ? 1 : -1;
}

int main(int argc, char **argv) {
    struct rlimit files;
    if (argc != 6) {
        fprintf(stderr, "usage: bench_base_slow PORT DELAY_MS HUB_PORT KEY COUNT\n");
        return 2;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGTERM, on_term);
    signal(SIGPIPE, SIG_IGN);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    delay_ms = strtoull(argv[2], NULL, 10);
    hub_port = (unsigned)strtoul(argv[3], NULL, 10);
    key = argv[4];
    count = (unsigned)strtoul(argv[5], NULL, 10);
    unsigned port = serve((unsigned)strtoul(argv[1], NULL, 10));
    if (port == 0)
        return 1;
    printf("ready %u\n", port);
    fflush(stdout);
    struct epoll_event events[256];
    uint64_t began = now_ms();
    while (!stopped) {
        int next = begin_due(began), due = answer_due();
        int n = epoll_wait(epoll, events, 256, next >= 0 && next < due ? next : due);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                take_connections();
            else
                on_readable(events[i].data.ptr);
        }
    }
    printf("{\"answered\": %u, \"failed\": %u, \"most\": %u}\n", answered, failed, most);
    return 0;
}
