/* write.c - conf files that the hub itself writes: checked by reading them back, and replaced as a whole or
 * not at all. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_key(bb_str s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (i > 0 && ((c >= '0' && c <= '9') || c == '_'))))
            return false;
    }
    return s.len > 0 && s.len < 50;
}

static bool has_control(bb_str s) {
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return true;
    return false;
}

/* The value as it stands behind the "=": strings plain, all else as JSON in one line. */
static bb_str value_text(arena *a, const json_value *v) {
    if (json_is(v, JSON_STRING))
        return json_string(v);
    if (json_count(v) == 0)
        return json_raw(v);
    buf raw;
    buf_init(&raw);
    bb_str text = json_raw(v);
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) { /* blanks and line breaks between its parts are not needed */
        char c = text.ptr[i];
        if (c == '"' && (i == 0 || text.ptr[i - 1] != '\\'))
            quoted = !quoted;
        if (quoted || (c != '\n' && c != '\r' && c != '\t' && c != ' '))
            buf_char(&raw, c);
        if (quoted && c == '\\' && i + 1 < text.len)
            buf_char(&raw, text.ptr[++i]);
    }
    text = arena_copy(a, buf_str(&raw));
    buf_free(&raw);
    return text;
}

static bool put_section(arena *a, buf *out, bb_str name, const json_value *section, err *e) {
    if (!is_key(name) || !json_is(section, JSON_OBJECT))
        return err_set(e, "\"%.*s\" must be an object of keys and values", STR_FMT(name));
    buf_printf(out, "[%.*s]\n", STR_FMT(name));
    for (json_iter it = json_iterate(section); json_next(&it);) {
        bb_str value = value_text(a, it.value);
        if (!is_key(it.key))
            return err_set(e, "\"%.*s\" in \"%.*s\" is no key of the form [a-z][a-z0-9_]*", STR_FMT(it.key),
                           STR_FMT(name));
        if (json_is(it.value, JSON_NULL))
            return err_set(e, "%.*s.%.*s is null: leave it out", STR_FMT(name), STR_FMT(it.key));
        if (has_control(value))
            return err_set(e,
                           "%.*s.%.*s has a line break or control character, which a conf file cannot hold",
                           STR_FMT(name), STR_FMT(it.key));
        buf_printf(out, "%.*s = %.*s\n", STR_FMT(it.key), STR_FMT(value));
    }
    return true;
}

/* Reads the text as the hub will, and compares: nothing may be lost, and nothing gained. */
static bool reads_back(arena *a, bb_str text, const json_value *root, err *e) {
    conf_file f;
    size_t keys = 0, read = 0;
    if (!conf_read_text(a, "new.conf", text, &f))
        return err_set(e, "the values cannot be written as a conf file: %s", f.error.text);
    for (json_iter s = json_iterate(root); json_next(&s);) {
        const conf_section *section = conf_find_section(&f, s.key);
        for (json_iter k = json_iterate(s.value); json_next(&k); keys++) {
            const conf_entry *entry = conf_find(section, k.key);
            if (entry == NULL || !str_eq(entry->value, value_text(a, k.value)))
                return err_set(e,
                               "%.*s.%.*s cannot be written as a conf file: blanks at its ends or a \" ;\" "
                               "in it would be lost",
                               STR_FMT(s.key), STR_FMT(k.key));
        }
    }
    for (size_t i = 0; i < f.count; i++)
        read += f.sections[i].count;
    return read == keys || err_set(e, "a key stands twice");
}

bool conf_text_from_json(arena *a, const json_value *root, bb_str *out, err *e) {
    buf text;
    buf_init(&text);
    buf_lit(&text, "; Written through the hub's API. Edit it if you like: a reload reads it again.\n");
    bool ok = json_is(root, JSON_OBJECT) || err_set(e, "the configuration is not an object");
    for (json_iter it = json_iterate(root); ok && json_next(&it);)
        ok = put_section(a, &text, it.key, it.value, e);
    if (ok) {
        *out = arena_copy(a, buf_str(&text));
        ok = (out->ptr != NULL && !text.failed) || err_set(e, "no memory");
    }
    buf_free(&text);
    return ok && reads_back(a, *out, root, e);
}

/* --- files ------------------------------------------------------------------------------------------------
 */

static bool write_all(int fd, bb_str text) {
    while (text.len > 0) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text = str_of(text.ptr + n, text.len - (size_t)n);
    }
    return true;
}

static void sync_folder(const char *path) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path) : 1,
             slash != NULL ? path : ".");
    int fd = open(folder[0] != '\0' ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

bool conf_write_file(const char *path, bb_str text, err *e) {
    char temporary[PATH_MAX];
    struct stat before;
    int n = snprintf(temporary, sizeof temporary, "%s.new", path); /* not *.conf: a reload passes it over */
    if (n < 0 || (size_t)n >= sizeof temporary)
        return err_set(e, "%.300s: the path is too long", path);
    mode_t mode = stat(path, &before) == 0 ? before.st_mode & 0777 : 0600;
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_all(fd, text) && fchmod(fd, mode) == 0 && fsync(fd) == 0 &&
              rename(temporary, path) == 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (!ok) {
        unlink(temporary);
        return err_set(e, "%s: cannot be written: %s; nothing was changed", path, strerror(why));
    }
    sync_folder(path);
    return true;
}
