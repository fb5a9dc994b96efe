/* render.c - the processes in the text format of metrics. */
#include "isolate/supervisor.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

typedef struct seen {
    bool up, off, released;
    uint64_t restarts, steps, cpu_ms, rss;
} seen;

/* CPU time and resident memory by /proc/PID/stat, whose second field may hold anything between parentheses.
 */
static void look_at(int pid, seen *out) {
    char path[48], text[1024];
    unsigned long user = 0, system = 0;
    long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *rest = strrchr(text, ')');
    if (rest == NULL ||
        sscanf(rest,
               ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d "
               "%*u %*u %ld",
               &user, &system, &pages) != 3)
        return;
    out->cpu_ms += (user + system) * 1000u / (uint64_t)sysconf(_SC_CLK_TCK);
    out->rss = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* While its lock is held no other process can have its id: it has not been waited for, or has no id here. */
static seen look(isolated *i) {
    seen s = {0};
    pthread_mutex_lock(&i->lock);
    s.up = i->state == ISOLATE_RUNNING;
    s.off = i->state == ISOLATE_IS_OFF;
    s.released = i->released;
    s.restarts = i->restarts;
    s.cpu_ms = i->cpu_ms_before;
    if (i->pid > 0)
        look_at(i->pid, &s);
    pthread_mutex_unlock(&i->lock);
    for (unsigned n = 0; n < i->loops; n++)
        s.steps += atomic_load_explicit(&i->sides[n].round_trips, memory_order_relaxed);
    return s;
}

static void series(buf *out, const isolated *i, const char *name, double value) {
    buf_printf(out, "busbar_isolated_%s{connection=\"%s\",plugin=\"%s\"} %.15g\n", name, i->connection,
               i->plugin, value);
}

static const struct {
    const char *name, *type, *help;
} families[] = {
    {"up", "gauge", "Whether the connector's process is ready"},
    {"off", "gauge", "Whether it has ended too often and is not started again"},
    {"restarts_total", "counter", "Times that it has ended and is started again"},
    {"steps_total", "counter", "Steps that it was asked for"},
    {"cpu_seconds_total", "counter", "CPU time of the connection's processes"},
    {"resident_memory_bytes", "gauge", "Resident memory of the process"},
};

static double value_of(const seen *s, size_t family) {
    const double values[] = {
        s->up, s->off, (double)s->restarts, (double)s->steps, (double)s->cpu_ms / 1e3, (double)s->rss};
    return values[family];
}

void isolates_render(isolates *all, buf *out) {
    if (all == NULL)
        return;
    pthread_mutex_lock(&all->lock);
    for (size_t f = 0; all->first != NULL && f < sizeof families / sizeof families[0]; f++) {
        buf_printf(out, "# HELP busbar_isolated_%s %s.\n# TYPE busbar_isolated_%s %s\n", families[f].name,
                   families[f].help, families[f].name, families[f].type);
        for (isolated *i = all->first; i != NULL; i = i->next) {
            seen s = look(i);
            if (!s.released)
                series(out, i, families[f].name, value_of(&s, f));
        }
    }
    pthread_mutex_unlock(&all->lock);
}
