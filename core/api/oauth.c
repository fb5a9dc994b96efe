/* oauth.c - a connection's tokens: consent begun, answered by a browser, looked at. Taking them back is a job
 * (hub/oauth.c). */
#include "api/routes.h"

#include "auth/oauth2_consent.h"
#include "base/clock.h"
#include "store/audit.h"

#include <stdlib.h>

/* A request that is answered once a service has been asked. */
typedef struct asking {
    http_exchange *x; /* NULL: the client has gone, and it has been answered */
    api *api;
    char connection[65];
    char actor[40], actor_name[101], from[48];
} asking;

static void on_gone(http_exchange *x, void *ctx) {
    asking *q = ctx;
    q->x = NULL;
    reply_problem(x, PROBLEM_CANCELLED, STR(""));
}

static asking *asking_new(api *a, http_exchange *x, const principal *who, bb_str id) {
    asking *q = calloc(1, sizeof *q);
    if (q == NULL) {
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for this"));
        return NULL;
    }
    q->x = x;
    q->api = a;
    str_put(q->connection, sizeof q->connection, id);
    str_put(q->actor, sizeof q->actor, who != NULL ? who->id : STR(""));
    str_put(q->actor_name, sizeof q->actor_name, who != NULL ? who->name : STR(""));
    str_put(q->from, sizeof q->from, http_exchange_request(x)->peer);
    http_exchange_on_gone(x, on_gone, q);
    return q;
}

static void note(const asking *q, bb_str action, bool ok, bb_str detail) {
    audit_entry e = {.at_ms = clock_wall_ms(),
                     .actor = str_from(q->actor),
                     .actor_name = str_from(q->actor_name),
                     .from = str_from(q->from),
                     .action = action,
                     .target = str_from(q->connection),
                     .outcome = ok ? STR("done") : STR("failed"),
                     .detail = detail,
                     .count = 1};
    if (q->api->shared->store != NULL)
        store_audit_add(q->api->shared->store, &e);
}

/* --- POST /api/v1/connections/{id}/auth ------------------------------------------------------------- */

static void member(json_writer *w, const char *name, bb_str value) {
    if (value.len > 0)
        json_member_string(w, str_from(name), value);
}

static void reply_begun(http_exchange *x, const asking *q, const auth_begun *b) {
    buf body;
    json_writer w = reply_begin(&body);
    json_object(&w);
    json_member_string(&w, STR("connection"), str_from(q->connection));
    json_member_string(&w, STR("kind"), str_from(b->kind));
    member(&w, "id", str_from(b->id));
    member(&w, "url", b->url);
    member(&w, "user_code", b->user_code);
    member(&w, "complete_url", b->complete_url);
    if (b->expires_in_s > 0)
        json_member_u64(&w, STR("expires_in"), b->expires_in_s);
    json_member_string(&w, STR("state"), b->id != NULL ? STR("pending") : STR("valid"));
    json_object_end(&w);
    reply_json(x, 200, &body);
}

static void on_begun(const auth_begun *b, void *ctx) {
    asking *q = ctx;
    note(q, STR("connection.auth"), b->problem == PROBLEM_NONE, b->detail);
    if (q->x != NULL) {
        http_exchange_on_gone(q->x, NULL, NULL);
        if (b->problem != PROBLEM_NONE)
            reply_problem(q->x, b->problem, b->detail);
        else
            reply_begun(q->x, q, b);
    }
    free(q);
}

void route_auth_begin(api *a, http_exchange *x, const route_params *p) {
    const snapshot_entry *entry = find_connection(a, x, p->who, p->part[0]);
    asking *q = entry != NULL ? asking_new(a, x, p->who, entry->id) : NULL;
    if (q != NULL)
        auth_consent_begin(&entry->conn->auth, &a->worker->auth_loop, on_begun, q);
}

/* --- GET, DELETE ------------------------------------------------------------------------------------ */

