/* audit.c - the audit log: refusals noted, entries read. */
#include "store/audit.h"
#include "api/routes.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

/* Refusals of the same kind within this time are one entry with a count: a flood of them must not fill the
 * disk. */
#define ALIKE_MS 1000u
/* Entries that a loop writes in this time with all that is known. Beyond, targets are left out, and beyond
 * twice as many the asking ones too: who has no key can think of ever new paths. */
#define TOLD_MAX 20u

static bool is_alike(const audit_note *n, const audit_note *next) {
    return n->count > 0 && strcmp(next->actor, n->actor) == 0 && strcmp(next->action, n->action) == 0 &&
           strcmp(next->target, n->target) == 0 && strcmp(next->from, n->from) == 0;
}

void audit_flush(api *a) {
    audit_note *n = &a->denied;
    if (n->count == 0 || a->shared->store == NULL)
        return;
    audit_entry e = {.at_ms = n->at_ms,
                     .actor = str_from(n->actor),
                     .actor_name = str_from(n->actor_name),
                     .from = str_from(n->from),
                     .action = str_from(n->action),
                     .target = str_from(n->target),
                     .outcome = STR("denied"),
                     .detail = str_from(n->why),
                     .count = n->count};
    store_audit_add(a->shared->store, &e);
    n->count = 0;
}

/* How much of it is told, after so many in this while. */
static audit_note note_of(const api *a, http_exchange *x, const principal *who, const char *action,
                          bb_str target, const char *why, uint64_t now) {
    audit_note n = {.at_ms = now, .count = 1, .action = action, .why = why};
    if (a->denied_entries < TOLD_MAX) {
        str_put(n.target, sizeof n.target, target);
    } else {
        n.action = "request";
        n.why = "too many to be told one by one";
        str_put(n.target, sizeof n.target, STR("*"));
    }
    if (a->denied_entries < 2 * TOLD_MAX) {
        str_put(n.actor, sizeof n.actor, who != NULL ? who->id : STR(""));
        str_put(n.actor_name, sizeof n.actor_name, who != NULL ? who->name : STR(""));
        str_put(n.from, sizeof n.from, http_exchange_request(x)->peer);
    }
    return n;
}

void audit_denied(api *a, http_exchange *x, const principal *who, const char *action, bb_str target,
                  const char *why) {
    audit_note *n = &a->denied;
    uint64_t now = clock_wall_ms();
    if (now - a->denied_since_ms >= ALIKE_MS) { /* a clock set back begins a new while too */
        a->denied_since_ms = now;
        a->denied_entries = 0;
    }
    audit_note next = note_of(a, x, who, action, target, why, now);
    if (is_alike(n, &next) && now - n->at_ms < ALIKE_MS) {
        n->count++;
        return;
    }
    audit_flush(a);
    *n = next;
    if (a->denied_entries++ == 0) /* the first of a while is on its way at once */
        audit_flush(a);
}

/* --- reading ------------------------------------------------------------------------------------------- */

typedef struct question {
    http_exchange *x;
    bool lines; /* JSON lines, not one document */
} question;

static void reply_lines(http_exchange *x, bb_str json, uint64_t last) {
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)last);
    http_header next = {STR("Busbar-Last-Sequence"), str_from(number)};
    http_response response = {.status = 200,
                              .content_type = STR("application/jsonl"),
                              .headers = &next,
                              .header_count = 1,
                              .body = &json,
                              .body_parts = 1};
    http_respond(x, &response);
}

