/* content.c - the content of a call: its bytes put where the steps name them, and kept where they give them.
 */
#include "internal.h"

#include "content/digest.h"

#include <busbar/content.h>

void bb_test_give(bb_test *t, const bb_test_content *content) {
    plugin_content *k = &t->content;
    bb_str bytes = content->len > 0 ? str_of(content->bytes, content->len) : str_from(content->bytes);
    *k = (plugin_content){.given = content->bytes != NULL, .wanted = true, .length = UINT64_MAX};
    if (k->given && content->unknown == 0)
        k->length = bytes.len;
    t->content_bytes = arena_copy(t->memory, bytes);
    k->type = arena_copy(t->memory, str_from(content->type));
    k->name = arena_copy(t->memory, str_from(content->name));
    k->saved = arena_copy(t->memory, str_from(content->saved));
    t->content_wanted = true;
}

plugin_content *test_content_begin(bb_test *t) {
    t->content_out = (bb_str){NULL, 0};
    t->saved = "";
    if (!t->content_wanted)
        return NULL;
    t->content_wanted = false;
    return &t->content;
}

/* The request's body with the range in it. */
bool test_content_send(bb_test *t, plugin_call *c) {
    plugin_request *r = &c->request;
    if (!r->has_content)
        return true;
    uint64_t left = t->content_bytes.len >= r->content_offset ? t->content_bytes.len - r->content_offset : 0;
    uint64_t n = r->content_length < left ? r->content_length : left;
    if (r->content_length != UINT64_MAX && n < r->content_length) {
        test_fail(t, BB_E_PLUGIN, "the connector asked for bytes beyond the content's end");
        return false;
    }
    char *whole = test_have(arena_alloc(t->call_memory, r->body.len + n + 1));
    size_t before = r->body.len > 0 ? r->content_at : 0;
    if (before > 0)
        memcpy(whole, r->body.ptr, before);
    if (n > 0)
        memcpy(whole + before, t->content_bytes.ptr + r->content_offset, n);
    if (r->body.len > before)
        memcpy(whole + before + n, r->body.ptr + before, r->body.len - before);
    r->body = str_of(whole, r->body.len + n);
    if (r->content_offset + n > t->content.passed)
        t->content.passed = r->content_offset + n;
    return true;
}

static void tell_digests(bb_test *t) {
    plugin_content *k = &t->content;
    bb_str bytes = t->content_out.ptr != NULL ? t->content_out : str_of(t->content_bytes.ptr, k->passed);
    for (size_t i = 0; i < k->digest_count; i++) {
        content_digest *d = test_have(content_digest_new(k->digests[i].kind, k->digests[i].block));
        content_digest_add(d, 0, bytes);
        content_digest_hex(d, k->passed, k->digests[i].hex);
        content_digest_free(d);
    }
}

/* A part goes behind what is there, but for its first line where the step says so. */
static void put_out(bb_test *t, const plugin_request *r, bb_str body) {
    const char *line = r->skips_line && body.len > 0 ? memchr(body.ptr, '\n', body.len) : NULL;
    bb_str before = r->is_part ? t->content_out : (bb_str){NULL, 0};
    if (r->skips_line)
        body = line != NULL ? str_of(line + 1, body.len - (size_t)(line + 1 - body.ptr))
                            : str_of(body.ptr, 0);
    char *all = test_have(arena_alloc(t->call_memory, before.len + body.len + 1));
    if (before.len > 0)
        memcpy(all, before.ptr, before.len);
    if (body.len > 0)
        memcpy(all + before.len, body.ptr, body.len);
    all[before.len + body.len] = '\0';
    t->content_out = str_of(all, before.len + body.len);
    t->content.passed = before.len + body.len;
}

void test_content_answered(bb_test *t, plugin_call *c) {
    bool good = c->answer.status >= 200 && c->answer.status <= 299;
    if (c->content == NULL)
        return;
    if (c->request.to_output && good) {
        put_out(t, &c->request, c->answer.body);
        c->answer.body = (bb_str){NULL, 0};
    }
    if (good)
        tell_digests(t);
}

void test_content_said(bb_test *t, const plugin_call *c) {
    if (c->content == NULL || !c->content->saves)
        return;
    c->content->saves = false;
    t->saved = c->content->save.len > 0 ? test_line(t->call_memory, c->content->save) : "";
}

const char *bb_test_given(const bb_test *t, size_t *len) {
    *len = t->content_out.len;
    return t->content_out.ptr;
}

const char *bb_test_saved(const bb_test *t) {
    return t->saved != NULL ? t->saved : "";
}
