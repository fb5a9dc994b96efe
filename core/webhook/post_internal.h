/* post_internal.h - what the files of post.h share: a post under way. */
#ifndef WEBHOOK_POST_INTERNAL_H
#define WEBHOOK_POST_INTERNAL_H

#include "base/buf.h"
#include "webhook/post.h"

struct posts {
    loop *loop;
    http_client *client;
    post *active; /* doubly linked */
    post *idle;
    unsigned idle_count;
};

struct post {
    posts *owner;
    post *next, *previous;
    post_what what;
    post_done done;
    void *ctx;
    http_transfer *transfer;
    http_send send;
    uint64_t began_ns;
    arena *memory;
    buf content; /* what is signed: "ID.SECONDS." and, from `body` on, the body */
    size_t body;
    buf answer, text;
};

/* post_build.c: body, header fields and signatures, into the post and its `send`. False: no memory. */
bool post_build(post *p);

/* post_text.c: what an answer or a failure says, fit to be kept and shown: UTF-8 without control characters,
 * cut to POST_TEXT_MAX, and without what is secret of the destination's header fields and URL, which a
 * receiver may have echoed. Adds to `out`. */
void post_text_add(buf *out, bb_str text, const post_destination *to);

#endif
