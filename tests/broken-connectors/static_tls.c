/* Thread-local storage that has to be there when the process starts. */
static _Thread_local __attribute__((tls_model("initial-exec"))) volatile int steps;
#define IN_START steps++;
#include "sound.h"
