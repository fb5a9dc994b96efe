/* say.c - what a check finds, written where it outlives the check's process. */
#include "check/internal.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>

check_board *board;

void at(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(board->where, sizeof board->where, format, args);
    va_end(args);
}

static bool said_before(const check_finding *f, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (strcmp(board->findings[i].text, f->text) == 0 && board->findings[i].warning == f->warning)
            return true;
    return false;
}

static void say(bool is_warning, const char *format, va_list args) {
    check_finding f = {.warning = is_warning};
    memcpy(f.where, board->where, sizeof f.where);
    f.where[sizeof f.where - 1] = '\0';
    vsnprintf(f.text, sizeof f.text, format, args);
    unsigned count = atomic_load(&board->count);
    if (said_before(&f, count))
        return;
    if (count == CHECK_FINDINGS_MAX) {
        atomic_fetch_add(&board->dropped, 1);
        return;
    }
    board->findings[count] = f;
    atomic_store(&board->count, count + 1);
}

void wrong(const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(false, format, args);
    va_end(args);
}

void warning(const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(true, format, args);
    va_end(args);
}

void note(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(board->note, sizeof board->note, format, args);
    va_end(args);
}

bool said_wrong(void) {
    for (unsigned i = 0; i < atomic_load(&board->count); i++)
        if (!board->findings[i].warning)
            return true;
    return false;
}

void enter(const char *doing, unsigned limit_ms) {
    snprintf(board->doing, sizeof board->doing, "%s", doing);
    atomic_store(&board->limit_ns, (uint64_t)limit_ms * CHECK_SLOWER * 1000000u);
    atomic_store(&board->since_ns, clock_ns());
}

void leave(void) {
    atomic_store(&board->since_ns, 0);
}
