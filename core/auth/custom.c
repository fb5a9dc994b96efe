/* custom.c - a connector's own schemes: found, configured, and their `sign` run. */
#include "auth/custom_internal.h"

#include "auth/session_internal.h"
#include "plugin/host.h"
#include "plugin/mark.h"

#include <pthread.h>
#include <stdlib.h>

bool custom_check(const bb_auth_extension *x, err *e) {
    for (size_t i = 0; x != NULL && x->schemes[i] != NULL; i++)
        if (auth_scheme_find(str_from(x->schemes[i]->id)) != NULL)
            return err_set(e, "its auth scheme \"%s\" has the id of one of the hub's own: give it another",
                           x->schemes[i]->id);
    return true;
}

/* --- configuring ---------------------------------------------------------------------------------------- */

static bool write_input(const auth_reading *r, buf *out) {
    json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    for (size_t i = 0; r->scheme->fields[i].name != NULL; i++)
        if (r->values[i].len > 0)
            json_member_string(&w, str_from(r->scheme->fields[i].name), r->values[i]);
    json_object_end(&w);
    return json_writer_finish(&w);
}

static void destroy(void *settings) {
    custom *k = settings;
    for (json_iter it = json_iterate(k->input); json_next(&it);)
        str_wipe(json_string(it.value)); /* those with escapes are not in the text */
    str_wipe(k->text);
}

static bool read_input(const auth_reading *r, custom *k) {
    buf text;
    buf_init(&text);
    if (write_input(r, &text))
        k->text = arena_copy(r->memory, buf_str(&text));
    buf_wipe(&text);
    k->input = k->text.ptr != NULL ? json_read(r->memory, k->text, NULL, NULL) : NULL;
    bb_str settings = arena_copy(r->memory, r->settings.len > 0 ? r->settings : STR("{}"));
    k->settings = settings.ptr != NULL ? json_read(r->memory, settings, NULL, NULL) : NULL;
    k->base_url = json_string(json_getl(k->settings, "base_url"));
    while (str_ends(k->base_url, STR("/")))
        k->base_url.len--;
    return k->input != NULL && k->settings != NULL;
}

/* A token is for these values and settings: of any other ones it is not used. */
static void set_identity(const custom *k, auth_config *config) {
    buf text;
    buf_init(&text);
    buf_printf(&text, "%s %s ", k->plugin_id, k->desc->id);
    buf_str_add(&text, k->text);
    buf_str_add(&text, json_raw(k->settings));
    auth_hash(buf_str(&text), config->identity);
    buf_wipe(&text);
}

static const bb_custom_auth *described(const bb_auth_extension *x, bb_str id) {
    for (size_t i = 0; x != NULL && x->schemes[i] != NULL; i++)
        if (str_eq(str_from(x->schemes[i]->id), id))
            return x->schemes[i];
    return NULL;
}

static bool build(auth_reading *r, auth *out, err *e) {
    static const char *const usual[] = {"Authorization", NULL};
    custom *k = arena_zalloc(r->memory, sizeof *k);
    if (k == NULL)
        return err_set(e, "no memory");
    k->desc = described(r->custom, str_from(r->scheme->id));
    k->plugin_id = r->plugin->id;
    k->connection_id = mark_name(r->file->id);
    k->build = r->build;
    out->config->settings = k;
    out->config->destroy = destroy;
    if (!read_input(r, k))
        return err_set(e, "no memory");
    set_identity(k, out->config);
    out->fields = k->desc->headers != NULL ? k->desc->headers : usual;
    return true;
}

/* --- signing -------------------------------------------------------------------------------------------- */

void custom_call(const custom *k, plugin_auth *said, arena *memory, plugin_call *out) {
    plugin_call_init(out);
    said->scheme = k->desc;
    said->settings = k->settings;
    out->memory = memory;
    out->auth = said;
    out->base_url = k->base_url;
    out->plugin_id = k->plugin_id;
    out->connection_id = k->connection_id;
    out->build = k->build;
    out->execution_id = "-"; /* a token is no execution's, and a request's line has its own */
    out->abi = (bb_call){.size = sizeof out->abi, .host = host_get(), .input = (const bb_json *)k->input};
}

static bb_auth_request request_of(const sign_request *r) {
    bb_auth_request request = {
        .size = sizeof request,
        .header_count = (uint32_t)r->header_count,
        .method = r->method,
        .url = r->url,
        .headers = r->headers,
        .body = r->body,
        .now_ms = r->now_ms,
    };
    memcpy(request.random, r->random, sizeof request.random);
    return request;
}

static void add(const plugin_auth *said, sign_addition *out) {
    for (size_t i = 0; i < said->header_count; i++)
        out->headers[out->header_count++] = said->headers[i];
    out->query = said->query;
    out->target = said->target;
}

