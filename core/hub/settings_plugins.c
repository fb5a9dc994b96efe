/* settings_plugins.c - which connectors this hub runs, as busbar.conf says: [plugins] and [pins]. Read at the
 * start and at each reload. */
#include "hub/settings.h"

#include "base/file.h"
#include "plugin/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_FILE_MAX 65536u

static const char *const plugins_keys[] = {"isolation", "on_crash", "require_signature",
                                           "keys",      "folders",  NULL};

/* The entry's value; absent: it is not there. False: *e. */
static bool value_of(arena *a, const conf_file *f, const conf_entry *entry, bb_str *out, err *e) {
    *out = (bb_str){NULL, 0};
    return entry == NULL || conf_expand(a, f, entry, out, NULL, e);
}

/* One of two words. */
static bool read_choice(arena *a, const conf_file *f, const conf_entry *entry, const char *no,
                        const char *yes, bool otherwise, bool *out, err *e) {
    bb_str value;
    *out = otherwise;
    if (!value_of(a, f, entry, &value, e))
        return false;
    if (entry == NULL)
        return true;
    *out = str_eq(value, str_from(yes));
    return *out || str_eq(value, str_from(no)) ||
           conf_fail(e, f, entry->line, "%.*s is \"%.*s\": allowed are %s and %s", STR_FMT(entry->key),
                     STR_FMT(value), no, yes);
}

/* --- the keys ----------------------------------------------------------------------------------------- */

/* A link is followed, as folders of mounted secrets have them. Looked at by its descriptor: what is checked
 * is what is read. */
static bool read_key(arena *a, const char *path, bb_str name, signature_key *out, err *e) {
    struct stat st;
    char real[PATH_MAX], text[KEY_FILE_MAX];
    int fd = place_resolve(path, real, e)
                 ? open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW)
                 : -1;
    if (fd < 0)
        return e->text[0] != '\0' ? false : err_set(e, "cannot be opened: %s", strerror(errno));
    bool ok = fstat(fd, &st) == 0 ? place_file(&st, e)
                                  : err_set(e, "cannot be looked at: %s", strerror(errno));
    ssize_t n = ok ? read(fd, text, sizeof text) : 0;
    if (n < 0)
        ok = err_set(e, "cannot be read: %s", strerror(errno));
    close(fd);
    out->name = arena_strdup(a, name);
    return ok && signature_key_read(str_of(text, (size_t)n), out, e) &&
           (out->name != NULL || err_set(e, "no memory"));
}

static int is_pem(const struct dirent *d) {
    return d->d_name[0] != '.' && strlen(d->d_name) > 4 && str_ends(str_from(d->d_name), STR(".pem"));
}

bool hub_keys_read(arena *a, const char *folder, plugin_policy *out, err *e) {
    char real[PATH_MAX];
    struct dirent **names = NULL;
    if (!place_folder(folder, real, e))
        return err_prefix(e, "%s: ", folder);
    int n = scandir(real, &names, is_pem, alphasort);
    signature_key *keys = n >= 0 ? arena_zalloc(a, (size_t)(n + 1) * sizeof *keys) : NULL;
    bool ok = keys != NULL || err_set(e, "%s: cannot be read: %s", folder, strerror(errno));
    out->has_keys = true;
    out->keys = keys;
    for (int i = 0; i < n; i++) {
        bb_str file = str_from(names[i]->d_name);
        bb_str path = ok ? arena_printf(a, "%s/%s", real, file.ptr) : (bb_str){NULL, 0};
        if (path.ptr != NULL &&
            !read_key(a, path.ptr, str_of(file.ptr, file.len - 4), &keys[out->key_count++], e))
            ok = err_prefix(e, "%s/%s: ", folder, file.ptr);
        free(names[i]);
    }
    free(names);
    return ok;
}

static bool read_keys(arena *a, const conf_file *f, const conf_entry *entry, plugin_policy *out, err *e) {
    bb_str value;
    err why = {""};
    if (!value_of(a, f, entry, &value, e))
        return false;
    const char *folder = value.len > 0 ? arena_strdup(a, value) : NULL;
    return folder == NULL || hub_keys_read(a, folder, out, &why) ||
           conf_fail(e, f, entry->line, "keys: %s", why.text);
}

