/* A connector's steps on any answer of its service, and its webhook schemes on any request: one target for
 * each folder of plugins/, all made of this file.
 *
 * The input is text. The first line is a number: which of the connector's samples is run, each operation with
 * each of its examples, each auth scheme's login; behind them, its webhook schemes. Then come records, with a
 * byte 0x1e between: a first line, header lines "Name: value", an empty line, a body. Of an answer, the first
 * line is the status; the last record answers all further requests. Of a webhook, it is the method and what
 * is behind
 * "?", and a "!" in front of it has every signature fit, so that what is behind the verification is reached.
 * A "+" has the scheme sign a sample of the record's fields Id and Type and its body: that it takes, and what
 * is signed with another secret it does not; the next record's fields and body are then put over it.
 *
 * Header values and bodies are pieces of memory of their own, of their very size, that go as soon as the
 * host's would: who reads beyond them, or later, is found by AddressSanitizer. With $FUZZ_SEEDS, a folder,
 * nothing is run: seeds are written there, made of the schemas' examples. */
#include "base/log.h"
#include "check/drive.h"
#include "plugin/host.h"
#include "plugin/host_abandon.h"
#include "plugin/host_auth.h"
#include "plugin/host_crypto.h"
#include "plugin/host_webhook.h"
#include "plugin/instance.h"

#include <busbar/content.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const bb_entry busbar_entry;

#define RECORD 0x1e
#define STEPS 12 /* requests of one call: a connector that asks on and on is the check's business */
#define HEADERS_MAX 64
#define CONTENT_BYTES 5000000u

static struct {
    trial t;
    plugin_instance instance;
    sample *samples;
    size_t sample_count, scheme_count;
    arena *memory; /* of one call */
} own;

/* --- a record ------------------------------------------------------------------------------------------- */

typedef struct record {
    bb_str first, body;
    str_pair headers[HEADERS_MAX];
    size_t header_count;
} record;

static bb_str own_copy(bb_str s) {
    char *copy = malloc(s.len > 0 ? s.len : 1);
    if (copy == NULL)
        abort();
    memcpy(copy, s.len > 0 ? s.ptr : "", s.len);
    return str_of(copy, s.len);
}

static void drop(bb_str s) {
    free((void *)(uintptr_t)s.ptr);
}

static void drop_headers(record *r) {
    for (size_t i = 0; i < r->header_count; i++) {
        drop(r->headers[i].name);
        drop(r->headers[i].value);
    }
    r->header_count = 0;
}

/* The next record of the input. False: there is none. */
static bool take_record(bb_str *rest, record *r) {
    bb_str text, line;
    if (!str_split(rest, RECORD, &text))
        return false;
    *r = (record){.header_count = 0};
    str_split(&text, '\n', &r->first);
    while (str_split(&text, '\n', &line) && line.len > 0) {
        bb_str name;
        if (!str_split(&line, ':', &name) || r->header_count == HEADERS_MAX)
            continue;
        r->headers[r->header_count++] = (str_pair){own_copy(name), own_copy(str_trim(line))};
    }
    r->body = own_copy(text);
    return true;
}

/* --- calls ---------------------------------------------------------------------------------------------- */

typedef struct running {
    plugin_call c;
    plugin_content content;
    plugin_auth auth;
    const sample *x;
} running;

static void prepare(running *r, const sample *x, bb_str saved) {
    plugin_call *c = &r->c;
    uint32_t state = x->op->desc->state_size, flags = x->op->content;
    *r = (running){.x = x};
    plugin_call_init(c);
    c->memory = own.memory;
    c->base_url = STR("http://127.0.0.1:9");
    c->plugin_id = busbar_entry.plugin->id;
    c->connection_id = c->execution_id = "fuzz";
    c->abi = (bb_call){.size = sizeof c->abi,
                       .host = host_get(),
                       .instance = x->scheme == NULL ? own.instance.ptr : NULL,
                       .input = (const bb_json *)json_read(own.memory, x->input, NULL, NULL),
                       .state = state > 0 ? arena_zalloc(own.memory, state) : NULL};
    r->auth = (plugin_auth){.scheme = x->scheme, .settings = own.instance.settings};
    c->auth = x->scheme != NULL ? &r->auth : NULL;
    r->content = (plugin_content){.given = x->content,
                                  .wanted = (flags & BB_CONTENT_GIVES) != 0,
                                  .length = CONTENT_BYTES,
                                  .type = STR("text/plain"),
                                  .name = STR("a file.txt"),
                                  .saved = saved};
    c->content = x->content || r->content.wanted ? &r->content : NULL;
}

