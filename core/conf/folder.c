/* folder.c - all conf files below a folder. */
#include "conf/conf.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define DEPTH_MAX 4 /* folders within folders */

typedef struct listing {
    arena *memory;
    char **paths;
    size_t count, cap;
    bool failed;
} listing;

/* x.conf; not .x.conf (hidden, an editor's), and not x.hook.conf (another kind of file). */
static bool is_conf(const char *name) {
    bb_str n = str_from(name);
    return name[0] != '.' && n.len > 5 && str_ends(n, STR(".conf")) && !str_ends(n, STR(".hook.conf"));
}

static void add_path(listing *l, char *path) {
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 64 : l->cap * 2;
        l->paths = arena_grow(l->memory, l->paths, l->cap * sizeof *l->paths, cap * sizeof *l->paths);
        l->cap = cap;
    }
    l->failed = l->failed || l->paths == NULL || path == NULL;
    if (!l->failed)
        l->paths[l->count++] = path;
}

static void list(listing *l, const char *dir, unsigned depth);

static void list_entry(listing *l, const char *dir, const char *name, unsigned depth) {
    struct stat st;
    char *path = arena_strdup(l->memory, arena_printf(l->memory, "%s/%s", dir, name));
    if (path == NULL)
        l->failed = true;
    else if (is_conf(name))
        add_path(l, path); /* also a dangling link, a FIFO, a folder: reading it says what is wrong */
    else if (name[0] != '.' && stat(path, &st) == 0 && S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
        list(l, path, depth + 1);
}

static void list(listing *l, const char *dir, unsigned depth) {
    DIR *d = opendir(dir);
    if (d == NULL) {
        l->failed = l->failed || depth == 0;
        return;
    }
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        list_entry(l, dir, entry->d_name, depth);
    closedir(d);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The error of a file whose name is no id, or whose id an earlier one has. */
static void check_id(conf_set *s, size_t at) {
    conf_file *f = &s->files[at];
    if (!conf_id_ok(f->id)) {
        err_set(&f->error, "%s: the file's name is the connection's id, [a-z0-9][a-z0-9_-]{0,63}: rename it",
                f->path);
        return;
    }
    for (size_t i = 0; i < at; i++)
        if (str_eq(s->files[i].id, f->id)) {
            err_set(&f->error,
                    "%s: connection \"%.*s\" is defined by %s already: rename or remove one of the files",
                    f->path, STR_FMT(f->id), s->files[i].path);
            return;
        }
}

static conf_set *read_all(arena *a, listing *l) {
    conf_set *s = arena_zalloc(a, sizeof *s);
    if (s == NULL)
        return NULL;
    s->memory = a;
    s->count = l->count;
    s->files = arena_zalloc(a, (l->count + 1) * sizeof *s->files);
    if (s->files == NULL)
        return NULL;
    if (l->count > 0)
        qsort(l->paths, l->count, sizeof *l->paths, by_text);
    for (size_t i = 0; i < l->count; i++) {
        conf_read_file(a, l->paths[i], &s->files[i]);
        check_id(s, i);
    }
    return s;
}

conf_set *conf_read_dir(const char *dir, err *e) {
    arena *a = arena_new(0);
    if (a == NULL) {
        err_set(e, "no memory");
        return NULL;
    }
    listing l = {.memory = a};
    errno = 0;
    list(&l, dir, 0);
    conf_set *s = l.failed ? NULL : read_all(a, &l);
    if (s == NULL) {
        err_set(e, "%s: the configuration folder cannot be read: %s; name another one with --conf", dir,
                errno != 0 ? strerror(errno) : "no memory");
        arena_free(a);
    }
    return s;
}

void conf_set_free(conf_set *s) {
    if (s != NULL)
        arena_free(s->memory); /* s is in it */
}
