#include "base/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE

#define PROGRAM_MAX 512u /* instructions; BPF allows 4096 */

typedef struct program {
    struct sock_filter code[PROGRAM_MAX];
    size_t n;
} program;

static void add(program *p, struct sock_filter instruction) {
    if (p->n < PROGRAM_MAX)
        p->code[p->n] = instruction;
    p->n++;
}

static void give(program *p, unsigned result) {
    add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, result));
}

static void load(program *p, size_t offset) {
    add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

/* Skips so many instructions unless what is loaded is `value`. */
static void unless(program *p, unsigned value, unsigned char skip) {
    add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip));
}

static void begin(program *p) {
    p->n = 0;
    load(p, offsetof(struct seccomp_data, arch));
    add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    give(p, SECCOMP_RET_ERRNO | EPERM);
    load(p, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    /* x32's calls have numbers of their own in the same architecture */
    add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1));
    give(p, SECCOMP_RET_ERRNO | EPERM);
#endif
}

static bool install(program *p) {
    struct sock_fprog filter = {.len = (unsigned short)p->n, .filter = p->code};
    return p->n <= PROGRAM_MAX &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}

bool seccomp_allow(const seccomp_call *calls, size_t n) {
    program p;
    begin(&p);
    for (size_t i = 0; i < n; i++) {
        unless(&p, (unsigned)calls[i].number, calls[i].checked ? 4 : 1);
        if (calls[i].checked) {
            load(&p, offsetof(struct seccomp_data, args[0]));
            unless(&p, calls[i].first, 1);
        }
        give(&p, SECCOMP_RET_ALLOW);
        if (calls[i].checked)
            give(&p, SECCOMP_RET_ERRNO | EPERM);
    }
    give(&p, SECCOMP_RET_ERRNO | EPERM);
    return install(&p);
}

static void check(program *p, const seccomp_check *c) {
    static const struct {
        unsigned short test;
        unsigned char if_so, if_not; /* instructions to skip; none: it is refused */
    } tests[] = {[SECCOMP_IF] = {BPF_JEQ, 0, 1},
                 [SECCOMP_UNLESS] = {BPF_JEQ, 1, 0},
                 [SECCOMP_BITS] = {BPF_JSET, 0, 1}};
    unless(p, (unsigned)c->number, 4);
    load(p, offsetof(struct seccomp_data, args) + c->argument * sizeof(uint64_t));
    add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | tests[c->when].test | BPF_K, c->value, tests[c->when].if_so,
                                        tests[c->when].if_not));
    give(p, SECCOMP_RET_ERRNO | EPERM);
    load(p, offsetof(struct seccomp_data, nr));
}

bool seccomp_refuse(const int *calls, size_t n, const seccomp_check *checks, size_t check_count) {
    program p;
    begin(&p);
    for (size_t i = 0; i < n; i++) {
        unless(&p, (unsigned)calls[i], 1);
        give(&p, SECCOMP_RET_ERRNO | EPERM);
    }
    for (size_t i = 0; i < check_count; i++)
        check(&p, &checks[i]);
    unless(&p, SYS_clone3, 1); /* its flags are in memory, where no filter can look: libc then takes clone */
    give(&p, SECCOMP_RET_ERRNO | ENOSYS);
    unless(&p, SYS_clone, 3);
    load(&p, offsetof(struct seccomp_data, args[0]));
    add(&p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0));
    give(&p, SECCOMP_RET_ERRNO | EPERM);
    give(&p, SECCOMP_RET_ALLOW);
    return install(&p);
}

#else

bool seccomp_allow(const seccomp_call *calls, size_t n) {
    (void)calls;
    (void)n;
    return false;
}

bool seccomp_refuse(const int *calls, size_t n, const seccomp_check *checks, size_t check_count) {
    (void)calls;
    (void)n;
    (void)checks;
    (void)check_count;
    return false;
}

#endif