/* As the pipeline does once the whole body has passed. */
static void pass_content(running *r) {
    plugin_content *k = r->c.content;
    const plugin_request *q = &r->c.request;
    if (k == NULL || r->c.answer.status < 200 || r->c.answer.status > 299)
        return;
    if (q->has_content)
        k->passed = q->content_length != UINT64_MAX ? q->content_offset + q->content_length : CONTENT_BYTES;
    if (q->to_output) {
        k->passed = r->c.answer.body.len;
        r->c.answer.body = (bb_str){NULL, 0};
    }
}

/* What nothing that comes from outside may lead to. */
static void judge_end(const char *what, const plugin_call *c, plugin_outcome outcome) {
    if (outcome != PLUGIN_FAILED || !c->misused || c->error.code != BB_E_PLUGIN)
        return;
    fprintf(stderr, "%s: what came in made the connector misuse the host: %.*s\n", what,
            STR_FMT(c->error.message));
    abort();
}

static plugin_outcome resume(running *r, record *a, const uint64_t status) {
    r->c.answer = (plugin_answer){.status = (int32_t)(status >= 100 && status <= 599 ? status : 200),
                                  .headers = a->headers,
                                  .header_count = a->header_count,
                                  .body = a->body};
    pass_content(r);
    return r->x->scheme == NULL ? plugin_resume(&r->c, r->x->op->desc) : plugin_acquire_resume(&r->c);
}

/* The bytes of an answer from which JSON was read live as long as the call. */
typedef struct kept {
    bb_str bodies[STEPS + 1];
    size_t count;
} kept;

static void run_call_once(const sample *x, bb_str answers, bb_str saved, bb_str *saved_out) {
    running r;
    kept k = {.count = 0};
    bb_str last = answers;
    prepare(&r, x, saved);
    plugin_outcome outcome = x->scheme == NULL ? plugin_start(&r.c, x->op->desc) : plugin_acquire_start(&r.c);
    for (int step = 0; outcome == PLUGIN_SEND && step < STEPS; step++) {
        record a;
        uint64_t status = 200;
        bb_str before = answers;
        if (answers.len == 0)
            answers = last;
        else
            last = before;
        if (!take_record(&answers, &a))
            break;
        str_to_u64(a.first, &status);
        outcome = resume(&r, &a, status);
        drop_headers(&a);
        if (r.c.answer.json != NULL || outcome == PLUGIN_DONE)
            k.bodies[k.count++] = a.body;
        else
            drop(a.body);
    }
    judge_end(sample_name(x), &r.c, outcome);
    if (outcome == PLUGIN_SEND && x->scheme == NULL && x->op->abandon != NULL) {
        plugin_abandon_begin(&r.c, 0);
        outcome = plugin_abandon(&r.c, x->op, k.count % 2 == 0 ? BB_E_CANCELLED : BB_E_DEADLINE);
        judge_end(sample_name(x), &r.c, outcome);
    }
    *saved_out = r.content.saves ? own_copy(r.content.save) : (bb_str){NULL, 0};
    plugin_call_free(&r.c);
    for (size_t i = 0; i < k.count; i++)
        drop(k.bodies[i]);
    arena_reset(own.memory);
}

/* Once from the beginning, and where something was saved, as the call that goes on by it. */
static void fuzz_call(const sample *x, bb_str answers) {
    bb_str saved = {NULL, 0}, again = {NULL, 0};
    run_call_once(x, answers, saved, &saved);
    if (saved.len > 0)
        run_call_once(x, answers, saved, &again);
    drop(again);
    drop(saved);
}

