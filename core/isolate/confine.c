/* confine.c - what the process of a connector gives up. */
#include "isolate/child.h"

#include "base/sanitized.h"
#include "base/seccomp.h"

#include <asm/sockios.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES 1024u /* beside the loops' sockets: what the dynamic linker and sessions open */

static bool limit(int what, rlim_t value) {
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)what, &now) == 0 && now.rlim_max < value)
        value = now.rlim_max;
    return setrlimit((__rlimit_resource_t)what, &(struct rlimit){value, value}) == 0;
}

bool confine_begin(unsigned loops) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* of the supervisor's thread */
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_NAME, "connector", 0, 0, 0);
    return close_range(CHILD_FIRST_LOOP + loops, ~0u, 0) == 0 && limit(RLIMIT_CORE, 0) &&
           limit(RLIMIT_NOFILE, CHILD_FIRST_LOOP + loops + FILES);
}

/* Nothing that starts or touches another process, gains rights, changes the system, or opens ways around a
 * filter. */
static const int refused[] = {
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kill,
    SYS_tkill,
    SYS_pidfd_send_signal,
    SYS_pidfd_open,
    SYS_pidfd_getfd,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_mount,
    SYS_umount2,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsmount,
    SYS_fsconfig,
    SYS_mount_setattr,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setfsuid,
    SYS_setfsgid,
    SYS_setgroups,
    SYS_capset,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_quotactl,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_adjtimex,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_syslog,
    SYS_vhangup,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_personality,
    SYS_setpriority,
    SYS_sched_setscheduler,
    SYS_sched_setattr,
    SYS_migrate_pages,
    SYS_move_pages,
    SYS_prlimit64,
    SYS_setrlimit,
    SYS_fanotify_init,
    SYS_prctl,
#ifdef SYS_fork
    SYS_fork,
    SYS_vfork,
#endif
};

/* Of a connector that will only calculate: what it is loaded with may read files, no more. */
static const int changing[] = {
    SYS_socket,    SYS_connect,     SYS_bind,         SYS_openat2,      SYS_unlinkat, SYS_renameat2,
    SYS_mkdirat,   SYS_linkat,      SYS_symlinkat,    SYS_mknodat,      SYS_fchmod,   SYS_fchmodat,
    SYS_fchown,    SYS_fchownat,    SYS_truncate,     SYS_utimensat,    SYS_setxattr, SYS_lsetxattr,
    SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr,
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_unlink /* and the other calls of old, which newer machines do without */
    SYS_unlink,    SYS_rename,      SYS_mkdir,        SYS_rmdir,        SYS_link,     SYS_symlink,
    SYS_mknod,     SYS_chmod,       SYS_chown,        SYS_lchown,       SYS_creat,    SYS_utime,
    SYS_utimes,    SYS_futimesat,
#endif
};

#define TO_CHANGE (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)
#define REFUSED_MAX (sizeof refused / sizeof refused[0] + sizeof changing / sizeof changing[0])

static bool refuse(bool wide) {
    const seccomp_check checks[] = {
        {SYS_tgkill, 0, SECCOMP_UNLESS, (unsigned)getpid()}, /* abort() */
        /* the kernel would send signals to others in this one's name */
        {SYS_fcntl, 1, SECCOMP_IF, F_SETOWN},
        {SYS_fcntl, 1, SECCOMP_IF, F_SETOWN_EX},
        {SYS_ioctl, 1, SECCOMP_IF, FIOSETOWN},
        {SYS_ioctl, 1, SECCOMP_IF, SIOCSPGRP},
        {SYS_openat, 2, SECCOMP_BITS, TO_CHANGE},
#ifdef SYS_open
        {SYS_open, 1, SECCOMP_BITS, TO_CHANGE},
#endif
    };
    size_t n = sizeof refused / sizeof refused[0], all = sizeof checks / sizeof checks[0];
    int calls[REFUSED_MAX];
    memcpy(calls, refused, sizeof refused);
    memcpy(calls + n, changing, sizeof changing);
    return wide ? seccomp_refuse(calls, n, checks, 5) : seccomp_refuse(calls, REFUSED_MAX, checks, all);
}

/* Not under sanitizers, which map terabytes and make calls of their own. */
bool confine_load(uint64_t memory, bool wide, bool *filtered) {
    *filtered = SANITIZED;
    if (SANITIZED)
        return true;
    if (memory != 0 && !limit(RLIMIT_AS, memory))
        return false;
    *filtered = refuse(wide);
    return true;
}

bool confine_strict(void) {
    const seccomp_call allowed[] = {
        {.number = SYS_read},
        {.number = SYS_write},
        {.number = SYS_recvfrom},
        {.number = SYS_sendto},
        {.number = SYS_epoll_wait},
        {.number = SYS_epoll_pwait},
        {.number = SYS_epoll_ctl},
        {.number = SYS_futex},
        {.number = SYS_mmap},
        {.number = SYS_munmap},
        {.number = SYS_mremap},
        {.number = SYS_mprotect},
        {.number = SYS_madvise},
        {.number = SYS_brk},
        {.number = SYS_clock_gettime},
        {.number = SYS_clock_nanosleep},
        {.number = SYS_nanosleep},
        {.number = SYS_gettimeofday},
        {.number = SYS_getrandom},
        {.number = SYS_getpid},
        {.number = SYS_gettid},
        {.number = SYS_sched_yield},
        {.number = SYS_close},
        {.number = SYS_rt_sigprocmask},
        {.number = SYS_rt_sigaction},
        {.number = SYS_rt_sigreturn},
        {.number = SYS_restart_syscall},
        {.number = SYS_sysinfo},
        {.number = SYS_getrusage},
        {.number = SYS_set_robust_list}, /* libc's, in a thread that has just been started */
        {.number = SYS_rseq},
        {.number = SYS_exit},
        {.number = SYS_exit_group},
        {.number = SYS_tgkill, .checked = true, .first = (unsigned)getpid()}, /* abort() */
#ifdef SYS_time
        {.number = SYS_time},
#endif
    };
    return SANITIZED || seccomp_allow(allowed, sizeof allowed / sizeof allowed[0]);
}
