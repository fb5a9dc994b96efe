#include "check/drive.h"

#include <busbar/content.h>

#include "base/clock.h"
#include "check/world.h"

#include "plugin/host_abandon.h"
#include <inttypes.h>
#include <stdio.h>

/* --- instances ----------------------------------------------------------------------------------- */

static bb_str without_slashes(bb_str url) {
    while (url.len > 0 && url.ptr[url.len - 1] == '/')
        url.len--;
    return url;
}

/* The hub frees it, and says so each time. */
static void settle(specimen *s, const char *function) {
    ledger_left left = ledger_close(&s->held);
    if (left.blocks > 0)
        wrong("%s leaves %llu pieces of busbar.memory/1 behind, %llu bytes: free what create and the steps "
              "took",
              function, (unsigned long long)left.blocks, (unsigned long long)left.bytes);
}

bool specimen_create(specimen *s, const plugin_module *m, const char *id, bb_str settings, err *refusal) {
    *s = (specimen){.module = m, .memory = arena_new_sized(0, 1024)};
    const json_value *v = s->memory != NULL
                              ? json_read(s->memory, arena_copy(s->memory, settings), NULL, NULL)
                              : NULL;
    if (v == NULL) {
        arena_free(s->memory);
        s->module = NULL;
        return err_set(refusal, "no memory");
    }
    s->base_url = without_slashes(json_string(json_getl(v, "base_url")));
    s->abi = (bb_connection){.size = sizeof s->abi,
                             .host = poison_host(),
                             .id = arena_strdup(s->memory, str_from(id)),
                             .settings = (const bb_json *)v};
    ledger_open(&s->held, &s->abi);
    if (m->desc->create == NULL)
        return true;
    poison_connection(&s->abi);
    poison_phase(PHASE_CREATE);
    enter("create", INIT_LIMIT_MS);
    bb_code code = m->desc->create(&s->abi, &s->ptr);
    leave();
    poison_phase(PHASE_NONE);
    if (code == BB_OK)
        return true;
    if (poison_rejection() == NULL)
        wrong("create refuses the settings with code %d without saying why: call host->reject(connection, "
              "\"/pointer\", "
              "\"reason\") before it",
              (int)code);
    err_set(refusal, "%s", poison_rejection() != NULL ? poison_rejection() : "it does not say why");
    settle(s, "create, which refuses the settings,");
    arena_free(s->memory);
    s->module = NULL;
    return false;
}

void specimen_destroy(specimen *s) {
    if (s->module == NULL)
        return;
    poison_phase(PHASE_DESTROY);
    enter("destroy", INIT_LIMIT_MS);
    if (s->module->desc->destroy != NULL)
        s->module->desc->destroy(s->ptr);
    leave();
    poison_phase(PHASE_NONE);
    settle(s, "destroy");
    arena_free(s->memory);
    s->module = NULL;
}

bool trial_instance(trial *t, specimen *s) {
    err refusal = {""};
    at("create");
    bb_str settings = trial_settings(t);
    if (settings.ptr == NULL)
        return false;
    if (specimen_create(s, t->module, "check", settings, &refusal))
        return true;
    if (t->o->settings.ptr != NULL) /* they may hold what nobody else is to read */
        wrong("create refuses the settings given: %s", refusal.text);
    else
        wrong("create refuses the settings %.*s: %s; give settings that it takes with --settings",
              (int)(settings.len < 200 ? settings.len : 200), settings.ptr, refusal.text);
    return false;
}

/* --- calls --------------------------------------------------------------------------------------- */

/* A file to take, and a place for one. */
static void give_content(driven *d, const sample *x, const run_file *file) {
    if (x->op->content == 0)
        return;
    d->content = (plugin_content){.given = x->content,
                                  .wanted = (x->op->content & BB_CONTENT_GIVES) != 0,
                                  .length = file != NULL ? file->length : CONTENT_BYTES,
                                  .saved = file != NULL ? guard_text(&d->pieces, file->saved)
                                                        : (bb_str){NULL, 0},
                                  .type = guard_text(&d->pieces, STR("text/plain")),
                                  .name = guard_text(&d->pieces, STR("a file.txt"))};
    d->c.content = &d->content;
}

