/* write.c - a conf file that the hub itself writes: replaced as a whole or not at all. */
#include "base/file.h"
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(err *e, const char *path, int why) {
    const char *remedy = why == ENOSPC || why == EDQUOT ? "make room on the disk"
                         : why == EROFS                 ? "mount it for writing"
                         : why == EACCES || why == EPERM
                             ? "give the hub's user the right to write into the folder"
                         : why == ENOENT || why == ENOTDIR ? "make its folder first"
                                                           : "look at the folder and its disk";
    return err_set(e, "%s: cannot be written: %s; nothing was changed: %s", path, strerror(why), remedy);
}

/* The file that is meant: a link is written through, not replaced. *old: what stands there. */
static bool find_target(const char *path, char target[PATH_MAX], struct stat *old, bool *exists, err *e) {
    struct stat link;
    *exists = lstat(path, &link) == 0;
    int n = snprintf(target, PATH_MAX, "%s", path);
    if (n < 0 || n >= PATH_MAX)
        return fail(e, path, ENAMETOOLONG);
    if (!*exists)
        return errno == ENOENT || fail(e, path, errno);
    if (S_ISLNK(link.st_mode) && realpath(path, target) == NULL)
        return err_set(e, "%s: cannot be written: it is a link to nowhere; remove it", path);
    if (stat(target, old) != 0)
        return fail(e, path, errno);
    return S_ISREG(old->st_mode) || err_set(e, "%s: cannot be written: it is not a regular file", path);
}

/* Owner and mode of the old file. Where its group cannot be given, nobody gets the group's rights; and nobody
 * else ever gets the right to write. */
static bool take_over(int fd, const struct stat *old) {
    mode_t mode = old->st_mode & 0775;
    if (fchown(fd, old->st_uid, old->st_gid) != 0 && fchown(fd, (uid_t)-1, old->st_gid) != 0)
        mode &= 0700;
    return fchmod(fd, mode) == 0;
}

static bool sync_folder(const char *target) {
    return file_sync_folder(target) || errno == EACCES; /* it may be written, but not listed */
}

/* A hidden file beside the target: conf_read_dir passes over it. */
static int open_temporary(const char *target, char temporary[PATH_MAX]) {
    const char *slash = strrchr(target, '/');
    size_t folder = slash != NULL ? (size_t)(slash - target) + 1 : 0;
    int n = snprintf(temporary, PATH_MAX, "%.*s.%s.XXXXXX", (int)folder, target, target + folder);
    if (n < 0 || n >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return mkostemp(temporary, O_CLOEXEC); /* 0600 */
}

bool conf_write_file(const char *path, bb_str text, err *e) {
    char target[PATH_MAX], temporary[PATH_MAX];
    struct stat old;
    bool exists;
    if (!find_target(path, target, &old, &exists, e))
        return false;
    int fd = open_temporary(target, temporary);
    if (fd < 0)
        return fail(e, path, errno);
    bool ok = file_write_all(fd, text) && (!exists || take_over(fd, &old)) && fsync(fd) == 0;
    int why = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (ok && rename(temporary, target) != 0) {
        ok = false;
        why = errno;
    }
    if (!ok) {
        unlink(temporary);
        return fail(e, path, why);
    }
    return sync_folder(target) ||
           err_set(e,
                   "%s: it is written, but its folder cannot be synced (%s): it may be lost in a power cut",
                   path, strerror(errno));
}
