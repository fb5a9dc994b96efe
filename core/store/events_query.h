/* events_query.h - what a query of the queue means, for those who list and those who change by it. */
#ifndef STORE_EVENTS_QUERY_H
#define STORE_EVENTS_QUERY_H

#include "store/events_internal.h"

/* Room for the texts of a query: behind the job that has a copy of it. */
size_t query_size(const event_query *q);
void query_copy(event_query *to, const event_query *from, char *texts);

/* Whether an event's time, source and type are what is asked for. */
bool query_fits(const event_query *q, uint64_t at_ms, bb_str source, bb_str type);
/* As the file has it: STATE_WAITING and STATE_LATER are DELIVERY_PENDING. */
bool query_fits_state(const event_query *q, int state);
const char *delivery_state_name(int state);

/* The row of an event by its id; STORE_NOT_FOUND. */
store_result query_event_number(database *d, bb_str id, int64_t *number);
store_result query_target_number(database *d, bb_str name, int64_t *number);

#endif
