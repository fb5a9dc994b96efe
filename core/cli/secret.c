/* secret.c - `busbar secret set|get|ls|rm|rotate`. A value is read from a prompt, a pipe or a file: what
 * stands on a command line is seen by all users and kept by the shell. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#define VALUE_MAX 65536 /* as the hub has it */

/* --- the value --------------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
    interrupted = number;
}

/* One line of the terminal, without echo, which comes back in any case. */
static ssize_t read_hidden(int fd, char *out, size_t cap) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    struct sigaction catch = {.sa_handler = on_signal}, before[5];
    struct termios was, hidden;
    if (tcgetattr(fd, &was) != 0)
        return -1;
    for (size_t i = 0; i < 5; i++)
        sigaction(numbers[i], &catch, &before[i]);
    hidden = was;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    hidden.c_lflag |= ECHONL;
    ssize_t n = tcsetattr(fd, TCSAFLUSH, &hidden) == 0 ? read(fd, out, cap) : -1;
    tcsetattr(fd, TCSAFLUSH, &was);
    for (size_t i = 0; i < 5; i++)
        sigaction(numbers[i], &before[i], NULL);
    if (interrupted != 0)
        raise(interrupted);
    return n;
}

static bool prompt(buf *out, const char *name, err *e) {
    char line[4096]; /* a terminal's line is no longer */
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_set(e, "there is no terminal to ask at: give the value with - or @FILE");
    dprintf(fd, "Value of %s: ", name);
    ssize_t n = read_hidden(fd, line, sizeof line);
    close(fd);
    if (n > 0)
        buf_add(out, line, (size_t)n);
    explicit_bzero(line, sizeof line);
    return n > 0 || err_set(e, "no value was given");
}

/* Read here, not by stdio: nothing of it stays in a buffer. */
static bool read_all(buf *out, int fd, const char *what, err *e) {
    char part[4096];
    ssize_t n = 0;
    while (out->len <= VALUE_MAX + 2 && ((n = read(fd, part, sizeof part)) > 0 || (n < 0 && errno == EINTR)))
        buf_add(out, part, n > 0 ? (size_t)n : 0);
    explicit_bzero(part, sizeof part);
    return n >= 0 || err_set(e, "%s: %s", what, strerror(errno));
}

static bool read_file(buf *out, const char *path, err *e) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, "%s: %s", path, strerror(errno));
    bool ok = read_all(out, fd, path, e);
    close(fd);
    return ok;
}

static bool read_value(const options *o, buf *out, err *e) {
    const char *from = o->word_count > 2 ? o->words[2] : NULL;
    if (!buf_reserve(out, VALUE_MAX + 8192)) /* once: growing would leave copies behind */
        return err_set(e, "no memory");
    bool ok = from != NULL                             ? read_file(out, from + 1, e)
              : o->from_stdin || !isatty(STDIN_FILENO) ? read_all(out, STDIN_FILENO, "standard input", e)
                                                       : prompt(out, o->words[1], e);
    if (ok && out->len > 0 && out->ptr[out->len - 1] == '\n')
        out->len--;
    if (ok && out->len > 0 && out->ptr[out->len - 1] == '\r')
        out->len--;
    if (!ok)
        return false;
    if (out->len == 0)
        return err_set(e, "the value is empty; `busbar secret rm` removes a secret");
    if (out->len > VALUE_MAX)
        return err_set(e, "the value is over 64 KiB");
    return json_utf8_valid(buf_str(out)) ||
           err_set(e, "the value is not UTF-8: encode it, with base64 for instance");
}

/* --- the commands ------------------------------------------------------------------------------------ */

static void print_users(const json_value *r) {
    static const char *const kinds[] = {"connections", "webhooks"};
    const char *before = "used by ";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (json_iter it = json_iterate(json_get(r, str_from(kinds[i]))); json_next(&it); before = ", ") {
            fputs(before, stdout);
            print_text(stdout, json_string(it.value));
        }
    if (strcmp(before, ", ") != 0)
        return;
    puts(json_bool(json_getl(r, "removed"), false) ? "; the next reload refuses what needs it"
                                                   : "; `busbar reload` puts the change in force");
}

static void print_changed(const options *o, const json_value *r) {
    if (!wants_text(o)) {
        print_json(o, r);
        return;
    }
    bool removed = json_bool(json_getl(r, "removed"), false),
         created = json_bool(json_getl(r, "created"), false);
    printf("secret %.*s: %s\n", STR_FMT(json_string(json_getl(r, "name"))),
           removed   ? "removed"
           : created ? "set"
                     : "changed");
    print_users(r);
}

/* As it is in a pipe, so that a program gets what was set. */
static void print_value(const options *o, const json_value *r) {
    if (o->output == OUTPUT_JSON) {
        print_json(o, r);
        return;
    }
    bb_str value = json_string(json_getl(r, "value"));
    fwrite(value.ptr, 1, value.len, stdout);
    if (isatty(STDOUT_FILENO))
        putchar('\n');
}

