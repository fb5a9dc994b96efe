/* webhook_samples.c - samples that webhook schemes sign: their own `verify` takes them, and refuses what was
 * signed with another secret. */
#include "check/drive.h"
#include "check/generate.h"
#include "plugin/host_webhook.h"

#define URL "https://hub.example.test/hooks/check"
#define SECRET "c2VjcmV0" /* what sample_fields fills in */
#define OTHER "b3RoZXJz"
#define FAILURES_MOST 32u /* host functions that are made to fail, one at a time */

typedef struct signing {
    trial *t;
    const specimen *s;
    const bb_webhook_scheme *scheme;
    driven d;
    arena *memory;
    plugin_webhook said;
    plugin_made made;
    bb_webhook_sample sample;
    bb_webhook_request request;
} signing;

static void begin(signing *g, bb_str input, check_phase phase, const char *what) {
    plugin_call *c = &g->d.c;
    plugin_call_reset(c);
    c->memory = g->memory;
    c->webhook = &g->said;
    c->plugin_id = g->t->module->desc->id;
    c->connection_id = c->execution_id = "check";
    c->abi = (bb_call){
        .size = sizeof c->abi,
        .host = poison_host(),
        .instance = g->s->ptr,
        .input = (const bb_json *)json_read(g->memory, arena_copy(g->memory, input), NULL, NULL),
    };
    poison_step(phase, &g->d);
    enter(what, STEP_LIMIT_MS);
}

static plugin_outcome sign(signing *g, bb_str input) {
    g->said = (plugin_webhook){.scheme = g->scheme,
                               .settings = (const json_value *)g->s->abi.settings,
                               .sample = &g->sample,
                               .made = &g->made};
    begin(g, input, PHASE_SIGN_SAMPLE, "sign");
    plugin_outcome outcome = plugin_sign_sample(&g->d.c);
    leave();
    if (!guard_intact(g->d.pieces))
        wrong("it writes past the end of memory that the host gave it (host->call->alloc)");
    if (outcome == PLUGIN_FAILED && g->d.c.misused && g->d.c.error.code == BB_E_PLUGIN)
        wrong("%.*s", STR_FMT(g->d.c.error.message));
    return outcome;
}

static void as_request(signing *g) {
    const plugin_made *made = &g->made;
    g->request = (bb_webhook_request){
        .size = sizeof g->request,
        .header_count = (uint32_t)made->count,
        .method = STR("POST"),
        .url = made->query.len > 0 ? arena_printf(g->memory, URL "?%.*s", STR_FMT(made->query)) : STR(URL),
        .query = made->query,
        .headers = made->headers,
        .body = made->body,
        .peer = STR("203.0.113.7"),
        .now_ms = g->sample.now_ms,
    };
}

static plugin_outcome verify(signing *g, bb_str input) {
    g->said = (plugin_webhook){
        .scheme = g->scheme, .settings = (const json_value *)g->s->abi.settings, .request = &g->request};
    begin(g, input, PHASE_VERIFY, "verify");
    plugin_outcome outcome = plugin_verify(&g->d.c);
    leave();
    return outcome;
}

static bb_str with_other_secret(arena *a, bb_str input) {
    bb_str copy = arena_copy(a, input);
    for (size_t at = 0; copy.ptr != NULL && at + 8 <= copy.len; at++)
        if (memcmp(copy.ptr + at, SECRET, 8) == 0)
            memcpy((char *)(uintptr_t)copy.ptr + at, OTHER, 8);
    return copy;
}

static void judge_sample(signing *g, bb_str input) {
    bb_str other = with_other_secret(g->memory, input);
    as_request(g);
    if (verify(g, input) != PLUGIN_DONE)
        wrong("what it signs, it does not verify: %.*s", STR_FMT(g->d.c.error.message));
    else if (g->said.event_count == 0)
        wrong("what it signs is no event to it");
    if (!str_eq(other, input) && verify(g, other) == PLUGIN_DONE)
        wrong("it takes what was signed with another secret");
}

/* Gives the host functions that `sign` called. */
static unsigned run(trial *t, const specimen *s, const bb_webhook_scheme *scheme, bb_str input,
                    unsigned fail_at) {
    signing g = {.t = t,
                 .s = s,
                 .scheme = scheme,
                 .d = {.fail_at = fail_at, .random = 1},
                 .memory = arena_new((size_t)64 << 20),
                 .sample = {.size = sizeof g.sample,
                            .url = STR(URL),
                            .id = STR("sample-1"),
                            .type = STR("sample.made"),
                            .now_ms = 1780000000000}};
    plugin_call_init(&g.d.c);
    plugin_outcome outcome = sign(&g, input);
    unsigned calls = g.d.host_calls;
    g.d.fail_at = 0;
    if (outcome == PLUGIN_DONE)
        judge_sample(&g, input);
    else if (fail_at == 0 && g.d.c.error.code != BB_E_INVALID_INPUT)
        wrong("it signs no sample: %.*s", STR_FMT(g.d.c.error.message));
    poison_phase(PHASE_NONE);
    plugin_call_free(&g.d.c);
    guard_free(&g.d.pieces);
    arena_free(g.memory);
    return calls;
}

void check_webhook_sample(trial *t, const specimen *s, const bb_webhook_scheme *scheme, bb_str input) {
    if (!plugin_can_sign(scheme))
        return;
    at("webhook scheme %s, a signed sample", scheme->id);
    unsigned calls = run(t, s, scheme, input, 0);
    for (unsigned n = 1; n <= calls && n <= FAILURES_MOST; n++) {
        at("webhook scheme %s, a signed sample, host function %u failing", scheme->id, n);
        run(t, s, scheme, input, n);
    }
}
