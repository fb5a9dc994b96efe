/* sync_calls.h - fsync and fdatasync of the whole process, SQLite's too, are the test's sync_of. */
#ifndef STORE_SYNC_CALLS_H
#define STORE_SYNC_CALLS_H

#include <sys/syscall.h>
#include <unistd.h>

static int sync_of(int fd, long call); /* call: SYS_fsync or SYS_fdatasync */

__attribute__((visibility("default"))) int fsync(int fd) {
    return sync_of(fd, SYS_fsync);
}
__attribute__((visibility("default"))) int fdatasync(int fd) {
    return sync_of(fd, SYS_fdatasync);
}

#endif
