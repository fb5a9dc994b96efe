/* say.c - what a check finds, written where it outlives the check's process. */
#include "check/internal.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

check_board *board;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* steps on several threads may say something */
static _Thread_local bool is_one_of_many;

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

/* One line each: line breaks in what is quoted become blanks. */
static void without_breaks(char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ')
            *text = ' ';
}

static void say(bool is_warning, const char *format, va_list args) {
    check_finding f = {.warning = is_warning};
    memcpy(f.where, board->where, sizeof f.where);
    f.where[sizeof f.where - 1] = '\0';
    vsnprintf(f.text, sizeof f.text, format, args);
    without_breaks(f.where);
    without_breaks(f.text);
    pthread_mutex_lock(&lock);
    unsigned count = atomic_load(&board->count);
    if (said_before(&f, count)) {
        pthread_mutex_unlock(&lock);
        return;
    }
    if (count == CHECK_FINDINGS_MAX) {
        atomic_fetch_add(&board->dropped, 1);
    } else {
        board->findings[count] = f;
        atomic_store(&board->count, count + 1);
    }
    pthread_mutex_unlock(&lock);
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

void one_of_many(void) {
    is_one_of_many = true;
}

void enter(const char *doing, unsigned limit_ms) {
    if (is_one_of_many)
        return;
    snprintf(board->doing, sizeof board->doing, "%s", doing);
    atomic_store(&board->limit_ns, (uint64_t)limit_ms * CHECK_SLOWER * 1000000u);
    atomic_store(&board->since_ns, clock_ns());
}

void leave(void) {
    if (is_one_of_many)
        return;
    atomic_store(&board->since_ns, 0);
}
