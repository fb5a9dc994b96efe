/* session_internal.h - what the files that talk to a hub share. */
#ifndef CLI_SESSION_INTERNAL_H
#define CLI_SESSION_INTERNAL_H

#include "cli/cli.h"

#include "hub/hub.h"

#include <curl/curl.h>
#include <pthread.h>

#define ANSWER_TIMEOUT_S 90 /* beyond the call's own --timeout */
#define KEY_MAX 512

struct session {
    CURL *curl;
    char *url, *key;
    long timeout_s;
    hub *own; /* --offline */
    pthread_t thread;
};

/* Says why there is no answer; gives the exit code. */
int session_explain(const session *s, CURLcode code);

#endif
