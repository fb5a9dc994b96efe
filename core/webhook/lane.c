#include "webhook/lane.h"

#include <stdlib.h>

#define SECOND_NS 1000000000ull
#define LOOK_NS (60 * SECOND_NS) /* the longest rest: a clock set forward is noticed within it */
#define IDLE_NS SECOND_NS        /* where nothing is left: what nobody has told of is found by then */
#define DROP_NS (10 * SECOND_NS) /* what must wait longer is not kept in memory meanwhile */
#define TOGETHER_NS \
    (5 * SECOND_NS)       /* so long those wait that were sent together for what is missing of them */
#define THROTTLE_MS 1000u /* the first rest where the receiver names none; doubled up to: */
#define THROTTLE_MOST_MS 60000u

void lane_init(lane *l, const delivery_plan *plan, lane_time t) {
    *l = (lane){.plan = plan, .limit = plan->concurrency, .more = true, .look_ns = t.now_ns};
}

void lane_change(lane *l, const delivery_plan *plan) {
    l->plan = plan;
    l->limit = plan->concurrency;
    lane_drop(l); /* what was read is shaped by the new plan, or sent where it says */
    lane_wake(l);
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* What a reading that is under way was told not to give is due again. */
static void look_again(lane *l) {
    l->more = true;
    l->woken = l->reading;
}

static void drop_list(held_list *list) {
    while (list->first != NULL) {
        held *h = list->first;
        held_take(list, h);
        held_free(h);
    }
}

void lane_drop(lane *l) {
    static const held_state waiting[] = {HELD_READ, HELD_READY, HELD_AGAIN};
    for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
        if (l->lists[waiting[i]].count > 0)
            look_again(l);
        drop_list(&l->lists[waiting[i]]);
    }
    l->stale |= l->reading && l->plan->batch > 1; /* it was told not to give the others of a batch */
}

void lane_forget(lane *l) {
    lane_drop(l);
    for (held *h = l->lists[HELD_SHAPING].first; h != NULL; h = h->next)
        h->gone = true;
    l->stale = l->reading;
    lane_wake(l);
}

void lane_end(lane *l) {
    for (size_t i = 0; i < HELD_STATES; i++)
        drop_list(&l->lists[i]);
}

size_t lane_count(const lane *l) {
    size_t n = 0;
    for (size_t i = 0; i < HELD_STATES; i++)
        n += l->lists[i].count;
    return n;
}

size_t lane_bytes(const lane *l) {
    size_t n = 0;
    for (size_t i = 0; i < HELD_STATES; i++)
        n += l->lists[i].bytes;
    return n;
}

/* With so many bytes beside its own from now on. */
static void move(lane *l, held *h, held_state to, size_t extra) {
    held_take(&l->lists[h->state], h);
    h->bytes += extra - h->extra;
    h->extra = extra;
    h->state = to;
    held_push(&l->lists[to], h);
}

/* How long nothing may be sent at all. */
static uint64_t shut_for_ns(const lane *l, lane_time t) {
    if (!l->plan->enabled)
        return LANE_NEVER;
    uint64_t window = window_wait_ms(&l->plan->window, t.wall_ms) * 1000000u;
    uint64_t rest = l->shut_ns > t.now_ns ? l->shut_ns - t.now_ns : 0;
    return window > rest ? window : rest;
}

/* --- reading ------------------------------------------------------------------------------------------ */

void lane_wake(lane *l) {
    l->woken = l->reading;
    l->more = true;
    l->look_ns = 0;
}

/* Enough to have the next ones at hand when one ends; fewer for a receiver that is not well. */
static size_t most_held(const lane *l) {
    size_t n = (size_t)4 * l->limit * l->plan->batch, most = 2 * LANE_GROUP_MAX;
    return n < most ? n : most;
}

/* A whole batch has room, though readings end where their bytes do. */
static bool is_full(const lane *l) {
    uint64_t batch = l->plan->batch > 1 ? l->plan->batch_bytes + LANE_READ_BYTES : 0;
    return lane_bytes(l) >= (batch > LANE_BYTES ? batch : LANE_BYTES);
}

static size_t room(const lane *l) {
    size_t n = lane_count(l), most = most_held(l);
    bool full = n > most / 2 || (n > 0 && is_full(l));
    return l->reading || full ? 0 : most - n;
}

