#include "plugin/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int spawn(child *c, const char *program, const char *word, int in, int out) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    /* Sent to all processes of the hub, by a terminal, killall or a service manager, these are the hub's
     * alone: a connector that is being tried would seem to have crashed. The hub ends a child by SIGKILL. */
    sigset_t blocked, defaults;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGHUP);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &blocked);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    char name[] = "busbar", argument[32] = "";
    strncpy(argument, word, sizeof argument - 1);
    char *argv[] = {name, argument, NULL};
    int error = posix_spawn(&c->pid, program, &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return error;
}

bool child_start(child *c, const char *program, const char *word) {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0)
        return false;
    if (pipe2(out, O_CLOEXEC) != 0) {
        close(in[0]);
        close(in[1]);
        return false;
    }
    int error = spawn(c, program, word, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    c->to = in[1];
    c->from = out[0];
    if (error != 0) {
        close(c->to);
        close(c->from);
        errno = error;
    }
    return error == 0;
}

void child_tell(child *c, bb_str text) {
    while (text.len > 0) {
        ssize_t n = write(c->to, text.ptr, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break; /* it has ended: its silence says so */
        text = str_of(text.ptr + n, text.len - (size_t)n);
    }
    close(c->to);
}

int child_end(child *c, bool kill_it) {
    if (kill_it)
        kill(c->pid, SIGKILL);
    close(c->from);
    int status = 0;
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}
