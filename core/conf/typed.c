/* typed.c - values as numbers, durations, sizes and booleans. */
#include "conf/typed.h"

/* Expands, then has `read` take the value. The text of an error names the value only where the file itself
 * shows it. */
static bool read_value(arena *a, const conf_file *f, const conf_entry *entry, const char *expected, err *e,
                       bool (*read)(bb_str text, void *out), void *out) {
    bb_str text;
    bool reference;
    if (!conf_expand(a, f, entry, &text, &reference, e))
        return false;
    if (read(text, out))
        return true;
    if (reference)
        return conf_fail(e, f, entry->line, "%s is not %s", entry->key.ptr, expected);
    return conf_fail(e, f, entry->line, "%s = %.*s is not %s", entry->key.ptr,
                     (int)(text.len < 100 ? text.len : 100), text.ptr, expected);
}

typedef struct bounded {
    uint64_t min, max, value;
} bounded;

static bool within(const bounded *b) {
    return b->value >= b->min && b->value <= b->max;
}

static bool read_u64(bb_str text, void *out) {
    bounded *b = out;
    return str_to_u64(text, &b->value) && within(b);
}

static bool read_duration(bb_str text, void *out) {
    bounded *b = out;
    return str_to_duration_ms(text, &b->value) && within(b);
}

static bool read_size(bb_str text, void *out) {
    bounded *b = out;
    static const char units[] = "kmg";
    const char *unit = text.len > 0 ? strchr(units, text.ptr[text.len - 1] | 0x20) : NULL;
    unsigned shift = unit != NULL && *unit != '\0' ? 10 * (unsigned)(unit - units + 1) : 0;
    if (shift > 0)
        text.len--;
    if (!str_to_u64(text, &b->value) || b->value > UINT64_MAX >> shift)
        return false;
    b->value <<= shift;
    return within(b);
}

static bool read_bounded(arena *a, const conf_file *f, const conf_entry *entry, bounded *b, const char *what,
                         const char *unit, uint64_t otherwise, uint64_t *out, err *e,
                         bool (*read)(bb_str, void *)) {
    if (entry == NULL) {
        *out = otherwise;
        return true;
    }
    bb_str expected = arena_printf(a, "%s from %llu%s to %llu%s", what, (unsigned long long)b->min, unit,
                                   (unsigned long long)b->max, unit);
    if (!read_value(a, f, entry, expected.ptr, e, read, b))
        return false;
    *out = b->value;
    return true;
}

bool conf_u64(arena *a, const conf_file *f, const conf_entry *entry, uint64_t min, uint64_t max,
              uint64_t otherwise, uint64_t *out, err *e) {
    bounded b = {min, max, 0};
    return read_bounded(a, f, entry, &b, "a whole number", "", otherwise, out, e, read_u64);
}

bool conf_duration_ms(arena *a, const conf_file *f, const conf_entry *entry, uint64_t min, uint64_t max,
                      uint64_t otherwise, uint64_t *out, err *e) {
    bounded b = {min, max, 0};
    return read_bounded(a, f, entry, &b, "a duration (250ms, 30s, 5m, 2h, 1d)", "ms", otherwise, out, e,
                        read_duration);
}

bool conf_size(arena *a, const conf_file *f, const conf_entry *entry, uint64_t min, uint64_t max,
               uint64_t otherwise, uint64_t *out, err *e) {
    bounded b = {min, max, 0};
    return read_bounded(a, f, entry, &b, "a size (4096, 64k, 10m, 1g)", " bytes", otherwise, out, e,
                        read_size);
}

bool typed_bool(bb_str text, bool *out) {
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq_nocase(text, str_from(words[i]))) {
            *out = i % 2 == 1;
            return true;
        }
    return false;
}

static bool read_bool(bb_str text, void *out) {
    return typed_bool(text, out);
}

bool conf_bool(arena *a, const conf_file *f, const conf_entry *entry, bool otherwise, bool *out, err *e) {
    *out = otherwise;
    return entry == NULL ||
           read_value(a, f, entry, "yes or no (or true, false, on, off, 1, 0)", e, read_bool, out);
}

bool conf_text(arena *a, const conf_file *f, const conf_entry *entry, const char **out, err *e) {
    bb_str value;
    if (entry == NULL)
        return true;
    if (!conf_expand(a, f, entry, &value, NULL, e))
        return false;
    *out = arena_strdup(a, value);
    return *out != NULL || err_set(e, "no memory");
}
