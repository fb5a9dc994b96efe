#include "store/events_clock.h"

#include <stdlib.h>
#include <string.h>

/* ms: of two looks, the clocks are read one after the other; and while time servers make the wall clock fast
 * or slow, by 500 of a million at most, it has not jumped. */
#define TOLERATED_MS 2000u
#define TOLERATED_PART 1000u

/* --- gaps -------------------------------------------------------------------------------------------- */

/* Where there are too many, two are one: of what was written between them, too little time has passed then,
 * and it is kept longer. */
static void add_gap(events_clock *c, uint64_t from_ms, uint64_t to_ms, clock_doubt doubt) {
    if (from_ms >= to_ms)
        return;
    if (c->gap_count == CLOCK_GAPS) {
        c->gaps[1].from_ms -= c->gaps[0].to_ms - c->gaps[0].from_ms;
        memmove(&c->gaps[0], &c->gaps[1], (CLOCK_GAPS - 1) * sizeof c->gaps[0]);
        c->gap_count--;
    }
    c->gaps[c->gap_count++] = (clock_gap){from_ms, to_ms, doubt};
}

/* The clock is back at `wall_ms`: what is after that is to come. Gives how much of it this boot doubted. */
static uint64_t cut_gaps(events_clock *c, uint64_t wall_ms) {
    uint64_t doubted = 0;
    while (c->gap_count > 0 && c->gaps[c->gap_count - 1].to_ms > wall_ms) {
        clock_gap *g = &c->gaps[c->gap_count - 1];
        if (g->doubt == DOUBT_NEW)
            doubted += g->to_ms - (g->from_ms > wall_ms ? g->from_ms : wall_ms);
        g->to_ms = wall_ms;
        if (g->from_ms < wall_ms)
            break;
        c->gap_count--;
    }
    return doubted;
}

static void end_doubts(events_clock *c) {
    size_t n = 0;
    for (size_t i = 0; i < c->gap_count; i++)
        if (c->gaps[i].doubt == DOUBT_NONE || events_clock_age(c, c->gaps[i].to_ms) < DOUBT_GRACE_MS)
            c->gaps[n++] = c->gaps[i];
    c->gap_count = n;
}

/* --- a clock that is behind ---------------------------------------------------------------------------- */

/* It began behind what was believed, and by how much is not known: a clock without a battery begins in 1970.
 * Nothing grows older by it where a gap is, so the gaps stay as they are until it is right; or, where nobody
 * sets it within DOUBT_GRACE_MS, until it is believed. */
static bool is_behind(const events_clock *c, uint64_t wall_ms) {
    return wall_ms + DOUBT_MS < c->most_ms;
}

/* After each jump, and each boot. */
static void note_behind(events_clock *c) {
    c->behind_ms = !is_behind(c, c->wall_ms) ? 0 : c->boot_ms > 0 ? c->boot_ms : 1;
}

static void end_behind(events_clock *c) {
    if (c->behind_ms == 0 || c->boot_ms < c->behind_ms + DOUBT_GRACE_MS)
        return;
    c->behind_ms = 0;
    if (!is_behind(c, c->wall_ms))
        return;
    cut_gaps(c, c->wall_ms);
    c->most_ms = c->wall_ms;
}

/* --- looking ----------------------------------------------------------------------------------------- */

/* Within a boot: `right` is what the clock would be. */
static void move_back(events_clock *c, uint64_t right, uint64_t by_ms) {
    uint64_t doubted = 0;
    if (!is_behind(c, right)) {
        doubted = cut_gaps(c, c->wall_ms); /* which no due was put off for */
        c->most_ms = c->wall_ms;
    }
    c->shift_ms += (int64_t)(by_ms > doubted ? by_ms - doubted : 0);
}

/* What another boot doubted, dues have been written by since. */
static void age_doubts(events_clock *c) {
    for (size_t i = 0; i < c->gap_count; i++)
        if (c->gaps[i].doubt == DOUBT_NEW)
            c->gaps[i].doubt = DOUBT_OLD;
}

/* The first look of another boot. */
static clock_news begin(events_clock *c, const char *boot, uint64_t wall_ms, uint64_t boot_ms,
                        uint64_t *by_ms) {
    uint64_t last = c->wall_ms;
    bool first = c->boot[0] == '\0';
    str_put(c->boot, sizeof c->boot, str_from(boot));
    c->wall_ms = wall_ms;
    c->boot_ms = boot_ms;
    age_doubts(c);
    if (!first && wall_ms < last) {
        *by_ms = last - wall_ms;
        c->shift_ms += (int64_t)*by_ms;
        note_behind(c);
        return CLOCK_BACK;
    }
    uint64_t from = last > c->most_ms ? last : c->most_ms;
    c->most_ms = wall_ms > c->most_ms ? wall_ms : c->most_ms;
    note_behind(c);
    *by_ms = first ? 0 : wall_ms - last;
    if (*by_ms <= DOUBT_MS)
        return CLOCK_STEADY;
    add_gap(c, from, wall_ms, DOUBT_NEW);
    return CLOCK_DOUBTED;
}

