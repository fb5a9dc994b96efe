/* Single flight: of those who miss the same key at once one asks, and the others get its answer, its failure,
 * or its place. */
#include "cache/fixture.h"

#include "limit/crew.h"

#include <semaphore.h>
#include <stdlib.h>

/* --- on one loop, step by step
 * ------------------------------------------------------------------------------ */

/* A loop that the test stops and lets go: what is posted while it stands still is on its way. */
typedef struct stage {
    cache *c;
    loop *l;
    sem_t stands, go;
} stage;

static void stand_still(loop *l, void *arg) {
    (void)l;
    stage *t = arg;
    sem_post(&t->stands);
    sem_wait(&t->go);
}

/* Lets it do all that was posted, and stops it again; the test may act in its place meanwhile. */
static void let_go(stage *t) {
    ck_assert(loop_post(t->l, stand_still, t));
    sem_post(&t->go);
    sem_wait(&t->stands);
}

static void stage_open(stage *t) {
    *t = (stage){.c = cache_new(1 << 20), .l = loop_new(0)};
    ck_assert(t->c != NULL && t->l != NULL);
    sem_init(&t->stands, 0, 0);
    sem_init(&t->go, 0, 0);
    ck_assert(loop_start(t->l));
    ck_assert(loop_post(t->l, stand_still, t));
    sem_wait(&t->stands);
}

static void no_flights(cache *c) {
    for (unsigned i = 0; i < SHARDS; i++)
        ck_assert_ptr_null(c->shards[i].flights);
}

static void stage_close(stage *t) {
    sem_post(&t->go);
    loop_join(t->l);
    loop_free(t->l);
    no_flights(t->c);
    cache_free(t->c);
    sem_destroy(&t->stands);
    sem_destroy(&t->go);
}

/* One who asks, and how it ended for it. */
typedef struct asker {
    stage *t;
    cache_flight *lead;
    cache_wait *wait;
    unsigned ends;
    flight_end how;
    cache_entry *entry;
    cache_failure *failure;
} asker;

static void on_end(flight_end how, cache_entry *entry, cache_failure *failure, cache_flight *flight,
                   void *ctx) {
    asker *a = ctx;
    a->wait = NULL;
    a->ends++;
    a->how = how;
    a->entry = entry;
    a->failure = failure;
    a->lead = flight;
}

static bool join(stage *t, asker *a, const char *key) {
    *a = (asker){.t = t};
    bool leads = cache_join(t->c, str_from(key), cache_hash(t->c, str_from(key)), t->l, on_end, a, &a->lead,
                            &a->wait);
    ck_assert(leads == (a->lead != NULL));
    ck_assert(leads != (a->wait != NULL));
    return leads;
}

static void cancel(asker *a) {
    cache_wait_cancel(a->t->c, a->wait);
    a->wait = NULL;
}

static void done(asker *a) {
    cache_entry_drop(a->entry);
    cache_failure_drop(a->failure);
}

static void ended(const asker *a, flight_end how) {
    ck_assert_uint_eq(a->ends, 1);
    ck_assert_int_eq(a->how, how);
    ck_assert((a->entry != NULL) == (how == FLIGHT_FILLED));
    ck_assert((a->failure != NULL) == (how == FLIGHT_FAILED));
    ck_assert((a->lead != NULL) == (how == FLIGHT_LEAD));
}

static void finish(stage *t, asker *leader, flight_end how, cache_entry *entry,
                   const cache_failure *failure) {
    cache_flight_end(t->c, leader->lead, how, entry, failure);
    leader->lead = NULL;
}

START_TEST(nobody_waits) {
    stage t;
    asker a, b;
    stage_open(&t);
    static const flight_end ends[] = {FLIGHT_ALONE, FLIGHT_FAILED, FLIGHT_LEAD};
    const cache_failure why = {.problem = PROBLEM_UPSTREAM_ERROR};
    for (int i = 0; i < 3; i++) {
        ck_assert(join(&t, &a, "k"));
        ck_assert(join(&t, &b, "other"));
        finish(&t, &a, ends[i], NULL, ends[i] == FLIGHT_FAILED ? &why : NULL);
        finish(&t, &b, FLIGHT_ALONE, NULL, NULL);
        no_flights(t.c);
    }
    stage_close(&t);
}
END_TEST

