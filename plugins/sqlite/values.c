/* values.c - JSON values as SQLite's and back.
 *
 * Integers keep all of their 64 bits. A BLOB is {"base64": "..."} both ways, and so is TEXT that is not
 * UTF-8. Infinity, which JSON has no number for, comes as the string "Infinity" or "-Infinity". */
#include "sqlite.h"

#include <math.h>
#include <stdlib.h>

/* --- in
 * ----------------------------------------------------------------------------------------------------- */

static bb_step fail_at(bb_call *call, const char *pointer, const char *place, const char *why) {
    char at[256];
    snprintf(at, sizeof at, "%s/%s", pointer, place);
    return bb_fail_input(call, at, "parameter %s %s", place, why);
}

static int is_integer(bb_str number) {
    for (size_t i = 0; i < number.len; i++)
        if (number.ptr[i] == '.' || number.ptr[i] == 'e' || number.ptr[i] == 'E')
            return 0;
    return 1;
}

#define TOO_LONG "is longer than 16 MiB" /* VALUE_MAX_BYTES; the parameter would stay NULL */

/* An integer beyond 64 bits would lose digits as a double: it is refused, not rounded. */
static const char *bind_number(bb_call *call, sqlite3_stmt *s, int at, const bb_json *value) {
    int64_t integer;
    double number = 0;
    if (is_integer(call->host->json->text(value))) {
        if (!call->host->json->to_int64(value, &integer))
            return "is an integer beyond 64 bits: give it as a string, or with a fraction";
        sqlite3_bind_int64(s, at, integer);
        return NULL;
    }
    call->host->json->to_double(value, &number);
    sqlite3_bind_double(s, at, number);
    return NULL;
}

static const char *bind_blob(bb_call *call, sqlite3_stmt *s, int at, const bb_json *value) {
    const bb_json *member = bb_get(call, value, "base64");
    bb_str text = call->host->json->string(member);
    if (call->host->json->count(value) != 1 || !bb_is(call, member, BB_JSON_STRING))
        return "is an object: only {\"base64\": \"...\"} is one, for a BLOB";
    size_t cap = text.len / 4 * 3 + 3, n;
    void *bytes = call->host->call->alloc(call, cap);
    if (bytes == NULL)
        return "is too large";
    n = call->host->crypto->base64_decode(text, bytes, cap);
    if (n == SIZE_MAX)
        return "is not base64";
    return sqlite3_bind_blob64(s, at, bytes, n, SQLITE_STATIC) == SQLITE_OK ? NULL : TOO_LONG;
}

