/* session_files.c - files to and from a hub: their bytes pass, and are never here as a whole. */
#include "cli/session_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_MAX 8000u /* of the query: a request's head has a limit (busbar.conf [server] max_header) */

/* --- how far it is -------------------------------------------------------------------------------------- */

static void put_size(char *out, size_t cap, uint64_t n) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)n;
    size_t unit = 0;
    while (value >= 1000 && unit < 4) {
        value /= 1000;
        unit++;
    }
    snprintf(out, cap, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static void put_bar(uint64_t done, uint64_t total) {
    char bar[31];
    double part = done >= total ? 1 : (double)done / (double)total;
    memset(bar, ' ', 30);
    memset(bar, '#', (size_t)(part * 30));
    bar[30] = '\0';
    fprintf(stderr, "[%s] %3u%%  ", bar, (unsigned)(part * 100));
}

void progress_show(uint64_t done, uint64_t total) {
    char have[24], all[24];
    if (!isatty(STDERR_FILENO))
        return;
    put_size(have, sizeof have, done);
    put_size(all, sizeof all, total);
    if (total == 0) {
        fprintf(stderr, "\r%s \033[K", have);
        return;
    }
    fputs("\r", stderr);
    put_bar(done, total);
    fprintf(stderr, "%s of %s \033[K", have, all);
}

void progress_show_count(uint64_t done, uint64_t total, bb_str unit, bb_str state) {
    if (!isatty(STDERR_FILENO))
        return;
    fputs("\r", stderr);
    if (done != UINT64_MAX && total != UINT64_MAX && total > 0) {
        put_bar(done, total);
        fprintf(stderr, "%llu of %llu", (unsigned long long)done, (unsigned long long)total);
    } else if (done != UINT64_MAX) {
        fprintf(stderr, "%llu", (unsigned long long)done);
    }
    if (done != UINT64_MAX && unit.len > 0) {
        fputc(' ', stderr);
        print_text(stderr, unit);
    }
    if (done != UINT64_MAX && state.len > 0)
        fputs(", ", stderr);
    print_text(stderr, state);
    fputs(" \033[K", stderr);
}

void progress_end(void) {
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

static int on_progress(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up) {
    if (watch_look(ctx)) /* what the service does with a file that has passed */
        return 0;
    if (up_all > 0 || up > 0)
        progress_show((uint64_t)up, (uint64_t)up_all);
    if (down_all > 0 || down > 0)
        progress_show((uint64_t)down, (uint64_t)down_all);
    return 0;
}

/* --- the two files -------------------------------------------------------------------------------------- */

typedef struct passing {
    session *session;
    FILE *from, *to;
    curl_off_t length; /* of `from`; -1: unknown */
    char *part;        /* where `to` is written until it is whole; NULL: standard output */
    const char *target;
    buf answer; /* what is no file */
    bool failed;
} passing;

static bool open_upload(passing *p, const char *name) {
    struct stat st;
    p->from = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    p->length = -1;
    if (p->from == NULL) {
        complain("%s: %s", name, strerror(errno));
        return false;
    }
    if (fstat(fileno(p->from), &st) == 0 && S_ISREG(st.st_mode))
        p->length = (curl_off_t)st.st_size;
    return true;
}

static bool open_download(passing *p, const char *name) {
    if (strcmp(name, "-") == 0) {
        p->to = stdout;
        return true;
    }
    p->target = name;
    if (asprintf(&p->part, "%s.part", name) < 0)
        p->part = NULL;
    p->to = p->part != NULL ? fopen(p->part, "wxe") : NULL;
    if (p->to == NULL)
        complain("%s: %s", p->part != NULL ? p->part : name, strerror(errno));
    return p->to != NULL;
}

/* Whole under its name, or not there at all. */
static bool close_download(passing *p, bool good) {
    bool ok = true;
    if (p->to != NULL && p->to != stdout)
        ok = fclose(p->to) == 0;
    else if (p->to == stdout)
        ok = fflush(stdout) == 0;
    if (p->part != NULL && good && ok)
        ok = rename(p->part, p->target) == 0;
    else if (p->part != NULL && p->to != NULL)
        unlink(p->part);
    if (!ok)
        complain("%s: %s", p->target != NULL ? p->target : "standard output", strerror(errno));
    free(p->part);
    return ok;
}

static size_t on_read(char *to, size_t size, size_t n, void *ctx) {
    passing *p = ctx;
    size_t got = fread(to, 1, size * n, p->from);
    return got == 0 && ferror(p->from) ? CURL_READFUNC_ABORT : got;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx) {
    passing *p = ctx;
    long status = 0;
    curl_easy_getinfo(p->session->curl, CURLINFO_RESPONSE_CODE, &status);
    if (p->to != NULL && status >= 200 && status <= 299) {
        size_t put = fwrite(bytes, 1, size * n, p->to);
        p->failed = put < size * n;
        return put;
    }
    buf_add(&p->answer, bytes, size * n);
    return p->answer.failed ? 0 : size * n;
}

/* --- the request ---------------------------------------------------------------------------------------- */

static void set_body(passing *p, const files_sent *f) {
    CURL *e = p->session->curl;
    if (p->from != NULL) {
        curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(e, CURLOPT_READDATA, p);
        curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, p->length);
    } else {
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, f->body.ptr != NULL ? f->body.ptr : "");
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->body.len);
    }
}

