/*
 * busbar/json.h - extension "busbar.json/1": reading and writing JSON with the host's own library.
 *
 * Values are read-only, live in the call's memory and are valid until that call ends (the settings'
 * values: until `destroy` returns). Numbers keep the text they were written in: 64-bit ids and long
 * decimals are never rounded, and `text` gives them back as they came.
 *
 * Every reading function accepts NULL for "no such value" and answers "absent", so that
 * get(get(v, "a"), "b") needs no test in between.
 *
 * Thread: all are [any-thread] for values of settings, and belong to the step's thread for values
 * of a call. All are [no-block].
 */
#ifndef BUSBAR_JSON_H
#define BUSBAR_JSON_H

#include <busbar/types.h>

BB_BEGIN_DECLS

typedef int32_t bb_json_type;
enum {
    BB_JSON_ABSENT = 0, /* of NULL only */
    BB_JSON_NULL = 1,
    BB_JSON_BOOL = 2,
    BB_JSON_NUMBER = 3,
    BB_JSON_STRING = 4,
    BB_JSON_ARRAY = 5,
    BB_JSON_OBJECT = 6
};

/* A walk over an array's or object's members. Zero it, then call `next` until it answers 0. */
typedef struct bb_json_iter {
    const bb_json *value; /* the member */
    bb_str key;           /* its name, decoded; absent in an array */
    size_t index;         /* its place, from 0 */
    const void *state;    /* the host's */
} bb_json_iter;

typedef struct bb_json_api {
    uint32_t size; /* sizeof(bb_json_api) of the host */
    uint32_t reserved;

    /* Parses one JSON text (RFC 8259). The text is copied. Gives NULL for a text that is not JSON or
     * over the host's limits (depth 256, 64 MiB), and then fails the call with
     * BB_E_UPSTREAM_INVALID unless the step ends in another way. Owner: the call. */
    const bb_json *(*parse)(bb_call *call, bb_str text);

    bb_json_type (*type)(const bb_json *value);
    /* Members of an array or object; 0 for all else. */
    size_t (*count)(const bb_json *value);
    /* The member of that name; the last one where a name stands twice. NULL: no such member. */
    const bb_json *(*get)(const bb_json *object, bb_str key);
    /* The member at that place. O(n) in an array of mixed sizes: walk with `next` instead. */
    const bb_json *(*at)(const bb_json *array, size_t index);
    /* 1: it->value (and it->key) is the next member. 0: there are no more. */
    int32_t (*next)(const bb_json *container, bb_json_iter *it);

    /* The decoded text of a string; absent for all else. */
    bb_str (*string)(const bb_json *value);
    /* The JSON text of any value, as it was written. */
    bb_str (*text)(const bb_json *value);
    /* 1 and *out for an integer that fits, written as one ("1", "1.0", "1e3"); 0 for all else. */
    int32_t (*to_int64)(const bb_json *value, int64_t *out);
    /* 1 and *out, rounded to the nearest double; 0 for all else. */
    int32_t (*to_double)(const bb_json *value, double *out);
    /* 1 for true, 0 for false, `otherwise` for all else. */
    int32_t (*to_bool)(const bb_json *value, int32_t otherwise);

    /* A new JSON text. Owner: the call. A wrong order (a key in an array, two values at the top) or
     * a limit makes the writer fail, and `finish` says so: no need to check each function. */
    bb_json_writer *(*writer)(bb_call *call);
    void (*begin_object)(bb_json_writer *w);
    void (*end_object)(bb_json_writer *w);
    void (*begin_array)(bb_json_writer *w);
    void (*end_array)(bb_json_writer *w);
    void (*key)(bb_json_writer *w, bb_str name);
    void (*put_null)(bb_json_writer *w);
    void (*put_bool)(bb_json_writer *w, int32_t value);
    void (*put_int64)(bb_json_writer *w, int64_t value);
    void (*put_double)(bb_json_writer *w, double value); /* not finite: the writer fails */
    void (*put_string)(bb_json_writer *w, bb_str utf8);  /* not UTF-8: the writer fails */
    /* A copy of a value, as it was written; of NULL: null. */
    void (*put_value)(bb_json_writer *w, const bb_json *value);
    /* Gives the text, whose owner is the call. Absent slice: the writer has failed. */
    bb_str (*finish)(bb_json_writer *w);
} bb_json_api;

BB_END_DECLS

#endif
