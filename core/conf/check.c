/* check.c - finding sections and keys, and refusing those that nobody knows. */
#include "conf/conf.h"

#include <stdarg.h>
#include <stdio.h>

const conf_section *conf_find_section(const conf_file *f, bb_str name) {
    for (size_t i = 0; i < f->count; i++)
        if (str_eq(f->sections[i].name, name))
            return &f->sections[i];
    return NULL;
}

const conf_entry *conf_find(const conf_section *s, bb_str key) {
    for (size_t i = 0; s != NULL && i < s->count; i++)
        if (str_eq(s->entries[i].key, key))
            return &s->entries[i];
    return NULL;
}

bool conf_fail(err *e, const conf_file *f, unsigned line, const char *format, ...) {
    char text[900];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_set(e, "%s:%u: %s", f->path, line, text);
}

static void list(char out[400], const char *const *known) {
    size_t n = 0;
    out[0] = '\0';
    for (; *known != NULL && n < 360; known++)
        n += (size_t)snprintf(out + n, 400 - n, "%s%s", n > 0 ? ", " : "", *known);
}

static bool is_known(bb_str name, const char *const *known) {
    for (; *known != NULL; known++)
        if (str_eq(name, str_from(*known)))
            return true;
    return false;
}

static bool unknown(const conf_file *f, unsigned line, const char *what, bb_str name, const char *where,
                    const char *const *known, err *e) {
    char names[400];
    const char *near = str_nearest(name, known);
    list(names, known);
    return conf_fail(e, f, line, "unknown %s \"%.*s\"%s%s%s%s (known: %s)", what,
                     (int)(name.len < 60 ? name.len : 60), name.ptr, where,
                     near != NULL ? ", did you mean \"" : "", near != NULL ? near : "",
                     near != NULL ? "\"?" : "", names);
}

bool conf_check_keys(const conf_file *f, const conf_section *s, const char *const *known, err *e) {
    char where[80];
    snprintf(where, sizeof where, " in [%.*s]", STR_FMT(s->name));
    for (size_t i = 0; i < s->count; i++)
        if (!is_known(s->entries[i].key, known))
            return unknown(f, s->entries[i].line, "key", s->entries[i].key, where, known, e);
    return true;
}

bool conf_check_sections(const conf_file *f, const char *const *known, err *e) {
    for (size_t i = 0; i < f->count; i++)
        if (!is_known(f->sections[i].name, known))
            return unknown(f, f->sections[i].line, "section", f->sections[i].name, "", known, e);
    return true;
}
