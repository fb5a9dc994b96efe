/* supervisor.c - the thread that starts the processes, waits for their ends, and starts them again. */
#include "isolate/supervisor.h"
#include "base/clock.h"
#include "base/log.h"
#include "isolate/process.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define BEGIN_MS 5000u /* to load, test and create */
#define END_MS 2000u   /* to destroy */
#define BACKOFF_MIN_MS 10u
#define BACKOFF_MAX_MS 30000u
static uint64_t now_ms(void) {
    return clock_ns() / 1000000u;
}

/* --- counted -------------------------------------------------------------------------------------------- */

void isolated_ref(isolated *i) {
    atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
}

void isolated_unref(isolated *i) {
    if (atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) != 1)
        return;
    buf_wipe(&i->setup);
    pthread_mutex_destroy(&i->lock);
    pthread_cond_destroy(&i->changed);
    free(i);
}

/* --- changes ----------------------------------------------------------------------------------------------
 */

void isolate_tell(isolated *i) {
    pthread_cond_broadcast(&i->changed);
    for (unsigned n = 0; n < i->all->loops; n++) {
        if (i->sides[n].on == NULL)
            continue;
        isolated_ref(i);
        if (!loop_post(i->sides[n].on, isolate_changed, i)) /* no memory: its calls end by their deadline */
            atomic_fetch_sub(&i->refs, 1);                  /* not the last: the supervisor has one */
    }
}

static void close_fds(isolated *i) {
    for (unsigned n = 0; n < LOOP_MAX; n++) {
        if (i->fds[n] >= 0)
            close(i->fds[n]);
        i->fds[n] = -1;
    }
}

void isolate_kill(isolated *i, uint64_t incarnation, const char *format, ...) {
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&i->lock);
    if (i->incarnation == incarnation && i->pidfd >= 0) {
        if (i->blame[0] == '\0')
            vsnprintf(i->blame, sizeof i->blame, format, args);
        pidfd_send_signal(i->pidfd, SIGKILL, NULL, 0);
    }
    pthread_mutex_unlock(&i->lock);
    va_end(args);
}

/* --- starting ---------------------------------------------------------------------------------------------
 */

static void ended(isolated *i, const char *how, bool refused);

static void on_begin_over(uv_timer_t *timer) {
    isolated *i = timer->data;
    if (i->process != NULL)
        isolate_kill(i, i->process->incarnation, "was killed: it was not ready within %u s", BEGIN_MS / 1000);
}

static void start(isolated *i) {
    int fds[LOOP_MAX];
    err e = {""};
    atomic_store(&i->worked, false);
    process *p = process_new(i, i->all->program, i->all->loops, loop_uv(i->all->on), fds, &e);
    i->process = p;
    pthread_mutex_lock(&i->lock);
    i->state = ISOLATE_STARTING;
    i->incarnation++;
    i->blame[0] = '\0';
    i->pidfd = p != NULL ? p->pidfd : -1;
    i->pid = p != NULL ? p->pid : -1;
    memcpy(i->fds, fds, sizeof fds);
    pthread_mutex_unlock(&i->lock);
    if (p == NULL)
        ended(i, e.text, true);
    else
        uv_timer_start(&i->timer, on_begin_over, BEGIN_MS, 0);
}

static void on_again(uv_timer_t *timer) {
    start(timer->data);
}

void supervise_ready(process *p) {
    isolated *i = p->of;
    if (i->state != ISOLATE_STARTING)
        return;
    uv_timer_stop(&i->timer);
    pthread_mutex_lock(&i->lock);
    i->state = ISOLATE_RUNNING;
    i->settled = true;
    isolate_tell(i);
    pthread_mutex_unlock(&i->lock);
}

/* Its sockets are closed shortly before it has ended. One that goes on without is of no use. */
static void on_silent_over(uv_timer_t *timer) {
    isolated *i = timer->data;
    if (i->process != NULL)
        isolate_kill(i, i->process->incarnation, "was killed: it closed its socket to the hub");
}

void supervise_silent(process *p) {
    if (p->of->process == p && p->of->state != ISOLATE_ENDING)
        uv_timer_start(&p->of->timer, on_silent_over, ISOLATE_SILENT_MS, 0);
}

/* --- ending
 * ------------------------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *timer) {
    isolated_unref(timer->data);
}

static void forget(isolated *i) {
    isolates *all = i->all;
    pthread_mutex_lock(&all->lock);
    isolated **at = &all->first;
    while (*at != i)
        at = &(*at)->next;
    *at = i->next;
    pthread_mutex_unlock(&all->lock);
    uv_close((uv_handle_t *)&i->timer, on_timer_closed);
}

/* Whether it has now ended more often than it may. */
static bool too_often(isolated *i) {
    uint64_t now = now_ms();
    if (i->window_ends == 0 || now - i->window_since_ms > i->limits.window_ms) {
        i->window_since_ms = now;
        i->window_ends = 0;
    }
    return ++i->window_ends > i->limits.restarts;
}

