/* A lane over a queue made up here, in a time made up here: whatever comes of requests, and whenever the
 * process ends, each delivery is done or given up in the end, in the order of its key, within the limits. */
#include "unit.h"
#include <busbar/busbar.h>

#include "webhook/lane.h"
#include "webhook/verdict.h"

#include <stdio.h>

#define ROWS 300
#define KEYS 7
#define TASKS 64

/* --- chance ------------------------------------------------------------------------------------------- */

static uint64_t seed;

static uint64_t chance(uint64_t below) { /* splitmix64 */
    uint64_t z = (seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

/* --- the queue ----------------------------------------------------------------------------------------- */

typedef struct row {
    delivery d;
    delivery_state state;
    unsigned sent; /* requests that had it */
    bool under_way;
} row;

typedef struct task { /* a request, or a commit, under way */
    bool used, commit;
    uint64_t end_ms, began_ns;
    size_t count;
    held *list[LANE_GROUP_MAX];
} task;

static struct {
    row rows[ROWS];
    size_t stored;
    uint64_t now_ms;
    delivery_plan plan;
    lane lane;
    task tasks[TASKS];
    held *over[4 * ROWS];
    size_t over_count;
    unsigned requests, crashes, most;
    uint64_t reading_until;
    delivery read[ROWS];
    size_t read_count;
    uint64_t read_next;
    unsigned trouble; /* of a hundred requests fail */
} sim;

static lane_time now(void) {
    return (lane_time){1700000000000u + sim.now_ms, (sim.now_ms + 1000) * 1000000u};
}

static void store_one(void) {
    static const char *const keys[KEYS] = {NULL, "a", "b", "c", "d", "e", "f"};
    row *r = &sim.rows[sim.stored];
    *r = (row){.d = {.id = (int64_t)++sim.stored, .due_ms = now().wall_ms, .payload = STR("{}")}};
    r->d.key = str_from(keys[chance(KEYS)]);
    if (sim.plan.target.fifo)
        r->d.key = STR("*");
    lane_wake(&sim.lane);
}

static bool excepted(int64_t id, const int64_t *ids, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* Of a key, only its first that is pending; in the order of their numbers. */
static bool is_first(const row *r) {
    for (const row *o = sim.rows; r->d.key.len > 0 && o < r; o++)
        if (o->state == DELIVERY_PENDING && str_eq(o->d.key, r->d.key))
            return false;
    return true;
}

static int by_due(const void *a, const void *b) {
    const delivery *x = a, *y = b;
    if (x->due_ms != y->due_ms)
        return x->due_ms < y->due_ms ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

/* The queue looks now, and answers a little later: what is committed in between it has not seen. */
static void ask(size_t max) {
    int64_t ids[4 * ROWS];
    size_t n = lane_ids(&sim.lane, ids);
    ck_assert_uint_eq(n, lane_count(&sim.lane));
    sim.read_count = 0;
    sim.read_next = 0;
    for (row *r = sim.rows; r < sim.rows + sim.stored; r++) {
        if (r->state != DELIVERY_PENDING || excepted(r->d.id, ids, n))
            continue;
        if (!is_first(r))
            continue;
        if (r->d.due_ms <= now().wall_ms)
            sim.read[sim.read_count++] = r->d;
        else if (sim.read_next == 0 || r->d.due_ms < sim.read_next)
            sim.read_next = r->d.due_ms;
    }
    qsort(sim.read, sim.read_count, sizeof sim.read[0], by_due);
    if (sim.read_count > max) {
        sim.read_count = max;
        sim.read_next = now().wall_ms;
    }
    sim.reading_until = sim.now_ms + 1 + chance(20);
}

static void answer(void) {
    sim.reading_until = 0;
    if (chance(50) == 0) /* the queue was busy */
        lane_read(&sim.lane, NULL, 0, 0, now());
    else
        lane_read(&sim.lane, sim.read, sim.read_count, sim.read_next, now());
}

/* --- requests and commits ------------------------------------------------------------------------------- */

static task *free_task(void) {
    for (task *t = sim.tasks; t < sim.tasks + TASKS; t++)
        if (!t->used)
            return t;
    return NULL;
}

/* Nothing of a key is sent while an earlier one of it is not over. */
static void check_order(const held *h) {
    const row *r = &sim.rows[h->d.id - 1];
    ck_assert_int_eq(r->state, DELIVERY_PENDING);
    ck_assert(!r->under_way);
    ck_assert(is_first(r));
}

/* What has failed together comes again together, all that is left of it and nothing else. */
static void check_batch(const task *t) {
    int64_t batch = sim.rows[t->list[0]->d.id - 1].d.batch;
    size_t left = 0;
    for (const row *r = sim.rows; r < sim.rows + sim.stored; r++)
        left += batch != 0 && r->state == DELIVERY_PENDING && r->d.batch == batch;
    ck_assert_uint_eq(batch != 0 ? left : t->count, t->count);
    for (size_t i = 0; i < t->count; i++) {
        ck_assert_int_eq(sim.rows[t->list[i]->d.id - 1].d.batch, batch);
        ck_assert(i == 0 || t->list[i - 1]->d.id < t->list[i]->d.id || sim.plan.batch == 1);
    }
}

static void begin(task *t) {
    check_batch(t);
    t->used = true;
    t->commit = false;
    t->end_ms = sim.now_ms + chance(200);
    t->began_ns = now().now_ns;
    sim.requests++;
    ck_assert_uint_le(sim.requests, sim.plan.concurrency);
    ck_assert_uint_le(t->count, sim.plan.batch);
    sim.most = sim.requests > sim.most ? sim.requests : sim.most;
    for (size_t i = 0; i < t->count; i++) {
        check_order(t->list[i]);
        sim.rows[t->list[i]->d.id - 1].under_way = true;
        sim.rows[t->list[i]->d.id - 1].sent++;
    }
}

static void conclude(held *h, const verdict *v, uint64_t random) {
    delivery_outcome o = verdict_outcome(v, &sim.plan, &h->d, now().wall_ms, now().wall_ms, random);
    lane_over(&sim.lane, h, &o);
    sim.over[sim.over_count++] = h;
}

static void end_request(task *t) {
    static const unsigned statuses[] = {500, 503, 429, 404, 0};
    bool ok = chance(100) >= sim.trouble;
    post_result result = {.failure = ok ? POST_OK : POST_STATUS, .status = ok ? 200 : statuses[chance(5)]};
    if (result.status == 0)
        result.failure = chance(4) == 0 ? POST_NO_MEMORY : POST_TIMEOUT;
    result.retry_after_ms = chance(3) == 0 ? chance(5000) : 0;
    verdict v = verdict_of_post(&result);
    uint64_t random = chance(1000); /* one for all, as the runner has it */
    lane_ended(&sim.lane);
    if (!v.again)
        lane_feel(&sim.lane, v.mood, v.retry_after_ms, t->began_ns, now(), chance(1000));
    for (size_t i = 0; i < t->count; i++) {
        sim.rows[t->list[i]->d.id - 1].under_way = false;
        if (v.again)
            lane_again(&sim.lane, t->list[i], now());
        else
            conclude(t->list[i], &v, random);
    }
    sim.requests--;
    t->used = false;
}

static void begin_commit(task *t) {
    t->used = t->commit = true;
    t->end_ms = sim.now_ms + chance(30);
    t->count = 0;
    for (size_t i = 0; i < sim.over_count; i++)
        t->list[t->count++] = sim.over[i];
    sim.over_count = 0;
}

static void end_commit(task *t) {
    for (size_t i = 0; i < t->count; i++) {
        const delivery_outcome *o = &t->list[i]->outcome;
        row *r = &sim.rows[o->id - 1];
        ck_assert_int_eq(r->state, DELIVERY_PENDING);
        r->state = o->state;
        r->d.attempts += o->attempted;
        if (o->state == DELIVERY_PENDING) {
            ck_assert_uint_gt(o->due_ms, now().wall_ms - 100);
            r->d.due_ms = o->due_ms;
            r->d.batch = o->batch;
        }
        lane_committed(&sim.lane, t->list[i], now());
    }
    t->used = false;
}

/* All that is in memory is lost; what the disk has stays. */
static void crash(void) {
    lane_end(&sim.lane);
    lane_init(&sim.lane, &sim.plan, now());
    for (size_t i = 0; i < TASKS; i++)
        sim.tasks[i].used = false;
    for (size_t i = 0; i < ROWS; i++)
        sim.rows[i].under_way = false;
    sim.over_count = sim.requests = 0;
    sim.reading_until = 0;
    sim.crashes++;
}

/* --- time --------------------------------------------------------------------------------------------------
 */

static void act(void) {
    held *list[LANE_GROUP_MAX], *h;
    task *t;
    while ((h = lane_shape(&sim.lane)) != NULL)
        ck_assert(lane_shaped(&sim.lane, h, STR("{\"shaped\":true}")));
    while ((t = free_task()) != NULL && (t->count = lane_begin(&sim.lane, now(), list)) > 0) {
        memcpy(t->list, list, t->count * sizeof list[0]);
        begin(t);
    }
    size_t room = lane_room(&sim.lane, now());
    if (room > 0)
        ask(room);
    if (sim.over_count > 0 && chance(3) == 0 && (t = free_task()) != NULL)
        begin_commit(t);
}

static bool all_over(void) {
    for (size_t i = 0; i < sim.stored; i++)
        if (sim.rows[i].state == DELIVERY_PENDING)
            return false;
    return sim.stored == ROWS;
}

/* As libuv does: to the next thing that is to happen, and never for ever. */
static void pass_time(void) {
    uint64_t wait = lane_wait_ns(&sim.lane, now());
    uint64_t ms = wait == LANE_NEVER ? 100000 : wait / 1000000u + 1, next = sim.now_ms + ms;
    for (size_t i = 0; i < TASKS; i++)
        if (sim.tasks[i].used && sim.tasks[i].end_ms < next)
            next = sim.tasks[i].end_ms;
    if (sim.reading_until > 0 && sim.reading_until < next)
        next = sim.reading_until;
    if (sim.over_count > 0 || sim.stored < ROWS)
        next = next < sim.now_ms + 5 ? next : sim.now_ms + 5;
    sim.now_ms = next > sim.now_ms ? next : sim.now_ms + 1;
}

static void step(unsigned crash_in) {
    if (sim.stored < ROWS && chance(3) == 0)
        store_one();
    if (crash_in > 0 && chance(crash_in) == 0)
        crash();
    if (sim.reading_until > 0 && sim.reading_until <= sim.now_ms)
        answer();
    for (size_t i = 0; i < TASKS; i++)
        if (sim.tasks[i].used && sim.tasks[i].end_ms <= sim.now_ms)
            (sim.tasks[i].commit ? end_commit : end_request)(&sim.tasks[i]);
    act();
    pass_time();
}

static void run(uint64_t of, unsigned trouble, unsigned crash_in) {
    static const uint64_t delays[] = {1000, 5000, 60000, 600000, 3600000, 86400000};
    memset(&sim.rows, 0, sizeof sim.rows);
    memset(sim.tasks, 0, sizeof sim.tasks);
    sim.stored = sim.over_count = 0;
    sim.requests = sim.crashes = sim.most = 0;
    sim.reading_until = 0;
    sim.now_ms = 0;
    sim.trouble = trouble;
    sim.plan.retries = (retry_delays){delays, 6};
    seed = of;
    lane_init(&sim.lane, &sim.plan, now());
    unsigned steps = 0;
    while (!all_over()) {
        step(steps < 20000 ? crash_in : 0);
        ck_assert_msg(++steps < 100000, "run %llu does not come to an end", (unsigned long long)of);
    }
    lane_end(&sim.lane);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert_uint_ge(sim.rows[i].sent, 1);
}

static void plans(unsigned trouble, unsigned crash_in) {
    for (uint64_t i = 1; i <= 40; i++) {
        sim.plan = (delivery_plan){.enabled = true,
                                   .concurrency = 1 + (uint32_t)(i * 7 % 16),
                                   .batch = i % 3 == 0 ? 10 : 1,
                                   .batch_bytes = 1000,
                                   .batch_wait_ms = i % 3 == 0 ? 50 : 0,
                                   .program = i % 4 == 0 ? "." : NULL};
        sim.plan.target.fifo = i % 5 == 0 && sim.plan.batch == 1;
        if (i % 6 == 0)
            ck_assert(gcra_policy_of(50, 1000000000u, 5, &sim.plan.rate));
        run(i, trouble, crash_in);
    }
}

START_TEST(everything_arrives) {
    plans(0, 0);
}
END_TEST

START_TEST(everything_arrives_though_a_third_of_the_requests_fail) {
    plans(33, 0);
}
END_TEST

START_TEST(everything_arrives_though_the_process_ends_again_and_again) {
    plans(20, 40);
}
END_TEST

/* --- limits
 * ---------------------------------------------------------------------------------------------------- */

static delivery one(int64_t id, const char *key) {
    return (delivery){.id = id, .due_ms = 1, .key = str_from(key), .payload = STR("{\"a\":1}")};
}

static void fresh(const delivery_plan *plan) {
    sim.now_ms = 0;
    lane_end(&sim.lane);
    lane_init(&sim.lane, plan, now());
}

static void give(const delivery *list, size_t n) {
    ck_assert_uint_gt(lane_room(&sim.lane, now()), 0);
    lane_read(&sim.lane, list, n, 0, now());
}

/* Of a request that was begun then. */
static void feel(lane_mood mood, uint64_t retry_after_ms, uint64_t began_ms) {
    lane_feel(&sim.lane, mood, retry_after_ms, (began_ms + 1000) * 1000000u, now(), 0);
}

START_TEST(a_batch_waits_for_more_and_no_longer_than_it_may) {
    static const delivery_plan plan = {
        .enabled = true, .concurrency = 4, .batch = 3, .batch_bytes = 1000, .batch_wait_ms = 500};
    held *list[LANE_GROUP_MAX];
    fresh(&plan);
    const delivery two[] = {one(1, NULL), one(2, NULL)}, more[] = {one(3, NULL), one(4, NULL)};
    give(two, 2);
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 0);
    ck_assert_uint_eq(lane_room(&sim.lane, now()), 46);
    lane_read(&sim.lane, more, 2, 0, now());
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 3);
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 0);
    sim.now_ms += 499;
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 0);
    sim.now_ms += 1;
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 1);
    lane_end(&sim.lane);
}
END_TEST