START_TEST(all_get_the_answer) {
    stage t;
    asker a[5];
    stage_open(&t);
    for (int i = 0; i < 5; i++)
        ck_assert(join(&t, &a[i], "k") == (i == 0));
    cache_entry *e = put_text(t.c, STR("k"), "op", STR("answer"));
    finish(&t, &a[0], FLIGHT_FILLED, e, NULL);
    ck_assert_uint_eq(a[1].ends, 0); /* never from within */
    asker next;
    ck_assert(join(&t, &next, "k")); /* the flight is over: who comes now leads another */
    finish(&t, &next, FLIGHT_ALONE, NULL, NULL);
    cache_entry_drop(e);
    cache_purge(t.c, (bb_str){NULL, 0}, &(patterns){0});
    let_go(&t);
    for (int i = 1; i < 5; i++) {
        ended(&a[i], FLIGHT_FILLED);
        ck_assert(str_eq(a[i].entry->data, STR("answer"))); /* counted for each, purged or not */
        done(&a[i]);
    }
    stage_close(&t);
}
END_TEST

START_TEST(all_are_told_why_it_failed) {
    stage t;
    asker a[4];
    char detail[] = "the service answered 503", code[] = "overloaded";
    stage_open(&t);
    for (int i = 0; i < 4; i++)
        join(&t, &a[i], "k");
    const cache_failure why = {.problem = PROBLEM_UPSTREAM_UNAVAILABLE,
                               .retryable = true,
                               .upstream_status = 503,
                               .retry_after_ms = 7000,
                               .detail = str_from(detail),
                               .upstream_code = str_from(code)};
    finish(&t, &a[0], FLIGHT_FAILED, NULL, &why);
    memset(detail, '?', sizeof detail - 1); /* the leader's call is gone by then */
    memset(code, '?', sizeof code - 1);
    let_go(&t);
    for (int i = 1; i < 4; i++) {
        ended(&a[i], FLIGHT_FAILED);
        const cache_failure *f = a[i].failure;
        ck_assert(f->problem == PROBLEM_UPSTREAM_UNAVAILABLE && f->retryable && f->upstream_status == 503);
        ck_assert_uint_eq(f->retry_after_ms, 7000);
        ck_assert(str_eq(f->detail, STR("the service answered 503")));
        ck_assert(str_eq(f->upstream_code, STR("overloaded")));
        done(&a[i]);
    }
    join(&t, &a[0], "k");
    join(&t, &a[1], "k");
    const cache_failure bare = {.problem = PROBLEM_UPSTREAM_ERROR};
    finish(&t, &a[0], FLIGHT_FAILED, NULL, &bare);
    let_go(&t);
    ck_assert_uint_eq(a[1].failure->detail.len, 0);
    ck_assert_ptr_null(a[1].failure->upstream_code.ptr);
    done(&a[1]);
    stage_close(&t);
}
END_TEST

START_TEST(each_asks_alone) {
    stage t;
    asker a[3];
    stage_open(&t);
    for (int i = 0; i < 3; i++)
        join(&t, &a[i], "k");
    finish(&t, &a[0], FLIGHT_ALONE, NULL, NULL);
    let_go(&t);
    ended(&a[1], FLIGHT_ALONE);
    ended(&a[2], FLIGHT_ALONE);
    stage_close(&t);
}
END_TEST

/* The leader's call is cancelled: the first who waits leads on, and so on down the line. */
START_TEST(the_lead_is_handed_on) {
    stage t;
    asker a[4];
    stage_open(&t);
    for (int i = 0; i < 4; i++)
        join(&t, &a[i], "k");
    for (int i = 0; i < 3; i++) {
        finish(&t, &a[i], FLIGHT_LEAD, NULL, NULL);
        let_go(&t);
        ended(&a[i + 1], FLIGHT_LEAD);
        for (int k = i + 2; k < 4; k++)
            ck_assert_uint_eq(a[k].ends, 0);
    }
    asker late;
    ck_assert(!join(&t, &late, "k")); /* one flight all the while */
    cache_entry *e = put_text(t.c, STR("k"), "op", STR("x"));
    finish(&t, &a[3], FLIGHT_FILLED, e, NULL);
    cache_entry_drop(e);
    let_go(&t);
    ended(&late, FLIGHT_FILLED);
    done(&late);
    stage_close(&t);
}
END_TEST

/* Which of the waiters leaves, before anything is on its way. */
START_TEST(a_waiter_leaves) {
    for (int gone = 1; gone < 5; gone++) {
        stage t;
        asker a[5], late;
        stage_open(&t);
        for (int i = 0; i < 5; i++)
            join(&t, &a[i], "k");
        cancel(&a[gone]);
        ck_assert(!join(&t, &late, "k")); /* the end of the line still holds */
        finish(&t, &a[0], FLIGHT_ALONE, NULL, NULL);
        let_go(&t);
        for (int i = 1; i < 5; i++)
            ck_assert_uint_eq(a[i].ends, i != gone);
        ended(&late, FLIGHT_ALONE);
        stage_close(&t);
    }
}
END_TEST