static void tell_looping(isolated *i) {
    isolates *all = i->all;
    pthread_mutex_lock(&all->lock);
    if (all->looping_count < LOOPING_MAX) {
        isolate_loop_of_ends *l = &all->looping[all->looping_count++];
        memcpy(l->sha256, i->sha256, sizeof l->sha256);
        memcpy(l->plugin, i->plugin, sizeof l->plugin);
        memcpy(l->version, i->version, sizeof l->version);
        snprintf(l->reason, sizeof l->reason, "%s", i->why);
    }
    pthread_mutex_unlock(&all->lock);
    all->wake(all->ctx);
}

/* One that has worked since it was started begins anew with short waits. */
static unsigned next_backoff(isolated *i) {
    unsigned ms = i->backoff_ms;
    i->backoff_ms = atomic_load(&i->worked) || ms == 0 ? BACKOFF_MIN_MS
                    : ms * 2 < BACKOFF_MAX_MS          ? ms * 2
                                                       : BACKOFF_MAX_MS;
    return i->backoff_ms;
}

static void go_off(isolated *i, const char *how) {
    i->state = ISOLATE_IS_OFF;
    snprintf(i->why, sizeof i->why,
             "the process of connection %s ended %u times within %llu s, at last it %s", i->connection,
             i->limits.restarts + 1, (unsigned long long)(i->limits.window_ms / 1000), how);
    log_error(
        "connector %s, connection %s, build %.12s: %s; it is off until an admin puts in another build, or "
        "allows it: busbar plugin allow %.12s",
        i->plugin, i->connection, i->sha256, i->why, i->sha256);
    size_t n = strlen(i->why);
    snprintf(i->why + n, sizeof i->why - n,
             "; put in another build, or allow it: busbar plugin allow %.12s, then reload", i->sha256);
}

static void go_back(isolated *i, const char *how) {
    unsigned ms = next_backoff(i);
    i->state = ISOLATE_BACKOFF;
    i->again_ms = now_ms() + ms;
    i->restarts++;
    snprintf(i->why, sizeof i->why, "the connector's process %s", how);
    log_error("connector %s, connection %s, build %.12s: its process %s; it is started again in %u ms",
              i->plugin, i->connection, i->sha256, how, ms);
    uv_timer_start(&i->timer, on_again, ms, 0);
}

/* There is none any more; decides what becomes of it. */
static void ended(isolated *i, const char *how, bool refused) {
    pthread_mutex_lock(&i->lock);
    i->ended = i->incarnation;
    i->pidfd = i->pid = -1;
    close_fds(i);
    uv_timer_stop(&i->timer);
    bool over = i->state == ISOLATE_ENDING;
    if (!over && !i->settled) {
        i->settled = true;
        i->state = ISOLATE_IS_OFF;
        snprintf(i->why, sizeof i->why, "%s%s",
                 refused ? "" : "the connector's process, before it was ready, ", how);
    } else if (!over && too_often(i)) {
        go_off(i, how);
    } else if (!over) {
        go_back(i, how);
    }
    bool looping = i->state == ISOLATE_IS_OFF && i->window_ends > i->limits.restarts;
    isolate_tell(i);
    pthread_mutex_unlock(&i->lock);
    if (looping)
        tell_looping(i);
    if (over)
        forget(i);
}

void supervise_exit(process *p) {
    isolated *i = p->of;
    char how[640];
    uint64_t cpu_ms;
    process_reap(p, how, sizeof how, &cpu_ms);
    pthread_mutex_lock(&i->lock);
    i->cpu_ms_before += cpu_ms;
    if (i->blame[0] != '\0')
        snprintf(how, sizeof how, "%s", i->blame);
    pthread_mutex_unlock(&i->lock);
    if (p->refused)
        snprintf(how, sizeof how, "%s", p->refusal);
    i->process = NULL;
    ended(i, how, p->refused);
    process_close(p);
}

static void on_end_over(uv_timer_t *timer) {
    isolated *i = timer->data;
    if (i->process != NULL)
        isolate_kill(i, i->process->incarnation, "was killed: it did not end");
}

static void stop(loop *l, void *arg) {
    isolated *i = arg;
    (void)l;
    pthread_mutex_lock(&i->lock);
    i->state = ISOLATE_ENDING;
    i->released = true;
    pthread_mutex_unlock(&i->lock);
    uv_timer_stop(&i->timer);
    if (i->process == NULL) {
        close_fds(i);
        forget(i);
    } else {
        frame_head head = {.kind = FRAME_STOP};
        if (i->process->control >= 0)
            (void)!send(i->process->control, &head, sizeof head, MSG_NOSIGNAL | MSG_DONTWAIT);
        uv_timer_start(&i->timer, on_end_over, END_MS, 0);
    }
    isolated_unref(i);
}

/* --- asked by the main thread
 * --------------------------------------------------------------------------------- */

static void begin(loop *l, void *arg) {
    isolated *i = arg;
    uv_timer_init(loop_uv(l), &i->timer);
    i->timer.data = i;
    start(i);
}

