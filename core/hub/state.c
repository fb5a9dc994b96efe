/* state.c - the state folder: one hub at a time, and the admin's key. */
#include "hub/internal.h"

#include "base/file.h"
#include "base/log.h"
#include "plugin/host_crypto.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES 32
#define KEY_PREFIX "bb_admin_"

/* Whether all that lies in it is this user's own, or root's: nothing was put there by others while they
 * could. */
static bool all_is_ours(const char *path, err *e) {
    DIR *dir = opendir(path);
    bool ok = dir != NULL || err_set(e, "%s: the state folder cannot be read: %s", path, strerror(errno));
    for (struct dirent *d; ok && (d = readdir(dir)) != NULL;) {
        struct stat st;
        if (strcmp(d->d_name, "..") == 0 || fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (st.st_uid != geteuid() && st.st_uid != 0)
            ok = err_set(
                e,
                "%s: everybody could write the state folder and user %u has put %s into it: look at it, "
                "remove it, and chmod 700 the folder",
                path, st.st_uid, d->d_name);
    }
    if (dir != NULL)
        closedir(dir);
    return ok;
}

/* Keys lie in it, and connectors' code is loaded from it. A volume that a container is given has mode 0777:
 * where it is the hub's own it is closed, first, so that what lies in it then stays what was looked at. */
static bool check_folder(const char *path, bool offline, err *e) {
    struct stat st;
    if (stat(path, &st) != 0)
        return err_set(e, "%s: the state folder cannot be looked at: %s", path, strerror(errno));
    if ((st.st_mode & S_IWOTH) == 0)
        return true;
    if (offline || st.st_uid != geteuid() || chmod(path, 0700) != 0)
        return err_set(e, "%s: everybody can write the state folder (mode %03o): chmod o-w it", path,
                       (unsigned)st.st_mode & 0777);
    if (!all_is_ours(path, e)) {
        chmod(path, st.st_mode & 07777); /* the next start looks again */
        return false;
    }
    log_warn("%s: everybody could write the state folder (mode %03o); it is yours, and has mode 700 now",
             path, (unsigned)st.st_mode & 0777);
    return true;
}

static bool make_folder(const char *path, bool offline, err *e) {
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return check_folder(path, offline, e);
    return err_set(e, "%s: the state folder cannot be made: %s; name another one with --state", path,
                   strerror(errno));
}

static bool take_lock(hub *h, err *e) {
    bb_str path = arena_printf(h->memory, "%s/lock", h->settings.state_dir);
    h->lock_fd = open(path.ptr, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (h->lock_fd < 0)
        return err_set(e, "%s: cannot be opened: %s; the state folder must be writable", path.ptr,
                       strerror(errno));
    if (flock(h->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return err_set(e,
                       "%s: another hub uses this state folder; stop it, or name another folder with --state",
                       h->settings.state_dir);
    return true;
}

bool hub_state_busy(const char *state_dir) {
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/lock", state_dir);
    int fd = n > 0 && (size_t)n < sizeof path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    bool busy = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return busy;
}

static bool random_key(char out[sizeof KEY_PREFIX + 2 * KEY_BYTES]) {
    uint8_t bytes[KEY_BYTES];
    size_t prefix = sizeof KEY_PREFIX - 1;
    memcpy(out, KEY_PREFIX, prefix);
    if (host_crypto.random(bytes, sizeof bytes) != BB_OK)
        return false;
    size_t n = host_crypto.hex_encode(str_of(bytes, sizeof bytes), out + prefix, 2 * KEY_BYTES);
    out[prefix + n] = '\0';
    explicit_bzero(bytes, sizeof bytes);
    return n == 2 * KEY_BYTES;
}

/* The key of an earlier start. A file that others can read is no secret any more. */
static bool read_key(hub *h, int fd, err *e) {
    char text[256];
    struct stat st;
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n < 0 || fstat(fd, &st) != 0)
        return err_set(e, "%s: cannot be read: %s", h->key_file, strerror(errno));
    if ((st.st_mode & 077) != 0)
        return err_set(
            e,
            "%s: others can read or write it (mode %03o); chmod 600 it, or remove it to have a new key made",
            h->key_file, st.st_mode & 0777);
    text[n] = '\0';
    bb_str key = str_of(text, strcspn(text, "\r\n"));
    if (key.len < 20)
        return err_set(e, "%s: holds no key; remove it to have a new one made", h->key_file);
    h->key = arena_strdup(h->memory, key);
    explicit_bzero(text, sizeof text);
    return true;
}

static bool write_key(hub *h, err *e) {
    char key[sizeof KEY_PREFIX + 2 * KEY_BYTES + 1];
    if (!random_key(key))
        return err_set(e, "the system gives no random bytes for the admin's key");
    h->key = arena_strdup(h->memory, str_from(key));
    size_t len = strlen(key);
    key[len] = '\n';
    bool ok = file_replace(h->key_file, str_of(key, len + 1), 0600, NULL);
    int why = errno;
    explicit_bzero(key, sizeof key);
    return ok || err_set(e, "%s: the admin's key cannot be written: %s", h->key_file, strerror(why));
}

static bool open_key(hub *h, err *e) {
    h->key_file = (char *)(uintptr_t)arena_printf(h->memory, "%s/admin.key", h->settings.state_dir).ptr;
    int fd = open(h->key_file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return write_key(h, e);
    if (fd < 0)
        return err_set(e, "%s: cannot be read: %s", h->key_file, strerror(errno));
    bool ok = read_key(h, fd, e);
    close(fd);
    return ok;
}

/* For content that waits until all of it is here. What a hub that was ended left there is nobody's. */
static bool open_spool(const char *path, err *e) {
    if (!make_folder(path, false, e))
        return false;
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        if (strncmp(entry->d_name, ".busbar-", 8) == 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    return true;
}

bool hub_state_open(hub *h, bool offline, err *e) {
    h->lock_fd = -1;
    if (!make_folder(h->settings.state_dir, offline, e))
        return false;
    if (!offline)
        return take_lock(h, e) && open_spool(h->settings.folders.spool, e) && open_key(h, e);
    char key[sizeof KEY_PREFIX + 2 * KEY_BYTES + 1];
    if (!random_key(key))
        return err_set(e, "the system gives no random bytes");
    h->key = arena_strdup(h->memory, str_from(key));
    h->key_file = arena_strdup(h->memory, STR(""));
    return h->key != NULL && h->key_file != NULL;
}

void hub_state_close(hub *h) {
    if (h->lock_fd >= 0)
        close(h->lock_fd);
    if (h->key != NULL)
        explicit_bzero(h->key, strlen(h->key));
}
