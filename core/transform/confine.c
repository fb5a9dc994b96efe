#include "transform/confine.h"

#include "base/sanitized.h"
#include "base/seccomp.h"

#include "transform/frame.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sanitizers map terabytes and make calls of their own: there the hub limits the memory by their options
 * (worker.c). */

/* Memory, time, the socket, and the end. A program that finds a hole in libjq can neither open, start nor
 * signal anything. */
static const seccomp_call allowed[] = {
    {.number = SYS_read},
    {.number = SYS_write},
    {.number = SYS_ppoll},
    {.number = SYS_mmap},
    {.number = SYS_munmap},
    {.number = SYS_mremap},
    {.number = SYS_brk},
    {.number = SYS_madvise},
    {.number = SYS_mprotect},
    {.number = SYS_futex},
    {.number = SYS_getrandom},
    {.number = SYS_sysinfo},
    {.number = SYS_close},
    {.number = SYS_clock_gettime},
    {.number = SYS_gettimeofday},
    {.number = SYS_exit},
    {.number = SYS_exit_group},
    {.number = SYS_gettid},
    {.number = SYS_rt_sigprocmask},
    {.number = SYS_restart_syscall},
    {.number = SYS_rt_sigreturn},
#ifdef SYS_poll
    {.number = SYS_poll},
#endif
#ifdef SYS_time
    {.number = SYS_time},
#endif
};

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
    seccomp_allow(allowed, sizeof allowed / sizeof allowed[0]); /* a kernel without: the limits hold */
    return ok;
}
