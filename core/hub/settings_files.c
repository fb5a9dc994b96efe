/* settings_files.c - what busbar.conf says of [files]: where calls may read and write files, and how much may
 * wait in the state folder. */
#include "hub/settings.h"

static const char *const keys[] = {"folders", "spool_max", "spool_free", NULL};

/* "/srv/files, /srv/more": absolute, and none the whole file system. */
static bool read_folders(arena *a, const conf_file *f, const conf_entry *entry, content_folders *out,
                         err *e) {
    bb_str text, part;
    size_t n = 0;
    if (entry == NULL)
        return true;
    if (!conf_expand(a, f, entry, &text, NULL, e))
        return false;
    const char **paths = arena_zalloc(a, (text.len / 2 + 2) * sizeof *paths);
    if (paths == NULL)
        return err_set(e, "no memory");
    while (str_split(&text, ',', &part)) {
        part = str_trim(part);
        while (part.len > 1 && part.ptr[part.len - 1] == '/')
            part.len--;
        if (part.len == 0)
            continue;
        if (part.len < 2 || part.ptr[0] != '/')
            return conf_fail(
                e, f, entry->line,
                "folders has \"%.*s\": each is an absolute path, with commas between, and none is /",
                STR_FMT(part));
        paths[n++] = arena_strdup(a, part);
    }
    out->paths = paths;
    return true;
}

bool hub_settings_read_files(arena *a, const conf_file *f, hub_settings *out, err *e) {
    const conf_section *s = conf_find_section(f, STR("files"));
    content_folders *o = &out->folders;
    if (s != NULL && !conf_check_keys(f, s, keys, e))
        return false;
    o->spool = out->offline ? NULL : arena_printf(a, "%s/spool", out->state_dir).ptr;
    return read_folders(a, f, conf_find(s, STR("folders")), o, e) &&
           conf_size(a, f, conf_find(s, STR("spool_max")), 0, UINT64_MAX / 2, 4ull << 30, &o->spool_max, e) &&
           conf_size(a, f, conf_find(s, STR("spool_free")), 0, UINT64_MAX / 2, 256ull << 20, &o->spool_free,
                     e);
}
