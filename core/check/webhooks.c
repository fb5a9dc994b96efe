/* webhooks.c - webhook schemes before requests that the service did not send: none may become an event.
 *
 * The names of header fields are taken from the connector's own file, so that a scheme finds the field it
 * looks for, with a value that is not what it should be. */
#include "check/drive.h"
#include "check/generate.h"
#include "plugin/host_webhook.h"

#include <stdio.h>

#define NAMES_MAX 48u
#define HEADERS_MAX 12u
#define ROUNDS 600u

typedef struct forger {
    trial *t;
    const specimen *s;
    const bb_webhook_scheme *scheme;
    bb_str input;
    bb_str names[NAMES_MAX];
    unsigned name_count;
    generator random;
} forger;

/* --- names of header fields ------------------------------------------------------------------------ */

static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static bool known(const forger *f, bb_str name) {
    for (unsigned i = 0; i < f->name_count; i++)
        if (str_eq_nocase(f->names[i], name))
            return true;
    return false;
}

static void add_name(forger *f, bb_str name) {
    if (f->name_count < NAMES_MAX && !known(f, name))
        f->names[f->name_count++] = name;
}

/* Texts of the file that stand between two NULs and have a hyphen: "X-Signature". */
static void find_names(forger *f) {
    bb_str file = f->t->file;
    static const char *const usual[] = {"X-Signature", "Signature", "Webhook-Signature", "Authorization",
                                        "X-Timestamp"};
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        add_name(f, str_from(usual[i]));
    for (size_t at = 1, begin = 1; at < file.len; at++) {
        if (is_name_char(file.ptr[at]))
            continue;
        bb_str text = str_of(file.ptr + begin, at - begin);
        bool whole = file.ptr[at] == '\0' && file.ptr[begin - 1] == '\0';
        if (whole && text.len >= 4 && text.len <= 60 && memchr(text.ptr, '-', text.len) != NULL)
            add_name(f, text);
        begin = at + 1;
    }
}

/* --- forged requests ------------------------------------------------------------------------------- */

static bb_str forged_value(generator *g) {
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    static const char *const values[] = {
        "",
        "0",
        "1780000000",
        zeros,
        "v0=",
        "v1,",
        "sha256=0000",
        "t=1780000000,v1=",
        "t=,v1=,v1=",
        "t=1780000000,v1=0000000000000000000000000000000000000000000000000000000000000000",
        "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "Bearer ",
        "Basic Og==",
        ",,,===",
        "99999999999999999999999999",
        "-1",
        "\xff\xfe"};
    return str_from(values[generate_below(g, sizeof values / sizeof values[0])]);
}

static bb_str forged_body(generator *g) {
    static const char *const bodies[] = {"",
                                         "{}",
                                         "[]",
                                         "null",
                                         "\"text\"",
                                         "{\"id\":\"1\",\"type\":\"x\",\"challenge\":\"c\"}",
                                         "{\"id\":1,\"type\":{},\"event\":[],\"data\":null}",
                                         "[{\"eventId\":1},{\"eventId\":2}]",
                                         "payload=%7B%22type%22%3A%22x%22%7D&token=",
                                         "<?xml version=\"1.0\"?><a><b/></a>",
                                         "{\"id\":",
                                         "\xff\xfe\x00"};
    return str_from(bodies[generate_below(g, sizeof bodies / sizeof bodies[0])]);
}

static bb_str header_line(driven *d, bb_str name, bb_str value) {
    char line[256];
    int n = snprintf(line, sizeof line, "%.*s: %.*s", STR_FMT(name), STR_FMT(value));
    return guard_text(&d->pieces, str_of(line, (size_t)n));
}

