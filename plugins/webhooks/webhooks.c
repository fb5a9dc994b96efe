/* webhooks.c - how services sign what they post, for services that have no connector of their own here. */
#include "webhooks.h"

static const bb_webhook_scheme *const schemes[] = {&github,  &gitlab, &hubspot, &jira, &meta,
                                                   &shopify, &twilio, &x,       NULL};
static const bb_webhook_extension webhooks = {BB_SIZE(bb_webhook_extension), .schemes = schemes};
static const bb_extension extensions[] = {{BB_EXT_WEBHOOK, &webhooks}, {NULL, NULL}};
static const bb_operation *const operations[] = {NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "webhooks",
    .name = "Webhooks",
    .version = "1.0.0",
    .summary = "Signatures of GitHub, GitLab, HubSpot, Jira, Meta, Shopify, Twilio and X",
    .operations = operations,
};
BUSBAR_PLUGIN_WITH(plugin, extensions);
