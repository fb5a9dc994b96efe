/* events_time.c - the queue's own sense of time: what events_clock.h tells of this machine's clocks, kept in
 * the file, so that it goes on where it was when the hub is started again. */
#include "store/events_internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <stdlib.h>

#define KEEP_NS 60000000000u /* between two notes of the time in the file */

static void read_boot(char out[CLOCK_BOOT_MAX]) {
    buf text;
    err e;
    buf_init(&text);
    if (file_read("/proc/sys/kernel/random/boot_id", 4096, &text, NULL, &e))
        str_put(out, CLOCK_BOOT_MAX, str_trim(buf_str(&text)));
    if (out[0] == '\0')
        str_put(out, CLOCK_BOOT_MAX, STR("unknown"));
    buf_free(&text);
}

static void tell(const store *s, clock_news news, uint64_t by_ms) {
    unsigned long long seconds = by_ms / 1000;
    if (news == CLOCK_FORWARD)
        log_warn("the clock has jumped forward by %llu s: this time has not passed for what %s keeps",
                 seconds, s->path);
    else if (news == CLOCK_BACK)
        log_warn("the clock has jumped back by %llu s: what waits in %s waits no longer for it", seconds,
                 s->path);
    else if (news == CLOCK_DOUBTED)
        log_warn("it is %llu s since %s was last written, by the clock: where that is wrong, set it right; "
                 "nothing is removed for this time before 24 hours have passed",
                 seconds, s->path);
}

/* Under the lock. */
static void look(const store *s, events *v) {
    uint64_t by_ms;
    clock_news news = events_clock_look(&v->clock, v->boot, clock_wall_ms(), clock_boot_ns() / 1000000u,
                                        &by_ms);
    atomic_store_explicit(&v->shift_ms, v->clock.shift_ms, memory_order_relaxed);
    v->clock_unsaved = v->clock_unsaved || news != CLOCK_STEADY;
    tell(s, news, by_ms);
}

bool time_load(store *s, err *e) {
    events *v = events_of(s);
    store_result r = STORE_OK;
    read_boot(v->boot);
    sqlite3_stmt *stmt = database_prepare(&s->write, "SELECT value FROM meta WHERE name = 'clock'");
    if (database_row(stmt, &r)) {
        if (!events_clock_read(database_column(stmt, 0), &v->clock))
            v->clock = (events_clock){0};
        sqlite3_reset(stmt);
    }
    look(s, v);
    return r == STORE_OK || err_set(e, "%s: %s", s->path, store_result_text(r));
}

store_result time_save_some(store *s, database *d) {
    events *v = events_of(s);
    uint64_t now_ns = clock_ns();
    buf text;
    buf_init(&text);
    pthread_mutex_lock(&v->lock);
    look(s, v);
    bool save = v->clock_unsaved || now_ns >= v->clock_again_ns;
    if (save)
        events_clock_write(&v->clock, &text);
    v->clock_unsaved = false;
    pthread_mutex_unlock(&v->lock);
    if (!save)
        return STORE_OK;
    v->clock_again_ns = now_ns + KEEP_NS; /* a group that is lost loses a minute of it */
    sqlite3_stmt *stmt = database_prepare(
        d, "INSERT INTO meta(name, value) VALUES('clock', ?) ON CONFLICT(name) "
           "DO UPDATE SET value = excluded.value");
    database_text(stmt, 1, buf_str(&text));
    store_result r = text.failed ? STORE_OK : database_done(stmt);
    buf_free(&text);
    return r;
}

/* --- asking ------------------------------------------------------------------------------------------ */

void time_now(const store *s, events_clock *out) {
    events *v = events_of(s);
    pthread_mutex_lock(&v->lock);
    look(s, v);
    *out = v->clock;
    pthread_mutex_unlock(&v->lock);
}

uint64_t time_due(const store *s, uint64_t wall_ms) {
    events_clock now;
    time_now(s, &now);
    return events_clock_due(&now, wall_ms);
}

uint64_t time_due_about(const events *v, uint64_t wall_ms) {
    const events_clock c = {.shift_ms = atomic_load_explicit(&v->shift_ms, memory_order_relaxed)};
    return events_clock_due(&c, wall_ms);
}

uint64_t time_wall(const store *s, uint64_t due_ms) {
    events *v = events_of(s);
    pthread_mutex_lock(&v->lock);
    uint64_t wall = events_clock_wall(&v->clock, due_ms);
    pthread_mutex_unlock(&v->lock);
    return wall;
}

uint64_t events_age_ms(const store *s, uint64_t stamp_ms) {
    events_clock now;
    if (s == NULL || stamp_ms == 0)
        return 0;
    time_now(s, &now);
    return events_clock_age(&now, stamp_ms);
}
