/* blame.c - a build of a connector goes into quarantine for what it did to the hub. */
#include "hub/internal.h"

#include "base/log.h"

#include <stdio.h>

void hub_blame(hub *h, const quarantine_entry *entry, const char *actor) {
    err e = {""};
    bool off = entry->action == QUARANTINE_OFF;
    log_error(
        "connector %s%s%s (build %.12s) is put into quarantine, %s: %s; `busbar plugin allow %.12s` lifts it",
        entry->plugin, entry->version[0] != '\0' ? " " : "", entry->version, entry->sha256,
        off ? "it is not run any more" : "from its next load on it runs in a process of its own",
        entry->reason, entry->sha256);
    if (!quarantine_put(h->quarantine, entry, &e))
        log_error("the quarantine holds for this run only: %s", e.text);
    char detail[1200];
    snprintf(detail, sizeof detail, "%s %s %s: %s", entry->plugin, entry->sha256, off ? "off" : "isolate",
             entry->reason);
    hub_audit_system(h, actor, "plugin.quarantine", str_from(detail));
}
