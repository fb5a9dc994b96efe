/* ahead.c - what comes in, noted in a file of its own before it is in the database.
 *
 * A commit costs the same for one event as for some hundred, and a sync must not wait for it. So groups of
 * jobs that can be done again from a note are not committed one by one: they are done in a transaction that
 * stays open for a while, and noted here, before or after; once the note is on disk they are told of. What
 * the process lost with its open transaction is done again from the notes, at the next start or, where a
 * commit failed, as soon as the device lets it.
 *
 * The file FILE-ahead has a header page and two halves. A group is a frame: its number, its records, a
 * checksum, filled up to a whole page, so that no page is written again while it is needed. Frames fill one
 * half, then the other, as soon as all that is noted there is in the database, on disk. The table `meta` says
 * under "ahead" which file it is (by its salt, a new one each time that it is opened) and up to which group
 * the database has it: in the transaction that has them.
 *
 * It spares, it does not keep what would be lost without it: where the file cannot be made, is another hub's,
 * or cannot be written, each group is committed and synced as before. */
#include "store/ahead.h"

#include "base/file.h"
#include "base/log.h"
#include "base/siphash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define HALF_BYTES ((off_t)8 << 20)
#define HEADER_BYTES ((off_t)STORE_PAGE)
#define FILE_BYTES (HEADER_BYTES + 2 * HALF_BYTES)
#define LOG_UNSYNCED 256u /* pages: then the log is synced */
#define FREE_TIMES 8u     /* the disk has so many times the file's size free; else there is none */
#define MAGIC "busbar ahead 1\n"

typedef struct file_header {
    char magic[16];
    uint64_t salt[2], sum;
} file_header;

typedef struct frame_header {
    uint64_t sum; /* of what follows, under the salt */
    uint64_t number;
    uint64_t bytes; /* of records, behind this */
} frame_header;

static off_t half_at(unsigned half) {
    return HEADER_BYTES + half * HALF_BYTES;
}

static size_t whole_pages(size_t bytes) {
    return (bytes + STORE_PAGE - 1) / STORE_PAGE * STORE_PAGE;
}

static uint64_t frame_sum(const uint64_t salt[2], const char *frame, size_t bytes) {
    return siphash(salt, str_of(frame + sizeof(uint64_t), sizeof(frame_header) - sizeof(uint64_t) + bytes));
}

/* --- notes ------------------------------------------------------------------------------------------- */

/* A record is its length and its bytes. False: one of them says that it is too much. */
static bool collect(const store_job *first, buf *out) {
    for (const store_job *job = first; job != NULL; job = job->next) {
        size_t at = out->len;
        uint32_t len = 0;
        if (job->result != STORE_OK)
            continue;
        buf_add(out, &len, sizeof len);
        if (!job->note(job, out) || out->failed || out->len > AHEAD_GROUP_MAX)
            return false;
        len = (uint32_t)(out->len - at - sizeof len);
        if (len == 0)
            out->len = at; /* it changed nothing */
        else
            memcpy(out->ptr + at, &len, sizeof len);
    }
    return true;
}

static bool make_frame(ahead_state *a, const store_job *first) {
    frame_header h = {.number = a->number + 1};
    buf_clear(&a->frame);
    buf_add(&a->frame, &h, sizeof h);
    if (!collect(first, &a->frame))
        return false;
    h.bytes = a->frame.len - sizeof h;
    memcpy(a->frame.ptr, &h, sizeof h);
    h.sum = frame_sum(a->salt, a->frame.ptr, h.bytes);
    memcpy(a->frame.ptr, &h, sizeof h);
    size_t fill = whole_pages(a->frame.len) - a->frame.len;
    if (!buf_reserve(&a->frame, fill))
        return false;
    memset(a->frame.ptr + a->frame.len, 0, fill);
    return true;
}

/* Where a frame of so many bytes goes. False: what is noted there is needed still. */
static bool find_place(ahead_state *a, size_t bytes) {
    unsigned other = 1 - a->half;
    if (!a->broken && a->at + (off_t)bytes <= HALF_BYTES)
        return true;
    if (a->last[other] > atomic_load(&a->safe))
        return false;
    a->half = other;
    a->at = 0;
    a->broken = false;
    return true;
}

