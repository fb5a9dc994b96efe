/* threads.c - the threads that write. One commits a group at a time, whichever's turn it is; the others sync
 * what has been committed.
 *
 * Where the disk is slow, or nothing else is to be committed, whoever has committed a group syncs it, and
 * another one has the turn: the sync begins at once. Else the writer goes on, whose processor's caches are
 * full of the database, and another thread syncs.
 *
 * Woken, they do not push aside what runs: see store_start_thread. */
#include "store/store_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

/* --- under the lock ------------------------------------------------------------------------------------ */

static bool is_over(const store *s) {
    return s->written_all && s->sync.told == s->sync.written;
}

/* A thread that has nothing to do looks for something. */
static bool wake_one(store *s) {
    if (s->idle == 0)
        return false;
    pthread_cond_signal(&s->work);
    return true;
}

static void wait_for_work(store *s) {
    s->idle++;
    pthread_cond_wait(&s->work, &s->lock);
    s->idle--;
}

static void sync_later(store *s, uint64_t at) {
    s->sync.waits = true;
    store_wait_until(&s->sync.time, &s->lock, at);
    s->sync.waits = false;
}

/* Whether who has committed a group commits the next one, too: no sync is due, or another thread sees to it.
 */
static bool goes_on(store *s) {
    uint64_t at;
    return syncer_due(s, &at) == SYNC_NOT || (!s->slow_disk && s->writes.length > 0 && wake_one(s));
}

static void write_some(store *s) {
    s->writing = true;
    do {
        pthread_mutex_unlock(&s->lock);
        bool more = writer_take_turn(s);
        pthread_mutex_lock(&s->lock);
        s->written_all = !more;
    } while (!s->written_all && goes_on(s));
    s->writing = false;
    wake_one(s);
}

static void do_something(store *s) {
    uint64_t at;
    switch (syncer_due(s, &at)) {
    case SYNC_NOW: syncer_sync(s); return;
    case SYNC_LATER: sync_later(s, at); return;
    case SYNC_NOT: break;
    }
    if (s->writing || s->written_all)
        wait_for_work(s);
    else
        write_some(s);
}

/* --- the threads --------------------------------------------------------------------------------------- */

/* They wait for some 100 us at a time, which 50 us more, what the kernel takes unasked, would make half as
 * long again (prctl(2), PR_SET_TIMERSLACK). */
#define SLACK_NS 1000ul

static void *thread_main(void *arg) {
    store *s = arg;
    prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0);
    pthread_mutex_lock(&s->lock);
    while (!is_over(s))
        do_something(s);
    pthread_cond_broadcast(&s->work); /* for all of them */
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

bool threads_start(store *s, err *e) {
    syncer_open(s); /* else with the first sync */
    while (s->thread_count <= s->kind->syncs &&
           store_start_thread(&s->threads[s->thread_count], thread_main, s, "store-write", true))
        s->thread_count++;
    return s->thread_count > 0 || err_set(e, "the store's threads cannot be started: %s", strerror(errno));
}

void threads_stop(store *s) {
    pthread_mutex_lock(&s->lock);
    s->stop_writer = true;
    pthread_cond_broadcast(&s->writes_come);
    pthread_mutex_unlock(&s->lock);
    while (s->thread_count > 0)
        pthread_join(s->threads[--s->thread_count], NULL);
}
