/* Slots over several loops: never more than the cap, nobody forgotten, and a cancel at every point. */
#include <busbar/busbar.h>

#include "limit/slots.h"

#include "limit/crew.h"

#include <semaphore.h>

#define LOOPS 4u

static void slots_fresh(slots *s) {
    slots_init(s);
    ck_assert_uint_eq(atomic_load(&s->used), 0);
}

START_TEST(taken_up_to_the_cap) {
    slots s;
    slots_fresh(&s);
    for (int i = 0; i < 3; i++)
        ck_assert(slots_take(&s, 3));
    ck_assert(!slots_take(&s, 3));
    ck_assert(slots_take(&s, 4));  /* a cap that grew */
    ck_assert(!slots_take(&s, 1)); /* or shrank */
    slots_give(&s);
    ck_assert(!slots_take(&s, 3));
    slots_give(&s);
    ck_assert(slots_take(&s, 3));
    for (int i = 0; i < 3; i++)
        slots_give(&s);
    ck_assert_uint_eq(atomic_load(&s.used), 0);
    slots_destroy(&s);
}
END_TEST

START_TEST(no_cap_counts) {
    slots s;
    slots_fresh(&s);
    for (int i = 0; i < 1000; i++)
        ck_assert(slots_take(&s, 0));
    ck_assert_uint_eq(atomic_load(&s.used), 1000);
    for (int i = 0; i < 1000; i++)
        slots_give(&s);
    ck_assert_uint_eq(atomic_load(&s.used), 0);
    slots_destroy(&s);
}
END_TEST

/* --- on one loop, step by step ----------------------------------------------------------------------------
 */

/* A loop that the test stops and lets go: what is posted while it stands still is on its way. */
typedef struct stage {
    loop *l;
    slots s;
    sem_t stands, go;
    unsigned got[16], count; /* who got a slot, in order; read while the loop stands */
} stage;

typedef struct waiter {
    stage *t;
    unsigned number;
    slot_wait *wait;
} waiter;

static void stand_still(loop *l, void *arg) {
    (void)l;
    stage *t = arg;
    sem_post(&t->stands);
    sem_wait(&t->go);
}

/* From here on the loop's thread waits, and the test may act in its place. */
static void stop_loop(stage *t) {
    ck_assert(loop_post(t->l, stand_still, t));
    sem_wait(&t->stands);
}

/* Lets it do all that was posted, and stops it again. */
static void let_go(stage *t) {
    ck_assert(loop_post(t->l, stand_still, t));
    sem_post(&t->go);
    sem_wait(&t->stands);
}

static void stage_open(stage *t) {
    *t = (stage){.l = loop_new(0)};
    ck_assert_ptr_nonnull(t->l);
    slots_init(&t->s);
    sem_init(&t->stands, 0, 0);
    sem_init(&t->go, 0, 0);
    ck_assert(loop_start(t->l));
    stop_loop(t);
}

static void stage_close(stage *t) {
    sem_post(&t->go);
    loop_join(t->l);
    loop_free(t->l);
    ck_assert_uint_eq(atomic_load(&t->s.used), 0);
    ck_assert_uint_eq(atomic_load(&t->s.waiting), 0);
    ck_assert_ptr_null(t->s.first);
    ck_assert_ptr_eq(t->s.end, &t->s.first);
    slots_destroy(&t->s);
    sem_destroy(&t->stands);
    sem_destroy(&t->go);
}

static void on_got(void *ctx) {
    waiter *w = ctx;
    w->wait = NULL;
    w->t->got[w->t->count++] = w->number;
}

static void wait_for(stage *t, waiter *w, unsigned number, uint32_t cap) {
    *w = (waiter){.t = t, .number = number};
    w->wait = slots_wait(&t->s, cap, t->l, on_got, w);
    ck_assert_ptr_nonnull(w->wait);
}

static void cancel(waiter *w) {
    slots_cancel(w->wait);
    w->wait = NULL;
}

