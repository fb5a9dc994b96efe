/* policy.c - which connectors may run, as busbar.conf says. An admin who takes a key away expects that a
 * reload heeds it: so these sections, alone of that file, are read again at each. */
#include "hub/internal.h"

#include "base/log.h"

static bool read_policy(hub *h, arena **memory, plugin_policy **out, err *e) {
    *memory = arena_new(0);
    *out = *memory != NULL ? arena_zalloc(*memory, sizeof **out) : NULL;
    if (*out == NULL)
        err_set(e, "no memory");
    else if (hub_settings_policy(*memory, h->settings.conf_dir, *out, e))
        return true;
    arena_free(*memory);
    return false;
}

bool hub_policy_open(hub *h, err *e) {
    if (read_policy(h, &h->policy_memory, &h->policy, e))
        return true;
    h->policy_memory = NULL;
    return false;
}

void hub_policy_reload(hub *h) {
    arena *memory;
    plugin_policy *next;
    h->policy_error.text[0] = '\0';
    if (!read_policy(h, &memory, &next, &h->policy_error)) {
        err_prefix(&h->policy_error, "which connectors may run stays as it was: ");
        registry_set_policy(h->registry, h->policy, h->policy_error.text);
        return;
    }
    registry_set_policy(h->registry, next, NULL);
    arena_free(h->policy_memory);
    h->policy_memory = memory;
    h->policy = next;
}

bb_str hub_policy_plan(hub *h, arena *a, err *e) {
    arena *memory;
    plugin_policy *next;
    err why = {""};
    bool ok = read_policy(h, &memory, &next, &why);
    if (!ok)
        err_prefix(&why, "which connectors may run stays as it is: ");
    bool fine = ok && hub_tls_check(h, &why) && hub_settings_check(h, &why);
    registry_set_policy(h->registry, ok ? next : h->policy, fine ? NULL : why.text);
    bb_str text = registry_plan(h->registry, a, e);
    registry_set_policy(h->registry, h->policy,
                        h->policy_error.text[0] != '\0' ? h->policy_error.text : NULL);
    if (ok)
        arena_free(memory);
    return text;
}

void hub_policy_close(hub *h) {
    arena_free(h->policy_memory);
}
