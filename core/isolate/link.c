/* link.c - a loop's socket to a connection's process, and the calls on it. All of it is [loop]. */
#include "isolate/internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_STEP ((size_t)64 << 10)
#define KEEP_MAX ((size_t)1 << 20) /* a larger buffer goes back to the system when it is empty */
#define SLOTS_MAX 65536u           /* calls of one loop that a process has at once */
#define LOG_TEXT_MAX 2048u

static uint64_t now_ms(void) {
    return clock_ns() / 1000000u;
}

/* --- a link's end --------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle) {
    isolate_link *l = handle->data;
    if (--l->open > 0)
        return;
    buf_free(&l->in);
    buf_free(&l->out);
    free(l->slots);
    isolated_unref(l->of);
    free(l);
}

static void stop_io(isolate_link *l) {
    if (l->fd < 0)
        return;
    uv_poll_stop(&l->poll);
    uv_prepare_stop(&l->flush);
    uv_timer_stop(&l->watch);
    uv_close((uv_handle_t *)&l->poll, on_closed); /* before its descriptor is closed */
    close(l->fd);
    l->fd = -1;
}

/* Its calls have been told, or have left. */
static void link_free(isolate_link *l) {
    stop_io(l);
    uv_close((uv_handle_t *)&l->flush, on_closed);
    uv_close((uv_handle_t *)&l->watch, on_closed);
}

/* --- slots ---------------------------------------------------------------------------------------------- */

static bool slot_take(isolate_link *l, isolate_call *r) {
    uint32_t at = l->free_slot;
    if (at != 0) {
        l->free_slot = l->slots[--at].next_free;
    } else {
        if (l->slot_count == l->slot_cap) {
            uint32_t cap = l->slot_cap == 0 ? 64 : l->slot_cap * 2;
            link_slot *grown = cap <= SLOTS_MAX ? realloc(l->slots, cap * sizeof *grown) : NULL;
            if (grown == NULL)
                return false;
            l->slots = grown;
            l->slot_cap = cap;
        }
        at = l->slot_count++;
        l->slots[at] = (link_slot){0};
    }
    l->slots[at].call = r;
    r->slot = at;
    r->turn = ++l->slots[at].turn;
    r->link = l;
    return true;
}

static void slot_give_back(isolate_link *l, isolate_call *r) {
    link_slot *s = &l->slots[r->slot];
    s->call = NULL;
    s->next_free = l->free_slot;
    l->free_slot = r->slot + 1;
    r->link = NULL;
}

/* --- out: all frames of a loop's round in one write --------------------------------------------------------
 */

static void on_ready(uv_poll_t *poll, int status, int events);

static void want(isolate_link *l, bool write) {
    if (l->polls_write == write)
        return;
    l->polls_write = write;
    uv_poll_start(&l->poll, UV_READABLE | (write ? UV_WRITABLE : 0), on_ready);
}

static void flush(isolate_link *l) {
    while (l->fd >= 0 && l->out_at < l->out.len) {
        ssize_t n = send(l->fd, l->out.ptr + l->out_at, l->out.len - l->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            want(l, true);
            return;
        }
        if (n < 0)
            break; /* its end is near: reading says so */
        l->out_at += (size_t)n;
    }
    buf_clear(&l->out);
    l->out_at = 0;
    if (l->out.cap > KEEP_MAX)
        buf_free(&l->out);
    if (l->fd >= 0)
        want(l, false);
}

static void on_prepare(uv_prepare_t *prepare) {
    isolate_link *l = prepare->data;
    uv_prepare_stop(prepare);
    if (!l->polls_write)
        flush(l);
}

static void send_soon(isolate_link *l) {
    if (l->out.failed && l->fd >= 0) /* what the process would get makes no sense: it begins anew */
        isolate_kill(l->of, l->incarnation, "was sent more than there is memory for");
    else if (l->fd >= 0 && !uv_is_active((uv_handle_t *)&l->flush))
        uv_prepare_start(&l->flush, on_prepare);
}

/* --- a step that does not come back ------------------------------------------------------------------------
 */

static void take_input(isolate_link *l);

