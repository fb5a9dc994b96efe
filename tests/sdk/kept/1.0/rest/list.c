/* list.c - lists in pages: by links, cursors, page numbers or offsets. The cursor of a call is what the next
 * request needs: a URL, a cursor, or a number. */
#include "rest.h"

static const char *style_of(bb_call *call) {
    static const char *const styles[] = {"cursor", "page", "offset"};
    bb_str style = bb_in_text(call, "style");
    for (size_t i = 0; i < 3; i++)
        if (bb_str_eq(style, styles[i]))
            return styles[i];
    return "link";
}

static bb_str param_of(bb_call *call) {
    bb_str param = bb_in_text(call, "param");
    return param.len > 0 ? param : bb_s(style_of(call));
}

static int is_origin_of(bb_call *call, bb_str url) {
    bb_str base = bb_text(call, bb_get(call, call->instance, "base_url"));
    size_t slashes = 0, n = 0;
    while (n < base.len && (slashes += base.ptr[n] == '/') < 3)
        n++;
    return url.len >= n && memcmp(url.ptr, base.ptr, n) == 0 &&
           (url.len == n || url.ptr[n] == '/' || url.ptr[n] == '?');
}

bb_step rest_list_start(bb_call *call) {
    int link = strcmp(style_of(call), "link") == 0;
    bb_str param = param_of(call);
    if (link && call->cursor.len > 0) {
        if (!is_origin_of(call, call->cursor))
            return bb_fail(call, BB_E_INVALID_INPUT, "the cursor is no URL of this connection's service");
        call->host->http->begin(call, bb_s("GET"), call->cursor);
        return rest_put_headers(call) ? BB_SEND : BB_FAIL;
    }
    call->host->http->begin(call, bb_s("GET"), bb_in_text(call, "path"));
    rest_put_query(call, call->cursor.len > 0 ? param : bb_s(NULL));
    if (call->cursor.len > 0)
        call->host->http->query(call, param, call->cursor);
    return rest_put_headers(call) ? BB_SEND : BB_FAIL;
}

/* The member that names with dots between lead to; of an empty path the value itself. */
static const bb_json *follow(bb_call *call, const bb_json *value, bb_str path) {
    while (path.len > 0 && value != NULL) {
        size_t n = 0;
        while (n < path.len && path.ptr[n] != '.')
            n++;
        bb_str name = {path.ptr, n};
        value = call->host->json->get(value, name);
        n += n < path.len;
        path.ptr += n;
        path.len -= n;
    }
    return value;
}

/* The target of rel="next" in a Link field (RFC 8288); absent: there is none. */
static bb_str next_link(bb_str field) {
    bb_str none = {NULL, 0};
    size_t i = 0;
    while (i < field.len) {
        while (i < field.len && field.ptr[i] != '<')
            i++;
        size_t begin = i + 1, end = begin;
        while (end < field.len && field.ptr[end] != '>')
            end++;
        size_t stop = end;
        while (stop < field.len && field.ptr[stop] != '<')
            stop++;
        for (size_t k = end; k + 8 <= stop; k++)
            if (memcmp(field.ptr + k, "rel=next", 8) == 0 ||
                (k + 10 <= stop && memcmp(field.ptr + k, "rel=\"next\"", 10) == 0))
                return (bb_str){field.ptr + begin, end - begin};
        i = stop;
    }
    return none;
}

/* A link may be a path: the next request wants a whole URL. */
static bb_str whole_link(bb_call *call, bb_str link) {
    bb_str base = bb_text(call, bb_get(call, call->instance, "base_url"));
    size_t slashes = 0, n = 0;
    if (link.len == 0 || link.ptr[0] != '/')
        return link;
    while (n < base.len && (slashes += base.ptr[n] == '/') < 3)
        n++;
    char *text = call->host->call->alloc(call, n + link.len);
    if (text == NULL)
        return bb_s(NULL);
    memcpy(text, base.ptr, n);
    memcpy(text + n, link.ptr, link.len);
    return (bb_str){text, n + link.len};
}

static int64_t number_of(bb_call *call, bb_str param, int64_t otherwise) {
    const bb_json *given = call->host->json->get(bb_in(call, "query"), param);
    int64_t n = otherwise;
    if (call->cursor.len > 0) {
        n = 0;
        for (size_t i = 0; i < call->cursor.len && n < 1000000000000; i++)
            n = n * 10 + (call->cursor.ptr[i] - '0');
    } else {
        call->host->json->to_int64(given, &n);
    }
    return n;
}

static void put_next(bb_call *call, const bb_json *page, size_t count) {
    const char *style = style_of(call);
    char text[32];
    bb_str next = {NULL, 0};
    if (strcmp(style, "link") == 0) {
        next = whole_link(call, next_link(call->host->http->response_header(call, bb_s("Link"))));
        if (next.len > 0 && !is_origin_of(call, next))
            next = bb_s(NULL); /* another service's page is not part of this list */
    } else if (strcmp(style, "cursor") == 0) {
        next = bb_text(call, follow(call, page, bb_in_text(call, "next")));
    } else if (count > 0) { /* numbers end with the first empty page */
        int64_t step = strcmp(style, "page") == 0 ? 1 : (int64_t)count;
        int64_t now = number_of(call, param_of(call), strcmp(style, "page") == 0 ? 1 : 0);
        snprintf(text, sizeof text, "%lld", (long long)(now + step));
        next = bb_s(text);
    }
    call->host->call->next_cursor(call, next);
}

bb_step rest_list_resume(bb_call *call) {
    const bb_json_api *json = call->host->json;
    if (!bb_ok(call))
        return rest_fail(call);
    const bb_json *page = bb_response(call), *items = follow(call, page, bb_in_text(call, "items"));
    if (page == NULL)
        return bb_fail(call, BB_E_UPSTREAM_INVALID, "the service's page is not JSON");
    if (!bb_is(call, items, BB_JSON_ARRAY))
        return bb_fail(call, BB_E_UPSTREAM_INVALID, "the page has no list where `items` says");
    put_next(call, page, json->count(items));
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    json->key(w, bb_s("items"));
    json->put_value(w, items);
    json->end_object(w);
    return bb_done_writer(call, w);
}
