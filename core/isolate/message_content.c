/* message_content.c - what steps see of a call's content, and say of it, as part of their frames: no bytes of
 * the content itself. */
#include "isolate/internal.h"

#include "plugin/host_content.h"

/* --- the hub tells ------------------------------------------------------------------------------------- */

static void put_digests(buf *out, const plugin_content *k, bool told) {
    frame_u32(out, (uint32_t)k->digest_count);
    for (size_t i = 0; i < k->digest_count; i++) {
        frame_u32(out, (uint32_t)k->digests[i].kind);
        frame_u64(out, k->digests[i].block);
        if (told)
            frame_str(out, str_from(k->digests[i].hex));
    }
}

void message_put_content(buf *out, const plugin_call *c) {
    const plugin_content *k = c->content;
    frame_str(out, str_from(c->execution_id));
    frame_u32(out, k != NULL);
    if (k == NULL)
        return;
    frame_u32(out, k->given);
    frame_u32(out, k->wanted);
    frame_u64(out, k->length);
    frame_str(out, k->type);
    frame_str(out, k->name);
    frame_str(out, k->saved);
}

void message_put_passed(buf *out, const plugin_call *c) {
    const plugin_content *k = c->content;
    frame_u32(out, k != NULL);
    if (k == NULL)
        return;
    frame_u64(out, k->passed);
    put_digests(out, k, true);
}

/* --- the child takes it -------------------------------------------------------------------------------- */

static bb_str kept(plugin_call *c, bb_str s) {
    return s.len > 0 ? arena_copy(c->memory, s) : (bb_str){NULL, 0};
}

bool message_take_content(frame *f, plugin_call *c) {
    c->boundary = kept(c, frame_get_str(f));
    if (frame_get_u32(f) == 0)
        return !f->bad;
    plugin_content *k = arena_zalloc(c->memory, sizeof *k);
    if (k == NULL)
        return false;
    k->given = frame_get_u32(f) != 0;
    k->wanted = frame_get_u32(f) != 0;
    k->length = frame_get_u64(f);
    k->type = kept(c, frame_get_str(f));
    k->name = kept(c, frame_get_str(f));
    k->saved = kept(c, frame_get_str(f));
    c->content = k;
    return !f->bad;
}

bool message_take_passed(frame *f, plugin_call *c) {
    plugin_content *k = c->content;
    if (frame_get_u32(f) == 0)
        return !f->bad;
    if (k == NULL)
        return false;
    k->saves = false; /* it has been told */
    k->passed = frame_get_u64(f);
    k->digest_count = frame_get_u32(f);
    if (k->digest_count > PLUGIN_DIGESTS_MAX)
        return false;
    for (size_t i = 0; i < k->digest_count; i++) {
        k->digests[i].kind = (int32_t)frame_get_u32(f);
        k->digests[i].block = frame_get_u64(f);
        str_put(k->digests[i].hex, sizeof k->digests[i].hex, frame_get_str(f));
    }
    return !f->bad;
}

/* --- the child says ------------------------------------------------------------------------------------- */

void message_put_said(buf *out, const plugin_call *c) {
    const plugin_content *k = c->content;
    frame_u32(out, k != NULL);
    if (k == NULL)
        return;
    put_digests(out, k, false);
    frame_u32(out, k->saves);
    frame_str(out, k->save);
    frame_str(out, k->out_name);
    frame_str(out, k->out_type);
    frame_str(out, k->out_version);
}

void message_put_range(buf *out, const plugin_request *r) {
    frame_u32(out, (r->to_output ? 1u : 0u) | (r->is_part ? 2u : 0u) | (r->skips_line ? 4u : 0u));
    frame_u32(out, r->has_content);
    frame_u64(out, r->content_at);
    frame_u64(out, r->content_offset);
    frame_u64(out, r->content_length);
}

/* --- and the hub takes it, by what the SDK's own functions allow ------------------------------------------
 */

bool message_take_said(frame *f, plugin_call *c) {
    if (frame_get_u32(f) == 0)
        return !f->bad;
    uint32_t n = frame_get_u32(f);
    if (c->content == NULL || n > PLUGIN_DIGESTS_MAX)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        int32_t kind = (int32_t)frame_get_u32(f);
        uint64_t block = frame_get_u64(f);
        if (f->bad || block > INT64_MAX)
            return false;
        if (!c->in_resume)
            host_content.want_digest(&c->abi, kind, (int64_t)block);
    }
    bool saves = frame_get_u32(f) != 0;
    bb_str save = frame_get_str(f), name = frame_get_str(f), type = frame_get_str(f),
           version = frame_get_str(f);
    if (f->bad)
        return false;
    if (saves)
        host_content.save(&c->abi, save);
    if (name.len > 0 || type.len > 0)
        host_content.describe(&c->abi, name, type);
    if (version.len > 0)
        host_content.version(&c->abi, version);
    return true;
}

/* The body around the range is there already, its type among the header lines. */
bool message_take_range(frame *f, plugin_call *c) {
    uint32_t output = frame_get_u32(f);
    bool has_content = frame_get_u32(f) != 0;
    uint64_t at = frame_get_u64(f), offset = frame_get_u64(f), length = frame_get_u64(f);
    if (f->bad || (has_content && (c->content == NULL || at > c->request.body.len || offset > INT64_MAX)))
        return false;
    if ((output & 2u) != 0)
        host_content.part_to_output(&c->abi, (output & 4u) != 0);
    else if (output != 0)
        host_content.to_output(&c->abi);
    return !has_content || host_content_range(c, (size_t)at, offset, length);
}
