#include "observe/history.h"

#include "base/clock.h"

#include <stdlib.h>

/* --- keeping ------------------------------------------------------------------------------------------- */

#define BATCH 128u

typedef struct keeping {
    buf lines;
    execution_segment segment;
    char first[EXECUTION_ID_SIZE], last[EXECUTION_ID_SIZE];
} keeping;

static void add_line(keeping *k, const execution *e) {
    json_writer w;
    execution_segment *s = &k->segment;
    json_writer_init(&w, &k->lines);
    execution_write(e, &w);
    json_writer_finish(&w);
    buf_char(&k->lines, '\n');
    if (s->count == 0 || strcmp(e->id, k->first) < 0)
        memcpy(k->first, e->id, sizeof k->first);
    if (s->count == 0 || strcmp(e->id, k->last) > 0)
        memcpy(k->last, e->id, sizeof k->last);
    if (s->count == 0 || e->started_ms < s->first_ms)
        s->first_ms = e->started_ms;
    if (e->started_ms > s->last_ms)
        s->last_ms = e->started_ms;
    s->count++;
    s->failed += e->outcome != PROBLEM_NONE;
}

static void keep_loop(executions *x, unsigned loop_number, store *s, size_t successes, execution *batch) {
    keeping k = {.segment = {.count = 0}};
    uint64_t missed, lost = 0;
    size_t n;
    bool more;
    buf_init(&k.lines);
    do {
        more = executions_take(x, loop_number, batch, BATCH, &successes, &n, &missed);
        lost += missed;
        for (size_t i = 0; i < n; i++)
            add_line(&k, &batch[i]);
    } while (more);
    k.segment.first_id = str_from(k.first);
    k.segment.last_id = str_from(k.last);
    k.segment.lines = buf_str(&k.lines);
    uint32_t count = k.segment.count;
    bool in = count == 0 || (!k.lines.failed && store_executions_add(s, &k.segment));
    executions_note(x, in ? count : 0, lost + (in ? 0 : count));
    buf_free(&k.lines);
}

void history_keep(executions *x, store *s, size_t successes) {
    execution *batch = malloc(BATCH * sizeof *batch);
    for (unsigned i = 0; batch != NULL && i < executions_loops(x); i++)
        keep_loop(x, i, s, successes, batch);
    free(batch);
}

/* --- reading ------------------------------------------------------------------------------------------- */

typedef struct found {
    bb_str id, line; /* in the question's memory */
} found;

/* A question under way: of the loop, then of the reader's thread, then of the loop again. */
typedef struct question {
    execution_filter filter;
    arena *memory;
    found *items;
    size_t count, cap;
    bool single;
    history_done done;
    void *ctx;
} question;

static void add_found(question *q, bb_str id, bb_str line) {
    if (q->count == q->cap) {
        size_t cap = q->cap == 0 ? 64 : q->cap * 2;
        found *items = arena_grow(q->memory, q->items, q->cap * sizeof *items, cap * sizeof *items);
        if (items == NULL)
            return;
        q->items = items;
        q->cap = cap;
    }
    q->items[q->count++] = (found){arena_copy(q->memory, id), arena_copy(q->memory, line)};
}

static int newest_first(const void *a, const void *b) {
    const found *x = a, *y = b;
    size_t n = x->id.len < y->id.len ? x->id.len : y->id.len;
    return memcmp(y->id.ptr, x->id.ptr, n);
}

/* Sorted, each once, at most one more than asked for: that one tells that there are further ones. */
static void settle(question *q) {
    size_t n = 0;
    if (q->count > 1)
        qsort(q->items, q->count, sizeof *q->items, newest_first);
    for (size_t i = 0; i < q->count && n <= q->filter.limit; i++)
        if (n == 0 || !str_eq(q->items[i].id, q->items[n - 1].id))
            q->items[n++] = q->items[i];
    q->count = n;
}

static bool add_recent(executions *x, question *q) {
    execution_filter f = q->filter;
    f.limit++;
    execution *recent = malloc(executions_loops(x) * f.limit * sizeof *recent);
    buf line;
    buf_init(&line);
    size_t n = recent != NULL ? executions_recent(x, &f, recent) : 0;
    for (size_t i = 0; i < n; i++) {
        json_writer w;
        buf_clear(&line);
        json_writer_init(&w, &line);
        execution_write(&recent[i], &w);
        if (json_writer_finish(&w))
            add_found(q, str_from(recent[i].id), buf_str(&line));
    }
    buf_free(&line);
    free(recent);
    return recent != NULL;
}

