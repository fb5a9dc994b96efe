/* reader.c - the thread of long reads, with a connection of its own: in WAL, it waits for no writer and no
 * writer waits for it. */
#include "store/store_internal.h"

static store_job *take(store *s) {
    pthread_mutex_lock(&s->lock);
    while (s->reads.first == NULL && !s->stop_reader)
        pthread_cond_wait(&s->reads_come, &s->lock);
    store_job *job = s->reads.first;
    if (job != NULL) {
        s->reads.first = job->next;
        if (job->next == NULL)
            s->reads.last = &s->reads.first;
        s->reads.length--;
    }
    pthread_mutex_unlock(&s->lock);
    return job;
}

void *reader_main(void *arg) {
    store *s = arg;
    for (store_job *job; (job = take(s)) != NULL;) {
        job->result = job->read(s, &s->read, job);
        job->finish(job);
    }
    return NULL;
}
