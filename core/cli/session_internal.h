/* session_internal.h - what the files that talk to a hub share. */
#ifndef CLI_SESSION_INTERNAL_H
#define CLI_SESSION_INTERNAL_H

#include "cli/cli.h"

#include "hub/hub.h"

#include <curl/curl.h>
#include <pthread.h>

#define ANSWER_TIMEOUT_S 90 /* beyond the call's own --timeout */
#define KEY_MAX 512

typedef struct watch watch; /* session_watch.c */

struct session {
    watch *watch; /* NULL: nothing is shown */
    CURL *curl;
    char *url, *key;
    const char *cacert; /* NULL: the system's */
    long timeout_s;
    bool quiet; /* that no hub answers is told by others */
    hub *own;   /* --offline */
    pthread_t thread;
};

/* A header line more, by which the call is found while it runs; `headers` may be NULL, and is where there is
 * no watch. */
struct curl_slist *watch_header(const session *s, struct curl_slist *headers);
/* Asks how far it is, where it is time to. True: it has been shown. */
bool watch_look(session *s);
void watch_end(session *s); /* the request is over: the line is wiped */
void watch_free(session *s);
/* Where `s`'s requests go, and as whom, as far as any of them has that in common. */
struct curl_slist *session_prepare(const session *s, CURL *curl, const char *url);
size_t session_take_body(char *bytes, size_t size, size_t n, void *body);

/* Says why there is no answer; gives the exit code. */
int session_explain(const session *s, CURLcode code);

#endif