START_TEST(those_who_wait_are_served_in_line) {
    stage t;
    waiter w[5];
    stage_open(&t);
    ck_assert(slots_take(&t.s, 1));
    for (unsigned i = 0; i < 5; i++)
        wait_for(&t, &w[i], i, 1);
    let_go(&t);
    ck_assert_uint_eq(t.count, 0);
    for (unsigned i = 0; i < 5; i++) {
        slots_give(&t.s);
        ck_assert(!slots_take(&t.s, 1)); /* it is the waiter's already */
        ck_assert_uint_eq(t.count, i);   /* never from within */
        let_go(&t);
        ck_assert_uint_eq(t.count, i + 1);
        ck_assert_uint_eq(t.got[i], i);
    }
    slots_give(&t.s);
    stage_close(&t);
}
END_TEST

START_TEST(a_free_slot_comes_at_once_but_not_from_within) {
    stage t;
    waiter w;
    stage_open(&t);
    wait_for(&t, &w, 7, 1);
    ck_assert_uint_eq(t.count, 0);
    ck_assert_uint_eq(atomic_load(&t.s.used), 1);
    let_go(&t);
    ck_assert_uint_eq(t.count, 1);
    slots_give(&t.s);
    stage_close(&t);
}
END_TEST

/* Which of five is cancelled, while all are in line; the others are served in their order. */
START_TEST(cancelled_in_line) {
    for (unsigned gone = 0; gone < 5; gone++) {
        stage t;
        waiter w[5];
        stage_open(&t);
        ck_assert(slots_take(&t.s, 1));
        for (unsigned i = 0; i < 5; i++)
            wait_for(&t, &w[i], i, 1);
        cancel(&w[gone]);
        ck_assert_uint_eq(atomic_load(&t.s.waiting), 4);
        waiter late;
        wait_for(&t, &late, 5, 1); /* the end of the line still holds */
        for (unsigned i = 0, next = 0; i < 5; i++, next++) {
            next += next == gone;
            slots_give(&t.s);
            let_go(&t);
            ck_assert_uint_eq(t.count, i + 1);
            ck_assert_uint_eq(t.got[i], next);
        }
        slots_give(&t.s);
        stage_close(&t);
    }
}
END_TEST

START_TEST(cancelled_while_the_slot_is_on_its_way) {
    stage t;
    waiter first, second, third;
    stage_open(&t);
    ck_assert(slots_take(&t.s, 1));
    wait_for(&t, &first, 1, 1);
    wait_for(&t, &second, 2, 1);
    wait_for(&t, &third, 3, 1);
    slots_give(&t.s); /* on its way to the first */
    cancel(&first);   /* then to the second */
    cancel(&second);  /* then to the third */
    ck_assert_uint_eq(atomic_load(&t.s.used), 1);
    let_go(&t);
    ck_assert_uint_eq(t.count, 1);
    ck_assert_uint_eq(t.got[0], 3);
    slots_give(&t.s);
    wait_for(&t, &first, 1, 1);
    cancel(&first); /* on its way with nobody behind */
    ck_assert_uint_eq(atomic_load(&t.s.used), 0);
    let_go(&t);
    ck_assert_uint_eq(t.count, 1);
    stage_close(&t);
}
END_TEST

/* Connections that share a credential may have caps of their own: the first in line has the first word. */
START_TEST(different_caps) {
    stage t;
    waiter tight, wide;
    stage_open(&t);
    ck_assert(slots_take(&t.s, 3) && slots_take(&t.s, 3) && slots_take(&t.s, 3));
    wait_for(&t, &tight, 1, 1);
    wait_for(&t, &wide, 2, 3);
    slots_give(&t.s);
    slots_give(&t.s);
    let_go(&t);
    ck_assert_uint_eq(t.count, 0);
    slots_give(&t.s);
    let_go(&t);
    ck_assert_uint_eq(t.count, 2);
    ck_assert_uint_eq(t.got[0], 1);
    ck_assert_uint_eq(t.got[1], 2);
    slots_give(&t.s);
    slots_give(&t.s);
    stage_close(&t);
}
END_TEST

