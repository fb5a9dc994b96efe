/* expand.c - ${env:NAME}, ${file:PATH}, ${credential:NAME} and ${secret:NAME}: secrets stay out of conf
 * files. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX 65536

typedef struct expansion {
    arena *memory;
    const conf_file *file;
    const conf_entry *entry;
    err *e;
} expansion;

static bool fail(const expansion *x, const char *what, bb_str name, const char *why) {
    return conf_fail(x->e, x->file, x->entry->line, "%s: %s \"%.*s\" %s", x->entry->key.ptr, what,
                     STR_FMT(name), why);
}

static bool is_env_name(bb_str s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return s.len > 0;
}

static bool from_env(const expansion *x, bb_str name, buf *out) {
    if (!is_env_name(name))
        return fail(x, "environment variable", name, "is no name of a variable");
    const char *variable = arena_strdup(x->memory, name);
    if (variable == NULL)
        return err_set(x->e, "no memory");
    const char *value = getenv(variable);
    if (value == NULL)
        return fail(x, "environment variable", name, "is not set: set it where the hub is started");
    buf_str_add(out, str_from(value));
    return true;
}

static bool read_secret(const expansion *x, const char *what, bb_str name, const char *path, buf *out) {
    struct stat st;
    char bytes[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fail(x, what, name,
                    errno == ENOENT ? "does not exist" : "cannot be read: check its owner and mode");
    size_t began = out->len;
    ssize_t n = 0;
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    while (regular && out->len - began <= SECRET_MAX && (n = read(fd, bytes, sizeof bytes)) > 0)
        buf_add(out, bytes, (size_t)n);
    explicit_bzero(bytes, sizeof bytes);
    close(fd);
    if (!regular || n < 0)
        return fail(x, what, name, "is not a file that can be read");
    if (out->len - began > SECRET_MAX)
        return fail(x, what, name, "is over 64 KiB");
    bool line_end = out->len > began && out->ptr[out->len - 1] == '\n';
    out->len -= line_end;
    if (line_end && out->len > began && out->ptr[out->len - 1] == '\r')
        out->len--;
    return out->len == began || memchr(out->ptr + began, '\0', out->len - began) == NULL ||
           fail(x, what, name, "has a NUL byte in it: only text can be put in");
}

/* Relative to the folder of the conf file. */
static bool from_file(const expansion *x, bb_str name, buf *out) {
    if (name.len == 0)
        return fail(x, "file", name, "is no path: ${file:PATH}");
    const char *slash = strrchr(x->file->path, '/');
    int folder = slash != NULL && name.ptr[0] != '/' ? (int)(slash - x->file->path) + 1 : 0;
    bb_str path = arena_printf(x->memory, "%.*s%.*s", folder, x->file->path, STR_FMT(name));
    return path.ptr != NULL && read_secret(x, "file", name, path.ptr, out);
}

static bool from_credential(const expansion *x, bb_str name, buf *out) {
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (name.len == 0 || memchr(name.ptr, '/', name.len) != NULL || name.ptr[0] == '.')
        return fail(x, "credential", name, "is no name of a credential");
    if (folder == NULL)
        return fail(x, "credential", name,
                    "cannot be had: $CREDENTIALS_DIRECTORY is not set; systemd sets it for LoadCredential=");
    bb_str path = arena_printf(x->memory, "%s/%.*s", folder, STR_FMT(name));
    return path.ptr != NULL && read_secret(x, "credential", name, path.ptr, out);
}

static struct {
    conf_secret_get get;
    void *ctx;
} secret_store;

void conf_secret_resolver(conf_secret_get get, void *ctx) {
    secret_store.get = get;
    secret_store.ctx = ctx;
}

static bool from_store(const expansion *x, bb_str name, buf *out) {
    bb_str value;
    bool gone;
    err why = {""};
    if (secret_store.get == NULL)
        return fail(x, "secret", name, "cannot be had here: the secret store is not open");
    if (!secret_store.get(secret_store.ctx, x->memory, name, &value, &gone, &why))
        return conf_fail(x->e, x->file, x->entry->line, "%s: %s", x->entry->key.ptr, why.text);
    buf_str_add(out, value);
    return value.len == 0 || memchr(value.ptr, '\0', value.len) == NULL ||
           fail(x, "secret", name, "has a NUL byte in it: only text can be put in");
}

bool conf_secret_gone(bb_str name) {
    arena *a = secret_store.get != NULL ? arena_new_sized(0, 1024) : NULL;
    bb_str value = {NULL, 0};
    bool gone = false;
    err why;
    if (a != NULL && secret_store.get(secret_store.ctx, a, name, &value, &gone, &why)) {
        str_wipe(value);
        gone = false;
    }
    arena_free(a);
    return gone;
}

