#include "content/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is below one of the folders; NULL: below none. */
static const char *below(const content_folders *f, const char *path, const char **folder) {
    for (size_t i = 0; f->paths != NULL && f->paths[i] != NULL; i++) {
        size_t n = strlen(f->paths[i]);
        if (strncmp(path, f->paths[i], n) == 0 && path[n] == '/' && path[n + 1] != '\0') {
            *folder = f->paths[i];
            return path + n + 1;
        }
    }
    return NULL;
}

static folders_result why(const char *path, err *e) {
    int code = errno;
    if (code == ENOENT) {
        err_set(e, "%s: there is no such file", path);
        return FOLDERS_MISSING;
    }
    if (code == ELOOP || code == ENOTDIR)
        err_set(e, "%s: a part of it is a symbolic link, or no folder: links are not followed", path);
    else
        err_set(e, "%s: %s", path, strerror(code));
    return FOLDERS_WRONG;
}

/* One name of the path, as a folder. */
static int step_into(int dir, const char *name, size_t n) {
    char part[256];
    if (n == 0 || n >= sizeof part || (n == 1 && name[0] == '.') || (n == 2 && memcmp(name, "..", 2) == 0)) {
        errno = n == 0 || n >= sizeof part ? ENOENT : ELOOP;
        return -1;
    }
    memcpy(part, name, n);
    part[n] = '\0';
    return openat(dir, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

folders_result folders_parent(const content_folders *f, const char *path, int *dir, const char **name,
                              err *e) {
    const char *folder, *rest = below(f, path, &folder);
    if (rest == NULL) {
        err_set(e, "%.300s: it is not below a folder that [files] folders in busbar.conf allows", path);
        return FOLDERS_OUTSIDE;
    }
    int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC); /* the folder itself is the admin's word */
    for (const char *slash; at >= 0 && (slash = strchr(rest, '/')) != NULL; rest = slash + 1) {
        int next = step_into(at, rest, (size_t)(slash - rest));
        int code = errno;
        close(at);
        errno = code;
        at = next;
    }
    if (at < 0)
        return why(path, e);
    if (rest[0] == '\0' || strcmp(rest, ".") == 0 || strcmp(rest, "..") == 0 || strlen(rest) > 200) {
        close(at);
        err_set(e, "%.300s: this does not name a file", path);
        return FOLDERS_WRONG;
    }
    *dir = at;
    *name = rest;
    return FOLDERS_OK;
}

folders_result folders_open(const content_folders *f, const char *path, int *fd, uint64_t *size, err *e) {
    int dir;
    const char *name;
    struct stat st;
    folders_result result = folders_parent(f, path, &dir, &name, e);
    if (result != FOLDERS_OK)
        return result;
    /* O_NONBLOCK: a named pipe would keep the thread until somebody writes. */
    *fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    result = *fd < 0 ? why(path, e) : FOLDERS_OK;
    close(dir);
    if (*fd < 0)
        return result;
    if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(*fd);
        err_set(e, "%s: it is not a regular file", path);
        return FOLDERS_WRONG;
    }
    *size = (uint64_t)st.st_size;
    return FOLDERS_OK;
}

/* --- writing -------------------------------------------------------------------------------------------- */

static bool temporary_name(char out[64]) {
    uint64_t random[2];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return false;
    snprintf(out, 64, ".busbar-%016llx%016llx.part", (unsigned long long)random[0],
             (unsigned long long)random[1]);
    return true;
}

/* A file without a name is gone with the hub, however that ends; not every file system can do it. */
int folders_create(int dir, char temporary[64], err *e) {
    temporary[0] = '\0';
    int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);
    if (fd >= 0)
        return fd;
    if (temporary_name(temporary))
        fd = openat(dir, temporary, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0) {
        err_set(e, "a file cannot be made there: %s", strerror(errno));
        temporary[0] = '\0';
    }
    return fd;
}

static bool give_name(int dir, int fd, char temporary[64]) {
    char self[48];
    if (temporary[0] != '\0')
        return true;
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (temporary_name(temporary) && linkat(AT_FDCWD, self, dir, temporary, AT_SYMLINK_FOLLOW) == 0)
        return true;
    temporary[0] = '\0';
    return false;
}

static bool sync_folder(int dir) {
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* O_PATH cannot be synced */
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

bool folders_publish(int dir, int fd, char temporary[64], const char *name, err *e) {
    bool ok = fsync(fd) == 0 && give_name(dir, fd, temporary) && renameat(dir, temporary, dir, name) == 0;
    int code = errno;
    if (!ok) {
        folders_discard(dir, temporary);
        return err_set(e, "%s cannot be written: %s", name, strerror(code));
    }
    temporary[0] = '\0';
    return sync_folder(dir) ||
           err_set(e, "%s is written, but its folder cannot be synced: %s", name, strerror(errno));
}

void folders_discard(int dir, char temporary[64]) {
    if (temporary[0] != '\0')
        unlinkat(dir, temporary, 0);
    temporary[0] = '\0';
}