START_TEST(a_batch_is_cut_at_its_bytes) {
    static const delivery_plan plan = {
        .enabled = true, .concurrency = 4, .batch = 100, .batch_bytes = 15, .batch_wait_ms = 500};
    held *list[LANE_GROUP_MAX];
    fresh(&plan);
    const delivery three[] = {one(1, NULL), one(2, NULL), one(3, NULL)};
    give(three, 3);
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 2); /* 7 bytes each */
    lane_end(&sim.lane);
}
END_TEST

static delivery of_batch(int64_t id, int64_t batch, uint64_t due_ms) {
    delivery d = one(id, NULL);
    d.batch = batch;
    d.due_ms = due_ms;
    return d;
}

static void begins(held **list, size_t n, int64_t first) {
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(list[i]->d.id, first + (int64_t)i);
}

START_TEST(a_batch_that_failed_comes_again_as_it_was) {
    static const delivery_plan plan = {
        .enabled = true, .concurrency = 4, .batch = 5, .batch_bytes = 1000, .batch_wait_ms = 500};
    held *list[LANE_GROUP_MAX];
    fresh(&plan);
    const delivery read[] = {of_batch(1, 1, 10), of_batch(2, 1, 10),  of_batch(8, 8, 20), of_batch(9, 8, 20),
                             one(11, NULL),      of_batch(20, 0, 30), of_batch(5, 5, 40), of_batch(6, 5, 40)};
    give(read, 8);
    begins(list, 2, 1);
    begins(list, 2, 8);
    begins(list, 0, 0); /* new ones wait for more, and of 5 there may be more than was read */
    ck_assert_uint_gt(lane_room(&sim.lane, now()), 0);
    lane_read(&sim.lane, (const delivery[]){of_batch(7, 5, 40)}, 1, 0, now());
    begins(list, 0, 0);
    ck_assert_uint_gt(lane_room(&sim.lane, now()), 0);
    lane_read(&sim.lane, read, 0, 0, now());
    begins(list, 3, 5);
    sim.now_ms += 500;
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 2);
    ck_assert(list[0]->d.id == 11 && list[1]->d.id == 20);
    lane_end(&sim.lane);
}
END_TEST

