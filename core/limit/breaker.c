#include "limit/breaker.h"

#define RELAXED memory_order_relaxed

void breaker_init(breaker *b) {
    *b = (breaker){.opened = 0};
    pthread_mutex_init(&b->lock, NULL);
}

void breaker_destroy(breaker *b) {
    pthread_mutex_destroy(&b->lock);
}

const char *breaker_state_name(breaker_state s) {
    static const char *const names[] = {"closed", "open", "half_open"};
    return names[s];
}

/* --- the window ------------------------------------------------------------------------------------ */

static uint64_t slice_number(const breaker_policy *p, uint64_t now_ms) {
    uint64_t length = p->window_ms / BREAKER_SLICES;
    return now_ms / (length > 0 ? length : 1);
}

/* Two loops that turn the same slice over may lose a few counts between them: a rate does not care. */
static void count(breaker *b, const breaker_policy *p, bool failed, uint64_t now_ms) {
    uint64_t number = slice_number(p, now_ms);
    unsigned at = (unsigned)(number % BREAKER_SLICES);
    uint64_t there = atomic_load_explicit(&b->slices[at].number, RELAXED);
    if (there != number &&
        atomic_compare_exchange_strong_explicit(&b->slices[at].number, &there, number, RELAXED, RELAXED)) {
        atomic_store_explicit(&b->slices[at].total, 0, RELAXED);
        atomic_store_explicit(&b->slices[at].failed, 0, RELAXED);
    }
    atomic_fetch_add_explicit(&b->slices[at].total, 1, RELAXED);
    if (failed)
        atomic_fetch_add_explicit(&b->slices[at].failed, 1, RELAXED);
}

static bool rate_too_high(breaker *b, const breaker_policy *p, uint64_t now_ms) {
    uint64_t number = slice_number(p, now_ms), total = 0, failed = 0;
    for (unsigned i = 0; i < BREAKER_SLICES; i++) {
        uint64_t of = atomic_load_explicit(&b->slices[i].number, RELAXED);
        if (of > number || number - of >= BREAKER_SLICES)
            continue;
        total += atomic_load_explicit(&b->slices[i].total, RELAXED);
        failed += atomic_load_explicit(&b->slices[i].failed, RELAXED);
    }
    return total >= p->minimum && total > 0 && failed * 100 >= total * p->rate_percent;
}

static void clear_window(breaker *b) {
    atomic_store_explicit(&b->row, 0, RELAXED);
    for (unsigned i = 0; i < BREAKER_SLICES; i++) {
        atomic_store_explicit(&b->slices[i].total, 0, RELAXED);
        atomic_store_explicit(&b->slices[i].failed, 0, RELAXED);
    }
}

/* --- changes of state, with the lock held ------------------------------------------------------------ */

static void become(breaker *b, breaker_state next) {
    atomic_fetch_add(&b->epoch, 1);
    b->probing = b->proved = 0;
    atomic_store(&b->state, (int)next);
}

static void open_(breaker *b, const breaker_policy *p, uint64_t now_ms) {
    uint64_t length = p->open_ms;
    for (uint32_t i = 0; i < b->opened && length < p->max_open_ms; i++)
        length *= 2;
    if (length > p->max_open_ms)
        length = p->max_open_ms;
    b->opened++;
    atomic_store(&b->until_ms, now_ms + length);
    atomic_fetch_add_explicit(&b->openings, 1, RELAXED);
    become(b, BREAKER_OPEN);
}

static void close_(breaker *b) {
    b->opened = 0;
    clear_window(b);
    become(b, BREAKER_CLOSED);
}

/* --- passes ---------------------------------------------------------------------------------------- */

static breaker_pass refuse(breaker *b, uint64_t now_ms) {
    uint64_t until = atomic_load(&b->until_ms);
    atomic_fetch_add_explicit(&b->refused, 1, RELAXED);
    return (breaker_pass){.retry_after_ms = until > now_ms ? until - now_ms : 1};
}

static bool is_off(const breaker_policy *p) {
    return p->failures == 0 && p->rate_percent == 0;
}