/* The first in line leaves, and the next one's cap has room: it must not wait for a slot to be given. */
START_TEST(a_cancel_lets_the_next_one_through) {
    stage t;
    waiter tight, wide;
    stage_open(&t);
    ck_assert(slots_take(&t.s, 1));
    wait_for(&t, &tight, 1, 1);
    wait_for(&t, &wide, 2, 2);
    let_go(&t);
    ck_assert_uint_eq(t.count, 0);
    cancel(&tight);
    let_go(&t);
    ck_assert_uint_eq(t.count, 1);
    ck_assert_uint_eq(t.got[0], 2);
    slots_give(&t.s);
    slots_give(&t.s);
    stage_close(&t);
}
END_TEST

/* --- many loops and threads
 * --------------------------------------------------------------------------------- */

#define CALLS 1000u /* of each loop */
#define AT_ONCE 24u /* of each loop */

typedef struct field field;

typedef struct driver {
    field *f;
    loop *l;
    uint64_t random;
    unsigned started, ended, served, cancelled, outside;
} driver;

typedef struct driver_call {
    driver *r;
    slot_wait *wait;
    bool holds;
    unsigned steps; /* loop turns that it holds its slot, or waits before it is cancelled */
} driver_call;

struct field {
    slots s;
    uint32_t cap;
    _Atomic(uint32_t) held, most;
    driver drivers[LOOPS];
    sem_t done;
};

static void hold(driver_call *c) {
    field *f = c->r->f;
    uint32_t held = atomic_fetch_add(&f->held, 1) + 1, most = atomic_load(&f->most);
    while (held > most && !atomic_compare_exchange_weak(&f->most, &most, held)) {
    }
    c->holds = true;
    c->steps = (unsigned)between(&c->r->random, 0, 3);
}

static void let_loose(driver_call *c) {
    atomic_fetch_sub(&c->r->f->held, 1);
    c->holds = false;
    slots_give(&c->r->f->s);
}

static void on_slot(void *ctx) {
    driver_call *c = ctx;
    c->wait = NULL;
    c->r->served++;
    if (!loop_is_current(c->r->l))
        c->r->outside++;
    hold(c);
}

static void begin(driver_call *c) {
    driver *r = c->r;
    r->started++;
    if (slots_take(&r->f->s, r->f->cap)) {
        hold(c);
        return;
    }
    c->wait = slots_wait(&r->f->s, r->f->cap, r->l, on_slot, c);
    /* one in three is cancelled: at once, or some turns later, in line or with the slot on its way */
    c->steps = chance(&r->random) % 3 == 0 ? (unsigned)between(&r->random, 0, 4) : 1000000;
    if (c->wait != NULL && c->steps == 0) {
        slots_cancel(c->wait);
        c->wait = NULL;
        r->cancelled++;
    }
}

/* One turn of one call: it ends what is due, and is posted again until its driver has begun all it shall. */
static void step(loop *l, void *arg) {
    driver_call *c = arg;
    driver *r = c->r;
    if (c->wait != NULL && c->steps-- == 0) {
        slots_cancel(c->wait);
        c->wait = NULL;
        r->cancelled++;
    } else if (c->holds && c->steps-- == 0) {
        let_loose(c);
    }
    if (c->wait == NULL && !c->holds) {
        if (r->started >= CALLS) {
            if (++r->ended == AT_ONCE)
                sem_post(&r->f->done);
            return;
        }
        begin(c);
    }
    loop_post(l, step, c);
}