static isolated *isolated_new(isolates *all, const isolate_what *what) {
    isolated *i = calloc(1, sizeof *i + all->loops * sizeof i->sides[0]);
    if (i == NULL)
        return NULL;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&i->lock, NULL);
    pthread_cond_init(&i->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    atomic_init(&i->refs, 2); /* who asked, and the supervisor */
    i->all = all;
    i->loops = all->loops;
    i->limits = what->limits;
    i->pid = i->pidfd = -1;
    for (unsigned n = 0; n < LOOP_MAX; n++)
        i->fds[n] = -1;
    str_put(i->connection, sizeof i->connection, what->connection);
    str_put(i->plugin, sizeof i->plugin, what->plugin);
    str_put(i->version, sizeof i->version, what->version);
    str_put(i->sha256, sizeof i->sha256, str_from(what->sha256));
    return i;
}

static void write_setup(buf *out, const isolate_what *what) {
    size_t at = frame_begin(out, FRAME_SETUP, 0, 0);
    frame_str(out, str_from(what->path));
    frame_str(out, str_from(what->sha256));
    frame_str(out, what->plugin);
    frame_str(out, what->connection);
    frame_str(out, what->settings);
    frame_str(out, what->base_url);
    frame_u64(out, what->limits.memory);
    frame_u32(out, what->sessions != NULL);
    if (what->sessions != NULL)
        frame_str(out, str_of(what->sessions, sizeof *what->sessions));
    frame_u32(out, (uint32_t)what->credential_count);
    for (size_t n = 0; n < what->credential_count; n++) {
        frame_str(out, what->credentials[n].name);
        frame_str(out, what->credentials[n].value);
    }
    frame_end(out, at);
}

isolated *isolate_begin(isolates *all, const isolate_what *what) {
    isolated *i = isolated_new(all, what);
    if (i == NULL)
        return NULL;
    write_setup(&i->setup, what);
    pthread_mutex_lock(&all->lock);
    i->next = all->first;
    all->first = i;
    pthread_mutex_unlock(&all->lock);
    if (!i->setup.failed && loop_post(all->on, begin, i))
        return i;
    pthread_mutex_lock(&all->lock);
    all->first = i->next;
    pthread_mutex_unlock(&all->lock);
    atomic_store(&i->refs, 1);
    isolated_unref(i);
    return NULL;
}

bool isolate_await(isolated *i, unsigned timeout_ms, err *e) {
    uint64_t until = clock_ns() + (uint64_t)timeout_ms * 1000000u;
    struct timespec at = {.tv_sec = (time_t)(until / 1000000000u), .tv_nsec = (long)(until % 1000000000u)};
    pthread_mutex_lock(&i->lock);
    int error = 0;
    while (!i->settled && error == 0)
        error = pthread_cond_timedwait(&i->changed, &i->lock, &at);
    bool ok = i->settled && i->state != ISOLATE_IS_OFF;
    if (!i->settled)
        err_set(e, "the connector's process did not begin in time");
    else if (!ok)
        err_set(e, "%s", i->why);
    pthread_mutex_unlock(&i->lock);
    return ok;
}

void isolate_release(isolated *i) {
    if (i == NULL)
        return;
    if (!loop_post(i->all->on, stop, i)) /* else with the reference of who releases it */
        log_error("no memory to end the process of connection %s", i->connection);
}

bool isolate_is_off(isolated *i) {
    pthread_mutex_lock(&i->lock);
    bool off = i->state == ISOLATE_IS_OFF;
    pthread_mutex_unlock(&i->lock);
    return off;
}

static void revive(loop *l, void *arg) {
    isolated *i = arg;
    (void)l;
    if (i->state == ISOLATE_IS_OFF) {
        i->window_ends = 0;
        i->backoff_ms = 0;
        start(i);
    }
    isolated_unref(i);
}

void isolate_revive(isolated *i) {
    isolated_ref(i);
    if (!loop_post(i->all->on, revive, i))
        isolated_unref(i);
}

/* --- all
 * ----------------------------------------------------------------------------------------------------------
 */

isolates *isolates_new(const char *program, unsigned loops, void (*wake)(void *ctx), void *ctx, err *e) {
    isolates *all = calloc(1, sizeof *all);
    loop *on = all != NULL ? loop_new(LOOP_MAX - 1) : NULL;
    if (on == NULL || !loop_start(on)) {
        loop_free(on);
        free(all);
        err_set(e, "the thread that looks after connectors' processes cannot be started");
        return NULL;
    }
    *all = (isolates){.program = program, .loops = loops, .wake = wake, .ctx = ctx, .on = on};
    pthread_mutex_init(&all->lock, NULL);
    return all;
}

void isolates_free(isolates *all) {
    if (all == NULL)
        return;
    loop_join(all->on);
    loop_free(all->on);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

bool isolates_looping(isolates *all, isolate_loop_of_ends *out) {
    pthread_mutex_lock(&all->lock);
    bool any = all->looping_count > 0;
    if (any)
        *out = all->looping[--all->looping_count];
    pthread_mutex_unlock(&all->lock);
    return any;
}
