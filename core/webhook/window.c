#include "webhook/window.h"

#define DAY 1440u /* minutes */
#define WEEK (7 * DAY)
#define MINUTE 60000u /* ms */

static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* --- reading ------------------------------------------------------------------------------------------ */

static bool read_day(bb_str text, unsigned *day) {
    for (*day = 0; *day < 7; ++*day)
        if (str_eq_nocase(text, str_from(days[*day])))
            return true;
    return false;
}

/* "Mon", "Mon-Fri", "*" */
static bool read_days(bb_str text, unsigned *first, unsigned *count) {
    bb_str from, to;
    *first = 0;
    *count = 7;
    if (str_eq(text, STR("*")))
        return true;
    unsigned last;
    if (!str_split(&text, '-', &from) || !read_day(from, first))
        return false;
    last = *first;
    if (str_split(&text, '-', &to) && (!read_day(to, &last) || text.len > 0))
        return false;
    *count = (last + 7 - *first) % 7 + 1;
    return true;
}

/* "09:00"; `most` minutes. */
static bool read_time(bb_str text, unsigned most, uint32_t *out) {
    if (text.len != 5 || text.ptr[2] != ':')
        return false;
    uint64_t hours, minutes;
    if (!str_to_u64(str_of(text.ptr, 2), &hours) || !str_to_u64(str_of(text.ptr + 3, 2), &minutes))
        return false;
    *out = (uint32_t)(hours * 60 + minutes);
    return minutes < 60 && *out <= most;
}

static bool read_times(bb_str text, uint32_t *from, uint32_t *to) {
    bb_str first, last;
    if (!str_split(&text, '-', &first) || !str_split(&text, '-', &last) || text.len > 0 ||
        !read_time(first, DAY - 1, from) || !read_time(last, DAY, to))
        return false;
    if (*to <= *from)
        *to += DAY;
    return true;
}

static bool read_offset(bb_str text, int32_t *out) {
    uint32_t minutes = 0;
    if (text.len < 1 || (text.ptr[0] != '+' && text.ptr[0] != '-') ||
        !read_time(str_of(text.ptr + 1, text.len - 1), 14 * 60, &minutes))
        return false;
    *out = text.ptr[0] == '-' ? -(int32_t)minutes : (int32_t)minutes;
    return true;
}

/* Cuts the last word off, where it is an offset or "UTC": *fixed. */
static bool cut_offset(bb_str *text, int32_t *out, bool *fixed) {
    size_t at = text->len;
    while (at > 0 && text->ptr[at - 1] != ' ')
        at--;
    bb_str word = str_of(text->ptr + at, text->len - at);
    if (str_eq_nocase(word, STR("UTC")) || str_eq(word, STR("Z")))
        *out = 0;
    else if (word.len == 0 || (word.ptr[0] != '+' && word.ptr[0] != '-'))
        return true;
    else if (!read_offset(word, out))
        return false;
    *text = str_trim(str_of(text->ptr, at));
    *fixed = true;
    return true;
}

static bool add_spans(delivery_window *out, bb_str text) {
    unsigned first, count;
    uint32_t from, to;
    bb_str which;
    text = str_trim(text);
    if (!str_split(&text, ' ', &which) || !read_days(which, &first, &count) ||
        !read_times(str_trim(text), &from, &to))
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (out->count == WINDOW_SPANS)
            return false;
        uint32_t start = (first + i) % 7 * DAY;
        out->spans[out->count].from = start + from;
        out->spans[out->count++].to = start + to;
    }
    return true;
}

bool window_read(bb_str text, delivery_window *out) {
    *out = (delivery_window){0};
    text = str_trim(text);
    if (!cut_offset(&text, &out->offset, &out->fixed))
        return false;
    bb_str part;
    while (str_split(&text, ',', &part))
        if (!add_spans(out, part))
            return false;
    return out->count > 0;
}

/* --- asking ------------------------------------------------------------------------------------------- */

/* By a clock that goes so far east of UTC. */
static uint64_t wait_at(const delivery_window *w, uint64_t wall_ms, int64_t east_ms) {
    /* 1970-01-01 was a Thursday. A week is added, so that an offset to the west does not go below zero. */
    const uint64_t week = (uint64_t)WEEK * MINUTE;
    uint64_t now = (wall_ms + week + 3ull * DAY * MINUTE + (uint64_t)east_ms) % week;
    uint64_t least = week;
    for (unsigned i = 0; i < w->count; i++) {
        uint64_t from = (uint64_t)w->spans[i].from * MINUTE, to = (uint64_t)w->spans[i].to * MINUTE;
        if ((now >= from && now < to) || now + week < to)
            return 0;
        uint64_t wait = from > now ? from - now : from + week - now;
        least = wait < least ? wait : least;
    }
    return least;
}

#define CHANGES_MOST 16 /* of a zone within the week looked at; more than any has */

uint64_t window_wait_ms(const delivery_window *w, uint64_t wall_ms) {
    if (w->count == 0)
        return 0;
    if (w->zone == NULL)
        return wait_at(w, wall_ms, (int64_t)w->offset * MINUTE);
    uint64_t at = wall_ms;
    for (int i = 0; i < CHANGES_MOST; i++) {
        int64_t until_s, east_s = zone_offset(w->zone, (int64_t)(at / 1000), &until_s);
        uint64_t opens = at + wait_at(w, at, east_s * 1000);
        if (opens == at || until_s == ZONE_ALWAYS || opens < (uint64_t)until_s * 1000)
            return opens - wall_ms;
        at = (uint64_t)until_s * 1000; /* the clocks change before: look from there on */
    }
    return at - wall_ms;
}
