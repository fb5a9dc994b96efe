/* runner_shape.c - filter and transform: one run of jq over the payload. */
#include "webhook/cloudevents.h"
#include "webhook/dispatch_internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

/* --- what it sees --------------------------------------------------------------------------------------- */

bb_str shape_variables(arena *a, const delivery *d, bb_str to, uint64_t attempt) {
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    json_object(&w);
    json_member_string(&w, STR("id"), d->event);
    json_member_string(&w, STR("type"), d->type);
    json_member_string(&w, STR("source"), d->source);
    json_member_time(&w, STR("at"), d->event_ms);
    json_member_string(&w, STR("target"), to);
    json_member_u64(&w, STR("attempt"), attempt);
    json_keyl(&w, "attributes");
    json_put_raw(&w, d->attributes.len > 0 ? d->attributes : STR("{}"));
    json_object_end(&w);
    return json_writer_take(&w, a);
}

/* The payload where it is JSON, else as a text; what is neither is null. */
static bb_str input(const shaping *s) {
    const delivery *d = &s->h->d;
    if (payload_is_json(s->memory, d->content_type, d->payload))
        return d->payload;
    if (!json_utf8_valid(d->payload))
        return STR("null");
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    json_put_string(&w, d->payload);
    return json_writer_take(&w, s->memory);
}

/* The endpoint whose sender may make programs slow by what it sends; all its routes have one. */
static bb_str sender_of(bb_str source) {
    size_t parts = 0;
    for (size_t i = 0; i < source.len; i++)
        if (source.ptr[i] == '/' && ++parts == 2)
            return str_of(source.ptr, i);
    return source;
}

transform_run *shape_start(dispatcher *d, const char *program, bb_str input, bb_str variables, bb_str source,
                           transform_done done, void *ctx) {
    const transform_job job = {.program = program,
                               .input = input,
                               .variables = variables,
                               .owner = ~str_hash(sender_of(source)), /* no connection's: those are not ~ */
                               .timeout_ms = SHAPE_JQ_MS,
                               .max_result = SHAPE_JQ_RESULT_MAX};
    return transform_start(d->worker->transforms, &job, done, ctx);
}

/* --- what it gives ----------------------------------------------------------------------------------------
 */

static void shaping_free(shaping *s) {
    dispatcher *d = s->r->d;
    *(s->previous != NULL ? &s->previous->next : &d->shapings) = s->next;
    if (s->next != NULL)
        s->next->previous = s->previous;
    arena_free(s->memory);
    free(s);
}

static void fail(runner *r, held *h, bool final, bb_str why) {
    const verdict v = {.final = final, .text = why};
    delivery_outcome o = verdict_outcome(&v, r->plan, &h->d, clock_wall_ms(), clock_wall_ms(),
                                         worker_random(r->d->worker));
    dispatch_over(r, h, &o);
}

static void take_result(runner *r, held *h, bool keeps, const json_value *list) {
    const delivery_outcome no = {.state = DELIVERY_FILTERED, .at_ms = clock_wall_ms()};
    uint32_t n = json_count(list);
    if (n == 0)
        dispatch_over(r, h, &no);
    else if (n == 1)
        lane_shaped(&r->lane, h, keeps ? (bb_str){NULL, 0} : json_raw(json_at(list, 0)));
    else
        fail(r, h, true, STR("the transform gives more than one result"));
}

/* An error of the program comes again for this payload: it is for people, who can mend it and redrive. */
static void on_shaped(transform_outcome outcome, bb_str json, bb_str detail, void *ctx) {
    shaping *s = ctx;
    runner *r = s->r;
    held *h = s->h;
    char text[600];
    if (outcome == TRANSFORM_OK) {
        const json_value *list = json_read(s->memory, json, NULL, NULL);
        take_result(r, h, s->keeps, list);
    } else if (outcome == TRANSFORM_BUSY) { /* no attempt: nothing was tried */
        lane_again(&r->lane, h, dispatch_now(r->d));
    } else {
        static const char *const words[] = {"", "fails: ", "takes too long", "needs too much memory",
                                            "cannot be run: "};
        snprintf(text, sizeof text, "filter or transform %s%.*s", words[outcome],
                 outcome == TRANSFORM_FAILED || outcome == TRANSFORM_BROKEN ? (int)detail.len : 0,
                 detail.ptr != NULL ? detail.ptr : "");
        fail(r, h, outcome == TRANSFORM_FAILED || outcome == TRANSFORM_TOO_LARGE, str_from(text));
    }
    shaping_free(s);
    runner_step(r);
    runner_unuse(r);
}

void shaping_cancel(shaping *s) {
    runner *r = s->r;
    transform_cancel(s->run);
    shaping_free(s);
    runner_unuse(r);
}

void runner_shape(runner *r, held *h) {
    dispatcher *d = r->d;
    shaping *s = calloc(1, sizeof *s);
    arena *a = s != NULL ? arena_new(0) : NULL;
    if (a == NULL) {
        free(s);
        lane_again(&r->lane, h, dispatch_now(d));
        return;
    }
    *s = (shaping){.r = r, .h = h, .keeps = r->plan->keeps, .memory = a, .next = d->shapings};
    if (s->next != NULL)
        s->next->previous = s;
    d->shapings = s;
    const char *program = arena_strdup(a, str_from(r->plan->program)); /* the plan may go meanwhile */
    bb_str in = input(s),
           with = shape_variables(s->memory, &s->h->d, str_from(s->r->name), s->h->d.attempts + 1);
    if (program != NULL && in.ptr != NULL && with.ptr != NULL)
        s->run = shape_start(d, program, in, with, s->h->d.source, on_shaped, s);
    if (s->run == NULL) {
        shaping_free(s);
        lane_again(&r->lane, h, dispatch_now(d));
        return;
    }
    runner_use(r);
}
