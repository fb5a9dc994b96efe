/* slack - messages, conversations, users and files, by Slack's Web API
 * (https://docs.slack.dev/apis/web-api/). */
#include "slack.h"
#include "../settings.h"
#include "incoming.h"
#include "webhook.h"

#define SLACK_POINTER(var) &slack_##var,
static const bb_operation *const operations[] = {SLACK_OPERATIONS(SLACK_POINTER) NULL};

static const char settings_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"pattern\":\"^https?://\",\"default\":\"https://slack.com/api\"},"
    "\"files_url\":{\"type\":\"string\",\"pattern\":\"^https?://\",\"default\":\"https://files.slack.com\","
    "\"x-busbar-credentials\":true,\"description\":\"where the bytes of files are read\"}}}";

static const bb_auth_scheme bearer = {
    BB_SIZE(bb_auth_scheme), .scheme = "bearer",
    .summary = "token: a bot token (xoxb-...) of your app, OAuth & Permissions; least scopes: chat:write to "
               "send, channels:read, channels:history and users:read to read"};
static const bb_auth_scheme *const schemes[] = {&bearer, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "slack",
    .name = "Slack",
    .version = "1.2.0",
    .summary = "Messages, conversations, users, files and views",
    .vendor = "Busbar",
    .homepage = "https://docs.slack.dev/apis/web-api/",
    .settings_schema = settings_schema,
    .operations = operations,
    .auth_schemes = schemes,
    .schemas = slack_schemas,
    .test_operation = "auth.test",
    .create = settings_create,
    .destroy = settings_destroy,
};

static const bb_extension extensions[] = {{BB_EXT_AUTH, &slack_auth},
                                          {BB_EXT_WEBHOOK, &slack_webhooks},
                                          {BB_EXT_CONTENT, &slack_content},
                                          {NULL, NULL}};
BUSBAR_PLUGIN_WITH(plugin, extensions);
