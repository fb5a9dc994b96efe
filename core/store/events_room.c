/* events_room.c - whether the disk has room for more events.
 *
 * What is in the log takes as much again in the database, and a delivery that has been made is written too
 * before its event can go: a disk that events have filled to the last page could never be emptied again. So
 * they are refused a little before. */
#include "store/events_internal.h"

#include "base/log.h"

#include <sys/statvfs.h>

#define LOOK_NS 100000000u   /* between two looks */
#define TELL_NS 10000000000u /* between two words of it in the log */
#define PAGE 4096u           /* bytes, SQLite's own choice */

/* Of a log at its longest, and half of it for what is written meanwhile. */
static uint64_t reserve(const store *s) {
    return (uint64_t)atomic_load(&s->log.pages) * PAGE * 3 / 2;
}

static bool has_room(store *s) {
    struct statvfs fs;
    if (statvfs(s->path, &fs) != 0 || s->write.sq == NULL)
        return true;
    uint64_t least = reserve(s), spare = (uint64_t)fs.f_bavail * fs.f_frsize;
    return spare >= least ||
           spare + (uint64_t)database_number(&s->write, "PRAGMA freelist_count", 0) * PAGE >= least;
}

void room_look(store *s) {
    events *v = events_of(s);
    uint64_t now = store_now_ns();
    if (v->room_ns != 0 && now - v->room_ns < LOOK_NS)
        return;
    v->room_ns = now;
    bool full = !has_room(s);
    if (atomic_exchange(&v->no_room, full) == full ||
        (v->room_told_ns != 0 && now - v->room_told_ns < TELL_NS))
        return;
    v->room_told_ns = now;
    if (full)
        log_warn(
            "%s: less than %llu MiB are free on its disk: no events are taken until there is room, or what "
            "waits has been delivered",
            s->path, (unsigned long long)(reserve(s) >> 20));
    else
        log_info("%s: its disk has room again", s->path);
}
