/* files.c - files, folders and shortcuts: what is known of them. Their bytes: upload.c, download.c. */
#include "files.h"
#include "google_drive.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* --- reading ------------------------------------------------------------------------------------------ */

static const char files_list_input[] = INPUT("",
    FULL("q", "10000", "search: name contains 'report' and trashed = false; default: all files") ","
    FIELDS ","
    PAGES("1000") ","
    PATTERN("orderBy", "^[a-zA-Z_]+( desc)?( *, *[a-zA-Z_]+( desc)?)*$", "createdTime, folder, modifiedTime, name, name_natural, quotaBytesUsed, recency, starred, viewedByMeTime, ...; each may be followed by desc") ","
    PATTERN("spaces", "^(drive|appDataFolder)(,(drive|appDataFolder))*$", "drive, appDataFolder, or both with a comma between") ","
    CHOICE("corpora", "\"user\",\"domain\",\"drive\",\"allDrives\"", "where to look; drive needs driveId") ","
    ID("driveId", "id of the shared drive to look in") ","
    BOOLEAN("includeItemsFromAllDrives", "shared drives' files too") ","
    LABELS "," VIEW "," ALL_DRIVES);
LIST(files_list, "files.list", "files", NULL, SHARED, "/files",
    "{\"type\":\"object\",\"properties\":{\"files\":{\"type\":\"array\",\"items\":" REF("file") "},\"nextPageToken\":{\"type\":\"string\"},"
    "\"incompleteSearch\":{\"type\":\"boolean\"},\"kind\":{\"type\":\"string\"}}}",
    "List or search files",
    EXAMPLES("the newest PDFs of a folder",
        "{\"q\":\"'1AbCdEf' in parents and mimeType = 'application/pdf' and trashed = false\",\"orderBy\":\"modifiedTime desc\",\"fields\":\"files(id,name,size)\",\"pageSize\":100}",
        "a shared drive",
        "{\"corpora\":\"drive\",\"driveId\":\"0AbCdEf\",\"includeItemsFromAllDrives\":true}"));

static const char files_get_input[] = INPUT(REQUIRED("\"fileId\""),
    FILE_ID "," FIELDS "," LABELS "," VIEW "," ALL_DRIVES);
READ(files_get, "files.get", "files/{fileId}", NULL, SHARED, REF("file"),
    "Read what is known of a file",
    EXAMPLE("its owners and size",
        "{\"fileId\":\"1AbCdEf\",\"fields\":\"id,name,size,owners(emailAddress)\"}"));

static const char files_list_labels_input[] = INPUT(REQUIRED("\"fileId\""),
    FILE_ID "," FIELDS ","
    COUNT("maxResults", "100", "labels a page") ","
    FULL("pageToken", "5000", "nextPageToken of the page before"));
LIST(files_list_labels, "files.listLabels", "files/{fileId}/listLabels", NULL, OWN, "/labels",
    "{\"type\":\"object\",\"properties\":{\"labels\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},\"nextPageToken\":{\"type\":\"string\"}}}",
    "List a file's labels",
    EXAMPLE("of a file", "{\"fileId\":\"1AbCdEf\"}"));

static const char files_modify_labels_input[] = INPUT(REQUIRED("\"fileId\",\"labelModifications\""),
    FILE_ID "," FIELDS ","
    OBJECTS("labelModifications", "each: labelId, and removeLabel or fieldModifications"));
WRITE(files_modify_labels, BB_OP_IDEMPOTENT, "POST", "files.modifyLabels", "files/{fileId}/modifyLabels", NULL, OWN,
    "{\"type\":\"object\",\"properties\":{\"modifiedLabels\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}}}",
    "Put labels on a file, change or remove them",
    EXAMPLE("take one away", "{\"fileId\":\"1AbCdEf\",\"labelModifications\":[{\"labelId\":\"lbl1\",\"removeLabel\":true}]}"));

static const char files_generate_ids_input[] = INPUT("",
    COUNT("count", "1000", "default 10") ","
    CHOICE("space", "\"drive\",\"appDataFolder\"", "where they are for") ","
    CHOICE("type", "\"files\",\"shortcuts\"", "what they are for") ","
    FIELDS);
READ(files_generate_ids, "files.generateIds", "files/generateIds", NULL, OWN,
    "{\"type\":\"object\",\"properties\":{\"ids\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"space\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"}}}",
    "Get ids for files that are to be made",
    EXAMPLE("three", "{\"count\":3}"));

/* --- changing ----------------------------------------------------------------------------------------- */

static const char files_update_input[] = INPUT(REQUIRED("\"fileId\""),
    FILE_ID ","
    STRING("addParents", "ids of folders to move it to, with commas between") ","
    STRING("removeParents", "ids of folders to move it from") ","
    FILE_MEMBERS ","
    BOOLEAN("trashed", "into the trash, or out of it") ","
    FILE_OPTIONS);
