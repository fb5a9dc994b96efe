/* webhook.h - what Slack posts to the hub. */
#ifndef SLACK_WEBHOOK_H
#define SLACK_WEBHOOK_H

#include <busbar/webhook.h>

extern const bb_webhook_extension slack_webhooks;

#endif