START_TEST(a_waiter_leaves_while_the_end_is_on_its_way) {
    static const flight_end ends[] = {FLIGHT_FILLED, FLIGHT_FAILED, FLIGHT_ALONE};
    const cache_failure why = {.problem = PROBLEM_UPSTREAM_ERROR, .detail = STR("no")};
    for (int n = 0; n < 3; n++) {
        stage t;
        asker a[4];
        stage_open(&t);
        for (int i = 0; i < 4; i++)
            join(&t, &a[i], "k");
        cache_entry *e = put_text(t.c, STR("k"), "op", STR("x"));
        finish(&t, &a[0], ends[n], ends[n] == FLIGHT_FILLED ? e : NULL,
               ends[n] == FLIGHT_FAILED ? &why : NULL);
        cache_entry_drop(e);
        cancel(&a[1]);
        cancel(&a[3]);
        let_go(&t);
        ck_assert_uint_eq(a[1].ends, 0);
        ck_assert_uint_eq(a[3].ends, 0);
        ended(&a[2], ends[n]);
        done(&a[2]);
        stage_close(&t);
    }
}
END_TEST

/* The lead is on its way to one that leaves: it goes on to the next, and to nobody at last. */
START_TEST(the_next_leader_leaves_too) {
    stage t;
    asker a[4];
    stage_open(&t);
    for (int i = 0; i < 4; i++)
        join(&t, &a[i], "k");
    finish(&t, &a[0], FLIGHT_LEAD, NULL, NULL);
    cancel(&a[1]);
    cancel(&a[2]); /* in line still */
    let_go(&t);    /* arrives at the first, which is gone: and is sent on */
    let_go(&t);
    ck_assert_uint_eq(a[1].ends + a[2].ends, 0);
    ended(&a[3], FLIGHT_LEAD);
    finish(&t, &a[3], FLIGHT_ALONE, NULL, NULL);
    join(&t, &a[0], "k");
    join(&t, &a[1], "k");
    finish(&t, &a[0], FLIGHT_LEAD, NULL, NULL);
    cancel(&a[1]);
    let_go(&t);
    no_flights(t.c);
    stage_close(&t);
}
END_TEST

START_TEST(keys_of_one_hash_are_two_flights) {
    stage t;
    asker a = {.t = &t}, b = {.t = &t};
    stage_open(&t);
    ck_assert(cache_join(t.c, STR("one"), 42, t.l, on_end, &a, &a.lead, &a.wait));
    ck_assert(cache_join(t.c, STR("two"), 42, t.l, on_end, &b, &b.lead, &b.wait));
    finish(&t, &a, FLIGHT_ALONE, NULL, NULL);
    finish(&t, &b, FLIGHT_ALONE, NULL, NULL);
    stage_close(&t);
}
END_TEST

/* --- many loops
 * ------------------------------------------------------------------------------------------------- */

#define LOOPS 4u
#define AT_ONCE 16u  /* calls of each loop */
#define ROUNDS 4000u /* calls of each loop in all */
#define KEYS 5u

typedef struct town town;

typedef struct house {
    town *of;
    loop *l;
    uint64_t random;
    unsigned begun, over, ends[4], cancelled, passed_on, wrong;
} house;

/* A call of a house: it asks for a key, leads or waits, and ends; one in some is cancelled at any moment. */
typedef struct caller {
    house *h;
    unsigned key, steps;
    bool busy;
    cache_flight *lead;
    cache_wait *wait;
} caller;

struct town {
    cache *c;
    _Atomic(int) leaders[KEYS]; /* at once: never more than one of a key */
    house houses[LOOPS];
    sem_t done;
};

static bb_str name_of(unsigned key, char text[16]) {
    return str_of(text, (size_t)snprintf(text, 16, "key-%u", key));
}

static void lead(caller *c, cache_flight *f) {
    c->lead = f;
    c->steps = (unsigned)between(&c->h->random, 0, 6);
    if (atomic_fetch_add(&c->h->of->leaders[c->key], 1) != 0)
        c->h->wrong++;
}

static void on_flight(flight_end how, cache_entry *entry, cache_failure *failure, cache_flight *flight,
                      void *ctx) {
    caller *c = ctx;
    char text[16];
    bb_str name = name_of(c->key, text);
    c->wait = NULL;
    c->h->ends[how]++;
    c->h->wrong += !loop_is_current(c->h->l);
    c->h->wrong += (how == FLIGHT_FILLED) != (entry != NULL && str_eq(entry->data, name));
    c->h->wrong += (how == FLIGHT_FAILED) != (failure != NULL && str_eq(failure->detail, name));
    cache_entry_drop(entry);
    cache_failure_drop(failure);
    if (how == FLIGHT_LEAD)
        lead(c, flight);
    else
        c->busy = false;
}