/* Those of one value, behind the ones that are there. False: no memory. */
static bool add_names(arena *a, bb_str value, const bb_str **names, size_t *count) {
    bb_str prefix = STR("secret:");
    const char *end = value.ptr + value.len;
    for (const char *at = value.ptr;
         value.len > 0 && (at = memmem(at, (size_t)(end - at), "${", 2)) != NULL;) {
        bool literal = at > value.ptr && at[-1] == '$';
        at += 2;
        const char *close = memchr(at, '}', (size_t)(end - at));
        if (literal || close == NULL || !str_starts(str_of(at, (size_t)(close - at)), prefix))
            continue;
        bb_str *more = arena_grow(a, (void *)(uintptr_t)*names, *count * sizeof *more,
                                  (*count + 1) * sizeof *more);
        if (more == NULL)
            return false;
        *names = more;
        at += prefix.len;
        more[*count] = arena_copy(a, str_of(at, (size_t)(close - at)));
        if (more[(*count)++].ptr == NULL)
            return false;
    }
    return true;
}

const bb_str *conf_secret_names(arena *a, const conf_file *f, size_t *count) {
    const bb_str *names = arena_alloc(a, sizeof *names);
    bool ok = names != NULL;
    *count = 0;
    for (size_t i = 0; i < f->count; i++)
        for (size_t k = 0; ok && k < f->sections[i].count; k++)
            ok = add_names(a, f->sections[i].entries[k].value, &names, count);
    return ok ? names : NULL;
}

/* Names the kind only where it is nearly one: "${" may stand in a password by chance. */
static bool unknown_kind(const expansion *x, bb_str kind) {
    static const char *const kinds[] = {"env", "file", "credential", "secret", NULL};
    const char *meant = str_nearest(kind, kinds);
    return conf_fail(x->e, x->file, x->entry->line,
                     "%s: a reference is ${env:NAME}, ${file:PATH}, ${credential:NAME} or "
                     "${secret:NAME}%s%s%s; a \"${\" that "
                     "begins none is written \"$${\"",
                     x->entry->key.ptr, meant != NULL ? " (did you mean \"" : "", meant != NULL ? meant : "",
                     meant != NULL ? "\"?)" : "");
}

static bool put_reference(const expansion *x, bb_str reference, buf *out) {
    bb_str name = reference, kind;
    str_split(&name, ':', &kind);
    if (str_eq(kind, STR("env")))
        return from_env(x, name, out);
    if (str_eq(kind, STR("file")))
        return from_file(x, name, out);
    if (str_eq(kind, STR("credential")))
        return from_credential(x, name, out);
    if (str_eq(kind, STR("secret")))
        return from_store(x, name, out);
    return unknown_kind(x, kind);
}

static bool expand(const expansion *x, buf *out, bool *had_reference) {
    bb_str rest = x->entry->value;
    while (rest.len > 0) {
        const char *at = memmem(rest.ptr, rest.len, "${", 2);
        size_t before = at != NULL ? (size_t)(at - rest.ptr) : rest.len;
        bool literal = at != NULL && before > 0 && rest.ptr[before - 1] == '$';
        buf_add(out, rest.ptr, before - literal);
        if (at == NULL)
            return true;
        rest = str_of(at + 2, rest.len - before - 2);
        if (literal) {
            buf_lit(out, "${");
            continue;
        }
        const char *end = memchr(rest.ptr, '}', rest.len);
        if (end == NULL)
            return fail(x, "reference", STR("${"),
                        "has no closing \"}\"; a \"${\" that begins none is written \"$${\"");
        *had_reference = true;
        if (!put_reference(x, str_of(rest.ptr, (size_t)(end - rest.ptr)), out))
            return false;
        rest = str_of(end + 1, rest.len - (size_t)(end - rest.ptr) - 1);
    }
    return true;
}

bool conf_expand(arena *a, const conf_file *f, const conf_entry *entry, bb_str *out, bool *had_reference,
                 err *e) {
    expansion x = {.memory = a, .file = f, .entry = entry, .e = e};
    bool found = false;
    buf text;
    buf_init(&text);
    bool ok = expand(&x, &text, &found);
    if (ok) {
        *out = arena_copy(a, buf_str(&text));
        ok = out->ptr != NULL && !text.failed;
        if (!ok)
            err_set(e, "no memory");
    }
    if (found && text.ptr != NULL)
        explicit_bzero(text.ptr, text.cap);
    buf_free(&text);
    if (had_reference != NULL)
        *had_reference = found;
    return ok;
}
