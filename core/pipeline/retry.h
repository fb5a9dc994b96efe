/* retry.h - whether a request is sent again, and when: a pure decision. */
#ifndef PIPELINE_RETRY_H
#define PIPELINE_RETRY_H

#include "http/client.h"
#include "registry/connection.h"

typedef struct retry_question {
    http_failure failure;
    bool sent;          /* with a failure: the request may have been seen */
    unsigned status;    /* of an answer */
    bb_str retry_after; /* its field, or absent */
    bool repeatable;    /* acting on it twice does no harm */
    unsigned attempt;   /* the one that has just ended, from 1 */
    uint64_t left_ms;   /* until the caller's deadline */
    uint64_t now_ms;    /* wall clock, for a Retry-After that is a date */
    uint64_t random;
} retry_question;

typedef struct retry_answer {
    bool repeat;
    uint64_t delay_ms;
    uint64_t retry_after_ms; /* what the service asks for; 0: nothing */
} retry_answer;

/* All but the budget. */
retry_answer retry_decide(const retry_policy *policy, const retry_question *question);

/* Seconds or a date (RFC 9110 section 10.2.3), as milliseconds from now; false: neither. */
bool retry_after_ms(bb_str value, uint64_t now_ms, uint64_t *out);

/* The budget of a connection, shared by all loops: every call pays in, every repeat is paid for. */
void retry_budget_earn(connection_stats *s, const retry_policy *policy);
bool retry_budget_spend(connection_stats *s);

#endif