/* On a slow disk the sync may come a little later (writer.c): it is to find it on its way. */
static bool write_frame(ahead_state *a, size_t bytes, bool slow_disk) {
    off_t at = half_at(a->half) + a->at;
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pwrite(a->fd, a->frame.ptr + done, bytes - done, at + (off_t)done);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    if (slow_disk)
        sync_file_range(a->fd, at, (off_t)bytes, SYNC_FILE_RANGE_WRITE); /* of an error the sync tells, too */
    a->at += (off_t)bytes;
    return true;
}

static void shrink(buf *b) {
    if (b->cap > 2 * AHEAD_GROUP_MAX)
        buf_free(b);
    else
        buf_clear(b);
}

bool ahead_note(store *s, const store_job *first, bool *wrote) {
    ahead_state *a = &s->ahead;
    *wrote = false;
    if (!a->usable || !make_frame(a, first))
        return false;
    size_t whole = whole_pages(a->frame.len), bytes = a->frame.len - sizeof(frame_header);
    if (bytes == 0)
        return true;
    if (!buf_reserve(&a->open, bytes) || !find_place(a, whole) || !write_frame(a, whole, s->slow_disk))
        return false;
    a->open_before = a->open.len;
    buf_add(&a->open, a->frame.ptr + sizeof(frame_header), bytes);
    a->last[a->half] = ++a->number;
    *wrote = true;
    return true;
}

void ahead_take_back(store *s) {
    s->ahead.open.len = s->ahead.open_before;
}

/* --- with the transaction ---------------------------------------------------------------------------- */

static store_result write_mark(database *d, const uint64_t salt[2], uint64_t number) {
    const uint64_t mark[3] = {salt[0], salt[1], number};
    sqlite3_stmt *stmt = database_prepare(d, "INSERT INTO meta(name, value) VALUES('ahead', ?) ON "
                                             "CONFLICT(name) DO UPDATE SET value = excluded.value");
    database_blob(stmt, 1, mark, sizeof mark);
    return database_done(stmt);
}

store_result ahead_before_commit(store *s, database *d) {
    ahead_state *a = &s->ahead;
    return a->number > a->marked ? write_mark(d, a->salt, a->number) : STORE_OK;
}

/* What is in the half that fills no more is to be on disk before that is its turn again. */
static bool is_half_due(ahead_state *a) {
    uint64_t last = a->last[1 - a->half];
    if (last <= atomic_load(&a->safe) || last > a->marked || a->asked == last)
        return false;
    a->asked = last;
    return true;
}

/* A sync of much would hold up those of the notes. Under the lock. */
static bool is_much_unsynced(const store *s) {
    size_t pages = atomic_load(&s->log.frames);
    return pages - (pages < s->log.synced ? 0 : s->log.synced) >= LOG_UNSYNCED;
}

/* Nobody waits for the log where there are notes: it is synced beside them. */
static void want_sync(store *s) {
    ahead_state *a = &s->ahead;
    bool half = is_half_due(a);
    pthread_mutex_lock(&s->lock);
    if (half || (a->usable && is_much_unsynced(s))) {
        a->wanted = true;
        pthread_cond_signal(&s->log.come);
    }
    pthread_mutex_unlock(&s->lock);
}

void ahead_after_commit(store *s, store_result r) {
    ahead_state *a = &s->ahead;
    if (r != STORE_OK) {
        a->owed = a->open.len > 0;
        return;
    }
    a->owed = false;
    shrink(&a->open);
    a->marked = a->number;
    atomic_store(&a->committed, a->marked);
    want_sync(s);
}

void ahead_begin_anew(store *s) {
    s->ahead.broken = true;
    atomic_store(&s->ahead.safe, atomic_load(&s->ahead.committed));
}

store_result ahead_redo(store *s, database *d) {
    const buf *b = &s->ahead.open;
    store_result r = STORE_OK;
    uint32_t len;
    for (size_t at = 0; r == STORE_OK && b->len - at > sizeof len; at += sizeof len + len) {
        memcpy(&len, b->ptr + at, sizeof len);
        if (len > b->len - at - sizeof len)
            return STORE_FAILED;
        r = s->kind->redo(s, d, str_of(b->ptr + at + sizeof len, len));
    }
    return r;
}

