/* Linked with libcurl. */
#include "sound.h"
