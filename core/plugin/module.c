#include "plugin/host_abandon.h"
#include "plugin/host_auth.h"
#include "plugin/host_content.h"
#include "plugin/host_session.h"
#include "plugin/host_webhook.h"
#include "plugin/mark.h"

#include <dlfcn.h>
#include <stdlib.h>

static bool matches(bb_str s, bool (*first)(char), bool (*rest)(char), size_t max) {
    if (s.len == 0 || s.len > max || !first(s.ptr[0]))
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!rest(s.ptr[i]))
            return false;
    return true;
}

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
static bool is_id_char(char c) {
    return is_lower(c) || (c >= '0' && c <= '9') || c == '_';
}
static bool is_name_char(char c) {
    return is_id_char(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
}

/* A text as JSON, or what stands in its place. */
static bb_str text_or(const char *text, const char *otherwise) {
    return str_from(text != NULL ? text : otherwise);
}

#define SIZE_MAX_STRUCT 4096u /* bytes; the largest of SDK 1.0 has 144 */
#define LIST_MAX 10000u
#define SCHEMES_MAX 100u

bool module_size_check(const char *what, uint32_t size, size_t least, err *e) {
    if (size < least)
        return err_set(e, "%s's size is %u, smaller than SDK 1.0's %zu", what, size, least);
    return size <= SIZE_MAX_STRUCT || err_set(e, "%s's size is %u, which no SDK has", what, size);
}

/* The entries of a list that ends with NULL. */
static bool count_list(const char *what, const void *const *list, size_t max, size_t *count, err *e) {
    for (*count = 0; *count < max; ++*count)
        if (list[*count] == NULL)
            return true;
    return list[max] == NULL ||
           err_set(e, "its list of %s has over %zu entries: does it end with NULL?", what, max);
}

/* --- schemas -------------------------------------------------------------------------------------- */

static bb_str find_schema(void *ctx, bb_str uri) {
    const plugin_module *m = ctx;
    if (m->desc->schemas == NULL)
        return (bb_str){NULL, 0};
    for (const bb_schema *const *s = m->desc->schemas; *s != NULL; s++)
        if (str_ends(uri, str_from((*s)->name)) && uri.len > strlen((*s)->name) &&
            uri.ptr[uri.len - strlen((*s)->name) - 1] == '/')
            return str_from((*s)->text);
    return (bb_str){NULL, 0};
}

static bool compile(plugin_module *m, bb_str text, const char *what, bb_str name, schema **out, err *e) {
    bb_str base = arena_printf(m->memory, "busbar:///%.*s/", STR_FMT(m->id));
    schema_resolver resolver = {.find = find_schema, .ctx = m};
    *out = schema_compile(text, base, &resolver, e);
    return *out != NULL || err_prefix(e, "%s of \"%.*s\": ", what, STR_FMT(name));
}

static bool check_schemas(plugin_module *m, err *e) {
    size_t n;
    if (m->desc->schemas == NULL)
        return true;
    if (!count_list("schemas", (const void *const *)m->desc->schemas, LIST_MAX, &n, e))
        return false;
    for (const bb_schema *const *s = m->desc->schemas; *s != NULL;
         s++) { /* all, before one refers to another */
        if (!module_size_check("a schema", (*s)->size, sizeof **s, e))
            return false;
        if (!matches(str_from((*s)->name), is_name_char, is_name_char, 100))
            return err_set(e, "a schema has no proper name: allowed are 1 to 100 of A-Z a-z 0-9 _ . -");
    }
    for (const bb_schema *const *s = m->desc->schemas; *s != NULL; s++) {
        schema *compiled = NULL;
        bool ok = compile(m, text_or((*s)->text, ""), "schema", str_from((*s)->name), &compiled, e);
        schema_free(compiled);
        if (!ok)
            return false;
    }
    return true;
}

/* Which of them the hub has is for those to say who implement them. */
static bool check_schemes(const bb_plugin *p, err *e) {
    size_t n = 0;
    if (p->auth_schemes != NULL &&
        !count_list("auth schemes", (const void *const *)p->auth_schemes, SCHEMES_MAX, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!module_size_check("an auth scheme", p->auth_schemes[i]->size, sizeof *p->auth_schemes[i], e))
            return false;
        if (p->auth_schemes[i]->scheme == NULL)
            return err_set(e, "an auth scheme has no name");
    }
    return true;
}

static bool check_settings(plugin_module *m, err *e) {
    m->settings_text = text_or(m->desc->settings_schema,
                               "{\"type\":\"object\",\"additionalProperties\":false}");
    if (!compile(m, m->settings_text, "settings schema", m->id, &m->settings, e))
        return false;
    m->settings_schema_json = json_read(m->memory, m->settings_text, NULL, NULL);
    return json_is(m->settings_schema_json, JSON_OBJECT) ||
           err_set(e, "the settings schema is not an object");
}

/* --- operations ------------------------------------------------------------------------------------ */

static bool check_operation(plugin_module *m, plugin_op *op, const bb_operation *desc, err *e) {
    if (!module_size_check("an operation", desc->size, sizeof *desc, e))
        return false;
    op->desc = desc;
    op->id = str_from(desc->id);
    if (!matches(op->id, is_name_char, is_name_char, 100))
        return err_set(e, "an operation has the id \"%.100s\": allowed are 1 to 100 of A-Z a-z 0-9 _ . -",
                       desc->id != NULL ? desc->id : "");
    if (desc->start == NULL)
        return err_set(e, "operation \"%s\" has no start step", desc->id);
    if (desc->state_size > 65536)
        return err_set(e, "operation \"%s\" asks for %u bytes of state; 65536 are allowed", desc->id,
                       desc->state_size);
    if ((desc->flags & BB_OP_PAGINATED) != 0 && desc->items == NULL)
        return err_set(e, "operation \"%s\" is paginated but does not say where its items are", desc->id);
    op->input_text = text_or(desc->input_schema, "{\"type\":\"object\"}");
    op->output_text = text_or(desc->output_schema, "{}");
    op->examples_text = text_or(desc->examples, "[]");
    if (!json_is(json_read(m->memory, op->examples_text, NULL, NULL), JSON_ARRAY))
        return err_set(e, "the examples of \"%s\" are not a JSON array", desc->id);
    return compile(m, op->input_text, "input schema", op->id, &op->input, e) &&
           compile(m, op->output_text, "output schema", op->id, &op->output, e);
}

static bool check_operations(plugin_module *m, err *e) {
    size_t n = 0;
    if (m->desc->operations == NULL)
        return err_set(e, "the connector has no operations");
    if (!count_list("operations", (const void *const *)m->desc->operations, LIST_MAX, &n, e))
        return false;
    m->ops = arena_zalloc(m->memory, n * sizeof *m->ops);
    if (m->ops == NULL)
        return err_set(e, "no memory for the connector's operations");
    for (size_t i = 0; i < n; i++) {
        m->op_count = i + 1; /* so that unref frees what has been compiled */
        if (!check_operation(m, &m->ops[i], m->desc->operations[i], e))
            return false;
        for (size_t j = 0; j < i; j++)
            if (str_eq(m->ops[i].id, m->ops[j].id))
                return err_set(e, "operation \"%s\" is declared twice", m->ops[i].desc->id);
    }
    return true;
}

/* --- the descriptor -------------------------------------------------------------------------------- */

static bool check_entry(const bb_entry *entry, err *e) {
    if (memcmp(entry->magic, BUSBAR_MAGIC, sizeof entry->magic) != 0)
        return err_set(e, "its busbar_entry is not one of this SDK (wrong magic)");
    if (entry->abi_major != BUSBAR_ABI_MAJOR)
        return err_set(e, "it was built for ABI %u.%u, this hub loads ABI %u.x: rebuild it with SDK %u",
                       entry->abi_major, entry->abi_minor, BUSBAR_ABI_MAJOR, BUSBAR_ABI_MAJOR);
    if (entry->abi_minor > BUSBAR_ABI_MINOR)
        return err_set(e,
                       "it was built for ABI %u.%u, this hub is at %u.%u: upgrade the hub, or rebuild it "
                       "with the older SDK",
                       entry->abi_major, entry->abi_minor, BUSBAR_ABI_MAJOR, BUSBAR_ABI_MINOR);
    return module_size_check("its busbar_entry", entry->size, sizeof *entry, e) &&
           (entry->plugin != NULL || err_set(e, "its busbar_entry has no descriptor"));
}

static bool check_plugin(const bb_plugin *p, bb_str id, err *e) {
    if (!module_size_check("its descriptor", p->size, sizeof *p, e))
        return false;
    if (!matches(str_from(p->id), is_lower, is_id_char, 64))
        return err_set(e, "its id is not of the form [a-z][a-z0-9_]{0,63}");
    if (id.ptr != NULL && !str_eq(str_from(p->id), id))
        return err_set(e, "its id is \"%s\", so the file must be named %s.so", p->id, p->id);
    if (p->name == NULL || p->version == NULL || p->summary == NULL)
        return err_set(e, "its descriptor lacks a name, a version or a summary");
    if ((p->create == NULL) != (p->destroy == NULL))
        return err_set(e, "create and destroy go together; it has only one of them");
    return true;
}

static bool check_test_operation(const plugin_module *m, err *e) {
    const char *test = m->desc->test_operation;
    return test == NULL || module_op(m, str_from(test)) != NULL ||
           err_set(e, "its test_operation \"%s\" is not one of its operations", test);
}

bool module_admit_extensions(plugin_module *m, err *e) {
    return host_auth_admit(m, &m->auth, e) && host_webhook_admit(m, &m->webhooks, e) &&
           host_session_admit(m, e) && host_content_admit(m, e) && host_abandon_admit(m, e);
}

bool module_admit(plugin_module *m, const bb_entry *entry, bb_str id, err *e) {
    if (!check_entry(entry, e) || !check_plugin(entry->plugin, id, e))
        return false;
    m->entry = entry;
    m->desc = entry->plugin;
    m->id = str_from(m->desc->id);
    if (m->build != NULL)
        str_put(m->build->version, sizeof m->build->version, str_from(m->desc->version));
    return check_schemes(m->desc, e) && check_schemas(m, e) && check_settings(m, e) &&
           check_operations(m, e) && check_test_operation(m, e) && module_admit_extensions(m, e);
}

bb_str module_id_of(const char *path) {
    const char *slash = strrchr(path, '/');
    bb_str name = str_from(slash != NULL ? slash + 1 : path);
    if (str_ends(name, STR(".so")))
        name.len -= 3;
    return name;
}

plugin_op *module_op_own(plugin_module *m, bb_str id) {
    for (size_t i = 0; i < m->op_count; i++)
        if (str_eq(m->ops[i].id, id))
            return &m->ops[i];
    return NULL;
}

const plugin_op *module_op(const plugin_module *m, bb_str id) {
    return module_op_own((plugin_module *)(uintptr_t)m, id);
}

/* --- life ------------------------------------------------------------------------------------------ */

static void module_free(plugin_module *m) {
    for (size_t i = 0; i < m->op_count; i++) {
        schema_free(m->ops[i].input);
        schema_free(m->ops[i].output);
    }
    schema_free(m->settings);
    arena_free(m->memory);
#ifdef BUSBAR_UNLOAD
    if (m->handle != NULL)
        dlclose(m->handle);
#endif
    free(m);
}

/* RTLD_NODELETE: nothing of a connector's can be left pointing at code that is gone. The builds that do
 * unload are for tests: what the hub itself still holds of a retired connector's memory shows there. */
#ifdef BUSBAR_UNLOAD
#define LOAD_MODE (RTLD_NOW | RTLD_LOCAL)
#else
#define LOAD_MODE (RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)
#endif

const bb_entry *module_open(plugin_module *m, err *e) {
    m->handle = dlopen(m->path, LOAD_MODE);
    if (m->handle == NULL) {
        const char *reason = dlerror();
        err_set(e, "the dynamic linker refuses it: %s", reason != NULL ? reason : "no reason given");
        return NULL;
    }
    const bb_entry *entry = dlsym(m->handle, "busbar_entry");
    if (entry == NULL)
        err_set(e, "it exports no busbar_entry: is BUSBAR_PLUGIN(...) missing?");
    return entry;
}

const void *module_extension(const plugin_module *m, const char *extension_id) {
    if (!m->declared)
        return m->entry->get_extension != NULL ? m->entry->get_extension(extension_id) : NULL;
    return m->extensions != NULL ? bb_extension_find(m->extensions, extension_id) : NULL;
}

plugin_module *module_new(const char *staged_path, const char *sha256, const char *file, err *e) {
    static uint64_t loads;
    plugin_module *m = calloc(1, sizeof *m);
    if (m == NULL || (m->memory = arena_new(0)) == NULL) {
        free(m);
        err_set(e, "no memory");
        return NULL;
    }
    m->refs = 1;
    m->number = ++loads;
    m->file = arena_strdup(m->memory, str_from(file));
    m->path = arena_strdup(m->memory, str_from(staged_path));
    memcpy(m->sha256, sha256, sizeof m->sha256);
    return m;
}

plugin_module *module_load(const char *staged_path, const char *sha256, const char *file, bb_str id, err *e) {
    plugin_module *m = module_new(staged_path, sha256, file, e);
    if (m == NULL)
        return NULL;
    m->build = mark_build_new(id, sha256, m->number, staged_path);
    mark *here = mark_enter(m, NULL, "load"); /* its constructors, get_extension, and pointers that may lie */
    const bb_entry *entry = module_open(m, e);
    bool ok = entry != NULL && module_admit(m, entry, id, e);
    mark_leave(here);
    if (ok)
        return m;
    module_unref(m);
    return NULL;
}

void module_ref(plugin_module *m) {
    m->refs++;
}

void module_unref(plugin_module *m) {
    if (m != NULL && --m->refs == 0)
        module_free(m);
}