/* --- webhooks ------------------------------------------------------------------------------------------- */

static bb_crypto_api lenient; /* every signature fits */

static int32_t always_equal(bb_str a, bb_str b) {
    return a.len == b.len;
}
static int32_t always_verified(bb_str key, bb_str data, bb_str signature) {
    (void)key, (void)data;
    return signature.len == 64;
}
static size_t decoded(size_t n, uint8_t *out, size_t cap) {
    if (n != SIZE_MAX || cap < 32)
        return n;
    memset(out, 0, 32);
    return 32;
}
static size_t lenient_hex(bb_str text, uint8_t *out, size_t cap) {
    return decoded(host_crypto.hex_decode(text, out, cap), out, cap);
}
static size_t lenient_base64(bb_str text, uint8_t *out, size_t cap) {
    return decoded(host_crypto.base64_decode(text, out, cap), out, cap);
}

static bool has_secret(const bb_webhook_scheme *s) {
    for (const bb_auth_field *const *f = s->fields; f != NULL && *f != NULL; f++)
        if (((*f)->flags & BB_AUTH_SECRET) != 0)
            return true;
    return false;
}

static void begin_webhook(plugin_call *c, const bb_host *host, plugin_webhook *said, bb_str fields) {
    plugin_call_init(c);
    c->memory = own.memory;
    c->webhook = said;
    c->plugin_id = busbar_entry.plugin->id;
    c->connection_id = c->execution_id = "fuzz";
    c->abi = (bb_call){.size = sizeof c->abi,
                       .host = host,
                       .instance = own.instance.ptr,
                       .input = (const bb_json *)json_read(own.memory, fields, NULL, NULL)};
}

/* BB_OK: it gave events, or an answer. */
static bb_code run_verify(const bb_webhook_scheme *s, const bb_webhook_request *request, bool fits,
                          bb_str fields, size_t *events) {
    plugin_call c;
    bb_host host = *host_get();
    plugin_webhook said = {.scheme = s, .settings = own.instance.settings, .request = request};
    host.crypto = fits ? &lenient : host.crypto;
    begin_webhook(&c, &host, &said, fields);
    plugin_outcome outcome = plugin_verify(&c);
    judge_end(s->id, &c, outcome);
    bb_code code = outcome == PLUGIN_DONE ? BB_OK : c.error.code;
    *events = outcome == PLUGIN_DONE ? said.event_count : 0;
    plugin_call_free(&c);
    return code;
}

static void wrong_scheme(const bb_webhook_scheme *s, const char *what) {
    fprintf(stderr, "webhook scheme %s %s\n", s->id, what);
    abort();
}

static void verify(const bb_webhook_scheme *s, const bb_webhook_request *request, bool fits) {
    size_t events;
    run_verify(s, request, fits, sample_fields(&own.t, s->fields), &events);
    if (!fits && events > 0 && has_secret(s))
        wrong_scheme(s, "took an event without a signature");
}

/* --- samples that it signs ------------------------------------------------------------------------------ */

#define SECRET "c2VjcmV0" /* what sample_fields fills in */
#define OTHER "b3RoZXJz"

static bb_str with_other_secret(bb_str fields) {
    bb_str copy = arena_copy(own.memory, fields);
    for (size_t at = 0; at + 8 <= copy.len; at++)
        if (memcmp(copy.ptr + at, SECRET, 8) == 0)
            memcpy((char *)(uintptr_t)copy.ptr + at, OTHER, 8);
    return copy;
}

static bb_str field_of(const record *r, bb_str name, bb_str otherwise) {
    for (size_t i = 0; i < r->header_count; i++)
        if (str_eq_nocase(r->headers[i].name, name) && json_utf8_valid(r->headers[i].value))
            return r->headers[i].value;
    return otherwise;
}

