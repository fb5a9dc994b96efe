/* client_stream.c - bodies that pass through flows: libcurl is paused while the flow is empty, or full. */
#include "http/client_internal.h"

#include <stdio.h>

enum { GOES_UNKNOWN, GOES_FLOW, GOES_MEMORY };

static void stop(http_transfer *t, const char *text) {
    snprintf(t->failure, sizeof t->failure, "%s", text);
}

/* Never from within a callback of libcurl's: flows tell from the loop. */
static void go_on(http_transfer *t, uint8_t what) {
    if ((t->paused & what) == 0)
        return;
    t->paused &= (uint8_t)~what;
    curl_easy_pause(t->easy, t->paused);
}

/* --- the request's body ------------------------------------------------------------------------------- */

static void on_data(void *ctx) {
    go_on(ctx, CURLPAUSE_SEND);
}

static size_t give(http_transfer *t, char *to, bb_str bytes, size_t cap) {
    size_t n = bytes.len < cap ? bytes.len : cap;
    memcpy(to, bytes.ptr, n);
    t->uploaded += n;
    return n;
}

static size_t give_flow(http_transfer *t, char *to, size_t cap, uint64_t left) {
    http_upload *u = t->send->upload;
    bb_str data = flow_data(u->flow);
    const char *failure = flow_failure(u->flow);
    bool over = flow_is_over(u->flow);
    if (failure == NULL && data.len == 0 && !over) {
        t->paused |= CURLPAUSE_SEND;
        return CURL_READFUNC_PAUSE;
    }
    if (failure != NULL || (over && left != FLOW_UNKNOWN)) {
        stop(t, failure != NULL ? failure : "the content ended before the length that was announced");
        return CURL_READFUNC_ABORT;
    }
    if (data.len > left)
        data.len = left;
    size_t n = give(t, to, data, cap);
    if (n > 0)
        u->passed(u->ctx, str_of(to, n));
    flow_take(u->flow, n);
    return n;
}

/* CURLOPT_READFUNCTION */
static size_t on_read(char *to, size_t size, size_t n, void *ctx) {
    http_transfer *t = ctx;
    http_upload *u = t->send->upload;
    uint64_t at = t->uploaded, cap = size * n;
    if (at < u->before.len)
        return give(t, to, str_of(u->before.ptr + at, u->before.len - at), cap);
    at -= u->before.len;
    if (at < u->length) {
        size_t given = give_flow(t, to, cap, u->length == FLOW_UNKNOWN ? FLOW_UNKNOWN : u->length - at);
        if (given > 0 || u->after.len == 0)
            return given;
        u->length = at; /* the flow has ended: now it is known */
    }
    at -= u->length;
    return at < u->after.len ? give(t, to, str_of(u->after.ptr + at, u->after.len - at), cap) : 0;
}

/* CURLOPT_SEEKFUNCTION: only to the beginning. */
static int on_seek(void *ctx, curl_off_t offset, int origin) {
    http_transfer *t = ctx;
    http_upload *u = t->send->upload;
    if (origin != SEEK_SET || offset != 0)
        return CURL_SEEKFUNC_CANTSEEK;
    if (t->uploaded > u->before.len) {
        flow_on_data(u->flow, NULL, NULL);
        if (!u->again(u->ctx))
            return CURL_SEEKFUNC_FAIL;
        flow_on_data(u->flow, on_data, t);
    }
    t->uploaded = 0;
    return CURL_SEEKFUNC_OK;
}

/* --- the answer's body -------------------------------------------------------------------------------- */

static void on_room(void *ctx) {
    go_on(ctx, CURLPAUSE_RECV);
}

static void begin(http_transfer *t) {
    http_download *d = t->send->download;
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->goes = d->begin(d->ctx, (unsigned)status, t->headers, t->header_count) ? GOES_FLOW : GOES_MEMORY;
    if (t->goes == GOES_FLOW)
        flow_on_room(d->flow, on_room, t);
}

/* Up to the line's end and with it, or all. */
static size_t rest_of_line(bb_str bytes) {
    const char *end = bytes.len > 0 ? memchr(bytes.ptr, '\n', bytes.len) : NULL;
    return end != NULL ? (size_t)(end + 1 - bytes.ptr) : bytes.len;
}

static void drop_line(http_download *d, bb_str bytes, size_t n) {
    *d->skip_line = n == 0 || bytes.ptr[n - 1] != '\n';
    *d->dropped += n;
}

bool client_stream_body(http_transfer *t, bb_str bytes, size_t *result) {
    http_download *d = t->send->download;
    if (t->goes == GOES_UNKNOWN)
        begin(t);
    if (t->goes == GOES_MEMORY)
        return false;
    const char *failure = flow_failure(d->flow);
    size_t line;
    *result = bytes.len;
    if (failure == NULL && d->skip > 0) {
        size_t n = bytes.len < d->skip ? bytes.len : (size_t)d->skip;
        d->skip -= n;
        bytes = str_of(bytes.ptr + n, bytes.len - n);
        if (bytes.len == 0)
            return true;
        if (flow_room(d->flow) < bytes.len) { /* libcurl gives a paused piece as a whole again */
            d->skip += n;
            bytes.len += n;
        }
    }
    if (failure == NULL && d->skip == 0 && d->skip_line != NULL && *d->skip_line) {
        line = rest_of_line(bytes);
        if (flow_room(d->flow) >= bytes.len - line)
            drop_line(d, bytes, line);
        bytes = str_of(bytes.ptr + line, bytes.len - line);
        if (bytes.len == 0)
            return true;
    }
    if (failure != NULL) {
        stop(t, failure);
        *result = CURL_WRITEFUNC_ERROR;
    } else if (flow_room(d->flow) < bytes.len) {
        t->paused |= CURLPAUSE_RECV;
        *result = CURL_WRITEFUNC_PAUSE;
    } else {
        d->passed(d->ctx, bytes);
        flow_put(d->flow, bytes);
    }
    return true;
}

void client_stream_end(http_transfer *t) {
    if (t->send->download != NULL && t->goes == GOES_UNKNOWN)
        begin(t);
}

/* --- the handle --------------------------------------------------------------------------------------- */

static curl_off_t whole_length(const http_upload *u) {
    return u->length == FLOW_UNKNOWN ? -1 : (curl_off_t)(u->before.len + u->length + u->after.len);
}

static void set_upload(http_transfer *t, http_upload *u) {
    curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(t->easy, CURLOPT_SEEKDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, whole_length(u));
    flow_on_data(u->flow, on_data, t);
}

bool client_stream_set(http_transfer *t, const http_send *s) {
    bool on = s->upload != NULL || s->download != NULL;
    t->streaming = on;
    t->paused = 0;
    t->goes = GOES_UNKNOWN;
    t->uploaded = 0;
    if (s->upload != NULL)
        set_upload(t, s->upload);
    /* Ranges and lengths are those of the bytes as they are stored: nothing is to be decoded. */
    const char *codings = s->download != NULL ? NULL : "";
    return curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, codings) == CURLE_OK;
}

void client_stream_over(http_transfer *t) {
    if (t->send->upload != NULL)
        flow_on_data(t->send->upload->flow, NULL, NULL);
    if (t->send->download != NULL && t->goes == GOES_FLOW)
        flow_on_room(t->send->download->flow, NULL, NULL);
}
