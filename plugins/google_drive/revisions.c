/* revisions.c - what a file was before; its bytes then: download.c. */
#include "google_drive.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define REVISION_ID ID("revisionId", "id of the revision; head is the newest")

static const char revisions_list_input[] = INPUT(REQUIRED("\"fileId\""),
    FILE_ID "," FIELDS "," PAGES("1000"));
LIST(revisions_list, "revisions.list", "files/{fileId}/revisions", NULL, OWN, "/revisions",
    "{\"type\":\"object\",\"properties\":{\"revisions\":{\"type\":\"array\",\"items\":" REF("revision") "},\"nextPageToken\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"}}}",
    "List a file's revisions, the oldest first",
    EXAMPLE("with sizes", "{\"fileId\":\"1AbCdEf\",\"fields\":\"revisions(id,modifiedTime,size)\"}"));

static const char revisions_get_input[] = INPUT(REQUIRED("\"fileId\",\"revisionId\""),
    FILE_ID "," REVISION_ID "," FIELDS);
READ(revisions_get, "revisions.get", "files/{fileId}/revisions/{revisionId}", NULL, OWN, REF("revision"),
    "Read what is known of a revision",
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\",\"revisionId\":\"0B1\"}"));

static const char revisions_update_input[] = INPUT(REQUIRED("\"fileId\",\"revisionId\""),
    FILE_ID "," REVISION_ID ","
    BOOLEAN("keepForever", "not deleted after 30 days; at most 200 of a file") ","
    BOOLEAN("publishAuto", "editors: publish later revisions too") ","
    BOOLEAN("published", "editors: on the web") ","
    BOOLEAN("publishedOutsideDomain", "editors: for all the web") ","
    FIELDS);
WRITE(revisions_update, BB_OP_IDEMPOTENT, "PATCH", "revisions.update", "files/{fileId}/revisions/{revisionId}", NULL, OWN, REF("revision"),
    "Keep a revision for ever, or publish it",
    EXAMPLE("keep it", "{\"fileId\":\"1AbCdEf\",\"revisionId\":\"0B1\",\"keepForever\":true}"));

static const char revisions_delete_input[] = INPUT(REQUIRED("\"fileId\",\"revisionId\""),
    FILE_ID "," REVISION_ID);
REMOVE(revisions_delete, "revisions.delete", "files/{fileId}/revisions/{revisionId}", OWN,
    "Delete a revision for good; not the last one, nor one of the editors'",
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\",\"revisionId\":\"0B1\"}"));
