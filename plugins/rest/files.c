/* files.c - files of any size, down and up: their bytes are the host's, a step only says where they go. */
#include "rest.h"

static int has_content(bb_call *call) {
    if (bb_content_host(call) != NULL)
        return 1;
    bb_fail(call, BB_E_UNSUPPORTED, "this hub passes no files: upgrade it");
    return 0;
}

/* --- down --------------------------------------------------------------------------------------------- */

bb_step rest_files_get_start(bb_call *call) {
    if (!has_content(call))
        return BB_FAIL;
    call->host->http->begin(call, bb_s("GET"), bb_in_text(call, "path"));
    rest_put_query(call, bb_s(NULL));
    if (!rest_put_headers(call))
        return BB_FAIL;
    bb_content_to_output(call);
    return BB_SEND;
}

bb_step rest_files_get_resume(bb_call *call) {
    return bb_ok(call) ? bb_done_body(call) : rest_fail(call);
}

/* --- up ----------------------------------------------------------------------------------------------- */

/* As a browser's form sends it: the fields, then the file. */
static void put_form(bb_call *call, bb_str field) {
    const bb_content_api *content = bb_content_host(call);
    bb_str name = content->name(call);
    bb_json_iter it = {0};
    content->multipart(call, bb_s("form-data"));
    while (call->host->json->next(bb_in(call, "form"), &it))
        content->part(call, it.key, bb_s(NULL), bb_s(NULL), bb_text(call, it.value));
    content->part_content(call, field, name.len > 0 ? name : bb_s("file"), bb_in_text(call, "content_type"),
                          0, -1);
}

bb_step rest_files_put_start(bb_call *call) {
    if (!has_content(call))
        return BB_FAIL;
    bb_str method = bb_in_text(call, "method"), field = bb_in_text(call, "field");
    call->host->http->begin(call, method.len > 0 ? method : bb_s("PUT"), bb_in_text(call, "path"));
    rest_put_query(call, bb_s(NULL));
    if (!rest_put_headers(call))
        return BB_FAIL;
    if (field.len > 0)
        put_form(call, field);
    else
        bb_content_host(call)->body(call, bb_in_text(call, "content_type"), 0, -1);
    return BB_SEND;
}
