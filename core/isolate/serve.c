/* serve.c - the child's side of calls: one thread, all loops' sockets. What has been read is answered in one
 * write. */
#include "isolate/child.h"
#include "isolate/internal.h"

#include "base/clock.h"
#include "plugin/host.h"
#include "plugin/host_abandon.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_STEP ((size_t)128 << 10)
#define KEEP_MAX ((size_t)1 << 20)
#define IDLE_MAX 256u
#define CALL_MEMORY_LIMIT ((size_t)64 << 20)
#define ANSWER_WITHIN_NS 10000000u /* steps that take long do not hold back the answers before them */

typedef struct kept {
    struct kept *next;
    char bytes[];
} kept;

typedef struct child_call {
    plugin_call steps; /* first */
    struct side *side;
    struct child_call *next; /* idle */
    arena *memory;
    const plugin_op *op;
    uint32_t slot, turn;
    kept *bodies; /* of answers: values read from them may be held until the call ends */
    str_pair *fields;
    uint32_t field_cap;
    session_job *job; /* of a session operation under way; else NULL */
    plugin_progress said;
    bool is_said; /* by the step under way: told ahead of its answer */
} child_call;

typedef struct side {
    int fd;
    bool polls_write;
    buf in, out;
    size_t out_at;
    child_call **slots;
    uint32_t slot_cap;
} side;

static struct {
    plugin_instance *instance;
    bb_str base_url;
    int epoll, wake; /* an eventfd: sessions' jobs have ended */
    session_pool *sessions;
    pthread_mutex_t lock; /* guards what their threads hand over: */
    struct ended_job *ended;
    side *sides;
    unsigned side_count;
    child_call *idle;
    unsigned idle_count;
} own = {.lock = PTHREAD_MUTEX_INITIALIZER};

typedef struct ended_job {
    struct ended_job *next;
    session_job *job;
    bool runs; /* it has not ended: it has said how far it is */
} ended_job;

static void no_memory(void) {
    _exit(CHILD_NO_MEMORY);
}

static void on_progress(plugin_call *steps, const plugin_progress *progress) {
    child_call *c = (child_call *)steps;
    c->said = *progress;
    c->is_said = true;
}

/* --- calls, used again -------------------------------------------------------------------------------- */

static child_call *call_take(void) {
    child_call *c = own.idle;
    if (c != NULL) {
        own.idle = c->next;
        own.idle_count--;
        return c;
    }
    c = calloc(1, sizeof *c);
    if (c == NULL || (c->memory = arena_new(CALL_MEMORY_LIMIT)) == NULL)
        no_memory();
    plugin_call_init(&c->steps);
    c->steps.on_progress = on_progress;
    return c;
}

static void drop_bodies(child_call *c) {
    for (kept *k = c->bodies, *next; k != NULL; k = next) {
        next = k->next;
        free(k);
    }
    c->bodies = NULL;
}

static void call_free(child_call *c) {
    plugin_call_free(&c->steps);
    arena_free(c->memory);
    free(c->fields);
    free(c);
}

static void leave_job(child_call *c) {
    if (c->job == NULL)
        return;
    c->job->owner = NULL;
    session_job_leave(c->job);
    c->job = NULL;
}

static void call_give_back(child_call *c) {
    c->side->slots[c->slot] = NULL;
    leave_job(c);
    plugin_call_reset(&c->steps);
    drop_bodies(c);
    arena_reset(c->memory);
    if (own.idle_count >= IDLE_MAX) {
        call_free(c);
        return;
    }
    c->next = own.idle;
    own.idle = c;
    own.idle_count++;
}

static child_call *call_at(const side *s, const frame *f) {
    child_call *c = f->head.slot < s->slot_cap ? s->slots[f->head.slot] : NULL;
    return c != NULL && c->turn == f->head.turn ? c : NULL;
}