bool lane_wants(const lane *l, lane_time t) {
    return (l->more || t.now_ns >= l->look_ns) && shut_for_ns(l, t) == 0 && room(l) > 0;
}

size_t lane_room(lane *l, lane_time t) {
    if (t.now_ns >= l->look_ns)
        l->more = true;
    uint64_t closed = shut_for_ns(l, t);
    if (closed >= DROP_NS)
        lane_drop(l);
    size_t n = l->more && closed == 0 ? room(l) : 0;
    if (n == 0)
        return 0;
    l->reading = true;
    l->woken = false;
    l->look_ns = LANE_NEVER; /* what asks for another look meanwhile is heard by lane_read */
    return n;
}

size_t lane_ids(const lane *l, int64_t *ids) {
    size_t n = 0;
    for (size_t i = 0; i < HELD_STATES; i++)
        for (const held *h = l->lists[i].first; h != NULL; h = h->next)
            ids[n++] = h->d.id;
    return n;
}

/* Whether another of its key is held: that one comes first. By its id the queue was told. */
static bool is_key_held(const lane *l, const delivery *d) {
    uint64_t hash = d->key.ptr != NULL ? str_hash(d->key) | 1 : 0;
    for (size_t i = 0; hash != 0 && i < HELD_STATES; i++)
        for (const held *h = l->lists[i].first; h != NULL; h = h->next)
            if (h->key_hash == hash && str_eq(h->d.key, d->key))
                return true;
    return false;
}

/* Where it is not the first of its batch: behind the last of it that has a lower number. */
static void push_again(held_list *list, held *h) {
    held *at = h->d.id == h->d.batch ? NULL : list->last;
    while (at != NULL && at->d.batch != h->d.batch)
        at = at->previous;
    held *before = at;
    while (before != NULL && before->d.batch == h->d.batch && before->d.id > h->d.id)
        before = before->previous;
    if (at == NULL)
        held_push(list, h);
    else
        held_push_behind(list, before, h);
}

static void push_ready(lane *l, held *h) {
    h->state = h->d.batch != 0 && l->plan->batch > 1 ? HELD_AGAIN : HELD_READY;
    if (h->state == HELD_AGAIN)
        push_again(&l->lists[HELD_AGAIN], h);
    else
        held_push(&l->lists[HELD_READY], h);
}

static bool take(lane *l, const delivery *d, uint64_t now_ns) {
    held *h = held_new(d, now_ns / 1000000u);
    if (h == NULL)
        return false;
    if (l->plan->program != NULL)
        held_push(&l->lists[h->state = HELD_READ], h);
    else
        push_ready(l, h);
    return true;
}

void lane_read(lane *l, const delivery *list, size_t count, uint64_t next_ms, lane_time t) {
    size_t taken = 0;
    bool short_of_memory = list == NULL, stale = l->stale;
    l->stale = false;
    for (size_t i = 0; i < count && !stale && !short_of_memory; i++)
        if (!is_key_held(l, &list[i])) {
            short_of_memory = !take(l, &list[i], t.now_ns);
            taken += !short_of_memory;
        }
    uint64_t rest = next_ms == 0          ? IDLE_NS
                    : next_ms > t.wall_ms ? (next_ms - t.wall_ms) * 1000000u
                                          : SECOND_NS;
    rest = short_of_memory ? SECOND_NS : rest < LOOK_NS ? rest : LOOK_NS;
    l->reading = false;
    if (list != NULL)
        l->cut = count > 0 ? list[count - 1].batch : 0;
    l->more = l->woken || taken > 0;
    l->woken = false;
    l->look_ns = least(l->look_ns, t.now_ns + rest);
}

/* --- what may begin ------------------------------------------------------------------------------------- */

held *lane_shape(lane *l) {
    held *h = l->lists[HELD_READ].first;
    if (h == NULL || l->lists[HELD_SHAPING].count >= l->limit || !l->plan->enabled)
        return NULL;
    move(l, h, HELD_SHAPING, h->d.payload.len);
    return h;
}

bool lane_shaped(lane *l, held *h, bb_str json) {
    held_take(&l->lists[HELD_SHAPING], h);
    h->bytes -= h->extra;
    h->extra = 0;
    if (h->gone || (json.ptr != NULL && !held_shape(h, json))) {
        held_free(h);
        look_again(l);
        return false;
    }
    push_ready(l, h);
    return true;
}