static void reply_document(http_exchange *x, bb_str json, uint64_t last) {
    buf body;
    json_writer w = reply_begin(&body);
    json_object(&w);
    json_keyl(&w, "entries");
    json_array(&w);
    for (bb_str line; str_split(&json, '\n', &line);)
        if (line.len > 0)
            json_put_raw(&w, line);
    json_array_end(&w);
    json_member_u64(&w, STR("last"), last);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

static void on_found(store_result r, bb_str json, uint64_t last, void *ctx) {
    question *q = ctx;
    if (r != STORE_OK)
        reply_problem(q->x, store_result_problem(r), str_from(store_result_text(r)));
    else if (q->lines)
        reply_lines(q->x, json, last);
    else
        reply_document(q->x, json, last);
    free(q);
}

/* Fractions and the date alone are fine. */
bool time_of_text(bb_str text, uint64_t *out) {
    uint64_t n;
    if (str_to_u64(text, &n)) {
        *out = n * 1000;
        return true;
    }
    if (str_to_duration_ms(text, &n)) {
        uint64_t now = clock_wall_ms();
        *out = now > n ? now - n : 1;
        return true;
    }
    return clock_from_rfc3339(text, out);
}

static void refuse_parameter(http_exchange *x, bb_str name, const char *const *known) {
    buf list = {0};
    for (size_t i = 0; known[i] != NULL; i++)
        buf_printf(&list, "%s%s", i > 0 ? ", " : "there are ", known[i]);
    reply_problemf(x, PROBLEM_BAD_REQUEST, "there is no parameter \"%.*s\" here: %s",
                   (int)(name.len < 64 ? name.len : 64), name.ptr,
                   list.len > 0 ? buf_cstr(&list) : "it takes none");
    buf_free(&list);
}

bool query_known(http_exchange *x, const char *const *known) {
    bb_str rest = http_exchange_request(x)->query, name;
    while (http_exchange_query_next(x, &rest, &name)) {
        size_t i = 0;
        while (known[i] != NULL && !str_eq(name, str_from(known[i])))
            i++;
        if (known[i] == NULL) {
            refuse_parameter(x, name, known);
            return false;
        }
    }
    return true;
}

bool query_none(http_exchange *x) {
    static const char *const none[] = {NULL};
    return query_known(x, none);
}

bool query_time(http_exchange *x, bb_str name, uint64_t *out) {
    bb_str text;
    *out = 0;
    if (!http_exchange_query(x, name, &text) || time_of_text(text, out))
        return true;
    reply_problemf(x, PROBLEM_BAD_REQUEST, "%.*s is a time as 2026-01-31T12:00:00Z, or 24h for so long ago",
                   STR_FMT(name));
    return false;
}

static bool query_number(http_exchange *x, bb_str name, uint64_t min, uint64_t max, uint64_t otherwise,
                         uint64_t *out) {
    bb_str text;
    *out = otherwise;
    if (!http_exchange_query(x, name, &text) || (str_to_u64(text, out) && *out >= min && *out <= max))
        return true;
    reply_problemf(x, PROBLEM_BAD_REQUEST, "%.*s is a number from %llu to %llu", STR_FMT(name),
                   (unsigned long long)min, (unsigned long long)max);
    return false;
}

bool query_count(http_exchange *x, bb_str name, uint64_t max, uint64_t *out) {
    return query_number(x, name, 1, max, 0, out);
}

void query_text(http_exchange *x, bb_str name, bb_str *out) {
    bb_str text;
    if (http_exchange_query(x, name, &text))
        *out = text;
}

void reply_rows(http_exchange *x, const char *name, bb_str rows, int64_t next) {
    buf body;
    buf_init(&body);
    buf_printf(&body, "{\"%s\":[", name);
    buf_str_add(&body, rows);
    buf_lit(&body, "]");
    if (next > 0)
        buf_printf(&body, ",\"next\":%lld", (long long)next);
    buf_lit(&body, "}");
    reply_json(x, 200, &body);
}

/* GET
 * /api/v1/audit?actor=&action=&target=&outcome=&since=&until=&after=&order=newest|oldest&limit=&format=json|jsonl
 */
void route_audit(api *a, http_exchange *x, const route_params *p) {
    (void)p;
    static const char *const known[] = {"actor", "action", "target", "outcome", "since", "until",
                                        "after", "order",  "limit",  "format",  NULL};
    audit_filter f = {.newest = true};
    uint64_t limit;
    bb_str format = STR("json"), order = STR("newest");
    if (!query_known(x, known) || !query_time(x, STR("since"), &f.since_ms) ||
        !query_time(x, STR("until"), &f.until_ms) ||
        !query_number(x, STR("after"), 0, UINT64_MAX, 0, &f.after) ||
        !query_number(x, STR("limit"), 1, 10000, 100, &limit))
        return;
    query_text(x, STR("actor"), &f.actor);
    query_text(x, STR("action"), &f.action);
    query_text(x, STR("target"), &f.target);
    query_text(x, STR("outcome"), &f.outcome);
    query_text(x, STR("format"), &format);
    query_text(x, STR("order"), &order);
    f.limit = limit;
    f.newest = !str_eq(order, STR("oldest"));
    question *q = malloc(sizeof *q);
    if (q != NULL)
        *q = (question){.x = x, .lines = str_eq(format, STR("jsonl"))};
    audit_flush(a);
    if (a->shared->store == NULL)
        reply_problem(x, PROBLEM_STORE_UNAVAILABLE, STR("this hub runs offline: it keeps no audit log"));
    else if (q != NULL && store_audit_query(a->shared->store, &f, a->worker->loop, on_found, q))
        return;
    else
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for this"));
    free(q);
}