static void slot_put(side *s, child_call *c) {
    if (c->slot >= s->slot_cap) {
        uint32_t cap = s->slot_cap == 0 ? 64 : s->slot_cap;
        while (cap <= c->slot)
            cap *= 2;
        child_call **grown = realloc(s->slots, cap * sizeof(child_call *));
        if (grown == NULL)
            no_memory();
        memset(grown + s->slot_cap, 0, (cap - s->slot_cap) * sizeof(child_call *));
        s->slots = grown;
        s->slot_cap = cap;
    }
    s->slots[c->slot] = c;
}

/* --- steps ---------------------------------------------------------------------------------------------- */

static void answer(child_call *c, plugin_outcome outcome) {
    if (c->is_said && outcome == PLUGIN_SEND) /* else the call ends */
        message_progress(&c->side->out, c->slot, c->turn, &c->said);
    c->is_said = false;
    message_answer(&c->side->out, c->slot, c->turn, &c->steps, outcome);
    if (outcome != PLUGIN_SEND)
        call_give_back(c);
}

/* --- session operations ------------------------------------------------------------------------------------
 */

/* On a thread of the pool's. */
static void hand_over(session_job *job, bool runs) {
    ended_job *e = malloc(sizeof *e);
    if (e == NULL)
        no_memory();
    e->job = job;
    e->runs = runs;
    pthread_mutex_lock(&own.lock);
    e->next = own.ended;
    own.ended = e;
    pthread_mutex_unlock(&own.lock);
    uint64_t one = 1;
    (void)!write(own.wake, &one, sizeof one);
}

static void on_ran(session_job *job) {
    hand_over(job, false);
}

static bool on_said(session_job *job) {
    hand_over(job, true);
    return true;
}

static void flush(side *s);

static void tell_ended(const ended_job *e) {
    child_call *c = e->job->owner;
    side *s = c->side;
    plugin_progress said;
    if (!e->runs) {
        message_ran(&s->out, c->slot, c->turn, e->job);
        call_give_back(c);
    } else if (session_job_progress(e->job, &said)) {
        message_progress(&s->out, c->slot, c->turn, &said);
    }
    flush(s);
}

static void take_ended(bool tell) {
    uint64_t count;
    (void)!read(own.wake, &count, sizeof count);
    pthread_mutex_lock(&own.lock);
    ended_job *list = own.ended;
    own.ended = NULL;
    pthread_mutex_unlock(&own.lock);
    for (ended_job *e = list, *next; e != NULL; e = next) {
        next = e->next;
        if (e->job->owner != NULL && tell) /* else the call has left */
            tell_ended(e);
        session_job_unref(e->job);
        free(e);
    }
}

/* Of the pool's own start: it has no memory for a job, and says so as if the line were full. */
static void run(child_call *c, frame *f, uint64_t deadline_ns) {
    bb_str input = frame_get_str(f), cursor = frame_get_str(f);
    c->job = session_job_new(c->op, input, cursor, "", deadline_ns);
    if (c->job == NULL)
        no_memory();
    c->job->done = on_ran;
    c->job->progressed = on_said;
    c->job->owner = c;
    session_submit(own.sessions, c->job);
}

bool serve_sessions(const session_setup *setup) {
    own.sessions = session_pool_new(setup);
    return own.sessions != NULL;
}

#define SESSIONS_END_MS 1000u

static void end_sessions(void) {
    if (own.sessions == NULL)
        return;
    session_pool_retire(own.sessions, NULL, NULL);
    if (!session_pool_wait(own.sessions, SESSIONS_END_MS))
        _exit(0); /* a function that does not come back uses all of this still */
    take_ended(false);
    session_pool_free(own.sessions);
}

/* --- steps, on
 * ----------------------------------------------------------------------------------------------- */

