/* fsync_shim.c - a disk that is slow, or fails, as the campaign says: loaded before libc into the hub.
 *
 * $CHAOS_DISK is a file of three 32-bit numbers, seen by the hub as they are changed: microseconds that each
 * sync takes longer, how many of 1,000 fail with EIO, and a count of those that failed, which the shim adds
 * to. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef struct disk {
    _Atomic(uint32_t) delay_us, fail_of_1000, failed;
} disk;

static disk *control;
static int (*real_fsync)(int fd), (*real_fdatasync)(int fd);
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find(void) {
    const char *path = getenv("CHAOS_DISK");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *at = fd >= 0 ? mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    control = at != MAP_FAILED ? at : NULL;
    if (fd >= 0)
        close(fd);
    *(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
    *(void **)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
}

/* True: this one fails. Chance is good enough: nothing depends on its quality. */
static int is_bad(void) {
    static _Atomic(uint32_t) state = 2463534242u;
    uint32_t x = atomic_load(&state);
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    atomic_store(&state, x);
    return x % 1000 < atomic_load(&control->fail_of_1000);
}

static int slowly(int (*sync_it)(int fd), int fd) {
    if (control == NULL)
        return sync_it(fd);
    uint32_t delay = atomic_load(&control->delay_us);
    const struct timespec pause = {.tv_sec = delay / 1000000, .tv_nsec = (long)(delay % 1000000) * 1000};
    if (delay > 0)
        nanosleep(&pause, NULL);
    if (is_bad()) {
        atomic_fetch_add(&control->failed, 1);
        errno = EIO;
        return -1;
    }
    return sync_it(fd);
}

__attribute__((visibility("default"))) int fsync(int fd) {
    pthread_once(&once, find);
    return slowly(real_fsync, fd);
}

__attribute__((visibility("default"))) int fdatasync(int fd) {
    pthread_once(&once, find);
    return slowly(real_fdatasync, fd);
}
