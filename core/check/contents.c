/* contents.c - operations that take or give files: that the bytes go where they are said to go, whatever is
 * known of the file, and that a call goes on by what it saved. */
#include "check/drive.h"

#include <busbar/content.h>

static bool takes(const sample *x) {
    return x->content;
}

static bool gives(const sample *x) {
    return (x->op->content & BB_CONTENT_GIVES) != 0;
}

static void run(const specimen *s, const sample *x, const answer *a, const run_file *file, run_end *end) {
    run_call(s, x, &(script){a, a, 0}, &(run_options){.file = file, .max_steps = 40}, end);
    judge(end);
}

/* --- what is declared ----------------------------------------------------------------------------------- */

static void check_flags(const plugin_op *op) {
    uint32_t flags = op->content;
    if ((flags & BB_CONTENT_TAKES) != 0 && (op->desc->flags & BB_OP_SAFE) != 0)
        warning("it takes a file and is marked BB_OP_SAFE: its answers may come from the cache, and the file "
                "goes "
                "nowhere");
    if ((flags & BB_CONTENT_OPTIONAL) == 0)
        return;
    arena *scratch = arena_new(0);
    bool shown = false;
    for (json_iter it = json_iterate(json_read(scratch, op->examples_text, NULL, NULL)); json_next(&it);)
        shown = shown || json_bool(json_getl(it.value, "content"), false);
    if (!shown)
        warning("a file may come with it, and no example says \"content\": true: its upload is not tried");
    arena_free(scratch);
}

/* --- a good run ----------------------------------------------------------------------------------------- */

static void judge_upload(const sample *x, const run_end *end) {
    const run_content *k = &end->content;
    if (!k->sent)
        wrong("it is done, and no request had the file in it: say bb_content_body, bb_content_range or "
              "part_content in the step that sends it");
    else if (k->reached < CONTENT_BYTES)
        wrong("it is done, and the service has %llu of %u bytes: ask for the next range until the content's "
              "end",
              (unsigned long long)k->reached, CONTENT_BYTES);
    if (k->again && (x->op->content & BB_CONTENT_AGAIN) == 0)
        wrong("it sends bytes twice, from %llu on, and does not declare BB_CONTENT_AGAIN: what cannot be "
              "rewound "
              "would be lost",
              (unsigned long long)k->twice_at);
}

static void run_good(const specimen *s, const sample *x) {
    run_end end;
    at("%s, with a file, after %s", sample_name(x), x->good->label);
    run(s, x, x->good, NULL, &end);
    if (end.outcome == PLUGIN_DONE && takes(x))
        judge_upload(x, &end);
    if (end.outcome == PLUGIN_DONE && gives(x) && !end.content.given)
        wrong("it is done, and gave no file: say bb_content_to_output in the step whose answer it is");
    run_free(&end);
}

/* --- odd files ------------------------------------------------------------------------------------------ */

/* One whose length nobody knows, and an empty one. */
static void run_odd(const specimen *s, const sample *x) {
    static const run_file unknown = {.length = UINT64_MAX}, empty = {.length = 0};
    run_end end;
    if ((x->op->content & BB_CONTENT_LENGTH) == 0) {
        at("%s, with a file whose length is not known", sample_name(x));
        run(s, x, x->good, &unknown, &end);
        if (end.outcome == PLUGIN_FAILED && end.answers == 0)
            wrong("start fails: %s; declare BB_CONTENT_LENGTH, and the hub finds out how long it is",
                  end.message);
        run_free(&end);
    }
    at("%s, with an empty file", sample_name(x));
    run(s, x, x->good, &empty, &end);
    run_free(&end);
}

/* --- going on ------------------------------------------------------------------------------------------- */

/* By what it saved itself, whatever the service says then; and by what another build may have saved. */
static void run_saved(trial *t, const specimen *s, const sample *x, bb_str saved) {
    static const char *const others[] = {"{}", "[1]", "null", "{\"url\":7,\"offset\":\"x\",\"id\":[]}",
                                         "{\"offset\":99999999999}"};
    run_end end;
    run_file file = {.length = CONTENT_BYTES, .saved = saved};
    at("%s, going on by what it saved (%.*s)", sample_name(x), (int)(saved.len < 80 ? saved.len : 80),
       saved.ptr);
    run(s, x, x->good, &file, &end);
    if (end.outcome == PLUGIN_FAILED && end.answers == 0)
        wrong("start fails: %s; it is the very text that bb_content_save was given", end.message);
    run_free(&end);
    for (const answer *a = bad_answers(t, x); a->label != NULL; a++) {
        at("%s, going on by what it saved, after %s", sample_name(x), a->label);
        run(s, x, a, &file, &end);
        run_free(&end);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        file.saved = str_from(others[i]);
        at("%s, going on by %s, which an older build may have saved", sample_name(x), others[i]);
        run(s, x, x->good, &file, &end);
        run_free(&end);
    }
}

/* The first text that it saves, on good answers or on others. False: none. */
static bool find_saved(trial *t, const specimen *s, const sample *x, buf *saved) {
    run_end end;
    at("%s, with a file", sample_name(x));
    run(s, x, x->good, NULL, &end);
    buf_str_add(saved, buf_str(&end.content.saved));
    run_free(&end);
    for (const answer *a = bad_answers(t, x); saved->len == 0 && a->label != NULL; a++) {
        run_call(s, x, &(script){x->good, a, 1}, &(run_options){.max_steps = 4}, &end);
        buf_str_add(saved, buf_str(&end.content.saved));
        run_free(&end);
    }
    return saved->len > 0;
}

/* --- the check ------------------------------------------------------------------------------------------ */

static void check_sample(trial *t, const specimen *s, const sample *x) {
    buf saved;
    buf_init(&saved);
    run_good(s, x);
    if (takes(x))
        run_odd(s, x);
    if (find_saved(t, s, x, &saved))
        run_saved(t, s, x, buf_str(&saved));
    buf_free(&saved);
}

void check_contents(trial *t) {
    size_t count = 0, operations = 0;
    specimen s;
    if (!trial_load(t) || !trial_instance(t, &s))
        return;
    for (size_t i = 0; i < t->module->op_count; i++) {
        if (t->module->ops[i].content == 0)
            continue;
        operations++;
        at("operation %s", t->module->ops[i].desc->id);
        check_flags(&t->module->ops[i]);
    }
    sample *samples = samples_of(t, &count);
    for (size_t i = 0; i < count; i++)
        if (samples[i].scheme == NULL && (samples[i].content || gives(&samples[i])))
            check_sample(t, &s, &samples[i]);
    at("%s", "");
    if (operations == 0)
        note("it declares no operations with content");
    specimen_destroy(&s);
}
