#include "content/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE (128u << 10) /* written at once */

typedef struct file_sink {
    content_sink sink; /* first */
    loop *loop;
    int fd, dir;
    char temporary[64];
    char *name;
    uint64_t written;
    uv_fs_t write;
    uv_work_t publish;
    bool busy; /* a write, or the end, is under way */
    bool finishing, gone, published;
    content_done done;
    void *ctx;
    err failure;
} file_sink;

static void end_sink(file_sink *f) {
    if (!f->gone || f->busy)
        return;
    folders_discard(f->dir, f->temporary);
    close(f->fd);
    close(f->dir);
    flow_on_data(f->sink.flow, NULL, NULL);
    flow_unref(f->sink.flow);
    free(f->name);
    free(f);
}

static void tell(file_sink *f, const char *failure) {
    content_done done = f->done;
    f->done = NULL;
    if (done != NULL)
        done(f->ctx, failure);
}

/* --- the end ----------------------------------------------------------------------------------------------
 */

static void publish(uv_work_t *work) {
    file_sink *f = work->data;
    f->published = folders_publish(f->dir, f->fd, f->temporary, f->name, &f->failure);
}

static void on_published(uv_work_t *work, int status) {
    file_sink *f = work->data;
    f->busy = false;
    if (f->gone) {
        end_sink(f);
        return;
    }
    tell(f, status != 0 ? "the file could not be finished" : f->published ? NULL : f->failure.text);
}

static void finish_now(file_sink *f) {
    f->publish.data = f;
    f->busy = uv_queue_work(loop_uv(f->loop), &f->publish, publish, on_published) == 0;
    if (!f->busy)
        tell(f, "the file could not be finished");
}

/* --- on the way -------------------------------------------------------------------------------------------
 */

static void on_data(void *ctx);

static void on_written(uv_fs_t *request) {
    file_sink *f = request->data;
    ssize_t n = request->result;
    uv_fs_req_cleanup(request);
    f->busy = false;
    if (f->gone) {
        end_sink(f);
        return;
    }
    if (n <= 0) {
        char text[160];
        snprintf(text, sizeof text, "the file cannot be written: %s",
                 n < 0 ? uv_strerror((int)n) : "nothing was taken");
        flow_fail(f->sink.flow, text);
        if (f->finishing)
            tell(f, text);
        return;
    }
    f->written += (uint64_t)n;
    flow_take(f->sink.flow, (size_t)n);
    on_data(f);
}

static void on_data(void *ctx) {
    file_sink *f = ctx;
    bb_str data = flow_data(f->sink.flow);
    const char *failure = flow_failure(f->sink.flow);
    if (f->busy)
        return;
    if (failure != NULL || (data.len == 0 && f->finishing)) {
        flow_on_data(f->sink.flow, NULL, NULL);
        if (f->finishing && failure != NULL)
            tell(f, failure);
        else if (f->finishing)
            finish_now(f);
        return;
    }
    if (data.len == 0)
        return;
    uv_buf_t part = uv_buf_init((char *)(uintptr_t)data.ptr, (unsigned)(data.len < PIECE ? data.len : PIECE));
    f->write.data = f;
    f->busy = uv_fs_write(loop_uv(f->loop), &f->write, f->fd, &part, 1, (int64_t)f->written, on_written) == 0;
    if (!f->busy)
        flow_fail(f->sink.flow, "the file cannot be written");
}

/* --- the sink ---------------------------------------------------------------------------------------------
 */

static void begin(content_sink *s, const content_info *info) {
    (void)info;
    s->begun = true;
}

static void finish(content_sink *s, content_done done, void *ctx) {
    file_sink *f = (file_sink *)s;
    f->finishing = true;
    f->done = done;
    f->ctx = ctx;
    flow_end(s->flow); /* told from the loop */
}

static void free_(content_sink *s) {
    file_sink *f = (file_sink *)s;
    f->gone = true;
    f->done = NULL;
    end_sink(f);
}

static content_sink *sink_new(loop *l, int dir, int fd, const char *temporary, const char *name) {
    file_sink *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->sink = (content_sink){
        .begin = begin, .finish = finish, .free = free_, .flow = flow_new(l, FLOW_USUAL)};
    f->name = strdup(name);
    f->loop = l;
    if (f->sink.flow == NULL || f->name == NULL) {
        flow_unref(f->sink.flow);
        free(f->name);
        free(f);
        return NULL;
    }
    f->fd = fd;
    f->dir = dir;
    memcpy(f->temporary, temporary, sizeof f->temporary);
    flow_on_data(f->sink.flow, on_data, f);
    return &f->sink;
}

/* --- opening ----------------------------------------------------------------------------------------------
 */

typedef struct opening {
    uv_work_t work;
    loop *loop;
    const content_folders *folders;
    char *path;
    bool write;
    content_opened opened;
    void *ctx;
    int fd, dir;
    uint64_t size;
    const char *name;
    char temporary[64];
    folders_result result;
    err failure;
} opening;

static void open_now(uv_work_t *work) {
    opening *o = work->data;
    if (!o->write) {
        o->result = folders_open(o->folders, o->path, &o->fd, &o->size, &o->failure);
        return;
    }
    o->result = folders_parent(o->folders, o->path, &o->dir, &o->name, &o->failure);
    if (o->result != FOLDERS_OK)
        return;
    o->fd = folders_create(o->dir, o->temporary, &o->failure);
    if (o->fd < 0) {
        close(o->dir);
        o->result = FOLDERS_WRONG;
    }
}

static void on_opened(uv_work_t *work, int status) {
    opening *o = work->data;
    content_source *source = NULL;
    content_sink *sink = NULL;
    if (status != 0 && o->result == FOLDERS_OK)
        o->result = FOLDERS_WRONG;
    else if (o->result == FOLDERS_OK && o->write)
        sink = sink_new(o->loop, o->dir, o->fd, o->temporary, o->name);
    else if (o->result == FOLDERS_OK)
        source = content_file_source(o->loop, o->fd, o->size);
    if (source != NULL) {
        const char *slash = strrchr(o->path, '/');
        str_put(source->info.name, sizeof source->info.name, str_from(slash + 1));
    }
    if (o->result == FOLDERS_OK && source == NULL && sink == NULL) {
        err_set(&o->failure, "no memory");
        o->result = FOLDERS_WRONG;
    }
    o->opened(o->ctx, source, sink, o->result, o->failure.text);
    free(o->path);
    free(o);
}

static bool open_later(loop *l, const content_folders *folders, const char *path, bool write,
                       content_opened opened, void *ctx) {
    opening *o = calloc(1, sizeof *o);
    char *copy = strdup(path);
    if (o != NULL)
        *o = (opening){.work = {.data = o},
                       .loop = l,
                       .folders = folders,
                       .path = copy,
                       .write = write,
                       .opened = opened,
                       .ctx = ctx,
                       .fd = -1,
                       .dir = -1};
    if (o != NULL && copy != NULL && uv_queue_work(loop_uv(l), &o->work, open_now, on_opened) == 0)
        return true;
    free(copy);
    free(o);
    return false;
}

bool content_file_open(loop *l, const content_folders *folders, const char *path, content_opened opened,
                       void *ctx) {
    return open_later(l, folders, path, false, opened, ctx);
}

bool content_file_create(loop *l, const content_folders *folders, const char *path, content_opened opened,
                         void *ctx) {
    return open_later(l, folders, path, true, opened, ctx);
}
