#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static _Atomic(int) least = LOG_LEVEL_INFO;
static const char *const names[] = {"debug", "info", "warn", "error", "off"};

void log_set_level(log_level level) {
    atomic_store_explicit(&least, (int)level, memory_order_relaxed);
}

bool log_enabled(log_level level) {
    return (int)level >= atomic_load_explicit(&least, memory_order_relaxed);
}

bool log_level_from(bb_str name, log_level *out) {
    for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_OFF; i++) {
        if (str_eq(name, str_from(names[i]))) {
            *out = (log_level)i;
            return true;
        }
    }
    return false;
}

/* Keeps a line one line, and a terminal safe from what others made us write. */
static size_t escape(const char *text, char *out, size_t cap) {
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;
    for (; *text != '\0' && n + 4 < cap; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x20 && c != 0x7f) {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '\\';
        out[n++] = 'x';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    return n;
}

void log_write(log_level level, const char *format, ...) {
    if (!log_enabled(level) || level >= LOG_LEVEL_OFF)
        return;
    char text[LINE_MAX_BYTES - 64], line[LINE_MAX_BYTES], time[CLOCK_RFC3339_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    clock_rfc3339(clock_wall_ms(), time);
    int head = snprintf(line, sizeof line, "%s %-5s ", time, names[level]);
    size_t n = (size_t)head + escape(text, line + head, sizeof line - (size_t)head - 1);
    line[n++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, n);
    (void)written; /* a log that cannot be written is no reason to stop */
}
