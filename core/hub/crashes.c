/* crashes.c - what the last run left when it died, and what this one is to leave: STATE/crash-report, empty
 * as long as all is well. A build that took the hub down goes into quarantine before anything is loaded, so
 * that a hub which is restarted again and again does not crash again and again. */
#include "hub/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "plugin/crash.h"
#include "plugin/host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPORT_MAX_BYTES 65536u
#define REPORTS_KEPT 20

/* --- the reports kept --------------------------------------------------------------------------------------
 */

static int is_report(const struct dirent *d) {
    return str_ends(str_from(d->d_name), STR(".txt"));
}

/* Their names are times: the oldest come first. */
static void keep_newest(const char *folder) {
    struct dirent **names = NULL;
    int n = scandir(folder, &names, is_report, alphasort), fd = open(folder, O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < n; i++) {
        if (fd >= 0 && i < n - REPORTS_KEPT)
            unlinkat(fd, names[i]->d_name, 0);
        free(names[i]);
    }
    free(names);
    if (fd >= 0)
        close(fd);
}

/* Where it is now; NULL: it could not be moved. */
static const char *keep(hub *h, const char *from, uint64_t at_ms) {
    char time[CLOCK_RFC3339_SIZE];
    clock_rfc3339(at_ms, time);
    const char *folder = arena_printf(h->memory, "%s/crashes", h->settings.state_dir).ptr;
    const char *to = arena_printf(h->memory, "%s/%s.txt", folder, time).ptr;
    bool ok = (mkdir(folder, 0700) == 0 || errno == EEXIST) && rename(from, to) == 0;
    if (!ok)
        log_error("%s: cannot be made of %s: %s", to, from, strerror(errno));
    else
        keep_newest(folder);
    return ok ? to : NULL;
}

/* --- the last run's
 * ------------------------------------------------------------------------------------------ */

static void quarantine_it(hub *h, const crash_report *r, const char *sentence) {
    quarantine_entry entry = {.action = h->policy->on_crash,
                              .plugin = r->plugin,
                              .version = r->version != NULL ? r->version : "",
                              .reason = sentence,
                              .at_ms = r->at_ms};
    memcpy(entry.sha256, r->sha256, sizeof entry.sha256);
    hub_blame(h, &entry, "crash");
}

static void take(hub *h, const char *path, bb_str text) {
    crash_report r;
    bool whole = crash_read(h->memory, text, &r);
    const char *sentence = whole ? crash_sentence(h->memory, &r).ptr : "the hub crashed; its report is cut";
    if (r.at_ms == 0)
        r.at_ms = clock_wall_ms();
    if (r.within && !r.sent && r.sha256[0] != '\0' && r.plugin != NULL)
        quarantine_it(h, &r, sentence); /* first: should the hub end here, the report is read again */
    const char *kept = keep(h, path, r.at_ms);
    log_error("in the last run %s%s; the report is %s", sentence,
              r.sent ? ", by a signal that another process sent" : "", kept != NULL ? kept : path);
}

static void look(hub *h, const char *path) {
    char *text = malloc(REPORT_MAX_BYTES);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 && text != NULL ? read(fd, text, REPORT_MAX_BYTES) : 0;
    if (fd >= 0)
        close(fd);
    if (n > 0)
        take(h, path, str_of(text, (size_t)n));
    free(text);
}

/* --- this run's
 * ---------------------------------------------------------------------------------------------- */

static const char *path_of(hub *h) {
    return arena_printf(h->memory, "%s/crash-report", h->settings.state_dir).ptr;
}

bool hub_crashes_open(hub *h, err *e) {
    const char *path = path_of(h);
    if (h->settings.offline) /* the state folder is another hub's: only the line on standard error */
        return crash_install(-1, "", host_get()->version, e);
    if (path == NULL)
        return err_set(e, "no memory");
    look(h, path);
    h->crash_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (h->crash_fd < 0)
        return err_set(e, "%s: cannot be written: %s", path, strerror(errno));
    return crash_install(h->crash_fd, path, host_get()->version, e);
}

void hub_crashes_close(hub *h) {
    crash_remove();
    if (h->crash_fd < 0)
        return;
    close(h->crash_fd);
    h->crash_fd = -1;
    const char *path = path_of(h);
    if (path != NULL)
        unlink(path); /* empty: the run has ended well */
}
