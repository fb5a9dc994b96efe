/* subscription.c - NAME.subscription.conf, read. */
#include "webhook/subscription.h"

/* Values that may be secrets, and are shown to nobody. */
static bool is_secret(bb_str key) {
    return str_starts(key, STR("secret")) || str_eq(key, STR("headers"));
}

/* A URL may carry a token in its query: shown as far as that. */
static bb_str shown(const conf_entry *entry) {
    if (is_secret(entry->key))
        return STR("********");
    const char *query = str_eq(entry->key, STR("url")) ? memchr(entry->value.ptr, '?', entry->value.len)
                                                       : NULL;
    return query != NULL ? str_of(entry->value.ptr, (size_t)(query - entry->value.ptr)) : entry->value;
}

static bb_str write_conf_json(arena *a, const conf_section *s) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    for (size_t i = 0; i < s->count; i++)
        json_member_string(&w, s->entries[i].key, shown(&s->entries[i]));
    json_object_end(&w);
    return json_writer_take(&w, a);
}

static bool read_all(const webhook_reading *r, const conf_file *f, arena *a, subscription *out, err *e) {
    static const char *const sections[] = {"subscription", NULL};
    const conf_section *s = conf_find_section(f, STR("subscription"));
    if (!conf_check_sections(f, sections, e))
        return false;
    if (s == NULL)
        return err_set(e, "%s: there is no [subscription]", f->path);
    target *t = &out->plan.target;
    t->name = arena_printf(a, "subscription/%.*s", STR_FMT(f->id));
    t->loop = target_loop(t->name, r->loops);
    out->conf_json = write_conf_json(a, s);
    const conf_entry *name = conf_find(s, STR("name")), *owner = conf_find(s, STR("owner"));
    out->title = name != NULL ? arena_copy(a, name->value) : (bb_str){NULL, 0};
    out->owner = owner != NULL ? arena_copy(a, owner->value) : (bb_str){NULL, 0};
    return t->name.ptr != NULL && out->conf_json.ptr != NULL && plan_read(a, r, f, s, false, &out->plan, e);
}

static webhook_item *read_subscription(const webhook_reading *r, const conf_file *f, arena *memory,
                                       const webhook_item *before, err *e) {
    (void)before; /* what it knows of its receiver is kept by the dispatcher and the queue */
    subscription *s = arena_zalloc(memory, sizeof *s);
    const target **targets = arena_zalloc(memory, sizeof *targets);
    if (s == NULL || targets == NULL || !read_all(r, f, memory, s, e))
        return NULL;
    targets[0] = &s->plan.target;
    s->item.targets = targets;
    s->item.target_count = 1;
    return &s->item;
}

static void end_subscription(webhook_item *item) {
    plan_end(&((subscription *)(void *)item)->plan);
}

const webhook_reader subscription_reader = {
    .suffix = CONF_SUBSCRIPTION, .name = "subscription", .read = read_subscription, .end = end_subscription};