/* The fields of `over` and its body in place of the sample's: what comes of that is the scheme's to say. */
static void verify_changed(const bb_webhook_scheme *s, const bb_webhook_request *sample, record *over) {
    bb_str lines[HEADERS_MAX + PLUGIN_WEBHOOK_MADE_MAX];
    bb_webhook_request changed = *sample;
    size_t events;
    uint32_t n = 0;
    for (size_t i = 0; i < over->header_count; i++)
        lines[n++] = arena_printf(own.memory, "%.*s: %.*s", STR_FMT(over->headers[i].name),
                                  STR_FMT(over->headers[i].value));
    for (uint32_t i = 0; i < sample->header_count; i++)
        lines[n++] = sample->headers[i];
    changed.headers = lines;
    changed.header_count = n;
    changed.body = over->body.len > 0 ? over->body : sample->body;
    run_verify(s, &changed, false, sample_fields(&own.t, s->fields), &events);
}

static bool sign(const bb_webhook_scheme *s, const record *r, plugin_made *made) {
    plugin_call c;
    const bb_webhook_sample sample = {
        .size = sizeof sample,
        .url = STR("https://hub.example/in/x"),
        .id = field_of(r, STR("Id"), STR("sample-1")),
        .type = field_of(r, STR("Type"), STR("sample.made")),
        .payload = json_read(own.memory, r->body, NULL, NULL) != NULL ? r->body : (bb_str){NULL, 0},
        .now_ms = 1767225600000u};
    plugin_webhook said = {.scheme = s, .settings = own.instance.settings, .sample = &sample, .made = made};
    begin_webhook(&c, host_get(), &said, sample_fields(&own.t, s->fields));
    plugin_outcome outcome = plugin_sign_sample(&c);
    plugin_call_free(&c);
    return outcome == PLUGIN_DONE;
}

static void fuzz_sample(const bb_webhook_scheme *s, record *r, record *over) {
    plugin_made made;
    size_t events;
    if (!plugin_can_sign(s) || !sign(s, r, &made))
        return;
    const bb_webhook_request request = {
        .size = sizeof request,
        .header_count = (uint32_t)made.count,
        .method = STR("POST"),
        .url = made.query.len > 0
                   ? arena_printf(own.memory, "https://hub.example/in/x?%.*s", STR_FMT(made.query))
                   : STR("https://hub.example/in/x"),
        .query = made.query,
        .headers = made.headers,
        .body = made.body,
        .peer = STR("203.0.113.7"),
        .now_ms = 1767225600000u};
    bb_str fields = sample_fields(&own.t, s->fields), other = with_other_secret(fields);
    if (run_verify(s, &request, false, fields, &events) == BB_E_UPSTREAM_AUTH)
        wrong_scheme(s, "refuses what it signs");
    run_verify(s, &request, false, other, &events);
    if (events > 0)
        wrong_scheme(s, "takes what was signed with another secret");
    if (over != NULL)
        verify_changed(s, &request, over);
}

static void drop_record(record *r) {
    drop(r->body);
    drop_headers(r);
}

static void fuzz_webhook(const bb_webhook_scheme *s, bb_str text) {
    record r;
    bb_str headers[HEADERS_MAX], method, query;
    if (!take_record(&text, &r))
        return;
    if (r.first.len > 0 && r.first.ptr[0] == '+') {
        record over;
        bool more = take_record(&text, &over);
        fuzz_sample(s, &r, more ? &over : NULL);
        if (more)
            drop_record(&over);
        drop_record(&r);
        arena_reset(own.memory);
        return;
    }
    bool fits = r.first.len > 0 && r.first.ptr[0] == '!';
    query = fits ? str_of(r.first.ptr + 1, r.first.len - 1) : r.first;
    if (!str_split(&query, '?', &method))
        method = STR("");
    bool get = str_eq(method, STR("GET")) && (s->flags & BB_WEBHOOK_GET) != 0;
    for (size_t i = 0; i < r.header_count; i++) {
        bb_str line = arena_printf(own.memory, "%.*s: %.*s", STR_FMT(r.headers[i].name),
                                   STR_FMT(r.headers[i].value));
        headers[i] = own_copy(line);
    }
    bb_str own_query = own_copy(query), url = own_copy(STR("https://hub.example/in/x"));
    bb_webhook_request request = {.size = sizeof request,
                                  .header_count = (uint32_t)r.header_count,
                                  .method = get ? STR("GET") : STR("POST"),
                                  .url = url,
                                  .query = own_query,
                                  .headers = headers,
                                  .body = r.body,
                                  .peer = STR("203.0.113.7"),
                                  .now_ms = 1767225600000u};
    verify(s, &request, fits);
    for (size_t i = 0; i < r.header_count; i++)
        drop(headers[i]);
    drop(own_query);
    drop(url);
    drop_record(&r);
    arena_reset(own.memory);
}

