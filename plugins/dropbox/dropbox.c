/* dropbox - files, folders, sharing and accounts, by Dropbox's API, version 2
 * (https://www.dropbox.com/developers/documentation/http/documentation). */
#include "dropbox.h"
#include "../settings.h"
#include "schemas.h"

#define DROPBOX_POINTER(var) &dropbox_##var,
static const bb_operation *const operations[] = {DROPBOX_OPERATIONS(DROPBOX_POINTER) NULL};

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define URL(name, url, more, text) \
    "\"" name "\":{\"type\":\"string\",\"pattern\":\"^https?://\",\"default\":\"" url "\"" more "," TOLD(text) "}"

static const char settings_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    URL("base_url", "https://api.dropboxapi.com", "", "what takes calls") ","
    URL("content_url", "https://content.dropboxapi.com", ",\"x-busbar-credentials\":true", "what takes and gives files") ","
    URL("notify_url", "https://notify.dropboxapi.com", "", "what waits for changes; gets no credentials") ","
    "\"path_root\":{\"type\":\"string\",\"pattern\":\"" ROOT_PATTERN "\","
    TOLD("where paths begin: home, root:ID or ns:ID (Dropbox-API-Path-Root); default: home") "},"
    "\"select_user\":{\"type\":\"string\",\"pattern\":\"^dbmid:[!-~]+$\","
    TOLD("team tokens: the member for whom calls are made (Dropbox-API-Select-User)") "},"
    "\"select_admin\":{\"type\":\"string\",\"pattern\":\"^dbmid:[!-~]+$\","
    TOLD("team tokens: the admin as whom calls are made (Dropbox-API-Select-Admin)") "},"
    "\"upload_single\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":150,\"default\":150,"
    TOLD("MiB that files.upload sends in one request; more by an upload session") "},"
    "\"upload_chunk\":{\"type\":\"integer\",\"minimum\":4,\"maximum\":148,\"multipleOf\":4,\"default\":64,"
    TOLD("MiB of a session's pieces: what is sent again after a break is at most that") "}}}";

static const bb_auth_scheme oauth2 = {
    BB_SIZE(bb_auth_scheme), .scheme = "oauth2",
    .summary = "client_id: the app's key; client_secret: its secret, or none (PKCE alone). Redirect URI: URL/oauth/callback "
               "of this hub. Least scopes: account_info.read, files.metadata.read and files.content.read to read; "
               "files.content.write to write; sharing.read, sharing.write for links",
    .defaults = "{\"grant\":\"authorization_code\",\"authorize_url\":\"https://www.dropbox.com/oauth2/authorize\","
                "\"token_url\":\"https://api.dropboxapi.com/oauth2/token\","
                "\"authorize_parameters\":\"{\\\"token_access_type\\\":\\\"offline\\\"}\"}"};
static const bb_auth_scheme bearer = {
    BB_SIZE(bb_auth_scheme), .scheme = "bearer",
    .summary = "token: an access token, as the app's Settings page makes one to try things; it lasts four hours"};
static const bb_auth_scheme *const schemes[] = {&oauth2, &bearer, NULL};

/* clang-format on */

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "dropbox",
    .name = "Dropbox",
    .version = "1.0.0",
    .summary = "Files, folders, sharing and accounts",
    .vendor = "Busbar",
    .homepage = "https://www.dropbox.com/developers/documentation/http/documentation",
    .settings_schema = settings_schema,
    .operations = operations,
    .auth_schemes = schemes,
    .schemas = dropbox_schemas,
    .test_operation = "users.get_current_account",
    .create = settings_create,
    .destroy = settings_destroy,
};

static const bb_extension extensions[] = {
    {BB_EXT_CONTENT, &dropbox_contents}, {BB_EXT_WEBHOOK, &dropbox_webhooks}, {NULL, NULL}};
BUSBAR_PLUGIN_WITH(plugin, extensions);