static bool prepare(child_call *c, frame *f, uint64_t deadline_ns) {
    plugin_call *s = &c->steps;
    bb_str input = frame_get_str(f), cursor = frame_get_str(f);
    const plugin_module *m = own.instance->module;
    plugin_call_reset(s);
    s->memory = c->memory;
    s->relayed = true;
    s->base_url = own.base_url;
    s->plugin_id = m->desc->id;
    s->connection_id = own.instance->abi.id;
    s->execution_id = "";
    s->build = m->build;
    s->deadline_ns = deadline_ns;
    uint32_t state_size = c->op->desc->state_size;
    bb_str text = arena_copy(c->memory, input);
    s->abi = (bb_call){
        .size = sizeof s->abi,
        .host = host_get(),
        .instance = own.instance->ptr,
        .input = (const bb_json *)(text.ptr != NULL ? json_read(c->memory, text, NULL, NULL) : NULL),
        .cursor = cursor.ptr != NULL ? arena_copy(c->memory, cursor) : cursor,
        .state = state_size > 0 ? arena_zalloc(c->memory, state_size) : NULL,
    };
    if (!message_take_content(f, s))
        return false;
    return s->abi.input != NULL && (state_size == 0 || s->abi.state != NULL);
}

static void fail_memory(child_call *c) {
    c->steps.error = (plugin_error){.code = BB_E_NO_MEMORY,
                                    .message = STR("no memory for the call in the connector's process")};
    answer(c, PLUGIN_FAILED);
}

static void start(side *s, frame *f) {
    child_call *c = call_take();
    c->side = s;
    c->slot = f->head.slot;
    c->turn = f->head.turn;
    slot_put(s, c);
    uint32_t op = frame_get_u32(f);
    uint64_t deadline_ns = frame_get_u64(f);
    if (f->bad || op >= own.instance->module->op_count)
        _exit(CHILD_NO_START);
    c->op = &own.instance->module->ops[op];
    if (c->op->session != NULL)
        run(c, f, deadline_ns);
    else if (prepare(c, f, deadline_ns))
        answer(c, plugin_start(&c->steps, c->op->desc));
    else
        fail_memory(c);
}

/* --- webhooks --------------------------------------------------------------------------------------------
 */

static const bb_webhook_scheme *scheme_at(uint32_t number) {
    const bb_webhook_extension *e = own.instance->module->webhooks;
    for (uint32_t i = 0; e != NULL && e->schemes[i] != NULL; i++)
        if (i == number)
            return e->schemes[i];
    return NULL;
}

static bool verify(child_call *c, frame *f, const bb_webhook_scheme *scheme) {
    plugin_call *s = &c->steps;
    bb_webhook_request request;
    bb_webhook_sample sample;
    plugin_webhook said = {.scheme = scheme, .request = &request};
    bool instance;
    plugin_call_reset(s);
    s->memory = c->memory;
    s->relayed = true;
    s->plugin_id = own.instance->module->desc->id;
    s->connection_id = own.instance->abi.id;
    s->execution_id = "";
    s->build = own.instance->module->build;
    s->abi = (bb_call){.size = sizeof s->abi, .host = host_get()};
    if (!message_take_verify(f, s, &request, &sample, &instance))
        return false;
    s->abi.instance = instance ? own.instance->ptr : NULL;
    said.settings = instance ? own.instance->settings : NULL;
    s->webhook = &said;
    plugin_made made;
    if (sample.size > 0) {
        said.sample = &sample;
        said.made = &made;
    }
    if (sample.size > 0 && !plugin_can_sign(scheme))
        _exit(CHILD_NO_START);
    plugin_outcome outcome = sample.size > 0 ? plugin_sign_sample(s) : plugin_verify(s);
    if (outcome == PLUGIN_DONE)
        message_verified(&c->side->out, c->slot, c->turn, s);
    else
        message_answer(&c->side->out, c->slot, c->turn, s, PLUGIN_FAILED);
    s->webhook = NULL; /* it was this function's */
    call_give_back(c);
    return true;
}

static void start_verify(side *s, frame *f) {
    child_call *c = call_take();
    c->side = s;
    c->slot = f->head.slot;
    c->turn = f->head.turn;
    slot_put(s, c);
    const bb_webhook_scheme *scheme = scheme_at(frame_get_u32(f));
    if (f->bad || scheme == NULL)
        _exit(CHILD_NO_START);
    if (!verify(c, f, scheme))
        fail_memory(c);
}

