/* log_file.c - SQLite's log (the file -wal) as a file: whether it is whole, and writing it once more. */
#include "store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- whether it is whole ----------------------------------------------------------------------------- */

#define LOG_HEADER 32u
#define PAGE_MAX 65536u

typedef struct log_reader {
    int fd;
    size_t page; /* bytes */
    bool big;    /* big-endian checksums */
    uint32_t sum[2];
    uint8_t header[LOG_HEADER];
    uint8_t frame[STORE_FRAME_HEADER + PAGE_MAX];
} log_reader;

static uint32_t big_endian(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Of a multiple of 8 bytes: https://sqlite.org/fileformat2.html#walformat, "Checksum Algorithm". */
static void add_up(log_reader *r, const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n; i += 8) {
        uint32_t x = big_endian(p + i), y = big_endian(p + i + 4);
        r->sum[0] += (r->big ? x : __builtin_bswap32(x)) + r->sum[1];
        r->sum[1] += (r->big ? y : __builtin_bswap32(y)) + r->sum[0];
    }
}

static bool sums_are(const log_reader *r, const uint8_t *p) {
    return r->sum[0] == big_endian(p) && r->sum[1] == big_endian(p + 4);
}

static bool read_header(log_reader *r) {
    if (pread(r->fd, r->header, LOG_HEADER, 0) != (ssize_t)LOG_HEADER)
        return false;
    r->page = big_endian(r->header + 8);
    r->big = (r->header[3] & 1) != 0;
    add_up(r, r->header, 24);
    return r->page >= 512 && r->page <= PAGE_MAX && r->page % 8 == 0 && sums_are(r, r->header + 24);
}

/* The one at `at`; false: it is not whole, or of an earlier round of the log, of which the salts tell. */
static bool read_frame(log_reader *r, off_t at) {
    ssize_t n = (ssize_t)(STORE_FRAME_HEADER + r->page);
    if (pread(r->fd, r->frame, (size_t)n, at) != n || memcmp(r->frame + 8, r->header + 16, 8) != 0)
        return false;
    add_up(r, r->frame, 8);
    add_up(r, r->frame + STORE_FRAME_HEADER, r->page);
    return sums_are(r, r->frame + 16);
}

static size_t whole_frames(log_reader *r) {
    size_t n = 0;
    if (read_header(r))
        while (read_frame(r, (off_t)(LOG_HEADER + n * (STORE_FRAME_HEADER + r->page))))
            n++;
    return n;
}

static log_reader *open_file(const char *path, int flags) {
    log_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->fd = open(path, flags | O_CLOEXEC);
    if (r->fd >= 0)
        return r;
    free(r);
    return NULL;
}

/* Nothing of SQLite's is locked by this file: its locks are on -shm. */
static void close_file(log_reader *r) {
    close(r->fd);
    free(r);
}

size_t log_whole_frames(const char *path) {
    log_reader *r = open_file(path, O_RDONLY);
    size_t n = r != NULL ? whole_frames(r) : 0;
    if (r != NULL)
        close_file(r);
    return n;
}

/* --- once more --------------------------------------------------------------------------------------- */

/* The same bytes at the same places: nobody who reads them sees a difference. */
static bool write_back(log_reader *r, off_t length) {
    for (off_t at = 0; at < length;) {
        size_t n = length - at < (off_t)sizeof r->frame ? (size_t)(length - at) : sizeof r->frame;
        if (pread(r->fd, r->frame, n, at) != (ssize_t)n || pwrite(r->fd, r->frame, n, at) != (ssize_t)n)
            return false;
        at += (off_t)n;
    }
    return fdatasync(r->fd) == 0;
}

store_result log_renew(const char *path, size_t least, size_t *whole) {
    *whole = 0;
    errno = 0;
    log_reader *r = open_file(path, O_RDWR);
    if (r == NULL)
        return errno == ENOENT && least == 0 ? STORE_OK : database_result(SQLITE_IOERR, errno);
    *whole = whole_frames(r);
    bool ok = *whole >= least;
    errno = 0;
    if (ok && *whole > 0)
        ok = write_back(r, (off_t)(LOG_HEADER + *whole * (STORE_FRAME_HEADER + r->page)));
    int number = errno;
    close_file(r);
    return ok ? STORE_OK : database_result(SQLITE_IOERR, number);
}
