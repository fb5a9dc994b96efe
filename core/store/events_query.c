#include "store/events_query.h"

#include "base/pattern.h"

static const size_t texts[] = {offsetof(event_query, event), offsetof(event_query, source),
                               offsetof(event_query, type), offsetof(event_query, target)};
#define TEXTS (sizeof texts / sizeof texts[0])

static bb_str *text_of(const event_query *q, size_t i) {
    return (bb_str *)((uintptr_t)q + texts[i]);
}

size_t query_size(const event_query *q) {
    size_t bytes = 0;
    for (size_t i = 0; i < TEXTS; i++)
        bytes += text_of(q, i)->len;
    return bytes;
}

void query_copy(event_query *to, const event_query *from, char *at) {
    *to = *from;
    for (size_t i = 0; i < TEXTS; i++)
        *text_of(to, i) = job_text(&at, *text_of(from, i));
}

bool query_fits(const event_query *q, uint64_t at_ms, bb_str source, bb_str type) {
    return at_ms >= q->since_ms && (q->until_ms == 0 || at_ms <= q->until_ms) &&
           (q->source.len == 0 || pattern_fits(q->source, source)) &&
           (q->type.len == 0 || pattern_fits(q->type, type));
}

bool query_fits_state(const event_query *q, int state) {
    if (q->state == DELIVERY_LOST)
        return state == DELIVERY_DEAD || state == DELIVERY_CANCELLED;
    return q->state < 0 || q->state == (state > 0 ? state : DELIVERY_PENDING);
}

const char *delivery_state_name(int state) {
    switch (state) {
    case DELIVERY_DONE: return "done";
    case DELIVERY_FILTERED: return "filtered";
    case DELIVERY_DEAD: return "dead";
    case DELIVERY_CANCELLED: return "cancelled";
    default: return "pending";
    }
}

store_result query_event_number(database *d, bb_str id, int64_t *number) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT number FROM events WHERE id = ?");
    database_text(stmt, 1, id);
    if (!database_row(stmt, &r))
        return r == STORE_OK ? STORE_NOT_FOUND : r;
    *number = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return STORE_OK;
}

store_result query_target_number(database *d, bb_str name, int64_t *number) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT number FROM targets WHERE name = ?");
    database_text(stmt, 1, name);
    if (!database_row(stmt, &r))
        return r == STORE_OK ? STORE_NOT_FOUND : r;
    *number = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return STORE_OK;
}
