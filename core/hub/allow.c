/* allow.c - a build let out of quarantine while no hub runs: one that crashes the hub at its start is lifted
 * so, or none could be. */
#include "hub/internal.h"

#include "plugin/host.h"

#include <stdlib.h>

static bool allow(hub *h, const hub_options *options, const char *hash, char gone[65], bool *busy, err *e) {
    if (!hub_settings_read(h->memory, options, &h->settings, e))
        return false;
    *busy = hub_state_busy(h->settings.state_dir);
    if (*busy)
        return err_set(e, "%s: a hub uses this state folder", h->settings.state_dir);
    if (!hub_state_open(h, false, e) || !hub_storage_open(h, e))
        return false;
    h->quarantine = quarantine_open(h->settings.state_dir, e);
    if (h->quarantine == NULL || !quarantine_allow(h->quarantine, str_from(hash), gone, e))
        return false;
    hub_audit_system(h, "system", "plugin.allow", str_from(gone));
    store_flush(h->store);
    return true;
}

bool hub_allow(const hub_options *options, const char *hash, char gone[65], bool *busy, err *e) {
    hub *h = calloc(1, sizeof *h);
    bool ok = h != NULL && (h->memory = arena_new(0)) != NULL;
    gone[0] = '\0';
    *busy = false;
    if (!ok) {
        free(h);
        return err_set(e, "no memory");
    }
    host_init(BUSBAR_VERSION);
    h->lock_fd = -1;
    ok = allow(h, options, hash, gone, busy, e);
    quarantine_close(h->quarantine);
    hub_storage_close(h);
    alerts_free(h->settings.alerts);
    hub_state_close(h);
    arena_free(h->memory);
    free(h);
    return ok;
}
