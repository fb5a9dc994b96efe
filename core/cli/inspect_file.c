/* inspect_file.c - `busbar inspect FILE.so`: what a connector declares, read from its file. Nothing of it is
 * loaded, so that a file of unknown origin can be looked at. */
#include "api/routes.h"
#include "auth/custom.h"
#include "cli/inspect.h"
#include "plugin/host_crypto.h"

#include <stdlib.h>

bool inspect_is_file(const char *word) {
    return str_ends(str_from(word), STR(".so")) || word[0] == '/' || strncmp(word, "./", 2) == 0 ||
           strncmp(word, "../", 3) == 0;
}

static void sha256_of(bb_str bytes, char out[65]) {
    uint8_t hash[BB_HASH_MAX];
    size_t n = host_crypto.digest(BB_SHA256, bytes, hash);
    n = host_crypto.hex_encode(str_of(hash, n), out, 64);
    out[n] = '\0';
}

static void write_extensions(json_writer *w, const plugin_module *m) {
    if (m->extensions_unknown)
        return;
    json_keyl(w, "extensions");
    json_array(w);
    for (const bb_extension *x = m->extensions; x->id != NULL; x++)
        json_put_string_lossy(w, str_from(x->id));
    json_array_end(w);
}

static void write_module(json_writer *w, arena *a, const plugin_module *m, size_t size) {
    const bb_plugin *p = m->desc;
    json_object(w);
    json_member_string(w, STR("id"), m->id);
    json_member_string(w, STR("name"), str_from(p->name));
    json_member_string(w, STR("version"), str_from(p->version));
    json_member_string(w, STR("summary"), str_from(p->summary));
    json_member_string(w, STR("file"), str_from(m->file));
    json_member_u64(w, STR("size"), size);
    json_member_string(w, STR("sha256"), str_from(m->sha256));
    json_member_string(w, STR("abi"), arena_printf(a, "%u.%u", m->entry->abi_major, m->entry->abi_minor));
    json_member_string(w, STR("sdk"), m->sdk[0] != '\0' ? str_from(m->sdk) : STR("1.0"));
    write_extensions(w, m);
    write_declarations(w, a, m, true);
    json_object_end(w);
}

/* What a hub would say at once, too. */
static plugin_module *read_module(const char *file, arena *a, size_t *size, err *e) {
    char sha256[65], *bytes = module_read(file, size, e);
    bool unknown = false;
    if (bytes == NULL)
        return NULL;
    sha256_of(str_of(bytes, *size), sha256);
    plugin_module *m = module_load_declared(file, str_of(bytes, *size), sha256, file, (bb_str){NULL, 0},
                                            &unknown, e);
    free(bytes);
    if (m != NULL && auth_check_plugin(a, m->desc, e) && custom_check(m->auth, e))
        return m;
    module_unref(m);
    if (unknown)
        complain("it cannot be read without running it; `busbar check %s` does so in a process of its own",
                 file);
    return NULL;
}

static const json_value *find_operation_of(const json_value *plugin, const char *id) {
    for (json_iter it = json_iterate(json_getl(plugin, "operations")); json_next(&it);)
        if (str_eq(json_string(json_getl(it.value, "id")), str_from(id)))
            return it.value;
    return NULL;
}

static void warn_of_name(const char *file, bb_str id) {
    const char *slash = strrchr(file, '/'), *name = slash != NULL ? slash + 1 : file;
    if (strlen(name) != id.len + 3 || strncmp(name, id.ptr, id.len) != 0)
        complain("a hub takes it only by the name %.*s.so", STR_FMT(id));
}

static int show(const options *o, const json_value *plugin) {
    const json_value *shown = plugin;
    if (o->word_count == 2 && (shown = find_operation_of(plugin, o->words[1])) == NULL) {
        complain("%s has no operation \"%s\"", o->words[0], o->words[1]);
        return EXIT_NOT_FOUND;
    }
    if (o->output == OUTPUT_JSON)
        print_json(o, shown);
    else
        inspect_print(shown, shown != plugin);
    return EXIT_OK;
}

int inspect_file(const options *o) {
    if (o->word_count > 2) {
        complain(
            "inspect takes a file, and at most one of its operations: busbar inspect FILE.so [OPERATION]");
        return EXIT_USAGE;
    }
    err e = {""};
    size_t size = 0;
    arena *a = arena_new(0);
    plugin_module *m = a != NULL ? read_module(o->words[0], a, &size, &e) : NULL;
    int code = EXIT_FAILED;
    if (m == NULL) {
        fprintf(stderr, "busbar: %s: ", o->words[0]);
        print_text(stderr, str_from(e.text));
        fputc('\n', stderr);
    } else {
        buf text;
        json_writer w;
        buf_init(&text);
        json_writer_init(&w, &text);
        write_module(&w, a, m, size);
        const json_value *plugin = json_writer_finish(&w) ? json_read(a, buf_str(&text), NULL, NULL) : NULL;
        code = plugin != NULL ? show(o, plugin) : EXIT_FAILED;
        warn_of_name(o->words[0], m->id);
        buf_free(&text);
    }
    module_unref(m);
    arena_free(a);
    return code;
}