static uint64_t oldest(const isolate_link *l) {
    uint64_t since = UINT64_MAX;
    for (uint32_t i = 0; i < l->slot_count; i++) {
        const isolate_call *r = l->slots[i].call;
        if (r != NULL && r->working && r->job == NULL && r->since_ms < since) /* sessions may block */
            since = r->since_ms;
    }
    return since;
}

/* No sign of life from the process, on any loop's socket, for the time that one step has. */
static void on_watch(uv_timer_t *timer) {
    isolate_link *l = timer->data;
    isolated *i = l->of;
    take_input(l); /* this loop may itself have been held up */
    if (l->fd < 0)
        return;
    if (l->working == 0) {
        uv_timer_stop(timer);
        return;
    }
    uint64_t since = oldest(l), alive = atomic_load_explicit(&i->alive_ms, memory_order_relaxed);
    uint64_t from = since > alive ? since : alive, now = now_ms();
    if (since == UINT64_MAX || now < from + i->limits.step_timeout_ms)
        return;
    isolate_kill(i, l->incarnation, "was killed: a step did not come back within %llu ms (step_timeout)",
                 (unsigned long long)i->limits.step_timeout_ms);
}

static void begin_step(isolate_link *l, isolate_call *r) {
    r->working = true;
    r->since_ms = now_ms();
    l->working++;
    atomic_fetch_add_explicit(&l->of->sides[l->number].round_trips, 1, memory_order_relaxed);
    send_soon(l);
    uint64_t period = l->of->limits.step_timeout_ms / 4 + 1;
    if (l->fd >= 0 && !uv_is_active((uv_handle_t *)&l->watch))
        uv_timer_start(&l->watch, on_watch, period, period);
}

/* --- in
 * ------------------------------------------------------------------------------------------------------ */

static void take_log(isolate_link *l, frame *f) {
    uint32_t level = frame_get_u32(f);
    bb_str text = frame_get_str(f);
    const isolate_call *r = f->head.slot < l->slot_count ? l->slots[f->head.slot].call : NULL;
    bool ours = r != NULL && r->turn == f->head.turn;
    if (text.len > LOG_TEXT_MAX)
        text.len = LOG_TEXT_MAX;
    if (level <= LOG_LEVEL_ERROR && log_enabled((log_level)level))
        log_write((log_level)level, "connector %s, connection %s, execution %s: %.*s", l->of->plugin,
                  l->of->connection, ours ? r->steps->execution_id : "over", STR_FMT(text));
}

/* False: the process breaks the protocol. */
static bool take_progress(isolate_link *l, frame *f) {
    const isolate_call *r = f->head.slot < l->slot_count ? l->slots[f->head.slot].call : NULL;
    plugin_progress p;
    if (!message_take_progress(f, &p))
        return false;
    if (r != NULL && r->turn == f->head.turn && r->steps->on_progress != NULL)
        r->steps->on_progress(r->steps, &p);
    return true;
}

/* What a step said that was under way when its call was given up. Where it ended the call, the process has
 * forgotten it, and there is nothing that the service is to be told. */
static bool pass_over(isolate_link *l, isolate_call *r, uint32_t kind) {
    r->stale = false;
    if (kind == FRAME_REQUEST)
        return true;
    if (kind != FRAME_OUTPUT && kind != FRAME_FAIL)
        return false;
    isolate_done done = r->done;
    void *ctx = r->ctx;
    r->working = false;
    l->working--;
    slot_give_back(l, r);
    r->of = NULL;
    done(ctx, ISOLATE_STEPPED, PLUGIN_DONE, (bb_str){NULL, 0});
    return true;
}

/* An answer to a call that has left meanwhile is none any more. False: the process breaks the protocol. */
static bool take_answer(isolate_link *l, frame *f) {
    if (f->head.slot >= l->slot_count)
        return false;
    const link_slot *s = &l->slots[f->head.slot];
    isolate_call *r = s->call;
    if (r == NULL || f->head.turn != s->turn)
        return f->head.turn != 0 && f->head.turn <= s->turn;
    plugin_outcome outcome;
    bool ran = f->head.kind == FRAME_RAN;
    if (r->stale && f->head.kind != FRAME_RAN && f->head.kind != FRAME_VERIFIED)
        return pass_over(l, r, f->head.kind);
    if (!r->working || ran != (r->job != NULL) ||
        !(ran ? message_take_ran(f, r->job, &outcome) : message_take(f, r->steps, &outcome)))
        return false;
    isolate_done done = r->done;
    void *ctx = r->ctx;
    r->working = false;
    l->working--;
    atomic_store_explicit(&l->of->worked, true, memory_order_relaxed);
    if (outcome != PLUGIN_SEND && f->head.kind == FRAME_REQUEST) { /* what it asks for cannot be sent */
        isolate_leave(r);
    } else if (outcome != PLUGIN_SEND) {
        slot_give_back(l, r);
        r->of = NULL;
    }
    done(ctx, ISOLATE_STEPPED, outcome, (bb_str){NULL, 0});
    return true;
}

