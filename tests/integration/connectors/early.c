/* early.c - a connector for isolation-odd.test.mjs that acts while it is loaded, from its constructor and
 * from a thread which that leaves behind, before it is confined to calculating. `found` tells what its
 * attempts gave: errno, or 0 where they went well. */
#include <busbar/busbar.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int socket_errno, signal_errno, make_errno, write_errno, unlink_errno;
static _Atomic(int) asked, thread_errno;

static int outcome(long result) {
    return result < 0 ? errno : 0;
}

static void *wait_and_open(void *unused) {
    (void)unused;
    while (!atomic_load(&asked))
        usleep(1000);
    atomic_store(&thread_errno, open("/proc/self/maps", O_RDONLY) < 0 ? errno : -1);
    return NULL;
}

/* Lines of the log, on the socket to the supervisor, without an end. */
static void *flood(void *unused) {
    static unsigned frames[4096 * 6];
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i += 6) {
        frames[i] = 8;      /* bytes behind the head */
        frames[i + 1] = 11; /* FRAME_LOG */
        frames[i + 4] = BB_LOG_ERROR;
    }
    while (write(3, frames, sizeof frames) == sizeof frames)
        ;
    return unused;
}

__attribute__((constructor)) static void constructor(void) {
    pthread_t thread;
    socket_errno = outcome(socket(AF_INET, SOCK_STREAM, 0));
    signal_errno = outcome(syscall(SYS_tgkill, getppid(), getppid(), SIGURG)); /* that does nothing */
    make_errno = outcome(mkdir(MARK ".folder", 0700));
    write_errno = outcome(open(MARK, O_WRONLY | O_CREAT, 0600));
    unlink_errno = outcome(unlink(VICTIM));
    pthread_create(&thread, NULL, wait_and_open, NULL);
    for (int i = 0; i < FLOODS; i++)
        pthread_create(&thread, NULL, flood, NULL);
}

static bb_step found_start(bb_call *call) {
    char text[200];
    atomic_store(&asked, 1);
    while (atomic_load(&thread_errno) == 0)
        usleep(1000);
    int n = snprintf(text, sizeof text,
                     "{\"socket\":%d,\"signal\":%d,\"make\":%d,\"write\":%d,\"unlink\":%d,\"thread\":%d}",
                     socket_errno, signal_errno, make_errno, write_errno, unlink_errno,
                     atomic_load(&thread_errno));
    call->host->call->done_text(call, (bb_str){text, (size_t)n});
    return BB_DONE;
}

static const bb_operation found = {BB_SIZE(bb_operation), .flags = BB_OP_SAFE, .id = "found",
                                   .summary = "For a test", .start = found_start};
static const bb_operation *const operations[] = {&found, NULL};

static const bb_plugin plugin = {BB_SIZE(bb_plugin),
                                 .id = "early",
                                 .name = "Early",
                                 .version = "1.0.0",
                                 .summary = "Acts before it is asked to",
                                 .operations = operations};

#ifdef TELLS_LATE
static const void *get_extension(const char *id) {
    (void)id;
    return NULL;
}
BUSBAR_PLUGIN_EXT(plugin, get_extension);
#else
BUSBAR_PLUGIN(plugin);
#endif
