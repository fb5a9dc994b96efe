/* attempt.c - what attempts have in common: those of HTTP requests, and of operations on sessions. */
#include "pipeline/call_internal.h"

#include "base/clock.h"

void call_count_attempt(call *c) {
    if (c->attempt++ == 0)
        retry_budget_earn(c->conn->stats, &c->conn->retry);
    else
        metrics_retry(c->op->stats, c->worker->number);
    c->attempts++;
    c->sent_wall_ns = c->worker->otlp != NULL ? clock_wall_ns() : 0;
}

retry_answer call_ask_retry(call *c, retry_question *q) {
    q->left_ms = call_left_ms(c);
    q->now_ms = clock_wall_ms();
    q->random = worker_random(c->worker);
    return retry_decide(&c->conn->retry, q);
}

bool call_begin_later(call *c, retry_question *q, void (*again)(call *c)) {
    retry_answer decision = call_ask_retry(c, q);
    if (!decision.repeat || !retry_budget_spend(c->conn->stats))
        return false;
    call_wait(c, decision.delay_ms, again);
    return true;
}