/* Where the range that a request asks for ends, in a file of that length. */
static uint64_t range_end(const plugin_request *r, uint64_t length) {
    uint64_t whole = length != UINT64_MAX ? length : CONTENT_BYTES;
    uint64_t left = r->content_offset < whole ? whole - r->content_offset : 0;
    return r->content_offset + (r->content_length < left ? r->content_length : left);
}

static void note_content(const driven *d, run_content *seen) {
    const plugin_request *r = &d->c.request;
    const plugin_content *k = d->c.content;
    if (k == NULL)
        return;
    seen->given = seen->given || r->to_output;
    if (k->saves) {
        buf_clear(&seen->saved);
        buf_str_add(&seen->saved, k->save);
    }
    if (!r->has_content)
        return;
    if (seen->sent && !seen->again && r->content_offset < seen->reached) {
        seen->again = true;
        seen->twice_at = r->content_offset;
    }
    uint64_t end = range_end(r, k->length);
    seen->sent = true;
    seen->reached = end > seen->reached ? end : seen->reached;
}

/* What the host knows once the service has answered. */
static void pass_content(driven *d) {
    plugin_call *c = &d->c;
    const plugin_request *r = &c->request;
    plugin_content *k = c->content;
    if (k == NULL || c->answer.status < 200 || c->answer.status > 299)
        return;
    if (r->has_content)
        k->passed = range_end(r, k->length);
    if (r->to_output) {
        k->passed = c->answer.body.len + (r->is_part ? k->passed : 0);
        c->answer.body = (bb_str){NULL, 0};
    }
    for (size_t i = 0; i < k->digest_count && k->saved.len == 0; i++)
        memset(k->digests[i].hex, '0', sizeof k->digests[i].hex - 1);
    k->saves = false;
}

static bool prepare(driven *d, arena *a, const specimen *s, const sample *x, const run_options *o) {
    plugin_call_init(&d->c);
    d->random = 1;
    d->fail_at = o->fail_at;
    plugin_call *c = &d->c;
    c->memory = a;
    c->base_url = s->base_url;
    c->plugin_id = s->module->desc->id;
    c->connection_id = c->execution_id = "check";
    c->deadline_ns = o->late ? 1 : o->session != NULL ? clock_ns() + SESSION_RUN_MS * 1000000u : 0;
    uint32_t state = x->op->desc->state_size;
    c->abi = (bb_call){
        .size = sizeof c->abi,
        .host = poison_host(),
        .instance = x->scheme == NULL ? s->ptr : NULL,
        .input = (const bb_json *)json_read(a, arena_copy(a, x->input), NULL, NULL),
        .cursor = o->cursor.len > 0 ? guard_text(&d->pieces, o->cursor) : (bb_str){NULL, 0},
        .state = state > 0 ? guard_alloc(&d->pieces, state, 0) : NULL,
    };
    if (x->scheme != NULL) {
        d->auth = (plugin_auth){.scheme = x->scheme, .settings = (const json_value *)s->abi.settings};
        c->auth = &d->auth;
    }
    give_content(d, x, o->file);
    atomic_store(&c->cancelled, o->late ? 1 : 0);
    return c->abi.input != NULL && (state == 0 || c->abi.state != NULL);
}

static void trace_request(buf *trace, const plugin_request *r) {
    buf_printf(trace, "%.*s %.*s\n", STR_FMT(r->method), (int)r->url.len,
               r->url.ptr != NULL ? r->url.ptr : "");
    for (size_t i = 0; i < r->header_count; i++) {
        buf_str_add(trace, r->headers[i]);
        buf_char(trace, '\n');
    }
    buf_str_add(trace, r->body);
    buf_printf(trace, "\nrepeatable %d foreign %d\n", (int)r->repeatable, (int)r->foreign);
}

