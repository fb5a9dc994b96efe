/* layout.h - where the SDK's structs have their pointers, and to what: by it declarations are copied. */
#ifndef PLUGIN_LAYOUT_H
#define PLUGIN_LAYOUT_H

#include <busbar/auth.h>
#include <stdbool.h>

typedef enum {
    FIELD_TEXT,     /* NUL-terminated */
    FIELD_FUNCTION, /* any */
    FIELD_STRUCT,   /* one `of` */
    FIELD_LIST,     /* an array of pointers to `of`, which ends with NULL */
    FIELD_TEXTS     /* an array of texts, which ends with NULL */
} field_kind;

typedef struct layout layout;

typedef struct layout_field {
    uint32_t offset;
    field_kind kind;
    const char *name; /* NULL ends the fields */
    const layout *of;
    uint32_t max; /* entries of a list */
} layout_field;

struct layout {
    uint32_t size, size_at; /* the struct's, and the offset of its own field `size` */
    const layout_field *fields;
};

extern const layout layout_entry;

/* What an extension declares; NULL: this hub does not know it. */
const layout *layout_extension(const char *id);

/* Whether two structs of that layout declare the same: texts by their bytes, functions by being there. */
bool layout_same(const layout *l, const void *a, const void *b);

/* Of one connector. */
#define LAYOUT_OPERATIONS_MAX 10000u
#define LAYOUT_SCHEMAS_MAX 10000u
#define LAYOUT_LIST_MAX 1000u /* of all else: what admits it has limits of its own */

#endif
