/* settings_events.c - what busbar.conf says of [events]: where events are kept, how long and how many. */
#include "hub/settings.h"

#define MINUTE_MS 60000ull
#define DAY_MS 86400000ull

static const char *const keys[] = {"file", "keep", "keep_dead", "size", "abandon", NULL};

static bool read_file(arena *a, const conf_file *f, const conf_entry *entry, hub_settings *out, err *e) {
    bb_str path = {NULL, 0};
    if (entry != NULL && !conf_expand(a, f, entry, &path, NULL, e))
        return false;
    out->events_file = path.len > 0 ? arena_strdup(a, path)
                                    : arena_printf(a, "%s/events.db", out->state_dir).ptr;
    return out->events_file != NULL || err_set(e, "no memory");
}

bool hub_settings_read_events(arena *a, const conf_file *f, hub_settings *out, err *e) {
    const conf_section *s = conf_find_section(f, STR("events"));
    return (s == NULL || conf_check_keys(f, s, keys, e)) &&
           read_file(a, f, conf_find(s, STR("file")), out, e) &&
           conf_duration_ms(a, f, conf_find(s, STR("keep")), 0, 3650 * DAY_MS, 7 * DAY_MS, &out->events_ms,
                            e) &&
           conf_duration_ms(a, f, conf_find(s, STR("keep_dead")), 0, 3650 * DAY_MS, 30 * DAY_MS,
                            &out->events_dead_ms, e) &&
           conf_duration_ms(a, f, conf_find(s, STR("abandon")), 0, 3650 * DAY_MS, 10 * MINUTE_MS,
                            &out->events_abandon_ms, e) &&
           conf_size(a, f, conf_find(s, STR("size")), 0, UINT64_MAX / 2, 8ull << 30, &out->events_bytes, e);
}