/* `round` 0: nothing but a body; then each name alone, then some of them. */
static bb_webhook_request forge(forger *f, driven *d, unsigned round, bb_str *headers) {
    static const char *const urls[] = {"https://hub.example.test/hooks/check",
                                       "https://hub.example.test/hooks/check?challenge=c&hub.mode=subscribe&"
                                       "hub.challenge=c&hub.verify_token="};
    generator *g = &f->random;
    bool get = (f->scheme->flags & BB_WEBHOOK_GET) != 0 && generate_below(g, 3) == 0;
    bb_str url = str_from(urls[generate_below(g, 2)]);
    const char *mark = memchr(url.ptr, '?', url.len);
    uint32_t n = 0;
    if (round > 0 && round <= f->name_count)
        headers[n++] = header_line(d, f->names[round - 1], forged_value(g));
    for (unsigned more = round > f->name_count ? (unsigned)generate_below(g, HEADERS_MAX) : 0; more > 0;
         more--)
        headers[n++] = header_line(d, f->names[generate_below(g, f->name_count)], forged_value(g));
    return (bb_webhook_request){
        .size = sizeof(bb_webhook_request),
        .header_count = n,
        .method = get ? STR("GET") : STR("POST"),
        .url = guard_text(&d->pieces, url),
        .query = mark != NULL ? str_of(mark + 1, url.len - (size_t)(mark + 1 - url.ptr)) : STR(""),
        .headers = headers,
        .body = get ? (bb_str){NULL, 0} : guard_text(&d->pieces, forged_body(g)),
        .peer = STR("203.0.113.7"),
        .now_ms = 1780000000000,
    };
}

/* --- one request ------------------------------------------------------------------------------------ */

static void judge_webhook(const driven *d, const plugin_webhook *said, plugin_outcome outcome) {
    if (!guard_intact(d->pieces))
        wrong("it writes past the end of memory that the host gave it (host->call->alloc)");
    if (outcome == PLUGIN_FAILED && d->c.misused && d->c.error.code == BB_E_PLUGIN)
        wrong("%.*s", STR_FMT(d->c.error.message));
    if (outcome == PLUGIN_DONE && said->event_count > 0)
        wrong("it takes a request that the service did not sign for an event: compare the signature, and "
              "refuse "
              "by bb_webhook_refuse");
}

/* Gives the host functions that were called. */
static unsigned run_forged(forger *f, unsigned round, unsigned fail_at) {
    driven d = {.fail_at = fail_at, .random = 1};
    bb_str headers[HEADERS_MAX + 1];
    arena *a = arena_new((size_t)64 << 20);
    plugin_call_init(&d.c);
    bb_webhook_request request = forge(f, &d, round, headers);
    plugin_webhook said = {
        .scheme = f->scheme, .settings = (const json_value *)f->s->abi.settings, .request = &request};
    d.c.memory = a;
    d.c.webhook = &said;
    d.c.plugin_id = f->t->module->desc->id;
    d.c.connection_id = d.c.execution_id = "check";
    d.c.abi = (bb_call){
        .size = sizeof d.c.abi,
        .host = poison_host(),
        .instance = f->s->ptr,
        .input = (const bb_json *)json_read(a, arena_copy(a, f->input), NULL, NULL),
    };
    poison_step(PHASE_VERIFY, &d);
    enter("verify", STEP_LIMIT_MS);
    plugin_outcome outcome = plugin_verify(&d.c);
    leave();
    judge_webhook(&d, &said, outcome);
    poison_phase(PHASE_NONE);
    unsigned calls = d.host_calls;
    plugin_call_free(&d.c);
    guard_free(&d.pieces);
    arena_free(a);
    return calls;
}

static void try_scheme(forger *f) {
    unsigned calls = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        at("webhook scheme %s, forged request %u of seed %llu", f->scheme->id, round,
           (unsigned long long)f->t->o->seed);
        unsigned n = run_forged(f, round, 0);
        calls = n > calls ? n : calls;
    }
    for (unsigned n = 1; n <= calls && n <= 64; n++)
        for (unsigned round = 0; round < 32; round++) {
            at("webhook scheme %s, host function %u failing", f->scheme->id, n);
            run_forged(f, f->name_count + 1 + round, n);
        }
}

void check_webhooks(trial *t) {
    specimen s;
    if (!trial_load(t))
        return;
    if (t->module->webhooks == NULL) {
        note("it declares no webhook schemes");
        return;
    }
    if (!trial_instance(t, &s))
        return;
    size_t n = 0;
    for (; t->module->webhooks->schemes[n] != NULL; n++) {
        const bb_webhook_scheme *scheme = t->module->webhooks->schemes[n];
        forger f = {.t = t,
                    .s = &s,
                    .scheme = scheme,
                    .input = sample_fields(t, scheme->fields),
                    .random = {.random = t->o->seed + 5}};
        find_names(&f);
        try_scheme(&f);
        check_webhook_sample(t, &s, scheme, f.input);
    }
    at("%s", "");
    specimen_destroy(&s);
    note("%zu webhook schemes, %u forged requests each", n, ROUNDS);
}
