/* What a connector declares, read from its file: the same as what the loaded one declares, refused for the
 * same reasons, and never a crash, whatever the file. */
#include <busbar/busbar.h> /* these first: Check has a macro `fail` */
#include <busbar/session.h>
#include <busbar/webhook.h>

#include "unit.h"

#include "base/buf.h"
#include "plugin/declared.h"
#include "plugin/elf.h"
#include "plugin/image.h"
#include "plugin/layout.h"
#include "plugin/module.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char no_hash[65];

static const char *path_of(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s.so", CONNECTORS, name);
    return path;
}

static plugin_module *read_module(const char *name, const char *id, bool *unknown, err *e) {
    const char *path = path_of(name);
    return module_load_declared(path, (bb_str){NULL, 0}, no_hash, path, str_from(id), unknown, e);
}

static plugin_module *read_ok(const char *name, const char *id) {
    err e = {""};
    plugin_module *m = read_module(name, id, NULL, &e);
    ck_assert_msg(m != NULL, "%s: %s", name, e.text);
    ck_assert_str_eq(e.text, "");
    return m;
}

/* --- what is declared -------------------------------------------------------------------------------- */

START_TEST(everything_is_read) {
    plugin_module *m = read_ok("whole", "whole");
    const bb_plugin *p = m->desc;
    ck_assert(m->declared && !m->extensions_unknown && m->handle == NULL);
    ck_assert_str_eq(m->sdk, BUSBAR_SDK_VERSION);
    ck_assert_str_eq(p->vendor, "Nobody");
    ck_assert_str_eq(p->test_operation, "least");
    ck_assert(p->create != NULL && p->destroy != NULL && p->self_test != NULL);
    ck_assert_uint_eq(m->op_count, 3);
    const bb_operation *op = m->ops[0].desc;
    ck_assert_uint_eq(op->flags, BB_OP_SAFE | BB_OP_PAGINATED);
    ck_assert_uint_eq(op->timeout_ms, 1234);
    ck_assert_str_eq(op->description, "All of them,\npage by page.");
    ck_assert_str_eq(op->items, "/data");
    ck_assert(op->start != NULL && op->resume != NULL && p->operations[1]->resume == NULL);
    ck_assert_ptr_null(p->operations[3]);
    ck_assert_str_eq(p->schemas[0]->name, "thing");
    ck_assert_str_eq(p->auth_schemes[0]->defaults, "{\"prefix\":\"Token\"}");
    ck_assert_ptr_null(p->auth_schemes[1]->defaults);
    module_unref(m);
}
END_TEST

START_TEST(extensions_are_read) {
    plugin_module *m = read_ok("whole", "whole");
    const bb_auth_extension *auth = module_extension(m, BB_EXT_AUTH);
    ck_assert_ptr_eq(m->auth, auth);
    ck_assert_str_eq(auth->schemes[0]->id, "whole_key");
    ck_assert_str_eq(auth->schemes[0]->fields[1]->otherwise, "eu");
    ck_assert_str_eq(auth->schemes[0]->headers[1], "X-Zone");
    ck_assert_ptr_null(auth->schemes[0]->headers[2]);
    ck_assert(auth->schemes[0]->sign != NULL && auth->schemes[0]->start == NULL);
    const bb_webhook_extension *webhooks = module_extension(m, BB_EXT_WEBHOOK);
    ck_assert_str_eq(webhooks->schemes[0]->id, "whole_hook");
    const bb_session_extension *sessions = module_extension(m, BB_EXT_SESSION);
    ck_assert_uint_eq(sessions->sessions, 3);
    ck_assert_str_eq(sessions->operations[0]->operation, "run");
    ck_assert(sessions->open != NULL && sessions->check == NULL);
    ck_assert_ptr_null(module_extension(m, "example.unheard_of/3")); /* whose struct nobody knows */
    ck_assert_str_eq(m->extensions[1].id, "example.unheard_of/3");
    ck_assert_ptr_null(m->extensions[4].id);
    module_unref(m);
}
END_TEST

