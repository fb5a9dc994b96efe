/* check.c - `busbar check PLUGIN.so`: a connector's conformance, each check in a process of its own. */
#include "cli/cli.h"

#include "base/clock.h"
#include "check/check.h"

static bool names_are_known(const char *only) {
    bb_str rest = str_from(only), word;
    if (only != NULL && str_trim(rest).len == 0) {
        complain("check: --only names no check; `busbar check --help` lists them");
        return false;
    }
    while (only != NULL && str_split(&rest, ',', &word)) {
        bool known = false;
        word = str_trim(word);
        for (size_t i = 0; check_names[i] != NULL; i++)
            known = known || str_eq(word, str_from(check_names[i]));
        const char *near = known ? NULL : str_nearest(word, check_names);
        if (known)
            continue;
        if (near != NULL)
            complain("check: there is no check \"%.*s\"; did you mean \"%s\"?", STR_FMT(word), near);
        else
            complain("check: there is no check \"%.*s\"; `busbar check --help` lists them", STR_FMT(word));
        return false;
    }
    return true;
}

static bool read_settings(arena *a, const char *given, bb_str *out) {
    err e = {""};
    if (given == NULL)
        return true;
    *out = str_from(given);
    if (given[0] == '@' && !read_whole_file(a, given + 1, out, &e)) {
        complain("check: %s", e.text);
        return false;
    }
    if (json_is(json_read(a, *out, NULL, NULL), JSON_OBJECT))
        return true;
    complain("check: --settings wants a JSON object, or @FILE with one");
    return false;
}

static void print(const check_report *r, const options *o) {
    buf out;
    buf_init(&out);
    if (o->junit)
        check_report_junit(r, &out);
    else if (o->output == OUTPUT_JSON)
        check_report_json(r, &out);
    else
        check_report_text(r, stdout);
    fwrite(buf_cstr(&out), 1, out.len, stdout);
    if (o->output == OUTPUT_JSON && !o->junit)
        fputc('\n', stdout);
    buf_free(&out);
}

static int run(arena *a, const options *o) {
    err e = {""};
    check_report report;
    check_options wanted = {.file = o->words[0], .only = o->only, .seed = o->seed};
    if (o->word_count != 1) {
        complain("check: one file is expected: busbar check PLUGIN.so");
        return EXIT_USAGE;
    }
    if (o->junit && o->output == OUTPUT_JSON) {
        complain("check: --json or --junit, not both");
        return EXIT_USAGE;
    }
    if (!names_are_known(o->only) || !read_settings(a, o->settings, &wanted.settings))
        return EXIT_USAGE;
    if (wanted.seed == 0) /* six digits: enough, and short to type again */
        wanted.seed = clock_wall_ns() / 1000 % 999999 + 1;
    if (!check_run(a, &wanted, &report, &e)) {
        complain("check: %s", e.text);
        return EXIT_USAGE;
    }
    print(&report, o);
    return check_report_passed(&report) ? EXIT_OK : EXIT_FAILED;
}

int command_check(const options *o) {
    arena *a = arena_new(0);
    if (a == NULL) {
        complain("no memory");
        return EXIT_FAILED;
    }
    int code = run(a, o);
    arena_free(a);
    return code;
}
