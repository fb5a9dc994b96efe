/* host_content.c - extension "busbar.content/1": what steps can ask of a call's content, and say of it. The
 * bytes are the pipeline's. */
#include "plugin/host_content.h"

#include "plugin/url.h"

static plugin_content *content_of(bb_call *call, const char *what) {
    plugin_call *c = plugin_call_of(call);
    if (c->content == NULL)
        plugin_misuse(c, BB_E_INVALID_INPUT,
                      "%s: this call has no content: give the operation a file to take, or a place for the "
                      "one it gives",
                      what);
    return c->content;
}

static plugin_request *request_of(bb_call *call, const char *what) {
    plugin_call *c = plugin_call_of(call);
    if (!c->request.begun)
        plugin_misuse(c, BB_E_PLUGIN, "the connector called %s before it began a request", what);
    return c->request.begun ? &c->request : NULL;
}

static bb_str copy(bb_call *call, bb_str text) {
    plugin_call *c = plugin_call_of(call);
    bb_str kept = text.len > 0 ? arena_copy(c->memory, text) : (bb_str){NULL, 0};
    if (text.len > 0 && kept.ptr == NULL)
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for the call");
    return kept;
}

/* --- what is given -------------------------------------------------------------------------------------- */

static int32_t given(bb_call *call) {
    const plugin_content *k = plugin_call_of(call)->content;
    return k != NULL && k->given;
}

static int64_t length(bb_call *call) {
    const plugin_content *k = plugin_call_of(call)->content;
    return k != NULL && k->given && k->length <= INT64_MAX ? (int64_t)k->length : -1;
}

static bb_str type(bb_call *call) {
    const plugin_content *k = plugin_call_of(call)->content;
    return k != NULL ? k->type : (bb_str){NULL, 0};
}

static bb_str name(bb_call *call) {
    const plugin_content *k = plugin_call_of(call)->content;
    return k != NULL ? k->name : (bb_str){NULL, 0};
}

/* --- the request's body --------------------------------------------------------------------------------- */

static void take_range(bb_call *call, const char *what, int64_t offset, int64_t bytes) {
    plugin_call *c = plugin_call_of(call);
    plugin_request *r = request_of(call, what);
    const plugin_content *k = content_of(call, what);
    if (r == NULL || k == NULL)
        return;
    if (!k->given)
        plugin_misuse(c, BB_E_INVALID_INPUT, "this call came without a file to send");
    else if (offset < 0 || (uint64_t)offset > k->length ||
             (bytes >= 0 && k->length != UINT64_MAX && (uint64_t)bytes > k->length - (uint64_t)offset))
        plugin_misuse(c, BB_E_PLUGIN, "the connector asked for bytes beyond the content's end");
    else if (r->has_content)
        plugin_misuse(c, BB_E_PLUGIN, "the connector put two ranges of the content into one request");
    r->has_content = true;
    r->content_offset = (uint64_t)offset;
    r->content_length = bytes >= 0                ? (uint64_t)bytes
                        : k->length == UINT64_MAX ? UINT64_MAX
                                                  : k->length - (uint64_t)offset;
    r->content_at = r->form.len;
}

static bool bare(bb_call *call, const char *what) {
    plugin_request *r = request_of(call, what);
    if (r != NULL && r->body_kind != PLUGIN_BODY_NONE)
        plugin_misuse(plugin_call_of(call), BB_E_PLUGIN, "the connector gave the request two bodies");
    return r != NULL && r->body_kind == PLUGIN_BODY_NONE;
}

static void body(bb_call *call, bb_str content_type, int64_t offset, int64_t bytes) {
    if (!bare(call, "a body of content"))
        return;
    plugin_call *c = plugin_call_of(call);
    take_range(call, "a body of content", offset, bytes);
    c->request.body_kind = PLUGIN_BODY_CONTENT;
    bb_str own = type(call);
    if (content_type.len == 0)
        content_type = own.len > 0 ? own : STR("application/octet-stream");
    c->abi.host->http->header(call, STR("Content-Type"), content_type);
}

static bb_str boundary_of(const plugin_call *c) {
    return c->boundary.len > 0 ? c->boundary : str_from(c->execution_id != NULL ? c->execution_id : "call");
}

/* The call's id has 80 random bits, so that no content holds the boundary but by reading it (RFC 2046 section
 * 5.1.1). */
static void put_boundary(plugin_call *c, const char *end) {
    buf_printf(&c->request.form, "--busbar-%.*s%s\r\n", STR_FMT(boundary_of(c)), end);
}

