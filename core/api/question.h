/* question.h - questions to the queue, of events and of deliveries: what events_list.c and deliveries.c
 * share. */
#ifndef API_QUESTION_H
#define API_QUESTION_H

#include "api/audited.h"
#include "webhook/webhook.h"

/* In the exchange's memory, which stays until the exchange is answered. */
typedef struct question question;
struct question {
    api *api;
    http_exchange *x;
    event_query query;
    const char *kept; /* "events" */
    void (*refuse)(const question *q, store_result r);
    const char *word; /* of a change's answer: "redriven" */
    audited note;
    store_result result;
    uint64_t count; /* changed */
    bb_str event;   /* JSON, of the one that is shown */
    target ordered; /* of a replay: what the target gets, and by what it orders it */
};

/* `refuse` answers where the queue does not. NULL: the exchange has been answered. */
question *question_new(api *a, http_exchange *x, const char *kept,
                       void (*refuse)(const question *q, store_result r));
void question_busy(const question *q);

/* A list: its times, "before", "limit", "type" and "source" from the request's query, which has no others
 * than `known`. False: answered. */
bool question_read_list(question *q, const char *const *known);
/* Whether there can be any between its times. False: it has been answered. */
bool question_check_times(const question *q);
/* The queue's answer to it. */
void question_on_list(store_result r, bb_str json, int64_t next, void *q);
/* And that to a change: {"redriven": 2}. */
void question_on_changed(void *q);

#endif
