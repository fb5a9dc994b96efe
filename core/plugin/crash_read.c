/* crash_read.c - a report as the next start understands it. It may be cut: the process was dying. */
#include "plugin/crash.h"

#include "base/clock.h"
#include "plugin/mark.h"

static const char *copy(arena *a, bb_str value) {
    return arena_strdup(a, value);
}

static void take(arena *a, crash_report *r, bb_str key, bb_str value) {
    struct {
        const char *key;
        const char **to;
    } texts[] = {{"signal", &r->signal},
                 {"plugin", &r->plugin},
                 {"version", &r->version},
                 {"connection", &r->connection},
                 {"operation", &r->operation},
                 {"step", &r->step},
                 {"note", &r->note}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (str_eq(key, str_from(texts[i].key)))
            *texts[i].to = copy(a, value);
    if (str_eq(key, STR("time")))
        clock_from_rfc3339(value, &r->at_ms);
    else if (str_eq(key, STR("within")))
        r->within = str_eq(value, STR("yes"));
    else if (str_eq(key, STR("sent")))
        r->sent = true;
    else if (str_eq(key, STR("sha256")) && value.len == 64)
        str_put(r->sha256, sizeof r->sha256, value);
}

bool crash_read(arena *a, bb_str text, crash_report *out) {
    bb_str line, key;
    *out = (crash_report){0};
    if (!str_split(&text, '\n', &line) || !str_eq(line, STR("busbar crash report")))
        return false;
    while (str_split(&text, '\n', &line))
        if (str_split(&line, ' ', &key) && line.ptr != NULL)
            take(a, out, key, line);
    return true;
}

bb_str crash_sentence(arena *a, const crash_report *r) {
    const char *signal = r->signal != NULL ? r->signal : "an unknown signal";
    if (r->plugin == NULL)
        return arena_printf(a, "the hub crashed (%s) before it was in any connector", signal);
    return arena_printf(
        a, "%s %s%s%s (build %.12s) %s%s%s%s%s %s%s%s%s%s",
        r->within ? "connector" : "the hub crashed, not within a connector; last visited:", r->plugin,
        r->version != NULL ? " " : "", r->version != NULL ? r->version : "", r->sha256,
        r->within ? "crashed (" : "(", signal, r->note != NULL ? ": " : "", r->note != NULL ? r->note : "",
        mark_is_scheme(r->step) ? ") in scheme" : ") in operation", r->operation != NULL ? r->operation : "?",
        r->step != NULL ? ", step " : "", r->step != NULL ? r->step : "",
        r->connection != NULL ? ", of connection " : "", r->connection != NULL ? r->connection : "");
}