held *lane_any(const lane *l) {
    return l->lists[HELD_READ].first != NULL    ? l->lists[HELD_READ].first
           : l->lists[HELD_READY].first != NULL ? l->lists[HELD_READY].first
                                                : l->lists[HELD_AGAIN].first;
}

bool lane_starve(lane *l, bool starved) {
    bool begins = starved && !l->starved;
    l->starved = starved;
    return begins;
}

static size_t waiting(const lane *l) {
    return l->lists[HELD_READY].count + l->lists[HELD_AGAIN].count;
}

/* More can come only once some of these have gone. */
static bool is_stuck(const lane *l) {
    return (l->starved || is_full(l)) && lane_count(l) == waiting(l);
}

static bool has_of(const held_list *list, int64_t batch) {
    for (const held *h = list->first; h != NULL; h = h->next)
        if (h->d.batch == batch)
            return true;
    return false;
}

/* Some of a batch are at jq, or their outcome is on its way to the disk: they come, or have gone, soon. */
static bool is_at_work(const lane *l, int64_t batch) {
    return has_of(&l->lists[HELD_READ], batch) || has_of(&l->lists[HELD_SHAPING], batch) ||
           has_of(&l->lists[HELD_OVER], batch);
}

/* Of a list, those from its first on that go into one request. Whether it can take no more of them. */
static size_t count_group(const lane *l, held_state of, bool *whole) {
    const held *first = l->lists[of].first, *h = first;
    size_t n = 0, bytes = 0;
    for (; h != NULL && n < l->plan->batch && (of == HELD_READY || h->d.batch == first->d.batch); n++) {
        bytes += h->d.payload.len;
        if (n > 0 && bytes > l->plan->batch_bytes)
            break;
        h = h->next;
    }
    *whole = n == l->plan->batch || bytes >= l->plan->batch_bytes;
    return n;
}

/* How many of a list make the next request, and where they are too few yet: in how long they do. */
static size_t group_of(const lane *l, held_state of, uint64_t now_ns, uint64_t *wait_ns) {
    const held *first = l->lists[of].first;
    bool whole;
    size_t n = count_group(l, of, &whole);
    *wait_ns = LANE_NEVER;
    if (n == 0 || whole || is_stuck(l))
        return n;
    if (of == HELD_AGAIN && l->cut != first->d.batch)
        return is_at_work(l, first->d.batch) ? 0 : n;
    uint64_t wait = of == HELD_AGAIN ? TOGETHER_NS : l->plan->batch_wait_ms * 1000000u;
    uint64_t until_ns = first->since_ms * 1000000u + wait;
    if (until_ns <= now_ns)
        return n;
    *wait_ns = until_ns - now_ns;
    return 0;
}

/* Of those that wait to be sent the ones that are due first, unless they are too few yet. */
static size_t group(const lane *l, uint64_t now_ns, held_state *of, uint64_t *wait_ns) {
    const held *ready = l->lists[HELD_READY].first, *again = l->lists[HELD_AGAIN].first;
    uint64_t wait = LANE_NEVER;
    *of = again != NULL && (ready == NULL || again->d.due_ms < ready->d.due_ms) ? HELD_AGAIN : HELD_READY;
    size_t n = group_of(l, *of, now_ns, wait_ns);
    if (n > 0 || ready == NULL || again == NULL)
        return n;
    *of = *of == HELD_AGAIN ? HELD_READY : HELD_AGAIN;
    n = group_of(l, *of, now_ns, &wait);
    *wait_ns = least(*wait_ns, wait);
    return n;
}

static int by_id(const void *a, const void *b) {
    int64_t x = (*(held *const *)a)->d.id, y = (*(held *const *)b)->d.id;
    return (x > y) - (x < y);
}

/* In the order in which they come again, should they have to; the first of them names them. */
static void join(held **list, size_t n) {
    bool sorted = true;
    for (size_t i = 1; i < n; i++)
        sorted &= list[i - 1]->d.id < list[i]->d.id;
    if (!sorted)
        qsort(list, n, sizeof *list, by_id);
    for (size_t i = 0; i < n; i++)
        list[i]->d.batch = list[0]->d.id;
}