static CURLcode perform(passing *p, const char *url, const files_sent *f) {
    session *s = p->session;
    struct curl_slist *headers = session_prepare(s, s->curl, url);
    headers = curl_slist_append(headers, p->from != NULL ? "Content-Type: application/octet-stream"
                                                         : "Content-Type: application/json");
    headers = watch_header(s, headers);
    curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, p);
    curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_LIMIT, 1L); /* it may last: only silence is its end */
    curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_TIME, s->timeout_s);
    curl_easy_setopt(s->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(s->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(s->curl, CURLOPT_XFERINFODATA, s);
    set_body(p, f);
    CURLcode code = curl_easy_perform(s->curl);
    watch_end(s);
    progress_end();
    curl_slist_free_all(headers);
    return code;
}

/* Whether there is an answer: *out; else it has been said why not. */
static bool ask(passing *p, const char *path, const files_sent *f, reply *out, int *exit_code) {
    bb_str url = arena_printf(out->memory, "%s/api/v1%s", p->session->url, path);
    CURLcode code = perform(p, url.ptr, f);
    curl_easy_getinfo(p->session->curl, CURLINFO_RESPONSE_CODE, &out->status);
    bool good = out->status >= 200 && out->status <= 299;
    *exit_code = EXIT_FAILED;
    if (code == CURLE_PARTIAL_FILE || (code == CURLE_RECV_ERROR && good))
        complain("the file broke off: the service, or the hub, failed in the middle");
    else if (code == CURLE_WRITE_ERROR && p->failed)
        complain("%s: %s", p->target != NULL ? p->target : "standard output", strerror(errno));
    else if (code != CURLE_OK && (good || out->status == 0))
        *exit_code = session_explain(p->session, code);
    else if (good && p->to != NULL)
        return true;
    out->body = arena_copy(out->memory, buf_str(&p->answer));
    out->json = json_read(out->memory, out->body, NULL, NULL);
    return out->json != NULL;
}

bool session_send_files(session *s, const char *path, const files_sent *f, reply *out, int *exit_code) {
    passing p = {.session = s};
    *out = (reply){.memory = arena_new(0)};
    *exit_code = EXIT_FAILED;
    if (f->upload != NULL && f->body.len > INPUT_MAX) {
        complain("the input is over %u bytes: beside a file there is no room for it", INPUT_MAX);
        *exit_code = EXIT_USAGE;
        return false;
    }
    buf_init(&p.answer);
    bool ok = s->curl != NULL && out->memory != NULL && (f->upload == NULL || open_upload(&p, f->upload)) &&
              (f->download == NULL || open_download(&p, f->download));
    ok = ok && ask(&p, path, f, out, exit_code);
    bool good = ok && out->status >= 200 && out->status <= 299;
    ok = close_download(&p, good) && ok;
    if (p.from != NULL && p.from != stdin)
        fclose(p.from);
    buf_free(&p.answer);
    return ok;
}
