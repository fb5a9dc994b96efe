#include "webhook/route.h"

bb_str route_name_of(bb_str section) {
    bb_str prefix = STR("route ");
    if (!str_starts(section, prefix))
        return (bb_str){NULL, 0};
    return str_trim(str_of(section.ptr + prefix.len, section.len - prefix.len));
}

static bool read_patterns(const conf_file *f, const conf_entry *entry, arena *a, patterns *out, err *e) {
    bb_str text = {NULL, 0};
    if (entry == NULL)
        return true;
    if (!conf_expand(a, f, entry, &text, NULL, e))
        return false;
    return patterns_read(a, arena_copy(a, text), out) || err_set(e, "%s: no memory", f->path);
}

static bool read_key(const conf_file *f, const conf_entry *entry, arena *a, target *out, err *e) {
    bb_str text = {NULL, 0};
    if (entry == NULL)
        return true;
    if (!conf_expand(a, f, entry, &text, NULL, e))
        return false;
    if (text.len == 0 || text.ptr[0] != '/')
        return conf_fail(e, f, entry->line, "key is a JSON Pointer into the payload, as /data/id");
    out->key = arena_copy(a, text);
    return true;
}

const target *route_read(const webhook_reading *r, const conf_file *f, const conf_section *s, arena *a,
                         err *e) {
    static const char *const known[] = {"types", "key", "delay", NULL};
    bb_str name = route_name_of(s->name);
    target *t = arena_zalloc(a, sizeof *t);
    bb_str *source = arena_zalloc(a, sizeof *source);
    if (t == NULL || source == NULL)
        return NULL;
    if (!conf_id_ok(name)) {
        conf_fail(e, f, s->line, "a route's name is as a file's: [route NAME], of [a-z0-9_-]");
        return NULL;
    }
    *source = arena_printf(a, "endpoint/%.*s", STR_FMT(f->id));
    t->name = arena_printf(a, "endpoint/%.*s/%.*s", STR_FMT(f->id), STR_FMT(name));
    t->sources = (patterns){source, 1};
    t->loop = target_loop(t->name, r->loops);
    bool ok = source->ptr != NULL && t->name.ptr != NULL && conf_check_keys(f, s, known, e) &&
              read_patterns(f, conf_find(s, STR("types")), a, &t->types, e) &&
              read_key(f, conf_find(s, STR("key")), a, t, e) &&
              conf_duration_ms(a, f, conf_find(s, STR("delay")), 0, 30 * 86400000ull, 0, &t->delay_ms, e);
    return ok ? t : NULL;
}
