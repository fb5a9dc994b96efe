/* subscriptions.c - who asked for events: listed, made, changed, tried. */
#include "webhook/subscription.h" /* before others name a type "call", as the SDK names parameters */

#include "api/targets.h"

static const webhook_entry *find(api *a, http_exchange *x, bb_str id) {
    const webhook_entry *entry = webhook_find(a->webhooks->set, WEBHOOK_SUBSCRIPTION, id);
    if (entry == NULL)
        reply_problemf(x, PROBLEM_NOT_FOUND, "there is no subscription \"%.*s\"", STR_FMT(id));
    return entry;
}

static bb_str target_name(http_exchange *x, bb_str id) {
    return arena_printf(http_exchange_arena(x), "subscription/%.*s", STR_FMT(id));
}

/* --- what there is
 * -------------------------------------------------------------------------------------------- */

/* The object is left open. */
static void write_entry(json_writer *w, const api *a, arena *memory, const webhook_entry *entry) {
    json_object(w);
    json_member_string(w, STR("id"), entry->id);
    json_member_string(w, STR("file"), str_from(entry->file));
    if (entry->item == NULL)
        json_member_string(w, STR("status"), STR("refused"));
    if (entry->error.ptr != NULL)
        json_member_string(w, STR("error"), entry->error);
    if (entry->item == NULL)
        return;
    const subscription *s = subscription_of(entry->item);
    json_member_string(w, STR("name"), s->title.ptr != NULL ? s->title : entry->id);
    if (s->owner.ptr != NULL)
        json_member_string(w, STR("owner"), s->owner);
    write_target(w, a, memory, &s->plan.target);
}

void route_subscriptions(api *a, http_exchange *x, const route_params *p) {
    (void)p;
    const webhook_list *list = &a->webhooks->set->lists[WEBHOOK_SUBSCRIPTION];
    if (!query_none(x))
        return;
    buf body;
    json_writer w = reply_list_begin(&body, "subscriptions");
    for (size_t i = 0; i < list->count; i++) {
        write_entry(&w, a, http_exchange_arena(x), &list->entries[i]);
        json_object_end(&w);
    }
    reply_list_end(x, &w, &body);
}

static void write_public_keys(json_writer *w, const subscription *s) {
    buf keys;
    bb_str rest, line;
    buf_init(&keys);
    if (s->plan.to.keys != NULL)
        signing_public_keys(s->plan.to.keys, &keys);
    json_keyl(w, "public_keys");
    json_array(w);
    for (rest = buf_str(&keys); str_split(&rest, '\n', &line);)
        if (line.len > 0)
            json_put_string_lossy(w, line);
    json_array_end(w);
    buf_free(&keys);
}

void route_subscription(api *a, http_exchange *x, const route_params *p) {
    const webhook_entry *entry = find(a, x, p->part[0]);
    if (entry == NULL)
        return;
    buf body;
    json_writer w = reply_begin(&body);
    write_entry(&w, a, http_exchange_arena(x), entry);
    if (entry->item != NULL) {
        write_public_keys(&w, subscription_of(entry->item));
        json_keyl(&w, "configuration");
        json_put_raw(&w, entry->item->conf_json);
    }
    json_object_end(&w);
    reply_json(x, 200, &body);
}

/* --- making
 * ------------------------------------------------------------------------------------------------------ */

/* null is as good as not there. */
static bool has(const json_value *root, const char *name) {
    const json_value *v = json_get(root, str_from(name));
    return v != NULL && !json_is(v, JSON_NULL);
}

/* What a URL's subscription is signed with where its maker names no secret of its own: told once. */
static bool make_secret(const json_value *root, buf *out, err *e) {
    static const char *const secrets[] = {"secret", "secret_2", "secret_3", "secret_4"};
    bool any = false;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        any = any || has(root, secrets[i]);
    return !has(root, "url") || any || signing_generate(out, e);
}

