/* Room json: documents read, written, compared, and checked against schemas. It includes base only; every
 * room above it may include it. */

/* json.h - the hub's data model: JSON read into an arena, and written.
 *
 * A document is a run of nodes in the order of the text. A container's members follow it; `span` leads past
 * them. Strings without escapes, and all numbers, are slices of the input, which must therefore outlive the
 * document. Numbers are never converted unless asked: they keep the digits they were written with. */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

typedef enum {
    JSON_ABSENT,
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} json_type;

/* A node. In an object, a key (a JSON_STRING node) stands before each value. */
typedef struct json_value {
    uint8_t type;  /* json_type */
    uint8_t flags; /* JSON_F_* */
    uint16_t unused;
    uint32_t
        count; /* members of a container; of an object: pairs. Bytes of a string (decoded) or number text */
    const char
        *text; /* string: decoded bytes; number, true, false, null: as written; container: its first byte */
    uint32_t span;    /* nodes from this one to the one after all its members: 1 for a scalar */
    uint32_t raw_len; /* bytes of the JSON text of this value, quotes included */
} json_value;

#define JSON_F_TRUE 1u    /* a JSON_BOOL that is true */
#define JSON_F_DECODED 2u /* a string that had escapes: `text` is not in the input */
#define JSON_F_INTEGER 4u /* a number written without fraction and exponent */

/* Limits of one text. Zero: the default. */
typedef struct json_limits {
    uint32_t max_depth;         /* nested containers; default 256, at most 1024 */
    size_t max_bytes;           /* default 64 MiB, never above 4 GiB - 1 */
    bool reject_duplicate_keys; /* default: the last one wins on lookup, all are kept */
} json_limits;

/* Where and why a text is not JSON. */
typedef struct json_error {
    size_t offset;         /* bytes from the start */
    unsigned line, column; /* from 1; columns count bytes */
    const char *reason;    /* static text: "unexpected end", "control character in string", ... */
    bool limit;            /* it may be JSON, but is over a limit, or memory is used up */
} json_error;

/* Reads one RFC 8259 text, strictly: UTF-8 throughout, no byte order mark, nothing after the value. Gives the
 * root, or NULL and *error (which may be NULL). Nodes and decoded strings come from the arena; the text
 * itself is not copied. A string with an unpaired surrogate escape is refused. */
const json_value *json_read(arena *a, bb_str text, const json_limits *limits, json_error *error);

static inline json_type json_type_of(const json_value *v) {
    return v != NULL ? (json_type)v->type : JSON_ABSENT;
}
static inline bool json_is(const json_value *v, json_type type) {
    return json_type_of(v) == type;
}
/* Members of a container, else 0. */
static inline uint32_t json_count(const json_value *v) {
    return v != NULL && v->type >= JSON_ARRAY ? v->count : 0;
}

/* A walk: for (json_iter it = json_iterate(v); json_next(&it);) ... it.key, it.value */
typedef struct json_iter {
    const json_value *value;
    bb_str key; /* decoded; {NULL, 0} in an array */
    uint32_t index;
    const json_value *at; /* the node to come */
    uint32_t left;
    bool object;
} json_iter;
json_iter json_iterate(const json_value *container); /* of NULL or a scalar: an empty walk */
bool json_next(json_iter *it);

/* All take NULL and wrong types and answer "absent" (NULL, {NULL, 0}, false). */
const json_value *json_get(const json_value *object, bb_str key); /* the last of that name */
#define json_getl(object, literal) json_get((object), STR(literal))
const json_value *json_at(const json_value *array, uint32_t index);
bb_str
json_string(const json_value *v); /* decoded; {NULL, 0} for non-strings. An empty string has a non-NULL ptr */
bb_str json_raw(const json_value *v); /* the JSON text, as written; of a string with its quotes */
bool json_bool(const json_value *v, bool otherwise);
bool json_to_i64(const json_value *v,
                 int64_t *out); /* "1", "1.0", "1e3"; false where it does not fit or is no integer */