START_TEST(extensions_that_only_a_function_knows) {
    plugin_module *m = read_ok("by_function", "whole");
    ck_assert(m->extensions_unknown);
    ck_assert_ptr_null(m->auth);
    ck_assert_ptr_null(module_extension(m, BB_EXT_AUTH));
    module_unref(m);
}
END_TEST

/* Both ways, and the one turned into the other. */
START_TEST(loaded_it_declares_the_same) {
    err e = {""};
    bool changed = false;
    plugin_module *m = read_ok("whole", "whole"),
                  *loaded = module_load(path_of("whole"), no_hash, "whole.so", STR("whole"), &e);
    ck_assert_msg(loaded != NULL, "%s", e.text);
    ck_assert(layout_same(&layout_entry, m->entry, loaded->entry));
    ck_assert(module_map(m, &changed, &e) && !changed && !m->declared);
    ck_assert_ptr_eq(m->desc, loaded->desc);
    ck_assert_ptr_eq(m->auth, loaded->auth);
    ck_assert_ptr_eq(m->ops[1].desc, loaded->ops[1].desc);
    ck_assert_ptr_eq(m->ops[2].session, loaded->ops[2].session);
    ck_assert_ptr_eq(m->sessions, loaded->sessions);
    ck_assert_ptr_eq(m->webhooks, loaded->webhooks);
    ck_assert_ptr_nonnull(m->handle);
    module_unref(m);
    module_unref(loaded);
}
END_TEST

START_TEST(a_difference_is_seen) {
    plugin_module *m = read_ok("whole", "whole");
    bb_operation op = *m->desc->operations[0];
    const bb_operation *operations[] = {&op, m->desc->operations[1], m->desc->operations[2], NULL};
    bb_plugin p = *m->desc;
    bb_entry entry = *m->entry;
    p.operations = operations;
    entry.plugin = &p;
    ck_assert(layout_same(&layout_entry, m->entry, &entry));
    op.timeout_ms++;
    ck_assert(!layout_same(&layout_entry, m->entry, &entry));
    op.timeout_ms--, op.summary = "Lists thing";
    ck_assert(!layout_same(&layout_entry, m->entry, &entry));
    op.summary = m->desc->operations[0]->summary, op.resume = NULL;
    ck_assert(!layout_same(&layout_entry, m->entry, &entry));
    op.resume = op.start, operations[2] = NULL;
    ck_assert(!layout_same(&layout_entry, m->entry, &entry));
    module_unref(m);
}
END_TEST

START_TEST(its_functions_are_not_there_to_be_called) {
    plugin_module *m = read_ok("whole", "whole");
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(2);
        signal(SIGABRT, SIG_DFL);
        m->desc->self_test(NULL);
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    module_unref(m);
}
END_TEST

START_TEST(the_id_is_the_files_name_where_that_counts) {
    err e = {""};
    ck_assert_ptr_null(read_module("whole", "other", NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "whole.so"));
    plugin_module *m = read_ok("whole", NULL);
    module_unref(m);
}
END_TEST

/* --- lies -------------------------------------------------------------------------------------------- */

typedef enum { BOTH, FILE_ALONE, CANNOT_BE_READ } who;

