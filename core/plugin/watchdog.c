#include "plugin/watchdog.h"

#include "base/clock.h"
#include "base/metric.h"
#include "base/sigtext.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 10000000u
#define IDLE_LOOKS 3u           /* nothing moves for so many: sleep */
#define LOOK_MOST_NS 250000000u /* a look after a longer pause (a stopped process) counts as this */
#define QUIET_NS 10000000000u   /* visits of one connector are told of one by one only so often */
#define MS 1000000u

/* One thread's visit as far as it has been seen. */
typedef struct sight {
    struct sight *next;
    const mark *of;
    uint64_t turn, seen_ns; /* seen_ns: between the first look at it and the last */
    uint64_t delay_ns;      /* of the thread, when the visit was seen for the second time */
    bool within, stuck_told;
    uint64_t blamed_until_ns; /* a visit that kept this thread's loop waiting ended no longer ago */
    watchdog_event event;
} sight;

/* Of one connector, as long as the process lives. */
typedef struct series {
    struct series *next;
    char plugin[65];
    uint64_t count, most_ns, untold, quiet_until_ns;
} series;

struct watchdog {
    watchdog_options options;
    watchdog_pulse *pulses;
    uint64_t *still_told; /* the due time that was told of, by loop */
    unsigned loops;
    sight *sights;
    uint64_t last_ns, turns; /* of the last look */
    pthread_mutex_t lock;    /* guards the series */
    series *series;
    pthread_t thread;
    sem_t wake;
    _Atomic(bool) stop;
    bool running;
};

/* --- how long a thread waited for a processor ---------------------------------------------------------- */

/* Linux, Documentation/scheduler/sched-stats.rst: "time on cpu, time on runqueue (both ns), timeslices". 0
 * where it is not counted. */
static uint64_t run_delay_ns(int thread) {
    char path[64], text[128];
    unsigned long long delay = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return sscanf(text, "%*u %llu", &delay) == 1 ? delay : 0;
}

static uint64_t blocked_ns(const sight *s) {
    uint64_t delay = run_delay_ns(atomic_load(&s->of->thread)) - s->delay_ns;
    return delay < s->seen_ns ? s->seen_ns - delay : 0;
}

/* --- what is told ----------------------------------------------------------------------------------------
 */

static uint64_t waiting_on(const watchdog *w, int loop) {
    return loop >= 0 && w->options.calls_on != NULL ? w->options.calls_on((unsigned)loop) : 0;
}

static series *series_of(watchdog *w, const char *plugin) {
    series *s = w->series;
    while (s != NULL && strcmp(s->plugin, plugin) != 0)
        s = s->next;
    if (s == NULL && (s = calloc(1, sizeof *s)) != NULL) {
        str_put(s->plugin, sizeof s->plugin, str_from(plugin));
        s->next = w->series;
        w->series = s;
    }
    return s;
}

/* True: it is to be told of by itself. */
static bool count(watchdog *w, sight *s, uint64_t ns, uint64_t now_ns) {
    pthread_mutex_lock(&w->lock);
    series *of = series_of(w, s->event.build != NULL ? s->event.build->plugin : "");
    bool tell = of == NULL || now_ns >= of->quiet_until_ns || s->stuck_told;
    if (of != NULL) {
        of->count++;
        of->most_ns = ns > of->most_ns ? ns : of->most_ns;
        s->event.untold = of->untold;
        of->untold = tell ? 0 : of->untold + 1;
        if (tell)
            of->quiet_until_ns = now_ns + QUIET_NS;
    }
    pthread_mutex_unlock(&w->lock);
    return tell;
}

static void tell(const watchdog *w, sight *s, watchdog_kind kind, uint64_t ns) {
    s->event.kind = kind;
    s->event.ms = ns / MS;
    s->event.waiting = waiting_on(w, s->event.loop);
    w->options.tell(&s->event, w->options.ctx);
}

/* --- visits ----------------------------------------------------------------------------------------------
 */

static void copy(char *to, size_t cap, const char *text) {
    str_put(to, cap, str_from(text));
}

/* The texts are copied while the visit lasts: once it is over, a build for tests may unmap them. */
static void begin(sight *s, const mark_visit *v, uint64_t turn) {
    s->within = true;
    s->turn = turn;
    s->seen_ns = 0;
    s->stuck_told = false;
    s->event = (watchdog_event){.loop = atomic_load(&s->of->loop), .build = v->build};
    copy(s->event.connection, sizeof s->event.connection, v->connection);
    copy(s->event.operation, sizeof s->event.operation, v->operation);
    copy(s->event.step, sizeof s->event.step, v->step);
}

static void over(watchdog *w, sight *s, uint64_t now_ns) {
    uint64_t warning_ns = w->options.warning_ms * MS;
    s->within = false;
    if (warning_ns == 0 || s->seen_ns < warning_ns)
        return;
    uint64_t ns = blocked_ns(s);
    s->blamed_until_ns = now_ns + s->seen_ns + 10 * TICK_NS;
    if (ns >= warning_ns && count(w, s, ns, now_ns))
        tell(w, s, WATCHDOG_BLOCKED, ns);
}

