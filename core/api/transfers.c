/* transfers.c - content from one connection into another, or from and to a file of the hub's. */
#include <busbar/content.h>

#include "api/routes.h"
#include "transfer/transfer.h"

static void reply_transfer(http_exchange *x, unsigned status, const transfer *t) {
    buf body;
    json_writer w = reply_begin(&body);
    transfer_write(t, &w);
    reply_json(x, status, &body);
}

static void on_stored(void *ctx, const transfer *t, problem p) {
    if (t != NULL)
        reply_transfer(ctx, 202, t);
    else
        reply_problem(ctx, p, STR("the transfer cannot be stored, and has not begun"));
}

/* --- what is wanted ------------------------------------------------------------------------------------- */

static bool known_members(const json_value *object, const char *const *known) {
    for (json_iter it = json_iterate(object); json_next(&it);) {
        const char *const *name = known;
        while (*name != NULL && !str_eq(it.key, str_from(*name)))
            name++;
        if (*name == NULL)
            return false;
    }
    return json_is(object, JSON_OBJECT);
}

static bool allowed(api *a, http_exchange *x, const route_params *p, const snapshot_entry *entry,
                    const transfer_end *e) {
    if (access_calls(p->who, e->connection, e->operation) &&
        (entry->conn == NULL || patterns_fit(&entry->conn->policies.access, e->operation)))
        return true;
    bb_str target = arena_printf(http_exchange_arena(x), "%.*s/%.*s", STR_FMT(e->connection),
                                 STR_FMT(e->operation));
    audit_denied(a, x, p->who, "call", target, "the key or the connection's [access] does not allow it");
    reply_problem(x, PROBLEM_FORBIDDEN,
                  STR("the key's bindings, or the connection's [access], do not cover this operation"));
    return false;
}

/* False: the exchange has been answered. */
static bool check_end(api *a, http_exchange *x, const route_params *p, const transfer_end *e, uint32_t flag) {
    if (e->file.ptr != NULL)
        return true;
    const snapshot_entry *entry = find_connection(a, x, p->who, e->connection);
    if (entry == NULL || !allowed(a, x, p, entry, e))
        return false;
    const plugin_op *op = find_operation(x, entry->conn->module, e->operation);
    if (op == NULL)
        return false;
    if ((op->content & flag) != 0)
        return true;
    reply_problemf(x, PROBLEM_BAD_REQUEST, "operation %s of %.*s %s no file", op->desc->id,
                   STR_FMT(e->connection), flag == BB_CONTENT_GIVES ? "gives" : "takes");
    return false;
}

static bool read_end(http_exchange *x, const json_value *v, const char *name, transfer_end *out) {
    static const char *const members[] = {"connection", "operation", "input", "file", NULL};
    const json_value *input = json_getl(v, "input");
    *out = (transfer_end){.connection = json_string(json_getl(v, "connection")),
                          .operation = json_string(json_getl(v, "operation")),
                          .input = json_raw(input),
                          .file = json_string(json_getl(v, "file"))};
    bool named = out->file.ptr != NULL && out->connection.ptr == NULL && out->operation.ptr == NULL &&
                 input == NULL && memchr(out->file.ptr, '\0', out->file.len) == NULL;
    bool calls = out->file.ptr == NULL && out->connection.len > 0 && out->operation.len > 0 &&
                 (input == NULL || json_is(input, JSON_OBJECT));
    if (known_members(v, members) && (named || calls))
        return true;
    reply_problemf(
        x, PROBLEM_BAD_REQUEST,
        "\"%s\" is {\"connection\", \"operation\", \"input\"}, or {\"file\"} with a path of the hub's", name);
    return false;
}

/* POST /api/v1/transfers {"from": ..., "to": ...} */
void route_transfer_begin(api *a, http_exchange *x, const route_params *p) {
    static const char *const members[] = {"from", "to", NULL};
    const http_request *r = http_exchange_request(x);
    json_error error;
    const json_value *root = json_read(http_exchange_arena(x), r->body, NULL, &error);
    transfer_end from, to;
    if (root == NULL || !known_members(root, members)) {
        reply_problem(x, root == NULL ? PROBLEM_INVALID_JSON : PROBLEM_BAD_REQUEST,
                      STR("a transfer is {\"from\": {...}, \"to\": {...}}"));
        return;
    }
    if (!read_end(x, json_getl(root, "from"), "from", &from) ||
        !read_end(x, json_getl(root, "to"), "to", &to))
        return;
    if (from.file.ptr != NULL && to.file.ptr != NULL) {
        reply_problem(x, PROBLEM_BAD_REQUEST, STR("one end of a transfer is a connection"));
        return;
    }
    if (!check_end(a, x, p, &from, BB_CONTENT_GIVES) || !check_end(a, x, p, &to, BB_CONTENT_TAKES))
        return;
    if (!transfer_begin(a->shared->transfers, a->worker, p->who, &from, &to, on_stored, x))
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for the transfer"));
}

/* --- what there is -------------------------------------------------------------------------------------- */

void route_transfers(api *a, http_exchange *x, const route_params *p) {
    static const char *const known[] = {"limit", NULL};
    uint64_t limit;
    if (!query_known(x, known) || !query_count(x, STR("limit"), 1000, &limit))
        return;
    buf body;
    json_writer w = reply_begin(&body);
    json_object(&w);
    json_keyl(&w, "transfers");
    transfers_write(a->shared->transfers, p->who, limit > 0 ? limit : 50, &w);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

void route_transfer(api *a, http_exchange *x, const route_params *p) {
    buf body;
    json_writer w = reply_begin(&body);
    if (transfers_write_one(a->shared->transfers, p->part[0], p->who, &w)) {
        reply_json(x, 200, &body);
        return;
    }
    buf_free(&body);
    reply_problem(x, PROBLEM_NOT_FOUND, STR("this transfer is not, or no longer, remembered"));
}

void route_transfer_cancel(api *a, http_exchange *x, const route_params *p) {
    buf body;
    if (!transfers_cancel(a->shared->transfers, p->part[0], p->who)) {
        reply_problem(x, PROBLEM_NOT_FOUND, STR("no such transfer is running"));
        return;
    }
    buf_init(&body);
    buf_lit(&body, "{\"cancelled\":true}");
    reply_json(x, 202, &body);
}
