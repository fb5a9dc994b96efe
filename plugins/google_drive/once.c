/* once.c - files that are made once, however often they are asked for: their id comes first, from
 * files.generateIds, or from the caller. A request that makes a file of an id may be repeated: where the file
 * is there already, Google says so (409 fileIdAlreadyExists), and it is read.
 * https://developers.google.com/workspace/drive/api/guides/create-file#generate-id */
#include "google_drive.h"

#define GOOGLE_APPS "application/vnd.google-apps."

int gd_once(bb_call *call) {
    return call->host->json->to_bool(bb_in(call, "once"), 0);
}

static int is_google_apps(bb_str type) {
    return type.len > sizeof GOOGLE_APPS - 1 && memcmp(type.ptr, GOOGLE_APPS, sizeof GOOGLE_APPS - 1) == 0;
}

static int in_app_data(bb_call *call) {
    return bb_str_eq(bb_text(call, call->host->json->at(bb_in(call, "parents"), 0)), "appDataFolder");
}

bb_step gd_ask_id(bb_call *call) {
    bb_str type = bb_in_text(call, "mimeType");
    int shortcut = bb_str_eq(type, GOOGLE_APPS "shortcut");
    if (is_google_apps(type) && !shortcut && !bb_str_eq(type, GOOGLE_APPS "folder"))
        return bb_fail_input(call, "/once",
                             "Google takes no id for a new file of its editors: leave `once` out");
    bb_request(call, "GET", "/drive/v3/files/generateIds");
    bb_query(call, "count", bb_s("1"));
    bb_query(call, "space", bb_s(in_app_data(call) ? "appDataFolder" : "drive"));
    bb_query(call, "type", bb_s(shortcut ? "shortcuts" : "files"));
    return BB_SEND;
}

int gd_take_id(bb_call *call, char *id) {
    bb_str given = bb_text(call, call->host->json->at(bb_get(call, bb_response(call), "ids"), 0));
    if (!bb_ok(call))
        gd_fail(call);
    else if (given.len == 0 || given.len >= GD_ID_MAX)
        bb_fail(call, BB_E_UPSTREAM_INVALID, "Google gave no id for the file");
    else {
        memcpy(id, given.ptr, given.len);
        id[given.len] = '\0';
        return 1;
    }
    return 0;
}

bb_step gd_read_made(bb_call *call, const gd_route *route, const char *id) {
    bb_request(call, "GET", "/drive/v3/files");
    bb_segment(call, bb_s(id));
    gd_extras(call, route);
    return BB_SEND;
}