static void print_list(const options *o, const json_value *r) {
    const json_value *secrets = json_getl(r, "secrets");
    if (wants_text(o))
        printf("%-32s %-24s %s\n", "name", "updated", "data key");
    for (json_iter it = json_iterate(secrets); json_next(&it);) {
        if (wants_text(o))
            printf("%-32.*s %-24.*s %.*s\n", STR_FMT(json_string(json_getl(it.value, "name"))),
                   STR_FMT(json_string(json_getl(it.value, "updated"))),
                   STR_FMT(json_string(json_getl(it.value, "key"))));
        else
            printf("%.*s\n", STR_FMT(json_raw(it.value)));
    }
}

static void print_rotation(const options *o, const json_value *r) {
    if (!wants_text(o)) {
        print_json(o, r);
        return;
    }
    printf("%.*s re-encrypted under data key %.*s%s\n", STR_FMT(json_raw(json_getl(r, "re_encrypted"))),
           STR_FMT(json_string(json_getl(r, "key"))),
           json_bool(json_getl(r, "master_key_changed"), false) ? ", wrapped by the new master key" : "");
    bb_str advice = json_string(json_getl(r, "advice"));
    if (advice.len > 0) {
        print_text(stdout, advice);
        putchar('\n');
    }
}

static const char *path_of(arena *a, const options *o) {
    return arena_printf(a, "/secrets/%s", encoded(a, o->words[1])).ptr;
}

static int set(const options *o, arena *a) {
    err e = {""};
    buf value, body;
    buf_init(&value);
    buf_init(&body);
    int code = EXIT_USAGE;
    if (!read_value(o, &value, &e)) {
        complain("secret set: %s", e.text);
    } else if (buf_reserve(&body, 6 * value.len + 64)) { /* \u00XX is the longest escape */
        json_writer w;
        json_writer_init(&w, &body);
        json_object(&w);
        json_keyl(&w, "value");
        json_put_string(&w, buf_str(&value));
        json_object_end(&w);
        code = session_ask(o, "PUT", path_of(a, o), buf_str(&body), print_changed);
    }
    buf_wipe(&value);
    buf_wipe(&body);
    return code;
}

/* The hub opens the file, and may run in another folder. */
static int rotate(const options *o, arena *a) {
    if (o->new_master_key_file == NULL)
        return session_ask(o, "POST", "/secrets/rotate", STR("{}"), print_rotation);
    char *absolute = realpath(o->new_master_key_file, NULL);
    if (absolute == NULL) {
        complain("secret rotate: %s: %s", o->new_master_key_file, strerror(errno));
        return EXIT_USAGE;
    }
    buf body;
    json_writer w;
    buf_init(&body);
    json_writer_init(&w, &body);
    json_object(&w);
    json_member_string(&w, STR("new_master_key_file"), str_from(absolute));
    json_object_end(&w);
    free(absolute);
    int code = session_ask(o, "POST", "/secrets/rotate", arena_copy(a, buf_str(&body)), print_rotation);
    buf_free(&body);
    return code;
}

static int usage(void) {
    complain("secret takes set NAME [-|@FILE], get NAME, ls, rm NAME, or rotate; `busbar secret --help` says "
             "more");
    return EXIT_USAGE;
}

/* A value on the command line: too late, but not to be got used to. */
static int refuse_value(void) {
    complain(
        "secret set: a value on the command line is seen by others and kept by the shell: give it at the "
        "prompt, with - from standard input, or as @FILE");
    return EXIT_USAGE;
}

static bool is(const options *o, const char *word, size_t words) {
    return o->word_count == words && strcmp(o->words[0], word) == 0;
}

static int run(const options *o, arena *a) {
    bool sets = o->word_count > 1 && strcmp(o->words[0], "set") == 0;
    if (o->new_master_key_file != NULL && !is(o, "rotate", 1))
        return usage();
    if (sets && o->word_count == 3 && o->words[2][0] != '@')
        return refuse_value();
    if (sets && o->word_count + o->from_stdin <= 3)
        return set(o, a);
    if (o->from_stdin)
        return usage();
    return is(o, "get", 2)      ? session_ask(o, "GET", path_of(a, o), STR(""), print_value)
           : is(o, "ls", 1)     ? session_ask(o, "GET", "/secrets", STR(""), print_list)
           : is(o, "rm", 2)     ? session_ask(o, "DELETE", path_of(a, o), STR(""), print_changed)
           : is(o, "rotate", 1) ? rotate(o, a)
                                : usage();
}

int command_secret(const options *o) {
    arena *a = arena_new(0);
    int code = a != NULL ? run(o, a) : EXIT_FAILED;
    arena_free(a);
    return code;
}