START_TEST(what_jq_still_has_of_a_batch_is_waited_for) {
    static const delivery_plan plan = {
        .enabled = true, .concurrency = 4, .batch = 5, .batch_bytes = 1000, .program = "."};
    const delivery read[] = {of_batch(1, 1, 10), of_batch(2, 1, 10), of_batch(3, 1, 10), one(4, NULL)};
    held *list[LANE_GROUP_MAX], *h[4];
    fresh(&plan);
    give(read, 4);
    for (size_t i = 0; i < 4; i++)
        h[i] = lane_shape(&sim.lane);
    ck_assert(lane_shaped(&sim.lane, h[2], STR("3")));
    begins(list, 0, 0);
    ck_assert(lane_shaped(&sim.lane, h[0], STR("1")));
    begins(list, 0, 0);
    const delivery_outcome no = {.state = DELIVERY_FILTERED};
    lane_over(&sim.lane, h[1], &no); /* one that is filtered out now is not */
    begins(list, 0, 0);
    lane_committed(&sim.lane, h[1], now());
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 2);
    ck_assert(list[0]->d.id == 1 && list[1]->d.id == 3);
    const delivery_outcome again = {.state = DELIVERY_PENDING, .attempted = true, .due_ms = 5};
    lane_ended(&sim.lane);
    lane_over(&sim.lane, list[0], &again);
    lane_over(&sim.lane, list[1], &again);
    ck_assert(list[0]->outcome.batch == 1 && list[1]->outcome.batch == 1);
    lane_end(&sim.lane);
}
END_TEST

