/* create writes to where nothing is. */
#define IN_CREATE *(volatile int *)8 = 1;
#include "sound.h"