static void ask(caller *c) {
    house *h = c->h;
    cache *all = h->of->c;
    char text[16];
    c->key = (unsigned)(chance(&h->random) % KEYS);
    bb_str name = name_of(c->key, text);
    cache_flight *f;
    h->begun++;
    c->busy = true;
    if (cache_join(all, name, cache_hash(all, name), h->l, on_flight, c, &f, &c->wait))
        lead(c, f);
    else
        c->steps = chance(&h->random) % 4 == 0 ? (unsigned)between(&h->random, 0, 6) : 1000000;
}

/* As a leader that has its answer, failed, or is cancelled. */
static void land(caller *c) {
    house *h = c->h;
    cache *all = h->of->c;
    char text[16];
    bb_str name = name_of(c->key, text);
    const cache_failure why = {.problem = PROBLEM_UPSTREAM_ERROR, .detail = name};
    cache_flight *f = c->lead;
    c->lead = NULL;
    c->busy = false;
    atomic_fetch_sub(&h->of->leaders[c->key], 1);
    switch (chance(&h->random) % 4) {
    case 0: {
        cache_entry *e = put_text(all, name, "op", name);
        cache_flight_end(all, f, FLIGHT_FILLED, e, NULL);
        cache_entry_drop(e);
        return;
    }
    case 1: cache_flight_end(all, f, FLIGHT_FAILED, NULL, &why); return;
    case 2: cache_flight_end(all, f, FLIGHT_ALONE, NULL, NULL); return;
    default: h->passed_on++; cache_flight_end(all, f, FLIGHT_LEAD, NULL, NULL);
    }
}

/* One turn of one call: posted again until its house has made all its calls. */
static void turn(loop *l, void *arg) {
    caller *c = arg;
    house *h = c->h;
    if (c->busy && c->steps-- == 0) {
        if (c->lead != NULL) {
            land(c);
        } else {
            cache_wait_cancel(h->of->c, c->wait);
            c->wait = NULL;
            c->busy = false;
            h->cancelled++;
        }
    }
    if (!c->busy) {
        if (h->begun >= ROUNDS) {
            if (++h->over == AT_ONCE)
                sem_post(&h->of->done);
            return;
        }
        ask(c);
    }
    loop_post(l, turn, c);
}

START_TEST(four_loops_fly_together) {
    static town w;
    static caller callers[LOOPS][AT_ONCE];
    unsigned ends[4] = {0}, cancelled = 0, passed_on = 0;
    w = (town){.c = cache_new(1 << 20)};
    sem_init(&w.done, 0, 0);
    for (unsigned i = 0; i < LOOPS; i++) {
        w.houses[i] = (house){.of = &w, .l = loop_new(i), .random = i + 1};
        ck_assert(loop_start(w.houses[i].l));
    }
    for (unsigned i = 0; i < LOOPS; i++)
        for (unsigned k = 0; k < AT_ONCE; k++) {
            callers[i][k] = (caller){.h = &w.houses[i]};
            ck_assert(loop_post(w.houses[i].l, turn, &callers[i][k]));
        }
    for (unsigned i = 0; i < LOOPS; i++)
        sem_wait(&w.done); /* one who was never told would hang here, until Check's time limit */
    for (unsigned i = 0; i < LOOPS; i++) {
        loop_join(w.houses[i].l);
        loop_free(w.houses[i].l);
        ck_assert_uint_eq(w.houses[i].wrong, 0);
        for (int n = 0; n < 4; n++)
            ends[n] += w.houses[i].ends[n];
        cancelled += w.houses[i].cancelled;
        passed_on += w.houses[i].passed_on;
    }
    for (int n = 0; n < 4; n++)
        ck_assert_msg(ends[n] > 50, "end %d: %u", n, ends[n]);
    ck_assert_uint_gt(cancelled, 50);
    ck_assert_uint_le(ends[FLIGHT_LEAD], passed_on + cancelled);
    for (unsigned i = 0; i < KEYS; i++)
        ck_assert_int_eq(atomic_load(&w.leaders[i]), 0);
    no_flights(w.c);
    check_cache(w.c);
    cache_free(w.c);
    sem_destroy(&w.done);
}
END_TEST

UNIT_MAIN(unit_test(nobody_waits), unit_test(all_get_the_answer), unit_test(all_are_told_why_it_failed),
          unit_test(each_asks_alone), unit_test(the_lead_is_handed_on), unit_test(a_waiter_leaves),
          unit_test(a_waiter_leaves_while_the_end_is_on_its_way), unit_test(the_next_leader_leaves_too),
          unit_test(keys_of_one_hash_are_two_flights), unit_test(four_loops_fly_together))
