/* One byte behind the state. */
#define IN_START ((volatile char *)call->state)[20] = 1;
#include "sound.h"
