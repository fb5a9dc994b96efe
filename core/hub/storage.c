/* storage.c - the store, the secrets in it, and ${secret:NAME} in conf files. */
#include "hub/internal.h"

#include "base/log.h"
#include "base/sanitized.h"
#include "conf/conf.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Keys are in memory: no core dump, and no ptrace by others of the same user. Not where a sanitizer looks for
 * leaks, which takes ptrace. A file that may not grow (RLIMIT_FSIZE) is an error of the write, not the end of
 * the process. */
static void protect(void) {
    const struct rlimit none = {0, 0};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_CORE, &none);
#if !SANITIZED
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/* For conf_secret_resolver. */
static bool get_secret(void *ctx, arena *a, bb_str name, bb_str *value, bool *gone, err *e) {
    store_result r = secrets_get(ctx, a, name, value, e);
    *gone = r == STORE_NOT_FOUND;
    return r == STORE_OK;
}

static bool open_both(const char *file, const char *master, const char *state, bool read_only, store **s,
                      secrets **v, err *e) {
    const secrets_options options = {.master_key_file = master, .state_dir = state, .read_only = read_only};
    protect();
    bool none = read_only && access(file, F_OK) != 0; /* nothing is made to be read */
    *s = none ? NULL : read_only ? store_open_read_only(file, e) : store_open(file, e);
    if (*s == NULL && !none)
        return false;
    *v = secrets_open(*s, &options, e);
    conf_secret_resolver(*v != NULL ? get_secret : NULL, *v);
    return *v != NULL;
}

static void close_both(store **s, secrets **v) {
    conf_secret_resolver(NULL, NULL);
    secrets_close(*v);
    store_close(*s);
    *v = NULL;
    *s = NULL;
}

static bool open_events(hub *h, err *e) {
    const hub_settings *t = &h->settings;
    h->webhooks.events = t->offline ? NULL : events_open(t->events_file, e);
    return h->webhooks.events != NULL || t->offline;
}

bool hub_storage_open(hub *h, err *e) {
    const hub_settings *t = &h->settings;
    return open_both(t->store_file, t->master_key_file, t->state_dir, t->offline, &h->store, &h->secrets,
                     e) &&
           open_events(h, e);
}

void hub_storage_close(hub *h) {
    store_close(h->webhooks.events);
    h->webhooks.events = NULL;
    close_both(&h->store, &h->secrets);
}

/* --- the child that plans ---------------------------------------------------------------------------- */

static store *plan_store;
static secrets *plan_secrets;

bool hub_storage_of_plan(const registry_options *o, err *e) {
    return open_both(o->store_file, o->master_key_file, o->state_dir, true, &plan_store, &plan_secrets, e);
}

void hub_storage_of_plan_end(void) {
    close_both(&plan_store, &plan_secrets);
}
