/* drives.c - shared drives. Who is a member is told by permissions.* with the drive's id as fileId. */
#include "google_drive.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define DRIVE_ID ID("driveId", "id of the shared drive")
#define DRIVE_MEMBERS \
    FULL("name", "1024", "of the shared drive") "," \
    PATTERN("colorRgb", "^#[0-9a-fA-F]{6}$", "#rrggbb; not with themeId") "," \
    FULL("themeId", "100", "from driveThemes of about.get") "," \
    OBJECT("backgroundImageFile", "id, width, xCoordinate, yCoordinate") "," \
    OBJECT("restrictions", "adminManagedRestrictions, copyRequiresWriterPermission, domainUsersOnly, driveMembersOnly, sharingFoldersRequiresOrganizerPermission")

static const char drives_list_input[] = INPUT("",
    FULL("q", "10000", "search; needs useDomainAdminAccess") ","
    FIELDS "," PAGES("100") "," ADMIN);
LIST(drives_list, "drives.list", "drives", NULL, OWN, "/drives",
    "{\"type\":\"object\",\"properties\":{\"drives\":{\"type\":\"array\",\"items\":" REF("drive") "},\"nextPageToken\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"}}}",
    "List shared drives",
    EXAMPLE("a page of ten", "{\"pageSize\":10}"));

static const char drives_get_input[] = INPUT(REQUIRED("\"driveId\""),
    DRIVE_ID "," FIELDS "," ADMIN);
READ(drives_get, "drives.get", "drives/{driveId}", NULL, OWN, REF("drive"),
    "Read a shared drive",
    EXAMPLE("by id", "{\"driveId\":\"0AbCdEf\",\"fields\":\"*\"}"));

/* Google knows a repeated request by its requestId: it answers 409, and makes no second drive. */
static const char drives_create_input[] = INPUT(REQUIRED("\"requestId\",\"name\""),
    FULL("requestId", "256", "a UUID of your own: the same one never makes a second drive") ","
    DRIVE_MEMBERS "," FIELDS);
WRITE(drives_create, BB_OP_IDEMPOTENT, "POST", "drives.create", "drives", NULL, OWN, REF("drive"),
    "Make a shared drive",
    EXAMPLE("by name", "{\"requestId\":\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\",\"name\":\"Accounting\"}"));

static const char drives_update_input[] = INPUT(REQUIRED("\"driveId\""),
    DRIVE_ID "," DRIVE_MEMBERS "," FIELDS "," ADMIN);
WRITE(drives_update, BB_OP_IDEMPOTENT, "PATCH", "drives.update", "drives/{driveId}", NULL, OWN, REF("drive"),
    "Change a shared drive's name, look or restrictions",
    EXAMPLE("rename", "{\"driveId\":\"0AbCdEf\",\"name\":\"Accounting 2026\"}"));

static const char drives_delete_input[] = INPUT(REQUIRED("\"driveId\""),
    DRIVE_ID ","
    BOOLEAN("allowItemDeletion", "also with what is in it; needs useDomainAdminAccess") ","
    ADMIN);
REMOVE(drives_delete, "drives.delete", "drives/{driveId}", OWN,
    "Delete a shared drive for good; it must be empty",
    EXAMPLE("by id", "{\"driveId\":\"0AbCdEf\"}"));

static const char drives_hide_input[] = INPUT(REQUIRED("\"driveId\""), DRIVE_ID "," FIELDS);
ROUTE(drives_hide, "POST", API "drives/{driveId}/hide", BB_REST_QUERY, NULL, NULL, NULL, OWN)
STEPS(drives_hide, gd_start, gd_resume)
OPERATION(drives_hide, BB_OP_IDEMPOTENT, "drives.hide", "Hide a shared drive from the user's default view", NULL, REF("drive"), NULL,
    EXAMPLE("by id", "{\"driveId\":\"0AbCdEf\"}"), 0);

static const char drives_unhide_input[] = INPUT(REQUIRED("\"driveId\""), DRIVE_ID "," FIELDS);
ROUTE(drives_unhide, "POST", API "drives/{driveId}/unhide", BB_REST_QUERY, NULL, NULL, NULL, OWN)
STEPS(drives_unhide, gd_start, gd_resume)
OPERATION(drives_unhide, BB_OP_IDEMPOTENT, "drives.unhide", "Show a shared drive in the user's default view again", NULL, REF("drive"), NULL,
    EXAMPLE("by id", "{\"driveId\":\"0AbCdEf\"}"), 0);
