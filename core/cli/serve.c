/* serve.c - `busbar serve` */
#include "cli/cli.h"

#include "base/log.h"
#include "hub/hub.h"

#include <stdio.h>
#include <unistd.h>

/* conf.d/hub.conf, which comes with the project: the hub as its own first connection. */
static bool has_first_connection(const options *o) {
    char path[4096];
    snprintf(path, sizeof path, "%s/hub.conf", o->conf != NULL ? o->conf : "conf.d");
    return access(path, R_OK) == 0;
}

static void print_welcome(const hub *h, const options *o) {
    bool standard = strcmp(hub_url(h), "http://127.0.0.1:8420") == 0;
    char where[600] = "";
    if (!standard)
        snprintf(where, sizeof where, " --url %s", hub_url(h));
    if (o->state != NULL && strcmp(o->state, "var") != 0)
        snprintf(where + strlen(where), sizeof where - strlen(where), " --state %s", o->state);
    printf("busbar " BUSBAR_VERSION " serving on %s\n", hub_url(h));
    if (hub_tls_url(h) != NULL)
        printf("and by TLS on %s\n", hub_tls_url(h));
    printf("admin key: %s\n", hub_key_file(h));
    printf("try next:\n");
    printf("  busbar ls connections%s\n", where);
    printf("  busbar inspect rest%s\n", where);
    if (has_first_connection(o))
        printf("  busbar call hub request path=/livez%s\n", where);
    else
        printf("  busbar call --help\n");
    fflush(stdout);
}

int command_serve(const options *o) {
    log_level level;
    hub_options h = {.conf_dir = o->conf,
                     .state_dir = o->state,
                     .plugins_dir = o->plugins,
                     .listen = o->listen,
                     .loops = o->loops};
    if (o->word_count > 0) {
        complain("serve takes no arguments, only options; `busbar serve --help` lists them");
        return EXIT_USAGE;
    }
    if (o->log_level != NULL && !log_level_from(str_from(o->log_level), &level)) {
        complain("--log-level %s: debug, info, warn, error or off is expected", o->log_level);
        return EXIT_USAGE;
    }
    if (o->log_level != NULL)
        log_set_level(level);
    err e = {""};
    hub *hub_ = hub_start(&h, &e);
    if (hub_ == NULL) {
        complain("%s", e.text);
        return EXIT_FAILED;
    }
    print_welcome(hub_, o);
    hub_run(hub_);
    hub_free(hub_);
    if (hub_left_behind()) {
        fflush(NULL);
        _exit(EXIT_OK);
    }
    return EXIT_OK;
}
