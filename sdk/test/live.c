/* live.c - requests sent for real: a function of the test's own, or the program curl. */
#include "internal.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MAX_BYTES (16u << 20) /* the hub's limit, unless a conf file says otherwise */

void bb_test_live(bb_test *t, bb_test_transport transport, void *ctx) {
    t->live = transport;
    t->live_ctx = ctx;
    for (const char *const *h = transport == bb_test_curl ? ctx : NULL; h != NULL && *h != NULL; h++) {
        bb_str value = str_from(*h), name;
        str_split(&value, ':', &name);
        value = str_trim(value);
        bb_test_secret(t, test_line(t->memory, value));
        for (bb_str part; str_split(&value, ' ', &part);) /* "Bearer TOKEN" */
            if (part.len >= 8)
                bb_test_secret(t, test_line(t->memory, part));
    }
}

/* --- curl -------------------------------------------------------------------------------------------------
 */

/* curl's configuration: no command line shows a credential. In its quotes \ and " are escaped. */
static void option(FILE *f, const char *name, const char *value) {
    fprintf(f, "%s = \"", name);
    for (; *value != '\0'; value++)
        fprintf(f, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
    fputs("\"\n", f);
}

static void configure(FILE *f, const bb_test_request *r, const char *const *added, const char *body_file) {
    option(f, "url", r->url);
    if (strcmp(r->method, "HEAD") == 0)
        fputs("head\n", f);
    else
        option(f, "request", r->method);
    for (const char *const *h = r->headers; *h != NULL; h++)
        option(f, "header", *h);
    for (const char *const *h = r->foreign ? NULL : added; h != NULL && *h != NULL; h++)
        option(f, "header", *h);
    if (r->body_len > 0) {
        char at[64];
        snprintf(at, sizeof at, "@%s", body_file);
        option(f, "data-binary", at);
        option(f, "header", "Expect:");
    }
    fputs("silent\ninclude\ngloboff\nmax-time = 60\nhttp1.1\ncompressed\n", f);
}

static bool write_body(int fd, const bb_test_request *r) {
    size_t done = 0;
    while (done < r->body_len) {
        ssize_t n = write(fd, r->body + done, r->body_len - done);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* Runs curl with that configuration as its standard input: a file that is gone already. */
static bool run_curl(FILE *config, buf *out) {
    int ends[2];
    if (fflush(config) != 0 || pipe(ends) != 0)
        return false;
    pid_t child = fork();
    if (child == 0) {
        if (lseek(fileno(config), 0, SEEK_SET) == 0 && dup2(fileno(config), 0) >= 0 && dup2(ends[1], 1) >= 0)
            execlp("curl", "curl", "-q", "-K", "-", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    char piece[4096];
    for (ssize_t n; child > 0 && (n = read(ends[0], piece, sizeof piece)) > 0;)
        buf_add(out, piece, (size_t)n);
    close(ends[0]);
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0 && !out->failed;
}

static struct {
    buf text;                 /* what curl wrote */
    const char *headers[256]; /* into it */
} last;

static bool next_line(bb_str *rest, bb_str *line) {
    if (!str_split(rest, '\n', line))
        return false;
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    return true;
}

/* Heads of 1xx answers stand before that of the answer. Fields become C strings where they stand. */
static bool parse(bb_test_exchange *answer) {
    bb_str rest = buf_str(&last.text), line;
    do {
        size_t n = 0;
        uint64_t status;
        if (!next_line(&rest, &line) || line.len < 12 || !str_starts(line, STR("HTTP/")))
            return false;
        const char *space = memchr(line.ptr, ' ', line.len);
        if (space == NULL || line.ptr + line.len - space < 4 || !str_to_u64(str_of(space + 1, 3), &status))
            return false;
        answer->status = (int32_t)status;
        while (next_line(&rest, &line) && line.len > 0) {
            if (n + 1 < sizeof last.headers / sizeof last.headers[0])
                last.headers[n++] = line.ptr;
            ((char *)(uintptr_t)line.ptr)[line.len] = '\0';
        }
        last.headers[n] = NULL;
    } while (answer->status < 200);
    answer->answer_headers = last.headers;
    answer->answer = rest.len > 0 ? rest.ptr : "";
    answer->answer_len = rest.len;
    return true;
}

int bb_test_curl(void *ctx, const bb_test_request *request, bb_test_exchange *answer) {
    char body_file[] = "/tmp/busbar-body-XXXXXX";
    int fd = mkstemp(body_file);
    FILE *config = tmpfile();
    buf_free(&last.text);
    buf_init(&last.text);
    last.text.limit = ANSWER_MAX_BYTES;
    bool ok = fd >= 0 && config != NULL && write_body(fd, request);
    if (ok) {
        configure(config, request, ctx, body_file);
        ok = run_curl(config, &last.text) && parse(answer);
    }
    if (config != NULL)
        fclose(config);
    if (fd >= 0) {
        close(fd);
        unlink(body_file);
    }
    return ok;
}