/* --- an auth scheme's steps ----------------------------------------------------------------------- */

static plugin_outcome sign(driven *d, const sample *x) {
    static const bb_str headers[] = {{"Accept: application/json", 24},
                                     {"Content-Type: application/json", 30}};
    bool body = x->part == SAMPLE_SIGN;
    bb_auth_request request = {
        .size = sizeof request,
        .header_count = body ? 2 : 1,
        .method = body ? STR("POST") : STR("GET"),
        .url = guard_text(&d->pieces, STR("https://api.example.test/v1/a%20b?x=1&y=%C3%A9")),
        .headers = headers,
        .body = body ? guard_text(&d->pieces, STR("{\"a\":[1,\"\xc3\xa9\"]}")) : (bb_str){NULL, 0},
        .now_ms = 1780000000000,
        .random = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255},
    };
    if (x->scheme->start != NULL)
        d->auth.token = guard_text(&d->pieces, STR("token.of-the-check"));
    return plugin_sign(&d->c, &request);
}

static plugin_outcome first_step(driven *d, const sample *x) {
    return x->scheme == NULL         ? plugin_start(&d->c, x->op->desc)
           : x->part == SAMPLE_STEPS ? plugin_acquire_start(&d->c)
                                     : sign(d, x);
}

static void trace_auth(buf *trace, const plugin_auth *a) {
    for (size_t i = 0; i < a->header_count; i++)
        buf_printf(trace, "%.*s\n", STR_FMT(a->headers[i]));
    buf_printf(trace, "%.*s %.*s token %.*s %lld\n", STR_FMT(a->target), STR_FMT(a->query), STR_FMT(a->token),
               (long long)a->expires_in_s);
}

/* --- from start to end ---------------------------------------------------------------------------- */

/* The body before is gone, as in the hub, unless values were read from it, which live as long as the call.
 * Then the same answer again is the same memory: a thousand copies of a large one would be too many. */
static void take_answer(driven *d, const answer *a) {
    bool kept = d->c.answer.json != NULL;
    bb_str old = d->body;
    if (d->given != a || !kept)
        d->body = guard_text(&d->pieces, a->body);
    if (d->given != NULL && !kept)
        guard_release(&d->pieces, old);
    d->given = a;
    d->c.answer = (plugin_answer){
        .status = a->status, .headers = a->headers, .header_count = a->header_count, .body = d->body};
    pass_content(d);
}

static void conclude(driven *d, run_end *end, plugin_outcome outcome) {
    const plugin_call *c = &d->c;
    end->outcome = outcome;
    end->host_calls = d->host_calls;
    end->failed = d->failed;
    end->misused = outcome == PLUGIN_FAILED && c->misused;
    end->code = outcome == PLUGIN_FAILED ? c->error.code : BB_OK;
    snprintf(end->message, sizeof end->message, "%.*s", STR_FMT(c->error.message));
    if (outcome == PLUGIN_DONE) {
        buf_str_add(&end->output, c->output);
        if (c->auth != NULL)
            trace_auth(&end->trace, c->auth);
        buf_printf(&end->trace, "done %.*s cursor %.*s\n", STR_FMT(c->output), STR_FMT(c->next_cursor));
    } else if (outcome == PLUGIN_FAILED) {
        buf_printf(&end->trace, "failed %d %.*s\n", (int)c->error.code, STR_FMT(c->error.message));
    }
    end->broken_memory = !guard_intact(d->pieces);
}

/* Calls that have ended stay as they are for a while: whoever kept a pointer to one is then found using it.
 */
static driven *next_call(void) {
    static _Thread_local driven calls[8];
    static _Thread_local unsigned turn;
    driven *d = &calls[turn++ % 8];
    memset(d, 0, sizeof *d);
    return d;
}

