#include "limit/slots.h"

#include <stdlib.h>

struct slot_wait {
    slot_wait *next;
    slots *slots;
    loop *loop;
    uint32_t cap;
    bool handed;    /* a slot is on its way: guarded by the lock */
    bool cancelled; /* the loop's own */
    void (*got)(void *ctx);
    void *ctx;
};

void slots_init(slots *s) {
    atomic_init(&s->used, 0);
    atomic_init(&s->waiting, 0);
    pthread_mutex_init(&s->lock, NULL);
    s->first = NULL;
    s->end = &s->first;
}

void slots_destroy(slots *s) {
    pthread_mutex_destroy(&s->lock);
}

bool slots_take(slots *s, uint32_t cap) {
    uint32_t used = atomic_load(&s->used);
    do {
        if (cap != 0 && used >= cap)
            return false;
    } while (!atomic_compare_exchange_weak(&s->used, &used, used + 1));
    return true;
}

/* On the waiter's loop. */
static void arrive(loop *l, void *arg) {
    (void)l;
    slot_wait *w = arg;
    if (!w->cancelled)
        w->got(w->ctx);
    free(w);
}

/* Hands free slots to those who wait; with the lock held. */
static void serve(slots *s) {
    while (s->first != NULL && slots_take(s, s->first->cap)) {
        slot_wait *w = s->first;
        s->first = w->next;
        if (s->first == NULL)
            s->end = &s->first;
        atomic_fetch_sub(&s->waiting, 1);
        w->handed = true;
        if (!loop_post(w->loop, arrive, w)) {
            atomic_fetch_sub(&s->used,
                             1); /* no memory: its call ends at its deadline, which cancels and frees */
            w->handed = false;
            w->next = w; /* not in line any more */
        }
    }
}

void slots_give(slots *s) {
    atomic_fetch_sub(&s->used, 1);
    if (atomic_load(&s->waiting) == 0)
        return;
    pthread_mutex_lock(&s->lock);
    serve(s);
    pthread_mutex_unlock(&s->lock);
}

slot_wait *slots_wait(slots *s, uint32_t cap, loop *l, void (*got)(void *ctx), void *ctx) {
    slot_wait *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    *w = (slot_wait){.slots = s, .loop = l, .cap = cap, .got = got, .ctx = ctx};
    pthread_mutex_lock(&s->lock);
    *s->end = w;
    s->end = &w->next;
    atomic_fetch_add(&s->waiting,
                     1); /* before the look at `used`: a slot given meanwhile is seen by one of us */
    serve(s);
    pthread_mutex_unlock(&s->lock);
    return w;
}

static void leave_line(slots *s, slot_wait *w) {
    if (w->next == w)
        return;
    slot_wait **at = &s->first;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    if (s->end == &w->next)
        s->end = at;
    atomic_fetch_sub(&s->waiting, 1);
}

void slots_cancel(slot_wait *w) {
    slots *s = w->slots;
    pthread_mutex_lock(&s->lock);
    bool handed = w->handed;
    if (!handed) {
        leave_line(s, w);
        serve(s); /* the next one's cap may have room where this one's had none */
    }
    pthread_mutex_unlock(&s->lock);
    if (!handed) {
        free(w);
        return;
    }
    w->cancelled = true; /* `arrive` frees it, and touches nothing else */
    slots_give(s);
}
