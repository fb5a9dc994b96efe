/* list.c - the checks, in the order in which they run. */
#include "check/internal.h"

#define CHECKS(X)                                                                                        \
    X(file, NEEDS_NOTHING, "a shared object of this machine")                                            \
    X(exports, NEEDS_FILE, "one exported symbol, busbar_entry")                                          \
    X(linking, NEEDS_FILE, "no text relocations, executable stack or static TLS")                        \
    X(libraries, NEEDS_FILE, "no library that the hub must not share with it")                           \
    X(imports, NEEDS_FILE, "nothing that changes or ends the process")                                   \
    X(constructors, NEEDS_FILE, "no code that runs on loading")                                          \
    X(load, NEEDS_FILE, "loading it changes nothing in the process")                                     \
    X(descriptor, NEEDS_FILE, "what it declares is whole and well-formed")                               \
    X(schemas, NEEDS_LOAD, "schemas accept the examples and refuse what is not meant")                   \
    X(lifecycle, NEEDS_LOAD, "create and destroy in any order, several at once")                         \
    X(settings, NEEDS_LOAD, "odd settings are taken or refused, with a reason")                          \
    X(threads, NEEDS_LOAD, "host functions only where they belong; steps on several threads")            \
    X(steps, NEEDS_LOAD, "every answer of the service, however bad, leads to an end")                    \
    X(deadline, NEEDS_LOAD, "steps end when the time is over and when nobody waits")                     \
    X(determinism, NEEDS_LOAD, "the same input gives the same request")                                  \
    X(webhooks, NEEDS_LOAD, "no request that the service did not sign becomes an event, and samples do") \
    X(sessions, NEEDS_LOAD, "sessions open, run, close, and come back when they are to")                 \
    X(contents, NEEDS_LOAD, "files go whole to where they are said to go, and on after a break")         \
    X(abandons, NEEDS_LOAD, "calls that are given up have the service told, or nothing")                 \
    X(faults, NEEDS_LOAD, "each host function failing, one after the other")                             \
    X(leaks, NEEDS_LOAD, "200 lives leave no memory, descriptors or threads behind")

#define DEFINE(name, needs, about) {#name, about, needs, check_##name},
#define NAME(name, needs, about) #name,

const check_def check_list[] = {CHECKS(DEFINE){NULL, NULL, NEEDS_NOTHING, NULL}};
const char *const check_names[] = {CHECKS(NAME) NULL};
