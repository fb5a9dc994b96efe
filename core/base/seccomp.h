/* seccomp.h - system calls that this process gives up for good, with all its threads, those that it starts
 * later and those that run already. */
#ifndef BASE_SECCOMP_H
#define BASE_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>

/* A call, and where `checked`, only with this first argument (its low 32 bits). */
typedef struct seccomp_call {
    int number;
    bool checked;
    unsigned first;
} seccomp_call;

/* Refused by its arguments (their low 32 bits). */
typedef struct seccomp_check {
    int number;
    unsigned argument;                                      /* which one, from 0 */
    enum { SECCOMP_IF, SECCOMP_UNLESS, SECCOMP_BITS } when; /* it is `value`; is not; has a bit of it */
    unsigned value;
} seccomp_check;

/* From here on only these; all others fail with EPERM, which libc takes as it takes any failure. After
 * PR_SET_NO_NEW_PRIVS. False: this kernel or machine has no filters. */
bool seccomp_allow(const seccomp_call *calls, size_t n);
/* From here on all but these, and those that `checks` refuse, which fail with EPERM; and no new processes,
 * only threads. */
bool seccomp_refuse(const int *calls, size_t n, const seccomp_check *checks, size_t check_count);

#endif