static bool sign(auth_ticket *t, const sign_request *r, sign_addition *out, err *e) {
    const custom *k = t->auth->config->settings;
    if (k->desc->sign == NULL)
        return auth_sign_token(t, STR("Authorization: Bearer "), out, e);
    if (r->streamed && (k->desc->flags & BB_AUTH_STREAMS) == 0)
        return err_set(
            e,
            "auth scheme %s of connector %s signs the whole body, and a file's is not known before it "
            "has passed: files need a scheme that says BB_AUTH_STREAMS",
            k->desc->id, k->plugin_id);
    plugin_auth said = {.token = t->token};
    plugin_call c;
    custom_call(k, &said, t->memory, &c);
    c.deadline_ns = t->deadline_ns;
    bb_auth_request request = request_of(r);
    bool ok = plugin_sign(&c, &request) == PLUGIN_DONE;
    if (ok)
        add(&said, out);
    else
        err_set(e, "auth scheme %s of connector %s: %.*s", k->desc->id, k->plugin_id,
                STR_FMT(c.error.message));
    plugin_call_free(&c);
    return ok;
}

static bool rejected(auth_ticket *t, const http_answer *answer) {
    const custom *k = t->auth->config->settings;
    return answer->status == 401 && (k->desc->flags & BB_AUTH_RENEW) != 0 && auth_session_rejected(t);
}

static const auth_ops with_token = {
    .configured = true,
    .session = true,
    .build = build,
    .get = auth_session_get,
    .sign = sign,
    .rejected = rejected,
    .acquire = custom_acquire,
    .stored = true,
};
static const auth_ops without_token = {.configured = true, .build = build, .sign = sign};

/* --- finding ----------------------------------------------------------------------------------------------
 */

/* The texts are its own: sessions hold schemes for as long as the process lives, whatever becomes of the
 * build that declared them first. */
typedef struct kept {
    struct kept *next;
    const char *declaration;
    arena *memory;
    auth_scheme scheme;
    auth_field fields[]; /* ends with a NULL name */
} kept;

static kept *all; /* only grows */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* All that an admin sees of it. Two builds that declare the same are the same scheme. */
static void declare(const char *plugin_id, const bb_custom_auth *s, buf *out) {
    buf_printf(out, "%s\n%s\n%s\n%d\n", plugin_id, s->id, s->summary, s->start != NULL);
    for (size_t i = 0; s->fields != NULL && s->fields[i] != NULL; i++) {
        const bb_auth_field *f = s->fields[i];
        buf_printf(out, "%s\n%s\n%u\n%s\n", f->name, f->description, f->flags,
                   f->otherwise != NULL ? f->otherwise : "");
    }
}

static const char *text_of(const kept *k, const char *text) {
    return text != NULL ? arena_strdup(k->memory, str_from(text)) : NULL;
}

/* False: no memory. */
static bool fill(kept *k, const bb_custom_auth *s, const char *declaration) {
    bool whole = true;
    for (size_t i = 0; s->fields != NULL && s->fields[i] != NULL; i++) {
        const bb_auth_field *f = s->fields[i];
        k->fields[i] = (auth_field){
            .name = text_of(k, f->name),
            .required = (f->flags & BB_AUTH_REQUIRED) != 0,
            .secret = (f->flags & BB_AUTH_SECRET) != 0,
            .otherwise = text_of(k, f->otherwise),
            .description = text_of(k, f->description),
            .lines = (f->flags & BB_AUTH_MULTILINE) != 0,
        };
        whole = whole && k->fields[i].name != NULL && k->fields[i].description != NULL &&
                (f->otherwise == NULL || k->fields[i].otherwise != NULL);
    }
    k->declaration = text_of(k, declaration);
    k->scheme = (auth_scheme){.id = text_of(k, s->id),
                              .summary = text_of(k, s->summary),
                              .fields = k->fields,
                              .ops = s->start != NULL ? &with_token : &without_token};
    return whole && k->declaration != NULL && k->scheme.id != NULL && k->scheme.summary != NULL;
}

static kept *keep(const bb_custom_auth *s, const char *declaration) {
    size_t n = 0;
    while (s->fields != NULL && s->fields[n] != NULL)
        n++;
    kept *k = calloc(1, sizeof *k + (n + 1) * sizeof k->fields[0]);
    if (k == NULL || (k->memory = arena_new_sized(0, 512)) == NULL || !fill(k, s, declaration)) {
        arena_free(k != NULL ? k->memory : NULL);
        free(k);
        return NULL;
    }
    k->next = all;
    all = k;
    return k;
}

const auth_scheme *custom_scheme_find(const char *plugin_id, const bb_auth_extension *x, bb_str id) {
    const bb_custom_auth *s = described(x, id);
    if (s == NULL)
        return NULL;
    buf declaration;
    buf_init(&declaration);
    declare(plugin_id, s, &declaration);
    const char *text = buf_cstr(&declaration);
    pthread_mutex_lock(&lock);
    kept *k = all;
    while (k != NULL && strcmp(k->declaration, text) != 0)
        k = k->next;
    if (k == NULL && !declaration.failed)
        k = keep(s, text);
    pthread_mutex_unlock(&lock);
    buf_free(&declaration);
    return k != NULL ? &k->scheme : NULL;
}