static void goes_on(const watchdog *w, sight *s, uint64_t passed_ns, uint64_t now_ns) {
    uint64_t limit_ns = w->options.limit_ms * MS;
    if (s->seen_ns == 0)
        s->delay_ns = run_delay_ns(atomic_load(&s->of->thread));
    s->seen_ns += passed_ns;
    if (w->options.warning_ms > 0 && s->seen_ns >= w->options.warning_ms * MS)
        s->blamed_until_ns = now_ns + s->seen_ns;
    if (s->stuck_told || limit_ns == 0 || s->seen_ns < limit_ns)
        return;
    uint64_t ns = blocked_ns(s);
    if (ns < limit_ns)
        return;
    s->stuck_told = true;
    tell(w, s, WATCHDOG_STUCK, ns);
}

static sight *sight_of(watchdog *w, const mark *m) {
    sight *s = w->sights;
    while (s != NULL && s->of != m)
        s = s->next;
    if (s == NULL && (s = calloc(1, sizeof *s)) != NULL) {
        s->of = m;
        s->next = w->sights;
        w->sights = s;
    }
    return s;
}

static bool look_at(watchdog *w, const mark *m, uint64_t passed_ns, uint64_t now_ns) {
    sight *s = sight_of(w, m);
    mark_visit v;
    if (s == NULL)
        return false;
    uint64_t turn = atomic_load(&m->taken) && !atomic_load(&m->may_block) ? mark_read(m, &v) : 0;
    if (s->within && turn == s->turn) {
        goes_on(w, s, passed_ns, now_ns);
        return true;
    }
    if (s->within)
        over(w, s, now_ns);
    if (turn != 0)
        begin(s, &v, turn);
    return turn != 0;
}

/* --- pulses ----------------------------------------------------------------------------------------------
 */

void watchdog_beat(watchdog_pulse *p, uint64_t now_ns, uint64_t busy_ns) {
    uint64_t due = atomic_load_explicit(&p->due_ns, memory_order_relaxed);
    uint64_t late = due != 0 && now_ns > due ? now_ns - due : 0;
    if (late <= atomic_load_explicit(&p->late_ns, memory_order_relaxed))
        return;
    atomic_store_explicit(&p->late_busy_ns, busy_ns < late ? busy_ns : late, memory_order_relaxed);
    atomic_store_explicit(&p->late_ns, late, memory_order_release);
}

void watchdog_expect(watchdog_pulse *p, uint64_t due_ns) {
    uint64_t before = atomic_exchange_explicit(&p->due_ns, due_ns, memory_order_relaxed);
    if (before == 0 && due_ns != 0 && atomic_load_explicit(&mark_asleep, memory_order_relaxed))
        mark_wake();
}

static const sight *sight_of_loop(const watchdog *w, unsigned loop) {
    const sight *s = w->sights;
    while (s != NULL && atomic_load(&s->of->loop) != (int)loop)
        s = s->next;
    return s;
}

static void tell_of_loop(const watchdog *w, unsigned loop, watchdog_kind kind, uint64_t ns,
                         uint64_t busy_ns) {
    watchdog_event e = {.kind = kind,
                        .loop = (int)loop,
                        .ms = ns / MS,
                        .busy_ms = busy_ns / MS,
                        .waiting = waiting_on(w, (int)loop)};
    w->options.tell(&e, w->options.ctx);
}

/* True: the loop is at work. */
static bool look_at_pulse(watchdog *w, unsigned loop, uint64_t now_ns) {
    watchdog_pulse *p = &w->pulses[loop];
    const sight *s = sight_of_loop(w, loop);
    bool blamed = s != NULL && (s->within || now_ns < s->blamed_until_ns);
    uint64_t due = atomic_load_explicit(&p->due_ns, memory_order_relaxed),
             warning_ns = w->options.warning_ms * MS, limit_ns = w->options.limit_ms * MS;
    uint64_t late = atomic_exchange_explicit(&p->late_ns, 0, memory_order_acquire);
    if (!blamed && warning_ns > 0 && late >= warning_ns)
        tell_of_loop(w, loop, WATCHDOG_LATE, late,
                     atomic_load_explicit(&p->late_busy_ns, memory_order_relaxed));
    if (!blamed && limit_ns > 0 && due != 0 && now_ns > due + limit_ns && w->still_told[loop] != due) {
        w->still_told[loop] = due;
        tell_of_loop(w, loop, WATCHDOG_STILL, now_ns - due, 0);
    }
    return due != 0;
}

/* --- looking ---------------------------------------------------------------------------------------------
 */