bool json_to_u64(const json_value *v, uint64_t *out);
bool json_to_double(const json_value *v,
                    double *out); /* false for non-numbers; overflow gives +-HUGE_VAL and true */

/* RFC 6901. NULL: no such value. "" is the root itself. */
const json_value *json_pointer(const json_value *root, bb_str pointer);
/* Adds "/" and the name with ~ and / escaped. */
void json_pointer_add(buf *b, bb_str name);

/* Same value, as JSON Schema compares: numbers by mathematical value whatever their notation, objects without
 * regard to order, strings by their decoded bytes. */
bool json_equal(const json_value *a, const json_value *b);
/* <0, 0 where they are equal, >0: an order of all values, for sorting. It says nothing to people. */
int json_compare(const json_value *a, const json_value *b);

/* Exact arithmetic on number texts, of any length and exponent (exponents beyond +-1,000,000,000 are
 * clamped). */
int json_number_compare(bb_str a, bb_str b); /* <0, 0, >0 */
bool json_number_is_integer(bb_str a);       /* 1.0 and 1e2 are integers */
/* divisor > 0. A divisor of more than 1,152 significant digits divides nothing but zero: that bounds the
 * time. */
bool json_number_multiple_of(bb_str a, bb_str divisor);

/* --- writing ------------------------------------------------------------------------------------ */

/* Writes into a buf. Commas come by themselves. A misuse (value without key, unbalanced end, depth over 256,
 * a string that is not UTF-8, a number that is not finite) sets `failed` and the rest is ignored. */
typedef struct json_writer {
    buf *out;
    unsigned depth;
    bool failed;
    bool after_key, done;
    uint64_t nonempty[5]; /* a bit a level: it has members already; 257 levels */
    uint64_t object[5];   /* a bit a level: it is an object */
} json_writer;

void json_writer_init(json_writer *w, buf *out);
void json_object(json_writer *w);
void json_object_end(json_writer *w);
void json_array(json_writer *w);
void json_array_end(json_writer *w);
void json_key(json_writer *w, bb_str name);
#define json_keyl(w, literal) json_key((w), STR(literal))
void json_put_null(json_writer *w);
void json_put_bool(json_writer *w, bool value);
void json_put_i64(json_writer *w, int64_t value);
void json_put_u64(json_writer *w, uint64_t value);
void json_put_double(json_writer *w, double value); /* shortest text that reads back the same */
void json_put_string(json_writer *w, bb_str utf8);
void json_put_string_lossy(
    json_writer *w, bb_str bytes); /* bytes that are no UTF-8 become U+FFFD: for texts of others in errors */
void json_put_raw(json_writer *w, bb_str json);           /* a text known to be one JSON value */
void json_put_value(json_writer *w, const json_value *v); /* its raw text; NULL writes null */
/* True: exactly one whole value was written and `out` has not failed. */
bool json_writer_finish(json_writer *w);

/* What was written, copied into `a`, and `out` freed; absent where json_writer_finish says false or memory is
 * used up. */
bb_str json_writer_take(json_writer *w, arena *a);
/* "name": a wall clock time as RFC 3339; left out where it is 0. */
void json_member_time(json_writer *w, bb_str name, uint64_t wall_ms);

/* Common shapes: "key": value, skipped for an absent slice in the _opt form. */
static inline void json_member_string(json_writer *w, bb_str key, bb_str value) {
    json_key(w, key);
    json_put_string_lossy(w, value);
}
static inline void json_member_u64(json_writer *w, bb_str key, uint64_t value) {
    json_key(w, key);
    json_put_u64(w, value);
}
static inline void json_member_bool(json_writer *w, bb_str key, bool value) {
    json_key(w, key);
    json_put_bool(w, value);
}

/* The value again, indented by `indent` blanks, one member a line: for people. */
void json_pretty(const json_value *v, unsigned indent, buf *out);
/* UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, at most U+10FFFF. */
bool json_utf8_valid(bb_str s);

#endif