static void give_large(int64_t from, size_t n, size_t bytes) {
    static char text[1 << 20];
    memset(text, '1', sizeof text);
    for (size_t i = 0; i < n; i++) {
        delivery d = one(from + (int64_t)i, NULL);
        d.payload = str_of(text, bytes);
        give(&d, 1);
    }
}

START_TEST(a_large_batch_has_room) {
    static const delivery_plan plan = {
        .enabled = true, .concurrency = 4, .batch = 1000, .batch_bytes = 16 << 20, .batch_wait_ms = 300000};
    held *list[LANE_GROUP_MAX];
    fresh(&plan);
    give_large(1, 15, 1 << 20);
    begins(list, 0, 0);
    ck_assert(lane_wants(&sim.lane, now()));
    give_large(16, 1, 1 << 20);
    begins(list, 16, 1);
    lane_end(&sim.lane);
}
END_TEST

/* Attributes take room too, and others take all of it. */
START_TEST(a_batch_that_cannot_grow_does_not_wait) {
    static const delivery_plan plan = {
        .enabled = true, .concurrency = 4, .batch = 1000, .batch_bytes = 1 << 20, .batch_wait_ms = 300000};
    static char text[1 << 20];
    held *list[LANE_GROUP_MAX];
    memset(text, ' ', sizeof text);
    fresh(&plan);
    for (int64_t i = 1; i <= 4; i++) {
        begins(list, 0, 0);
        delivery d = one(i, NULL);
        d.attributes = str_of(text, sizeof text);
        give(&d, 1);
    }
    ck_assert(!lane_wants(&sim.lane, now()));
    begins(list, 4, 1);
    fresh(&plan);
    give_large(1, 2, 10);
    begins(list, 0, 0);
    ck_assert(lane_starve(&sim.lane, true));
    ck_assert(!lane_starve(&sim.lane, true));
    begins(list, 2, 1);
    give_large(3, 1, 10);
    begins(list, 0, 0); /* the end of what is under way gives room */
    lane_ended(&sim.lane);
    ck_assert(!lane_starve(&sim.lane, false));
    lane_end(&sim.lane);
}
END_TEST