static void run_field(uint32_t cap, uint64_t seed) {
    static field f;
    static driver_call calls[LOOPS][AT_ONCE];
    f = (field){.cap = cap};
    slots_init(&f.s);
    sem_init(&f.done, 0, 0);
    for (unsigned i = 0; i < LOOPS; i++) {
        f.drivers[i] = (driver){.f = &f, .l = loop_new(i), .random = seed * LOOPS + i};
        ck_assert(loop_start(f.drivers[i].l));
    }
    for (unsigned i = 0; i < LOOPS; i++) {
        for (unsigned k = 0; k < AT_ONCE; k++) {
            calls[i][k] = (driver_call){.r = &f.drivers[i]};
            ck_assert(loop_post(f.drivers[i].l, step, &calls[i][k]));
        }
    }
    for (unsigned i = 0; i < LOOPS; i++)
        sem_wait(&f.done); /* a forgotten one would hang here, until Check's time limit */
    unsigned served = 0, cancelled = 0;
    for (unsigned i = 0; i < LOOPS; i++) {
        loop_join(f.drivers[i].l);
        loop_free(f.drivers[i].l);
        served += f.drivers[i].served;
        cancelled += f.drivers[i].cancelled;
        ck_assert_uint_eq(f.drivers[i].outside, 0);
    }
    ck_assert_uint_le(atomic_load(&f.most), cap);
    ck_assert_uint_eq(atomic_load(&f.held), 0);
    ck_assert_uint_eq(atomic_load(&f.s.used), 0);
    ck_assert_uint_eq(atomic_load(&f.s.waiting), 0);
    ck_assert_ptr_null(f.s.first);
    ck_assert_uint_gt(served, 0);
    ck_assert_uint_gt(cancelled, 0);
    slots_destroy(&f.s);
    sem_destroy(&f.done);
}

START_TEST(four_loops_share_slots) {
    static const uint32_t caps[] = {1, 2, 3, 7, 20};
    for (unsigned i = 0; i < 5; i++)
        run_field(caps[i], i);
}
END_TEST

/* Eight threads that only take and give, as fast as they can. */
static void *take_and_give(void *arg) {
    field *f = ((hand *)arg)->shared;
    for (int i = 0; i < 20000; i++) {
        if (!slots_take(&f->s, f->cap))
            continue;
        uint32_t held = atomic_fetch_add(&f->held, 1) + 1, most = atomic_load(&f->most);
        while (held > most && !atomic_compare_exchange_weak(&f->most, &most, held)) {
        }
        atomic_fetch_sub(&f->held, 1);
        slots_give(&f->s);
    }
    return NULL;
}

START_TEST(eight_threads_never_hold_more_than_the_cap) {
    for (uint32_t cap = 1; cap <= 7; cap++) {
        field f = {.cap = cap};
        slots_init(&f.s);
        crew_run(take_and_give, &f, cap);
        ck_assert_uint_le(atomic_load(&f.most), cap);
        ck_assert_uint_gt(atomic_load(&f.most), 0);
        ck_assert_uint_eq(atomic_load(&f.s.used), 0);
        slots_destroy(&f.s);
    }
}
END_TEST

/* Loops that wait in line, and at the same time threads that give: the last one given must reach who waits.
 */
typedef struct handover {
    slots s;
    loop *l;
    sem_t served;
    slot_wait *wait;
} handover;

static void handed(void *ctx) {
    sem_post(&((handover *)ctx)->served);
}

static void ask_for_it(loop *l, void *arg) {
    handover *h = arg;
    h->wait = slots_wait(&h->s, 1, l, handed, h);
}

START_TEST(a_slot_given_while_one_begins_to_wait_is_not_lost) {
    handover h = {.l = loop_new(0)};
    slots_init(&h.s);
    sem_init(&h.served, 0, 0);
    ck_assert(loop_start(h.l));
    for (int i = 0; i < 5000; i++) {
        ck_assert(slots_take(&h.s, 1));
        ck_assert(loop_post(h.l, ask_for_it, &h));
        slots_give(&h.s); /* before, while or after the other looks */
        sem_wait(&h.served);
        slots_give(&h.s);
    }
    loop_join(h.l);
    loop_free(h.l);
    ck_assert_uint_eq(atomic_load(&h.s.used), 0);
    slots_destroy(&h.s);
    sem_destroy(&h.served);
}
END_TEST

UNIT_MAIN(unit_test(taken_up_to_the_cap), unit_test(no_cap_counts),
          unit_test(those_who_wait_are_served_in_line),
          unit_test(a_free_slot_comes_at_once_but_not_from_within), unit_test(cancelled_in_line),
          unit_test(cancelled_while_the_slot_is_on_its_way), unit_test(different_caps),
          unit_test(a_cancel_lets_the_next_one_through), unit_test(four_loops_share_slots),
          unit_test(eight_threads_never_hold_more_than_the_cap),
          unit_test(a_slot_given_while_one_begins_to_wait_is_not_lost))