/* --- seeds ---------------------------------------------------------------------------------------------- */

static void write_seed(const char *folder, const char *name, size_t number, bb_str text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s-%zu", folder, name, number);
    FILE *f = fopen(path, "w");
    if (f == NULL || fwrite(text.ptr, 1, text.len, f) != text.len || fclose(f) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }
}

static void sample_seeds(const char *folder) {
    static const char error[] = "{\"error\":{\"message\":\"no\",\"code\":7,\"type\":\"x\"},\"ok\":false,"
                                "\"message\":\"no\",\"code\":7}";
    for (size_t i = 0; i < own.sample_count; i++) {
        bb_str body = own.samples[i].good != NULL ? own.samples[i].good->body : STR("{}");
        bb_str good = arena_printf(own.t.memory, "%zu\n200\nContent-Type: application/json\n\n%.*s", i,
                                   STR_FMT(body));
        write_seed(folder, "good", i, good);
        write_seed(folder, "bad", i,
                   arena_printf(own.t.memory, "%zu\n%d\nContent-Type: application/json\nRetry-After: 1\n\n%s",
                                i, i % 2 == 0 ? 400 : 429, error));
        if (own.samples[i].content || own.samples[i].op->content != 0)
            write_seed(
                folder, "steps", i,
                arena_printf(
                    own.t.memory,
                    "%.*s%c308\nRange: bytes=0-1048575\nLocation: http://127.0.0.1:9/x\n\n%c200\n\n%.*s",
                    STR_FMT(good), RECORD, RECORD, STR_FMT(body)));
    }
}

/* Whether a text of the program looks like the name of a header field: "X-Some-Thing". */
static bool is_field_name(const char *s, size_t n) {
    bool dash = false;
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)s[i]) && s[i] != '-')
            return false;
        dash = dash || (s[i] == '-' && i > 0 && i + 1 < n);
    }
    return dash && n >= 6 && n <= 48 && isupper((unsigned char)s[0]);
}

static void add_field(buf *out, const char *name, size_t n, const char *value) {
    bb_str text = str_of(name, n);
    bool time = memmem(name, n, "ime", 3) != NULL, ed25519 = memmem(name, n, "25519", 5) != NULL;
    buf_printf(out, "%.*s: %s", STR_FMT(text), time ? "1767225600" : value);
    if (ed25519)
        buf_printf(out, "%064d", 0); /* twice as long */
    buf_lit(out, "\n");
}

/* All names of header fields that stand in this very program, with that value. */
static void add_fields(buf *out, const char *value) {
    FILE *f = fopen("/proc/self/exe", "rb");
    char text[49];
    size_t n = 0, fields = 0;
    for (int c; f != NULL && fields < HEADERS_MAX - 1 && (c = getc(f)) != EOF;) {
        if (c != 0 && n < sizeof text) {
            text[n++] = (char)c;
            continue;
        }
        if (c == 0 && n < sizeof text && is_field_name(text, n)) {
            add_field(out, text, n, value);
            fields++;
        }
        n = c == 0 ? 0 : sizeof text;
    }
    if (f != NULL)
        fclose(f);
}

