/* plan_url.c - a URL that events are posted to: its form, header fields and secrets. */
#include "webhook/plan_internal.h"

#include <stdio.h>

#define HEADERS_MAX 32u

static bool fail_at(const plan_reading *p, const char *key, const char *what) {
    const conf_entry *found = plan_entry(p, key);
    return conf_fail(p->e, p->f, found != NULL ? found->line : p->s->line, "%s%s%s", key, *key ? ": " : "",
                     what);
}

/* --- header fields
 * ------------------------------------------------------------------------------------------ */

static bool add_header(const plan_reading *p, bb_str *lines, size_t *count, bb_str line) {
    err why = {""};
    if (*count == HEADERS_MAX)
        return fail_at(p, "headers", "at most 32 of them");
    if (!post_header_check(line, &why))
        return fail_at(p, "headers", why.text);
    lines[*count] = arena_copy(p->a, line);
    return lines[(*count)++].ptr != NULL;
}

/* {"Name": "value"}, as the API writes it. */
static bool add_members(const plan_reading *p, bb_str *lines, size_t *count, bb_str text) {
    const json_value *root = json_read(p->a, text, NULL, NULL);
    if (root == NULL)
        return fail_at(p, "headers", "lines of \"Name: value\", or a JSON object");
    for (json_iter it = json_iterate(root); json_next(&it);) {
        if (!json_is(it.value, JSON_STRING))
            return fail_at(p, "headers", "the value of a field is a text");
        bb_str v = json_string(it.value);
        bb_str line = arena_printf(p->a, "%.*s: %.*s", STR_FMT(it.key), STR_FMT(v));
        if (line.ptr == NULL || !add_header(p, lines, count, line))
            return false;
    }
    return true;
}

static bool read_headers(const plan_reading *p, post_destination *to) {
    bb_str text, line;
    if (!plan_text(p, "headers", &text))
        return false;
    if (text.ptr == NULL)
        return true;
    bb_str *lines = arena_zalloc(p->a, HEADERS_MAX * sizeof *lines);
    if (lines == NULL)
        return false;
    to->headers = lines;
    text = str_trim(text);
    if (text.len > 0 && text.ptr[0] == '{')
        return add_members(p, lines, &to->header_count, text);
    while (str_split(&text, '\n', &line))
        if (str_trim(line).len > 0 && !add_header(p, lines, &to->header_count, str_trim(line)))
            return false;
    return true;
}

/* --- secrets
 * -------------------------------------------------------------------------------------------------- */

static bool gather_secrets(const plan_reading *p, arena *scratch, buf *out) {
    static const char *const keys[] = {"secret", "secret_2", "secret_3", "secret_4"};
    for (size_t i = 0; i < 4; i++) {
        const conf_entry *found = plan_entry(p, keys[i]);
        bb_str value = {NULL, 0};
        if (found == NULL)
            continue;
        if (!conf_expand(scratch, p->f, found, &value, NULL, p->e))
            return false;
        buf_str_add(out, value);
        buf_char(out, '\n');
        str_wipe(value);
    }
    return !out->failed;
}

static bool read_secrets(const plan_reading *p, post_destination *to) {
    arena *scratch = arena_new(0);
    buf text;
    err why = {""};
    buf_init(&text);
    bool ok = scratch != NULL && gather_secrets(p, scratch, &text);
    if (ok && text.len > 0) {
        to->keys = signing_keys_read(buf_str(&text), &why);
        ok = to->keys != NULL || fail_at(p, "secret", why.text);
    }
    buf_wipe(&text);
    arena_free(scratch);
    return ok;
}

/* A field that comes twice is read as one with a comma in it, and no signature. */
static bool is_taken(const post_destination *to, bb_str name) {
    for (size_t i = 0; i < to->header_count; i++) {
        bb_str rest = to->headers[i], field;
        if (str_split(&rest, ':', &field) && str_eq_nocase(field, name))
            return true;
    }
    return false;
}

/* "standard" (the default), "legacy", or both. */
static bool read_signature(const plan_reading *p, post_destination *to) {
    bb_str text, header, part;
    bool legacy = false;
    if (!plan_text(p, "signature", &text) || !plan_text(p, "signature_header", &header))
        return false;
    bool named = text.ptr != NULL;
    to->standard = !named;
    while (str_split(&text, ',', &part)) {
        part = str_trim(part);
        if (!str_eq(part, STR("standard")) && !str_eq(part, STR("legacy")))
            return fail_at(p, "signature",
                           "standard (Webhook-Signature), legacy (an HMAC of the body), or both");
        legacy = legacy || str_eq(part, STR("legacy"));
        to->standard = to->standard || str_eq(part, STR("standard"));
    }
    if (header.ptr != NULL && !legacy)
        return fail_at(p, "signature_header", "names the field of signature = legacy, which is not there");
    if (named && to->keys == NULL)
        return fail_at(p, "signature", "there is no secret to sign with");
    if (legacy && !signing_has_hmac(to->keys))
        return fail_at(p, "signature",
                       "legacy needs a secret that is no whsk_ key: an HMAC of the body is made with it");
    err why = {""};
    bb_str line = header.ptr != NULL ? arena_printf(p->a, "%.*s: x", STR_FMT(header)) : STR("X: x");
    if (line.ptr == NULL || !post_header_check(line, &why))
        return fail_at(p, "signature_header", why.text);
    if (legacy)
        to->legacy_header = header.ptr != NULL ? header.ptr : "X-Webhook-Signature";
    return !legacy || !is_taken(to, str_from(to->legacy_header)) ||
           fail_at(p, "headers", "the field of signature = legacy is among them: remove it");
}

/* --- the whole
 * ---------------------------------------------------------------------------------------------- */

static bool read_format(const plan_reading *p, post_format *out) {
    bb_str text;
    *out = POST_PLAIN;
    if (!plan_text(p, "format", &text))
        return false;
    return text.ptr == NULL || post_format_from(text, out) ||
           fail_at(p, "format", "plain, standard, cloudevents or cloudevents-binary");
}

bool plan_read_url(const plan_reading *p, bb_str url, delivery_plan *out) {
    err why = {""};
    out->to.url = url.ptr;
    out->url = arena_copy(p->a, plan_entry(p, "url")->value);
    if (out->url.ptr == NULL)
        return false;
    out->to.url_secret = !str_eq(out->url, url);
    if (p->r->post == NULL)
        return read_format(p, &out->to.format);
    if (!post_url_check(p->r->post, url.ptr, &why))
        return fail_at(p, "url", why.text);
    out->to.target = post_target(p->r->post);
    return read_format(p, &out->to.format) && read_headers(p, &out->to) && read_secrets(p, &out->to) &&
           read_signature(p, &out->to);
}

void plan_end(delivery_plan *plan) {
    signing_keys_free((signing_keys *)(uintptr_t)plan->to.keys);
    plan->to.keys = NULL;
    for (size_t i = 0; i < plan->to.header_count; i++)
        str_wipe(plan->to.headers[i]);
}
