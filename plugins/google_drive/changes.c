/* changes.c - who the user is, what has changed since, and channels by which Google tells of changes. */
#include "google_drive.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* Google gives nothing here without `fields`. */
static const char about_get_input[] = INPUT("",
    FIELDS);
READ(about_get, "about.get", "about", "user,storageQuota", OWN, REF("about"),
    "Read whose Drive it is, and how full",
    EXAMPLE("what documents can be exported as", "{\"fields\":\"user,storageQuota,exportFormats\"}"));

/* --- changes -------------------------------------------------------------------------------------------- */

static const char changes_get_start_page_token_input[] = INPUT("",
    ID("driveId", "of this shared drive's own changes; default: the user's") "," FIELDS "," ALL_DRIVES);
READ(changes_get_start_page_token, "changes.getStartPageToken", "changes/startPageToken", NULL, SHARED,
    "{\"type\":\"object\",\"properties\":{\"startPageToken\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"}}}",
    "Get the token with which changes.list tells what changes from now on",
    EXAMPLE("the user's", "{}"));

#define CHANGES \
    FULL("pageToken", "5000", "from changes.getStartPageToken, or newStartPageToken of the last page before") "," \
    COUNT("pageSize", "1000", "changes a page") "," \
    ID("driveId", "of this shared drive's own changes") "," \
    BOOLEAN("includeCorpusRemovals", "the file as it is now, also where it left the list of changes") "," \
    BOOLEAN("includeItemsFromAllDrives", "shared drives' files too") "," \
    BOOLEAN("includeRemoved", "also what was deleted or is out of sight; default true") "," \
    BOOLEAN("restrictToMyDrive", "only files in My Drive") "," \
    PATTERN("spaces", "^(drive|appDataFolder)(,(drive|appDataFolder))*$", "drive, appDataFolder, or both with a comma between") "," \
    LABELS "," VIEW "," ALL_DRIVES "," FIELDS

static const char changes_list_input[] = INPUT(REQUIRED("\"pageToken\""), CHANGES);
static const gd_route route_changes_list = {
    .rest = {.method = "GET", .path = API "changes", .members = BB_REST_QUERY, .aside = GD_ASIDE, .cursor = "pageToken"},
    .page = "nextPageToken,newStartPageToken", .shared = SHARED};
STEPS(changes_list, gd_start, gd_list_resume)
OPERATION(changes_list, BB_OP_SAFE | BB_OP_PAGINATED, "changes.list", "List what has changed since a page token",
    "The last page has `newStartPageToken`: keep it for the next time. `--all` gives the changes alone, so read a page at a time where the token is wanted.",
    "{\"type\":\"object\",\"properties\":{\"changes\":{\"type\":\"array\",\"items\":" REF("change") "},\"nextPageToken\":{\"type\":\"string\"},\"newStartPageToken\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"}}}",
    "/changes",
    EXAMPLE("with names", "{\"pageToken\":\"8\",\"fields\":\"changes(fileId,removed,file(name,trashed))\"}"), 0);

/* --- channels ------------------------------------------------------------------------------------------- */

/* The token comes back with each notification: the webhook scheme knows Google by it. */
#define CHANNEL \
    FULL("id", "64", "a UUID of your own") "," \
    CHOICE("type", "\"web_hook\",\"webhook\"", "how it is told") "," \
    PATTERN("address", "^https?://", "URL that is told; https, and of a verified domain") "," \
    SECRET("token", "256", "comes back with each notification, so that you know it is Google's") "," \
    PATTERN("expiration", "^[0-9]+$", "milliseconds since 1970; a file's channel lives a day, that of changes a week at most") "," \
    KEYS("params", "ttl: seconds that it lives, in place of expiration") "," \
    BOOLEAN("payload", "with a body")

static const char files_watch_input[] = INPUT(REQUIRED("\"fileId\",\"id\",\"type\",\"address\""),
    FILE_ID "," CHANNEL "," LABELS "," VIEW "," ALL_DRIVES "," FIELDS);
WRITE(files_watch, 0, "POST", "files.watch", "files/{fileId}/watch", NULL, SHARED, REF("channel"),
    "Have Google tell of changes of a file",
    EXAMPLE("for a day", "{\"fileId\":\"1AbCdEf\",\"id\":\"01234567-89ab-cdef-0123456789ab\",\"type\":\"web_hook\",\"address\":\"https://hub.example.com/hooks/drive\",\"token\":\"a long random text\"}"));

static const char changes_watch_input[] = INPUT(REQUIRED("\"pageToken\",\"id\",\"type\",\"address\""),
    CHANGES "," CHANNEL);
static const gd_route route_changes_watch = {
    .rest = {.method = "POST", .path = API "changes/watch", .members = BB_REST_JSON, .query = GD_QUERY " driveId", .aside = GD_ASIDE},
    .shared = SHARED};
STEPS(changes_watch, gd_start, gd_resume)
OPERATION(changes_watch, 0, "changes.watch", "Have Google tell that there are changes", NULL, REF("channel"), NULL,
    EXAMPLE("of the user's", "{\"pageToken\":\"8\",\"id\":\"01234567-89ab-cdef-0123456789ab\",\"type\":\"web_hook\",\"address\":\"https://hub.example.com/hooks/drive\",\"token\":\"a long random text\"}"), 0);

static const char channels_stop_input[] = INPUT(REQUIRED("\"id\",\"resourceId\""),
    FULL("id", "64", "the channel's") ","
    FULL("resourceId", "512", "as files.watch or changes.watch gave it"));
ROUTE(channels_stop, "POST", API "channels/stop", BB_REST_JSON, NULL, NULL, NULL, OWN)
STEPS(channels_stop, gd_start, gd_empty_resume)
OPERATION(channels_stop, BB_OP_IDEMPOTENT, "channels.stop", "Have Google tell no more", NULL, "{\"type\":\"null\"}", NULL,
    EXAMPLE("by id", "{\"id\":\"01234567-89ab-cdef-0123456789ab\",\"resourceId\":\"o3hgv1538sdjfh\"}"), 0);
