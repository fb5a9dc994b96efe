#include "isolate/frame.h"

#define ABSENT UINT32_MAX

size_t frame_begin(buf *out, frame_kind kind, uint32_t slot, uint32_t turn) {
    size_t began = out->len;
    frame_head head = {.kind = (uint32_t)kind, .slot = slot, .turn = turn};
    buf_add(out, &head, sizeof head);
    return began;
}

void frame_u32(buf *out, uint32_t n) {
    buf_add(out, &n, sizeof n);
}

void frame_u64(buf *out, uint64_t n) {
    buf_add(out, &n, sizeof n);
}

void frame_str(buf *out, bb_str s) {
    if (s.len >= ABSENT) {
        out->failed = true;
        return;
    }
    frame_u32(out, s.ptr != NULL ? (uint32_t)s.len : ABSENT);
    if (s.ptr != NULL)
        buf_str_add(out, s);
}

void frame_end(buf *out, size_t began) {
    if (out->failed)
        return;
    uint32_t length = (uint32_t)(out->len - began - sizeof(frame_head));
    memcpy(out->ptr + began + offsetof(frame_head, length), &length, sizeof length);
}

frame_found frame_read(bb_str in, uint32_t most, frame *out, size_t *size) {
    if (in.len < sizeof(frame_head))
        return FRAME_MORE;
    memcpy(&out->head, in.ptr, sizeof out->head);
    if (out->head.length > most)
        return FRAME_BAD;
    *size = sizeof(frame_head) + (size_t)out->head.length;
    if (in.len < *size)
        return FRAME_MORE;
    out->at = in.ptr + sizeof(frame_head);
    out->end = in.ptr + *size;
    out->bad = false;
    return FRAME_WHOLE;
}

static const char *take(frame *f, size_t n) {
    const char *at = f->at;
    if (f->bad || (size_t)(f->end - f->at) < n) {
        f->bad = true;
        return NULL;
    }
    f->at += n;
    return at;
}

uint32_t frame_get_u32(frame *f) {
    uint32_t n = 0;
    const char *at = take(f, sizeof n);
    if (at != NULL)
        memcpy(&n, at, sizeof n);
    return n;
}

uint64_t frame_get_u64(frame *f) {
    uint64_t n = 0;
    const char *at = take(f, sizeof n);
    if (at != NULL)
        memcpy(&n, at, sizeof n);
    return n;
}

bb_str frame_get_str(frame *f) {
    uint32_t n = frame_get_u32(f);
    if (f->bad || n == ABSENT)
        return (bb_str){NULL, 0};
    const char *at = take(f, n);
    return at != NULL ? str_of(at, n) : (bb_str){NULL, 0};
}

bool frame_done(const frame *f) {
    return !f->bad && f->at == f->end;
}
