/* events.c - `busbar events ls|show|send|replay`; tail is events_tail.c. */
#include "cli/events.h"

#include <stdio.h>

/* --- ls --------------------------------------------------------------------------------------------------
 */

/* {"done": 2, "dead": 1} as "2 done, 1 dead". */
static bb_str deliveries_of(arena *a, const json_value *e) {
    bb_str text = STR("");
    for (json_iter it = json_iterate(json_getl(e, "deliveries")); json_next(&it);)
        text = arena_printf(a, "%.*s%s%.*s %.*s", STR_FMT(text), text.len > 0 ? ", " : "",
                            STR_FMT(json_raw(it.value)), STR_FMT(it.key));
    return text.len > 0 ? text : STR("-");
}

void events_add_row(arena *a, table *t, const json_value *e) {
    bb_str cells[] = {json_string(json_getl(e, "id")),     to_second(a, json_string(json_getl(e, "at"))),
                      json_string(json_getl(e, "source")), json_string(json_getl(e, "type")),
                      json_raw(json_getl(e, "bytes")),     deliveries_of(a, e)};
    table_add(t, cells, (bb_str){NULL, 0});
}

static void print_list(const options *o, const json_value *r) {
    const json_value *events = json_getl(r, "events"), *next = json_getl(r, "next");
    table t = EVENTS_TABLE;
    arena *a = arena_new(0);
    if (!wants_text(o)) {
        print_lines(events);
    } else {
        for (json_iter it = json_iterate(events); a != NULL && json_next(&it);)
            events_add_row(a, &t, it.value);
        table_flush(&t);
        if (next != NULL)
            printf("there are older ones: --before %.*s\n", STR_FMT(json_raw(next)));
    }
    arena_free(a);
}

static int list(const options *o) {
    query q = {.begun = false};
    char limit[24];
    buf_init(&q.text);
    buf_lit(&q.text, "/events");
    query_add(&q, "type", o->type);
    query_add(&q, "source", o->source);
    query_add(&q, "since", o->since);
    query_add(&q, "until", o->until);
    query_add(&q, "before", o->before);
    snprintf(limit, sizeof limit, "%llu", (unsigned long long)o->limit);
    query_add(&q, "limit", o->limit > 0 ? limit : NULL);
    int code = session_ask(o, "GET", buf_cstr(&q.text), STR(""), print_list);
    buf_free(&q.text);
    return code;
}

/* --- show ------------------------------------------------------------------------------------------------
 */

static int show(const options *o) {
    arena *a = arena_new(0);
    bb_str path = arena_printf(a, "/events/%s", encoded(a, o->words[1]));
    int code = session_ask(o, "GET", path.ptr, STR(""), print_json);
    arena_free(a);
    return code;
}

/* --- send ------------------------------------------------------------------------------------------------
 */

/* TEXT, @FILE, or "-": standard input. */
static bool read_text(arena *a, const char *given, bb_str *out, err *e) {
    *out = str_from(given);
    return strcmp(given, "-") == 0 ? read_whole_file(a, given, out, e)
                                   : given[0] != '@' || read_whole_file(a, given + 1, out, e);
}

static bool read_data(const options *o, arena *a, bb_str *out, err *e) {
    size_t words = o->word_count - 2;
    if ((o->data != NULL) + o->from_stdin + (words > 0) > 1)
        return err_set(e, "give the data as key=value, or by --data, or as -, in one of these ways");
    if (words > 0)
        return args_to_json(a, o->words + 2, words, out, e);
    const char *given = o->from_stdin ? "-" : o->data;
    *out = STR("");
    if (given == NULL)
        return true;
    if (!read_text(a, given, out, e))
        return false;
    return json_read(a, *out, NULL, NULL) != NULL || err_set(e, "the data is no JSON");
}

static void put_text(json_writer *w, bb_str name, const char *text) {
    if (text != NULL)
        json_member_string(w, name, str_from(text));
}

