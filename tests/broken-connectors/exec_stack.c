/* Linked with an executable stack. */
#include "sound.h"