static bool take_frame(isolate_link *l, frame *f) {
    if (f->head.kind == FRAME_PROGRESS)
        return take_progress(l, f);
    if (f->head.kind != FRAME_LOG)
        return take_answer(l, f);
    take_log(l, f);
    return true;
}

static void take_frames(isolate_link *l) {
    size_t at = 0, size = 0;
    frame f;
    frame_found found = FRAME_MORE;
    while (!l->over && (found = frame_read(str_of(l->in.ptr + at, l->in.len - at), FRAME_MAX_FROM_CHILD, &f,
                                           &size)) == FRAME_WHOLE) {
        if (!take_frame(l, &f)) {
            found = FRAME_BAD;
            break;
        }
        at += size;
    }
    if (found == FRAME_BAD) {
        stop_io(l);
        isolate_kill(l->of, l->incarnation, "was killed: it broke the protocol between it and the hub");
        return;
    }
    l->in.len -= at;
    if (at > 0 && l->in.len > 0)
        memmove(l->in.ptr, l->in.ptr + at, l->in.len);
    if (l->in.len == 0 && l->in.cap > KEEP_MAX)
        buf_free(&l->in);
}

static void on_silent(uv_timer_t *timer) {
    isolate_link *l = timer->data;
    isolate_kill(l->of, l->incarnation, "was killed: it closed its socket to the hub");
}

static void read_more(isolate_link *l) {
    for (int rounds = 0; l->fd >= 0 && rounds < 16; rounds++) {
        if (!buf_reserve(&l->in, READ_STEP)) {
            stop_io(l);
            isolate_kill(l->of, l->incarnation, "was killed: what it says takes more memory than there is");
            return;
        }
        size_t room = l->in.cap - l->in.len;
        ssize_t n = recv(l->fd, l->in.ptr + l->in.len, room, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) { /* its end: the supervisor will say how */
            stop_io(l);
            uv_timer_start(&l->watch, on_silent, ISOLATE_SILENT_MS, 0);
            return;
        }
        l->in.len += (size_t)n;
        atomic_store_explicit(&l->of->alive_ms, now_ms(), memory_order_relaxed);
        take_frames(l);
        if ((size_t)n < room)
            return;
    }
}

/* What `done` does may close this side: it is freed behind that. */
static void take_input(isolate_link *l) {
    l->reading = true;
    read_more(l);
    l->reading = false;
    if (l->over)
        link_free(l);
}

static void on_ready(uv_poll_t *poll, int status, int events) {
    isolate_link *l = poll->data;
    if (status != 0)
        events = UV_READABLE | UV_WRITABLE;
    if ((events & UV_WRITABLE) != 0)
        flush(l);
    if (l->fd >= 0 && (events & UV_READABLE) != 0)
        take_input(l);
}

/* --- sides
 * --------------------------------------------------------------------------------------------------- */

static void side_drop_link(isolate_side *side) {
    isolate_link *l = side->link;
    side->link = NULL;
    if (l == NULL)
        return;
    if (l->reading) {
        stop_io(l);
        l->over = true;
    } else {
        link_free(l);
    }
}

static bool link_new(isolated *i, loop *on, int fd, uint64_t incarnation) {
    isolate_link *l = calloc(1, sizeof *l);
    unsigned number = loop_index(on);
    if (l == NULL || uv_poll_init(loop_uv(on), &l->poll, fd) != 0) {
        free(l);
        close(fd);
        return false;
    }
    *l = (isolate_link){.of = i,
                        .on = on,
                        .number = number,
                        .incarnation = incarnation,
                        .fd = fd,
                        .poll = l->poll,
                        .open = 3};
    isolated_ref(i);
    uv_prepare_init(loop_uv(on), &l->flush);
    uv_timer_init(loop_uv(on), &l->watch);
    l->poll.data = l->flush.data = l->watch.data = l;
    uv_poll_start(&l->poll, UV_READABLE, on_ready);
    i->sides[number].link = l;
    return true;
}