static breaker_pass admit_probe(breaker *b, const breaker_policy *p, uint64_t now_ms) {
    breaker_pass pass;
    pthread_mutex_lock(&b->lock);
    if (atomic_load(&b->state) == BREAKER_OPEN && now_ms >= atomic_load(&b->until_ms))
        become(b, BREAKER_HALF_OPEN);
    int state = atomic_load(&b->state);
    if (state == BREAKER_CLOSED || (state == BREAKER_HALF_OPEN && b->probing < p->probes)) {
        pass = (breaker_pass){
            .admitted = true, .probe = state == BREAKER_HALF_OPEN, .epoch = atomic_load(&b->epoch)};
        b->probing += pass.probe;
    } else {
        pass = refuse(b, now_ms);
    }
    pthread_mutex_unlock(&b->lock);
    return pass;
}

breaker_pass breaker_admit(breaker *b, const breaker_policy *p, uint64_t now_ms) {
    if (is_off(p))
        return (breaker_pass){.admitted = true};
    uint32_t epoch = atomic_load_explicit(&b->epoch, memory_order_acquire);
    if (atomic_load_explicit(&b->state, memory_order_acquire) == BREAKER_CLOSED)
        return (breaker_pass){.admitted = true, .epoch = epoch};
    return admit_probe(b, p, now_ms);
}

bool breaker_stands(const breaker *b, const breaker_pass *pass) {
    breaker *w = (breaker *)(uintptr_t)b;
    return pass->epoch == atomic_load_explicit(&w->epoch, memory_order_relaxed);
}

static void report_probe(breaker *b, const breaker_policy *p, const breaker_pass *pass, breaker_result result,
                         uint64_t now_ms) {
    pthread_mutex_lock(&b->lock);
    if (pass->epoch == atomic_load(&b->epoch)) {
        b->probing--;
        if (result == BREAKER_BAD)
            open_(b, p, now_ms);
        else if (result == BREAKER_GOOD && ++b->proved >= p->probes)
            close_(b);
    }
    pthread_mutex_unlock(&b->lock);
}

static void open_if_due(breaker *b, const breaker_policy *p, uint32_t epoch, uint64_t now_ms) {
    pthread_mutex_lock(&b->lock);
    if (epoch == atomic_load(&b->epoch) && atomic_load(&b->state) == BREAKER_CLOSED)
        open_(b, p, now_ms);
    pthread_mutex_unlock(&b->lock);
}

void breaker_report(breaker *b, const breaker_policy *p, const breaker_pass *pass, breaker_result result,
                    uint64_t now_ms) {
    if (is_off(p) || !pass->admitted)
        return;
    if (pass->probe) {
        report_probe(b, p, pass, result, now_ms);
        return;
    }
    if (result == BREAKER_UNKNOWN || pass->epoch != atomic_load_explicit(&b->epoch, memory_order_acquire))
        return;
    bool bad = result == BREAKER_BAD;
    if (p->rate_percent != 0)
        count(b, p, bad, now_ms);
    if (!bad) {
        if (atomic_load_explicit(&b->row, RELAXED) != 0)
            atomic_store_explicit(&b->row, 0, RELAXED);
        return;
    }
    uint32_t row = atomic_fetch_add_explicit(&b->row, 1, RELAXED) + 1;
    if ((p->failures != 0 && row >= p->failures) || (p->rate_percent != 0 && rate_too_high(b, p, now_ms)))
        open_if_due(b, p, pass->epoch, now_ms);
}

breaker_state breaker_now(const breaker *b, uint64_t now_ms, uint64_t *retry_after_ms) {
    breaker *w = (breaker *)(uintptr_t)b;
    breaker_state state = (breaker_state)atomic_load(&w->state);
    uint64_t until = atomic_load(&w->until_ms);
    if (retry_after_ms != NULL)
        *retry_after_ms = state == BREAKER_OPEN && until > now_ms ? until - now_ms : 0;
    return state == BREAKER_OPEN && now_ms >= until ? BREAKER_HALF_OPEN : state;
}

void breaker_reset(breaker *b) {
    pthread_mutex_lock(&b->lock);
    if (atomic_load(&b->state) != BREAKER_CLOSED)
        close_(b);
    clear_window(b);
    pthread_mutex_unlock(&b->lock);
}
