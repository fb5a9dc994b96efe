/* writer.c - JSON text, comma by comma. */
#include "json/json.h"

#include "base/clock.h"
#include "json/scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 256u

void json_writer_init(json_writer *w, buf *out) {
    memset(w, 0, sizeof *w);
    w->out = out;
}

static bool get_bit(const uint64_t *bits, unsigned i) {
    return (bits[i / 64] >> (i % 64) & 1) != 0;
}

static void set_bit(uint64_t *bits, unsigned i, bool on) {
    bits[i / 64] = (bits[i / 64] & ~((uint64_t)1 << (i % 64))) | (uint64_t)on << (i % 64);
}

/* A value may stand here; puts the comma. */
static bool begin_value(json_writer *w) {
    bool in_object = w->depth > 0 && get_bit(w->object, w->depth);
    if (w->failed || w->done || (in_object && !w->after_key)) {
        w->failed = true;
        return false;
    }
    if (!w->after_key && w->depth > 0) {
        if (get_bit(w->nonempty, w->depth))
            buf_char(w->out, ',');
        set_bit(w->nonempty, w->depth, true);
    }
    w->after_key = false;
    w->done = w->depth == 0;
    return true;
}

static void open(json_writer *w, char c, bool object) {
    if (w->depth == DEPTH_MAX)
        w->failed = true;
    if (!begin_value(w))
        return;
    w->done = false;
    w->depth++;
    set_bit(w->object, w->depth, object);
    set_bit(w->nonempty, w->depth, false);
    buf_char(w->out, c);
}

static void close(json_writer *w, char c, bool object) {
    if (w->failed || w->depth == 0 || w->after_key || get_bit(w->object, w->depth) != object) {
        w->failed = true;
        return;
    }
    w->depth--;
    w->done = w->depth == 0;
    buf_char(w->out, c);
}

void json_object(json_writer *w) {
    open(w, '{', true);
}
void json_object_end(json_writer *w) {
    close(w, '}', true);
}
void json_array(json_writer *w) {
    open(w, '[', false);
}
void json_array_end(json_writer *w) {
    close(w, ']', false);
}

/* --- strings ----------------------------------------------------------------------------------------------
 */

static void put_escape(buf *out, unsigned char c) {
    static const char hex[] = "0123456789abcdef";
    static const char *const shorts[] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
    if (c == '"' || c == '\\') {
        char text[2] = {'\\', (char)c};
        buf_add(out, text, 2);
    } else if (c <= '\r' && shorts[c] != NULL) {
        buf_add(out, shorts[c], 2);
    } else {
        char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        buf_add(out, text, 6);
    }
}

/* False: not UTF-8, and `lossy` is not asked for. */
static bool put_quoted(buf *out, bb_str s, bool lossy) {
    const char *p = s.ptr, *end = s.ptr + s.len;
    buf_char(out, '"');
    while (s.len > 0 && p < end) {
        const char *stop = scan_plain(p, end);
        buf_add(out, p, (size_t)(stop - p));
        p = stop;
        if (p == end)
            break;
        if ((unsigned char)*p < 0x80) {
            put_escape(out, (unsigned char)*p++);
            continue;
        }
        size_t n = utf8_sequence(p, end);
        if (n == 0 && !lossy)
            return false;
        buf_add(out, n > 0 ? p : "\xef\xbf\xbd", n > 0 ? n : 3);
        p += n > 0 ? n : 1;
    }
    buf_char(out, '"');
    return true;
}

void json_key(json_writer *w, bb_str name) {
    if (w->failed || w->depth == 0 || w->after_key || !get_bit(w->object, w->depth)) {
        w->failed = true;
        return;
    }
    if (get_bit(w->nonempty, w->depth))
        buf_char(w->out, ',');
    set_bit(w->nonempty, w->depth, true);
    if (!put_quoted(w->out, name, false))
        w->failed = true;
    buf_char(w->out, ':');
    w->after_key = true;
}

void json_put_string(json_writer *w, bb_str utf8) {
    if (begin_value(w) && !put_quoted(w->out, utf8, false))
        w->failed = true;
}

void json_put_string_lossy(json_writer *w, bb_str bytes) {
    if (begin_value(w))
        put_quoted(w->out, bytes, true);
}

/* --- other scalars ----------------------------------------------------------------------------------------
 */

void json_put_raw(json_writer *w, bb_str json) {
    if (json.len == 0)
        w->failed = true;
    if (begin_value(w))
        buf_str_add(w->out, json);
}

void json_put_value(json_writer *w, const json_value *v) {
    json_put_raw(w, v != NULL ? json_raw(v) : STR("null"));
}

void json_put_null(json_writer *w) {
    json_put_raw(w, STR("null"));
}

void json_put_bool(json_writer *w, bool value) {
    json_put_raw(w, value ? STR("true") : STR("false"));
}

void json_put_u64(json_writer *w, uint64_t value) {
    if (begin_value(w))
        buf_u64(w->out, value);
}

void json_put_i64(json_writer *w, int64_t value) {
    if (!begin_value(w))
        return;
    if (value < 0)
        buf_char(w->out, '-');
    buf_u64(w->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void json_put_double(json_writer *w, double value) {
    char text[40];
    if (!isfinite(value)) {
        w->failed = true;
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    json_put_raw(w, str_from(text));
}

bool json_writer_finish(json_writer *w) {
    return !w->failed && w->done && w->depth == 0 && !w->out->failed;
}

/* --- for people -------------------------------------------------------------------------------------------
 */

static void line(buf *out, unsigned blanks) {
    buf_char(out, '\n');
    for (unsigned i = 0; i < blanks; i++)
        buf_char(out, ' ');
}

/* Recursion is bounded by the reader's depth. */
static void pretty(const json_value *v, unsigned indent, unsigned level, buf *out) {
    bool object = json_is(v, JSON_OBJECT);
    if (json_count(v) == 0) {
        bool empty = json_is(v, JSON_ARRAY) || object;
        buf_str_add(out, empty ? (object ? STR("{}") : STR("[]")) : v != NULL ? json_raw(v) : STR("null"));
        return;
    }
    buf_char(out, object ? '{' : '[');
    for (json_iter it = json_iterate(v); json_next(&it);) {
        if (it.index > 0)
            buf_char(out, ',');
        line(out, (level + 1) * indent);
        if (object) {
            put_quoted(out, it.key, true);
            buf_lit(out, ": ");
        }
        pretty(it.value, indent, level + 1, out);
    }
    line(out, level * indent);
    buf_char(out, object ? '}' : ']');
}

void json_pretty(const json_value *v, unsigned indent, buf *out) {
    pretty(v, indent, 0, out);
}

bb_str json_writer_take(json_writer *w, arena *a) {
    bb_str text = json_writer_finish(w) ? arena_copy(a, buf_str(w->out)) : (bb_str){NULL, 0};
    buf_free(w->out);
    return text;
}

void json_member_time(json_writer *w, bb_str name, uint64_t wall_ms) {
    char text[CLOCK_RFC3339_SIZE];
    if (wall_ms == 0)
        return;
    clock_rfc3339(wall_ms, text);
    json_member_string(w, name, str_from(text));
}