static void tell_lost(isolate_call *r, isolate_result result, bb_str why, uint64_t retry_ms) {
    isolate_done done = r->done;
    void *ctx = r->ctx;
    r->of = NULL;
    r->link = NULL;
    r->working = r->waits = false;
    r->retry_ms = retry_ms;
    done(ctx, result, PLUGIN_FAILED, why);
}

static void wait_remove(isolate_side *side, isolate_call *r) {
    *r->back = r->next;
    if (r->next != NULL)
        r->next->back = r->back;
    else
        side->waiting_end = r->back;
    r->waits = false;
}

static void wait_add(isolate_side *side, isolate_call *r) {
    r->waits = true;
    r->next = NULL;
    r->back = side->waiting_end;
    *r->back = r;
    side->waiting_end = &r->next;
}

/* All calls that were with the process. Each may begin others, and end others. */
static void fail_link(isolated *i, unsigned number, bb_str why) {
    isolate_link *l = i->sides[number].link;
    stop_io(l);
    i->sides[number].link = NULL; /* what begins now belongs to the next one */
    l->reading = true;
    for (uint32_t at = 0; at < l->slot_count; at++) {
        isolate_call *r = l->slots[at].call;
        if (r == NULL)
            continue;
        l->slots[at].call = NULL;
        r->link = NULL;
        if (r->working) /* else it is told when it wants to go on */
            tell_lost(r, ISOLATE_CRASHED, why, 0);
    }
    link_free(l);
}

static bool send_start(isolate_link *l, isolate_call *r) {
    if (!slot_take(l, r))
        return false;
    if (r->steps->webhook != NULL)
        message_verify(&l->out, r->slot, r->turn, r->op, r->instance, r->steps);
    else
        message_start(&l->out, r->slot, r->turn, r->op, r->steps);
    begin_step(l, r);
    return true;
}

#define WAIT_MAX_MS 2000u /* for the next process: beyond, a call is better told at once */

typedef struct news {
    isolate_state state;
    uint64_t incarnation, ended, again_in_ms;
    int fd;
    char why[512];
} news;

static void look(isolated *i, unsigned number, news *out) {
    pthread_mutex_lock(&i->lock);
    out->state = i->state;
    out->incarnation = i->incarnation;
    out->ended = i->ended;
    uint64_t now = now_ms();
    out->again_in_ms = i->state == ISOLATE_BACKOFF && i->again_ms > now ? i->again_ms - now : 0;
    out->fd = -1;
    const isolate_link *l = i->sides[number].link;
    if (i->state == ISOLATE_RUNNING && !i->sides[number].closed &&
        (l == NULL || l->incarnation != i->incarnation)) {
        out->fd = i->fds[number];
        i->fds[number] = -1;
    }
    memcpy(out->why, i->why, sizeof out->why);
    pthread_mutex_unlock(&i->lock);
}

static bool usable(const isolate_side *side) {
    return side->link != NULL && side->link->fd >= 0;
}

static void serve_waiting(isolated *i, unsigned number, const news *n) {
    isolate_side *side = &i->sides[number];
    bool off = n->state == ISOLATE_IS_OFF || n->state == ISOLATE_ENDING || n->again_in_ms > WAIT_MAX_MS;
    isolate_call *r;
    while ((r = side->waiting) != NULL && (usable(side) || off)) {
        wait_remove(side, r);
        if (!usable(side))
            tell_lost(r, ISOLATE_OFF, str_from(n->why), n->again_in_ms);
        else if (!send_start(side->link, r))
            tell_lost(r, ISOLATE_OFF, STR("too many calls are with the connector's process"), 1000);
    }
}

