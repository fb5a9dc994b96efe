#include "content/progress.h"

#include "base/flow.h"
#include "json/json.h"

#include <pthread.h>
#include <stdlib.h>

struct content_progress {
    pthread_mutex_t lock;
    progress_entry *first;
};

content_progress *content_progress_new(void) {
    content_progress *p = calloc(1, sizeof *p);
    if (p != NULL)
        pthread_mutex_init(&p->lock, NULL);
    return p;
}

void content_progress_free(content_progress *p) {
    if (p == NULL)
        return;
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void content_progress_add(content_progress *p, progress_entry *e) {
    pthread_mutex_lock(&p->lock);
    e->previous = NULL;
    e->next = p->first;
    if (p->first != NULL)
        p->first->previous = e;
    p->first = e;
    pthread_mutex_unlock(&p->lock);
}

void content_progress_remove(content_progress *p, progress_entry *e) {
    pthread_mutex_lock(&p->lock);
    if (e->previous != NULL)
        e->previous->next = e->next;
    else
        p->first = e->next;
    if (e->next != NULL)
        e->next->previous = e->previous;
    pthread_mutex_unlock(&p->lock);
}

static void put(const progress_entry *e, buf *out) {
    uint64_t done = atomic_load_explicit(e->done, memory_order_relaxed),
             total = atomic_load_explicit(e->total, memory_order_relaxed);
    json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_member_string(&w, STR("id"), str_from(e->id));
    json_member_string(&w, STR("connection"), e->connection);
    json_member_string(&w, STR("operation"), e->operation);
    json_member_string(&w, STR("status"), STR("running"));
    json_member_u64(&w, STR("started_ms"), e->started_ms);
    json_keyl(&w, "content");
    json_object(&w);
    json_member_u64(&w, STR("done"), done);
    if (total != FLOW_UNKNOWN)
        json_member_u64(&w, STR("total"), total);
    json_object_end(&w);
    json_object_end(&w);
}

bool content_progress_find(content_progress *p, bb_str id, const patterns *connections, buf *out) {
    bool found = false;
    if (p == NULL)
        return false;
    pthread_mutex_lock(&p->lock);
    for (const progress_entry *e = p->first; e != NULL && !found; e = e->next) {
        found = str_eq(str_from(e->id), id);
        if (found && connections != NULL && !patterns_fit(connections, e->connection))
            break;
        if (found)
            put(e, out);
    }
    pthread_mutex_unlock(&p->lock);
    return found && out->len > 0;
}