static bool make_event(const options *o, arena *a, buf *out, err *e) {
    bb_str data;
    json_writer w;
    if (!read_data(o, a, &data, e))
        return false;
    json_writer_init(&w, out);
    json_object(&w);
    put_text(&w, STR("type"), o->words[1]);
    put_text(&w, STR("id"), o->id);
    put_text(&w, STR("subject"), o->subject);
    if (data.len > 0) {
        json_keyl(&w, "data");
        json_put_raw(&w, data);
    }
    json_object_end(&w);
    return json_writer_finish(&w) || err_set(e, "no memory");
}

static void print_sent(const options *o, const json_value *r) {
    if (!wants_text(o)) {
        print_lines(json_getl(r, "events"));
        return;
    }
    for (json_iter it = json_iterate(json_getl(r, "events")); json_next(&it);) {
        if (json_bool(json_getl(it.value, "repeated"), false)) {
            puts("a repeat: an event of that id was taken before");
            continue;
        }
        print_text(stdout, json_string(json_getl(it.value, "id")));
        printf(" for %.*s target(s)\n", STR_FMT(json_raw(json_getl(it.value, "targets"))));
    }
}

static int send_body(const options *o) {
    arena *a = arena_new(0);
    buf body = {0};
    bb_str text = {NULL, 0};
    err e = {""};
    int code = EXIT_USAGE;
    bool made = o->batch != NULL ? read_text(a, o->batch, &text, &e) : make_event(o, a, &body, &e);
    if (made)
        code = session_ask(o, "POST", "/events", o->batch != NULL ? text : buf_str(&body), print_sent);
    else
        complain("events send: %s", e.text);
    buf_free(&body);
    arena_free(a);
    return code;
}

static int send(const options *o) {
    bool one = o->data != NULL || o->id != NULL || o->subject != NULL || o->from_stdin || o->word_count > 1;
    if (o->batch != NULL ? one : o->word_count < 2) {
        complain("events send takes a TYPE and its data, or --batch @FILE alone");
        return EXIT_USAGE;
    }
    return send_body(o);
}

/* --- replay ----------------------------------------------------------------------------------------------
 */

static void print_replayed(const options *o, const json_value *r) {
    if (wants_text(o))
        printf("%.*s event(s) are delivered once more\n", STR_FMT(json_raw(json_getl(r, "replayed"))));
    else
        print_json(o, r);
}

static int replay(const options *o) {
    const char *event = o->word_count == 2 ? o->words[1] : NULL;
    if (o->target == NULL || (event == NULL) == (o->since == NULL)) {
        complain("events replay takes --target, and the ID of an event, or --since TIME");
        return EXIT_USAGE;
    }
    buf body = {0};
    json_writer w;
    json_writer_init(&w, &body);
    json_object(&w);
    put_text(&w, STR("target"), o->target);
    put_text(&w, STR("event"), event);
    put_text(&w, STR("type"), o->type);
    put_text(&w, STR("source"), o->source);
    put_text(&w, STR("since"), o->since);
    put_text(&w, STR("until"), o->until);
    json_object_end(&w);
    int code = session_ask(o, "POST", "/events/replay", buf_str(&body), print_replayed);
    buf_free(&body);
    return code;
}

/* --- the command -------------------------------------------------------------------------------------------
 */

int command_events(const options *o) {
    static const struct {
        const char *name;
        size_t most; /* words after it */
        bool needs;
        int (*run)(const options *o);
    } actions[] = {{"ls", 0, false, list},
                   {"show", 1, true, show},
                   {"send", SIZE_MAX, false, send},
                   {"tail", 0, false, events_tail},
                   {"replay", 1, false, replay}};
    size_t words = o->word_count;
    for (size_t i = 0; words > 0 && i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(o->words[0], actions[i].name) == 0 && words - 1 <= actions[i].most &&
            (words > 1 || !actions[i].needs))
            return actions[i].run(o);
    complain("events takes ls, show ID, send TYPE [key=value …], tail or replay; `busbar events --help` says "
             "more");
    return EXIT_USAGE;
}
