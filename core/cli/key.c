/* key.c - `busbar key create|ls|show|rm`. A key's text is printed once, when it is made. */
#include "cli/table.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

/* --- shown ------------------------------------------------------------------------------------------- */

static bb_str member(const json_value *key, const char *name) {
    const json_value *v = json_get(key, str_from(name));
    return json_is(v, JSON_STRING) ? json_string(v) : v != NULL ? json_raw(v) : STR("");
}

static void print_line(const char *name, bb_str text) {
    if (text.len == 0)
        return;
    printf("%-12s", name);
    print_text(stdout, text);
    putchar('\n');
}

/* ["a", "b*"] as "a, b*" */
static void print_names(const char *name, const json_value *names) {
    if (names == NULL)
        return;
    printf("%-12s", name);
    const char *before = "";
    for (json_iter it = json_iterate(names); json_next(&it); before = ", ") {
        fputs(before, stdout);
        print_text(stdout, json_string(it.value));
    }
    putchar('\n');
}

static void print_quota(const json_value *key, const json_value *limits) {
    const json_value *quota = json_getl(limits, "quota");
    static const struct {
        const char *period, *used, *name;
    } periods[] = {{"day", "used_today", "today"}, {"month", "used_this_month", "this month"}};
    for (size_t i = 0; i < 2; i++) {
        bb_str limit = member(quota, periods[i].period), used = member(key, periods[i].used);
        if (limit.len > 0)
            printf("%-12s%.*s of %.*s calls\n", periods[i].name, STR_FMT(used), STR_FMT(limit));
    }
}

static void print_record(const json_value *key) {
    static const char *const lines[] = {"id", "name", "role", "status", "created", "expires", "revoked"};
    const json_value *limits = json_getl(key, "limits");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        print_line(lines[i], member(key, lines[i]));
    print_line("last used", member(key, "last_used"));
    print_names("connections", json_getl(limits, "connections"));
    print_names("operations", json_getl(limits, "operations"));
    print_line("rate", member(limits, "rate"));
    print_line("burst", member(limits, "burst"));
    print_quota(key, limits);
}

static void print_key(const options *o, const json_value *r) {
    if (wants_text(o))
        print_record(r);
    else
        print_json(o, r);
}

static void print_list(const options *o, const json_value *r) {
    const json_value *keys = json_getl(r, "keys");
    table t = {.headings = {"id", "role", "status", "expires", "last used", "name"}};
    arena *a = arena_new(0);
    if (!wants_text(o))
        print_lines(keys);
    for (json_iter it = json_iterate(keys); a != NULL && wants_text(o) && json_next(&it);) {
        bb_str cells[] = {member(it.value, "id"),
                          member(it.value, "role"),
                          member(it.value, "status"),
                          to_second(a, member(it.value, "expires")),
                          to_second(a, member(it.value, "last_used")),
                          member(it.value, "name")};
        table_add(&t, cells, STR(""));
    }
    if (wants_text(o))
        table_flush(&t);
    arena_free(a);
}

static void print_revoked(const options *o, const json_value *r) {
    if (!wants_text(o)) {
        print_json(o, r);
        return;
    }
    fputs("key ", stdout);
    print_text(stdout, member(r, "id"));
    fputs(" (", stdout);
    print_text(stdout, member(r, "name"));
    puts("): revoked");
}

/* In a pipe the key stands alone, so that a program or a file gets it and nothing else. */
static void print_made(const options *o, const json_value *r) {
    bb_str key = json_string(json_getl(r, "key"));
    if (o->output == OUTPUT_JSON) {
        print_json(o, r);
    } else {
        printf("%.*s\n", STR_FMT(key));
        if (wants_text(o))
            print_record(json_getl(r, "record"));
    }
    fflush(stdout);
    complain("this key is shown once: the hub keeps only its hash");
}

/* --- create ------------------------------------------------------------------------------------------ */

static void member_names(json_writer *w, const char *name, const char *list) {
    bb_str rest = str_from(list);
    if (list == NULL)
        return;
    json_key(w, str_from(name));
    json_array(w);
    for (bb_str part; str_split(&rest, ',', &part);)
        json_put_string(w, str_trim(part));
    json_array_end(w);
}

static void member_text(json_writer *w, const char *name, const char *text) {
    if (text == NULL)
        return;
    json_key(w, str_from(name));
    json_put_string(w, str_from(text));
}

static void member_number(json_writer *w, const char *name, uint64_t n) {
    if (n > 0)
        json_member_u64(w, str_from(name), n);
}

/* "30d", or a time. */
static void member_expiry(json_writer *w, const char *text) {
    uint64_t ms;
    if (text != NULL && clock_from_rfc3339(str_from(text), &ms))
        json_member_u64(w, STR("expires_at"), ms / 1000);
    else
        member_text(w, "expires_in", text);
}

static bool write_wish(const options *o, buf *out) {
    json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    member_text(&w, "name", o->words[1]);
    member_text(&w, "role", o->role);
    member_names(&w, "connections", o->connections);
    member_names(&w, "operations", o->operations);
    member_text(&w, "rate", o->rate);
    member_number(&w, "burst", o->burst);
    if (o->quota_day > 0 || o->quota_month > 0) {
        json_keyl(&w, "quota");
        json_object(&w);
        member_number(&w, "day", o->quota_day);
        member_number(&w, "month", o->quota_month);
        json_object_end(&w);
    }
    member_expiry(&w, o->expires);
    json_object_end(&w);
    return json_writer_finish(&w);
}

static int create(const options *o) {
    buf body;
    int code = EXIT_USAGE;
    if (o->role == NULL) {
        complain("key create: give --role viewer, caller, operator or admin");
        return EXIT_USAGE;
    }
    buf_init(&body);
    if (write_wish(o, &body))
        code = session_ask(o, "POST", "/keys", buf_str(&body), print_made);
    else
        complain("key create: a text is not UTF-8");
    buf_free(&body);
    return code;
}

/* --- the command ------------------------------------------------------------------------------------- */

static int usage(void) {
    complain("key takes create NAME --role ROLE, ls, show ID, or rm ID; `busbar key --help` says more");
    return EXIT_USAGE;
}

static bool is(const options *o, const char *word, size_t words) {
    return o->word_count == words && strcmp(o->words[0], word) == 0;
}

static bool has_wish(const options *o) {
    return o->role != NULL || o->connections != NULL || o->operations != NULL || o->rate != NULL ||
           o->expires != NULL || o->burst > 0 || o->quota_day > 0 || o->quota_month > 0;
}

static int run(const options *o, arena *a) {
    if (o->from_stdin)
        return usage();
    if (is(o, "create", 2))
        return create(o);
    if (has_wish(o))
        return usage();
    if (is(o, "ls", 1))
        return session_ask(o, "GET", "/keys", STR(""), print_list);
    if (!is(o, "show", 2) && !is(o, "rm", 2))
        return usage();
    const char *path = arena_printf(a, "/keys/%s", encoded(a, o->words[1])).ptr;
    return is(o, "show", 2) ? session_ask(o, "GET", path, STR(""), print_key)
                            : session_ask(o, "DELETE", path, STR(""), print_revoked);
}

int command_key(const options *o) {
    arena *a = arena_new(0);
    int code = a != NULL ? run(o, a) : EXIT_FAILED;
    arena_free(a);
    return code;
}
