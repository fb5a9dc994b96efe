/* fixture.h - a folder of its own for a test, and texts read as conf files. */
#ifndef CONF_FIXTURE_H
#define CONF_FIXTURE_H

#include "conf/conf.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void folder_make(char folder[PATH_MAX]) {
    const char *base = getenv("TMPDIR");
    snprintf(folder, PATH_MAX, "%s/busbar-conf-XXXXXX", base != NULL ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static inline void folder_remove(const char *folder) {
    char command[PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static inline void file_put(const char *path, bb_str text, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert(write(fd, text.ptr, text.len) == (ssize_t)text.len);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

__attribute__((format(printf, 2, 3))) static inline char *path_in(char out[PATH_MAX], const char *format,
                                                                  ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(out, PATH_MAX, format, args);
    va_end(args);
    return out;
}

static inline void expect(bb_str got, const char *wanted) {
    if (!str_eq(got, str_from(wanted)))
        ck_abort_msg("got \"%.*s\", wanted \"%s\"", STR_FMT(got), wanted);
}

static inline void expect_in(const char *text, const char *part) {
    if (strstr(text, part) == NULL)
        ck_abort_msg("\"%s\" does not say \"%s\"", text, part);
}

static inline const conf_entry *entry_of(const conf_file *f, const char *section, const char *key) {
    const conf_entry *entry = conf_find(conf_find_section(f, str_from(section)), str_from(key));
    if (entry == NULL)
        ck_abort_msg("there is no %s.%s", section, key);
    return entry;
}

#endif
