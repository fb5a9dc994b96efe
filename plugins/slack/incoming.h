/* incoming.h - incoming webhooks, and the auth scheme that keeps their URL. */
#ifndef SLACK_INCOMING_H
#define SLACK_INCOMING_H

#include <busbar/auth.h>
#include <busbar/busbar.h>

/* The path that stands for a webhook's URL until the request is signed. */
#define SLACK_INCOMING "/incoming-webhook"

extern const bb_auth_extension slack_auth;
bb_step slack_incoming_resume(bb_call *call);

#endif