START_TEST(a_rate_is_kept) {
    static delivery_plan plan = {.enabled = true, .concurrency = 16, .batch = 1};
    held *list[LANE_GROUP_MAX];
    ck_assert(gcra_policy_of(10, 1000000000u, 1, &plan.rate));
    fresh(&plan);
    const delivery three[] = {one(1, NULL), one(2, NULL), one(3, NULL)};
    give(three, 3);
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 1);
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 0);
    ck_assert_uint_eq(lane_wait_ns(&sim.lane, now()), 0); /* there is room to read for */
    (void)lane_room(&sim.lane, now());
    ck_assert_uint_eq(lane_wait_ns(&sim.lane, now()), 100000000u);
    sim.now_ms += 100;
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 1);
    lane_end(&sim.lane);
}
END_TEST

START_TEST(a_busy_receiver_is_left_alone_as_long_as_it_asks) {
    static const delivery_plan plan = {.enabled = true, .concurrency = 16, .batch = 1};
    held *list[LANE_GROUP_MAX];
    fresh(&plan);
    const delivery three[] = {one(1, NULL), one(2, NULL), one(3, NULL)};
    give(three, 3);
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 1);
    feel(LANE_THROTTLE, 30000, 0);
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 0);
    ck_assert_uint_eq(lane_room(&sim.lane, now()), 0);
    ck_assert_uint_eq(lane_count(&sim.lane), 1); /* for so long, nothing is kept in memory */
    sim.now_ms += 30000;
    ck_assert_uint_gt(lane_room(&sim.lane, now()), 0);
    ck_assert_uint_eq(sim.lane.limit, 1);
    feel(LANE_WELL, 0, sim.now_ms);
    ck_assert_uint_eq(sim.lane.limit, 2);
    lane_end(&sim.lane);
}
END_TEST

