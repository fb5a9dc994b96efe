/* salesforce - records, queries, bulk jobs and events of a Salesforce org, by its REST API
 * (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/). */
#include "salesforce.h"
#include "../settings.h"

#define SALESFORCE_POINTER(var) &sf_##var,
static const bb_operation *const operations[] = {SALESFORCE_OPERATIONS(SALESFORCE_POINTER) NULL};

static const char settings_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"pattern\":\"^https?://[^/]+$\",\"default\":\"https://"
    "login.salesforce.com\","
    "\"description\":\"where to log in: the org's My Domain (https://NAME.my.salesforce.com), or "
    "https://test.salesforce.com; with scheme bearer, the org's My Domain itself\"},"
    "\"api_version\":{\"type\":\"string\",\"pattern\":\"^v[0-9]{2}\\\\.[0-9]$\",\"default\":\"v62.0\"},"
    "\"client\":{\"type\":\"string\",\"maxLength\":100,\"pattern\":\"^[A-Za-z0-9_./-]+$\","
    "\"description\":\"client of Sforce-Call-Options: a partner's, for its own limits\"},"
    "\"default_namespace\":{\"type\":\"string\",\"maxLength\":100,\"pattern\":\"^[A-Za-z][A-Za-z0-9_]*$\","
    "\"description\":\"defaultNamespace of Sforce-Call-Options: names of a managed package need no "
    "prefix\"}}}";

static const bb_auth_scheme oauth2 = {
    BB_SIZE(bb_auth_scheme), .scheme = "oauth2",
    .summary = "an external client app (or connected app) of the org: Setup, App Manager; scopes: api, and "
               "refresh_token where a user gives consent",
    .defaults = "{\"token_url\":\"/services/oauth2/token\",\"authorize_url\":\"/services/oauth2/authorize\","
                "\"revoke_url\":\"/services/oauth2/revoke\","
                "\"assertion_audience\":\"https://login.salesforce.com\",\"base_url_from\":\"instance_url\","
                "\"base_url_hosts\":\".salesforce.com .force.com .salesforce.mil .sfcrmproducts.cn\"}"};
static const bb_auth_scheme bearer = {
    BB_SIZE(bb_auth_scheme), .scheme = "bearer",
    .summary = "token: a session id or access token that something else renews"};
static const bb_auth_scheme *const schemes[] = {&oauth2, &bearer, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "salesforce",
    .name = "Salesforce",
    .version = "1.0.0",
    .summary = "Records, SOQL, bulk jobs, platform events and files of a Salesforce org",
    .vendor = "Busbar",
    .homepage = "https://developer.salesforce.com/docs/apis",
    .settings_schema = settings_schema,
    .operations = operations,
    .auth_schemes = schemes,
    .schemas = sf_schemas,
    .test_operation = "limits",
    .create = settings_create,
    .destroy = settings_destroy,
};

static const bb_extension extensions[] = {{BB_EXT_CONTENT, &sf_content},
                                          {BB_EXT_WEBHOOK, &sf_webhooks},
                                          {BB_EXT_ABANDON, &sf_abandons},
                                          {NULL, NULL}};
BUSBAR_PLUGIN_WITH(plugin, extensions);
