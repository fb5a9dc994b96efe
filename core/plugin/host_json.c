/* host_json.c - extension "busbar.json/1": core/json behind the SDK's names. A bb_json is a json_value. */
#include "plugin/call.h"
#include "plugin/ledger.h"

struct bb_json_writer {
    json_writer w;
    buf out;
    plugin_call *call;
    bool finished;
    struct bb_json_writer *next;
};

static const json_value *in(const bb_json *v) {
    return (const json_value *)v;
}

static const bb_json *out(const json_value *v) {
    return (const bb_json *)v;
}

static const bb_json *parse(bb_call *call, bb_str text) {
    plugin_call *c = plugin_call_of(call);
    bb_str copy = arena_copy(c->memory, text);
    json_error error = {0};
    const json_value *v = copy.ptr != NULL ? json_read(c->memory, copy, NULL, &error) : NULL;
    bool without_memory = copy.ptr == NULL || (v == NULL && strcmp(error.reason, "no memory") == 0);
    if (without_memory) /* NULL alone would say that it is not JSON */
        plugin_misuse(c, BB_E_LIMIT, "a text of the service takes more memory than one call may have");
    else if (v == NULL && c->error.code == BB_OK)
        c->error = (plugin_error){.code = BB_E_UPSTREAM_INVALID,
                                  .message = STR("a text of the service is not JSON")};
    return out(v);
}

static bb_json_type type(const bb_json *v) {
    return (bb_json_type)json_type_of(in(v)); /* the same numbers: asserted below */
}

_Static_assert((int)JSON_ABSENT == BB_JSON_ABSENT && (int)JSON_OBJECT == BB_JSON_OBJECT, "one numbering");

static size_t count(const bb_json *v) {
    return json_count(in(v));
}

static const bb_json *get(const bb_json *object, bb_str key) {
    return out(json_get(in(object), key));
}

static const bb_json *at(const bb_json *array, size_t index) {
    return index <= UINT32_MAX ? out(json_at(in(array), (uint32_t)index)) : NULL;
}

static int32_t next(const bb_json *container, bb_json_iter *it) {
    json_iter walk = json_iterate(in(container));
    if (it->state != NULL) { /* goes on behind the member given last */
        walk.at = it->state;
        walk.value = (const json_value *)it->value;
        walk.index = (uint32_t)it->index;
        walk.left = json_count(in(container)) - walk.index - 1;
    }
    if (!json_next(&walk))
        return 0;
    *it = (bb_json_iter){.value = out(walk.value), .key = walk.key, .index = walk.index, .state = walk.at};
    return 1;
}

static bb_str string(const bb_json *v) {
    return json_string(in(v));
}

static bb_str text(const bb_json *v) {
    return json_raw(in(v));
}

static int32_t to_int64(const bb_json *v, int64_t *value) {
    return json_to_i64(in(v), value);
}

static int32_t to_double(const bb_json *v, double *value) {
    return json_to_double(in(v), value);
}

static int32_t to_bool(const bb_json *v, int32_t otherwise) {
    return json_is(in(v), JSON_BOOL) ? json_bool(in(v), false) : otherwise;
}

static bb_json_writer *writer(bb_call *call) {
    plugin_call *c = plugin_call_of(call);
    bb_json_writer *w = arena_zalloc(c->memory, sizeof *w);
    static _Thread_local bb_json_writer nowhere; /* without memory: a writer that has failed */
    if (w == NULL) {
        plugin_misuse(c, BB_E_NO_MEMORY, "no memory for a JSON writer");
        nowhere = (bb_json_writer){.call = c, .finished = true};
        json_writer_init(&nowhere.w, &nowhere.out);
        nowhere.w.failed = nowhere.out.failed = true;
        return &nowhere;
    }
    w->call = c;
    w->out.limit = 64u << 20;
    json_writer_init(&w->w, &w->out);
    w->next = c->writers;
    c->writers = w;
    if (c->share != NULL)
        ledger_add(&c->share->writers, 1);
    return w;
}

static void count_finished(bb_json_writer *w) {
    if (!w->finished && w->call->share != NULL)
        ledger_take(&w->call->share->writers, 1);
    w->finished = true;
}

void host_json_free_writers(plugin_call *c) {
    for (bb_json_writer *w = c->writers; w != NULL; w = w->next) {
        count_finished(w);
        buf_free(&w->out);
    }
    c->writers = NULL;
}

static void begin_object(bb_json_writer *w) {
    json_object(&w->w);
}
static void end_object(bb_json_writer *w) {
    json_object_end(&w->w);
}
static void begin_array(bb_json_writer *w) {
    json_array(&w->w);
}
static void end_array(bb_json_writer *w) {
    json_array_end(&w->w);
}
static void key(bb_json_writer *w, bb_str name) {
    json_key(&w->w, name);
}
static void put_null(bb_json_writer *w) {
    json_put_null(&w->w);
}
static void put_bool(bb_json_writer *w, int32_t value) {
    json_put_bool(&w->w, value != 0);
}
static void put_int64(bb_json_writer *w, int64_t value) {
    json_put_i64(&w->w, value);
}
static void put_double(bb_json_writer *w, double value) {
    json_put_double(&w->w, value);
}
static void put_string(bb_json_writer *w, bb_str utf8) {
    json_put_string(&w->w, utf8);
}
static void put_value(bb_json_writer *w, const bb_json *value) {
    json_put_value(&w->w, in(value));
}

static bb_str finish(bb_json_writer *w) {
    if (!json_writer_finish(&w->w)) {
        plugin_misuse(
            w->call, BB_E_PLUGIN,
            "the connector wrote JSON in a wrong order, over a limit, or with text that is not UTF-8");
        return (bb_str){NULL, 0};
    }
    count_finished(w);
    return buf_str(&w->out);
}

const bb_json_api host_json = {
    .size = sizeof(bb_json_api),
    .parse = parse,
    .type = type,
    .count = count,
    .get = get,
    .at = at,
    .next = next,
    .string = string,
    .text = text,
    .to_int64 = to_int64,
    .to_double = to_double,
    .to_bool = to_bool,
    .writer = writer,
    .begin_object = begin_object,
    .end_object = end_object,
    .begin_array = begin_array,
    .end_array = end_array,
    .key = key,
    .put_null = put_null,
    .put_bool = put_bool,
    .put_int64 = put_int64,
    .put_double = put_double,
    .put_string = put_string,
    .put_value = put_value,
    .finish = finish,
};
