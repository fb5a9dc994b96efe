/* stripe - payments, customers, subscriptions and invoices, by Stripe's API (https://docs.stripe.com/api). */
#include "stripe.h"
#include "../settings.h"

#define STRIPE_POINTER(var) &stripe_##var,
static const bb_operation *const operations[] = {STRIPE_OPERATIONS(STRIPE_POINTER) NULL};

static const char settings_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"pattern\":\"^https?://\",\"default\":\"https://api.stripe.com\"},"
    "\"files_url\":{\"type\":\"string\",\"pattern\":\"^https?://\",\"default\":\"https://files.stripe.com\","
    "\"x-busbar-credentials\":true,\"description\":\"where files are uploaded to and read from\"},"
    "\"api_version\":{\"type\":\"string\",\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}(\\\\.[a-z]+)?$\","
    "\"description\":\"Stripe-Version; default: the account's\"},"
    "\"stripe_account\":{\"type\":\"string\",\"pattern\":\"^acct_\","
    "\"description\":\"Connect: act for this account (Stripe-Account)\"}}}";

static const bb_auth_scheme bearer = {
    BB_SIZE(bb_auth_scheme), .scheme = "bearer",
    .summary = "token: a secret key (sk_...), or better a restricted key (rk_...) with only the permissions "
               "that are needed; Stripe's dashboard, Developers, API keys"};
static const bb_auth_scheme basic = {BB_SIZE(bb_auth_scheme), .scheme = "basic",
                                     .summary = "username: the key; password: empty"};
static const bb_auth_scheme *const schemes[] = {&bearer, &basic, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "stripe",
    .name = "Stripe",
    .version = "1.2.0",
    .summary = "Payments, customers, products, subscriptions and invoices",
    .vendor = "Busbar",
    .homepage = "https://docs.stripe.com/api",
    .settings_schema = settings_schema,
    .operations = operations,
    .auth_schemes = schemes,
    .schemas = stripe_schemas,
    .test_operation = "balance.retrieve",
    .create = settings_create,
    .destroy = settings_destroy,
};

static const bb_extension extensions[] = {
    {BB_EXT_WEBHOOK, &stripe_webhooks}, {BB_EXT_CONTENT, &stripe_content}, {NULL, NULL}};
BUSBAR_PLUGIN_WITH(plugin, extensions);
