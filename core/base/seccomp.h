/* seccomp.h - system calls that this process gives up for good, with all threads it starts later. */
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

/* From here on only these; all others fail with EPERM, which libc takes as it takes any failure. After
 * PR_SET_NO_NEW_PRIVS. False: this kernel or machine has no filters. */
bool seccomp_allow(const seccomp_call *calls, size_t n);
/* From here on all but these, which fail with EPERM; and no new processes, only threads. */
bool seccomp_refuse(const int *calls, size_t n);

#endif
