#include "check/world.h"

#include "check/internal.h"

#include <dirent.h>
#include <locale.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Given by the sanitizers' allocators, whose mallinfo says nothing. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t entries_of(const char *folder) {
    DIR *d = opendir(folder);
    size_t n = 0;
    while (d != NULL && readdir(d) != NULL)
        n++;
    if (d != NULL)
        closedir(d);
    return n;
}

size_t world_descriptors(void) {
    return entries_of("/proc/self/fd");
}

size_t world_threads(void) {
    return entries_of("/proc/self/task");
}

size_t world_memory(void) {
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static uint64_t environment(void) {
    uint64_t h = 0;
    for (char **e = environ; e != NULL && *e != NULL; e++)
        h = h * 31 + str_hash(str_from(*e));
    return h;
}

void world_look(world *w) {
    memset(w, 0, sizeof *w);
    for (int i = 1; i < 65; i++)
        sigaction(i, NULL, &w->signals[i]);
    pthread_sigmask(SIG_BLOCK, NULL, &w->mask);
    w->environment = environment();
    if (getcwd(w->folder, sizeof w->folder) == NULL)
        w->folder[0] = '\0';
    const char *locale = setlocale(LC_ALL, NULL);
    strncpy(w->locale, locale != NULL ? locale : "", sizeof w->locale - 1);
    w->umask_ = umask(077);
    umask(w->umask_);
    w->descriptors = world_descriptors();
    w->threads = world_threads();
    siginfo_t info;
    w->children = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void compare_signals(const world *a, const world *b, const char *who) {
    for (int i = 1; i < 65; i++)
        if (a->signals[i].sa_handler != b->signals[i].sa_handler ||
            a->signals[i].sa_flags != b->signals[i].sa_flags)
            wrong("%s changes the handler of signal %d, which is the hub's: drop it", who, i);
    for (int i = 1; i < 65; i++)
        if (sigismember(&a->mask, i) != sigismember(&b->mask, i))
            wrong("%s changes the signal mask (signal %d): put it back", who, i);
}

void world_compare(const world *a, const char *who) {
    world now;
    world_look(&now);
    compare_signals(a, &now, who);
    if (a->environment != now.environment)
        wrong("%s changes the environment, which all connectors share: take settings instead", who);
    if (strcmp(a->folder, now.folder) != 0)
        wrong("%s changes the working directory of the whole hub: use absolute paths", who);
    if (strcmp(a->locale, now.locale) != 0)
        wrong("%s changes the locale of the whole hub: use newlocale and uselocale, and put it back", who);
    if (a->umask_ != now.umask_)
        wrong("%s changes the umask of the whole hub: give open the mode it needs", who);
    if (now.descriptors > a->descriptors)
        wrong("%s leaves %zu descriptors open: close them", who, now.descriptors - a->descriptors);
    if (now.children && !a->children)
        wrong("%s starts processes and leaves them behind: a hub of many threads cannot be forked safely; "
              "drop it",
              who);
    if (now.threads > a->threads)
        wrong("%s leaves %zu threads running: join them in destroy, or do without", who,
              now.threads - a->threads);
}
