/* folder.c - all conf files below a folder. */
#include "conf/conf.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define DEPTH_MAX 8 /* folders within folders */

typedef struct found {
    char *path;
    const char *folder_error; /* of a folder that cannot be walked; NULL: a file */
} found;

typedef struct listing {
    arena *memory;
    bb_str suffix; /* of the files that are meant */
    found *items;
    size_t count, cap;
    bool failed; /* no memory */
} listing;

/* A folder on the way down: a link that leads back up is not followed in circles. */
typedef struct level {
    const struct level *up;
    dev_t dev;
    ino_t ino;
    unsigned depth;
} level;

/* The longest suffix counts: x.hook.conf is no connection. */
bb_str conf_suffix_of(bb_str name) {
    static const char *const suffixes[] = {CONF_HOOK, CONF_SUBSCRIPTION, CONF_EVENT, CONF_CONNECTION};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (name.len > strlen(suffixes[i]) && str_ends(name, str_from(suffixes[i])))
            return str_from(suffixes[i]);
    return (bb_str){NULL, 0};
}

/* x.conf; not .x.conf (hidden, an editor's). */
static bool is_meant(const listing *l, const char *name) {
    bb_str suffix = conf_suffix_of(str_from(name));
    return name[0] != '.' && suffix.len > 0 && str_eq(suffix, l->suffix);
}

static void add(listing *l, char *path, const char *folder_error) {
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 64 : l->cap * 2;
        l->items = arena_grow(l->memory, l->items, l->cap * sizeof *l->items, cap * sizeof *l->items);
        l->cap = cap;
    }
    l->failed = l->failed || l->items == NULL || path == NULL;
    if (!l->failed)
        l->items[l->count++] = (found){path, folder_error};
}

static const char *walk(listing *l, const char *dir, const level *up);

static void list_entry(listing *l, const char *dir, const char *name, const level *here) {
    struct stat st;
    char *path = arena_strdup(l->memory, arena_printf(l->memory, "%s/%s", dir, name));
    if (path == NULL) {
        l->failed = true;
    } else if (is_meant(l, name)) {
        add(l, path, NULL); /* also a dangling link, a FIFO, a folder: reading it says what is wrong */
    } else if (name[0] != '.' && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        const char *error = walk(l, path, here);
        if (error != NULL)
            add(l, path, error);
    }
}

/* NULL, or why the folder cannot be walked. */
static const char *walk(listing *l, const char *dir, const level *up) {
    struct stat st;
    DIR *d = opendir(dir);
    if (d == NULL)
        return errno == EACCES
                   ? "the folder cannot be read: give the hub's user the right to read and enter it"
                   : "the folder cannot be read";
    level here = {.up = up, .depth = up != NULL ? up->depth + 1 : 0};
    const char *error = fstat(dirfd(d), &st) != 0 ? "the folder cannot be looked at"
                        : here.depth > DEPTH_MAX  ? "conf files are looked for in eight levels of folders"
                                                  : NULL;
    here.dev = st.st_dev;
    here.ino = st.st_ino;
    for (const level *at = up; error == NULL && at != NULL; at = at->up)
        if (at->dev == st.st_dev && at->ino == st.st_ino)
            error = "this link leads back to a folder above it: remove it";
    for (struct dirent *entry; error == NULL && (entry = readdir(d)) != NULL;)
        list_entry(l, dir, entry->d_name, &here);
    closedir(d);
    return error;
}

static unsigned depth_of(const char *path) {
    unsigned n = 0;
    for (; *path != '\0'; path++)
        n += *path == '/';
    return n;
}

/* What lies higher comes first: a file put into a subfolder never takes an id away from one that is there. */
static int by_path(const void *a, const void *b) {
    const found *x = a, *y = b;
    unsigned dx = depth_of(x->path), dy = depth_of(y->path);
    return dx != dy ? (dx < dy ? -1 : 1) : strcmp(x->path, y->path);
}

/* The error of a file whose name is no id, or whose id an earlier one has. */
static void check_id(conf_set *s, size_t at) {
    conf_file *f = &s->files[at];
    if (!conf_id_ok(f->id)) {
        err_set(&f->error,
                "%s: the file's name is its id: lower-case letters, digits, \"_\" and \"-\", at "
                "most 64, a letter or digit first; rename it",
                f->path);
        return;
    }
    for (size_t i = 0; i < at; i++)
        if (str_eq(s->files[i].id, f->id)) {
            err_set(&f->error, "%s: \"%.*s\" is defined by %s already: rename or remove one of the files",
                    f->path, STR_FMT(f->id), s->files[i].path);
            return;
        }
}

static void read_found(conf_set *s, size_t at, const found *item) {
    conf_file *f = &s->files[at];
    if (item->folder_error != NULL) {
        *f = (conf_file){.path = item->path, .id = conf_id_of(s->memory, item->path)};
        err_set(&f->error, "%s: %s", f->path, item->folder_error);
        return;
    }
    conf_read_file(s->memory, item->path, f);
    check_id(s, at);
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
        qsort(l->items, l->count, sizeof *l->items, by_path);
    for (size_t i = 0; i < l->count; i++)
        read_found(s, i, &l->items[i]);
    return s;
}

conf_set *conf_read_kind(const char *dir, const char *suffix, err *e) {
    arena *a = arena_new(0);
    if (a == NULL) {
        err_set(e, "no memory");
        return NULL;
    }
    listing l = {.memory = a, .suffix = str_from(suffix)};
    errno = 0;
    const char *error = walk(&l, dir, NULL);
    if (error != NULL)
        err_set(e, "%s: the configuration folder cannot be read: %s; name another one with --conf", dir,
                errno != 0 ? strerror(errno) : error);
    conf_set *s = error != NULL || l.failed ? NULL : read_all(a, &l);
    if (s == NULL) {
        if (error == NULL)
            err_set(e, "%s: no memory to read the configuration", dir);
        arena_free(a);
    }
    return s;
}

conf_set *conf_read_dir(const char *dir, err *e) {
    return conf_read_kind(dir, CONF_CONNECTION, e);
}

void conf_set_free(conf_set *s) {
    if (s != NULL)
        arena_free(s->memory); /* s is in it */
}