/* The frame's bytes for as long as the call lasts. */
static bool keep(child_call *c, frame *f) {
    size_t n = (size_t)(f->end - f->at);
    kept *k = malloc(sizeof *k + n + 1);
    if (k == NULL)
        return false;
    memcpy(k->bytes, f->at, n);
    k->bytes[n] = '\0';
    k->next = c->bodies;
    c->bodies = k;
    f->at = k->bytes;
    f->end = k->bytes + n;
    return true;
}

static bool read_fields(child_call *c, frame *f, uint32_t n) {
    if (n > c->field_cap) {
        str_pair *grown = realloc(c->fields, n * sizeof *grown);
        if (grown == NULL)
            return false;
        c->fields = grown;
        c->field_cap = n;
    }
    for (uint32_t i = 0; i < n; i++) {
        c->fields[i].name = frame_get_str(f);
        c->fields[i].value = frame_get_str(f);
    }
    return true;
}

static void resume(child_call *c, frame *f) {
    if (!keep(c, f)) {
        fail_memory(c);
        return;
    }
    int32_t status = (int32_t)frame_get_u32(f);
    uint32_t n = frame_get_u32(f);
    if (!read_fields(c, f, n)) {
        fail_memory(c);
        return;
    }
    c->steps.answer = (plugin_answer){
        .status = status, .headers = c->fields, .header_count = n, .body = frame_get_str(f)};
    if (!message_take_passed(f, &c->steps)) {
        fail_memory(c);
        return;
    }
    answer(c, plugin_resume(&c->steps, c->op->desc));
}

/* Nothing to be told is an output that nobody reads. */
static void abandon(child_call *c, frame *f) {
    bb_code why = (bb_code)frame_get_u32(f);
    uint64_t deadline_ns = frame_get_u64(f);
    if (f->bad || c->op->abandon == NULL)
        _exit(CHILD_NO_START);
    plugin_abandon_begin(&c->steps, deadline_ns);
    atomic_store_explicit(&c->steps.cancelled, 1, memory_order_relaxed);
    plugin_outcome outcome = plugin_abandon(&c->steps, c->op, why);
    if (outcome == PLUGIN_DONE) {
        c->steps.output_kind = PLUGIN_OUT_TEXT;
        c->steps.output = STR("null");
    }
    answer(c, outcome);
}

static void take_frame(side *s, frame *f) {
    bool begins = f->head.kind == FRAME_START || f->head.kind == FRAME_VERIFY;
    child_call *c = begins ? NULL : call_at(s, f);
    if (f->head.kind == FRAME_START)
        start(s, f);
    else if (begins)
        start_verify(s, f);
    else if (c != NULL && f->head.kind == FRAME_RESUME)
        resume(c, f);
    else if (c != NULL && f->head.kind == FRAME_ABANDON)
        abandon(c, f);
    else if (c != NULL && f->head.kind == FRAME_LEAVE)
        call_give_back(c);
}

bool serve_log(bb_call *call, uint32_t level, bb_str text) {
    child_call *c = (child_call *)plugin_call_of(call);
    if (!c->steps.relayed) /* a session's, on another thread */
        return false;
    size_t at = frame_begin(&c->side->out, FRAME_LOG, c->slot, c->turn);
    frame_u32(&c->side->out, level);
    frame_str(&c->side->out, text);
    frame_end(&c->side->out, at);
    return true;
}

/* --- sockets -------------------------------------------------------------------------------------------- */

static void want(side *s, bool write) {
    if (s->polls_write == write)
        return;
    s->polls_write = write;
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0), .data.ptr = s};
    epoll_ctl(own.epoll, EPOLL_CTL_MOD, s->fd, &event);
}

