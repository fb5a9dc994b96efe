/* tls.c - HTTPS: certificate and key are read at the start and again at each reload, so that one that has
 * been renewed is in force without an end of the hub, or of a connection. */
#include "hub/internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <time.h>

static void say_end(const tls_context *t, const tls_files *files) {
    char date[32] = "";
    struct tm parts;
    time_t end = (time_t)tls_context_not_after(t);
    if (gmtime_r(&end, &parts) != NULL)
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts);
    if ((uint64_t)end * 1000 < clock_wall_ms())
        log_warn("tls_certificate: %s has expired (%s): clients refuse it; renew it and reload",
                 files->certificate, date);
    else
        log_info("TLS with %s, which is good until %s", files->certificate, date);
}

/* NULL: *e. */
static tls_context *read_context(const hub *h, arena *a, tls_files *files, err *e) {
    if (!hub_settings_tls(a, h->settings.conf_dir, files, e))
        return NULL;
    if (files->certificate == NULL || files->key == NULL) {
        err_set(e, "busbar.conf names no tls_certificate and tls_key any more: a restart ends TLS");
        return NULL;
    }
    return tls_context_new(files, e);
}

bool hub_tls_open(hub *h, err *e) {
    if (h->settings.tls_listen == NULL)
        return true;
    h->tls = tls_context_new(&h->settings.tls, e);
    if (h->tls != NULL)
        say_end(h->tls, &h->settings.tls);
    return h->tls != NULL;
}

/* --- a renewed one -------------------------------------------------------------------------------------- */

typedef struct handover {
    hub_loop *to;
    tls_context *context; /* with a reference */
} handover;

/* On the loop. */
static void take_context(loop *l, void *arg) {
    (void)l;
    handover *o = arg;
    if (!o->to->closing)
        http_server_set_tls(o->to->server, o->context);
    tls_context_unref(o->context);
    free(o);
}

static void hand_over(hub *h, hub_loop *to) {
    handover *o = malloc(sizeof *o);
    if (o != NULL)
        *o = (handover){.to = to, .context = tls_context_ref(h->tls)};
    if (o != NULL && loop_post(to->loop, take_context, o))
        return;
    if (o != NULL)
        tls_context_unref(o->context);
    free(o);
    log_error("no memory to hand the new certificate to loop %u: it keeps the old one", to->worker.number);
}

void hub_settings_note(report *told, const err *why) {
    bb_str before = told->settings_error;
    told->settings_error = before.ptr != NULL
                               ? arena_printf(told->memory, "%.*s; %s", STR_FMT(before), why->text)
                               : arena_copy(told->memory, str_from(why->text));
}

void hub_tls_reload(hub *h, report *told) {
    tls_files files;
    err why = {""};
    arena *a = arena_new(0);
    if (h->tls == NULL || h->loop_count == 0 || a == NULL) { /* the start has just read it */
        arena_free(a);
        return;
    }
    tls_context *next = read_context(h, a, &files, &why);
    if (next == NULL) {
        err_prefix(&why, "TLS goes on as it was: ");
        hub_settings_note(told, &why);
    } else {
        if (tls_context_not_after(next) != tls_context_not_after(h->tls))
            say_end(next, &files);
        tls_context_unref(h->tls);
        h->tls = next;
        atomic_store(&h->shared.tls_not_after, tls_context_not_after(next));
        for (unsigned i = 0; i < h->loop_count; i++)
            hand_over(h, &h->loops[i]);
    }
    arena_free(a);
}

bool hub_tls_check(const hub *h, err *e) {
    tls_files files;
    arena *a = h->tls != NULL ? arena_new(0) : NULL;
    if (a == NULL)
        return true;
    tls_context *next = read_context(h, a, &files, e);
    bool ok = next != NULL || err_prefix(e, "TLS goes on as it is: ");
    tls_context_unref(next);
    arena_free(a);
    return ok;
}

void hub_tls_close(hub *h) {
    tls_context_unref(h->tls);
    h->tls = NULL;
}
