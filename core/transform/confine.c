#include "transform/confine.h"

#include "base/sanitized.h"

#include "transform/frame.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sanitizers map terabytes and make calls of their own: there the hub limits the memory by their options
 * (worker.c). */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE
/* Memory, time, the socket, and the end. A program that finds a hole in libjq can neither open, start nor
 * signal anything; calls that are not here fail with EPERM, which libc takes as it takes any failure. */
static const int allowed[] = {
    SYS_read,         SYS_write,      SYS_ppoll,   SYS_mmap,           SYS_munmap,
    SYS_mremap,       SYS_brk,        SYS_madvise, SYS_mprotect,       SYS_futex,
    SYS_getrandom,    SYS_sysinfo,    SYS_close,   SYS_clock_gettime,  SYS_gettimeofday,
    SYS_exit,         SYS_exit_group, SYS_gettid,  SYS_rt_sigprocmask, SYS_restart_syscall,
    SYS_rt_sigreturn,
#ifdef SYS_poll
    SYS_poll,
#endif
#ifdef SYS_time
    SYS_time,
#endif
};
#define ALLOWED (sizeof allowed / sizeof allowed[0])

static void filter_calls(void) {
    struct sock_filter program[ALLOWED + 5];
    size_t n = 0;
    program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                offsetof(struct seccomp_data, arch));
    /* of another architecture: on to the refusal, which comes after all that is allowed */
    program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0, ALLOWED + 1);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < ALLOWED; i++)
        program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allowed[i],
                                                    (unsigned char)(ALLOWED - i), 0);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {.len = (unsigned short)n, .filter = program};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0)
        return; /* a kernel without: the limits above hold all the same */
}
#endif

bool confine(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* of the loop's thread, which started it */
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_NAME, "transform", 0, 0, 0);
    bool ok = close_range(3, ~0u, 0) == 0 && setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0 &&
              setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, 0}) == 0 &&
              /* 0, 1 and 2 are open: no further file can be opened, whatever a program asks for */
              setrlimit(RLIMIT_NOFILE, &(struct rlimit){3, 3}) == 0;
    if (SANITIZED)
        return ok;
    ok = ok && setrlimit(RLIMIT_AS, &(struct rlimit){CHILD_MEMORY, CHILD_MEMORY}) == 0;
#ifdef ARCHITECTURE
    filter_calls();
#endif
    return ok;
}