void route_auth_state(api *a, http_exchange *x, const route_params *p) {
    const snapshot_entry *entry = find_connection(a, x, p->who, p->part[0]);
    if (entry == NULL)
        return;
    buf body;
    json_writer w = reply_begin(&body);
    auth_session_write_state(&entry->conn->auth, &w);
    reply_json(x, 200, &body);
}

void route_auth_revoke(api *a, http_exchange *x, const route_params *p) {
    const snapshot_entry *entry = find_connection(a, x, p->who, p->part[0]);
    if (entry != NULL)
        api_job_submit(a, x, api_job_new(a, x, p->who, JOB_AUTH_REVOKE, entry->id));
}

/* --- GET /oauth/callback ---------------------------------------------------------------------------- */

static void escape(buf *out, bb_str text) {
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '&': buf_lit(out, "&amp;"); break;
        case '<': buf_lit(out, "&lt;"); break;
        case '>': buf_lit(out, "&gt;"); break;
        case '"': buf_lit(out, "&quot;"); break;
        case '\'': buf_lit(out, "&#39;"); break;
        default: buf_char(out, text.ptr[i]); break;
        }
    }
}

static void write_page(buf *page, bool ok, bb_str id, bb_str text) {
    buf_lit(page,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Busbar</title></head>"
            "<body>\n<h1>");
    buf_str_add(page, ok ? STR("Done") : STR("Not done"));
    buf_lit(page, "</h1>\n<p>");
    if (id.len > 0) {
        buf_lit(page, "Connection <b>");
        escape(page, id);
        buf_lit(page, "</b>: ");
    }
    escape(page, text);
    buf_lit(page, ".</p>\n<p>This page can be closed.</p>\n</body></html>\n");
}

/* The address holds a code: it is neither kept nor passed on. */
static void reply_page(http_exchange *x, bool ok, bb_str id, bb_str text) {
    static const http_header fields[] = {
        {{"Cache-Control", 13}, {"no-store", 8}},
        {{"Content-Security-Policy", 23}, {"default-src 'none'; frame-ancestors 'none'", 42}},
        {{"X-Content-Type-Options", 22}, {"nosniff", 7}},
        {{"Referrer-Policy", 15}, {"no-referrer", 11}}};
    buf page;
    buf_init(&page);
    write_page(&page, ok, id, text);
    bb_str part = buf_str(&page);
    http_respond(x, &(http_response){.status = ok ? 200 : 400,
                                     .content_type = STR("text/html; charset=utf-8"),
                                     .headers = fields,
                                     .header_count = sizeof fields / sizeof fields[0],
                                     .body = &part,
                                     .body_parts = 1});
    buf_free(&page);
}

static void on_called_back(bool ok, const char *id, const char *text, void *ctx) {
    asking *q = ctx;
    str_put(q->connection, sizeof q->connection, str_from(id));
    if (id[0] != '\0')
        note(q, STR("connection.consent"), ok, ok ? STR("") : str_from(text));
    if (q->x != NULL) {
        http_exchange_on_gone(q->x, NULL, NULL);
        reply_page(q->x, ok, str_from(id), str_from(text));
    }
    free(q);
}

static bb_str query(http_exchange *x, bb_str name) {
    bb_str value;
    return http_exchange_query(x, name, &value) ? value : (bb_str){NULL, 0};
}

void route_oauth_callback(api *a, http_exchange *x, const route_params *p) {
    auth_callback c = {.state = query(x, STR("state")),
                       .code = query(x, STR("code")),
                       .iss = query(x, STR("iss")),
                       .error = query(x, STR("error")),
                       .error_description = query(x, STR("error_description"))};
    (void)p;
    if (a->shared->auth == NULL || !str_eq(http_exchange_request(x)->method, STR("GET"))) {
        reply_page(x, false, STR(""), STR("a browser that comes back from giving consent is expected here"));
        return;
    }
    asking *q = asking_new(a, x, NULL, STR(""));
    if (q != NULL)
        auth_consent_callback(a->shared->auth, &a->worker->auth_loop, &c, on_called_back, q);
}
