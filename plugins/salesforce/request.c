/* request.c - how an input becomes a request: the path with the API's version, members, header fields. */
#include "salesforce.h"

const bb_json *sf_setting(const bb_call *call, const char *name) {
    return bb_get(call, (const bb_json *)call->instance, name);
}

bb_str sf_version(const bb_call *call) {
    return bb_text(call, sf_setting(call, "api_version"));
}

/* As bb_rest_begin, but for {@}. */
void sf_begin(bb_call *call, const bb_rest_route *route) {
    const char *at = route->path, *hole = strchr(at, '{');
    bb_str part = {at, hole != NULL ? (size_t)(hole - at) - 1 : strlen(at)};
    call->host->http->begin(call, bb_s(route->method), part);
    for (at += part.len; *at == '/'; at += part.len + 1) {
        bb_str name;
        part.ptr = at + 1;
        part.len = strcspn(at + 1, "/");
        name.ptr = part.ptr + 1;
        name.len = part.len - 2;
        if (*part.ptr != '{')
            bb_segment(call, part);
        else if (bb_str_eq(name, "@"))
            bb_segment(call, sf_version(call));
        else
            bb_segment(call, bb_text(call, call->host->json->get(call->input, name)));
    }
}

/* --- lists ------------------------------------------------------------------------------------------ */

int sf_joined(bb_call *call, const bb_json *list, bb_str *out) {
    bb_json_iter it = {0};
    size_t n = 1;
    *out = bb_text(call, list);
    if (!bb_is(call, list, BB_JSON_ARRAY))
        return 1;
    while (call->host->json->next(list, &it))
        n += bb_text(call, it.value).len + 1;
    char *to = (char *)call->host->call->alloc(call, n);
    if (to == NULL) {
        bb_fail(call, BB_E_NO_MEMORY, "no memory for the request");
        return 0;
    }
    out->ptr = to;
    out->len = 0;
    for (memset(&it, 0, sizeof it); call->host->json->next(list, &it);) {
        bb_str item = bb_text(call, it.value);
        if (it.index > 0)
            to[out->len++] = ',';
        if (item.len > 0)
            memcpy(to + out->len, item.ptr, item.len);
        out->len += item.len;
    }
    return 1;
}

static int put_lists(bb_call *call, const sf_route *route) {
    const char *names = route->lists;
    for (; names != NULL && *names != '\0'; names += *names == ' ') {
        size_t n = strcspn(names, " ");
        bb_str name = {names, n}, text;
        const bb_json *list = call->host->json->get(call->input, name);
        if (list != NULL && !sf_joined(call, list, &text))
            return 0;
        if (list != NULL)
            call->host->http->query(call, name, text);
        names += n;
    }
    return 1;
}

/* --- header fields ---------------------------------------------------------------------------------- */

/* https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers.htm */
static void put_call_options(bb_call *call) {
    bb_str client = bb_text(call, sf_setting(call, "client")),
           space = bb_text(call, sf_setting(call, "default_namespace"));
    char text[300]; /* both have at most 100 bytes: settings_schema */
    size_t n = 0;
    if (client.len > 0)
        n = (size_t)snprintf(text, sizeof text, "client=%.*s%s", (int)client.len, client.ptr,
                             space.len > 0 ? "; " : "");
    if (space.len > 0)
        snprintf(text + n, sizeof text - n, "defaultNamespace=%.*s", (int)space.len, space.ptr);
    if (client.len > 0 || space.len > 0)
        bb_header(call, "Sforce-Call-Options", bb_s(text));
}

void sf_options(bb_call *call) {
    static const struct {
        const char *member, *field, *before;
    } options[] = {
        {"if_match", "If-Match", ""},
        {"if_none_match", "If-None-Match", ""},
        {"if_modified_since", "If-Modified-Since", ""},
        {"if_unmodified_since", "If-Unmodified-Since", ""},
        {"auto_assign", "Sforce-Auto-Assign", ""},
        {"allow_duplicates", "Sforce-Duplicate-Rule-Header", "allowSave="},
        {"batch_size", "Sforce-Query-Options", "batchSize="},
    };
    put_call_options(call);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        bb_str value = bb_in_text(call, options[i].member);
        char text[300];
        if (value.len == 0)
            continue;
        snprintf(text, sizeof text, "%s%.*s", options[i].before, (int)value.len, value.ptr);
        bb_header(call, options[i].field, bb_s(text));
    }
}

bb_step sf_send(bb_call *call, const sf_route *route) {
    sf_begin(call, &route->rest);
    bb_rest_members(call, &route->rest);
    if (!put_lists(call, route))
        return BB_FAIL;
    if (route->body != NULL && *route->body != '\0')
        bb_body_json(call, bb_in(call, route->body));
    sf_options(call);
    return BB_SEND;
}
