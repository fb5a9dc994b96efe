#include "content/spool.h"

#include "content/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PIECE (128u << 10)

struct content_spool {
    loop *loop;
    const content_folders *folders;
    content_source *from;
    content_spooled spooled;
    void *ctx;
    int fd;
    uint64_t bytes, need;
    uv_work_t open;
    uv_fs_t write;
    bool busy, gone;
    err failure;
};

static void end_spool(content_spool *s) {
    if (s->busy)
        return;
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

static void tell(content_spool *s, content_source *whole, const char *failure) {
    flow_on_data(s->from->flow, NULL, NULL);
    s->spooled(s->ctx, whole, failure);
    end_spool(s);
}

/* On a worker thread: statvfs may wait for a disk. */
static void open_file(uv_work_t *work) {
    content_spool *s = work->data;
    struct statvfs disk;
    char temporary[64];
    int dir = open(s->folders->spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0)
        s->fd = folders_create(dir, temporary, &s->failure);
    else
        err_set(&s->failure, "%s: %s", s->folders->spool, strerror(errno));
    if (s->fd >= 0)
        folders_discard(dir, temporary);
    if (dir >= 0)
        close(dir);
    if (s->fd >= 0 && fstatvfs(s->fd, &disk) == 0 &&
        (uint64_t)disk.f_bavail * disk.f_frsize < s->need + s->folders->spool_free) {
        err_set(&s->failure, "%s has no room for the content: free some, or lower [files] spool_free",
                s->folders->spool);
        close(s->fd);
        s->fd = -1;
    }
}

static void on_data(void *ctx);

static void on_opened(uv_work_t *work, int status) {
    content_spool *s = work->data;
    err e = {""};
    s->busy = false;
    if (s->gone)
        end_spool(s);
    else if (status != 0 || s->fd < 0)
        tell(s, NULL, s->failure.text);
    else if (!content_source_at(s->from, 0, &e))
        tell(s, NULL, e.text);
    else
        flow_on_data(s->from->flow, on_data, s);
}

static void finish(content_spool *s) {
    content_source *whole = content_file_source(s->loop, s->fd, s->bytes);
    s->fd = -1; /* the source's */
    if (whole != NULL) {
        whole->info = s->from->info;
        whole->info.length = s->bytes;
    }
    tell(s, whole, whole != NULL ? NULL : "no memory for the content");
}

static void on_written(uv_fs_t *request) {
    content_spool *s = request->data;
    ssize_t n = request->result;
    uv_fs_req_cleanup(request);
    s->busy = false;
    if (s->gone) {
        end_spool(s);
        return;
    }
    if (n <= 0) {
        char text[160];
        snprintf(text, sizeof text, "the content cannot be kept until all of it is here: %s",
                 n < 0 ? uv_strerror((int)n) : "nothing was taken");
        tell(s, NULL, text);
        return;
    }
    s->bytes += (uint64_t)n;
    s->from->at += (uint64_t)n;
    flow_take(s->from->flow, (size_t)n);
    on_data(s);
}

static void on_data(void *ctx) {
    content_spool *s = ctx;
    flow *f = s->from->flow;
    bb_str data = flow_data(f);
    if (s->busy)
        return;
    if (flow_failure(f) != NULL) {
        tell(s, NULL, flow_failure(f));
    } else if (s->bytes + data.len > s->folders->spool_max) {
        tell(s, NULL,
             "the content's length is unknown, and it is larger than [files] spool_max allows to keep");
    } else if (data.len == 0 && flow_is_over(f)) {
        finish(s);
    } else if (data.len > 0) {
        uv_buf_t part = uv_buf_init((char *)(uintptr_t)data.ptr,
                                    (unsigned)(data.len < PIECE ? data.len : PIECE));
        s->write.data = s;
        s->busy = uv_fs_write(loop_uv(s->loop), &s->write, s->fd, &part, 1, (int64_t)s->bytes, on_written) ==
                  0;
        if (!s->busy)
            tell(s, NULL, "the content cannot be kept until all of it is here");
    }
}

content_spool *content_spool_begin(loop *l, const content_folders *folders, content_source *from,
                                   content_spooled spooled, void *ctx, err *e) {
    if (folders == NULL || folders->spool == NULL) {
        err_set(e,
                "the service must know the content's length first, and this hub keeps none: say its length");
        return NULL;
    }
    content_spool *s = calloc(1, sizeof *s);
    if (s == NULL) {
        err_set(e, "no memory for the content");
        return NULL;
    }
    *s = (content_spool){
        .loop = l, .folders = folders, .from = from, .spooled = spooled, .ctx = ctx, .fd = -1};
    s->need = from->info.length != FLOW_UNKNOWN ? from->info.length : 0;
    s->open.data = s;
    s->busy = uv_queue_work(loop_uv(l), &s->open, open_file, on_opened) == 0;
    if (s->busy)
        return s;
    free(s);
    err_set(e, "the content cannot be kept until all of it is here");
    return NULL;
}

uint64_t content_spool_bytes(const content_spool *s) {
    return s->bytes;
}

void content_spool_cancel(content_spool *s) {
    if (s == NULL)
        return;
    s->gone = true;
    if (s->from->flow != NULL)
        flow_on_data(s->from->flow, NULL, NULL);
    end_spool(s);
}
