#include "observe/trace.h"

#define TRACEPARENT_LEN 55u /* of version 00 */
#define TRACESTATE_MAX 512u /* bytes that must be passed on (section 3.3.1.5) */
#define TRACESTATE_MEMBERS 32u
#define FLAGS_KNOWN 0x03u /* sampled (Level 1), random (Level 2); others are cleared on the way on */

/* Lower case only: upper case is malformed (section 3.2.2). */
static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *text, size_t bytes, uint8_t *out) {
    for (size_t i = 0; i < bytes; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool any_set(const uint8_t *bytes, size_t n) {
    uint8_t all = 0;
    for (size_t i = 0; i < n; i++)
        all |= bytes[i];
    return all != 0;
}

/* Version 00 has an exact length; a later one may have more after a dash (section 3.2.4), and 255 is none. */
static bool length_fits(bb_str s, uint8_t version) {
    if (version == 0xff || s.len < TRACEPARENT_LEN)
        return false;
    return s.len == TRACEPARENT_LEN || (version > 0 && s.ptr[TRACEPARENT_LEN] == '-');
}

static bool read_parent(bb_str s, trace_context *out) {
    uint8_t version;
    if (s.len < 2 || !read_hex(s.ptr, 1, &version) || !length_fits(s, version))
        return false;
    if (s.ptr[2] != '-' || s.ptr[35] != '-' || s.ptr[52] != '-')
        return false;
    if (!read_hex(s.ptr + 3, 16, out->trace_id) || !read_hex(s.ptr + 36, 8, out->parent_id) ||
        !read_hex(s.ptr + 53, 1, &out->flags))
        return false;
    out->flags &= FLAGS_KNOWN;
    return any_set(out->trace_id, 16) && any_set(out->parent_id, 8);
}

/* --- tracestate (section 3.3.1, with the keys of Level 2, which has those of Level 1) ----------------- */

static bool is_key_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool key_ok(bb_str key) {
    if (key.len == 0 || key.len > 256 || !is_key_start(key.ptr[0]))
        return false;
    for (size_t i = 1; i < key.len; i++)
        if (!is_key_start(key.ptr[i]) && (key.ptr[i] == '\0' || strchr("_-*/@", key.ptr[i]) == NULL))
            return false;
    return true;
}

static bool value_ok(bb_str value) {
    if (value.len == 0 || value.len > 256 || value.ptr[value.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < ' ' || value.ptr[i] > '~' || value.ptr[i] == '=')
            return false;
    return true;
}

static bool state_ok(bb_str s) {
    bb_str rest = s, member;
    unsigned members = 0;
    while (str_split(&rest, ',', &member)) {
        member = str_trim(member);
        if (member.len == 0) /* allowed */
            continue;
        const char *equals = memchr(member.ptr, '=', member.len);
        size_t key = equals != NULL ? (size_t)(equals - member.ptr) : 0;
        if (equals == NULL || ++members > TRACESTATE_MEMBERS || !key_ok(str_of(member.ptr, key)) ||
            !value_ok(str_of(equals + 1, member.len - key - 1)))
            return false;
    }
    return members > 0;
}

void trace_read(bb_str traceparent, bb_str tracestate, trace_context *out) {
    *out = (trace_context){0};
    out->present = read_parent(str_trim(traceparent), out);
    if (!out->present) {
        *out = (trace_context){0};
        return;
    }
    tracestate = str_trim(tracestate);
    if (tracestate.len <= TRACESTATE_MAX && state_ok(tracestate))
        out->state = tracestate;
}

static char *write_hex(char *at, const uint8_t *bytes, size_t n) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    return at;
}

void trace_write(const uint8_t trace_id[16], const uint8_t span_id[8], uint8_t flags,
                 char out[TRACEPARENT_SIZE]) {
    char *at = out;
    *at++ = '0';
    *at++ = '0';
    *at++ = '-';
    at = write_hex(at, trace_id, 16);
    *at++ = '-';
    at = write_hex(at, span_id, 8);
    *at++ = '-';
    at = write_hex(at, &flags, 1);
    *at = '\0';
}
