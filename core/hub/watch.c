/* watch.c - the watchdog's news, in words; builds that block for too long go into quarantine. And the pulse
 * of the loops, by which it sees what no connector is to blame for. */
#include "hub/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "observe/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PULSE_MS 25u

/* --- accusations: from the watchdog's thread to the main thread ------------------------------------------
 */

typedef struct accusation {
    struct accusation *next;
    watchdog_event event;
} accusation;

static void accuse(hub *h, const watchdog_event *e) {
    accusation *a = malloc(sizeof *a);
    if (a == NULL || e->build == NULL) {
        free(a);
        return; /* it is in the log all the same */
    }
    a->event = *e;
    pthread_mutex_lock(&h->lock);
    a->next = h->accusations;
    h->accusations = a;
    pthread_mutex_unlock(&h->lock);
    uv_async_send(&h->wake);
}

void hub_take_accusations(hub *h) {
    pthread_mutex_lock(&h->lock);
    accusation *list = h->accusations;
    h->accusations = NULL;
    pthread_mutex_unlock(&h->lock);
    for (accusation *a = list, *next; a != NULL; a = next) {
        next = a->next;
        char reason[512];
        snprintf(reason, sizeof reason, "it kept an event loop waiting for over %llu ms in %s%s%s",
                 (unsigned long long)a->event.ms, a->event.operation,
                 a->event.connection[0] != '\0' ? " of connection " : "", a->event.connection);
        quarantine_entry entry = {.action = QUARANTINE_ISOLATE,
                                  .plugin = a->event.build->plugin,
                                  .version = a->event.build->version,
                                  .reason = reason,
                                  .at_ms = clock_wall_ms()};
        memcpy(entry.sha256, a->event.build->sha256, sizeof entry.sha256);
        hub_blame(h, &entry, "watchdog");
        free(a);
    }
}

/* --- words -----------------------------------------------------------------------------------------------
 */

static void tell_of_visit(const watchdog_event *e) {
    char visit[512], more[80] = "";
    watchdog_describe(e, visit, sizeof visit);
    if (e->untold > 0)
        snprintf(more, sizeof more, "; %llu more of its steps did since the last such line",
                 (unsigned long long)e->untold);
    if (e->kind == WATCHDOG_BLOCKED)
        log_warn(
            "%s: it kept loop %d waiting for %llu ms, with %llu calls under way on it%s; a step must not "
            "block: no I/O, no sleep, no lock held long",
            visit, e->loop, (unsigned long long)e->ms, (unsigned long long)e->waiting, more);
    else
        log_error("%s: it has kept loop %d waiting for %llu ms and still does, with %llu calls under way on "
                  "it; this build is moved to isolation at its next load",
                  visit, e->loop, (unsigned long long)e->ms, (unsigned long long)e->waiting);
}

static void tell_of_loop(const watchdog_event *e) {
    if (e->kind == WATCHDOG_LATE)
        log_warn(
            "loop %d came %llu ms late to its work, %llu ms of them computing, with %llu calls under way; "
            "no connector was at work: is the machine short of processors or memory?",
            e->loop, (unsigned long long)e->ms, (unsigned long long)e->busy_ms,
            (unsigned long long)e->waiting);
    else
        log_error("loop %d has stood still for %llu ms, with %llu calls under way; no connector is at work",
                  e->loop, (unsigned long long)e->ms, (unsigned long long)e->waiting);
}

/* On the watchdog's thread. */
static void on_event(const watchdog_event *e, void *ctx) {
    if (e->kind == WATCHDOG_BLOCKED || e->kind == WATCHDOG_STUCK)
        tell_of_visit(e);
    else
        tell_of_loop(e);
    if (e->kind == WATCHDOG_STUCK)
        accuse(ctx, e);
}

/* --- pulses ----------------------------------------------------------------------------------------------
 */

static uint64_t thread_cpu_ns(void) {
    struct timespec t = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void on_pulse(uv_timer_t *timer);

static void set(hub_pulse *p) {
    p->set = true;
    p->rounds = 0;
    p->cpu_ns = thread_cpu_ns();
    watchdog_expect(p->to, clock_ns() + PULSE_MS * 1000000u);
    uv_timer_start(&p->timer, on_pulse, PULSE_MS, 0);
}

/* Nothing but the pulse itself since the last: the loop is idle, and is left alone. */
static void on_pulse(uv_timer_t *timer) {
    hub_pulse *p = timer->data;
    watchdog_beat(p->to, clock_ns(), thread_cpu_ns() - p->cpu_ns);
    if (p->rounds > 1) {
        set(p);
        return;
    }
    p->set = false;
    p->rests = true;
    watchdog_expect(p->to, 0);
}

/* Once a round. */
static void on_prepare(uv_prepare_t *prepare) {
    hub_pulse *p = prepare->data;
    p->rounds++;
    if (!p->set && !p->rests)
        set(p);
    p->rests = false;
}

static void begin(loop *l, void *arg) {
    hub_loop *own = arg;
    hub_pulse *p = &own->pulse;
    mark_of_loop(loop_index(l)); /* with its stack for a crash */
    if (own->hub->watchdog == NULL)
        return;
    p->to = watchdog_pulse_of(own->hub->watchdog, loop_index(l));
    uv_timer_init(loop_uv(l), &p->timer);
    uv_prepare_init(loop_uv(l), &p->prepare);
    p->timer.data = p->prepare.data = p;
    uv_prepare_start(&p->prepare, on_prepare);
}

bool hub_pulse_start(hub_loop *l) {
    return loop_post(l->loop, begin, l);
}

void hub_pulse_stop(hub_loop *l) {
    hub_pulse *p = &l->pulse;
    if (p->to == NULL)
        return;
    watchdog_expect(p->to, 0);
    uv_close((uv_handle_t *)&p->timer, NULL);
    uv_close((uv_handle_t *)&p->prepare, NULL);
    p->to = NULL;
}

/* --- life ------------------------------------------------------------------------------------------------
 */

bool hub_watch_start(hub *h, err *e) {
    const watchdog_options o = {.warning_ms = h->settings.step_warning_ms,
                                .limit_ms = h->settings.step_limit_ms,
                                .tell = on_event,
                                .calls_on = metrics_calls_on,
                                .ctx = h};
    if (!h->settings.offline && (o.warning_ms > 0 || o.limit_ms > 0)) {
        h->watchdog = watchdog_new(&o, h->settings.loops);
        if (h->watchdog == NULL || !watchdog_start(h->watchdog))
            return err_set(e, "no memory, or no thread, for the watchdog");
    }
    h->shared.watchdog = h->watchdog;
    return true;
}

void hub_watch_stop(hub *h) {
    watchdog_free(h->watchdog);
    h->watchdog = NULL;
    hub_take_accusations(h);
}