/* The body, with the secret. */
static bb_str whole_body(arena *memory, const json_value *root, bb_str secret) {
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    json_object(&w);
    for (json_iter it = json_iterate(root); json_next(&it);)
        if (!str_eq(it.key, STR("owner")) && /* its maker's: the main thread puts it in */
            !(secret.len > 0 && str_eq(it.key, STR("secret")))) {
            json_key(&w, it.key);
            json_put_value(&w, it.value);
        }
    if (secret.len > 0)
        json_member_string(&w, STR("secret"), secret);
    json_object_end(&w);
    bb_str text = json_writer_take(&w, memory);
    return text;
}

static void create(api *a, http_exchange *x, const route_params *p, const json_value *root) {
    buf secret;
    err e = {""};
    buf_init(&secret);
    api_job *job = api_job_new(a, x, p->who, JOB_WEBHOOK_CREATE, p->part[0]);
    bool ok = job != NULL && make_secret(root, &secret, &e);
    if (ok) {
        job->webhook_kind = WEBHOOK_SUBSCRIPTION;
        job->body = whole_body(job->memory, root, buf_str(&secret));
        job->secret = secret.len > 0 ? arena_copy(job->memory, buf_str(&secret)) : job->secret;
    }
    buf_wipe(&secret);
    if (ok || job == NULL) {
        api_job_submit(a, x, job);
        return;
    }
    api_job_free(job);
    reply_problem(x, PROBLEM_OVERLOADED, str_from(e.text));
}

void route_subscription_create(api *a, http_exchange *x, const route_params *p) {
    const json_value *root = json_read(http_exchange_arena(x), http_exchange_request(x)->body, NULL, NULL);
    if (!json_is(root, JSON_OBJECT))
        reply_problem(x, PROBLEM_INVALID_JSON,
                      STR("the body is an object: {\"id\", \"url\", \"types\", ...}"));
    else
        create(a, x, p, root);
}

/* One that is not there is made, and counts for the key. */
void route_subscription_replace(api *a, http_exchange *x, const route_params *p) {
    webhook_submit(a, x, p, JOB_WEBHOOK_REPLACE, WEBHOOK_SUBSCRIPTION, (bb_str){NULL, 0});
}

void route_subscription_merge(api *a, http_exchange *x, const route_params *p) {
    webhook_submit(a, x, p, JOB_WEBHOOK_MERGE, WEBHOOK_SUBSCRIPTION, (bb_str){NULL, 0});
}

void route_subscription_delete(api *a, http_exchange *x, const route_params *p) {
    webhook_submit(a, x, p, JOB_WEBHOOK_DELETE, WEBHOOK_SUBSCRIPTION, (bb_str){NULL, 0});
}

/* Of each kind that it signs with, one a line. */
static bool make_rotated(const signing_keys *keys, buf *secret, buf *public_key, err *e) {
    bool pair = keys != NULL && signing_has_pair(keys), hmac = !pair || signing_has_hmac(keys);
    if (hmac && !signing_generate(secret, e))
        return false;
    if (hmac && pair)
        buf_char(secret, '\n');
    return !pair || signing_generate_pair(secret, public_key, e);
}

static void submit_rotation(api *a, http_exchange *x, const route_params *p, const signing_keys *keys) {
    buf secret, public_key;
    err e = {""};
    buf_init(&secret);
    buf_init(&public_key);
    api_job *job = api_job_new(a, x, p->who, JOB_WEBHOOK_ROTATE, p->part[0]);
    if (job != NULL && make_rotated(keys, &secret, &public_key, &e)) {
        job->webhook_kind = WEBHOOK_SUBSCRIPTION;
        job->secret = arena_copy(job->memory, buf_str(&secret));
        if (public_key.len > 0)
            job->public_key = arena_copy(job->memory, buf_str(&public_key));
    }
    buf_wipe(&secret);
    buf_free(&public_key);
    if (job == NULL || job->secret.len > 0) {
        api_job_submit(a, x, job);
        return;
    }
    api_job_free(job);
    reply_problem(x, PROBLEM_OVERLOADED, e.text[0] != '\0' ? str_from(e.text) : STR("no memory"));
}

