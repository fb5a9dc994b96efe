#include "plugin/stage.h"

#include "base/file.h"
#include "plugin/elf.h"
#include "plugin/host_crypto.h"
#include "plugin/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- one reading, hashed and written from the same memory ------------------------------------------- */

static char *read_file(int fd, const struct stat *st, err *e) {
    size_t size = (size_t)st->st_size;
    char *bytes = malloc(size);
    if (bytes == NULL)
        return err_set(e, "no memory to read it"), NULL;
    struct stat after;
    bool same = file_read_exactly(fd, bytes, size) && fstat(fd, &after) == 0 &&
                after.st_size == st->st_size && after.st_mtim.tv_sec == st->st_mtim.tv_sec &&
                after.st_mtim.tv_nsec == st->st_mtim.tv_nsec;
    if (!same) {
        free(bytes);
        return err_set(e,
                       "it changed while it was read: copy it beside and rename it into place, then reload"),
               NULL;
    }
    return bytes;
}

static char *read_checked(const char *path, const plugin_policy *policy, struct stat *st, err *e) {
    char real[PATH_MAX];
    if (!place_resolve(path, real, e) || !trust_place(policy, path, real, e))
        return NULL;
    /* O_NONBLOCK: a FIFO must not stop the hub. */
    int fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    if (fd < 0)
        return err_set(e, "cannot be opened: %s", strerror(errno)), NULL;
    char *bytes = NULL;
    if (fstat(fd, st) != 0)
        err_set(e, "cannot be looked at: %s", strerror(errno));
    else if (place_file(st, e) && place_size(st, e))
        bytes = read_file(fd, st, e);
    close(fd);
    return bytes;
}

/* Not synced: a copy that a power cut spoiled is told by its bytes at the next start, and written again. */
static bool write_copy(const char *path, bb_str bytes) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool ok = file_write_all(fd, bytes) && fchmod(fd, 0444) == 0;
    int why = errno;
    close(fd);
    errno = why;
    return ok;
}

/* Whether a copy of an earlier start holds just these bytes. */
static bool copy_is_good(const char *path, bb_str bytes) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    char *held = NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size == bytes.len)
        held = read_file(fd, &st, NULL);
    bool same = held != NULL && memcmp(held, bytes.ptr, bytes.len) == 0;
    free(held);
    close(fd);
    return same;
}

static bool put_copy(const char *state_dir, staged *out, bb_str bytes, err *e) {
    char temporary[PATH_MAX + 32], folder[PATH_MAX];
    if (copy_is_good(out->path, bytes))
        return true;
    snprintf(folder, sizeof folder, "%s/gen", state_dir);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return err_set(e, "%.200s cannot be made: %s", folder, strerror(errno));
    snprintf(temporary, sizeof temporary, "%s.%ld.new", out->path,
             (long)getpid()); /* others may stage it too */
    unlink(temporary);
    if (write_copy(temporary, bytes) && rename(temporary, out->path) == 0)
        return true;
    int why = errno;
    unlink(temporary);
    return err_set(e, "it cannot be copied to %.200s: %s", folder, strerror(why));
}

bool stage_file(const char *path, bb_str id, const char *state_dir, const plugin_policy *policy, staged *out,
                err *e) {
    struct stat st;
    char *read = read_checked(path, policy, &st, e);
    if (read == NULL)
        return false;
    bb_str bytes = str_of(read, (size_t)st.st_size);
    uint8_t hash[BB_HASH_MAX];
    size_t n = host_crypto.digest(BB_SHA256, bytes, hash);
    n = host_crypto.hex_encode(str_of(hash, n), out->sha256, 64);
    out->sha256[n == 64 ? 64 : 0] = '\0';
    out->size = bytes.len;
    int len = snprintf(out->path, sizeof out->path, "%s/gen/%.*s.%s.so", state_dir, STR_FMT(id), out->sha256);
    char real[PATH_MAX];
    bool ok = elf_check(bytes, e) &&
              ((len > 0 && (size_t)len < sizeof out->path) || err_set(e, "its name is too long")) &&
              put_copy(state_dir, out, bytes, e) &&
              (place_resolve(out->path, real, e) || err_prefix(e, "its copy in the state folder: "));
    free(read);
    return ok;
}

void stage_clean(const char *state_dir, const char *const *keep, size_t n) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s/gen", state_dir);
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        bool kept = d->d_name[0] == '.';
        for (size_t i = 0; i < n && !kept; i++)
            kept = strstr(d->d_name, keep[i]) != NULL;
        if (!kept)
            unlinkat(dirfd(dir), d->d_name, 0);
    }
    closedir(dir);
}