/* --- what is left by a process that was killed ------------------------------------------------------- */

typedef struct half_read {
    char *bytes;
    uint64_t first, last; /* of its groups; 0: there are none */
    size_t end;
} half_read;

static bool read_all(int fd, char *out, size_t n, off_t at) {
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(fd, out + done, n - done, at + (off_t)done);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* The frame at `at`; false: there is none that follows `last`. */
static bool frame_is(const ahead_state *a, const half_read *h, size_t at, frame_header *out) {
    if ((size_t)HALF_BYTES - at < sizeof *out)
        return false;
    memcpy(out, h->bytes + at, sizeof *out);
    return out->bytes <= (size_t)HALF_BYTES - at - sizeof *out && out->number > 0 &&
           (h->last == 0 || out->number == h->last + 1) &&
           out->sum == frame_sum(a->salt, h->bytes + at, out->bytes);
}

static bool read_half(const ahead_state *a, unsigned half, half_read *h) {
    frame_header f;
    *h = (half_read){.bytes = malloc((size_t)HALF_BYTES)};
    if (h->bytes == NULL || !read_all(a->fd, h->bytes, (size_t)HALF_BYTES, half_at(half)))
        return false;
    for (; frame_is(a, h, h->end, &f); h->end += whole_pages(sizeof f + f.bytes)) {
        h->first = h->first == 0 ? f.number : h->first;
        h->last = f.number;
    }
    return true;
}

/* What the database does not have goes to a->open. */
static void take_half(ahead_state *a, const half_read *h) {
    frame_header f;
    for (size_t at = 0; at < h->end; at += whole_pages(sizeof f + f.bytes)) {
        memcpy(&f, h->bytes + at, sizeof f);
        if (f.number <= a->number)
            continue;
        if (f.number != a->number + 1)
            log_error("%s: notes %llu to %llu of what came in are damaged", a->path,
                      (unsigned long long)a->number + 1, (unsigned long long)f.number - 1);
        buf_add(&a->open, h->bytes + at + sizeof f, f.bytes);
        a->number = f.number;
    }
}

static bool read_header(ahead_state *a) {
    static const uint64_t none[2];
    file_header h;
    if (pread(a->fd, &h, sizeof h, 0) != (ssize_t)sizeof h || memcmp(h.magic, MAGIC, sizeof h.magic) != 0 ||
        h.sum != siphash(none, str_of(&h, offsetof(file_header, sum))))
        return false;
    memcpy(a->salt, h.salt, sizeof a->salt);
    return true;
}

/* Up to where the database has what is noted. False: the file is not of this database. */
static bool read_mark(ahead_state *a, database *d) {
    store_result r = STORE_OK;
    uint64_t mark[3] = {0};
    sqlite3_stmt *stmt = database_prepare(d, "SELECT value FROM meta WHERE name = 'ahead'");
    if (!database_row(stmt, &r))
        return false;
    bb_str value = database_column(stmt, 0);
    if (value.len == sizeof mark)
        memcpy(mark, value.ptr, sizeof mark);
    sqlite3_reset(stmt);
    a->number = a->marked = mark[2];
    return value.len == sizeof mark && memcmp(mark, a->salt, sizeof a->salt) == 0;
}

/* False: it cannot be read now. */
static bool load(ahead_state *a) {
    half_read halves[2] = {{0}, {0}};
    bool ok = read_half(a, 0, &halves[0]) && read_half(a, 1, &halves[1]);
    if (ok) {
        unsigned older = halves[0].first > halves[1].first;
        take_half(a, &halves[older]);
        take_half(a, &halves[1 - older]);
    }
    free(halves[0].bytes);
    free(halves[1].bytes);
    return ok && !a->open.failed;
}

/* --- opening ----------------------------------------------------------------------------------------- */

/* Locks of fcntl are the process's: children do not inherit them, but within it they keep nobody out, and the
 * closing of any descriptor of the file ends them. So it is known here what this process has open. */
static pthread_mutex_t opened_lock = PTHREAD_MUTEX_INITIALIZER;
static ahead_state *opened;

/* Under the lock. */
static bool is_opened(const char *path) {
    struct stat st;
    const ahead_state *a = stat(path, &st) == 0 ? opened : NULL;
    while (a != NULL && (a->device != st.st_dev || a->inode != st.st_ino))
        a = a->next;
    return a != NULL;
}

static void close_file(ahead_state *a) {
    pthread_mutex_lock(&opened_lock);
    ahead_state **at = &opened;
    while (*at != NULL && *at != a)
        at = &(*at)->next;
    if (*at != NULL)
        *at = a->next;
    if (a->fd >= 0)
        close(a->fd);
    a->fd = -1;
    pthread_mutex_unlock(&opened_lock);
}

/* Whether it is the file that the path names still, and now this process's. */
static bool take_lock(ahead_state *a) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat st;
    if (fcntl(a->fd, F_SETLK, &whole) != 0 || fstat(a->fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        st.st_nlink == 0)
        return false;
    a->device = st.st_dev;
    a->inode = st.st_ino;
    a->next = opened;
    opened = a;
    return true;
}

/* Who closes the file removes it first: then another one is made. */
static bool lock_file(ahead_state *a) {
    bool ok = false;
    pthread_mutex_lock(&opened_lock);
    for (int i = 0; i < 3 && !ok && !is_opened(a->path); i++) {
        a->fd = open(a->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        ok = a->fd >= 0 && take_lock(a);
        if (!ok && a->fd >= 0)
            close(a->fd);
        if (!ok)
            a->fd = -1;
    }
    pthread_mutex_unlock(&opened_lock);
    return ok;
}

static bool has_room(const ahead_state *a) {
    struct statvfs fs;
    struct stat st;
    if (fstat(a->fd, &st) == 0 && st.st_size == FILE_BYTES)
        return true;
    return fstatvfs(a->fd, &fs) == 0 &&
           (uint64_t)fs.f_bavail * fs.f_frsize >= FREE_TIMES * (uint64_t)FILE_BYTES &&
           posix_fallocate(a->fd, 0, FILE_BYTES) == 0;
}

/* The database knows the salt first: what is noted under the one before is all in it by then. */
static bool begin_anew(store *s) {
    ahead_state *a = &s->ahead;
    file_header h = {.magic = MAGIC};
    static const uint64_t none[2];
    if (!has_room(a) || getrandom(h.salt, sizeof h.salt, 0) != (ssize_t)sizeof h.salt)
        return false;
    h.sum = siphash(none, str_of(&h, offsetof(file_header, sum)));
    if (write_mark(&s->write, h.salt, 0) != STORE_OK || !syncer_open(s) || fdatasync(s->sync.fd) != 0 ||
        pwrite(a->fd, &h, sizeof h, 0) != (ssize_t)sizeof h || fsync(a->fd) != 0)
        return false;
    memcpy(a->salt, h.salt, sizeof a->salt);
    a->number = a->marked = 0;
    atomic_store(&a->committed, 0);
    return true;
}

bool ahead_open(store *s, store_result (*redo)(store *s)) {
    ahead_state *a = &s->ahead;
    if (s->kind->redo == NULL)
        return true;
    a->path = sqlite3_mprintf("%s-ahead", s->path);
    if (a->path == NULL || !lock_file(a))
        return a->path != NULL;
    if (read_header(a) && read_mark(a, &s->write)) {
        if (!load(a))
            return false;
        a->owed = a->open.len > 0;
    }
    unsigned long long groups = a->number - a->marked;
    if (a->owed && redo(s) != STORE_OK)
        return true; /* again once there is room: until then nothing else is written */
    if (groups > 0)
        log_info("%s: events that were taken before the hub ended are written now (groups: %llu)", s->path,
                 groups);
    a->usable = begin_anew(s) && file_sync_folder(a->path);
    return true;
}

void ahead_close(store *s) {
    ahead_state *a = &s->ahead;
    char log_path[4096];
    snprintf(log_path, sizeof log_path, "%s-wal", s->path);
    if (a->owed)
        log_error("%s: what came in last could not be written: it is kept in %s, and taken from there when "
                  "the hub is started again",
                  s->path, a->path);
    else if (a->fd >= 0 && access(log_path, F_OK) != 0) /* all of it is in the database, on disk */
        unlink(a->path);
    close_file(a);
    buf_free(&a->frame);
    buf_free(&a->open);
    sqlite3_free(a->path);
    a->path = NULL;
}