size_t lane_begin(lane *l, lane_time t, held **out) {
    uint64_t wait;
    held_state of;
    if (l->requests >= l->limit || waiting(l) == 0 || shut_for_ns(l, t) > 0)
        return 0;
    size_t n = group(l, t.now_ns, &of, &wait);
    if (n == 0)
        return 0;
    if (gcra_take(&l->rate, &l->plan->rate, t.now_ns, 0, &wait) == GCRA_NEVER) {
        l->rate_ns = t.now_ns + wait;
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = l->lists[of].first;
        move(l, out[i], HELD_SENDING, out[i]->d.payload.len);
    }
    if (l->plan->batch > 1)
        join(out, n);
    l->requests++;
    return n;
}

void lane_ended(lane *l) {
    l->requests--;
}

void lane_again(lane *l, held *h, lane_time t) {
    held_take(&l->lists[h->state], h);
    held_free(h);
    l->more = false;
    l->look_ns = t.now_ns + SECOND_NS;
}

static uint64_t until(uint64_t then_ns, uint64_t now_ns) {
    return then_ns > now_ns ? then_ns - now_ns : 0;
}

uint64_t lane_wait_to_send_ns(const lane *l, lane_time t) {
    uint64_t closed = shut_for_ns(l, t), wait = LANE_NEVER;
    held_state of;
    if (closed > 0)
        return least(closed, LOOK_NS);
    if (waiting(l) > 0 && l->requests < l->limit && group(l, t.now_ns, &of, &wait) > 0)
        wait = until(l->rate_ns, t.now_ns);
    return wait;
}

uint64_t lane_wait_ns(const lane *l, lane_time t) {
    uint64_t wait = lane_wait_to_send_ns(l, t);
    if (shut_for_ns(l, t) == 0 && room(l) > 0)
        wait = least(wait, l->more ? 0 : until(l->look_ns, t.now_ns));
    return wait;
}

/* --- what came of it ---------------------------------------------------------------------------------------
 */

static void shut(lane *l, uint64_t rest_ms, lane_time t, uint64_t random) {
    uint64_t then = t.now_ns + (rest_ms + random % (rest_ms / 5 + 1)) * 1000000u;
    l->shut_ns = then > l->shut_ns ? then : l->shut_ns;
}

static uint64_t rest_of_own_ms(const lane *l) {
    return least((uint64_t)THROTTLE_MS << least(l->strikes - 1, 6), THROTTLE_MOST_MS);
}

/* Requests that were under way when a rest began are answered in the same spirit: together they are one
 * strike, and none of them opens the lane again. What they ask for is heard. */
void lane_feel(lane *l, lane_mood mood, uint64_t retry_after_ms, uint64_t began_ns, lane_time t,
               uint64_t random) {
    bool late = began_ns <= l->rest_ns;
    uint64_t asked = least(retry_after_ms, RETRY_AFTER_MAX_MS);
    if (mood == LANE_WELL && !late) {
        l->strikes = 0;
        l->limit += l->limit < l->plan->concurrency;
    }
    if (mood == LANE_WELL)
        return;
    l->limit = mood == LANE_THROTTLE || l->limit < 2 ? 1 : l->limit / 2;
    if (mood == LANE_THROTTLE && !late) {
        l->strikes++;
        l->rest_ns = t.now_ns;
    }
    if (mood == LANE_THROTTLE && (asked > 0 || !late))
        shut(l, asked > 0 ? asked : rest_of_own_ms(l), t, random);
    if (lane_count(l) > most_held(l))
        lane_drop(l);
}

void lane_over(lane *l, held *h, const delivery_outcome *outcome) {
    int64_t batch = h->state == HELD_SENDING && l->plan->batch > 1 ? h->d.batch : 0;
    held_conclude(h, outcome);
    h->outcome.batch = batch;
    move(l, h, HELD_OVER, h->outcome.text.len);
}

void lane_committed(lane *l, held *h, lane_time t) {
    const delivery_outcome *o = &h->outcome;
    held_take(&l->lists[HELD_OVER], h);
    if (o->state == DELIVERY_PENDING) {
        uint64_t then = t.now_ns + (o->due_ms > t.wall_ms ? o->due_ms - t.wall_ms : 0) * 1000000u;
        l->look_ns = least(l->look_ns, then);
        l->woken = l->reading;
        if (o->batch != 0 && o->due_ms <= t.wall_ms) /* the others of it may be read before this one is */
            l->cut = o->batch;
    } else if (h->key_hash != 0) { /* the next of its key may be had now */
        l->more = true;
        l->woken = l->reading;
    }
    held_free(h);
}