static void multipart(bb_call *call, bb_str subtype) {
    if (!bare(call, "multipart"))
        return;
    plugin_call *c = plugin_call_of(call);
    if (!str_eq(subtype, STR("form-data")) && !str_eq(subtype, STR("related")))
        plugin_misuse(c, BB_E_PLUGIN, "a multipart is \"form-data\" or \"related\"");
    c->request.body_kind = PLUGIN_BODY_MULTIPART;
    bb_str text = arena_printf(c->memory, "multipart/%.*s; boundary=busbar-%.*s", STR_FMT(subtype),
                               STR_FMT(boundary_of(c)));
    c->abi.host->http->header(call, STR("Content-Type"), text);
}

/* As browsers escape it (WHATWG HTML, multipart/form-data encoding): quote and line ends. */
static void put_quoted(buf *out, const char *label, bb_str text) {
    buf_printf(out, "; %s=\"", label);
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '"': buf_lit(out, "%22"); break;
        case '\r': buf_lit(out, "%0D"); break;
        case '\n': buf_lit(out, "%0A"); break;
        default: buf_char(out, text.ptr[i]);
        }
    }
    buf_char(out, '"');
}

static bool part_head(bb_call *call, bb_str part_name, bb_str filename, bb_str content_type) {
    plugin_call *c = plugin_call_of(call);
    plugin_request *r = request_of(call, "a part");
    if (r == NULL || r->body_kind != PLUGIN_BODY_MULTIPART || !url_header_value_ok(content_type)) {
        plugin_misuse(c, BB_E_PLUGIN, "a part belongs into a multipart, and its type has no line breaks");
        return false;
    }
    put_boundary(c, "");
    if (part_name.ptr != NULL) {
        buf_lit(&r->form, "Content-Disposition: form-data");
        put_quoted(&r->form, "name", part_name);
        if (filename.ptr != NULL)
            put_quoted(&r->form, "filename", filename);
        buf_lit(&r->form, "\r\n");
    }
    if (content_type.len > 0)
        buf_printf(&r->form, "Content-Type: %.*s\r\n", STR_FMT(content_type));
    buf_lit(&r->form, "\r\n");
    return true;
}

static void part(bb_call *call, bb_str part_name, bb_str filename, bb_str content_type, bb_str bytes) {
    if (!part_head(call, part_name, filename, content_type))
        return;
    buf *form = &plugin_call_of(call)->request.form;
    buf_str_add(form, bytes);
    buf_lit(form, "\r\n");
}

static void part_content(bb_call *call, bb_str part_name, bb_str filename, bb_str content_type,
                         int64_t offset, int64_t bytes) {
    bb_str own = type(call);
    if (content_type.len == 0)
        content_type = own.len > 0 ? own : STR("application/octet-stream");
    if (!part_head(call, part_name, filename, content_type))
        return;
    take_range(call, "a part of content", offset, bytes);
    buf_lit(&plugin_call_of(call)->request.form, "\r\n");
}

void host_content_finish(plugin_call *c) {
    plugin_request *r = &c->request;
    put_boundary(c, "--");
    r->body = buf_str(&r->form);
    r->body_kind = r->has_content ? PLUGIN_BODY_CONTENT : PLUGIN_BODY_BYTES;
}

bool host_content_range(plugin_call *c, size_t at, uint64_t offset, uint64_t length) {
    plugin_request *r = &c->request;
    bool ends = length == UINT64_MAX ||
                (c->content->length != UINT64_MAX && offset + length == c->content->length);
    if (at > r->body.len || offset > INT64_MAX || (length != UINT64_MAX && length > INT64_MAX))
        return false;
    take_range(&c->abi, "a body of content", (int64_t)offset, ends ? -1 : (int64_t)length);
    r->content_at = at;
    r->body_kind = PLUGIN_BODY_CONTENT;
    return true;
}

/* --- what is given out ---------------------------------------------------------------------------------- */

static void give_out(bb_call *call, const char *what, bool part, bool skips_line) {
    plugin_call *c = plugin_call_of(call);
    plugin_request *r = request_of(call, what);
    plugin_content *k = content_of(call, what);
    if (r == NULL || k == NULL)
        return;
    if (!k->wanted)
        plugin_misuse(c, BB_E_INVALID_INPUT, "this call has no place for the file that the operation gives");
    if (k->to_output && !(part && k->in_parts))
        plugin_misuse(c, BB_E_PLUGIN, "the connector sent two answers to the call's output");
    r->to_output = k->to_output = true;
    r->is_part = k->in_parts = part;
    r->skips_line = skips_line;
}