static void flush(side *s) {
    if (s->out.failed)
        no_memory();
    while (s->fd >= 0 && s->out_at < s->out.len) {
        ssize_t n = send(s->fd, s->out.ptr + s->out_at, s->out.len - s->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            want(s, true);
            return;
        }
        if (n < 0)
            break; /* the loop has let go; the others go on */
        s->out_at += (size_t)n;
    }
    buf_clear(&s->out);
    s->out_at = 0;
    if (s->out.cap > KEEP_MAX)
        buf_free(&s->out);
    if (s->fd >= 0)
        want(s, false);
}

static void take_frames(side *s) {
    size_t at = 0, size;
    uint64_t since = clock_ns();
    frame f;
    while (frame_read(str_of(s->in.ptr + at, s->in.len - at), FRAME_MAX_FROM_HUB, &f, &size) == FRAME_WHOLE) {
        take_frame(s, &f);
        at += size;
        uint64_t now = clock_ns();
        if (now - since > ANSWER_WITHIN_NS && !s->polls_write) {
            flush(s);
            since = now;
        }
    }
    s->in.len -= at;
    if (at > 0 && s->in.len > 0)
        memmove(s->in.ptr, s->in.ptr + at, s->in.len);
    if (s->in.len == 0 && s->in.cap > KEEP_MAX)
        buf_free(&s->in);
}

/* The loop has let go of the connection: what it had begun is over. */
static void close_side(side *s) {
    for (uint32_t i = 0; i < s->slot_cap; i++)
        if (s->slots[i] != NULL)
            call_give_back(s->slots[i]);
    epoll_ctl(own.epoll, EPOLL_CTL_DEL, s->fd, NULL);
    close(s->fd);
    s->fd = -1;
}

static void take_input(side *s) {
    if (!buf_reserve(&s->in, READ_STEP))
        no_memory();
    ssize_t n = recv(s->fd, s->in.ptr + s->in.len, s->in.cap - s->in.len, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (n <= 0) {
        close_side(s);
        return;
    }
    s->in.len += (size_t)n;
    take_frames(s);
    if (!s->polls_write)
        flush(s);
}

static bool watch(int fd, void *what) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    return epoll_ctl(own.epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void free_all(void) {
    for (unsigned i = 0; i < own.side_count; i++) {
        side *s = &own.sides[i];
        if (s->fd >= 0)
            close_side(s);
        buf_free(&s->in);
        buf_free(&s->out);
        free(s->slots);
    }
    for (child_call *c = own.idle, *next; c != NULL; c = next) {
        next = c->next;
        call_free(c);
    }
    free(own.sides);
}

/* Whatever comes on the control socket is the end: FRAME_STOP, or the hub's own. */
static void serve_all(void) {
    struct epoll_event events[16];
    for (;;) {
        int n = epoll_wait(own.epoll, events, 16, -1);
        for (int i = 0; i < n; i++) {
            side *s = events[i].data.ptr;
            if (s == NULL)
                return;
            if (events[i].data.ptr == &own.wake) {
                take_ended(true);
                continue;
            }
            if ((events[i].events & EPOLLOUT) != 0 && s->fd >= 0)
                flush(s);
            if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0 && s->fd >= 0)
                take_input(s);
        }
    }
}

void serve(plugin_instance *instance, bb_str base_url) {
    own.instance = instance;
    own.base_url = base_url;
    serve_all();
    for (unsigned i = 0; i < own.side_count; i++)
        if (own.sides[i].fd >= 0)
            close_side(&own.sides[i]);
    end_sessions();
    free_all();
}

bool serve_open(unsigned loops) {
    own.epoll = epoll_create1(EPOLL_CLOEXEC);
    own.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    own.sides = calloc(loops, sizeof *own.sides);
    own.side_count = loops;
    bool ok = own.epoll >= 0 && own.wake >= 0 && own.sides != NULL && watch(CHILD_CONTROL, NULL) &&
              watch(own.wake, &own.wake);
    for (unsigned i = 0; ok && i < loops; i++) {
        own.sides[i].fd = CHILD_FIRST_LOOP + (int)i;
        ok = watch(own.sides[i].fd, &own.sides[i]);
    }
    return ok;
}