static const struct {
    const char *build, *says;
    who tells;
} lies[] = {
    {"MAGIC__x_", "wrong magic", BOTH},
    {"MAJOR_2", "rebuild it with SDK", BOTH},
    {"MINOR_9", "upgrade the hub", BOTH},
    {"ENTRY_SIZE_8", "its busbar_entry's size is 8", BOTH},
    {"ENTRY_SIZE_0xfffffff0", "which no SDK has", BOTH},
    {"PLUGIN_NULL", "has no descriptor", BOTH},
    {"PLUGIN_SIZE_4", "its descriptor's size is 4", BOTH},
    {"PLUGIN_SIZE_0xfffffff0", "which no SDK has", BOTH},
    {"NAME_NULL", "lacks a name", BOTH},
    {"OPERATIONS_NULL", "has no operations", BOTH},
    {"OPERATIONS_ENDLESS", "end", BOTH},
    {"OPERATION_SIZE_16", "an operation's size is 16", BOTH},
    {"OPERATION_SIZE_0xfffffff0", "which no SDK has", BOTH},
    {"OPERATION_ID_NULL", "an operation has the id \"\"", BOTH},
    {"OPERATION_START_NULL", "has no start step", BOTH},
    {"SCHEMA_SIZE_8", "a schema's size is 8", BOTH},
    {"SCHEMA_NAME_NULL", "a schema has no proper name", BOTH},
    {"SCHEMAS_ENDLESS", "end", BOTH},
    {"SCHEME_SIZE_0xfffffff0", "which no SDK has", BOTH},
    {"SCHEME_NAME_NULL", "an auth scheme has no name", BOTH},
    {"SCHEMES_ENDLESS", "end", BOTH},
    {"AUTH_SIZE_8", "busbar.auth/1's size is 8", BOTH},
    {"CUSTOMS_NULL", "busbar.auth/1 has no schemes", BOTH},
    {"CUSTOM_SIZE_0xfffffff0", "which no SDK has", BOTH},
    {"CUSTOM_ID_NULL", "an auth scheme has the id \"\"", BOTH},
    {"CUSTOMS_ENDLESS", "", BOTH},
    {"FIELD_SIZE_1", "a field's size is 1", BOTH},
    {"HOOK_SIZE_8", "a webhook scheme's size is 8", BOTH},
    {"VERIFY_NULL", "has no verify", BOTH},
    {"GET_EXTENSION_NULL", "has a list of extensions, but no get_extension", FILE_ALONE},
    {"OPERATION_SUMMARY__void__1", "operations[0].summary is the number 0x1", FILE_ALONE},
    {"OPERATION_START__void___schema", "where the file has no code", FILE_ALONE},
    {"OPERATION_SUMMARY__char___schema_0x10000000", "where the file loads nothing", FILE_ALONE},
    {"PLUGIN__later", "is filled in when the file is loaded", CANNOT_BE_READ},
    {"OPERATION_SUMMARY__void___environ", "is in another library", CANNOT_BE_READ},
    {"OPERATION_SUMMARY_somewhere_else", "decided only when the file is loaded, by the symbol somewhere_else",
     CANNOT_BE_READ},
};

START_TEST(lies_are_refused) {
    module_unref(read_ok("truth", "lies"));
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        char name[128];
        err e = {""};
        bool unknown = true;
        snprintf(name, sizeof name, "lie_%s", lies[i].build);
        ck_assert_msg(access(path_of(name), R_OK) == 0, "%s is not built", name);
        plugin_module *m = read_module(name, "lies", &unknown, &e);
        ck_assert_msg(m == NULL, "%s was taken", name);
        ck_assert_msg(strstr(e.text, lies[i].says) != NULL && e.text[0] != '\0', "%s: \"%s\"", name, e.text);
        ck_assert_msg(unknown == (lies[i].tells == CANNOT_BE_READ), "%s: %s", name, e.text);
    }
}
END_TEST

START_TEST(lies_are_refused_when_loaded_too) {
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        char name[128];
        err e = {""};
        snprintf(name, sizeof name, "lie_%s", lies[i].build);
        if (lies[i].tells == FILE_ALONE)
            continue;
        plugin_module *m = module_load(path_of(name), no_hash, name, STR("lies"), &e);
        bool taken = lies[i].tells == CANNOT_BE_READ;
        ck_assert_msg((m != NULL) == taken, "%s: %s", name, e.text);
        ck_assert_msg(taken || (strstr(e.text, lies[i].says) != NULL && e.text[0] != '\0'), "%s: \"%s\"",
                      name, e.text);
        module_unref(m);
    }
}
END_TEST

UNIT_MAIN(unit_test(everything_is_read), unit_test(extensions_are_read),
          unit_test(extensions_that_only_a_function_knows), unit_test(loaded_it_declares_the_same),
          unit_test(a_difference_is_seen), unit_test(its_functions_are_not_there_to_be_called),
          unit_test(the_id_is_the_files_name_where_that_counts), unit_test(lies_are_refused),
          unit_test(lies_are_refused_when_loaded_too))
