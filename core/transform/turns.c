/* turns.c - whose turn it is: children's time shared out fairly, among owners first, then among the programs
 * of each. Start-time fair queueing: who has had the least goes first, and who comes anew begins where the
 * others are. */
#include "transform/turns.h"

#include "base/clock.h"

#include <stdlib.h>

#define SLACK_NS 50000000u       /* who is ahead by no more than that is forgotten once it is idle */
#define MEMORY_NS 60000000000ull /* who is ahead by more: after so long */

/* What it has had, with what its runs are taking now. */
static uint64_t used(const turn *u, uint64_t now_ns) {
    return u->used_ns + u->running * now_ns - u->begun_ns;
}

static uint64_t *floor_of(transforms *t, turn *u) {
    return u->of != NULL ? &u->of->floor_ns : &t->floor_ns;
}

static void forget(transforms *t, turn *u) {
    turn **at = &t->turns, *owner = u->of;
    while (*at != u)
        at = &(*at)->next;
    *at = u->next;
    free(u);
    if (owner != NULL)
        owner->uses--;
}

static void forget_idle(transforms *t, turn *u, uint64_t now_ns) {
    bool ahead = u->used_ns > *floor_of(t, u) + SLACK_NS && now_ns - u->idle_ns < MEMORY_NS;
    if (u->uses == 0 && !ahead)
        forget(t, u);
}

static turn *turn_of(transforms *t, turn *of, uint64_t hash) {
    turn **at = &t->turns;
    for (; *at != NULL; at = &(*at)->next)
        if ((*at)->of == of && (*at)->hash == hash)
            break;
    if (*at == NULL) {
        *at = calloc(1, sizeof **at);
        if (*at == NULL)
            return NULL;
        (*at)->of = of;
        (*at)->hash = hash;
        (*at)->waiting.last = &(*at)->waiting.first;
        if (of != NULL)
            of->uses++;
    }
    turn *u = *at;
    if (u->uses == 0 && u->used_ns < *floor_of(t, u))
        u->used_ns = *floor_of(t, u);
    return u;
}

/* Those that have been idle for long, once in a while. */
static void sweep(transforms *t, uint64_t now_ns) {
    if (now_ns < t->sweep_ns)
        return;
    t->sweep_ns = now_ns + MEMORY_NS;
    for (int round = 0; round < 2; round++) /* programs, then owners that have none any more */
        for (turn *u = t->turns, *next; u != NULL; u = next) {
            next = u->next;
            if ((u->of != NULL) == (round == 0))
                forget_idle(t, u, now_ns);
        }
}

bool turns_enter(transforms *t, transform_run *r) {
    sweep(t, clock_ns());
    turn *owner = turn_of(t, NULL, r->job.owner);
    r->turn = owner != NULL ? turn_of(t, owner, r->program_hash) : NULL;
    if (r->turn == NULL) {
        if (owner != NULL && owner->uses == 0)
            forget(t, owner);
        return false;
    }
    r->turn->uses++;
    owner->uses++;
    return true;
}

void turns_leave(transform_run *r) {
    turn *u = r->turn, *owner = u->of;
    uint64_t now_ns = u->uses == 1 ? clock_ns() : 0;
    r->turn = NULL;
    owner->uses--;
    if (--u->uses > 0)
        return;
    u->idle_ns = owner->idle_ns = now_ns;
    forget_idle(r->pool, u, now_ns);
    forget_idle(r->pool, owner, now_ns);
}

void turns_begin(transform_run *r) {
    r->begun_ns = clock_ns();
    for (turn *u = r->turn; u != NULL; u = u->of) {
        uint64_t *floor = floor_of(r->pool, u), had = used(u, r->begun_ns);
        if (*floor < had)
            *floor = had;
        u->running++;
        u->begun_ns += r->begun_ns;
    }
}

void turns_end(transform_run *r) {
    uint64_t took = clock_ns() - r->begun_ns;
    for (turn *u = r->turn; u != NULL; u = u->of) {
        u->running--;
        u->begun_ns -= r->begun_ns;
        u->used_ns += took;
    }
}

/* Children that run this program, whoever's it is. */
static unsigned children_of(const transforms *t, uint64_t program_hash) {
    unsigned n = 0;
    for (const worker *w = t->workers; w != NULL; w = w->next)
        n += w->run != NULL && w->run->program_hash == program_hash;
    return n;
}

static bool may_run(transforms *t, const turn *u) {
    return u->of->running < TRANSFORM_CHILDREN_OF_ONE &&
           children_of(t, u->hash) < TRANSFORM_CHILDREN_OF_ONE &&
           (!pool_is_suspect(t, u->hash) || !pool_suspect_runs(t));
}

/* Whether `a` goes before `b`. One program leaves a child to the other programs of its owner. */
static bool is_before(const turn *a, const turn *b, uint64_t now_ns) {
    if (a->of != b->of)
        return used(a->of, now_ns) < used(b->of, now_ns);
    bool a_full = a->running + 1 >= TRANSFORM_CHILDREN_OF_ONE,
         b_full = b->running + 1 >= TRANSFORM_CHILDREN_OF_ONE;
    return a_full != b_full ? b_full : used(a, now_ns) < used(b, now_ns);
}

transform_run *turns_next(transforms *t) {
    const turn *best = NULL;
    uint64_t now_ns = clock_ns();
    for (const turn *u = t->turns; u != NULL; u = u->next)
        if (u->waiting.first != NULL && may_run(t, u) && (best == NULL || is_before(u, best, now_ns)))
            best = u;
    return best != NULL ? best->waiting.first : NULL;
}

turn *turns_waiting(const transforms *t) {
    turn *u = t->turns;
    while (u != NULL && u->waiting.first == NULL)
        u = u->next;
    return u;
}

void turns_clear(transforms *t) {
    while (t->turns != NULL) {
        turn *u = t->turns;
        t->turns = u->next;
        free(u);
    }
}