static void catch_up(isolated *i, loop *on) {
    unsigned number = loop_index(on);
    isolate_side *side = &i->sides[number];
    news n;
    look(i, number, &n);
    if (side->link != NULL && side->link->incarnation <= n.ended)
        fail_link(i, number, str_from(n.why));
    if (n.fd >= 0 && side->link == NULL && !side->closed)
        link_new(i, on, n.fd, n.incarnation);
    else if (n.fd >= 0)
        close(n.fd);
    serve_waiting(i, number, &n);
}

void isolate_changed(loop *l, void *arg) {
    isolated *i = arg;
    if (!i->sides[loop_index(l)].closed)
        catch_up(i, l);
    isolated_unref(i);
}

void isolate_loop_close(isolated *i, loop *l) {
    isolate_side *side = &i->sides[loop_index(l)];
    pthread_mutex_lock(&i->lock);
    side->on = NULL;
    side->closed = true;
    pthread_mutex_unlock(&i->lock);
    side_drop_link(side);
}

/* --- calls
 * ----------------------------------------------------------------------------------------------------- */

static void meet(isolated *i, isolate_side *side, loop *l) {
    pthread_mutex_lock(&i->lock);
    side->on = l;
    pthread_mutex_unlock(&i->lock);
    side->waiting_end = &side->waiting;
}

static bool ask(isolated *i, loop *l, isolate_call *r) {
    isolate_side *side = &i->sides[loop_index(l)];
    if (side->waiting_end == NULL)
        meet(i, side, l);
    if (usable(side) && side->waiting == NULL) {
        if (send_start(side->link, r))
            return true;
        r->of = NULL;
        return false;
    }
    wait_add(side, r);
    isolated_ref(i); /* never from within: by a post of its own */
    if (loop_post(l, isolate_changed, i))
        return true;
    isolated_unref(i);
    wait_remove(side, r);
    r->of = NULL;
    return false;
}

bool isolate_start(isolated *i, loop *l, isolate_call *r, plugin_call *c, uint32_t op, isolate_done done,
                   void *ctx) {
    *r = (isolate_call){.of = i, .on = l, .steps = c, .done = done, .ctx = ctx, .op = op};
    return ask(i, l, r);
}

bool isolate_verify(isolated *i, loop *l, isolate_call *r, plugin_call *c, uint32_t scheme, bool instance,
                    isolate_done done, void *ctx) {
    *r = (isolate_call){
        .of = i, .on = l, .steps = c, .done = done, .ctx = ctx, .op = scheme, .instance = instance};
    return ask(i, l, r);
}

bool isolate_run(isolated *i, loop *l, isolate_call *r, session_job *job, uint32_t op, isolate_done done,
                 void *ctx) {
    *r = (isolate_call){
        .of = i, .on = l, .steps = &job->call, .job = job, .done = done, .ctx = ctx, .op = op};
    return ask(i, l, r);
}

bool isolate_resume(isolate_call *r, err *e) {
    isolate_link *l = r->link;
    if (l == NULL || l->fd < 0) {
        pthread_mutex_lock(&r->of->lock);
        err_set(e, "%s", l == NULL ? r->of->why : "the connector's process has ended");
        pthread_mutex_unlock(&r->of->lock);
        return false;
    }
    plugin_resume_begin(r->steps);
    message_resume(&l->out, r->slot, r->turn, r->steps);
    begin_step(l, r);
    return true;
}

bool isolate_abandon(isolate_call *r, bb_code why, isolate_done done, void *ctx) {
    isolate_link *l = r->link;
    if (r->of == NULL || l == NULL || l->fd < 0)
        return false;
    r->done = done;
    r->ctx = ctx;
    message_abandon(&l->out, r->slot, r->turn, why, r->steps->deadline_ns);
    r->stale = r->working;
    if (r->working)
        l->working--; /* it begins anew */
    begin_step(l, r);
    return true;
}

void isolate_leave(isolate_call *r) {
    isolate_link *l = r->link;
    if (r->of == NULL)
        return;
    if (r->waits)
        wait_remove(&r->of->sides[loop_index(r->on)], r);
    if (r->working)
        l->working--;
    if (l != NULL) {
        if (l->fd >= 0) {
            frame_end(&l->out, frame_begin(&l->out, FRAME_LEAVE, r->slot, r->turn));
            send_soon(l);
        }
        slot_give_back(l, r);
    }
    r->of = NULL;
    r->working = false;
}