/* --- folders, pins ---------------------------------------------------------------------------------------
 */

static bool read_folders(arena *a, const conf_file *f, const conf_entry *entry, plugin_policy *out, err *e) {
    bb_str rest, part;
    char real[PATH_MAX];
    if (!value_of(a, f, entry, &rest, e))
        return false;
    const char **folders = arena_zalloc(a, (rest.len / 2 + 2) * sizeof *folders);
    out->folders = folders;
    while (folders != NULL && str_split(&rest, ',', &part)) {
        part = str_trim(part);
        if (part.len == 0)
            continue;
        if (realpath(arena_strdup(a, part), real) == NULL)
            return conf_fail(e, f, entry->line, "folders: %.*s: %s", STR_FMT(part), strerror(errno));
        folders[out->folder_count++] = arena_strdup(a, str_from(real));
    }
    return folders != NULL || err_set(e, "no memory");
}

static bool is_hash(bb_str s) {
    for (size_t i = 0; i < s.len; i++)
        if (str_hex_digit(s.ptr[i]) < 0)
            return false;
    return s.len == 64;
}

static bool add_pin(arena *a, const conf_file *f, const conf_entry *entry, bb_str hash, plugin_pin *pin,
                    err *e) {
    if (!is_hash(hash))
        return conf_fail(
            e, f, entry->line,
            "the pin \"%.*s\" of %.*s is no SHA-256: 64 hexadecimal digits are expected (sha256sum "
            "%.*s.so)",
            STR_FMT(hash), STR_FMT(entry->key), STR_FMT(entry->key));
    pin->plugin = arena_strdup(a, entry->key);
    for (size_t i = 0; i < 64; i++)
        pin->sha256[i] = (char)(hash.ptr[i] >= 'A' && hash.ptr[i] <= 'F' ? hash.ptr[i] + 32 : hash.ptr[i]);
    return pin->plugin != NULL || err_set(e, "no memory");
}

static bool read_pins(arena *a, const conf_file *f, plugin_policy *out, err *e) {
    const conf_section *s = conf_find_section(f, STR("pins"));
    size_t most = 0;
    for (size_t i = 0; s != NULL && i < s->count; i++)
        most += s->entries[i].value.len / 2 + 2;
    plugin_pin *pins = arena_zalloc(a, (most + 1) * sizeof *pins);
    out->pins = pins;
    for (size_t i = 0; pins != NULL && s != NULL && i < s->count; i++) {
        bb_str rest, part;
        size_t before = out->pin_count;
        if (!value_of(a, f, &s->entries[i], &rest, e))
            return false;
        while (str_split(&rest, ',', &part))
            if (str_trim(part).len > 0 &&
                !add_pin(a, f, &s->entries[i], str_trim(part), &pins[out->pin_count++], e))
                return false;
        if (out->pin_count == before)
            return conf_fail(e, f, s->entries[i].line, "%.*s has no pin: leave it out to allow any build",
                             STR_FMT(s->entries[i].key));
    }
    return pins != NULL || err_set(e, "no memory");
}

bool hub_settings_read_plugins(arena *a, const conf_file *f, plugin_policy *out, err *e) {
    const conf_section *s = conf_find_section(f, STR("plugins"));
    const conf_entry *required = conf_find(s, STR("require_signature"));
    bool off;
    *out = plugin_policy_default;
    if ((s != NULL && !conf_check_keys(f, s, plugins_keys, e)) ||
        !read_choice(a, f, conf_find(s, STR("isolation")), "none", "process", false, &out->isolate, e) ||
        !read_choice(a, f, conf_find(s, STR("on_crash")), "isolate", "off", false, &off, e) ||
        !conf_bool(a, f, required, false, &out->require_signature, e) ||
        !read_keys(a, f, conf_find(s, STR("keys")), out, e) ||
        !read_folders(a, f, conf_find(s, STR("folders")), out, e) || !read_pins(a, f, out, e))
        return false;
    out->on_crash = off ? QUARANTINE_OFF : QUARANTINE_ISOLATE;
    return !out->require_signature || out->has_keys ||
           conf_fail(e, f, required->line,
                     "require_signature = yes needs `keys`, the folder of the public keys that are trusted");
}
