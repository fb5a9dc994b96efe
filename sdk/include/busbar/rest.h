/*
 * busbar/rest.h - operations as a table: a method, a path with members of the input in it, and the
 * place where all other members go.
 *
 * For services with many operations that differ in little else. A route says where an input goes:
 *
 *     static const bb_rest_route route = {
 *         .method = "POST", .path = "/v1/customers/{customer}", .members = BB_REST_FORM};
 *     static bb_step start(bb_call *call) { return bb_rest_send(call, &route); }
 *
 * sends {"customer": "cus_1", "email": "x"} as POST /v1/customers/cus_1 with the form email=x. A macro
 * of the connector's own then makes an operation one entry: its id, summary, schemas and route.
 *
 * All is inline: it asks nothing of the host that bb_http_api and bb_json_api of SDK 1.0 lack. The steps'
 * thread, [no-block].
 */
#ifndef BUSBAR_REST_H
#define BUSBAR_REST_H

#include <busbar/busbar.h>

BB_BEGIN_DECLS

/* Where the members that are not in the path go. Absent ones go nowhere. */
enum {
    BB_REST_QUERY = 0, /* the query: scalars as name=value, nested ones in brackets */
    BB_REST_FORM = 1,  /* a form, nested likewise */
    BB_REST_JSON = 2,  /* a JSON object, sent even when it is empty */
    BB_REST_NONE = 3   /* nowhere: the connector puts them itself */
};

typedef struct bb_rest_route {
    const char *method; /* "GET" */
    /* {NAME} is the input's member of that name, percent-encoded as one segment; it stands between slashes:
     * "/v1/customers/{customer}/payment_methods". */
    const char *path;
    int32_t members;   /* BB_REST_QUERY, ... */
    const char *query; /* optional: members that go to the query all the same: names with blanks between */
    const char *aside; /* optional: members that go nowhere: names with blanks between */
    /* Optional: the query's parameter that continues a list. Where the call has a cursor it takes the place
     * of the input's member of that name. */
    const char *cursor;
} bb_rest_route;

/* --- names ------------------------------------------------------------------------------------ */

/* Whether a name is one of those in a text with blanks between them; NULL: no. */
static inline int bb_rest_named(const char *names, bb_str name) {
    while (names != NULL && *names != '\0') {
        size_t n = strcspn(names, " ");
        if (n == name.len && n > 0 && memcmp(names, name.ptr, n) == 0)
            return 1;
        names += n + (names[n] == ' ');
    }
    return 0;
}

/* The next {NAME} of a path, from *path on, which is then moved behind it; absent: there is none. */
static inline bb_str bb_rest_hole(const char **path) {
    const char *open = strchr(*path, '{'), *close = open != NULL ? strchr(open, '}') : NULL;
    bb_str name = {NULL, 0};
    if (close != NULL) {
        name.ptr = open + 1;
        name.len = (size_t)(close - open) - 1;
        *path = close + 1;
    }
    return name;
}

static inline int bb_rest_in_path(const bb_rest_route *route, bb_str name) {
    const char *path = route->path;
    for (bb_str hole = bb_rest_hole(&path); hole.ptr != NULL; hole = bb_rest_hole(&path))
        if (hole.len == name.len && memcmp(hole.ptr, name.ptr, name.len) == 0)
            return 1;
    return 0;
}

/* --- the request ------------------------------------------------------------------------------ */

/* Begins the request: method and path. */
static inline void bb_rest_begin(bb_call *call, const bb_rest_route *route) {
    const char *at = route->path, *hole = strchr(at, '{');
    bb_str part;
    part.ptr = at;
    part.len = hole != NULL ? (size_t)(hole - at) - 1 : strlen(at); /* without the slash before "{" */
    call->host->http->begin(call, bb_s(route->method), part);
    for (at += part.len; *at == '/'; at += part.len + 1) {
        part.ptr = at + 1;
        part.len = strcspn(at + 1, "/");
        if (*part.ptr == '{') {
            bb_str name = {part.ptr + 1, part.len - 2};
            bb_segment(call, bb_text(call, call->host->json->get(call->input, name)));
        } else {
            bb_segment(call, part);
        }
    }
}

/* Whether a member of the input belongs to the rest: not to the path, the query or the connector. */
static inline int bb_rest_is_member(const bb_rest_route *route, bb_str name) {
    return !bb_rest_in_path(route, name) && !bb_rest_named(route->query, name) &&
           !bb_rest_named(route->aside, name);
}

/* The members that belong to the rest, as the text of a JSON object. Owner: the call. */
static inline bb_str bb_rest_json(bb_call *call, const bb_rest_route *route) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    bb_json_iter it;
    memset(&it, 0, sizeof it);
    json->begin_object(w);
    while (json->next(call->input, &it)) {
        if (!bb_rest_is_member(route, it.key))
            continue;
        json->key(w, it.key);
        json->put_value(w, it.value);
    }
    json->end_object(w);
    return json->finish(w);
}

/* Adds the members to the request, each where the route says. */
static inline void bb_rest_members(bb_call *call, const bb_rest_route *route) {
    const bb_http_api *http = call->host->http;
    bb_str cursor = route->cursor != NULL ? call->cursor : bb_s(NULL);
    bb_json_iter it;
    memset(&it, 0, sizeof it);
    while (call->host->json->next(call->input, &it)) {
        int rest = bb_rest_is_member(route, it.key);
        int query = bb_rest_named(route->query, it.key) || (rest && route->members == BB_REST_QUERY);
        if (query && !(cursor.len > 0 && bb_str_eq(it.key, route->cursor)))
            http->query_json(call, it.key, it.value);
        else if (rest && route->members == BB_REST_FORM)
            http->form_json(call, it.key, it.value);
    }
    if (cursor.len > 0)
        bb_query(call, route->cursor, cursor);
    if (route->members == BB_REST_JSON)
        http->body(call, bb_s("application/json"), bb_rest_json(call, route));
}

/* How a step ends that sends the input as its route says. */
static inline bb_step bb_rest_send(bb_call *call, const bb_rest_route *route) {
    bb_rest_begin(call, route);
    bb_rest_members(call, route);
    return BB_SEND;
}

BB_END_DECLS

#endif
