/* files.c - files and links to them. */
#include "schemas.h"
#include "stripe.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* --- files ---------------------------------------------------------------------------------------------- */

static const char files_retrieve_input[] = INPUT(REQUIRED("\"file\""),
    ID("file", "id: file_...") ","
    EXPAND);
static const char files_list_input[] = INPUT("",
    CREATED ","
    EXPAND ","
    ID("purpose", "what it is for") ","
    PAGE);

/* --- file links ----------------------------------------------------------------------------------------- */

static const char file_links_create_input[] = INPUT(REQUIRED("\"file\""),
    EXPAND ","
    INTEGER("expires_at", "Unix seconds") ","
    ID("file", "id: file_...") ","
    METADATA);
static const char file_links_retrieve_input[] = INPUT(REQUIRED("\"file_link\""),
    ID("file_link", "id: link_...") ","
    EXPAND);
static const char file_links_update_input[] = INPUT(REQUIRED("\"file_link\""),
    ID("file_link", "id: link_...") ","
    EXPAND ","
    MOMENT("expires_at", "Unix seconds") ","
    METADATA);
static const char file_links_list_input[] = INPUT("",
    CREATED ","
    EXPAND ","
    BOOLEAN("expired", "only those") ","
    ID("file", "id: file_...") ","
    PAGE);

/* --- what they declare ------------------------------------------------------------------------------------ */

READ(files_retrieve, "files.retrieve", "/v1/files/{file}", "file",
    "Read what is known of a file",
    EXAMPLE("by id",
        "{\"file\":\"file_1Mr4LDLkdIwHu7ixFCz0dZiH\"}"));
LIST(files_list, "files.list", "/v1/files", "file",
    "List files, the newest first",
    EXAMPLE("evidence",
        "{\"purpose\":\"dispute_evidence\"}"));
WRITE(file_links_create, 0, "POST", "file_links.create", "/v1/file_links", "file_link",
    "Create a link by which anybody can read a file",
    EXAMPLE("for a day",
        "{\"file\":\"file_1Mr4LDLkdIwHu7ixFCz0dZiH\",\"expires_at\":1924992000}"));
READ(file_links_retrieve, "file_links.retrieve", "/v1/file_links/{file_link}", "file_link",
    "Read a file link",
    EXAMPLE("by id",
        "{\"file_link\":\"link_1Mr4LDLkdIwHu7ixoVEuKlVo\"}"));
WRITE(file_links_update, 0, "POST", "file_links.update", "/v1/file_links/{file_link}", "file_link",
    "Change a file link",
    EXAMPLE("expire it",
        "{\"file_link\":\"link_1Mr4LDLkdIwHu7ixoVEuKlVo\",\"expires_at\":\"now\"}"));
LIST(file_links_list, "file_links.list", "/v1/file_links", "file_link",
    "List file links, the newest first",
    EXAMPLE("of a file",
        "{\"file\":\"file_1Mr4LDLkdIwHu7ixFCz0dZiH\"}"));