static uint64_t shut_for_ms(void) {
    return sim.lane.shut_ns > now().now_ns ? (sim.lane.shut_ns - now().now_ns) / 1000000u : 0;
}

/* Sixteen answers of one moment are one strike; each that is told after a rest is another. */
START_TEST(a_moment_of_throttling_is_one_rest) {
    static const delivery_plan plan = {.enabled = true, .concurrency = 16, .batch = 1};
    fresh(&plan);
    sim.now_ms = 150;
    for (unsigned i = 0; i < 16; i++)
        feel(LANE_THROTTLE, 0, 0);
    ck_assert_uint_eq(shut_for_ms(), 1000);
    sim.now_ms = 1149;
    feel(LANE_THROTTLE, 0, 100); /* slow to say so, and not asked again */
    ck_assert_uint_eq(shut_for_ms(), 1);
    sim.now_ms = 1300;
    feel(LANE_THROTTLE, 0, 100);
    ck_assert_uint_eq(shut_for_ms(), 0);
    for (uint64_t rest = 2000; rest <= 128000; rest *= 2) {
        feel(LANE_THROTTLE, 0, sim.now_ms);
        ck_assert_uint_eq(shut_for_ms(), rest < 60000 ? rest : 60000);
        feel(LANE_WELL, 0, 100); /* taken before all that: it tells nothing */
        ck_assert_uint_eq(sim.lane.limit, 1);
        sim.now_ms += rest + 1;
    }
    feel(LANE_WELL, 0, sim.now_ms);
    ck_assert_uint_eq(sim.lane.limit, 2);
    feel(LANE_THROTTLE, 0, sim.now_ms);
    ck_assert_uint_eq(shut_for_ms(), 1000);
    lane_end(&sim.lane);
}
END_TEST

START_TEST(other_failures_are_no_strikes_and_a_late_answer_that_asks_is_heard) {
    static const delivery_plan plan = {.enabled = true, .concurrency = 16, .batch = 1};
    fresh(&plan);
    for (unsigned i = 0; i < 16; i++)
        feel(LANE_FAILED, 0, 0);
    ck_assert_uint_eq(shut_for_ms(), 0);
    sim.now_ms = 10;
    feel(LANE_THROTTLE, 0, 1);
    ck_assert_uint_eq(shut_for_ms(), 1000);
    feel(LANE_THROTTLE, 7000, 1);
    ck_assert_uint_eq(shut_for_ms(), 7000);
    feel(LANE_THROTTLE, 3000, 1);
    ck_assert_uint_eq(shut_for_ms(), 7000);
    lane_end(&sim.lane);
}
END_TEST

