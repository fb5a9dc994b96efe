/* crash_where.c - where in the program: the instruction and its callers, by the file they were mapped from.
 * backtrace() would load libgcc and take the linker's locks; a walk along the frame pointers and the kernel's
 * own map need neither. */
#include "plugin/crash_internal.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define FRAMES_MAX 12u
#define PAGE 4096u

static int look[2] = {-1, -1}, map = -1;

bool crash_look_open(void) {
    map = open("/proc/self/maps", O_RDONLY | O_CLOEXEC); /* its text is made when it is read */
    return pipe2(look, O_CLOEXEC | O_NONBLOCK) == 0;
}

void crash_look_close(void) {
    for (int i = 0; i < 2; i++)
        if (look[i] >= 0)
            close(look[i]);
    if (map >= 0)
        close(map);
    look[0] = look[1] = map = -1;
}

/* Within one page: written to a pipe and read back. Not by write(2)'s wrapper, which sanitizers look into. */
static bool peek_within_page(char *to, const char *from, size_t n) {
    return syscall(SYS_write, look[1], from, n) == (long)n && syscall(SYS_read, look[0], to, n) == (long)n;
}

bool crash_peek(void *to, const void *from, size_t n) {
    char *at = to;
    for (const char *p = from; n > 0;) {
        size_t in_page = PAGE - (uintptr_t)p % PAGE, chunk = n < in_page ? n : in_page;
        if (!peek_within_page(at, p, chunk))
            return false;
        at += chunk;
        p += chunk;
        n -= chunk;
    }
    return true;
}

void crash_peek_text(char *to, size_t cap, const char *from) {
    size_t n = 0;
    while (from != NULL && n + 1 < cap && crash_peek(&to[n], &from[n], 1) && to[n] != '\0') {
        if ((unsigned char)to[n] < 0x20 || to[n] == 0x7f)
            to[n] = '?';
        n++;
    }
    to[n] = '\0';
}

/* --- registers ---------------------------------------------------------------------------------------- */

static void registers(const void *context, uintptr_t *pc, uintptr_t *frame, uintptr_t *stack) {
    const ucontext_t *u = context;
#if defined(__x86_64__)
    *pc = (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
    *frame = (uintptr_t)u->uc_mcontext.gregs[REG_RBP];
    *stack = (uintptr_t)u->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    *pc = (uintptr_t)u->uc_mcontext.pc;
    *frame = (uintptr_t)u->uc_mcontext.regs[29];
    *stack = (uintptr_t)u->uc_mcontext.sp;
#else
    (void)u;
    *pc = *frame = *stack = 0;
#endif
}

uintptr_t crash_stack_pointer(const void *context) {
    uintptr_t pc, frame, stack;
    registers(context, &pc, &frame, &stack);
    return stack;
}

/* --- the map ------------------------------------------------------------------------------------------ */

typedef struct place {
    uintptr_t at, base; /* base: where the file begins; offsets from it are what addr2line takes */
    char file[160];     /* the end of its path */
} place;

static place places[FRAMES_MAX]; /* one thread writes a report */
static size_t place_count;
static char line[512], file_now[160];
static uintptr_t base_now;

static const char *hex(const char *text, uintptr_t *out) {
    for (*out = 0;; text++) {
        const char *digits = "0123456789abcdef", *d = *text != '\0' ? strchr(digits, *text) : NULL;
        if (d == NULL)
            return text;
        *out = *out * 16 + (uintptr_t)(d - digits);
    }
}

/* "START-END perms offset dev inode          PATH" */
static void take_line(void) {
    uintptr_t start, end;
    const char *p = hex(line, &start);
    if (*p == '-')
        p++;
    hex(p, &end);
    const char *path = strchr(p, '/');
    size_t len = path != NULL ? strlen(path) : 0;
    if (len >= sizeof file_now)
        path += len - (sizeof file_now - 1);
    if (path == NULL || strcmp(path, file_now) != 0) {
        base_now = start;
        file_now[0] = '\0';
        if (path != NULL)
            strcpy(file_now, path);
    }
    for (size_t i = 0; i < place_count; i++) {
        if (places[i].at < start || places[i].at >= end)
            continue;
        places[i].base = base_now;
        strcpy(places[i].file, file_now);
    }
}

static void find_files(void) {
    static char text[4096];
    size_t len = 0;
    long n;
    if (map < 0 || lseek(map, 0, SEEK_SET) != 0)
        return;
    while ((n = syscall(SYS_read, map, text, sizeof text)) > 0) {
        for (long i = 0; i < n; i++) {
            if (text[i] != '\n') {
                if (len + 1 < sizeof line)
                    line[len++] = text[i];
                continue;
            }
            line[len] = '\0';
            take_line();
            len = 0;
        }
    }
}

/* --- frames ------------------------------------------------------------------------------------------- */

static void add(uintptr_t at) {
    places[place_count] = (place){.at = at};
    place_count++;
}

/* A frame holds the caller's frame and the address it goes back to; callers' frames are further up. */
static void walk(uintptr_t pc, uintptr_t frame) {
    uintptr_t pair[2];
    add(pc);
    while (place_count < FRAMES_MAX && frame % sizeof(void *) == 0 && frame != 0 &&
           crash_peek(pair, (const void *)frame, sizeof pair) && pair[1] != 0) {
        add(pair[1]);
        if (pair[0] <= frame)
            break;
        frame = pair[0];
    }
}

void crash_frames(sigtext *t, const void *context) {
    uintptr_t pc, frame, stack;
    registers(context, &pc, &frame, &stack);
    if (pc == 0 && stack == 0)
        return;
    place_count = 0;
    walk(pc, frame);
    find_files();
    for (size_t i = 0; i < place_count; i++) {
        sigtext_put(t, i == 0 ? "pc " : "frame ");
        sigtext_hex(t, places[i].at);
        if (places[i].file[0] != '\0') {
            sigtext_put(t, " ");
            sigtext_put(t, places[i].file);
            sigtext_put(t, " + ");
            sigtext_hex(t, places[i].at - places[i].base);
        }
        sigtext_put(t, "\n");
    }
}
