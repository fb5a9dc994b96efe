/* A connector that declares what is not so. Each build of it is told one lie by a -D (tests/CMakeLists.txt).
 */
#include <busbar/auth.h>
#include <busbar/busbar.h>
#include <busbar/webhook.h>

#define SIZE_OF(type) (uint32_t)sizeof(type)
#ifndef MAGIC
#define MAGIC '\211'
#endif
#ifndef MAJOR
#define MAJOR BUSBAR_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR BUSBAR_ABI_MINOR
#endif
#ifndef ENTRY_SIZE
#define ENTRY_SIZE SIZE_OF(bb_entry)
#endif
#ifndef PLUGIN
#define PLUGIN &plugin
#endif
#ifndef PLUGIN_SIZE
#define PLUGIN_SIZE SIZE_OF(bb_plugin)
#endif
#ifndef NAME
#define NAME "Lies"
#endif
#ifndef OPERATIONS
#define OPERATIONS operations
#endif
#ifndef OPERATION_SIZE
#define OPERATION_SIZE SIZE_OF(bb_operation)
#endif
#ifndef OPERATION_ID
#define OPERATION_ID "say"
#endif
#ifndef OPERATION_SUMMARY
#define OPERATION_SUMMARY "says"
#endif
#ifndef OPERATION_START
#define OPERATION_START start
#endif
#ifndef SCHEMA_SIZE
#define SCHEMA_SIZE SIZE_OF(bb_schema)
#endif
#ifndef SCHEMA_NAME
#define SCHEMA_NAME "thing"
#endif
#ifndef SCHEME_SIZE
#define SCHEME_SIZE SIZE_OF(bb_auth_scheme)
#endif
#ifndef SCHEME_NAME
#define SCHEME_NAME "none"
#endif
#ifndef AUTH_SIZE
#define AUTH_SIZE SIZE_OF(bb_auth_extension)
#endif
#ifndef CUSTOMS
#define CUSTOMS customs
#endif
#ifndef CUSTOM_SIZE
#define CUSTOM_SIZE SIZE_OF(bb_custom_auth)
#endif
#ifndef CUSTOM_ID
#define CUSTOM_ID "lies_key"
#endif
#ifndef FIELD_SIZE
#define FIELD_SIZE SIZE_OF(bb_auth_field)
#endif
#ifndef HOOK_SIZE
#define HOOK_SIZE SIZE_OF(bb_webhook_scheme)
#endif
#ifndef VERIFY
#define VERIFY verify
#endif
#ifndef GET_EXTENSION
#define GET_EXTENSION get_extension
#endif

/* A list of so many pointers to x that no NULL follows where one is looked for. */
#define ENDLESS(x) \
    { [0 ... 20000] = (x) }
#ifdef OPERATIONS_ENDLESS
#define OPERATION_LIST ENDLESS(&op)
#elif defined(HUGE)
#define OPERATION_LIST \
    { [0 ... 9998] = &op, NULL }
#define TEN(x) x x x x x x x x x x
#undef OPERATION_SUMMARY
#define OPERATION_SUMMARY TEN(TEN(TEN("0123456789")))
#else
#define OPERATION_LIST \
    { &op, NULL }
#endif
#ifdef SCHEMAS_ENDLESS
#define SCHEMA_LIST ENDLESS(&schema)
#else
#define SCHEMA_LIST \
    { &schema, NULL }
#endif
#ifdef SCHEMES_ENDLESS
#define SCHEME_LIST ENDLESS(&scheme)
#else
#define SCHEME_LIST \
    { &scheme, NULL }
#endif
#ifdef CUSTOMS_ENDLESS
#define CUSTOM_LIST ENDLESS(&custom)
#else
#define CUSTOM_LIST \
    { &custom, NULL }
#endif

extern char **environ;
extern const char somewhere_else[] __attribute__((weak));

/* Some of the lies leave it out. */
__attribute__((unused)) static bb_step start(bb_call *call) {
    return bb_done_text(call, bb_s("{}"));
}

static const bb_schema schema = {.size = SCHEMA_SIZE, .name = SCHEMA_NAME, .text = "{}"};
static const bb_operation op = {
    .size = OPERATION_SIZE, .id = OPERATION_ID, .summary = OPERATION_SUMMARY, .start = OPERATION_START};
static const bb_operation *const operations[] = OPERATION_LIST;
static const bb_schema *const schemas[] = SCHEMA_LIST;
static const bb_auth_scheme scheme = {.size = SCHEME_SIZE, .scheme = SCHEME_NAME};
static const bb_auth_scheme *const schemes[] = SCHEME_LIST;

static inline bb_step sign(bb_call *call, const bb_auth_request *request) {
    (void)call, (void)request;
    return BB_DONE;
}
static const bb_auth_field field = {.size = FIELD_SIZE, .name = "key", .description = "the key"};
static const bb_auth_field *const fields[] = {&field, NULL};
static const bb_custom_auth custom = {
    .size = CUSTOM_SIZE, .id = CUSTOM_ID, .summary = "a key", .fields = fields, .sign = sign};
static const bb_custom_auth *const customs[] = CUSTOM_LIST;
static const bb_auth_extension auth = {.size = AUTH_SIZE, .schemes = CUSTOMS};

__attribute__((unused)) static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    (void)request;
    return bb_webhook_refuse(call, "no");
}
static const bb_webhook_scheme hook = {
    .size = HOOK_SIZE, .id = "lies_hook", .summary = "a hook", .fields = fields, .verify = VERIFY};
static const bb_webhook_scheme *const hooks[] = {&hook, NULL};
static const bb_webhook_extension webhooks = {BB_SIZE(bb_webhook_extension), .schemes = hooks};

static const bb_extension extensions[] = {{BB_EXT_AUTH, &auth}, {BB_EXT_WEBHOOK, &webhooks}, {NULL, NULL}};
__attribute__((unused)) static const void *get_extension(const char *id) {
    return bb_extension_find(extensions, id);
}

static const bb_plugin plugin = {
    .size = PLUGIN_SIZE,
    .id = "lies",
    .name = NAME,
    .version = "1.0.0",
    .summary = "Lies",
    .operations = OPERATIONS,
    .auth_schemes = schemes,
    .schemas = schemas,
};

/* For PLUGIN=&later: what C++ makes of an object that is not constant. */
static bb_plugin later;
__attribute__((constructor)) static void fill(void) {
    later = plugin;
    (void)operations, (void)customs;
}

BB_EXPORT const bb_entry busbar_entry;
static const bb_manifest manifest BB_KEPT = {{'\211', 'B', 'B', 'M', 'A', 'N', 'I', '\n'},
                                             SIZE_OF(bb_manifest),
                                             SIZE_OF(bb_extension),
                                             BUSBAR_ABI_MAJOR,
                                             BUSBAR_ABI_MINOR,
                                             BUSBAR_SDK_VERSION,
                                             &busbar_entry,
                                             extensions};
BB_EXPORT const bb_entry busbar_entry = {
    {MAGIC, 'B', 'U', 'S', 'B', 'A', 'R', '\n'}, MAJOR, MINOR, ENTRY_SIZE, 0, PLUGIN, GET_EXTENSION};
