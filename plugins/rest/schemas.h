/* schemas.h - what the operations of `rest` take and give. */
#ifndef REST_SCHEMAS_H
#define REST_SCHEMAS_H

#define PATH                                                                                             \
    "\"path\":{\"type\":\"string\",\"description\":\"path below base_url, beginning with /; may hold a " \
    "query; what is no "                                                                                 \
    "ASCII is percent-encoded\"}"
#define QUERY                                                                                              \
    "\"query\":{\"type\":\"object\",\"description\":\"query parameters: lists repeat the name (a=1&a=2), " \
    "objects nest in "                                                                                     \
    "brackets (a[b]=1), null is left out\"}"
#define HEADERS                                                                                              \
    "\"headers\":{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\","            \
    "\"boolean\"]},"                                                                                         \
    "\"description\":\"header fields; those of the connection itself (Authorization, Host, Content-Length, " \
    "...) are refused\"}"

static const char request_input[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"method\":{\"type\":\"string\",\"pattern\":\"^[A-Z]{1,20}$\",\"default\":\"GET\",\"description\":"
    "\"HTTP method, in upper case\"}," PATH "," QUERY "," HEADERS
    ",\"json\":{\"description\":\"body: any JSON value\"},"
    "\"form\":{\"type\":\"object\",\"description\":\"body: a form; objects and lists nest in brackets\"},"
    "\"body\":{\"type\":\"string\",\"description\":\"body: as it is\"},"
    "\"content_type\":{\"type\":\"string\",\"description\":\"of `body`; default text/plain; charset=utf-8\"},"
    "\"expect\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"pattern\":\"^([1-5]xx|[1-5][0-9][0-9])$"
    "\"},\"minItems\":1,"
    "\"description\":\"statuses that are an answer and no error: 2xx (the default), 404, ...\"}},"
    "\"allOf\":[{\"not\":{\"required\":[\"json\",\"form\"]}},{\"not\":{\"required\":[\"json\",\"body\"]}},"
    "{\"not\":{\"required\":[\"form\",\"body\"]}}],\"dependentRequired\":{\"content_type\":[\"body\"]}}";

static const char request_output[] =
    "{\"type\":\"object\",\"required\":[\"status\",\"headers\",\"body\"],\"properties\":{"
    "\"status\":{\"type\":\"integer\",\"minimum\":100,\"maximum\":599},"
    "\"headers\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},\"description\":\"the "
    "fields that matter, in lower case\"},"
    "\"body\":{\"description\":\"JSON where the service says that it is; else text; null where there is "
    "none\"},"
    "\"body_base64\":{\"type\":\"string\",\"description\":\"in place of `body` where it is not UTF-8\"}}}";

static const char get_input[] = "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" PATH
                                "," QUERY "," HEADERS "}}";

static const char files_get_input[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"path\"],\"properties\":{" PATH
    "," QUERY "," HEADERS "}}";

static const char files_get_output[] =
    "{\"type\":\"object\",\"required\":[\"bytes\"],\"properties\":{\"bytes\":{\"type\":\"integer\"},"
    "\"content_type\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"}}}";

static const char files_put_input[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"path\"],\"properties\":{"
    "\"method\":{\"enum\":[\"PUT\",\"POST\",\"PATCH\"],\"default\":\"PUT\"}," PATH "," QUERY "," HEADERS
    ",\"content_type\":{\"type\":\"string\",\"description\":\"of the file; default: as the caller says, or "
    "application/octet-stream\"},"
    "\"field\":{\"type\":\"string\",\"minLength\":1,\"description\":\"sends a form (multipart/form-data), "
    "with the "
    "file as this field\"},"
    "\"form\":{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\"]},"
    "\"description\":\"further fields of the form, before the "
    "file\"}},\"dependentRequired\":{\"form\":[\"field\"]}}";

static const char list_input[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" PATH "," QUERY "," HEADERS
    ",\"items\":{\"type\":\"string\",\"default\":\"\",\"description\":\"where the page's items are: member "
    "names with dots between "
    "(data.records); empty: the page itself is the list\"},"
    "\"style\":{\"enum\":[\"link\",\"cursor\",\"page\",\"offset\"],\"default\":\"link\",\"description\":"
    "\"how pages follow each other: link "
    "(RFC 8288, rel=next), cursor (a member of the page), page (1, 2, 3), offset (0, 100, 200)\"},"
    "\"param\":{\"type\":\"string\",\"minLength\":1,\"description\":\"the query parameter that takes cursor, "
    "page or offset; default: "
    "the style's name\"},"
    "\"next\":{\"type\":\"string\",\"description\":\"style cursor: where the next cursor is in the page "
    "(meta.next_cursor)\"}},"
    "\"if\":{\"properties\":{\"style\":{\"const\":\"cursor\"}},\"required\":[\"style\"]},\"then\":{"
    "\"required\":[\"next\"]}}";

static const char list_output[] =
    "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\"}}}";

static const char settings_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"base_url\"],\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"pattern\":\"^https?://\",\"description\":\"URL that every path is "
    "put after\"},"
    "\"headers\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},\"description\":"
    "\"header fields of every request, "
    "as a JSON object\"},"
    "\"test_path\":{\"type\":\"string\",\"pattern\":\"^/\",\"default\":\"/\",\"description\":\"what `busbar "
    "test` asks for\"}}}";

/* clang-format on */

#endif
