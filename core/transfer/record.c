/* record.c - a transfer as it lies in the store: one JSON text, sealed, since what an operation saves to go
 * on by may be as good as a key (an upload session's URL). */
#include "transfer/internal.h"

#include "base/clock.h"
#include "store/tokens.h"

#include <stdlib.h>

static const char *const words[] = {"running", "succeeded", "failed", "cancelled"};

transfer *transfer_new(transfers *all) {
    transfer *t = calloc(1, sizeof *t);
    if (t == NULL || (t->memory = arena_new(0)) == NULL) {
        free(t);
        return NULL;
    }
    t->all = all;
    t->info.length = FLOW_UNKNOWN;
    t->source_side.transfer = t->target_side.transfer = t;
    buf_init(&t->state);
    return t;
}

void transfer_free(transfer *t) {
    buf_wipe(&t->state);
    arena_free(t->memory);
    free(t);
}

/* --- writing -------------------------------------------------------------------------------------------- */

static void write_end(json_writer *w, bb_str key, const transfer_end *e) {
    json_key(w, key);
    json_object(w);
    if (e->file.ptr != NULL) {
        json_member_string(w, STR("file"), e->file);
    } else {
        json_member_string(w, STR("connection"), e->connection);
        json_member_string(w, STR("operation"), e->operation);
        json_keyl(w, "input");
        json_put_raw(w, e->input);
    }
    json_object_end(w);
}

static uint64_t bytes_of(const transfer *t) {
    uint64_t now = atomic_load_explicit(&t->target_side.content.done_bytes, memory_order_relaxed),
             given = atomic_load_explicit(&t->source_side.content.done_bytes, memory_order_relaxed);
    now = t->to.file.ptr != NULL ? given : now;
    return now > 0 || t->status == TRANSFER_SUCCEEDED ? now : t->bytes;
}

static void write_content(const transfer *t, json_writer *w) {
    json_keyl(w, "content");
    json_object(w);
    json_member_u64(w, STR("done"), t->status == TRANSFER_RUNNING ? bytes_of(t) : t->bytes);
    if (t->has_info && t->info.length != FLOW_UNKNOWN)
        json_member_u64(w, STR("total"), t->info.length);
    if (t->info.type[0] != '\0')
        json_member_string(w, STR("type"), str_from(t->info.type));
    if (t->info.name[0] != '\0')
        json_member_string(w, STR("name"), str_from(t->info.name));
    json_object_end(w);
}

static void write_members(const transfer *t, json_writer *w) {
    json_member_string(w, STR("id"), str_from(t->id));
    json_member_string(w, STR("status"), str_from(words[t->status]));
    json_member_u64(w, STR("created_ms"), t->created_ms);
    if (t->ended_ms != 0)
        json_member_u64(w, STR("ended_ms"), t->ended_ms);
    write_end(w, STR("from"), &t->from);
    write_end(w, STR("to"), &t->to);
    write_content(t, w);
    json_member_u64(w, STR("resumed"), t->resumed);
    if (t->executions[0][0] != '\0' || t->executions[1][0] != '\0') {
        json_keyl(w, "executions");
        json_object(w);
        if (t->executions[0][0] != '\0')
            json_member_string(w, STR("from"), str_from(t->executions[0]));
        if (t->executions[1][0] != '\0')
            json_member_string(w, STR("to"), str_from(t->executions[1]));
        json_object_end(w);
    }
    if (t->result.len > 0) {
        json_keyl(w, "data");
        json_put_raw(w, t->result);
    }
    if (t->status == TRANSFER_FAILED) {
        char type[128];
        snprintf(type, sizeof type, PROBLEM_TYPE_PREFIX "%s", problem_of(t->problem)->name);
        json_keyl(w, "problem");
        json_object(w);
        json_member_string(w, STR("type"), str_from(type));
        json_member_string(w, STR("title"), str_from(problem_of(t->problem)->title));
        json_member_string(w, STR("detail"), t->detail);
        json_object_end(w);
    }
}

void transfer_write(const transfer *t, json_writer *w) {
    json_object(w);
    write_members(t, w);
    json_object_end(w);
}

/* --- the store ------------------------------------------------------------------------------------------ */

static bool write_record(const transfer *t, buf *out) {
    json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    write_members(t, &w);
    json_member_string(&w, STR("key"), t->key);
    json_member_string(&w, STR("validator"), str_from(t->info.validator));
    json_member_bool(&w, STR("known"), t->has_info);
    json_member_bool(&w, STR("sent"), t->sent);
    if (t->state.len > 0) {
        json_keyl(&w, "state");
        json_put_raw(&w, buf_str(&t->state));
    }
    json_object_end(&w);
    return !out->failed;
}