/* A new secret signs beside the one before it, until the next rotation. */
void route_subscription_rotate(api *a, http_exchange *x, const route_params *p) {
    const webhook_entry *entry = find(a, x, p->part[0]);
    if (entry == NULL)
        return;
    const delivery_plan *plan = entry->item != NULL ? &subscription_of(entry->item)->plan : NULL;
    if (plan != NULL && plan->kind != PLAN_URL)
        reply_problem(x, PROBLEM_UNSUPPORTED,
                      STR("only what is posted to a url is signed: this subscription has no secret"));
    else
        submit_rotation(a, x, p, plan != NULL ? plan->to.keys : NULL);
}

/* --- doing
 * -------------------------------------------------------------------------------------------------------- */

void route_subscription_pause(api *a, http_exchange *x, const route_params *p) {
    target_do(a, x, p->who, target_name(x, p->part[0]), DISPATCH_PAUSE);
}

void route_subscription_resume(api *a, http_exchange *x, const route_params *p) {
    target_do(a, x, p->who, target_name(x, p->part[0]), DISPATCH_RESUME);
}

typedef struct trying {
    api *a;
    http_exchange *x;
    const principal *who;
    bb_str id;
    bool enable; /* where the receiver answers well */
} trying;

static void on_tried(const try_result *r, void *ctx) {
    trying *t = ctx;
    if (r->ok && t->enable) {
        target_do(t->a, t->x, t->who, target_name(t->x, t->id), DISPATCH_RESUME);
        return;
    }
    buf body;
    json_writer w = reply_begin(&body);
    json_object(&w);
    json_member_bool(&w, STR("ok"), r->ok);
    json_member_string(&w, STR("outcome"), str_from(r->outcome));
    if (r->status > 0)
        json_member_u64(&w, STR("status"), r->status);
    json_member_u64(&w, STR("duration_ms"), r->duration_ms);
    if (r->text.len > 0)
        json_member_string(&w, STR("text"), r->text);
    json_object_end(&w);
    reply_json(t->x, 200, &body);
}

/* What it is tried with, where the body says so: {"data": ...}. False: the exchange has been answered. */
static bool read_data(http_exchange *x, const subscription *s, bb_str *data) {
    bb_str body = str_trim(http_exchange_request(x)->body);
    const json_value *root = body.len > 0 ? json_read(http_exchange_arena(x), body, NULL, NULL) : NULL;
    *data = json_raw(json_getl(root, "data"));
    if (body.len == 0 || (json_is(root, JSON_OBJECT) && (json_count(root) == 0 || data->ptr != NULL)))
        return data->ptr == NULL || s->plan.kind == PLAN_OPERATION ||
               (reply_problem(x, PROBLEM_INVALID_INPUT,
                              STR("a url is tried with an event of the type busbar.test: no \"data\" here")),
                false);
    reply_problem(x, PROBLEM_INVALID_INPUT,
                  STR("the body is empty, or {\"data\": ...}: the payload that an operation is tried with"));
    return false;
}

static void try_it(api *a, http_exchange *x, const route_params *p, bool enable) {
    const webhook_entry *entry = find(a, x, p->part[0]);
    arena *memory = http_exchange_arena(x);
    bb_str data;
    if (entry == NULL)
        return;
    const subscription *s = entry->item != NULL ? subscription_of(entry->item) : NULL;
    if (s == NULL || s->plan.kind == PLAN_EMIT) {
        reply_problem(x, PROBLEM_UNSUPPORTED,
                      STR("only what posts to a url or calls an operation can be tried: resume enables "
                          "others, and a test event by POST /api/v1/events goes the whole way"));
        return;
    }
    if (!read_data(x, s, &data))
        return;
    trying *t = arena_zalloc(memory, sizeof *t);
    if (t != NULL)
        *t = (trying){a, x, p->who, arena_copy(memory, p->part[0]), enable};
    if (t == NULL || t->id.ptr == NULL || a->webhooks->dispatcher == NULL ||
        !dispatch_try(a->webhooks->dispatcher, entry->item, &s->plan, data, on_tried, t))
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for this, or the hub runs offline"));
}

void route_subscription_test(api *a, http_exchange *x, const route_params *p) {
    try_it(a, x, p, false);
}

void route_subscription_enable(api *a, http_exchange *x, const route_params *p) {
    try_it(a, x, p, true);
}
