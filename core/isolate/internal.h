/* internal.h - what supervisor (its thread) and links (loops) share. */
#ifndef ISOLATE_INTERNAL_H
#define ISOLATE_INTERNAL_H

#include "isolate/frame.h"
#include "isolate/isolate.h"
#include "plugin/host_webhook.h"

#include <pthread.h>
#include <stdatomic.h>

typedef enum {
    ISOLATE_STARTING, /* a process runs, and has not said that it is ready */
    ISOLATE_RUNNING,
    ISOLATE_BACKOFF, /* none runs; one will */
    ISOLATE_IS_OFF,  /* none will */
    ISOLATE_ENDING   /* released */
} isolate_state;

/* A call that is with the process. */
typedef struct link_slot {
    isolate_call *call; /* NULL: free, or left */
    uint32_t turn;
    uint32_t next_free;
} link_slot;

/* A loop's socket to one process; with the next process comes a new link. The loop's own. */
typedef struct isolate_link {
    isolated *of;
    loop *on;
    unsigned number; /* the loop's */
    uint64_t incarnation;
    int fd; /* -1: silent or given up */
    uv_poll_t poll;
    uv_prepare_t flush;
    uv_timer_t watch;
    unsigned open; /* handles not closed yet */
    bool polls_write, reading, over;
    buf in, out;
    size_t out_at; /* written already */
    link_slot *slots;
    uint32_t slot_count, slot_cap, free_slot; /* free_slot: number + 1; 0: none */
    unsigned working;                         /* steps that are awaited */
} isolate_link;

/* What a loop has of one connection. The loop's own but for `on`, which is guarded by the lock. */
typedef struct isolate_side {
    loop *on; /* NULL: not yet, or not any more: nothing is posted to it */
    isolate_link *link;
    isolate_call *waiting, **waiting_end;
    bool closed;
    _Atomic(uint64_t) round_trips;
} isolate_side;

/* Between the last of its sockets and its end. */
#define ISOLATE_SILENT_MS 250u

struct isolated {
    _Atomic(unsigned) refs; /* the connection's, the supervisor's, a link's, a post's */
    isolates *all;
    unsigned loops;
    isolate_limits limits;
    char connection[65], plugin[65], version[33], sha256[65];
    bb_str base_url;
    buf setup;                  /* the frame that a process begins with */
    _Atomic(uint64_t) alive_ms; /* monotonic: when it last said anything */

    pthread_mutex_t lock; /* guards from here */
    pthread_cond_t changed;
    isolate_state state;
    uint64_t incarnation; /* of the process that runs, or ran last */
    uint64_t ended;       /* incarnation of the one that ended last */
    bool released;
    bool settled;                     /* the first one is ready or has failed */
    char why[512];                    /* how it ended, or what it refused */
    char blame[256];                  /* why the hub has killed it */
    uint64_t again_ms;                /* monotonic, in BACKOFF */
    int pid, pidfd;                   /* -1: none */
    int fds[LOOP_MAX];                /* the hub's ends that no loop has taken; -1 */
    uint64_t restarts, cpu_ms_before; /* counts; CPU time of those that have ended */

    /* the supervisor's own */
    struct isolated *next;
    struct process *process;
    uv_timer_t timer; /* until it is started again, or its time to begin or end is over */
    bool timer_open, wanted_off, revived;
    unsigned backoff_ms;
    uint64_t window_since_ms; /* of the crash loop */
    unsigned window_ends;
    _Atomic(bool) worked; /* it has answered a call since it was started */
    isolate_side sides[];
};

void isolated_ref(isolated *i);
void isolated_unref(isolated *i);

/* Kills the process because of what it does; `why` continues "the connector's process ...". [any-thread] */
__attribute__((format(printf, 3, 4))) void isolate_kill(isolated *i, uint64_t incarnation, const char *format,
                                                        ...);

/* link.c: what the supervisor posts to the loops after each change; `arg` is an isolated, with a reference.
 */
void isolate_changed(loop *l, void *arg);
/* Tells all loops that have calls of it. With the lock held. */
void isolate_tell(isolated *i);

/* message.c: what passes, as a plugin_call has it. */
void message_start(buf *out, uint32_t slot, uint32_t turn, uint32_t op, const plugin_call *c);
void message_resume(buf *out, uint32_t slot, uint32_t turn, const plugin_call *c);
void message_abandon(buf *out, uint32_t slot, uint32_t turn, bb_code why, uint64_t deadline_ns);
/* The child's answer, by what its step came to. */
void message_answer(buf *out, uint32_t slot, uint32_t turn, const plugin_call *c, plugin_outcome outcome);
/* How far the child's steps, or a session operation, say they are. False: it is no proper frame. */
void message_progress(buf *out, uint32_t slot, uint32_t turn, const plugin_progress *p);
bool message_take_progress(frame *f, plugin_progress *p);
/* How a session operation ended, and that for the hub. */
void message_ran(buf *out, uint32_t slot, uint32_t turn, const session_job *job);
bool message_take_ran(frame *f, session_job *job, plugin_outcome *out);
/* Has the hub's own plugin_call say what the frame says, checked as if a connector said it within the hub.
 * False: it is no proper answer. */
bool message_take(frame *f, plugin_call *c, plugin_outcome *out);

/* message_webhook.c: a webhook as its scheme sees it, and what that says; or a sample that it is to sign. */
void message_verify(buf *out, uint32_t slot, uint32_t turn, uint32_t scheme, bool instance,
                    const plugin_call *c);
/* The request, in c->memory, and c->abi.input; or sample->size > 0. False: no memory, or no proper frame. */
bool message_take_verify(frame *f, plugin_call *c, bb_webhook_request *request, bb_webhook_sample *sample,
                         bool *instance);
void message_verified(buf *out, uint32_t slot, uint32_t turn, const plugin_call *c);
bool message_take_verified(frame *f, plugin_call *c);

/* message_content.c: the parts of these frames that tell of a call's content. */
void message_put_content(buf *out, const plugin_call *c); /* start */
bool message_take_content(frame *f, plugin_call *c);
void message_put_passed(buf *out, const plugin_call *c); /* resume */
bool message_take_passed(frame *f, plugin_call *c);
void message_put_said(buf *out, const plugin_call *c); /* each answer of the child's */
bool message_take_said(frame *f, plugin_call *c);
void message_put_range(buf *out, const plugin_request *r); /* a request */
bool message_take_range(frame *f, plugin_call *c);

#endif
