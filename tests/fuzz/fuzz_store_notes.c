/* Records of events that were noted: what is read of one, written and read again, is the same. */
#include "store/events_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_same(const event_new *a, const event_new *b) {
    bool same = a->at_ms == b->at_ms && a->dedup_ms == b->dedup_ms && str_eq(a->id, b->id) &&
                str_eq(a->source, b->source) && str_eq(a->type, b->type) && str_eq(a->payload, b->payload) &&
                str_eq(a->attributes, b->attributes) && str_eq(a->content_type, b->content_type) &&
                str_eq(a->dedup, b->dedup) && (a->dedup.ptr == NULL) == (b->dedup.ptr == NULL) &&
                a->target_count == b->target_count;
    for (size_t i = 0; same && i < a->target_count; i++)
        same = str_eq(a->targets[i].target, b->targets[i].target) &&
               str_eq(a->targets[i].key, b->targets[i].key) &&
               (a->targets[i].key.ptr == NULL) == (b->targets[i].key.ptr == NULL) &&
               a->targets[i].due_ms == b->targets[i].due_ms;
    if (!same)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bb_str rest = str_of((const char *)data, size);
    arena *a = arena_new(0);
    event_new n, again;
    while (a != NULL && rest.len > 0 && event_notes_read(&rest, a, &n)) {
        bool repeated = false;
        event_list one = {.count = 1, .events = &n, .repeated = &repeated};
        buf out;
        buf_init(&out);
        event_notes_add(&one, &out);
        bb_str record = buf_str(&out);
        if (!event_notes_read(&record, a, &again) || record.len > 0)
            abort();
        must_be_same(&n, &again);
        buf_free(&out);
        arena_reset(a);
    }
    arena_free(a);
    return 0;
}
