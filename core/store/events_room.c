/* events_room.c - whether the disk has room for more events.
 *
 * What is in the log takes as much again in the database, and a delivery that has been made is written too
 * before its event can go: a disk that events have filled to the last page could never be emptied again. So
 * they are refused a little before; those of the hub's own, by which it gets on with what it has taken, a
 * little later. */
#include "store/events_internal.h"

#include "base/log.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#define LOOK_NS 100000000u /* between two looks */

/* Bytes of a log at its longest; until the hub has said how large the file may be, of a long one. */
static int64_t log_bytes(const store *s) {
    size_t pages = atomic_load(&events_of(s)->keep_told) ? atomic_load(&s->log.pages) : s->kind->log_pages;
    size_t frames = atomic_load(&s->log.frames);
    return (int64_t)(pages > frames ? pages : frames) * STORE_PAGE;
}

/* Half of a log beside it for outcomes of deliveries, and another half for the hub's own events. */
static int64_t reserve(const store *s, bool own) {
    return log_bytes(s) * (own ? 3 : 4) / 2;
}

/* What the log's file has behind its frames already. */
static int64_t unused_log(store *s) {
    struct stat st;
    pthread_mutex_lock(&s->lock);
    int fd = s->sync.fd;
    pthread_mutex_unlock(&s->lock);
    if (fd < 0 || fstat(fd, &st) != 0)
        return 0;
    /* No more than it may keep (log.c): what a longer one has behind that, it is about to be cut by. */
    int64_t may = (int64_t)atomic_load(&s->log.pages) * STORE_PAGE * 2,
            has = st.st_size < may ? st.st_size : may;
    int64_t used = (int64_t)atomic_load(&s->log.frames) * (STORE_FRAME_HEADER + STORE_PAGE);
    return has > used ? has - used : 0;
}

/* Events are written twice, into the log and into the database. */
static int64_t room_beside(int64_t free_bytes, int64_t in_log, int64_t in_file, int64_t least) {
    int64_t both = (free_bytes + in_log + in_file - least) / 2, log_alone = free_bytes + in_log - least / 3;
    return both < log_alone ? both : log_alone;
}

static void look(store *s) {
    events *v = events_of(s);
    struct statvfs fs;
    int64_t room = INT64_MAX, own = INT64_MAX;
    if (s->write.sq != NULL && statvfs(s->path, &fs) == 0) {
        uint64_t bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
        log_room(s, bytes);
        int64_t in_file = database_number(&s->write, "PRAGMA freelist_count", 0) * STORE_PAGE,
                in_log = unused_log(s);
        int64_t free_bytes = bytes < INT64_MAX / 4 ? (int64_t)bytes : INT64_MAX / 4;
        room = room_beside(free_bytes, in_log, in_file, reserve(s, false));
        own = room_beside(free_bytes, in_log, in_file, reserve(s, true));
    }
    atomic_store(&v->room, room);
    atomic_store(&v->own_room, own);
}

void room_look(store *s) {
    events *v = events_of(s);
    uint64_t now = store_now_ns();
    if (v->room_ns != 0 && now - v->room_ns < LOOK_NS)
        return;
    v->room_ns = now;
    look(s);
    bool full = atomic_load(&v->room) <= 0, was = v->no_room;
    v->no_room = full;
    if (was == full || (v->room_told_ns != 0 && now - v->room_told_ns < STORE_TELL_NS))
        return;
    v->room_told_ns = now;
    if (full)
        log_warn(
            "%s: less than %lld MiB are free on its disk: no events are taken until there is room, or what "
            "waits has been delivered",
            s->path, (long long)(reserve(s, false) >> 20));
    else
        log_info("%s: its disk has room again", s->path);
}

bool room_take(store *s, uint64_t bytes, bool own) {
    events *v = events_of(s);
    int64_t taken = atomic_fetch_add(&v->room_taken, (int64_t)bytes) + (int64_t)bytes;
    if (taken <= atomic_load(own ? &v->own_room : &v->room))
        return true;
    room_give_back(s, bytes);
    return false;
}

void room_give_back(store *s, uint64_t bytes) {
    atomic_fetch_sub(&events_of(s)->room_taken, (int64_t)bytes);
}

void room_spend(store *s, uint64_t bytes) {
    atomic_fetch_sub(&events_of(s)->room, (int64_t)bytes);
    atomic_fetch_sub(&events_of(s)->own_room, (int64_t)bytes);
}

bool events_reserve(store *s, uint64_t bytes) {
    return s == NULL || s->read_only || room_take(s, bytes, true);
}

void events_unreserve(store *s, uint64_t bytes) {
    if (s != NULL && !s->read_only)
        room_give_back(s, bytes);
}