START_TEST(nothing_begins_out_of_the_window) {
    static delivery_plan plan = {.enabled = true, .concurrency = 16, .batch = 1};
    ck_assert(window_read(STR("Tue 22:00-23:00"), &plan.window)); /* 1700000000 is 22:13:20 on a Tuesday */
    fresh(&plan);
    ck_assert_uint_gt(lane_room(&sim.lane, now()), 0);
    fresh(&plan);
    sim.now_ms = 3600000;
    ck_assert_uint_eq(lane_room(&sim.lane, now()), 0);
    ck_assert_uint_eq(lane_wait_ns(&sim.lane, now()), 60000000000u); /* looks at the clock each minute */
    plan.enabled = false;
    sim.now_ms = 0;
    ck_assert_uint_eq(lane_room(&sim.lane, now()), 0);
    lane_end(&sim.lane);
}
END_TEST

START_TEST(one_of_a_key_at_a_time_whatever_the_queue_gives) {
    static const delivery_plan plan = {.enabled = true, .concurrency = 16, .batch = 1};
    held *list[LANE_GROUP_MAX];
    fresh(&plan);
    const delivery three[] = {one(1, "k"), one(1, "k"), one(2, "k"), one(3, "l")};
    give(three, 4);
    ck_assert_uint_eq(lane_count(&sim.lane), 2);
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 1);
    ck_assert_int_eq(list[0]->d.id, 1);
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 1);
    ck_assert_int_eq(list[0]->d.id, 3);
    lane_end(&sim.lane);
}
END_TEST

/* A reading is told not to give what is held: what is let go of meanwhile is read again. */
START_TEST(what_is_dropped_while_the_queue_is_read_is_read_again) {
    static const delivery_plan plan = {.enabled = true, .concurrency = 16, .batch = 1};
    held *list[LANE_GROUP_MAX];
    fresh(&plan);
    const delivery one_of[] = {one(1, NULL)};
    give(one_of, 1);
    ck_assert_uint_gt(lane_room(&sim.lane, now()), 0);
    lane_drop(&sim.lane);
    lane_read(&sim.lane, one_of, 0, 0, now());
    ck_assert_uint_gt(lane_room(&sim.lane, now()), 0);
    lane_read(&sim.lane, one_of, 1, 0, now());
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 1);
    ck_assert_uint_gt(lane_room(&sim.lane, now()), 0);
    lane_again(&sim.lane, list[0], now());
    lane_ended(&sim.lane);
    lane_read(&sim.lane, one_of, 0, 0, now());
    ck_assert_uint_le(lane_wait_ns(&sim.lane, now()), 1000000000u);
    lane_end(&sim.lane);
}
END_TEST

/* A request's body is a copy; so is what jq reads. */
START_TEST(what_is_at_work_counts_too) {
    static const delivery_plan plan = {.enabled = true, .concurrency = 2, .batch = 1, .program = "."};
    static char text[5000];
    memset(text, '1', sizeof text);
    fresh(&plan);
    delivery d = one(1, NULL);
    d.payload = str_of(text, sizeof text);
    held *list[LANE_GROUP_MAX];
    give(&d, 1);
    size_t read = lane_bytes(&sim.lane);
    ck_assert_uint_ge(read, sizeof text);
    held *h = lane_shape(&sim.lane);
    ck_assert_uint_eq(lane_bytes(&sim.lane), read + sizeof text);
    ck_assert(lane_shaped(&sim.lane, h, str_of(text, 1000)));
    ck_assert_uint_eq(lane_bytes(&sim.lane), read + 1000);
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 1);
    ck_assert_uint_eq(lane_bytes(&sim.lane), read + 2000);
    lane_ended(&sim.lane);
    const delivery_outcome o = {.id = 1, .state = DELIVERY_DEAD, .text = str_of(text, 100)};
    lane_over(&sim.lane, h, &o);
    ck_assert_uint_eq(lane_bytes(&sim.lane), read + 1100);
    lane_committed(&sim.lane, h, now());
    ck_assert_uint_eq(lane_bytes(&sim.lane), 0);
    lane_end(&sim.lane);
}
END_TEST

