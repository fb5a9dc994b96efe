/* google_drive - files, permissions, changes and shared drives, by Google Drive's API v3. */
#include "google_drive.h"
#include "../settings.h"

#define GD_POINTER(var) &gd_##var,
static const bb_operation *const operations[] = {GD_OPERATIONS(GD_POINTER) NULL};

static const char settings_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"pattern\":\"^https?://\",\"default\":\"https://"
    "www.googleapis.com\"},"
    "\"all_drives\":{\"type\":\"boolean\",\"default\":true,"
    "\"description\":\"supportsAllDrives of requests whose input says nothing: files of shared drives too\"},"
    "\"upload_piece\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":4096,\"default\":0,"
    "\"description\":\"MiB of a resumable upload that go in one request; 0: all of it\"},"
    "\"quota_project\":{\"type\":\"string\",\"pattern\":\"^[a-z0-9.:-]+$\","
    "\"description\":\"X-Goog-User-Project: the project whose quota is used, where it is not the "
    "client's\"}}}";

/* Google's endpoints, which change less often than its discovery document is asked for. */
static const bb_auth_scheme oauth = {
    BB_SIZE(bb_auth_scheme), .scheme = "oauth2",
    .summary =
        "grant = authorization_code: a user gives consent; client_id and client_secret from "
        "console.cloud.google.com, APIs & Services, Credentials. grant = jwt_bearer: a service account; "
        "assertion_issuer, key and kid are client_email, private_key and private_key_id of its key file. "
        "Least scope: drive.file, the files that this client made or was given",
    .defaults = "{\"authorize_url\":\"https://accounts.google.com/o/oauth2/v2/auth\","
                "\"token_url\":\"https://oauth2.googleapis.com/token\","
                "\"revoke_url\":\"https://oauth2.googleapis.com/revoke\","
                "\"device_url\":\"https://oauth2.googleapis.com/device/code\","
                "\"grant\":\"authorization_code\","
                "\"scope\":\"https://www.googleapis.com/auth/drive.file\","
                "\"authorize_parameters\":\"{\\\"access_type\\\": \\\"offline\\\", \\\"prompt\\\": "
                "\\\"consent\\\"}\"}"};
static const bb_auth_scheme bearer = {
    BB_SIZE(bb_auth_scheme), .scheme = "bearer",
    .summary = "token: an access token that was got elsewhere; Google's live for an hour"};
static const bb_auth_scheme api_key = {
    BB_SIZE(bb_auth_scheme), .scheme = "api_key",
    .summary = "key: an API key of the project; reads files that are shared with anyone, and nothing else",
    .defaults = "{\"in\":\"query\",\"name\":\"key\"}"};
static const bb_auth_scheme *const schemes[] = {&oauth, &bearer, &api_key, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "google_drive",
    .name = "Google Drive",
    .version = "1.0.0",
    .summary = "Files, permissions, changes, revisions, comments and shared drives",
    .vendor = "Busbar",
    .homepage = "https://developers.google.com/workspace/drive/api/reference/rest/v3",
    .settings_schema = settings_schema,
    .operations = operations,
    .auth_schemes = schemes,
    .schemas = gd_schemas,
    .test_operation = "about.get",
    .create = settings_create,
    .destroy = settings_destroy,
};

#define CONTENT(var, bits, name) \
    static const bb_content_operation var = {BB_SIZE(bb_content_operation), bits, name}
CONTENT(upload, BB_CONTENT_TAKES | BB_CONTENT_LENGTH, "files.upload");
CONTENT(replace, BB_CONTENT_TAKES | BB_CONTENT_LENGTH, "files.replace");
CONTENT(download, BB_CONTENT_GIVES, "files.download");
CONTENT(export, BB_CONTENT_GIVES, "files.export");
CONTENT(revision, BB_CONTENT_GIVES, "revisions.download");
static const bb_content_operation *const with_content[] = {&upload, &replace,  &download,
                                                           &export, &revision, NULL};
static const bb_content_extension content = {BB_SIZE(bb_content_extension), .operations = with_content};

static const bb_extension extensions[] = {
    {BB_EXT_WEBHOOK, &gd_webhooks}, {BB_EXT_CONTENT, &content}, {NULL, NULL}};
BUSBAR_PLUGIN_WITH(plugin, extensions);
