#include "base/flow.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct flow {
    loop *loop;
    unsigned refs;
    char *ring;
    size_t cap, at, len; /* the data begin at `at` and go round */
    bool ended, failed, posted;
    bool tell_room, tell_data;
    flow_fn on_room, on_data;
    void *room_ctx, *data_ctx;
    char failure[200];
};

flow *flow_new(loop *l, size_t cap) {
    flow *f = calloc(1, sizeof *f);
    char *ring = malloc(cap);
    if (f == NULL || ring == NULL) {
        free(f);
        free(ring);
        return NULL;
    }
    f->loop = l;
    f->refs = 1;
    f->ring = ring;
    f->cap = cap;
    return f;
}

flow *flow_ref(flow *f) {
    f->refs++;
    return f;
}

void flow_unref(flow *f) {
    if (f == NULL || --f->refs > 0)
        return;
    free(f->ring);
    free(f);
}

/* --- telling ----------------------------------------------------------------------------------------- */

static void run_posted(loop *l, void *arg) {
    (void)l;
    flow *f = arg;
    bool room = f->tell_room, data = f->tell_data;
    f->posted = f->tell_room = f->tell_data = false;
    if (data && f->on_data != NULL)
        f->on_data(f->data_ctx);
    if (room && f->on_room != NULL) /* it may have been taken back just now */
        f->on_room(f->room_ctx);
    flow_unref(f);
}

/* Without memory for the post the two would sleep for ever: then it is the flow that has failed, and the
 * watchdogs of both sides find it. */
static void tell(flow *f, bool room, bool data) {
    f->tell_room = f->tell_room || room;
    f->tell_data = f->tell_data || data;
    bool heard = (f->tell_room && f->on_room != NULL) || (f->tell_data && f->on_data != NULL);
    if (f->posted || !heard)
        return;
    f->posted = loop_post(f->loop, run_posted, flow_ref(f));
    if (!f->posted) {
        flow_unref(f);
        f->failed = true;
        snprintf(f->failure, sizeof f->failure, "no memory");
    }
}

void flow_on_room(flow *f, flow_fn fn, void *ctx) {
    f->on_room = fn;
    f->room_ctx = ctx;
    if (fn != NULL)
        tell(f, true, false);
}

void flow_on_data(flow *f, flow_fn fn, void *ctx) {
    f->on_data = fn;
    f->data_ctx = ctx;
    if (fn != NULL && (f->len > 0 || f->ended || f->failed))
        tell(f, false, true);
}

/* --- the producer ------------------------------------------------------------------------------------ */

size_t flow_room(const flow *f) {
    return f->cap - f->len;
}

char *flow_space(flow *f, size_t *n) {
    size_t begin = f->at + f->len;
    if (begin >= f->cap)
        begin -= f->cap;
    size_t to_end = f->cap - begin, room = f->cap - f->len;
    *n = room < to_end ? room : to_end;
    return f->ring + begin;
}

void flow_filled(flow *f, size_t n) {
    assert(n <= flow_room(f) && !f->ended);
    f->len += n;
    if (n > 0)
        tell(f, false, true);
}

void flow_put(flow *f, bb_str bytes) {
    assert(bytes.len <= flow_room(f));
    while (bytes.len > 0) {
        size_t n;
        char *to = flow_space(f, &n);
        n = n < bytes.len ? n : bytes.len;
        memcpy(to, bytes.ptr, n);
        flow_filled(f, n);
        bytes = str_of(bytes.ptr + n, bytes.len - n);
    }
}

void flow_end(flow *f) {
    f->ended = true;
    tell(f, false, true);
}

/* --- the consumer ------------------------------------------------------------------------------------ */

bb_str flow_data(const flow *f) {
    size_t to_end = f->cap - f->at;
    return str_of(f->ring + f->at, f->len < to_end ? f->len : to_end);
}

void flow_take(flow *f, size_t n) {
    assert(n <= f->len);
    f->at += n;
    if (f->at >= f->cap)
        f->at -= f->cap;
    f->len -= n;
    if (n > 0)
        tell(f, true, false);
}

bool flow_is_over(const flow *f) {
    return f->ended && f->len == 0;
}

void flow_fail(flow *f, const char *text) {
    if (f->failed)
        return;
    f->failed = true;
    snprintf(f->failure, sizeof f->failure, "%s", text);
    tell(f, true, true);
}

const char *flow_failure(const flow *f) {
    return f->failed ? f->failure : NULL;
}
