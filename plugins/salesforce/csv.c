/* csv.c - records to CSV, and rows to records. */
#include "csv.h"

#define COLUMNS_MAX 1000u /* Bulk API 2.0 takes 5,000 fields a record, which no object has */

/* --- writing ---------------------------------------------------------------------------------------- */

typedef struct table {
    bb_str names[COLUMNS_MAX];
    size_t count;
} table;

/* Counts where `to` is NULL: the same text is made twice, first to know its length. */
typedef struct sink {
    char *to;
    size_t n;
} sink;

static void put(sink *s, const char *bytes, size_t n) {
    if (s->to != NULL && n > 0)
        memcpy(s->to + s->n, bytes, n);
    s->n += n;
}

static void put_field(sink *s, bb_str text) {
    int quoted = text.len > 0 && (text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' ');
    for (size_t i = 0; i < text.len && !quoted; i++)
        quoted = strchr(",\"\r\n", text.ptr[i]) != NULL;
    if (!quoted) {
        put(s, text.ptr, text.len);
        return;
    }
    put(s, "\"", 1);
    for (size_t i = 0; i < text.len; i++) {
        put(s, &text.ptr[i], 1);
        if (text.ptr[i] == '"')
            put(s, "\"", 1);
    }
    put(s, "\"", 1);
}

/* Alike records have their names at the same places: looked for there first. */
static int has_column(const table *t, bb_str name, size_t at) {
    for (size_t i = 0; i < t->count; i++) {
        const bb_str *c = &t->names[(at + i) % t->count];
        if (c->len == name.len && memcmp(c->ptr, name.ptr, name.len) == 0)
            return 1;
    }
    return 0;
}

static int bad_value(bb_call *call, size_t row, bb_str name) {
    char pointer[160];
    snprintf(pointer, sizeof pointer, "/records/%zu/%.*s", row, (int)(name.len < 100 ? name.len : 100),
             name.ptr);
    bb_fail_input(call, pointer,
                  "a bulk job takes texts, numbers, true, false and null: for a field of "
                  "another object name it as Owner.External__c");
    return 0;
}

static int add_columns(bb_call *call, table *t, const bb_json *record, size_t row) {
    bb_json_iter it = {0};
    while (call->host->json->next(record, &it)) {
        if (bb_is(call, it.value, BB_JSON_OBJECT) || bb_is(call, it.value, BB_JSON_ARRAY))
            return bad_value(call, row, it.key);
        if (has_column(t, it.key, it.index))
            continue;
        if (t->count == COLUMNS_MAX) {
            bb_fail_input(call, "/records", "the records have more than %u different fields", COLUMNS_MAX);
            return 0;
        }
        t->names[t->count++] = it.key;
    }
    return 1;
}

static void put_rows(bb_call *call, const table *t, const bb_json *records, sink *s) {
    bb_json_iter it = {0};
    for (size_t c = 0; c < t->count; c++) {
        put(s, ",", c > 0);
        put_field(s, t->names[c]);
    }
    put(s, "\n", 1);
    while (call->host->json->next(records, &it)) {
        for (size_t c = 0; c < t->count; c++) {
            const bb_json *value = call->host->json->get(it.value, t->names[c]);
            put(s, ",", c > 0);
            put_field(s, bb_is(call, value, BB_JSON_NULL) ? bb_s("#N/A") : bb_text(call, value));
        }
        put(s, "\n", 1);
    }
}