WRITE(files_update, BB_OP_IDEMPOTENT, "PATCH", "files.update", "files/{fileId}", NULL, SHARED, REF("file"),
    "Change what is known of a file: rename, move, star, trash it",
    EXAMPLES("rename and star", "{\"fileId\":\"1AbCdEf\",\"name\":\"Report 2026\",\"starred\":true}",
        "move", "{\"fileId\":\"1AbCdEf\",\"addParents\":\"1Folder\",\"removeParents\":\"1Other\",\"fields\":\"id,parents\"}"));

static const char files_delete_input[] = INPUT(REQUIRED("\"fileId\""),
    FILE_ID "," ALL_DRIVES);
REMOVE(files_delete, "files.delete", "files/{fileId}", SHARED,
    "Delete a file for good, past the trash; a folder with all that is in it",
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\"}"));

static const char files_empty_trash_input[] = INPUT("",
    ID("driveId", "of this shared drive; default: the user's own"));
REMOVE(files_empty_trash, "files.emptyTrash", "files/trash", OWN,
    "Delete all that is in the trash for good",
    EXAMPLE("the user's", "{}"));

/* --- making ------------------------------------------------------------------------------------------- */

static const char files_create_input[] = INPUT("",
    ID("id", "from files.generateIds") ","
    FILE_MEMBERS ","
    STRINGS("parents", "id of the folder it lies in; default: root") ","
    SHAPE("shortcutDetails", "of a shortcut", REQUIRED("\"targetId\""), ID("targetId", "id of the file it leads to")) ","
    MOMENT("createdTime", "default: now") ","
    ONCE ","
    FILE_OPTIONS);

static const char files_copy_input[] = INPUT(REQUIRED("\"fileId\""),
    FILE_ID ","
    ID("id", "of the copy, from files.generateIds") ","
    FILE_MEMBERS ","
    STRINGS("parents", "id of the folder it lies in; default: the original's") ","
    ONCE ","
    FILE_OPTIONS);

ROUTE(files_create, "POST", API "files", BB_REST_JSON, NULL, NULL, NULL, SHARED)
ROUTE(files_copy, "POST", API "files/{fileId}/copy", BB_REST_JSON, NULL, NULL, NULL, SHARED)

/* clang-format on */

typedef struct making {
    char id[GD_ID_MAX];
    int32_t sent, reading;
} making;

static bb_step make(bb_call *call, const gd_route *route, bb_str id) {
    ((making *)call->state)->sent = 1;
    bb_rest_begin(call, &route->rest);
    gd_extras(call, route);
    gd_rest_query(call, route);
    call->host->http->body(call, bb_s("application/json"), gd_metadata(call, route, id, bb_s(NULL)));
    if (id.len > 0)
        call->host->http->repeatable(call, 1);
    return BB_SEND;
}

static bb_step start_making(bb_call *call, const gd_route *route) {
    making *m = (making *)call->state;
    bb_str id = bb_in_text(call, "id"), none = {NULL, 0};
    if (!gd_once(call))
        return make(call, route, none);
    if (id.len == 0)
        return gd_ask_id(call);
    if (id.len >= sizeof m->id)
        return bb_fail_input(call, "/id", "an id of Google's has fewer than %d characters", GD_ID_MAX);
    memcpy(m->id, id.ptr, id.len);
    return make(call, route, id);
}

static bb_step resume_making(bb_call *call, const gd_route *route) {
    making *m = (making *)call->state;
    if (!m->sent)
        return gd_take_id(call, m->id) ? make(call, route, bb_s(m->id)) : BB_FAIL;
    if (m->id[0] != '\0' && !m->reading && bb_str_eq(gd_reason(call), "fileIdAlreadyExists")) {
        m->reading = 1;
        return gd_read_made(call, route, m->id);
    }
    return gd_resume(call, route);
}

STEPS(files_create, start_making, resume_making)
STEPS(files_copy, start_making, resume_making)

/* clang-format off */
OPERATION(files_create, 0, "files.create", "Make a folder, a shortcut, an empty file or a document of Google's editors",
    NULL, REF("file"), NULL,
    EXAMPLES("a folder, once",
        "{\"name\":\"Invoices\",\"mimeType\":\"application/vnd.google-apps.folder\",\"parents\":[\"1Folder\"],\"once\":true}",
        "a shortcut",
        "{\"name\":\"To the report\",\"mimeType\":\"application/vnd.google-apps.shortcut\",\"shortcutDetails\":{\"targetId\":\"1AbCdEf\"}}"),
    sizeof(making));
OPERATION(files_copy, 0, "files.copy", "Copy a file, and change what is known of the copy; folders cannot be copied",
    NULL, REF("file"), NULL,
    EXAMPLE("under another name", "{\"fileId\":\"1AbCdEf\",\"name\":\"Copy of the report\",\"parents\":[\"1Folder\"]}"),
    sizeof(making));
