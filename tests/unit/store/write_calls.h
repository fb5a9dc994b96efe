/* write_calls.h - pwrite of the whole process, SQLite's too, is the test's write_of. */
#ifndef STORE_WRITE_CALLS_H
#define STORE_WRITE_CALLS_H

#include <sys/syscall.h>
#include <unistd.h>

static ssize_t write_of(int fd, const void *bytes, size_t n, off_t at);

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) {
    return write_of(fd, bytes, n, at);
}
__attribute__((visibility("default"))) ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at) {
    return write_of(fd, bytes, n, at);
}

#endif
