/* crash_internal.h - between the files that write a report. All of it async-signal-safe but crash_look_open
 * and _close. */
#ifndef PLUGIN_CRASH_INTERNAL_H
#define PLUGIN_CRASH_INTERNAL_H

#include "base/sigtext.h"

#include <stdbool.h>

/* Opens what is needed to look at memory that may not be there: a pipe, and the process's map. */
bool crash_look_open(void);
void crash_look_close(void);

/* Copies memory that may be unmapped or not ours to read: the kernel says so instead of a signal. */
bool crash_peek(void *to, const void *from, size_t n);
/* A text that may be anything: at most `cap` - 1 bytes of it, control characters as "?". */
void crash_peek_text(char *to, size_t cap, const char *from);

/* The stack pointer, where the machine keeps it; 0: not known here. */
uintptr_t crash_stack_pointer(const void *context);
/* "pc ADDRESS FILE+OFFSET" and "frame ..." for as many callers as keep a frame pointer, a line each. */
void crash_frames(sigtext *t, const void *context);

#endif
