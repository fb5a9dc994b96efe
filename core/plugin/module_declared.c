/* module_declared.c - a module of what a connector's file declares, for who does not load it. */
#include "plugin/declared.h"

#include "base/file.h"
#include "plugin/elf.h"
#include "plugin/layout.h"
#include "plugin/mark.h"
#include "plugin/module.h"
#include "plugin/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *read_whole(int fd, size_t size, err *e) {
    char *bytes = malloc(size);
    if (bytes != NULL && file_read_exactly(fd, bytes, size))
        return bytes;
    free(bytes);
    err_set(e, bytes == NULL ? "no memory to read it" : "it became shorter while it was read");
    return NULL;
}

char *module_read(const char *path, size_t *size, err *e) {
    struct stat st;
    char *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not stop the hub */
    if (fd < 0 || fstat(fd, &st) != 0)
        err_set(e, "cannot be opened: %s", strerror(errno));
    else if (place_regular(&st, e) && place_size(&st, e))
        bytes = read_whole(fd, *size = (size_t)st.st_size, e);
    if (fd >= 0)
        close(fd);
    return bytes;
}

static bool admit(plugin_module *m, bb_str bytes, bb_str id, bool *unknown, err *e) {
    declared read;
    if (!elf_check(bytes, e))
        return false;
    if (!declared_read(bytes, m->memory, &read, e)) {
        *unknown = read.unknown;
        return false;
    }
    m->declared = true;
    m->extensions = read.extensions;
    m->extensions_unknown = read.extensions_unknown;
    memcpy(m->sdk, read.sdk, sizeof m->sdk);
    return module_admit(m, read.entry, id, e);
}

plugin_module *module_load_declared(const char *staged_path, bb_str bytes, const char *sha256,
                                    const char *file, bb_str id, bool *unknown, err *e) {
    bool unused;
    char *read = NULL;
    size_t size = 0;
    plugin_module *m = module_new(staged_path, sha256, file, e);
    unknown = unknown != NULL ? unknown : &unused;
    *unknown = false;
    if (m == NULL)
        return NULL;
    if (bytes.ptr == NULL && (read = module_read(staged_path, &size, e)) != NULL)
        bytes = str_of(read, size);
    bool ok = bytes.ptr != NULL && admit(m, bytes, id, unknown, e);
    free(read);
    if (ok)
        return m;
    module_unref(m);
    return NULL;
}

/* On an entry of the loaded connector, which may have changed what its file says. */
static bool take_mapped(plugin_module *m, const bb_entry *entry, bool *changed, err *e) {
    *changed = !layout_same(&layout_entry, m->entry, entry);
    if (*changed)
        return err_set(e, "it declares something else once it is loaded");
    m->declared = false;
    m->entry = entry;
    m->desc = entry->plugin;
    m->id = str_from(m->desc->id);
    for (size_t i = 0; i < m->op_count; i++) {
        m->ops[i].desc = m->desc->operations[i];
        m->ops[i].id = str_from(m->ops[i].desc->id);
    }
    return module_admit_extensions(m, e);
}

bool module_map(plugin_module *m, bool *changed, err *e) {
    *changed = false;
    m->build = mark_build_new(m->id, m->sha256, m->number, m->path);
    if (m->build != NULL)
        str_put(m->build->version, sizeof m->build->version, str_from(m->desc->version));
    mark *here = mark_enter(m, NULL, "load"); /* its constructors, get_extension, and pointers that may lie */
    const bb_entry *entry = module_open(m, e);
    bool ok = entry != NULL && take_mapped(m, entry, changed, e);
    mark_leave(here);
    return ok;
}
