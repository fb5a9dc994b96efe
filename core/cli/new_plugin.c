/* new_plugin.c - `busbar new-plugin NAME [--kind http|session] [DIR]`: a connector to begin with, from
 * sdk/template. */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK "@NAME@"

/* --- what is asked for --------------------------------------------------------------------------------- */

/* As the loader has it: [a-z][a-z0-9_]{0,63}. */
static bool is_plugin_id(const char *name) {
    size_t n = strlen(name);
    return n >= 1 && n <= 64 && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

static bool check(const options *o) {
    if (o->word_count < 1 || o->word_count > 2) {
        complain("new-plugin needs the connector's name: busbar new-plugin NAME [--kind http|session] [DIR]");
        return false;
    }
    if (!is_plugin_id(o->words[0])) {
        complain("new-plugin: \"%s\" is no name for a connector: 1 to 64 of a-z 0-9 _, a letter first",
                 o->words[0]);
        return false;
    }
    if (o->kind != NULL && strcmp(o->kind, "http") != 0 && strcmp(o->kind, "session") != 0) {
        complain("new-plugin: --kind %s: there are http and session", o->kind);
        return false;
    }
    return true;
}

/* --- files -----------------------------------------------------------------------------------------------
 */

/* What is to be written, and where. */
typedef struct plan {
    arena *memory;
    const char *dir, *name;
    const char *own, *others; /* how the names of files of this kind, and of the other one, begin */
    bool session;
} plan;

/* The first file from `f` on that belongs to the kind. */
static const embedded_file *next_file(const plan *p, const embedded_file *f) {
    while (f->name != NULL && (str_starts(str_from(f->name), str_from(p->others)) ||
                               (p->session && strcmp(f->name, "README.md") == 0)))
        f++;
    return f;
}

#define EACH_FILE(p, f) \
    (const embedded_file *f = next_file((p), embedded_files); f->name != NULL; f = next_file((p), f + 1))

/* "connector_test.c.in" becomes "DIR/NAME_test.c", "session_README.md" "DIR/README.md". NULL: no memory. */
static const char *path_of(const plan *p, const embedded_file *f) {
    bb_str file = str_from(f->name), own = str_from(p->own);
    bool named = str_starts(file, own);
    if (str_ends(file, STR(".in")))
        file.len -= 3;
    if (named)
        file = str_of(file.ptr + own.len, file.len - own.len);
    if (str_eq(file, STR("_README.md")))
        return arena_printf(p->memory, "%s/README.md", p->dir).ptr;
    return arena_printf(p->memory, "%s/%s%.*s", p->dir, named ? p->name : "", STR_FMT(file)).ptr;
}

static void fill_in(const embedded_file *f, const char *name, buf *out) {
    const bb_str mark = STR(MARK);
    bb_str rest = str_of(f->bytes, f->size);
    while (rest.len > 0) {
        const char *at = memmem(rest.ptr, rest.len, mark.ptr, mark.len);
        size_t before = at != NULL ? (size_t)(at - rest.ptr) : rest.len;
        buf_add(out, rest.ptr, before);
        if (at != NULL) {
            buf_str_add(out, str_from(name));
            before += mark.len;
        }
        rest = str_of(rest.ptr + before, rest.len - before);
    }
}

static bool write_file(const char *path, const embedded_file *f, const char *name) {
    buf text;
    buf_init(&text);
    fill_in(f, name, &text);
    int fd = text.failed ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && file_write_all(fd, buf_str(&text));
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    if (!ok)
        complain("new-plugin: %s cannot be written: %s", path, strerror(errno));
    buf_free(&text);
    return ok;
}

/* What is there stays: it is looked for before anything is written. */
static bool is_free(const plan *p) {
    for
        EACH_FILE(p, f) {
            struct stat there;
            const char *path = path_of(p, f);
            if (path != NULL && lstat(path, &there) != 0 && (errno == ENOENT || errno == ENOTDIR))
                continue;
            complain("new-plugin: %s is there already; nothing was written. Choose another folder: busbar "
                     "new-plugin "
                     "%s DIR",
                     path != NULL ? path : p->dir, p->name);
            return false;
        }
    return true;
}

static bool write_files(const plan *p) {
    if (!is_free(p))
        return false;
    if (mkdir(p->dir, 0777) != 0 && errno != EEXIST) {
        complain("new-plugin: the folder %s cannot be made: %s", p->dir, strerror(errno));
        return false;
    }
    for
        EACH_FILE(p, f)
    if (!write_file(path_of(p, f), f, p->name))
        return false;
    return true;
}

/* --- the command -------------------------------------------------------------------------------------------
 */

static void print_next_steps(const plan *p) {
    const char *name = p->name;
    printf(p->session
               ? "%s: a connector on sessions, with an operation that asks a Unix socket line by line\n\n"
               : "%s: a connector with one auth scheme, a read operation and a paginated list\n\n",
           name);
    for
        EACH_FILE(p, f) {
            fputs("  ", stdout);
            print_text(stdout, str_from(path_of(p, f)));
            fputc('\n', stdout);
        }
    fputs("\nNext:\n  cd ", stdout);
    print_text(stdout, str_from(p->dir));
    printf("\n  make                    builds %s.so; needs the SDK: pkg-config busbar-sdk, or SDK=PREFIX\n"
           "  make test               runs its steps on the mock host\n"
           "  busbar check %s.so      tries the build as a hub and the world will\n"
           "  make install PLUGINS=DIR   into the hub's folder of connectors\n"
           "  cp %s.conf CONF.D/      a connection; set %s in it\n"
           "  busbar reload --wait    or SIGHUP to the hub\n"
           "  busbar call %s %s\n",
           name, name, name, p->session ? "socket" : "base_url", name,
           p->session ? "ask line=hello" : "things.get id=7");
}

int command_new_plugin(const options *o) {
    if (!check(o))
        return EXIT_USAGE;
    bool on_sessions = o->kind != NULL && strcmp(o->kind, "session") == 0;
    plan p = {.memory = arena_new(0),
              .name = o->words[0],
              .dir = o->words[o->word_count - 1],
              .own = on_sessions ? "session" : "connector",
              .others = on_sessions ? "connector" : "session",
              .session = on_sessions};
    bool ok = p.memory != NULL && write_files(&p);
    if (ok)
        print_next_steps(&p);
    arena_free(p.memory);
    return ok ? EXIT_OK : EXIT_FAILED;
}