bool transfer_store(transfer *t, loop *l, void (*done)(store_result r, void *ctx)) {
    const transfers_options *o = &t->all->options;
    arena *scratch = arena_new(0);
    buf text;
    bool ok = false;
    buf_init(&text);
    pthread_mutex_lock(&t->all->lock); /* transfer_write may read it */
    t->bytes = bytes_of(t) > t->bytes ? bytes_of(t) : t->bytes;
    pthread_mutex_unlock(&t->all->lock);
    if (scratch != NULL && write_record(t, &text)) {
        bb_str name = arena_printf(scratch, "transfer/%s", t->id);
        bb_str sealed = secrets_seal(o->secrets, scratch, name, buf_str(&text));
        ok = sealed.ptr != NULL && store_token_put(o->store, name, sealed, clock_wall_ms(), l, done, t);
    }
    buf_wipe(&text);
    arena_free(scratch);
    return ok;
}

/* --- reading -------------------------------------------------------------------------------------------- */

static bool copy_end(arena *a, transfer_end *to, const transfer_end *from) {
    *to = (transfer_end){.connection = arena_copy(a, from->connection),
                         .operation = arena_copy(a, from->operation),
                         .input = arena_copy(a, from->input.len > 0 ? from->input : STR("{}")),
                         .file = from->file.ptr != NULL ? arena_copy(a, from->file) : (bb_str){NULL, 0}};
    return to->connection.ptr != NULL && to->operation.ptr != NULL && to->input.ptr != NULL;
}

bool transfer_copy_ends(transfer *t, const transfer_end *from, const transfer_end *to) {
    return copy_end(t->memory, &t->from, from) && copy_end(t->memory, &t->to, to);
}

static transfer_end read_end(const json_value *v) {
    return (transfer_end){.connection = json_string(json_getl(v, "connection")),
                          .operation = json_string(json_getl(v, "operation")),
                          .input = json_raw(json_getl(v, "input")),
                          .file = json_string(json_getl(v, "file"))};
}

static uint64_t number(const json_value *v, uint64_t otherwise) {
    uint64_t n;
    return v != NULL && str_to_u64(json_raw(v), &n) ? n : otherwise;
}

static void read_info(transfer *t, const json_value *root) {
    const json_value *content = json_getl(root, "content");
    t->sent = str_eq(json_raw(json_getl(root, "sent")), STR("true"));
    t->has_info = str_eq(json_raw(json_getl(root, "known")), STR("true"));
    t->info.length = number(json_getl(content, "total"), FLOW_UNKNOWN);
    t->bytes = number(json_getl(content, "done"), 0);
    str_put(t->info.type, sizeof t->info.type, json_string(json_getl(content, "type")));
    str_put(t->info.name, sizeof t->info.name, json_string(json_getl(content, "name")));
    str_put(t->info.validator, sizeof t->info.validator, json_string(json_getl(root, "validator")));
}

static void read_outcome(transfer *t, const json_value *root) {
    const json_value *failed = json_getl(root, "problem"), *ids = json_getl(root, "executions");
    bb_str type = json_string(json_getl(failed, "type")), prefix = STR(PROBLEM_TYPE_PREFIX);
    if (str_starts(type, prefix))
        t->problem = problem_from_name(str_of(type.ptr + prefix.len, type.len - prefix.len));
    t->problem = t->problem < PROBLEM_COUNT ? t->problem : PROBLEM_CONTENT_FAILED;
    t->detail = arena_copy(t->memory, json_string(json_getl(failed, "detail")));
    bb_str data = json_raw(json_getl(root, "data"));
    t->result = data.len > 0 ? arena_copy(t->memory, data) : (bb_str){NULL, 0};
    str_put(t->executions[0], EXECUTION_ID_SIZE, json_string(json_getl(ids, "from")));
    str_put(t->executions[1], EXECUTION_ID_SIZE, json_string(json_getl(ids, "to")));
}

bool transfer_read_record(transfer *t, bb_str json) {
    const json_value *root = json_read(t->memory, json, NULL, NULL);
    bb_str status = json_string(json_getl(root, "status")), state = json_raw(json_getl(root, "state"));
    transfer_end from = read_end(json_getl(root, "from")), to = read_end(json_getl(root, "to"));
    str_put(t->id, sizeof t->id, json_string(json_getl(root, "id")));
    t->key = arena_copy(t->memory, json_string(json_getl(root, "key")));
    t->created_ms = number(json_getl(root, "created_ms"), 0);
    t->ended_ms = number(json_getl(root, "ended_ms"), 0);
    t->resumed = (unsigned)number(json_getl(root, "resumed"), 0);
    for (int i = 0; i < 4; i++)
        if (str_eq(status, str_from(words[i])))
            t->status = (transfer_status)i;
    buf_str_add(&t->state, state);
    read_info(t, root);
    read_outcome(t, root);
    return t->id[0] != '\0' && transfer_copy_ends(t, &from, &to);
}