int csv_write(bb_call *call, const bb_json *records, bb_str *out) {
    table *t = (table *)call->host->call->alloc(call, sizeof *t);
    bb_json_iter it = {0};
    sink s = {NULL, 0};
    if (t == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the records"), 0;
    t->count = 0;
    while (call->host->json->next(records, &it))
        if (!add_columns(call, t, it.value, it.index))
            return 0;
    put_rows(call, t, records, &s);
    s.to = (char *)call->host->call->alloc(call, s.n);
    if (s.to == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the records: send them as content"), 0;
    out->ptr = s.to;
    s.n = 0;
    put_rows(call, t, records, &s);
    out->len = s.n;
    return 1;
}

/* --- reading ---------------------------------------------------------------------------------------- */

typedef struct reader {
    bb_str text;
    size_t at;
    char *to;     /* decoded fields, one behind the other */
    char comma;   /* what stands between fields */
    int ends_row; /* the field read last was its row's last */
    int bad;
} reader;

static bb_str quoted_field(reader *r) {
    bb_str out = {r->to, 0};
    for (r->at++; r->at < r->text.len; r->at++) {
        if (r->text.ptr[r->at] == '"') {
            if (r->at + 1 == r->text.len || r->text.ptr[r->at + 1] != '"')
                break;
            r->at++;
        }
        r->to[out.len++] = r->text.ptr[r->at];
    }
    r->bad |= r->at == r->text.len; /* no quote at its end */
    r->at += r->at < r->text.len;
    r->to += out.len;
    return out;
}

/* Rows come with the columnDelimiter of their job: the one behind the first name, which has none of them. */
static char comma_of(bb_str text) {
    static const char commas[] = ",\t;|^`";
    for (size_t i = 0; i < text.len && text.ptr[i] != '\r' && text.ptr[i] != '\n'; i++)
        if (memchr(commas, text.ptr[i], sizeof commas - 1) != NULL)
            return text.ptr[i];
    return ',';
}

/* Moves behind the comma or the line's end. */
static void end_field(reader *r) {
    char c = r->at < r->text.len ? r->text.ptr[r->at] : '\n';
    r->ends_row = c != r->comma;
    if (c == '\r' && r->at + 1 < r->text.len && r->text.ptr[r->at + 1] == '\n')
        r->at++;
    r->bad |= c != r->comma && c != '\n' && c != '\r';
    r->at += r->at < r->text.len;
}

static bb_str next_field(reader *r) {
    bb_str out = {r->text.ptr + r->at, 0};
    if (r->at < r->text.len && r->text.ptr[r->at] == '"') {
        out = quoted_field(r);
    } else {
        char c;
        while (r->at < r->text.len && (c = r->text.ptr[r->at]) != r->comma && c != '\r' && c != '\n')
            r->at++;
        out.len = (size_t)(r->text.ptr + r->at - out.ptr);
    }
    end_field(r);
    return out;
}

static void read_names(reader *r, table *t) {
    do {
        bb_str name = next_field(r);
        if (t->count < COLUMNS_MAX)
            t->names[t->count++] = name;
        else
            r->bad = 1;
    } while (!r->ends_row && !r->bad);
}

static void read_row(bb_call *call, reader *r, const table *t, bb_json_writer *w) {
    const bb_json_api *json = call->host->json;
    size_t c = 0;
    if (w != NULL)
        json->begin_object(w);
    do {
        bb_str value = next_field(r);
        if (c < t->count && w != NULL) {
            json->key(w, t->names[c]);
            json->put_string(w, value);
        }
        c++;
    } while (!r->ends_row);
    if (w != NULL)
        json->end_object(w);
    r->bad |= c != t->count;
}

static int is_csv(bb_call *call) {
    bb_str type = call->host->http->response_header(call, bb_s("Content-Type"));
    return type.len >= 8 && memcmp(type.ptr, "text/csv", 8) == 0;
}

int64_t csv_read(bb_call *call, bb_json_writer *w, int64_t most) {
    bb_str text = call->host->http->response_body(call);
    table *t = (table *)call->host->call->alloc(call, sizeof *t);
    char *room = t != NULL ? (char *)call->host->call->alloc(call, text.len + 1) : NULL;
    reader r = {text, 0, room, comma_of(text), 0, 0};
    int64_t rows = 0;
    if (!is_csv(call) || !bb_is_utf8(text)) {
        bb_fail(call, BB_E_UPSTREAM_INVALID, "Salesforce gave rows that are no text/csv in UTF-8");
        return -1;
    }
    if (room == NULL) {
        bb_fail(call, BB_E_NO_MEMORY, "no memory for the rows: ask for fewer, or download them");
        return -1;
    }
    if (!bb_is_utf8(text)) {
        bb_fail(call, BB_E_UPSTREAM_INVALID, "the rows that Salesforce gave are not UTF-8");
        return -1;
    }
    t->count = 0;
    if (text.len > 0)
        read_names(&r, t);
    for (; r.at < text.len && !r.bad; rows++)
        read_row(call, &r, t, rows < most ? w : NULL);
    if (!r.bad)
        return rows;
    bb_fail(call, BB_E_UPSTREAM_INVALID, "the rows that Salesforce gave are no CSV");
    return -1;
}