clock_news events_clock_look(events_clock *c, const char *boot, uint64_t wall_ms, uint64_t boot_ms,
                             uint64_t *by_ms) {
    *by_ms = 0;
    if (strcmp(c->boot, boot) != 0)
        return begin(c, boot, wall_ms, boot_ms, by_ms);
    uint64_t passed = boot_ms > c->boot_ms ? boot_ms - c->boot_ms : 0;
    uint64_t right = c->wall_ms + passed; /* what the wall clock would be */
    uint64_t tolerated = TOLERATED_MS + passed / TOLERATED_PART;
    c->wall_ms = wall_ms;
    c->boot_ms += passed;
    if (wall_ms > right + tolerated) {
        *by_ms = wall_ms - right;
        c->shift_ms -= (int64_t)*by_ms;
        add_gap(c, right > c->most_ms ? right : c->most_ms, wall_ms, DOUBT_NONE);
        c->most_ms = wall_ms > c->most_ms ? wall_ms : c->most_ms;
        note_behind(c);
        return CLOCK_FORWARD;
    }
    if (wall_ms + tolerated < right) {
        *by_ms = right - wall_ms;
        move_back(c, right, *by_ms);
        note_behind(c);
        return CLOCK_BACK;
    }
    c->most_ms = wall_ms > c->most_ms ? wall_ms : c->most_ms;
    end_behind(c);
    end_doubts(c);
    return CLOCK_STEADY;
}

uint64_t events_clock_age(const events_clock *c, uint64_t stamp_ms) {
    uint64_t age = c->wall_ms > stamp_ms ? c->wall_ms - stamp_ms : 0;
    for (size_t i = 0; i < c->gap_count; i++) {
        const clock_gap *g = &c->gaps[i];
        uint64_t from = g->from_ms > stamp_ms ? g->from_ms : stamp_ms;
        uint64_t to = g->to_ms < c->wall_ms ? g->to_ms : c->wall_ms;
        uint64_t gone = to > from ? to - from : 0;
        age = age > gone ? age - gone : 0;
    }
    return age;
}

static uint64_t moved(uint64_t ms, int64_t by_ms) {
    if (by_ms < 0)
        return ms > (uint64_t)-by_ms ? ms - (uint64_t)-by_ms : 0;
    return ms < (uint64_t)INT64_MAX - (uint64_t)by_ms ? ms + (uint64_t)by_ms : (uint64_t)INT64_MAX;
}

uint64_t events_clock_due(const events_clock *c, uint64_t wall_ms) {
    return moved(wall_ms, c->shift_ms);
}

uint64_t events_clock_wall(const events_clock *c, uint64_t due_ms) {
    return moved(due_ms, -c->shift_ms);
}

/* --- as a text --------------------------------------------------------------------------------------- */

void events_clock_write(const events_clock *c, buf *out) {
    buf_printf(out, "%s %llu %llu %llu %lld", c->boot, (unsigned long long)c->wall_ms,
               (unsigned long long)c->boot_ms, (unsigned long long)c->most_ms, (long long)c->shift_ms);
    for (size_t i = 0; i < c->gap_count; i++)
        buf_printf(out, " %llu %llu %d", (unsigned long long)c->gaps[i].from_ms,
                   (unsigned long long)c->gaps[i].to_ms, (int)c->gaps[i].doubt);
    if (c->behind_ms > 0)
        buf_printf(out, " %llu", (unsigned long long)c->behind_ms);
}

static bool number(bb_str *text, uint64_t *out) {
    bb_str word;
    return str_split(text, ' ', &word) && str_to_u64(word, out);
}

static bool signed_number(bb_str *text, int64_t *out) {
    bb_str word;
    uint64_t n;
    if (!str_split(text, ' ', &word) || word.len == 0)
        return false;
    bool minus = word.ptr[0] == '-';
    if (!str_to_u64(str_of(word.ptr + minus, word.len - minus), &n) || n > INT64_MAX)
        return false;
    *out = minus ? -(int64_t)n : (int64_t)n;
    return true;
}

bool events_clock_read(bb_str text, events_clock *out) {
    bb_str boot;
    *out = (events_clock){0};
    if (!str_split(&text, ' ', &boot) || boot.len == 0 || boot.len >= sizeof out->boot ||
        !number(&text, &out->wall_ms) || !number(&text, &out->boot_ms) || !number(&text, &out->most_ms) ||
        !signed_number(&text, &out->shift_ms))
        return false;
    str_put(out->boot, sizeof out->boot, boot);
    while (text.len > 0) {
        clock_gap g = {0};
        uint64_t doubt;
        if (!number(&text, &g.from_ms))
            return false;
        if (text.len == 0) { /* the last one, alone */
            out->behind_ms = g.from_ms;
            return true;
        }
        if (!number(&text, &g.to_ms) || !number(&text, &doubt) || doubt > DOUBT_OLD || g.from_ms >= g.to_ms ||
            out->gap_count == CLOCK_GAPS)
            return false;
        g.doubt = (clock_doubt)doubt;
        out->gaps[out->gap_count++] = g;
    }
    return true;
}