bool watchdog_look(watchdog *w, uint64_t now_ns) {
    uint64_t passed = now_ns - w->last_ns, turns = 0;
    bool under_way = false;
    if (w->last_ns == 0 || passed > LOOK_MOST_NS)
        passed = w->last_ns == 0 ? 0 : LOOK_MOST_NS;
    for (const mark *m = mark_first(); m != NULL; m = m->next) {
        turns += atomic_load_explicit(&m->turn, memory_order_relaxed);
        under_way |= look_at(w, m, passed, now_ns);
    }
    for (unsigned i = 0; i < w->loops; i++)
        under_way |= look_at_pulse(w, i, now_ns);
    bool moved = turns != w->turns;
    w->turns = turns;
    w->last_ns = now_ns;
    return moved || under_way;
}

/* --- the thread ------------------------------------------------------------------------------------------
 */

static watchdog *only; /* for mark_wake, which has no argument */

static void wake_thread(void) {
    sem_post(&only->wake);
}

static void rest(watchdog *w) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    while (sem_clockwait(&w->wake, CLOCK_MONOTONIC, &until) != 0 && errno == EINTR) {
    }
}

/* Whoever entered a connector before it saw the flag is seen by the look after the next tick: no fence is
 * needed on their side. */
static void sleep_till_woken(watchdog *w) {
    atomic_store(&mark_asleep, true);
    rest(w);
    bool nothing = !watchdog_look(w, clock_ns());
    while (nothing && atomic_load(&mark_asleep) && !atomic_load(&w->stop))
        sem_wait(&w->wake);
    atomic_store(&mark_asleep, false);
    w->last_ns = clock_ns(); /* time asleep is nobody's */
}

static void *run(void *arg) {
    watchdog *w = arg;
    unsigned idle = 0;
    while (!atomic_load(&w->stop)) {
        idle = watchdog_look(w, clock_ns()) ? 0 : idle + 1;
        if (idle < IDLE_LOOKS) {
            rest(w);
            continue;
        }
        sleep_till_woken(w);
        idle = 0;
    }
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------------------
 */

watchdog *watchdog_new(const watchdog_options *o, unsigned loops) {
    watchdog *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->options = *o;
    w->loops = loops;
    w->pulses = aligned_alloc(_Alignof(watchdog_pulse), (loops + 1) * sizeof *w->pulses);
    w->still_told = calloc(loops + 1, sizeof *w->still_told);
    if (w->pulses != NULL)
        memset(w->pulses, 0, (loops + 1) * sizeof *w->pulses);
    pthread_mutex_init(&w->lock, NULL);
    sem_init(&w->wake, 0, 0);
    if (w->pulses != NULL && w->still_told != NULL)
        return w;
    watchdog_free(w);
    return NULL;
}

watchdog_pulse *watchdog_pulse_of(watchdog *w, unsigned loop) {
    return &w->pulses[loop];
}

bool watchdog_start(watchdog *w) {
    sigset_t all, before;
    only = w;
    mark_on_wake(wake_thread);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    w->running = pthread_create(&w->thread, NULL, run, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (w->running)
        pthread_setname_np(w->thread, "watchdog");
    return w->running;
}

void watchdog_free(watchdog *w) {
    if (w == NULL)
        return;
    if (w->running) {
        mark_on_wake(NULL);
        atomic_store(&w->stop, true);
        sem_post(&w->wake);
        pthread_join(w->thread, NULL);
    }
    for (sight *s = w->sights, *next; s != NULL; s = next) {
        next = s->next;
        free(s);
    }
    for (series *s = w->series, *next; s != NULL; s = next) {
        next = s->next;
        free(s);
    }
    sem_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w->pulses);
    free(w->still_told);
    free(w);
}

/* --- words -----------------------------------------------------------------------------------------------
 */

void watchdog_describe(const watchdog_event *e, char *out, size_t cap) {
    sigtext t = {.ptr = out, .cap = cap - 1};
    mark_visit v = {.build = e->build,
                    .connection = e->connection[0] != '\0' ? e->connection : NULL,
                    .operation = e->operation,
                    .step = e->step[0] != '\0' ? e->step : NULL};
    mark_describe(&t, &v);
    out[t.len] = '\0';
}

void watchdog_render(watchdog *w, buf *out) {
    static const char *const total = "busbar_step_blocked_total", *const most =
                                                                      "busbar_step_blocked_seconds_max";
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    metric_head(out, total, "counter", "Steps of connectors that kept an event loop waiting.");
    for (const series *s = w->series; s != NULL; s = s->next)
        buf_printf(out, "%s{plugin=\"%s\"} %llu\n", total, s->plugin, (unsigned long long)s->count);
    metric_head(out, most, "gauge", "The longest of them.");
    for (const series *s = w->series; s != NULL; s = s->next)
        buf_printf(out, "%s{plugin=\"%s\"} %.3f\n", most, s->plugin, (double)s->most_ns / 1e9);
    pthread_mutex_unlock(&w->lock);
}
