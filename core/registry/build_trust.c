/* build_trust.c - builds are judged at each reload: the file that is there, and what of it runs already. A
 * key that is taken away, or a pin, so ends what it let in. */
#include "registry/build.h"

bool build_judge(const build *b, build_plugin *p) {
    bb_str text;
    return trust_read_signature(b->a, p->file, &text, &p->error) &&
           trust_judge(b->r->policy, p->id, p->staged.sha256, p->staged.size, text, &p->trust, &p->error);
}

bool build_may_go_on(const build *b, const plugin_module *m, err *e) {
    trust now;
    return m->trust == NULL ||
           trust_judge(b->r->policy, m->id, m->sha256, m->trust->size, m->trust->text, &now, e);
}

/* A module's memory is only added to when its signature is another one: an admin who signs a build again. */
void build_keep_trust(const build_plugin *p, plugin_module *m) {
    if (m->trust != NULL && str_eq(m->trust->text, p->trust.text) &&
        (m->trust->text.ptr != NULL) == (p->trust.text.ptr != NULL))
        return;
    trust *t = trust_copy(m->memory, &p->trust);
    if (t != NULL)
        m->trust = t;
}

/* Judged anew where an older build goes on: its signer may be called otherwise by now. */
static const trust *trust_of(const build *b, const build_plugin *p, trust *now) {
    if (p->module == NULL || strcmp(p->module->sha256, p->staged.sha256) == 0)
        return p->staged.sha256[0] != '\0' ? &p->trust : NULL;
    if (p->module->trust == NULL)
        return NULL;
    trust_judge(b->r->policy, p->id, p->module->sha256, p->module->trust->size, p->module->trust->text, now,
                NULL);
    return now;
}

void build_put_trust(const build *b, const build_plugin *p, arena *a, snapshot_plugin *to) {
    trust now;
    const trust *t = trust_of(b, p, &now);
    const quarantine_entry *held = quarantine_find(b->r->quarantine, p->staged.sha256);
    memcpy(to->found, p->staged.sha256, sizeof to->found);
    to->trust = t != NULL ? trust_copy(a, t) : NULL;
    quarantine_entry *copy = held != NULL ? arena_alloc(a, sizeof *copy) : NULL;
    if (copy == NULL)
        return;
    *copy = *held;
    copy->plugin = copy->version = "";
    copy->reason = arena_strdup(a, str_from(held->reason));
    to->quarantine = copy->reason != NULL ? copy : NULL;
}
