#include "plugin/host_fields.h"

#include "plugin/module.h"
#include "plugin/url.h"

/* [a-z][a-z0-9_]{0,63} */
static bool is_id(const char *text) {
    bb_str s = str_from(text);
    if (s.len == 0 || s.len > 64 || s.ptr[0] < 'a' || s.ptr[0] > 'z')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

/* Not empty, without control characters. */
static bool is_line(const char *text) {
    return text != NULL && text[0] != '\0' && url_header_value_ok(str_from(text));
}

bool fields_admit_scheme(const char *kind, const char *id, const char *summary, err *e) {
    if (!is_id(id))
        return err_set(e, "%s %s has the id \"%.100s\": allowed is [a-z][a-z0-9_]{0,63}",
                       kind[0] == 'a' ? "an" : "a", kind, id != NULL ? id : "");
    return is_line(summary) || err_set(e, "%s \"%s\" has no summary of one line", kind, id);
}

static bool check_field(const char *kind, const char *id, const bb_auth_field *f, err *e) {
    if (!module_size_check("a field", f->size, sizeof *f, e))
        return err_prefix(e, "%s \"%s\": ", kind, id);
    if (!is_id(f->name) || strcmp(f->name, "scheme") == 0)
        return err_set(e,
                       "%s \"%s\" has a field named \"%.100s\": allowed is [a-z][a-z0-9_]{0,63}, but "
                       "not \"scheme\"",
                       kind, id, f->name != NULL ? f->name : "");
    if (!is_line(f->description))
        return err_set(e, "%s \"%s\": field \"%s\" has no description of one line", kind, id, f->name);
    if (f->otherwise != NULL && (f->flags & (BB_AUTH_REQUIRED | BB_AUTH_SECRET)) != 0)
        return err_set(e, "%s \"%s\": field \"%s\" has a default, but is required or secret", kind, id,
                       f->name);
    return true;
}

bool fields_admit(const char *kind, const char *id, const bb_auth_field *const *fields, err *e) {
    for (size_t i = 0; fields != NULL && fields[i] != NULL; i++) {
        if (i == PLUGIN_FIELDS_MAX)
            return err_set(e, "%s \"%s\" has more than %d fields", kind, id, PLUGIN_FIELDS_MAX);
        if (!check_field(kind, id, fields[i], e))
            return false;
        for (size_t j = 0; j < i; j++)
            if (strcmp(fields[i]->name, fields[j]->name) == 0)
                return err_set(e, "%s \"%s\" has two fields named \"%s\"", kind, id, fields[i]->name);
    }
    return true;
}
