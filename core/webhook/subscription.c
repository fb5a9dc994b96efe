/* subscription.c - NAME.subscription.conf, read. */
#include "webhook/subscription.h"

static const char *const sections[] = {"subscription", NULL};
static const char *const lines[] = {"secret", "secret_2", "secret_3", "secret_4", "headers", NULL};

/* Header fields are where tokens are put. */
static bool is_secret(const webhook_item *item, bb_str section, bb_str key) {
    (void)item;
    (void)section;
    return str_starts(key, STR("secret")) || str_eq(key, STR("headers"));
}

static bool read_all(const webhook_reading *r, const conf_file *f, arena *a, subscription *out, err *e) {
    const conf_section *s = conf_find_section(f, STR("subscription"));
    if (!conf_check_sections(f, sections, e))
        return false;
    if (s == NULL)
        return err_set(e, "%s: there is no [subscription]", f->path);
    target *t = &out->plan.target;
    t->name = arena_printf(a, "subscription/%.*s", STR_FMT(f->id));
    t->loop = target_loop(t->name, r->loops);
    const conf_entry *name = conf_find(s, STR("name")), *owner = conf_find(s, STR("owner"));
    out->title = name != NULL ? arena_copy(a, name->value) : (bb_str){NULL, 0};
    out->owner = owner != NULL ? arena_copy(a, owner->value) : (bb_str){NULL, 0};
    return t->name.ptr != NULL && plan_read(a, r, f, s, false, &out->plan, e);
}

static webhook_item *read_subscription(const webhook_reading *r, const conf_file *f, arena *memory,
                                       const webhook_item *before, err *e) {
    (void)before; /* what is known of its receiver is kept by the dispatcher and the queue */
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

static const char *const no_sections[] = {NULL};

const webhook_reader subscription_reader = {.section = "subscription",
                                            .sections = no_sections,
                                            .lines = lines,
                                            .is_secret = is_secret,
                                            .read = read_subscription,
                                            .end = end_subscription};