/* The body of the last answer has gone, as ever between steps. */
static plugin_outcome give_up(driven *d, const sample *x, bb_code why) {
    if (d->given != NULL && d->c.answer.json == NULL)
        guard_release(&d->pieces, d->body);
    plugin_abandon_begin(&d->c, 0);
    atomic_store(&d->c.cancelled, 1);
    poison_step(PHASE_ABANDON, d);
    enter("abandon", STEP_LIMIT_MS);
    plugin_outcome outcome = plugin_abandon(&d->c, x->op, why);
    leave();
    return outcome;
}

static plugin_outcome run_session(driven *d, const sample *x, const run_options *o) {
    plugin_session *session = o->session;
    atomic_store(&session->deadline_ns, d->c.deadline_ns);
    atomic_store(&session->cancelled, o->late ? 1 : 0);
    session->broken = session->acted = false;
    poison_step(PHASE_RUN, d);
    enter("run", INIT_LIMIT_MS);
    plugin_outcome outcome = plugin_session_run(session, &d->c, x->op->session);
    leave();
    return outcome;
}

static plugin_outcome run_steps(driven *d, const sample *x, const script *answers, unsigned most,
                                run_end *end) {
    char doing[48];
    poison_step(x->part == SAMPLE_STEPS ? PHASE_START : PHASE_SIGN, d);
    enter(x->part == SAMPLE_STEPS ? "start" : "sign", STEP_LIMIT_MS);
    plugin_outcome outcome = first_step(d, x);
    leave();
    while (outcome == PLUGIN_SEND && end->answers < most) {
        trace_request(&end->trace, &d->c.request);
        note_content(d, &end->content);
        take_answer(d, end->answers >= answers->bad_at ? answers->bad : answers->good);
        end->answers++;
        snprintf(doing, sizeof doing, "resume (step %u)", end->answers);
        poison_step(PHASE_RESUME, d);
        enter(doing, STEP_LIMIT_MS);
        outcome = x->scheme == NULL ? plugin_resume(&d->c, x->op->desc) : plugin_acquire_resume(&d->c);
        leave();
    }
    return outcome;
}

void run_call(const specimen *s, const sample *x, const script *answers, const run_options *o, run_end *end) {
    arena *a = arena_new((size_t)64 << 20);
    driven *d = next_call();
    unsigned most = o->give_up != BB_OK ? o->give_up_after : o->max_steps > 0 ? o->max_steps : STEPS_MAX;
    *end = (run_end){.outcome = PLUGIN_FAILED};
    if (a == NULL || !prepare(d, a, s, x, o)) {
        guard_free(&d->pieces);
        arena_free(a);
        return;
    }
    plugin_outcome outcome = o->session != NULL ? run_session(d, x, o) : run_steps(d, x, answers, most, end);
    end->given_up = o->give_up != BB_OK && outcome == PLUGIN_SEND;
    if (end->given_up)
        outcome = give_up(d, x, o->give_up);
    if (outcome == PLUGIN_SEND) {
        trace_request(&end->trace, &d->c.request);
        note_content(d, &end->content);
    }
    end->endless = outcome == PLUGIN_SEND && most == STEPS_MAX;
    conclude(d, end, outcome);
    poison_phase(PHASE_NONE);
    plugin_call_free(&d->c);
    guard_free(&d->pieces);
    arena_free(a);
}

void run_free(run_end *end) {
    buf_free(&end->trace);
    buf_free(&end->output);
    buf_free(&end->content.saved);
}

void judge(const run_end *end) {
    if (end->endless)
        wrong("it asks for request after request: %u with the same answer and no end; give up after a few, "
              "or say by "
              "BB_FAIL what the service's answer lacks",
              STEPS_MAX);
    if (end->broken_memory)
        wrong("it writes past the end of memory that the host gave it (state, or host->call->alloc)");
    if (end->outcome == PLUGIN_FAILED && end->misused && end->code == BB_E_PLUGIN)
        wrong("%s", end->message);
}
