/* endpoint.c - NAME.hook.conf, read. */
#include "webhook/endpoint.h"

#include "limit/rate.h"
#include "plugin/url.h"
#include "webhook/route.h"

#include <openssl/rand.h>
#include <stdlib.h>

#define DAY_MS 86400000ull
#define HEADERS_MAX 32u

static const char *const outcome_names[INGRESS_OUTCOMES] = {
    "stored",    "repeated", "ignored", "answered", "refused", "stale",  "foreign", "limited",
    "too-large", "invalid",  "method",  "paused",   "unready", "defect", "unstored"};

const char *ingress_outcome_name(ingress_outcome o) {
    return outcome_names[o];
}

/* --- what outlives a change ------------------------------------------------------------------------- */

static endpoint_state *state_new(void) {
    endpoint_state *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    if (RAND_bytes((unsigned char *)s->secret, sizeof s->secret) != 1) {
        free(s);
        return NULL;
    }
    atomic_store(&s->refs, 1);
    return s;
}

endpoint_state *endpoint_state_ref(endpoint_state *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void endpoint_state_unref(endpoint_state *s) {
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
        return;
    free(atomic_load(&s->senders));
    free(s);
}

static bool take_state(endpoint *p, const webhook_item *before) {
    p->state = before != NULL ? endpoint_state_ref(endpoint_of(before)->state) : state_new();
    if (p->state == NULL)
        return false;
    if (p->sender_rate.interval_ns > 0 && atomic_load(&p->state->senders) == NULL)
        atomic_store(&p->state->senders, calloc(ENDPOINT_SENDERS, sizeof(gcra)));
    return p->sender_rate.interval_ns == 0 || atomic_load(&p->state->senders) != NULL;
}

/* --- values ----------------------------------------------------------------------------------------- */

typedef struct reading {
    arena *a;
    const conf_file *f;
    const conf_section *s; /* [endpoint] */
    err *e;
} reading;

static const conf_entry *entry(const reading *r, const char *key) {
    return conf_find(r->s, str_from(key));
}

/* A copy; absent where there is no such key. */
static bool text(const reading *r, const char *key, bb_str *out) {
    const conf_entry *found = entry(r, key);
    bb_str value = {NULL, 0};
    *out = value;
    if (found == NULL)
        return true;
    if (!conf_expand(r->a, r->f, found, &value, NULL, r->e))
        return false;
    *out = arena_copy(r->a, value);
    return out->ptr != NULL;
}

static bool rate(const reading *r, const char *key, gcra_policy *out) {
    bb_str value;
    if (!text(r, key, &value))
        return false;
    return value.ptr == NULL || rate_read(value, 0, out) ||
           conf_fail(r->e, r->f, entry(r, key)->line, "%s is \"100/s\", \"600/m\" or \"1000/h\"", key);
}

static bool ranges(const reading *r, const char *key, http_ranges *out) {
    bb_str value;
    err why = {""};
    if (!text(r, key, &value))
        return false;
    if (value.ptr == NULL || http_ranges_read(r->a, value, out, &why))
        return true;
    return conf_fail(r->e, r->f, entry(r, key)->line, "%s: %s", key, why.text);
}

/* A list that has come out empty is no leave for everybody. */
static bool allowed(const reading *r, http_ranges *out) {
    return ranges(r, "allow", out) &&
           (entry(r, "allow") == NULL || out->count > 0 ||
            conf_fail(r->e, r->f, entry(r, "allow")->line,
                      "allow is empty, and would have everybody send: name addresses or ranges, or leave it "
                      "out where everybody may"));
}

static bool types(const reading *r, patterns *out) {
    bb_str value;
    return text(r, "types", &value) && (value.ptr == NULL || patterns_read(r->a, value, out));
}

static bool headers(const reading *r, endpoint *p) {
    patterns list = {0};
    bb_str value;
    if (!text(r, "headers", &value))
        return false;
    if (value.ptr != NULL && !patterns_read(r->a, value, &list))
        return false;
    p->headers = list.items;
    p->header_count = list.count;
    for (size_t i = 0; i < list.count; i++)
        if (!url_token_ok(list.items[i]))
            return conf_fail(r->e, r->f, entry(r, "headers")->line,
                             "headers: \"%.*s\" is no header field's name: names have commas between",
                             (int)(list.items[i].len < 80 ? list.items[i].len : 80), list.items[i].ptr);
    return list.count <= HEADERS_MAX ||
           conf_fail(r->e, r->f, entry(r, "headers")->line, "headers: at most %u are kept", HEADERS_MAX);
}

static bool payload(const reading *r, endpoint *p) {
    bb_str value;
    err why = {""};
    if (!text(r, "schema", &value))
        return false;
    if (value.ptr == NULL)
        return true;
    p->payload = schema_compile(value, STR(""), NULL, &why);
    return p->payload != NULL ||
           conf_fail(r->e, r->f, entry(r, "schema")->line, "schema is a JSON Schema: %s", why.text);
}

static bool read_limits(const reading *r, endpoint *p) {
    return conf_duration_ms(r->a, r->f, entry(r, "tolerance"), 0, DAY_MS, 300000, &p->tolerance_ms, r->e) &&
           conf_duration_ms(r->a, r->f, entry(r, "dedup"), 0, 366 * DAY_MS, 3 * DAY_MS, &p->dedup_ms, r->e) &&
           conf_size(r->a, r->f, entry(r, "max_body"), 1, (uint64_t)1 << 30, 10u << 20, &p->max_body, r->e) &&
           conf_bool(r->a, r->f, entry(r, "paused"), false, &p->paused, r->e) && rate(r, "rate", &p->rate) &&
           rate(r, "sender_rate", &p->sender_rate) && allowed(r, &p->allow) &&
           ranges(r, "proxies", &p->proxies) && types(r, &p->types) && headers(r, p) && payload(r, p) &&
           text(r, "name", &p->name);
}

static bool read_routes(const webhook_reading *wr, const reading *r, endpoint *p) {
    const target **routes = arena_zalloc(r->a, (r->f->count + 1) * sizeof *routes);
    size_t n = 0;
    for (size_t i = 0; routes != NULL && i < r->f->count; i++) {
        if (route_name_of(r->f->sections[i].name).ptr == NULL)
            continue;
        routes[n] = route_read(wr, r->f, &r->f->sections[i], r->a, r->e);
        if (routes[n++] == NULL)
            return false;
    }
    p->item.targets = routes;
    p->item.target_count = n;
    return routes != NULL;
}

/* [endpoint], [verify] and any [route NAME]. */
static bool check_sections(const reading *r) {
    static const char *const known[] = {"endpoint", "verify", "route NAME", NULL};
    for (size_t i = 0; i < r->f->count; i++) {
        bb_str name = r->f->sections[i].name;
        if (str_eq(name, STR("endpoint")) || str_eq(name, STR("verify")) || route_name_of(name).ptr != NULL)
            continue;
        const char *near = str_nearest(name, known);
        return conf_fail(r->e, r->f, r->f->sections[i].line, "unknown section [%.*s]%s%s%s", STR_FMT(name),
                         near != NULL ? "; did you mean [" : " (known: endpoint, verify, route NAME)",
                         near != NULL ? near : "", near != NULL ? "]?" : "");
    }
    return r->s != NULL || conf_fail(r->e, r->f, 1, "an endpoint has a section [endpoint]");
}

/* Not refused: CloudEvents have a type of their own, and the server's limit may be raised yet. */
static const char *note_of(const webhook_reading *wr, const endpoint *p) {
    bool typeless = p->own != NULL && p->field_count > 0 && json_getl(p->fields[0], "type_from") == NULL;
    if (typeless && !patterns_fit(&p->types, STR("")))
        return "only CloudEvents have a type that `types` could take: say with type_from where others have "
               "theirs";
    return wr->max_body > 0 && p->max_body > wr->max_body ? "max_body is over the server's own, which holds "
                                                            "too: raise max_body of [server] in busbar.conf"
                                                          : NULL;
}

/* --- the item --------------------------------------------------------------------------------------- */

static void end(webhook_item *item) {
    endpoint *p = (endpoint *)item;
    for (size_t i = 0; i < p->field_count; i++) {
        for (json_iter it = json_iterate(p->fields[i]); json_next(&it);)
            str_wipe(json_string(it.value));
        str_wipe(p->field_texts[i]);
    }
    schema_free(p->payload);
    endpoint_state_unref(p->state);
}

static webhook_item *read_endpoint(const webhook_reading *wr, const conf_file *f, arena *a,
                                   const webhook_item *before, err *e) {
    endpoint *p = arena_zalloc(a, sizeof *p);
    const reading r = {.a = a, .f = f, .s = conf_find_section(f, STR("endpoint")), .e = e};
    if (p != NULL && check_sections(&r) && endpoint_read_scheme(wr, f, a, p, e) && read_limits(&r, p) &&
        read_routes(wr, &r, p) && take_state(p, before)) {
        p->note = note_of(wr, p);
        return &p->item;
    }
    if (p != NULL)
        end(&p->item);
    return NULL;
}

static bool is_secret(const webhook_item *item, bb_str section, bb_str key) {
    return endpoint_is_secret(endpoint_of(item), section, key);
}

static const char *const sections[] = {"verify", NULL};
static const char *const lines[] = {"secret", "password", "schema", NULL};
const webhook_reader endpoint_reader = {.section = "endpoint",
                                        .sections = sections,
                                        .lines = lines,
                                        .is_secret = is_secret,
                                        .read = read_endpoint,
                                        .end = end};

const char *endpoint_unready(const endpoint *p) {
    return webhook_item_gone(&p->item)
               ? "a secret that it was read with is gone: requests cannot be verified, "
                 "and all are refused"
               : p->unready;
}

const endpoint *endpoint_find(const webhook_set *s, bb_str id) {
    const webhook_entry *found = webhook_find(s, WEBHOOK_ENDPOINT, id);
    return found != NULL && found->item != NULL ? endpoint_of(found->item) : NULL;
}
