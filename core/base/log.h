/* log.h - the hub's log: one line an event on standard error, `2026-01-31T12:00:00.123Z level what
 * key=value`.
 *
 * Thread: any. A line is written by one write(2), cut at 4 KiB, control characters escaped. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

typedef enum { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_OFF } log_level;

void log_set_level(log_level level);
bool log_enabled(log_level level);
bool log_level_from(bb_str name, log_level *out); /* "debug", "info", "warn", "error", "off" */
__attribute__((format(printf, 2, 3))) void log_write(log_level level, const char *format, ...);

#define log_debug(...) (log_enabled(LOG_LEVEL_DEBUG) ? log_write(LOG_LEVEL_DEBUG, __VA_ARGS__) : (void)0)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
