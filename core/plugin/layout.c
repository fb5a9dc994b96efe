#include "plugin/layout.h"

#include <busbar/abandon.h>
#include <busbar/content.h>
#include <busbar/session.h>
#include <busbar/webhook.h>

#define TEXT(type, member) \
    { offsetof(type, member), FIELD_TEXT, #member, NULL, 0 }
#define FUNCTION(type, member) \
    { offsetof(type, member), FIELD_FUNCTION, #member, NULL, 0 }
#define LIST(type, member, of, max) \
    { offsetof(type, member), FIELD_LIST, #member, of, max }
#define END \
    { 0, FIELD_TEXT, NULL, NULL, 0 }

/* --- the connector ----------------------------------------------------------------------------------- */

static const layout_field operation_fields[] = {TEXT(bb_operation, id),
                                                TEXT(bb_operation, summary),
                                                TEXT(bb_operation, description),
                                                TEXT(bb_operation, input_schema),
                                                TEXT(bb_operation, output_schema),
                                                TEXT(bb_operation, examples),
                                                TEXT(bb_operation, idempotency_header),
                                                TEXT(bb_operation, items),
                                                FUNCTION(bb_operation, start),
                                                FUNCTION(bb_operation, resume),
                                                END};
static const layout operation = {sizeof(bb_operation), 0, operation_fields};

static const layout_field scheme_fields[] = {TEXT(bb_auth_scheme, scheme), TEXT(bb_auth_scheme, summary),
                                             TEXT(bb_auth_scheme, defaults), END};
static const layout scheme = {sizeof(bb_auth_scheme), 0, scheme_fields};

static const layout_field schema_fields[] = {TEXT(bb_schema, name), TEXT(bb_schema, text), END};
static const layout schema = {sizeof(bb_schema), 0, schema_fields};

static const layout_field plugin_fields[] = {TEXT(bb_plugin, id),
                                             TEXT(bb_plugin, name),
                                             TEXT(bb_plugin, version),
                                             TEXT(bb_plugin, summary),
                                             TEXT(bb_plugin, vendor),
                                             TEXT(bb_plugin, homepage),
                                             TEXT(bb_plugin, license),
                                             TEXT(bb_plugin, settings_schema),
                                             LIST(bb_plugin, operations, &operation, LAYOUT_OPERATIONS_MAX),
                                             LIST(bb_plugin, auth_schemes, &scheme, LAYOUT_LIST_MAX),
                                             LIST(bb_plugin, schemas, &schema, LAYOUT_SCHEMAS_MAX),
                                             TEXT(bb_plugin, test_operation),
                                             FUNCTION(bb_plugin, create),
                                             FUNCTION(bb_plugin, destroy),
                                             FUNCTION(bb_plugin, self_test),
                                             END};
static const layout plugin = {sizeof(bb_plugin), 0, plugin_fields};

static const layout_field entry_fields[] = {
    {offsetof(bb_entry, plugin), FIELD_STRUCT, "plugin", &plugin, 0}, FUNCTION(bb_entry, get_extension), END};
const layout layout_entry = {sizeof(bb_entry), offsetof(bb_entry, size), entry_fields};

/* --- busbar/auth.h ------------------------------------------------------------------------------------ */

static const layout_field auth_field_fields[] = {TEXT(bb_auth_field, name), TEXT(bb_auth_field, description),
                                                 TEXT(bb_auth_field, otherwise), END};
static const layout auth_field = {sizeof(bb_auth_field), 0, auth_field_fields};

static const layout_field custom_auth_fields[] = {
    TEXT(bb_custom_auth, id),
    TEXT(bb_custom_auth, summary),
    LIST(bb_custom_auth, fields, &auth_field, LAYOUT_LIST_MAX),
    {offsetof(bb_custom_auth, headers), FIELD_TEXTS, "headers", NULL, LAYOUT_LIST_MAX},
    FUNCTION(bb_custom_auth, start),
    FUNCTION(bb_custom_auth, resume),
    FUNCTION(bb_custom_auth, sign),
    END};
static const layout custom_auth = {sizeof(bb_custom_auth), 0, custom_auth_fields};

static const layout_field auth_fields[] = {LIST(bb_auth_extension, schemes, &custom_auth, LAYOUT_LIST_MAX),
                                           END};
static const layout auth_extension = {sizeof(bb_auth_extension), 0, auth_fields};

/* --- busbar/webhook.h -------------------------------------------------------------------------------- */

static const layout_field webhook_scheme_fields[] = {
    TEXT(bb_webhook_scheme, id),
    TEXT(bb_webhook_scheme, summary),
    LIST(bb_webhook_scheme, fields, &auth_field, LAYOUT_LIST_MAX),
    FUNCTION(bb_webhook_scheme, verify),
    FUNCTION(bb_webhook_scheme, sign),
    END};
static const layout webhook_scheme = {sizeof(bb_webhook_scheme), 0, webhook_scheme_fields};

static const layout_field webhook_fields[] = {
    LIST(bb_webhook_extension, schemes, &webhook_scheme, LAYOUT_LIST_MAX), END};
static const layout webhook_extension = {sizeof(bb_webhook_extension), 0, webhook_fields};

/* --- busbar/content.h -------------------------------------------------------------------------------- */

static const layout_field content_operation_fields[] = {TEXT(bb_content_operation, operation), END};
static const layout content_operation = {sizeof(bb_content_operation), 0, content_operation_fields};

static const layout_field content_fields[] = {
    LIST(bb_content_extension, operations, &content_operation, LAYOUT_LIST_MAX), END};
static const layout content_extension = {sizeof(bb_content_extension), 0, content_fields};

/* --- busbar/abandon.h -------------------------------------------------------------------------------- */

static const layout_field abandon_operation_fields[] = {TEXT(bb_abandon_operation, operation),
                                                        FUNCTION(bb_abandon_operation, abandon), END};
static const layout abandon_operation = {sizeof(bb_abandon_operation), 0, abandon_operation_fields};

static const layout_field abandon_fields[] = {
    LIST(bb_abandon_extension, operations, &abandon_operation, LAYOUT_LIST_MAX), END};
static const layout abandon_extension = {sizeof(bb_abandon_extension), 0, abandon_fields};

/* --- busbar/session.h -------------------------------------------------------------------------------- */

static const layout_field session_operation_fields[] = {TEXT(bb_session_operation, operation),
                                                        FUNCTION(bb_session_operation, run), END};
static const layout session_operation = {sizeof(bb_session_operation), 0, session_operation_fields};

static const layout_field session_fields[] = {
    FUNCTION(bb_session_extension, open),
    FUNCTION(bb_session_extension, check),
    FUNCTION(bb_session_extension, close),
    FUNCTION(bb_session_extension, interrupt),
    LIST(bb_session_extension, operations, &session_operation, LAYOUT_OPERATIONS_MAX),
    END};
static const layout session_extension = {sizeof(bb_session_extension), 0, session_fields};

/* --- by id --------------------------------------------------------------------------------------------- */

static const struct {
    const char *id;
    const layout *declares;
} extensions[] = {{BB_EXT_AUTH, &auth_extension},
                  {BB_EXT_WEBHOOK, &webhook_extension},
                  {BB_EXT_SESSION, &session_extension},
                  {BB_EXT_CONTENT, &content_extension},
                  {BB_EXT_ABANDON, &abandon_extension}};

const layout *layout_extension(const char *id) {
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (strcmp(extensions[i].id, id) == 0)
            return extensions[i].declares;
    return NULL;
}

/* --- comparing ------------------------------------------------------------------------------------------ */

static const void *pointer_at(const void *from, size_t offset) {
    const void *p;
    memcpy(&p, (const char *)from + offset, sizeof p);
    return p;
}

static bool same_item(const layout_field *f, const void *a, const void *b) {
    if (a == NULL || b == NULL)
        return a == b;
    if (f->kind == FIELD_TEXT || f->kind == FIELD_TEXTS)
        return strcmp(a, b) == 0;
    return f->kind == FIELD_FUNCTION || layout_same(f->of, a, b);
}

static bool same_list(const layout_field *f, const void *a, const void *b) {
    if (a == NULL || b == NULL)
        return a == b;
    for (size_t i = 0; i <= f->max; i++) {
        const void *x = pointer_at(a, i * sizeof x), *y = pointer_at(b, i * sizeof y);
        if (!same_item(f, x, y))
            return false;
        if (x == NULL)
            return true;
    }
    return false;
}

/* What an older SDK made ends before what this one knows: there is nothing behind it to be looked at. */
static size_t size_of(const layout *l, const void *a) {
    uint32_t size;
    memcpy(&size, (const char *)a + l->size_at, sizeof size);
    return size < l->size ? size : l->size;
}

/* Sizes, flags and limits: all that stands before, between and behind the pointers. */
static bool same_plain(const layout *l, const char *a, const char *b, size_t size) {
    size_t at = 0;
    for (const layout_field *f = l->fields; f->name != NULL && f->offset < size; f++) {
        if (memcmp(a + at, b + at, f->offset - at) != 0)
            return false;
        at = f->offset + sizeof(void *);
    }
    return size <= at || memcmp(a + at, b + at, size - at) == 0;
}

bool layout_same(const layout *l, const void *a, const void *b) {
    size_t size = size_of(l, a);
    if (size != size_of(l, b) || !same_plain(l, a, b, size))
        return false;
    for (const layout_field *f = l->fields; f->name != NULL && f->offset < size; f++) {
        const void *x = pointer_at(a, f->offset), *y = pointer_at(b, f->offset);
        bool is_list = f->kind == FIELD_LIST || f->kind == FIELD_TEXTS;
        if (!(is_list ? same_list(f, x, y) : same_item(f, x, y)))
            return false;
    }
    return true;
}
