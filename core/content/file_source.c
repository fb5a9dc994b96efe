#include "content/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE (128u << 10) /* read at once */

typedef struct file_source {
    content_source source; /* first */
    loop *loop;
    int fd;
    unsigned busy; /* reads under way; the fd is closed after the last */
    bool gone;
} file_source;

/* One run through the file, from one seek to the next. */
typedef struct reading {
    uv_fs_t request;
    file_source *file;
    flow *flow;
    uint64_t offset;
} reading;

static void end_file(file_source *f) {
    if (!f->gone || f->busy > 0)
        return;
    close(f->fd);
    free(f);
}

static void end_reading(reading *r) {
    file_source *f = r->file;
    flow_on_room(r->flow, NULL, NULL);
    flow_unref(r->flow);
    free(r);
    f->busy--;
    end_file(f);
}

static void on_room(void *ctx);

static void on_read(uv_fs_t *request) {
    reading *r = request->data;
    ssize_t n = request->result;
    uv_fs_req_cleanup(request);
    bool ours = !r->file->gone && r->file->source.flow == r->flow;
    if (ours && n > 0) {
        r->offset += (uint64_t)n;
        flow_filled(r->flow, (size_t)n);
        flow_on_room(r->flow, on_room, r);
        return;
    }
    if (n < 0) {
        char text[120];
        snprintf(text, sizeof text, "the file cannot be read: %s", uv_strerror((int)n));
        flow_fail(r->flow, text);
    } else if (n == 0) {
        flow_end(r->flow);
    }
    end_reading(r);
}

/* Reads on, where there is room and it is still the run that counts. */
static void on_room(void *ctx) {
    reading *r = ctx;
    file_source *f = r->file;
    size_t n;
    char *to = flow_space(r->flow, &n);
    if (f->gone || f->source.flow != r->flow || flow_failure(r->flow) != NULL) {
        end_reading(r);
        return;
    }
    if (n == 0)
        return;
    flow_on_room(r->flow, NULL, NULL); /* one read at a time */
    uv_buf_t part = uv_buf_init(to, (unsigned)(n < PIECE ? n : PIECE));
    r->request.data = r;
    if (uv_fs_read(loop_uv(f->loop), &r->request, f->fd, &part, 1, (int64_t)r->offset, on_read) != 0) {
        flow_fail(r->flow, "the file cannot be read");
        end_reading(r);
    }
}

static void drop_flow(file_source *f) {
    flow *old = f->source.flow;
    f->source.flow = NULL;
    if (old != NULL)
        flow_fail(old, "the content is not wanted any more"); /* wakes its reading, which ends */
    flow_unref(old);
}

static bool seek(content_source *s, uint64_t offset, err *e) {
    file_source *f = (file_source *)s;
    drop_flow(f);
    reading *r = calloc(1, sizeof *r);
    s->flow = r != NULL ? flow_new(f->loop, FLOW_USUAL) : NULL;
    if (s->flow == NULL) {
        free(r);
        return err_set(e, "no memory for the content");
    }
    *r = (reading){.file = f, .flow = flow_ref(s->flow), .offset = offset};
    f->busy++;
    flow_on_room(r->flow, on_room, r);
    return true;
}

static void free_(content_source *s) {
    file_source *f = (file_source *)s;
    f->gone = true;
    drop_flow(f);
    end_file(f);
}

content_source *content_file_source(loop *l, int fd, uint64_t size) {
    file_source *f = calloc(1, sizeof *f);
    if (f == NULL) {
        close(fd);
        return NULL;
    }
    *f = (file_source){.source = {.seek = seek, .free = free_, .rewinds = true}, .loop = l, .fd = fd};
    f->source.info.length = size;
    return &f->source;
}
