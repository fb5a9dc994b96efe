/* jq's own tests ($BUSBAR_SPECS/conformance/jq/jq.test): whatever libjq itself gets right, as single results,
 * comes through the child as well. */
#include "fixture.h"
#include "transform/marks.h"

#include <jq.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct example {
    bb_str program, input, result; /* result {NULL, 0}: not exactly one */
    unsigned line;
} example;

/* Inputs that are no JSON (NaN, a byte order mark), and numbers that a double cannot hold, which are strings
 * to a program here. */
static bool is_other_input(bb_str input) {
    arena *memory = arena_new(0);
    const json_value *root = json_read(memory, input, NULL, NULL);
    bool other = root == NULL;
    for (uint32_t i = 0; !other && i < root->span; i++)
        other = json_is(root + i, JSON_NUMBER) && !marks_survives(json_raw(root + i));
    arena_free(memory);
    return other;
}

/* Programs that may not do here what jq.test has them do: they read modules or further inputs. */
static bool is_out_of_scope(const example *x) {
    static const char *const words[] = {"import",     "include",      "input",
                                        "modulemeta", "$__prog_args", "get_search_list"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (memmem(x->program.ptr, x->program.len, words[i], strlen(words[i])) != NULL)
            return true;
    return is_other_input(x->input);
}

static bb_str read_file(void) {
    char path[4096];
    const char *specs = getenv("BUSBAR_SPECS");
    if (specs == NULL)
        return (bb_str){NULL, 0};
    snprintf(path, sizeof path, "%s/conformance/jq/jq.test", specs);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return (bb_str){NULL, 0};
    static char text[1 << 20];
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    return str_of(text, n);
}

static bool next_line(bb_str *rest, bb_str *line, unsigned *number) {
    *number += 1;
    return str_split(rest, '\n', line);
}

/* The next group of lines: a program, its input, its results, and a blank line. */
static bool next_example(bb_str *rest, unsigned *number, example *out) {
    bb_str line;
    *out = (example){0};
    do
        if (!next_line(rest, &line, number))
            return false;
    while (str_trim(line).len == 0 || line.ptr[0] == '#');
    bool failing = str_starts(line, STR("%%FAIL"));
    out->program = line;
    out->line = *number;
    unsigned results = 0;
    if (next_line(rest, &line, number))
        out->input = line;
    while (next_line(rest, &line, number) && str_trim(line).len > 0)
        if (line.ptr[0] != '#' && results++ == 0)
            out->result = line;
    if (failing || results != 1)
        out->result = (bb_str){NULL, 0};
    return true;
}

static void forget_message(void *unused, jv message) {
    (void)unused;
    jv_free(message);
}

/* What libjq alone makes of it. */
static bool libjq_alone(const example *x) {
    char program[8192];
    snprintf(program, sizeof program, "%.*s", STR_FMT(x->program));
    jq_state *state = jq_init();
    jq_set_error_cb(state, forget_message, NULL);
    jq_set_debug_cb(state, forget_message, NULL);
    bool ok = jq_compile(state, program);
    if (ok) {
        jq_start(state, jv_parse_sized(x->input.ptr, (int)x->input.len), 0);
        jv first = jq_next(state), second = jv_is_valid(first) ? jq_next(state) : jv_invalid();
        ok = jv_is_valid(first) && !jv_is_valid(second) && !jv_invalid_has_msg(jv_copy(second)) &&
             jv_equal(jv_copy(first), jv_parse_sized(x->result.ptr, (int)x->result.len));
        jv_free(first);
        jv_free(second);
    }
    jq_teardown(&state);
    return ok;
}

/* In a process of its own: some crash libjq 1.6, or keep it busy for minutes. */
static bool libjq_passes(const example *x) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(2); /* its assertions */
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        setrlimit(RLIMIT_CPU, &(struct rlimit){1, 1});
        _exit(libjq_alone(x) ? 0 : 1);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool same_json(bb_str a, bb_str b) {
    arena *memory = arena_new(0);
    const json_value *x = json_read(memory, a, NULL, NULL), *y = json_read(memory, b, NULL, NULL);
    bool same = x != NULL && y != NULL && json_equal(x, y);
    arena_free(memory);
    return same;
}

static void check_example(const example *x, unsigned *tried, unsigned *passed, unsigned *beyond) {
    char program[8192];
    if (x->result.ptr == NULL || is_out_of_scope(x) || !libjq_passes(x)) {
        ++*beyond;
        return;
    }
    snprintf(program, sizeof program, "%.*s", STR_FMT(x->program));
    outcome o = run_with(program, x->input, NULL, LIMIT_MS, LIMIT_BYTES);
    ++*tried;
    if (o.kind == TRANSFORM_OK && same_json(buf_str(&o.json), x->result))
        ++*passed;
    else
        printf("jq.test:%u: %s on %.*s: %s%s, not %.*s\n", x->line, program, STR_FMT(x->input),
               buf_cstr(&o.json), buf_cstr(&o.detail), STR_FMT(x->result));
    outcome_free(&o);
}

START_TEST(jq_test) {
    bb_str rest = read_file();
    if (rest.ptr == NULL) {
        puts("SKIP jq_test: BUSBAR_SPECS is not set");
        return;
    }
    example x;
    unsigned number = 0, tried = 0, passed = 0, beyond = 0;
    begin();
    while (next_example(&rest, &number, &x))
        check_example(&x, &tried, &passed, &beyond);
    end();
    printf("jq.test: %u of %u single results; %u are beyond this libjq or this hub\n", passed, tried, beyond);
    ck_assert_uint_gt(tried, 200);
    ck_assert_uint_eq(passed, tried);
}
END_TEST

UNIT_MAIN(unit_test(jq_test))
