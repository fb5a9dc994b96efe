/* objects.c - the objects that come back. `fields` says which of their members do, so none is required. */
#include "google_drive.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define CLASS(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"
#define TEXT(name) "\"" name "\":{\"type\":\"string\"}"
#define WHOLE(name) "\"" name "\":{\"type\":\"string\",\"pattern\":\"^-?[0-9]+$\"}" /* 64 bits, as text */
#define TRUTH(name) "\"" name "\":{\"type\":\"boolean\"}"
#define OPEN(name) "\"" name "\":{\"type\":\"object\"}"
#define TEXTS(name) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
#define ONE(name, schema) "\"" name "\":{\"$ref\":\"" schema "\"}"
#define MANY(name, schema) "\"" name "\":{\"type\":\"array\",\"items\":{\"$ref\":\"" schema "\"}}"

static const char user_schema[] = CLASS(
    TEXT("displayName") "," TEXT("emailAddress") "," TEXT("kind") "," TRUTH("me") "," TEXT("permissionId") "," TEXT("photoLink"));

static const char permission_schema[] = CLASS(
    TRUTH("allowFileDiscovery") "," TRUTH("deleted") "," TEXT("displayName") "," TEXT("domain") "," TEXT("emailAddress") ","
    TEXT("expirationTime") "," TEXT("id") "," TRUTH("inheritedPermissionsDisabled") "," TEXT("kind") "," TRUTH("pendingOwner") ","
    "\"permissionDetails\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}," TEXT("role") "," TEXT("type") "," TEXT("view"));

static const char file_schema[] = CLASS(
    OPEN("appProperties") "," OPEN("capabilities") "," OPEN("contentHints") ","
    "\"contentRestrictions\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}," TRUTH("copyRequiresWriterPermission") ","
    TEXT("createdTime") "," TEXT("description") "," OPEN("downloadRestrictions") "," TEXT("driveId") "," TRUTH("explicitlyTrashed") ","
    OPEN("exportLinks") "," TEXT("fileExtension") "," TEXT("folderColorRgb") "," TEXT("fullFileExtension") ","
    TRUTH("hasThumbnail") "," TEXT("headRevisionId") "," TEXT("iconLink") "," TEXT("id") "," OPEN("imageMediaMetadata") ","
    TRUTH("isAppAuthorized") "," TEXT("kind") "," OPEN("labelInfo") "," ONE("lastModifyingUser", "user") ","
    TEXT("md5Checksum") "," TEXT("mimeType") "," TRUTH("modifiedByMe") "," TEXT("modifiedTime") "," TEXT("name") ","
    TEXT("originalFilename") "," TRUTH("ownedByMe") "," MANY("owners", "user") "," TEXTS("parents") "," TEXTS("permissionIds") ","
    MANY("permissions", "permission") "," OPEN("properties") "," WHOLE("quotaBytesUsed") "," TEXT("resourceKey") ","
    TEXT("sha1Checksum") "," TEXT("sha256Checksum") "," TRUTH("shared") "," TEXT("sharedWithMeTime") "," ONE("sharingUser", "user") ","
    OPEN("shortcutDetails") "," WHOLE("size") "," TEXTS("spaces") "," TRUTH("starred") "," TEXT("thumbnailLink") ","
    TRUTH("trashed") "," TEXT("trashedTime") "," ONE("trashingUser", "user") "," WHOLE("version") "," OPEN("videoMediaMetadata") ","
    TRUTH("viewedByMe") "," TEXT("webContentLink") "," TEXT("webViewLink") "," TRUTH("writersCanShare"));

static const char drive_schema[] = CLASS(
    OPEN("backgroundImageFile") "," TEXT("backgroundImageLink") "," OPEN("capabilities") "," TEXT("colorRgb") "," TEXT("createdTime") ","
    TRUTH("hidden") "," TEXT("id") "," TEXT("kind") "," TEXT("name") "," TEXT("orgUnitId") "," OPEN("restrictions") "," TEXT("themeId"));

static const char revision_schema[] = CLASS(
    OPEN("exportLinks") "," TEXT("id") "," TRUTH("keepForever") "," TEXT("kind") "," ONE("lastModifyingUser", "user") ","
    TEXT("md5Checksum") "," TEXT("mimeType") "," TEXT("modifiedTime") "," TEXT("originalFilename") "," TRUTH("publishAuto") ","
    TRUTH("published") "," TEXT("publishedLink") "," TRUTH("publishedOutsideDomain") "," WHOLE("size"));

static const char change_schema[] = CLASS(
    TEXT("changeType") "," ONE("drive", "drive") "," TEXT("driveId") "," ONE("file", "file") "," TEXT("fileId") "," TEXT("kind") ","
    TRUTH("removed") "," TEXT("time"));

static const char channel_schema[] = CLASS(
    TEXT("address") "," WHOLE("expiration") "," TEXT("id") "," TEXT("kind") "," OPEN("params") "," TRUTH("payload") ","
    TEXT("resourceId") "," TEXT("resourceUri") "," TEXT("token") "," TEXT("type"));

static const char reply_schema[] = CLASS(
    TEXT("action") "," TEXT("assigneeEmailAddress") "," ONE("author", "user") "," TEXT("content") "," TEXT("createdTime") ","
    TRUTH("deleted") "," TEXT("htmlContent") "," TEXT("id") "," TEXT("kind") "," TEXTS("mentionedEmailAddresses") "," TEXT("modifiedTime"));

static const char comment_schema[] = CLASS(
    TEXT("anchor") "," TEXT("assigneeEmailAddress") "," ONE("author", "user") "," TEXT("content") "," TEXT("createdTime") ","
    TRUTH("deleted") "," TEXT("htmlContent") "," TEXT("id") "," TEXT("kind") "," TEXTS("mentionedEmailAddresses") ","
    TEXT("modifiedTime") "," OPEN("quotedFileContent") "," MANY("replies", "reply") "," TRUTH("resolved"));

static const char about_schema[] = CLASS(
    TRUTH("appInstalled") "," TRUTH("canCreateDrives") "," "\"driveThemes\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},"
    OPEN("exportFormats") "," TEXTS("folderColorPalette") "," OPEN("importFormats") "," TEXT("kind") "," OPEN("maxImportSizes") ","
    WHOLE("maxUploadSize") "," OPEN("storageQuota") "," ONE("user", "user"));

/* clang-format on */

#define SCHEMA(name_) \
    static const bb_schema name_ = {BB_SIZE(bb_schema), .name = #name_, .text = name_##_schema};
SCHEMA(user)
SCHEMA(permission)
SCHEMA(file)
SCHEMA(drive)
SCHEMA(revision)
SCHEMA(change)
SCHEMA(channel)
SCHEMA(reply)
SCHEMA(comment)
SCHEMA(about)

const bb_schema *const gd_schemas[] = {&user,    &permission, &file,    &drive, &revision, &change,
                                       &channel, &reply,      &comment, &about, NULL};