/* A stored line as far as the filter looks at it. */
static bool line_fits(const json_value *v, const execution_filter *f) {
    execution e = {.outcome = PROBLEM_NONE};
    bb_str id = json_string(json_getl(v, "id")), connection = json_string(json_getl(v, "connection")),
           operation = json_string(json_getl(v, "operation"));
    if (id.len >= sizeof e.id || connection.len >= sizeof e.connection || operation.len >= sizeof e.operation)
        return false;
    memcpy(e.id, id.ptr, id.len);
    memcpy(e.connection, connection.ptr, connection.len);
    memcpy(e.operation, operation.ptr, operation.len);
    e.outcome = str_eq(json_string(json_getl(v, "status")), STR("succeeded")) ? PROBLEM_NONE
                                                                              : PROBLEM_UPSTREAM_ERROR;
    if ((f->since_ms != 0 || f->until_ms != 0) &&
        !clock_from_rfc3339(json_string(json_getl(v, "started_at")), &e.started_ms))
        return false;
    return execution_fits(&e, f);
}

/* On the reader's thread: the segments come by their newest id, so that nothing older than the last one
 * wanted can matter once a whole segment is older than it. */
static bool see(bb_str lines, void *ctx) {
    question *q = ctx;
    arena *scratch = arena_new(0);
    bb_str newest = STR("");
    for (bb_str line; scratch != NULL && str_split(&lines, '\n', &line);) {
        const json_value *v = line.len > 0 ? json_read(scratch, line, NULL, NULL) : NULL;
        bb_str id = json_string(json_getl(v, "id"));
        if (v != NULL && line_fits(v, &q->filter))
            add_found(q, id, line);
        if (id.len > 0 &&
            (newest.len == 0 || memcmp(id.ptr, newest.ptr, id.len < newest.len ? id.len : newest.len) > 0))
            newest = id;
    }
    settle(q);
    bool enough = q->count > q->filter.limit && newest.len > 0 &&
                  memcmp(newest.ptr, q->items[q->count - 1].id.ptr, newest.len) < 0;
    arena_free(scratch);
    return !enough;
}

static void write_list(question *q, buf *out) {
    json_writer w;
    bool more = q->count > q->filter.limit;
    size_t n = more ? q->filter.limit : q->count;
    json_writer_init(&w, out);
    json_object(&w);
    json_keyl(&w, "executions");
    json_array(&w);
    for (size_t i = 0; i < n; i++)
        json_put_raw(&w, q->items[i].line);
    json_array_end(&w);
    json_keyl(&w, "next");
    if (more)
        json_put_string_lossy(&w, q->items[n - 1].id);
    else
        json_put_null(&w);
    json_object_end(&w);
}

static void finish(question *q, bool stored) {
    buf out;
    buf_init(&out);
    settle(q);
    if (!q->single)
        write_list(q, &out);
    else if (q->count > 0)
        buf_str_add(&out, q->items[0].line);
    q->done(stored, buf_str(&out), q->ctx);
    buf_free(&out);
    arena_free(q->memory);
}

static void on_walked(store_result r, void *ctx) {
    finish(ctx, r == STORE_OK);
}

static bool ask(executions *x, store *s, const execution_filter *f, bool single, loop *l, history_done done,
                void *ctx) {
    arena *memory = arena_new(0);
    question *q = memory != NULL ? arena_zalloc(memory, sizeof *q) : NULL;
    if (q == NULL) {
        arena_free(memory);
        return false;
    }
    *q = (question){.filter = *f, .memory = memory, .single = single, .done = done, .ctx = ctx};
    if (!add_recent(x, q)) {
        arena_free(memory);
        return false;
    }
    execution_walk walk = {.before_id = f->before,
                           .exact_id = f->id,
                           .since_ms = f->since_ms,
                           .until_ms = f->until_ms,
                           .see = see,
                           .done = on_walked,
                           .ctx = q};
    bool known = single && q->count > 0;
    if (known || s == NULL || !store_executions_walk(s, &walk, l))
        finish(q, known);
    return true;
}

bool history_query(executions *x, store *s, const execution_filter *f, loop *l, history_done done,
                   void *ctx) {
    return ask(x, s, f, false, l, done, ctx);
}

bool history_find(executions *x, store *s, const execution_filter *f, loop *l, history_done done, void *ctx) {
    return ask(x, s, f, true, l, done, ctx);
}