static void scheme_seeds(const char *folder) {
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    static const char *const forms[] = {"%s", "v0=%s", "sha256=%s", "t=1767225600,v1=%s", "v1,%s"};
    static const char *const bodies[] = {
        "{\"id\":\"e1\",\"type\":\"x\",\"event\":{\"type\":\"message\"},\"event_id\":\"E\",\"data\":{}}",
        "payload=%7B%22type%22%3A%22block_actions%22%7D&command=%2Fx&ssl_check=1",
        "{\"id\":\"7\",\"type\":2,\"challenge\":\"c\",\"application_id\":\"1\",\"version\":1,\"data\":{}}"};
    char value[128];
    for (size_t s = 0; s < own.scheme_count; s++)
        for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
            const char *type = i % 3 == 1 ? "application/x-www-form-urlencoded" : "application/json";
            buf out;
            buf_init(&out);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(value, sizeof value, forms[i], zeros);
#pragma GCC diagnostic pop
            buf_printf(&out, "%zu\n!POST?challenge=c\nContent-Type: %s\n", own.sample_count + s, type);
            add_fields(&out, value);
            buf_printf(&out, "\n%s", bodies[i % 3]);
            write_seed(folder, "webhook", s * 10 + i, buf_str(&out));
            buf_free(&out);
        }
    for (size_t s = 0; s < own.scheme_count; s++)
        for (size_t i = 0; i < 2; i++) {
            buf out;
            buf_init(&out);
            buf_printf(&out, "%zu\n+\nId: e1\nType: a.b\n\n%s%c\nX-Hub-Signature: sha256=00\n\n%s",
                       own.sample_count + s, i == 0 ? "" : bodies[0], RECORD, bodies[2]);
            write_seed(folder, "sample", s * 10 + i, buf_str(&out));
            buf_free(&out);
        }
}

/* --- the connector -------------------------------------------------------------------------------------- */

static void have_connector(void) {
    static check_options options = {.seed = 1};
    static check_board blackboard;
    plugin_module *m = calloc(1, sizeof *m);
    err e = {""};
    board = &blackboard; /* what it would say: nobody reads it */
    host_init("fuzz");
    log_set_level(LOG_LEVEL_ERROR);
    m->memory = arena_new(0);
    m->refs = 1;
    own.memory = arena_new((size_t)64 << 20);
    if (!module_admit(m, &busbar_entry, str_from(busbar_entry.plugin->id), &e)) {
        fprintf(stderr, "the connector is refused: %s\n", e.text);
        abort();
    }
    own.t = (trial){.o = &options, .id = m->id, .memory = arena_new(0), .module = m};
    bb_str settings = trial_settings(&own.t);
    if (settings.ptr == NULL || !instance_create(&own.instance, m, STR("fuzz"), settings, &e)) {
        fprintf(stderr, "no connection: %s\n", e.text);
        abort();
    }
    own.samples = samples_of(&own.t, &own.sample_count);
    while (m->webhooks != NULL && m->webhooks->schemes[own.scheme_count] != NULL)
        own.scheme_count++;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const char *folder = getenv("FUZZ_SEEDS");
    have_connector();
    lenient = host_crypto;
    lenient.equal = always_equal;
    lenient.ed25519_verify = always_verified;
    lenient.hex_decode = lenient_hex;
    lenient.base64_decode = lenient_base64;
    if (folder == NULL)
        return 0;
    mkdir(folder, 0755);
    sample_seeds(folder);
    scheme_seeds(folder);
    exit(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bb_str text = str_of((const char *)data, size), first;
    uint64_t n = 0;
    size_t all = own.sample_count + own.scheme_count;
    if (!str_split(&text, '\n', &first) || !str_to_u64(first, &n) || all == 0)
        return 0;
    n %= all;
    if (n >= own.sample_count)
        fuzz_webhook(own.t.module->webhooks->schemes[n - own.sample_count], text);
    else if (own.samples[n].part == SAMPLE_STEPS)
        fuzz_call(&own.samples[n], text);
    return 0;
}
