#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- reading -------------------------------------------------------------------------------------- */

static bool read_all(int fd, size_t max, buf *out, const char *path, err *e) {
    size_t begin = out->len;
    for (;;) {
        if (!buf_reserve(out, 16384))
            return err_set(e, "%s: no memory to read it", path);
        ssize_t n = read(fd, out->ptr + out->len, 16384);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(e, "%s: cannot be read: %s", path, strerror(errno));
        if (n == 0)
            return true;
        out->len += (size_t)n;
        if (out->len - begin > max)
            return err_set(e, "%s: is over %zu bytes", path, max);
    }
}

bool file_read(const char *path, size_t max, buf *out, bool *missing, err *e) {
    struct stat st;
    /* O_NONBLOCK: a FIFO must not hold up whoever reads. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (missing != NULL)
        *missing = fd < 0 && errno == ENOENT;
    if (fd < 0)
        return err_set(e, "%s: cannot be opened: %s", path, strerror(errno));
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read_all(fd, max, out, path, e)
                                                         : err_set(e, "%s: is not a regular file", path);
    close(fd);
    return ok;
}

bool file_read_exactly(int fd, char *bytes, size_t len) {
    size_t n = 0;
    while (n < len) {
        ssize_t got = read(fd, bytes + n, len - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        n += (size_t)got;
    }
    return true;
}

/* --- replacing ------------------------------------------------------------------------------------ */

bool file_write_all(int fd, bb_str bytes) {
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = str_of(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return true;
}

bool file_put(const char *path, bb_str bytes, mode_t mode) {
    unlink(path); /* of a process that was killed; O_EXCL follows no link that others may have put there */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return false;
    bool ok = file_write_all(fd, bytes) && fsync(fd) == 0;
    int why = errno;
    close(fd);
    errno = why;
    return ok;
}

bool file_sync_folder(const char *path) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (n >= sizeof folder) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(folder, slash == NULL ? "." : path, n);
    folder[n] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fsync(fd) == 0 || errno == EINVAL; /* EINVAL: this file system knows no such thing */
    int why = errno;
    close(fd);
    errno = why;
    return ok;
}

bool file_replace(const char *path, bb_str bytes, mode_t mode, err *e) {
    char beside[PATH_MAX];
    int n = snprintf(beside, sizeof beside, "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof beside) {
        errno = ENAMETOOLONG;
        return err_set(e, "%s: the name is too long", path);
    }
    if (file_put(beside, bytes, mode) && rename(beside, path) == 0 && file_sync_folder(path))
        return true;
    int why = errno;
    unlink(beside);
    err_set(e, "%s: cannot be written: %s", path, strerror(why));
    errno = why;
    return false;
}