static void to_output(bb_call *call) {
    give_out(call, "to_output", false, false);
}

static void part_to_output(bb_call *call, int32_t without_first_line) {
    give_out(call, "part_to_output", true, without_first_line != 0);
}

static void describe(bb_call *call, bb_str content_name, bb_str content_type) {
    plugin_content *k = content_of(call, "describe");
    if (k == NULL)
        return;
    k->out_name = copy(call, content_name);
    k->out_type = url_header_value_ok(content_type) ? copy(call, content_type) : (bb_str){NULL, 0};
}

static void version(bb_call *call, bb_str text) {
    plugin_content *k = content_of(call, "version");
    if (k != NULL && text.len > 100)
        plugin_misuse(plugin_call_of(call), BB_E_PLUGIN, "the content's version has more than 100 bytes");
    else if (k != NULL)
        k->out_version = copy(call, text);
}

bool host_content_output(plugin_call *c) {
    const plugin_content *k = c->content;
    json_writer w;
    buf text;
    buf_init(&text);
    json_writer_init(&w, &text);
    json_object(&w);
    json_member_u64(&w, STR("bytes"), k->passed);
    if (k->out_type.len > 0)
        json_member_string(&w, STR("content_type"), k->out_type);
    if (k->out_name.len > 0)
        json_member_string(&w, STR("name"), k->out_name);
    json_object_end(&w);
    c->output = text.failed ? (bb_str){NULL, 0} : arena_copy(c->memory, buf_str(&text));
    c->output_kind = PLUGIN_OUT_TEXT;
    buf_free(&text);
    return c->output.ptr != NULL;
}

/* --- both ----------------------------------------------------------------------------------------------- */

static int64_t passed(bb_call *call) {
    const plugin_content *k = plugin_call_of(call)->content;
    return k != NULL ? (int64_t)k->passed : 0;
}

static plugin_digest *find_digest(plugin_content *k, bb_digest kind, int64_t block) {
    for (size_t i = 0; k != NULL && i < k->digest_count; i++)
        if (k->digests[i].kind == kind && k->digests[i].block == (uint64_t)block)
            return &k->digests[i];
    return NULL;
}

static void want_digest(bb_call *call, bb_digest kind, int64_t block) {
    plugin_call *c = plugin_call_of(call);
    plugin_content *k = content_of(call, "want_digest");
    if (k == NULL || find_digest(k, kind, block) != NULL)
        return;
    if (kind < BB_DIGEST_SHA256 || kind > BB_DIGEST_SHA1 || block < 0 ||
        k->digest_count == PLUGIN_DIGESTS_MAX)
        plugin_misuse(c, BB_E_PLUGIN,
                      "the connector asked for a digest that this hub does not know, or the fifth");
    else if (c->in_resume)
        plugin_misuse(c, BB_E_PLUGIN,
                      "the connector asked for a digest in resume: the content is passing already");
    else
        k->digests[k->digest_count++] = (plugin_digest){.kind = kind, .block = (uint64_t)block};
}

static bb_str digest(bb_call *call, bb_digest kind, int64_t block) {
    const plugin_digest *d = find_digest(plugin_call_of(call)->content, kind, block);
    return d != NULL && d->hex[0] != '\0' ? str_from(d->hex) : (bb_str){NULL, 0};
}

static void save(bb_call *call, bb_str json) {
    plugin_call *c = plugin_call_of(call);
    plugin_content *k = content_of(call, "save");
    if (k == NULL)
        return;
    json_error error;
    if (json.len > PLUGIN_SAVE_MAX_BYTES ||
        (json.len > 0 && json_read(c->memory, arena_copy(c->memory, json), NULL, &error) == NULL)) {
        plugin_misuse(c, BB_E_PLUGIN, "what the connector saves is not JSON, or over 16 KiB");
        return;
    }
    k->saves = true;
    k->save = copy(call, json);
}

static const bb_json *saved(bb_call *call) {
    plugin_call *c = plugin_call_of(call);
    if (c->content == NULL || c->content->saved.len == 0)
        return NULL;
    return (const bb_json *)json_read(c->memory, c->content->saved, NULL, NULL);
}

const bb_content_api host_content = {
    .size = sizeof(bb_content_api),
    .given = given,
    .length = length,
    .type = type,
    .name = name,
    .body = body,
    .multipart = multipart,
    .part = part,
    .part_content = part_content,
    .to_output = to_output,
    .describe = describe,
    .passed = passed,
    .want_digest = want_digest,
    .digest = digest,
    .save = save,
    .saved = saved,
    .version = version,
    .part_to_output = part_to_output,
};