/* NULL: bound. Else why not. What is bound stays the call's. */
static const char *bind_value(bb_call *call, sqlite3_stmt *s, int at, const bb_json *value) {
    bb_str text;
    switch (call->host->json->type(value)) {
    case BB_JSON_NULL: sqlite3_bind_null(s, at); return NULL;
    case BB_JSON_BOOL: sqlite3_bind_int(s, at, call->host->json->to_bool(value, 0)); return NULL;
    case BB_JSON_NUMBER: return bind_number(call, s, at, value);
    case BB_JSON_OBJECT: return bind_blob(call, s, at, value);
    case BB_JSON_STRING:
        text = call->host->json->string(value);
        return sqlite3_bind_text64(s, at, text.ptr, text.len, SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK
                   ? NULL
                   : TOO_LONG;
    default: return "is an array: no value of a database is one; give its JSON text as a string";
    }
}

static int bind_places(bb_call *call, sqlite3_stmt *s, const bb_json *list, const char *pointer) {
    int wanted = sqlite3_bind_parameter_count(s);
    bb_json_iter it = {0};
    if (list != NULL && call->host->json->count(list) != (size_t)wanted)
        return bb_fail_input(call, pointer, "the statement has %d parameters, %zu are given", wanted,
                             call->host->json->count(list)) == BB_DONE;
    while (list != NULL && call->host->json->next(list, &it)) {
        char place[16];
        const char *why = bind_value(call, s, (int)it.index + 1, it.value);
        snprintf(place, sizeof place, "%zu", it.index);
        if (why != NULL)
            return fail_at(call, pointer, place, why) == BB_DONE;
    }
    return 1;
}

static int bind_names(bb_call *call, sqlite3_stmt *s, const bb_json *object, const char *pointer) {
    int wanted = sqlite3_bind_parameter_count(s), used = 0;
    for (int i = 1; i <= wanted; i++) {
        const char *name = sqlite3_bind_parameter_name(s, i);
        if (name == NULL || name[0] == '?')
            return bb_fail_input(
                       call, pointer,
                       "the statement has parameters by place (?): give `parameters` as an array") == BB_DONE;
        const bb_json *value = bb_get(call, object, name + 1); /* without ":", "@" or "$" */
        const char *why = value != NULL ? bind_value(call, s, i, value) : "is not given";
        if (why != NULL)
            return fail_at(call, pointer, name + 1, why) == BB_DONE;
        used++;
    }
    if (call->host->json->count(object) > (size_t)used)
        return bb_fail_input(call, pointer, "more parameters are given than the %d that the statement names",
                             used) == BB_DONE;
    return 1;
}

int bind_parameters(bb_call *call, sqlite3_stmt *s, const bb_json *parameters, const char *pointer) {
    if (bb_is(call, parameters, BB_JSON_OBJECT))
        return bind_names(call, s, parameters, pointer);
    if (parameters == NULL && sqlite3_bind_parameter_count(s) > 0)
        return bb_fail_input(call, pointer, "the statement has %d parameters, none is given",
                             sqlite3_bind_parameter_count(s)) == BB_DONE;
    return bind_places(call, s, parameters, pointer);
}

/* --- out
 * ---------------------------------------------------------------------------------------------------- */

/* RFC 3629: no surrogates, no overlong forms, at most U+10FFFF. */
static int is_utf8(const unsigned char *s, size_t n) {
    for (size_t i = 0; i < n;) {
        unsigned char c = s[i++];
        int more = c < 0x80                 ? 0
                   : c >= 0xc2 && c <= 0xdf ? 1
                   : c >= 0xe0 && c <= 0xef ? 2
                   : c >= 0xf0 && c <= 0xf4 ? 3
                                            : -1;
        if (more < 0 || n - i < (size_t)more)
            return 0;
        if (more > 0 && ((c == 0xe0 && s[i] < 0xa0) || (c == 0xed && s[i] > 0x9f) ||
                         (c == 0xf0 && s[i] < 0x90) || (c == 0xf4 && s[i] > 0x8f)))
            return 0;
        for (; more > 0; more--)
            if ((s[i++] & 0xc0) != 0x80)
                return 0;
    }
    return 1;
}

static int no_memory(bb_call *call) {
    return bb_fail(call, BB_E_NO_MEMORY, "no memory for the values of a row") == BB_DONE;
}

/* 0: the call has failed. */
static int write_bytes(bb_call *call, bb_json_writer *w, const void *bytes, size_t n) {
    const bb_json_api *json = call->host->json;
    bb_str in;
    size_t cap = (n + 2) / 3 * 4;
    char *text = call->host->call->alloc(call, cap + 1);
    if (text == NULL || (bytes == NULL && n > 0))
        return no_memory(call);
    in.ptr = bytes;
    in.len = n;
    json->begin_object(w);
    json->key(w, bb_s("base64"));
    in.len = n > 0 ? call->host->crypto->base64_encode(in, text, cap) : 0;
    in.ptr = text;
    json->put_string(w, in);
    json->end_object(w);
    return 1;
}

static int write_value(bb_call *call, bb_json_writer *w, sqlite3_stmt *s, int at) {
    const bb_json_api *json = call->host->json;
    bb_str text;
    double number;
    switch (sqlite3_column_type(s, at)) {
    case SQLITE_INTEGER: json->put_int64(w, sqlite3_column_int64(s, at)); break;
    case SQLITE_FLOAT:
        number = sqlite3_column_double(s, at);
        if (isfinite(number))
            json->put_double(w, number);
        else
            json->put_string(w, bb_s(number > 0 ? "Infinity" : "-Infinity"));
        break;
    case SQLITE_TEXT:
        text.ptr = (const char *)sqlite3_column_text(s, at);
        text.len = (size_t)sqlite3_column_bytes(s, at);
        if (text.ptr == NULL) /* even an empty one is somewhere */
            return no_memory(call);
        if (!is_utf8((const unsigned char *)text.ptr, text.len))
            return write_bytes(call, w, text.ptr, text.len);
        json->put_string(w, text);
        break;
    case SQLITE_BLOB:
        return write_bytes(call, w, sqlite3_column_blob(s, at), (size_t)sqlite3_column_bytes(s, at));
    default: json->put_null(w); break;
    }
    return 1;
}

/* A name is a member's, and no BLOB can stand for it: each byte that is none of ASCII's becomes U+FFFD in one
 * that is not UTF-8. */
static bb_str name_of(bb_call *call, const char *text) {
    size_t n = strlen(text), at = 0;
    char *out;
    if (is_utf8((const unsigned char *)text, n) || (out = call->host->call->alloc(call, 3 * n + 1)) == NULL)
        return bb_s(text);
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < 0x80) {
            out[at++] = text[i];
        } else {
            memcpy(out + at, "\xef\xbf\xbd", 3);
            at += 3;
        }
    }
    out[at] = '\0';
    return bb_s(out);
}

static int64_t bytes_of(sqlite3_stmt *s) {
    int64_t bytes = 0;
    for (int i = 0; i < sqlite3_column_count(s); i++)
        if (sqlite3_column_type(s, i) == SQLITE_TEXT || sqlite3_column_type(s, i) == SQLITE_BLOB)
            bytes += sqlite3_column_bytes(s, i);
    return bytes;
}

int64_t write_row(bb_call *call, bb_json_writer *w, sqlite3_stmt *s, int as_array) {
    const bb_json_api *json = call->host->json;
    int64_t bytes = 0;
    if (bytes_of(s) > VALUE_MAX_BYTES) {
        bb_fail(call, BB_E_LIMIT, "a row has more than 16 MiB: select fewer columns, or parts by substr()");
        return -1;
    }
    as_array ? json->begin_array(w) : json->begin_object(w);
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        if (!as_array)
            json->key(w, name_of(call, sqlite3_column_name(s, i)));
        if (!write_value(call, w, s, i))
            return -1;
        bytes += sqlite3_column_bytes(s, i) + 8;
    }
    as_array ? json->end_array(w) : json->end_object(w);
    return bytes;
}

void write_text(bb_call *call, bb_json_writer *w, const char *text) {
    if (text != NULL)
        call->host->json->put_string(w, name_of(call, text));
    else
        call->host->json->put_null(w);
}

void write_columns(bb_call *call, bb_json_writer *w, sqlite3_stmt *s) {
    const bb_json_api *json = call->host->json;
    json->key(w, bb_s("columns"));
    json->begin_array(w);
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        json->begin_object(w);
        json->key(w, bb_s("name"));
        write_text(call, w, sqlite3_column_name(s, i));
        json->key(w, bb_s("type"));
        write_text(call, w, sqlite3_column_decltype(s, i));
        json->end_object(w);
    }
    json->end_array(w);
}
