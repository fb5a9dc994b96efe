#include "plugin/place.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_MAX_BYTES ((off_t)256 << 20)

static bool is_ours(uid_t owner) {
    return owner == 0 || owner == geteuid();
}

/* Where umask is 002, folders are writable by a group that is their owner's alone: that is nobody else. What
 * the system's lists of users do not enumerate (LDAP, for instance) is not seen. */
static bool is_private(gid_t group_id, uid_t owner) {
    char name[256] = "";
    const struct passwd *user = getpwuid(owner);
    if (user == NULL || user->pw_gid != group_id)
        return false;
    str_put(name, sizeof name, str_from(user->pw_name));
    const struct group *group = getgrgid(group_id);
    bool alone = group != NULL;
    for (char **member = alone ? group->gr_mem : NULL; member != NULL && *member != NULL; member++)
        alone = alone && strcmp(*member, name) == 0;
    setpwent();
    while (alone && (user = getpwent()) != NULL)
        alone = user->pw_gid != group_id || user->pw_uid == owner;
    endpwent();
    return alone;
}

static bool check_folder(const char *path, err *e) {
    struct stat st;
    if (lstat(path, &st) != 0)
        return err_set(e, "the folder %.300s cannot be looked at: %s", path, strerror(errno));
    if (S_ISLNK(st.st_mode))
        return err_set(e, "the folder %.300s was exchanged while it was looked at", path);
    if (!is_ours(st.st_uid))
        return err_set(
            e,
            "the folder %.300s belongs to user %u, who could put another file there: it must belong "
            "to root or to the hub's user (%u); chown it",
            path, st.st_uid, geteuid());
    if ((st.st_mode & S_ISVTX) != 0)
        return true;
    if ((st.st_mode & S_IWOTH) != 0)
        return err_set(e, "everybody can put files into the folder %.300s: chmod o-w it", path);
    return (st.st_mode & S_IWGRP) == 0 || is_private(st.st_gid, st.st_uid) ||
           err_set(e, "its group (%u) can put files into the folder %.300s: chmod g-w it", st.st_gid, path);
}

bool place_resolve(const char *path, char real[PATH_MAX], err *e) {
    char folder[PATH_MAX];
    if (realpath(path, real) == NULL)
        return err_set(e, "cannot be opened: %s", strerror(errno));
    for (const char *slash = real; slash != NULL; slash = strchr(slash + 1, '/')) {
        size_t n = slash == real ? 1 : (size_t)(slash - real);
        memcpy(folder, real, n);
        folder[n] = '\0';
        if (!check_folder(folder, e))
            return false;
    }
    return true;
}

bool place_folder(const char *path, char real[PATH_MAX], err *e) {
    return place_resolve(path, real, e) && check_folder(real, e);
}

bool place_regular(const struct stat *st, err *e) {
    return S_ISREG(st->st_mode) || err_set(e, "it is not a regular file");
}

bool place_size(const struct stat *st, err *e) {
    if (st->st_size == 0)
        return err_set(e, "it is empty: copy it again");
    return st->st_size <= SIZE_MAX_BYTES || err_set(e, "it is over 256 MiB");
}

bool place_file(const struct stat *st, err *e) {
    if (!place_regular(st, e))
        return false;
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return err_set(e, "%s can write it (mode %03o): chmod go-w it",
                       st->st_mode & S_IWOTH ? "everybody" : "its group", st->st_mode & 0777);
    return is_ours(st->st_uid) ||
           err_set(e,
                   "it belongs to user %u: it must belong to root or to the hub's user "
                   "(%u); chown it",
                   st->st_uid, geteuid());
}

bool place_within(const char *real, const char *folder) {
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        n--;
    return strncmp(real, folder, n) == 0 && (n == 1 || real[n] == '/');
}
