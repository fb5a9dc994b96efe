#include "transform/values.h"

#include "transform/marks.h"
#include "json/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* --- in ------------------------------------------------------------------------------------------- */

static jv string_in(bb_str s, buf *scratch) {
    if (!marks_any(s))
        return jv_string_sized(s.len > 0 ? s.ptr : "", (int)s.len);
    buf_clear(scratch);
    marks_string(scratch, s);
    return jv_string_sized(scratch->ptr, (int)scratch->len);
}

static jv number_in(const json_value *v, buf *scratch) {
    double value;
    if (marks_survives(json_raw(v)) && json_to_double(v, &value))
        return jv_number(value);
    buf_clear(scratch);
    marks_number(scratch, json_raw(v));
    return jv_string_sized(scratch->ptr, (int)scratch->len);
}

/* Recursion is bounded by the reader's depth. */
static jv value_in(const json_value *v, buf *scratch) {
    switch (json_type_of(v)) {
    case JSON_BOOL: return jv_bool(json_bool(v, false));
    case JSON_NUMBER: return number_in(v, scratch);
    case JSON_STRING: return string_in(json_string(v), scratch);
    case JSON_ARRAY: {
        jv array = jv_array_sized((int)json_count(v));
        for (json_iter it = json_iterate(v); json_next(&it);)
            array = jv_array_append(array, value_in(it.value, scratch));
        return array;
    }
    case JSON_OBJECT: {
        jv object = jv_object();
        for (json_iter it = json_iterate(v); json_next(&it);)
            object = jv_object_set(object, string_in(it.key, scratch), value_in(it.value, scratch));
        return object;
    }
    default: return jv_null();
    }
}

jv values_read(arena *scratch, bb_str text, err *e) {
    json_error error;
    const json_value *root = json_read(scratch, text, NULL, &error);
    if (root == NULL) {
        err_set(e, "it is not JSON: %s at line %u, column %u", error.reason, error.line, error.column);
        return jv_invalid();
    }
    buf marked;
    buf_init(&marked);
    jv value = value_in(root, &marked);
    buf_free(&marked);
    return value;
}

/* --- out ------------------------------------------------------------------------------------------ */

#define INTEGERS_END 9007199254740992.0 /* 2^53: every integer below it is a double of its own */

/* Digits and exponent as text, without one up to 1e21: ids of other services are read as integers only where
 * they look like ones. (ECMAScript's Number::toString has the same bound.) */
static void number_out(json_writer *w, double value) {
    char text[40], plain[40];
    if (isnan(value)) {
        json_put_null(w);
        return;
    }
    if (fabs(value) < INTEGERS_END && value == floor(value) && (value != 0 || !signbit(value))) {
        json_put_i64(w, (int64_t)value);
        return;
    }
    value = isinf(value) ? copysign(DBL_MAX, value) : value;
    if (value != floor(value) || fabs(value) >= 1e21) {
        json_put_double(w, value);
        return;
    }
    for (int digits = 14; digits <= 16; digits++) {
        snprintf(text, sizeof text, "%.*e", digits, fabs(value));
        if (strtod(text, NULL) == fabs(value))
            break;
    }
    size_t n = 0, exponent = strtoul(strchr(text, 'e') + 1, NULL, 10);
    const char *digits = text;
    if (signbit(value))
        plain[n++] = '-';
    for (size_t i = 0; i <= exponent; i++) {
        if (*digits == '.')
            digits++;
        plain[n++] = *digits == 'e' ? '0' : *digits++;
    }
    json_put_raw(w, str_of(plain, n));
}

static bb_str restored(jv string, buf *scratch) {
    bb_str s = str_of(jv_string_value(string), (size_t)jv_string_length_bytes(jv_copy(string)));
    if (!marks_any(s))
        return s;
    buf_clear(scratch);
    marks_restore(scratch, s);
    return str_of(scratch->len > 0 ? scratch->ptr : "", scratch->len);
}

static void string_out(json_writer *w, jv string, buf *scratch) {
    bb_str s = str_of(jv_string_value(string), (size_t)jv_string_length_bytes(jv_copy(string)));
    bb_str number = marks_is_number(s);
    if (number.len > 0)
        json_put_raw(w, number);
    else
        json_put_string(w, restored(string, scratch));
}

static void value_out(json_writer *w, jv value, buf *scratch);

static void array_out(json_writer *w, jv array, buf *scratch) {
    json_array(w);
    int n = jv_array_length(jv_copy(array));
    for (int i = 0; i < n && !w->failed && !w->out->failed; i++)
        value_out(w, jv_array_get(jv_copy(array), i), scratch);
    json_array_end(w);
}

static void object_out(json_writer *w, jv object, buf *scratch) {
    json_object(w);
    jv_object_foreach(object, key, member) {
        if (!w->failed && !w->out->failed) {
            json_key(w, restored(key, scratch));
            value_out(w, member, scratch);
        } else {
            jv_free(member);
        }
        jv_free(key);
    }
    json_object_end(w);
}

/* The writer fails beyond its depth, which ends the recursion. */
static void value_out(json_writer *w, jv value, buf *scratch) {
    switch (jv_get_kind(value)) {
    case JV_KIND_TRUE: json_put_bool(w, true); break;
    case JV_KIND_FALSE: json_put_bool(w, false); break;
    case JV_KIND_NUMBER: number_out(w, jv_number_value(value)); break;
    case JV_KIND_STRING: string_out(w, value, scratch); break;
    case JV_KIND_ARRAY: array_out(w, value, scratch); break;
    case JV_KIND_OBJECT: object_out(w, value, scratch); break;
    default: json_put_null(w); break;
    }
    jv_free(value);
}

bool values_write(buf *out, jv value) {
    json_writer w;
    buf scratch;
    buf_init(&scratch);
    json_writer_init(&w, out);
    value_out(&w, value, &scratch);
    bool ok = json_writer_finish(&w) && !scratch.failed;
    buf_free(&scratch);
    return ok;
}