START_TEST(what_is_only_filtered_keeps_its_payload) {
    static const delivery_plan plan = {
        .enabled = true, .concurrency = 1, .batch = 1, .program = ".", .keeps = true};
    fresh(&plan);
    delivery d = one(1, NULL);
    d.payload = str_of("\x89PNG\0\xff", 6);
    d.content_type = STR("image/png");
    held *list[LANE_GROUP_MAX];
    give(&d, 1);
    size_t read = lane_bytes(&sim.lane);
    ck_assert(lane_shaped(&sim.lane, lane_shape(&sim.lane), (bb_str){NULL, 0}));
    ck_assert_uint_eq(lane_bytes(&sim.lane), read);
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 1);
    ck_assert(str_eq(list[0]->d.payload, d.payload));
    ck_assert(str_eq(list[0]->d.content_type, d.content_type));
    lane_ended(&sim.lane);
    lane_end(&sim.lane);
}
END_TEST

START_TEST(what_was_cancelled_is_forgotten) {
    static const delivery_plan plan = {.enabled = true, .concurrency = 2, .batch = 1, .program = "."};
    fresh(&plan);
    const delivery four[] = {one(1, NULL), one(2, NULL), one(3, NULL), one(4, NULL)};
    held *list[LANE_GROUP_MAX];
    give(four, 3);
    held *sent = lane_shape(&sim.lane), *shaping = lane_shape(&sim.lane);
    ck_assert(lane_shaped(&sim.lane, sent, STR("1")));
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 1);
    ck_assert_uint_gt(lane_room(&sim.lane, now()), 0);
    lane_forget(&sim.lane); /* one is sent, one is with jq, one waits, and one is being read */
    ck_assert_uint_eq(lane_count(&sim.lane), 2);
    lane_read(&sim.lane, &four[3], 1, 0, now());
    ck_assert_uint_eq(lane_count(&sim.lane), 2);
    ck_assert(!lane_shaped(&sim.lane, shaping, STR("1")));
    ck_assert_uint_eq(lane_count(&sim.lane), 1);
    ck_assert(lane_wants(&sim.lane, now())); /* what is due still is read again */
    give(&four[3], 1);
    ck_assert_uint_eq(lane_count(&sim.lane), 2);
    lane_ended(&sim.lane);
    lane_end(&sim.lane);
}
END_TEST

/* Every delivery is the next of its key only once the one before it is on disk. */
START_TEST(an_empty_key_is_a_key) {
    static const delivery_plan plan = {.enabled = true, .concurrency = 16, .batch = 1};
    const delivery_outcome done = {.id = 1, .state = DELIVERY_DONE};
    held *list[LANE_GROUP_MAX];
    fresh(&plan);
    const delivery two[] = {one(1, ""), one(2, "")};
    give(two, 2);
    ck_assert_uint_eq(lane_begin(&sim.lane, now(), list), 1);
    ck_assert_uint_eq(lane_room(&sim.lane, now()) > 0, true);
    lane_read(&sim.lane, two, 0, 0, now()); /* nothing: the other one waits behind this */
    lane_ended(&sim.lane);
    lane_over(&sim.lane, list[0], &done);
    lane_committed(&sim.lane, list[0], now());
    ck_assert_uint_gt(lane_room(&sim.lane, now()), 0);
    lane_end(&sim.lane);
}
END_TEST

UNIT_MAIN(unit_test(what_is_at_work_counts_too), unit_test(what_is_only_filtered_keeps_its_payload),
          unit_test(what_was_cancelled_is_forgotten), unit_test(everything_arrives),
          unit_test(an_empty_key_is_a_key), unit_test(what_is_dropped_while_the_queue_is_read_is_read_again),
          unit_test(everything_arrives_though_a_third_of_the_requests_fail),
          unit_test(everything_arrives_though_the_process_ends_again_and_again),
          unit_test(a_batch_waits_for_more_and_no_longer_than_it_may), unit_test(a_batch_is_cut_at_its_bytes),
          unit_test(a_rate_is_kept), unit_test(a_busy_receiver_is_left_alone_as_long_as_it_asks),
          unit_test(a_batch_that_failed_comes_again_as_it_was),
          unit_test(what_jq_still_has_of_a_batch_is_waited_for), unit_test(a_large_batch_has_room),
          unit_test(a_batch_that_cannot_grow_does_not_wait), unit_test(a_moment_of_throttling_is_one_rest),
          unit_test(other_failures_are_no_strikes_and_a_late_answer_that_asks_is_heard),
          unit_test(nothing_begins_out_of_the_window),
          unit_test(one_of_a_key_at_a_time_whatever_the_queue_gives))
