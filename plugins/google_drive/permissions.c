/* permissions.c - who may do what with a file, folder or shared drive. */
#include "google_drive.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define PERMISSION_ID ID("permissionId", "id of the permission; anyoneWithLink is one")
#define ROLE CHOICE("role", "\"owner\",\"organizer\",\"fileOrganizer\",\"writer\",\"commenter\",\"reader\"", "organizer and fileOrganizer: shared drives only")
#define TRANSFER BOOLEAN("transferOwnership", "role owner: the one before becomes a writer")
#define UNTIL MOMENT("expirationTime", "until when, of a user or group; a year at most")

static const char permissions_list_input[] = INPUT(REQUIRED("\"fileId\""),
    FILE_ID "," FIELDS "," PAGES("100") "," VIEW "," ADMIN "," ALL_DRIVES);
LIST(permissions_list, "permissions.list", "files/{fileId}/permissions", NULL, SHARED, "/permissions",
    "{\"type\":\"object\",\"properties\":{\"permissions\":{\"type\":\"array\",\"items\":" REF("permission") "},\"nextPageToken\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"}}}",
    "List who may do what with a file or shared drive",
    EXAMPLE("with addresses", "{\"fileId\":\"1AbCdEf\",\"fields\":\"permissions(id,type,role,emailAddress)\"}"));

static const char permissions_get_input[] = INPUT(REQUIRED("\"fileId\",\"permissionId\""),
    FILE_ID "," PERMISSION_ID "," FIELDS "," ADMIN "," ALL_DRIVES);
READ(permissions_get, "permissions.get", "files/{fileId}/permissions/{permissionId}", NULL, SHARED, REF("permission"),
    "Read a permission",
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\",\"permissionId\":\"1234\",\"fields\":\"*\"}"));

/* Two grants of the same role to the same grantee are one. */
static const char permissions_create_input[] = INPUT(REQUIRED("\"fileId\",\"role\",\"type\"")
    "\"allOf\":["
    "{\"if\":{\"properties\":{\"type\":{\"enum\":[\"user\",\"group\"]}}},\"then\":{\"required\":[\"emailAddress\"]}},"
    "{\"if\":{\"properties\":{\"type\":{\"const\":\"domain\"}}},\"then\":{\"required\":[\"domain\"]}},"
    "{\"if\":{\"properties\":{\"role\":{\"const\":\"owner\"}}},\"then\":{\"anyOf\":[{\"required\":[\"transferOwnership\"]},{\"required\":[\"pendingOwner\"]}]}}],",
    FILE_ID ","
    CHOICE("type", "\"user\",\"group\",\"domain\",\"anyone\"", "of the grantee") ","
    ROLE ","
    FULL("emailAddress", "320", "of a user or group") ","
    FULL("domain", "253", "of a domain") ","
    BOOLEAN("allowFileDiscovery", "a domain or anyone: found by search, not by link alone") ","
    UNTIL ","
    BOOLEAN("pendingOwner", "asked to become the owner") ","
    BOOLEAN("inheritedPermissionsDisabled", "only permissions of the item itself count") ","
    PATTERN("view", "^(published|metadata)$", "published or metadata: the view it belongs to") ","
    FULL("emailMessage", "10000", "in the mail") ","
    BOOLEAN("sendNotificationEmail", "default true for users and groups") ","
    TRANSFER ","
    BOOLEAN("moveToNewOwnersRoot", "role owner: moved into the new owner's My Drive") ","
    FIELDS "," ADMIN "," ALL_DRIVES);
WRITE(permissions_create, 0, "POST", "permissions.create", "files/{fileId}/permissions", NULL, SHARED, REF("permission"),
    "Share a file, folder or shared drive",
    EXAMPLES("with a user, without a mail", "{\"fileId\":\"1AbCdEf\",\"type\":\"user\",\"role\":\"reader\",\"emailAddress\":\"jenny@example.com\",\"sendNotificationEmail\":false}",
        "by link", "{\"fileId\":\"1AbCdEf\",\"type\":\"anyone\",\"role\":\"reader\"}"));

static const char permissions_update_input[] = INPUT(REQUIRED("\"fileId\",\"permissionId\""),
    FILE_ID "," PERMISSION_ID "," ROLE "," UNTIL ","
    BOOLEAN("removeExpiration", "for good") ","
    BOOLEAN("pendingOwner", "asked to become the owner") ","
    BOOLEAN("inheritedPermissionsDisabled", "only permissions of the item itself count") ","
    TRANSFER "," FIELDS "," ADMIN "," ALL_DRIVES);
WRITE(permissions_update, BB_OP_IDEMPOTENT, "PATCH", "permissions.update", "files/{fileId}/permissions/{permissionId}", NULL, SHARED, REF("permission"),
    "Change a permission's role or end",
    EXAMPLE("make a writer of a reader", "{\"fileId\":\"1AbCdEf\",\"permissionId\":\"1234\",\"role\":\"writer\"}"));

static const char permissions_delete_input[] = INPUT(REQUIRED("\"fileId\",\"permissionId\""),
    FILE_ID "," PERMISSION_ID "," ADMIN "," ALL_DRIVES);
REMOVE(permissions_delete, "permissions.delete", "files/{fileId}/permissions/{permissionId}", SHARED,
    "Take a permission back",
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\",\"permissionId\":\"1234\"}"));
