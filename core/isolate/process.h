/* process.h - one process, as the supervisor has it. Private to this room; all of it on the supervisor's
 * thread. */
#ifndef ISOLATE_PROCESS_H
#define ISOLATE_PROCESS_H

#include "isolate/internal.h"

typedef struct process {
    isolated *of;
    uint64_t incarnation;
    int pid;
    int pidfd, control, output; /* -1: closed */
    uv_poll_t exit_poll, control_poll, output_poll;
    unsigned open; /* handles not closed yet */
    buf said;      /* on the control socket */
    char line[2048];
    size_t line_len;
    uint64_t lines_since_ms;
    unsigned lines;
    bool ready, refused;
    char refusal[512];
} process;

/* Starts it and sends it its setup. `fds` get the hub's ends of the loops' sockets. NULL: *e. */
process *process_new(isolated *i, const char *program, unsigned loops, uv_loop_t *on, int *fds, err *e);
/* Takes what it has still said, and how it ended, as a sentence's end: "crashed (SIGSEGV)". */
void process_reap(process *p, char *how, size_t cap, uint64_t *cpu_ms);
/* After it has ended. */
void process_close(process *p);

/* supervisor.c: what a process tells. */
void supervise_ready(process *p);
void supervise_exit(process *p);
void supervise_silent(process *p);

#endif
