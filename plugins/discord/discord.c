/* discord - messages, channels, threads, members, roles, reactions, webhooks, commands and interactions, by
 * Discord's API v10 (https://docs.discord.com/developers/reference).
 *
 * One file a noun; request.c and answers.c are what they have in common. */
#include "discord.h"

#include "objects.h"

/* clang-format off */
static const char settings_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"pattern\":\"^https?://\",\"default\":\"https://discord.com/api/v10\"},"
    "\"application_id\":{\"type\":\"string\",\"pattern\":\"^[0-9]{1,20}$\",\"description\":\"of commands and interactions\"},"
    "\"webhook_id\":{\"type\":\"string\",\"pattern\":\"^[0-9]{1,20}$\",\"description\":\"https://discord.com/api/webhooks/ID/TOKEN\"},"
    "\"webhook_token\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_-]{1,200}$\",\"writeOnly\":true,"
    "\"description\":\"the webhook's token: a secret, as ${secret:NAME}\"},"
    "\"user_agent\":{\"type\":\"string\",\"pattern\":\"^DiscordBot \\\\(\",\"default\":\"DiscordBot (busbar, 1.0.0)\","
    "\"description\":\"DiscordBot (URL, VERSION), as Discord wants it\"},"
    "\"refused_max\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":10000,\"default\":5000,"
    "\"description\":\"answers of 401, 403 and 429 in ten minutes, after which none is asked for; 0: no limit\"}}}";
/* clang-format on */

#define POINTER(var) &dc_##var,
static const bb_operation *const operations[] = {DC_OPERATIONS(POINTER) NULL};

static const bb_auth_scheme bot = {BB_SIZE(bb_auth_scheme), .scheme = "bearer",
                                   .summary = "token: the bot's token (developer portal, your application, "
                                              "Bot, Reset Token). For a user's OAuth 2 token set "
                                              "prefix = Bearer",
                                   .defaults = "{\"prefix\":\"Bot\"}"};
static const bb_auth_scheme oauth = {
    BB_SIZE(bb_auth_scheme), .scheme = "oauth2",
    .summary = "tokens of users, or of the application by client_credentials (applications.commands.update); "
               "developer portal, OAuth2"};
static const bb_auth_scheme none = {BB_SIZE(bb_auth_scheme), .scheme = "none",
                                    .summary = "webhooks and interactions: their tokens are all they need"};
static const bb_auth_scheme *const schemes[] = {&bot, &oauth, &none, NULL};

static bb_code create(const bb_connection *connection, void **instance) {
    const bb_json_api *json = connection->host->json;
    int64_t most = 0;
    json->to_int64(json->get(connection->settings, bb_s("refused_max")), &most);
    *instance = dc_instance_new(connection->settings, most);
    return *instance != NULL ? BB_OK : BB_E_NO_MEMORY;
}

static void destroy(void *instance) {
    dc_instance_free((dc_instance *)instance);
}

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "discord",
    .name = "Discord",
    .version = "1.1.0",
    .summary = "Messages, channels, threads, members, roles, webhooks, commands and interactions",
    .vendor = "Busbar",
    .homepage = "https://docs.discord.com/developers/reference",
    .settings_schema = settings_schema,
    .operations = operations,
    .auth_schemes = schemes,
    .schemas = dc_schemas,
    .test_operation = "test",
    .create = create,
    .destroy = destroy,
};

static const bb_extension extensions[] = {
    {BB_EXT_WEBHOOK, &dc_webhooks}, {BB_EXT_CONTENT, &dc_content}, {NULL, NULL}};

BUSBAR_PLUGIN_WITH(plugin, extensions);
