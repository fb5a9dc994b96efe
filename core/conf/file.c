/* file.c - one conf file, opened with care: it may be anything that somebody put into the folder. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LARGEST ((size_t)1 << 20)

bool conf_id_ok(bb_str id) {
    bool ok = id.len > 0 && id.len <= 64 && id.ptr[0] != '-' && id.ptr[0] != '_';
    for (size_t i = 0; ok && i < id.len; i++) {
        char c = id.ptr[i];
        ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    }
    return ok;
}

bb_str conf_id_of(arena *a, const char *path) {
    const char *slash = strrchr(path, '/');
    bb_str name = str_from(slash != NULL ? slash + 1 : path);
    return arena_copy(a, str_of(name.ptr, name.len - conf_suffix_of(name).len));
}

static bool fail(conf_file *f, const char *why) {
    return err_set(&f->error, "%s: %s", f->path, why);
}

static bool check_kind(conf_file *f, const struct stat *st) {
    if (!S_ISREG(st->st_mode))
        return fail(f, S_ISDIR(st->st_mode) ? "it is a folder: a file is expected under this name"
                                            : "it is not a regular file: remove it");
    if ((st->st_mode & S_IWOTH) != 0)
        return fail(f, "everybody can write it, and so send credentials elsewhere: chmod o-w it");
    return true;
}

/* One byte more than is allowed tells a file that is too long, even one that grows meanwhile. */
static bool read_bytes(arena *a, int fd, size_t expected, bb_str *out) {
    size_t cap = expected < FILE_LARGEST ? expected + 1 : FILE_LARGEST + 1, n = 0;
    char *bytes = arena_alloc(a, cap);
    while (bytes != NULL && n < cap) {
        ssize_t got = read(fd, bytes + n, cap - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *out = str_of(bytes, n);
    errno = bytes == NULL ? ENOMEM : 0;
    return bytes != NULL;
}

static bool read_open(arena *a, int fd, conf_file *f, bb_str *text) {
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail(f, strerror(errno));
    if (!check_kind(f, &st))
        return false;
    size_t size = (size_t)st.st_size;
    if (size <= FILE_LARGEST && !read_bytes(a, fd, size, text))
        return err_set(&f->error, "%s: cannot be read: %s", f->path, strerror(errno));
    if (size > FILE_LARGEST || text->len > FILE_LARGEST)
        return fail(f, "it is over 1 MiB: a conf file holds one connection");
    return text->len == size || fail(f, "it changed while it was read: reload again");
}

static bool cannot_open(conf_file *f, int why) {
    const char *remedy = why == ENOENT   ? "does not exist (a link to nowhere?)"
                         : why == EACCES ? "cannot be read: give the hub's user the right to read it"
                         : why == ENXIO  ? "is not a regular file: remove it"
                                         : NULL;
    return remedy != NULL ? err_set(&f->error, "%s: it %s", f->path, remedy)
                          : err_set(&f->error, "%s: it cannot be read: %s", f->path, strerror(why));
}

bool conf_read_file(arena *a, const char *path, conf_file *out) {
    bb_str text = {NULL, 0};
    struct stat st;
    *out = (conf_file){.path = arena_strdup(a, str_from(path)), .id = conf_id_of(a, path)};
    if (out->path == NULL || out->id.ptr == NULL) {
        out->path = path;
        return fail(out, "no memory");
    }
    if (stat(path, &st) != 0)
        return cannot_open(out, errno);
    if (!check_kind(out, &st)) /* before open: to open a device may do something */
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not stop the hub */
    if (fd < 0)
        return cannot_open(out, errno);
    bool ok = read_open(a, fd, out, &text);
    close(fd);
    return ok && conf_read_text(a, path, text, out);
}
